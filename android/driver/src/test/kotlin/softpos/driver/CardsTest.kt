package softpos.driver

import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.toList
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.Ending
import softpos.core.Method
import softpos.core.NotStarted
import softpos.core.PaymentState

/** What cards of every kind ask of the customer, as a shell hears of it. */
class CardsTest {
    @Test
    fun `a phone that wants its owner is presented again for the same payment`() = story {
        coroutineScope {
            val told = async { till.events.toList() }
            for (phone in listOf("visa-see-phone", "mastercard-see-phone")) {
                val (key, state) = pay("12.34", phone)
                assertEquals(PaymentState.APPROVED, state, phone)
                assertEquals(1_234L, till.payment(key).amount.amountMinor)
            }
            assertEquals(2 * 1_234L, host.bookedMinor())
            till.close()
            val said = told.await().filterIsInstance<TillEvent.Say>().map { it.text }
            assertEquals(2, said.count { "your phone" in it }, said.toString())
        }
    }

    @Test
    fun `a card that approves by itself needs no network, and the host hears of it later`() = story {
        till.setLink(false)
        for (card in listOf("visa-offline", "mastercard-offline")) {
            val (key, state) = pay("5", card)
            assertEquals(PaymentState.APPROVED, state, card)
            assertTrue(till.payment(key).queued)
        }
        assertEquals(0L, host.bookedMinor())
        till.setLink(true)
        rest()
        assertEquals(1_000L, host.bookedMinor())
    }

    @Test
    fun `a card that declines by itself is kept, and the host never hears of it`() = story {
        val (key, state) = pay("3", "visa-refused")
        assertEquals(PaymentState.DECLINED, state)
        assertEquals(PaymentState.DECLINED, till.payment(key).state)
        assertEquals(0L, host.bookedMinor())
    }

    @Test
    fun `a card that cannot pay ends with its reason and leaves nothing`() = story {
        for ((card, reason) in listOf(
            "visa-blocked" to NotStarted.CARD_NOT_ACCEPTED,
            "unsupported" to NotStarted.CARD_NOT_ACCEPTED,
        )) {
            reader.hold(wallet.card(card))
            start("3", Method.CARD)
            val ending = till.awaitEnding()
            assertEquals(reason, (ending as Ending.NotStarted).reason, card)
        }
        assertEquals(0L, host.bookedMinor())
    }
}
