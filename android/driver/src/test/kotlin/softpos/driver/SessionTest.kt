package softpos.driver

import java.nio.ByteBuffer
import java.nio.file.Files
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.CardStep
import softpos.core.Ending
import softpos.core.Language
import softpos.core.LogLine
import softpos.core.LogSink
import softpos.core.Method
import softpos.core.PaymentState
import softpos.core.SecureHardware
import softpos.core.SoftPosException
import softpos.core.Step
import softpos.core.Terminal
import softpos.core.TerminalConfig
import softpos.core.amountFromText
import softpos.core.sandboxBreak

/** How a session begins, ends, breaks and goes on, and what wrong calls get. */
class SessionTest {
    @Test
    fun `a till goes on from its folder after it was closed in the middle`() = story {
        val (paid, _) = pay("4", "visa-approved")
        host.setFaults("drop-after@any:always")
        reader.hold(wallet.card("visa-approved"))
        val open = start("6", Method.CARD)
        while (host.timesBooked(open) == 0u) delay(10.milliseconds)
        till.close()
        reader.hold(null)
        host.setFaults("off")
        till = openTill()
        rest()
        assertEquals(PaymentState.APPROVED, till.payment(paid).state)
        val state = till.payment(open).state
        val expected = if (state == PaymentState.APPROVED) 1_000L else 400L
        assertTrue(state == PaymentState.APPROVED || state == PaymentState.REVERSED, "$state")
        assertEquals(expected, host.bookedMinor())
    }

    @Test
    fun `whoever waits when the till is closed is told, and so is every later call`() = story {
        coroutineScope {
            val waiting = async { runCatching { till.awaitEnding() } }
            start("1", Method.CARD)
            delay(50.milliseconds)
            withTimeout(15.seconds) { listOf(async { till.close() }, async { till.close() }).awaitAll() }
            assertTrue(till.state.value.closed)
            val outcome = waiting.await()
            assertTrue(outcome.isSuccess || outcome.exceptionOrNull() is SoftPosException.Closed, "$outcome")
        }
        expect<SoftPosException.Closed> { till.status() }
        expect<SoftPosException.Closed> { start("1", Method.CASH) }
        till.close()
    }

    @Test
    fun `two who begin at once - one payment, one refusal`() = story {
        reader.hold(null)
        val outcomes = coroutineScope {
            List(2) { async(Dispatchers.IO) { runCatching { start("1", Method.CARD) } } }.awaitAll()
        }
        assertEquals(1, outcomes.count { it.isSuccess })
        assertTrue(outcomes.first { it.isFailure }.exceptionOrNull() is SoftPosException.NotReady)
        till.cancel()
        till.awaitEnding()
    }

    @Test
    fun `a folder has one till`() = story {
        val error = expect<SoftPosException.StoreInUse> { openTill() }
        assertEquals("store_in_use", error.fault.code)
        assertTrue(error.fault.textZh.isNotEmpty() && error.fault.textEn.isNotEmpty())
    }

    @Test
    fun `a defect inside says where, ends the session, and the folder opens again`() = Shop().use { shop ->
        runBlocking {
            shop.activate()
            shop.till.close()
            val config = TerminalConfig(shop.dir.resolve("till").toString(), Language.EN, "test")
            val terminal = Terminal.open(config, shop.keys(), Lines())
            val error = expect<SoftPosException.Closed> { sandboxBreak(terminal) }
            assertEquals("session_poisoned", error.fault.code)
            assertTrue("never leaves" !in "$error ${error.message}")
            withTimeout(15.seconds) { while (terminal.nextStep() !is Step.Closed) Unit }
            terminal.shutdown()
            terminal.close()
            shop.till = shop.openTill()
            assertTrue(shop.till.status().activated)
        }
    }

    @Test
    fun `hardware that throws is an error, a log that throws costs lines`() = runBlocking {
        Shop().use { shop ->
            val real = shop.keys()
            val broken = object : SecureHardware by real {
                override fun wrap(secret: ByteArray): ByteArray = throw IllegalArgumentException("4761739001010119")
            }
            val error = expect<SoftPosException.NotReady> { shop.openTill(broken) }
            assertEquals("secure_hardware", error.fault.code)
            assertTrue("4761739001010119" !in error.toString() + error.message)
            val deaf = object : LogSink {
                override fun write(line: LogLine) = throw IllegalStateException("no disk")
            }
            shop.till = shop.openTill(log = deaf)
            shop.till.activate(shop.host.activationText())
            assertEquals(Ending.Activated, shop.till.awaitEnding())
        }
    }

    @Test
    fun `hardware that blocks holds nobody else up`() = runBlocking {
        Shop().use { shop ->
            val real = shop.keys()
            val slow = object : SecureHardware by real {
                override fun sign(digest: ByteArray): ByteArray {
                    Thread.sleep(300)
                    return real.sign(digest)
                }
            }
            shop.till = shop.openTill(slow)
            shop.till.activate(shop.host.activationText())
            withTimeout(250.milliseconds) { repeat(20) { shop.till.status() } }
            assertEquals(Ending.Activated, shop.till.awaitEnding())
        }
    }

    @Test
    fun `wrong calls get typed errors and change nothing`() = story {
        assertEquals("amount_zero", expect<SoftPosException.InvalidInput> { amountFromText("0", "CNY") }.fault.code)
        expect<SoftPosException.InvalidInput> { till.activate("softpos:nothing") }
        expect<SoftPosException.InvalidInput> { till.payment("no key") }
        expect<SoftPosException.InvalidInput> { till.pinEntry() }
        expect<SoftPosException.InvalidInput> { till.dayCloseSlip(7u, softpos.core.Paper(null, softpos.core.Columns.WIDE)) }
        expect<SoftPosException.InvalidInput> { wallet.card("nobody") }
        till.cancel()
        val dir = Files.createTempDirectory(dir, "other")
        Terminal.open(TerminalConfig(dir.toString(), Language.ZH, "test"), keys(), Lines()).use { terminal ->
            for (size in listOf(0, 2, 70_000)) {
                val bytes = ByteBuffer.allocateDirect(size)
                assertEquals(CardStep.Done, terminal.cardReplied(bytes, UInt.MAX_VALUE))
            }
            expect<SoftPosException.NotReady> {
                terminal.settle()
            }
            terminal.shutdown()
        }
        assertEquals(PaymentState.APPROVED, pay("1", "visa-approved").second)
    }
}

/** The exception that an action throws; anything else fails the test. */
suspend inline fun <reified T : Throwable> expect(crossinline action: suspend () -> Unit): T {
    val thrown = runCatching { action() }.exceptionOrNull()
    return thrown as? T ?: throw AssertionError("expected ${T::class.simpleName}, got $thrown", thrown)
}
