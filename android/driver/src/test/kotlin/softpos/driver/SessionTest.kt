package softpos.driver

import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.Ending
import softpos.core.Method
import softpos.core.PaymentState
import softpos.core.SandboxHost
import softpos.core.SoftPosException
import softpos.core.Step
import softpos.core.Terminal
import softpos.core.sandboxBreak

/** How a session begins, ends, breaks and goes on. */
class SessionTest {
    @Test
    fun `a till goes on from its folder after it was closed in the middle`() = story {
        val (paid, _) = pay("4", "visa-approved")
        host.setFaults("drop-after@any:always")
        reader.hold(wallet.card("visa-approved"))
        val open = start("6", Method.CARD)
        booked(open, host)
        till.close()
        reader.hold(null)
        host.setFaults("off")
        openTill()
        rest()
        balanced(paid, open)
    }

    @Test
    fun `a till goes on from its folder after its process was killed in the middle`() = shop {
        val process = TillProcess(this)
        val paid = process.line()
        host.setFaults("drop-after@any:always")
        process.go()
        val open = process.line()
        booked(open, host)
        expect<SoftPosException.StoreInUse> { openTill() }
        process.kill()
        host.setFaults("off")
        openTill()
        rest()
        balanced(paid, open)
        start("1", Method.CASH)
        assertEquals(PaymentState.APPROVED, ended())
    }

    @Test
    fun `whoever waits when the till is closed is told, and so is every later call`() = story {
        start("1", Method.CARD)
        coroutineScope {
            val waiting = async { runCatching { till.awaitEnding() } }
            delay(50.milliseconds)
            withTimeout(15.seconds) { listOf(async { till.close() }, async { till.close() }).awaitAll() }
            assertTrue(till.state.value.closed)
            val outcome = waiting.await()
            assertTrue(outcome.isSuccess || outcome.exceptionOrNull() is SoftPosException.Closed, "$outcome")
        }
        expect<SoftPosException.Closed> { till.status() }
        expect<SoftPosException.Closed> { start("1", Method.CASH) }
        expect<SoftPosException.Closed> { till.cancel() }
        till.close()
    }

    @Test
    fun `a task that waits for the end can be cancelled, and the payment goes on`() = story {
        start("1", Method.CARD)
        coroutineScope {
            val waiting = async { till.awaitEnding() }
            delay(20.milliseconds)
            waiting.cancel()
            expect<CancellationException> { waiting.await() }
        }
        reader.hold(wallet.card("visa-approved"))
        assertEquals(PaymentState.APPROVED, ended())
    }

    @Test
    fun `two who begin at once - one payment, one refusal`() = story {
        val outcomes = coroutineScope {
            List(2) { async(Dispatchers.IO) { runCatching { start("1", Method.CARD) } } }.awaitAll()
        }
        assertEquals(1, outcomes.count { it.isSuccess })
        assertTrue(outcomes.first { it.isFailure }.exceptionOrNull() is SoftPosException.NotReady)
        till.cancel()
        assertTrue(till.awaitEnding() is Ending.NotStarted)
    }

    @Test
    fun `two loops that take steps share them, and none is lost`() = shop {
        Terminal.open(config, keys(), Lines()).use { terminal ->
            coroutineScope {
                val loops = List(2) { async(Dispatchers.IO) { endings(terminal) } }
                terminal.activate(host.activationText())
                while (!terminal.status().activated) delay(10.milliseconds)
                terminal.shutdown()
                assertEquals(listOf<Ending>(Ending.Activated), loops.awaitAll().flatten())
            }
        }
    }

    @Test
    fun `a folder has one till`() = story {
        val error = expect<SoftPosException.StoreInUse> { openTill() }
        assertEquals("store_in_use", error.fault.code)
        assertTrue(error.fault.textZh.isNotEmpty() && error.fault.textEn.isNotEmpty())
        assertEquals(PaymentState.APPROVED, pay("1", "visa-approved").second)
    }

    @Test
    fun `a defect inside says where, ends the session, and the folder opens again`() = story {
        val error = expect<SoftPosException.Closed> { sandboxBreak(till.terminal) }
        assertEquals("session_poisoned", error.fault.code)
        assertTrue("never leaves" !in "$error ${error.message}")
        till.state.first { it.closed }
        till.close()
        openTill()
        assertTrue(till.status().activated)
    }

    /** Takes steps to the end, and keeps what ended. */
    private suspend fun endings(terminal: Terminal): List<Ending> {
        val endings = mutableListOf<Ending>()
        while (true) {
            when (val step = terminal.nextStep()) {
                is Step.Finished -> endings += step.ending
                is Step.Closed -> return endings
                else -> continue
            }
        }
    }

    /** Waits until the host has booked the payment. */
    private suspend fun booked(key: String, host: SandboxHost) {
        while (host.timesBooked(key) == 0u) delay(10.milliseconds)
    }

    /** One payment of 4 is approved, one of 6 is approved or undone, and the host agrees. */
    private suspend fun Shop.balanced(paid: String, open: String) {
        assertEquals(PaymentState.APPROVED, till.payment(paid).state)
        val state = till.payment(open).state
        assertTrue(state == PaymentState.APPROVED || state == PaymentState.REVERSED, "$state")
        assertEquals(if (state == PaymentState.APPROVED) 1_000L else 400L, host.bookedMinor())
    }
}
