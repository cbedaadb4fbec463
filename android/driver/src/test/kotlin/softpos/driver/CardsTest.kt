package softpos.driver

import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.CardPrompt
import softpos.core.Ending
import softpos.core.Method
import softpos.core.NotStarted
import softpos.core.PaymentState
import softpos.core.Screen

/** What cards of every kind ask of the customer, as a shell hears of it. */
class CardsTest {
    @Test
    fun `a phone that wants its owner is presented again for the same payment`() = story {
        coroutineScope {
            val told = async { till.events.toList() }
            for (card in SCHEMES.keys) {
                // UnionPay's kernel has no such message.
                val asks = if (card == "unionpay") CardPrompt.PRESENT_AGAIN else CardPrompt.SEE_PHONE
                again("$card-see-phone", asks)
            }
            assertEquals(SCHEMES.size * 1_234L, host.bookedMinor())
            till.close()
            val said = told.await().filterIsInstance<TillEvent.Say>().map { it.text }
            assertEquals(SCHEMES.size - 1, said.count { "your phone" in it }, said.toString())
        }
    }

    @Test
    fun `a card that was taken away, or not alone, is asked for again for the same payment`() = story {
        again("visa-pulled", CardPrompt.PRESENT_AGAIN)
        again("two-cards", CardPrompt.ONE_CARD_ONLY)
        assertEquals(2, till.history().size)
        assertEquals(2 * 1_234L, host.bookedMinor())
    }

    @Test
    fun `the cards of every scheme pay, plastic and phone`() = story {
        for ((card, scheme) in SCHEMES) for (kind in listOf("approved", "phone")) {
            val (key, state) = pay("12.34", "$card-$kind")
            assertEquals(PaymentState.APPROVED, state, "$card-$kind")
            val payment = till.payment(key)
            assertEquals(scheme, payment.scheme)
            assertTrue(Regex("\\d{6}\\*+\\d{4}").matches(checkNotNull(payment.maskedPan)), payment.maskedPan)
        }
        assertEquals(SCHEMES.size * 2 * 1_234L, host.bookedMinor())
    }

    @Test
    fun `a card that approves by itself needs no network, and the host hears of it later`() = story {
        till.setLink(false)
        for (card in SCHEMES.keys) {
            val (key, state) = pay("5", "$card-offline")
            assertEquals(PaymentState.APPROVED, state, card)
            assertTrue(till.payment(key).queued)
        }
        assertEquals(0L, host.bookedMinor())
        till.setLink(true)
        rest()
        assertEquals(SCHEMES.size * 500L, host.bookedMinor())
    }

    @Test
    fun `a card that declines by itself is kept, and the host never hears of it`() = story {
        for (card in SCHEMES.keys) {
            val (key, state) = pay("3", "$card-refused")
            assertEquals(PaymentState.DECLINED, state, card)
            assertEquals(PaymentState.DECLINED, till.payment(key).state, card)
        }
        assertEquals(0L, host.bookedMinor())
    }

    @Test
    fun `a card that always wants its PIN gets it`() = story {
        for (card in SCHEMES.keys) {
            reader.hold(wallet.card("$card-pin"))
            // Mastercard's reader has a PIN to offer above its limit only.
            start(if (card == "mastercard") "1000.01" else "1", Method.CARD)
            till.state.first { it.pinWanted }
            till.pinEntry().use { pin ->
                for (digit in 1..4) pin.pushDigit(digit.toUByte())
                pin.submit()
            }
            assertEquals(PaymentState.APPROVED, ended(), card)
            reader.hold(null)
        }
    }

    @Test
    fun `what the issuer declines is declined with its code`() = story {
        val codes = mapOf("declined" to "05", "expired" to "54", "insufficient" to "51")
        for (card in SCHEMES.keys) for ((kind, code) in codes) {
            val (key, state) = pay("3", "$card-$kind")
            assertEquals(PaymentState.DECLINED, state, "$card-$kind")
            assertEquals(code, till.payment(key).de39, "$card-$kind")
        }
        assertEquals(0L, host.bookedMinor())
    }

    @Test
    fun `a card that cannot pay ends with its reason and leaves nothing, and another card pays`() = story {
        for (card in SCHEMES.keys.map { "$it-blocked" } + "unsupported") {
            reader.hold(wallet.card(card))
            start("3", Method.CARD)
            val ending = till.awaitEnding()
            assertEquals(NotStarted.CARD_NOT_ACCEPTED, (ending as Ending.NotStarted).reason, card)
        }
        assertEquals(0L, host.bookedMinor())
        assertEquals(PaymentState.APPROVED, pay("3", "mastercard-approved").second)
        assertEquals(300L, host.bookedMinor())
    }

    /** A card that is asked for a second time, and then pays what was asked at first. */
    private suspend fun Shop.again(card: String, asks: CardPrompt) {
        reader.tap(wallet.card(card))
        val key = start("12.34", Method.CARD)
        screen { it is Screen.Card && it.asks == asks }
        val view = checkNotNull(till.state.value.view)
        assertEquals(key, view.key, card)
        assertEquals(1_234L, view.amount?.amountMinor, card)
        reader.tap(wallet.card(card))
        assertEquals(PaymentState.APPROVED, ended(), card)
        assertEquals(1_234L, till.payment(key).amount.amountMinor)
    }

    private companion object {
        /** What the cards' names begin with, and their schemes. */
        val SCHEMES = listOf("visa", "mastercard", "unionpay", "jcb", "discover").associateWith { it } +
            ("amex" to "american_express") + ("kernel8" to "mastercard")
    }
}
