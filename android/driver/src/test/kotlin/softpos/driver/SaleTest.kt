package softpos.driver

import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.Columns
import softpos.core.Ending
import softpos.core.HistoryQuery
import softpos.core.Language
import softpos.core.Method
import softpos.core.Paper
import softpos.core.PaymentState
import softpos.core.RefundRequest
import softpos.core.Screen
import softpos.core.SlipCopy
import softpos.core.SlipFormat
import softpos.core.amountFromText
import softpos.core.amountText

/** The stories of a sale, from the first tap to the day close. */
class SaleTest {
    @Test
    fun `cards are approved, declined, pulled away and held two at once`() = story {
        for ((card, state) in listOf(
            "visa-approved" to PaymentState.APPROVED,
            "visa-declined" to PaymentState.DECLINED,
            "visa-pulled" to PaymentState.APPROVED,
            "two-cards" to PaymentState.APPROVED,
        )) {
            val (key, ended) = pay("12.34", card)
            assertEquals(state, ended, card)
            val payment = till.payment(key)
            assertEquals(state, payment.state)
            assertEquals(1_234L, payment.amount.amountMinor)
            assertEquals("¥12.34", amountText(payment.amount))
        }
        assertEquals(3 * 1_234L, host.bookedMinor())
        assertEquals(1, till.history(HistoryQuery(state = PaymentState.DECLINED)).size)
    }

    @Test
    fun `a PIN goes in digit by digit`() = story {
        reader.hold(wallet.card("visa-pin"))
        start("300", Method.CARD)
        till.state.first { it.pinWanted }
        till.pinEntry().use { pin ->
            for (digit in listOf(1, 2, 3, 4)) pin.pushDigit(digit.toUByte())
            assertEquals(4u, pin.length())
            pin.submit()
        }
        assertEquals(PaymentState.APPROVED, stateOf(till.awaitEnding()))
        assertTrue(!till.state.value.pinWanted)
    }

    @Test
    fun `a customer who gives up at the PIN pad is not charged`() = story {
        reader.hold(wallet.card("visa-pin"))
        start("300", Method.CARD)
        till.state.first { it.pinWanted }
        till.pinEntry().use { it.cancel() }
        till.awaitEnding()
        rest()
        assertEquals(0L, host.bookedMinor())
    }

    @Test
    fun `a code is shown and paid, cash is taken, a slip is printed, a part is given back`() = story {
        val sale = start("5", Method.CODE)
        val code = screen { it is Screen.ShowCode } as Screen.ShowCode
        payCode(code.payload)
        assertEquals(PaymentState.APPROVED, stateOf(till.awaitEnding()))

        val cash = start("2.50", Method.CASH)
        assertEquals(PaymentState.APPROVED, stateOf(till.awaitEnding()))
        val paper = Paper(Language.EN, Columns.NARROW)
        assertTrue("2.50" in till.receipt(cash, SlipCopy.MERCHANT, paper))

        till.refund(RefundRequest(sale, amountFromText("1", "CNY"), Language.EN))
        assertEquals(PaymentState.APPROVED, stateOf(till.awaitEnding()))
        assertEquals(100L, till.payment(sale).refunded.amountMinor)
        assertEquals(650L, host.bookedMinor())

        rest()
        till.settle()
        val settled = (till.awaitEnding() as Ending.Settled).view
        assertTrue(settled.balanced)
        assertTrue("5.00" in till.dayCloseSlip(settled.batch, paper))
    }

    @Test
    fun `a slip comes in every form, and the outcome as a sentence`() = story {
        val key = start("2.50", Method.CASH)
        assertEquals(PaymentState.APPROVED, stateOf(till.awaitEnding()))
        val paper = Paper(Language.EN, Columns.NARROW)
        val begins = mapOf(
            SlipFormat.TEXT to "   ",
            SlipFormat.PNG to "\u0089PNG",
            SlipFormat.ESC_POS to "\u001b@",
            SlipFormat.ESC_POS_UTF8 to "\u001b@",
            SlipFormat.HTML to "<!DOCTYPE html>",
            SlipFormat.PDF to "%PDF-",
        )
        assertEquals(SlipFormat.entries.toSet(), begins.keys)
        for ((format, begin) in begins) {
            val file = till.receiptFile(key, SlipCopy.CARDHOLDER, paper, format)
            assertTrue(file.bytes.toString(Charsets.ISO_8859_1).startsWith(begin), "$format")
            assertEquals("", file.missing)
        }
        val text = till.receiptFile(key, SlipCopy.CARDHOLDER, paper, SlipFormat.TEXT)
        assertEquals(till.receipt(key, SlipCopy.CARDHOLDER, paper), text.bytes.toString(Charsets.UTF_8))
        assertEquals("Cash received, two yuan and fifty fen", till.outcomeSentence(key))
        val open = till.dayCloseFile(till.status().batch, paper, SlipFormat.HTML)
        assertTrue("2.50" in open.bytes.toString(Charsets.UTF_8))
    }

    @Test
    fun `what happens is told in order, and the end completes it`() = story {
        coroutineScope {
            val told = async { till.events.toList() }
            pay("1", "visa-approved")
            till.close()
            val events = told.await()
            assertTrue(events.any { it is TillEvent.Say })
            assertTrue(events.last { it is TillEvent.Ended } is TillEvent.Ended)
        }
    }

    @Test
    fun `a lost answer is resolved and booked once`() = story {
        host.setFaults("drop-after")
        val (key, state) = pay("9.99", "visa-approved")
        assertEquals(PaymentState.APPROVED, state)
        assertEquals(1u, host.timesBooked(key))
        assertEquals(999L, host.bookedMinor())
    }

    @Test
    fun `a till that is offline stores, and drains when the network is back`() = story {
        till.setLink(false)
        val (key, state) = pay("3", "visa-approved")
        assertEquals(PaymentState.STORED, state)
        assertEquals(listOf(key), till.queue().map { it.key })
        assertEquals(0L, host.bookedMinor())
        till.setLink(true)
        till.forceSync()
        rest()
        assertEquals(PaymentState.APPROVED, till.payment(key).state)
        assertEquals(300L, host.bookedMinor())
    }

    @Test
    fun `cancelled at every step, the money is where the till says`() = story {
        var charged = 0L
        for (pause in listOf(0, 5, 10, 20, 40, 80, 160)) {
            reader.hold(wallet.card("visa-approved"))
            val key = start("1", Method.CARD)
            delay(pause.milliseconds)
            till.cancel()
            till.awaitEnding()
            reader.hold(null)
            rest()
            val payment = till.history().find { it.key == key }
            if (payment?.state == PaymentState.APPROVED) charged += 100
            assertEquals(charged, host.bookedMinor(), "after $pause ms")
        }
        start("1", Method.CODE)
        screen { it is Screen.ShowCode }
        till.cancel()
        till.awaitEnding()
        rest()
        assertEquals(charged, host.bookedMinor())
    }
}
