package softpos.driver

import java.nio.ByteBuffer
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.CardStep
import softpos.core.Columns
import softpos.core.Language
import softpos.core.Method
import softpos.core.MoneyState
import softpos.core.Paper
import softpos.core.PaymentRequest
import softpos.core.PaymentState
import softpos.core.RefundRequest
import softpos.core.SlipCopy
import softpos.core.SoftPosException
import softpos.core.Step
import softpos.core.Terminal
import softpos.core.amountFromText

/** What wrong calls get: typed errors, and nothing changes. */
class InputTest {
    @Test
    fun `what was typed wrongly is said to be so`() = story {
        val stale = "01890a5d-ac96-774b-bcce-b302099a8057"
        assertEquals("amount_zero", fault { amountFromText("0", "CNY") }.code)
        val wrong = listOf(
            call("activation") { till.activate("softpos:nothing") },
            call("empty activation") { till.activate("") },
            call("huge activation") { till.activate("x".repeat(1_000_000)) },
            call("typed activation") { till.activate("", "", "") },
            call("key") { till.payment("no key") },
            call("stale key") { till.payment(stale) },
            call("stale key to refuse") { till.refuseApproval(stale) },
            call("stale key to print") { till.receipt(stale, SLIP, WIDE) },
            call("stale key to give back") { till.refund(RefundRequest(stale, one(), Language.EN)) },
            call("stale notice") { till.paymentNotice(stale) },
            call("huge key") { till.payment("0".repeat(1_000_000)) },
            call("PIN without payment") { till.pinEntry() },
            call("batch") { till.dayCloseSlip(7u, WIDE) },
            call("card") { wallet.card("nobody") },
            call("currency") { amountFromText("1", "XX") },
            call("amount") { amountFromText("1.234", "CNY") },
            call("order") { till.start(order("9".repeat(65))) },
        )
        for ((name, call) in wrong) {
            val said = runCatching { expect<SoftPosException.InvalidInput>(call) }
                .getOrElse { throw AssertionError(name, it) }.fault
            assertTrue(said.textZh.isNotEmpty() && said.textEn.isNotEmpty(), name)
            assertEquals(MoneyState.NOT_MOVED, said.money, name)
        }
        till.cancel()
        assertTrue(till.history().isEmpty())
        assertEquals(PaymentState.APPROVED, pay("1", "visa-approved").second)
    }

    @Test
    fun `what comes before the activation is refused`() = shop {
        openTill()
        val early = listOf<suspend () -> Unit>(
            { start("1", Method.CARD) },
            { start("1", Method.CASH) },
            { till.settle() },
        )
        for (call in early) expect<SoftPosException.NotReady>(call)
        assertEquals(null, till.queuePolicy())
        activate()
    }

    @Test
    fun `what is done twice is done once`() = story {
        till.start(order("7"))
        assertEquals(PaymentState.APPROVED, ended())
        assertEquals("order_in_use", fault { till.start(order("7")) }.code)
        val sale = till.history().single().key
        repeat(2) { till.cancel() }
        till.refund(RefundRequest(sale, one(), Language.EN))
        assertEquals(PaymentState.APPROVED, ended())
        expect<SoftPosException.InvalidInput> { till.refund(RefundRequest(sale, one(), Language.EN)) }
        rest()
        assertEquals(0L, host.bookedMinor())
        val (refused, _) = pay("2", "visa-approved")
        till.refuseApproval(refused)
        while (till.payment(refused).state != PaymentState.REVERSED) delay(10.milliseconds)
        expect<SoftPosException.InvalidInput> { till.refuseApproval(refused) }
        rest()
        assertEquals(0L, host.bookedMinor())
        assertEquals(3, till.history().size)
    }

    @Test
    fun `card events that nobody asked for, empty and huge answers change nothing`() = shop {
        Terminal.open(config, keys(), Lines()).use { terminal ->
            for (size in listOf(0, 1, 2, 70_000, 10_000_000)) {
                assertEquals(CardStep.Done, terminal.cardReplied(ByteBuffer.allocateDirect(size), UInt.MAX_VALUE))
            }
            assertEquals(CardStep.Done, terminal.cardPresent())
            assertEquals(CardStep.Done, terminal.cardCollision())
            assertEquals(CardStep.Done, terminal.cardLost())
            repeat(2) { terminal.shutdown() }
            assertEquals(Step.Closed, terminal.nextStep())
            expect<SoftPosException.Closed> { terminal.cardPresent() }
        }
    }

    @Test
    fun `a PIN pad that is pressed too often, with no digit, after its end, and after the payment's`() = story {
        reader.hold(wallet.card("visa-pin"))
        start("300", Method.CARD)
        till.state.first { it.pinWanted }
        till.pinEntry().use { pin ->
            expect<SoftPosException.InvalidInput> { pin.pushDigit(10u) }
            repeat(20) { runCatching { pin.pushDigit(1u) } }
            assertTrue(pin.length() <= 12u)
            pin.clear()
            assertEquals(0u, pin.length())
            assertEquals("pin_length", fault { pin.submit() }.code)
            for (digit in 1..4) pin.pushDigit(digit.toUByte())
            pin.submit()
            assertEquals("pin_length", fault { pin.submit() }.code)
            assertEquals(PaymentState.APPROVED, ended())
            for (digit in 1..4) pin.pushDigit(digit.toUByte())
            expect<SoftPosException.InvalidInput> { pin.submit() }
            pin.cancel()
        }
        assertEquals(PaymentState.APPROVED, till.history().first().state)
    }

    @Test
    fun `calls from many tasks at once all get an answer`() = story {
        coroutineScope {
            List(64) { number ->
                async(Dispatchers.IO) {
                    when (number % 4) {
                        0 -> till.status()
                        1 -> till.history()
                        2 -> till.queue()
                        else -> till.cancel()
                    }
                }
            }.awaitAll()
        }
        assertEquals(PaymentState.APPROVED, pay("1", "visa-approved").second)
    }

    private fun call(name: String, action: suspend () -> Unit) = name to action

    private fun one() = amountFromText("1", "CNY")

    private fun order(name: String) = PaymentRequest(one(), Method.CASH, Language.EN, name)

    private companion object {
        val SLIP = SlipCopy.MERCHANT
        val WIDE = Paper(null, Columns.WIDE)
    }
}
