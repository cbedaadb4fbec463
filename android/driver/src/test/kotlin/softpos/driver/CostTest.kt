package softpos.driver

import java.util.Locale
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.CardStep
import softpos.core.Ending
import softpos.core.Language
import softpos.core.Method
import softpos.core.PaymentRequest
import softpos.core.PaymentState
import softpos.core.Step
import softpos.core.Terminal
import softpos.core.TerminalConfig
import softpos.core.amountFromText

/** What it costs to cross into the core and back. Printed, and compared with nothing: machines differ. */
class CostTest {
    @Test
    fun `what a call, a step and the crossings of a payment cost`() = Shop().use { shop ->
        val config = TerminalConfig(shop.dir.resolve("till").toString(), Language.EN, "test")
        Terminal.open(config, shop.keys(), Lines()).use { terminal ->
            runBlocking { withTimeout(300.seconds) { measure(terminal, shop) } }
            terminal.shutdown()
        }
    }

    private suspend fun measure(terminal: Terminal, shop: Shop) {
        terminal.activate(shop.host.activationText())
        finished(terminal)
        // The first rounds are the interpreter's.
        repeat(WARM) { terminal.cardLost() }
        val call = each(CALLS) { repeat(CALLS) { terminal.cardLost() } }
        steps(terminal)
        val step = steps(terminal)

        val (calls, steps) = crossings(terminal, shop)
        println("a synchronous call: ${us(call)} us, a ready step: ${us(step)} us")
        println("a payment's crossings: $calls calls and $steps steps, ${us(call * calls + step * steps)} us")
    }

    /** What a step costs that is there already, in nanoseconds. */
    private suspend fun steps(terminal: Terminal): Double {
        repeat(STEPS) { number -> terminal.setLink(number % 2 == 1) }
        return each(STEPS) { repeat(STEPS) { assertTrue(terminal.nextStep() is Step.Notice) } }
    }

    /** Takes one payment, and counts how often it crosses. */
    private suspend fun crossings(terminal: Terminal, shop: Shop): Pair<Int, Int> {
        shop.reader.hold(shop.wallet.card("visa-approved"))
        terminal.start(PaymentRequest(amountFromText("1", "CNY"), Method.CARD, Language.EN))
        assertEquals(Presence.CARD, shop.reader.waitForCard(1.seconds))
        var calls = 2
        var next = terminal.cardPresent()
        while (next is CardStep.Transmit) {
            next = direct(shop.reader.transceive(next.capdu)) { terminal.cardReplied(it, 1_000u) }
            calls += 1
        }
        val (ending, steps) = finished(terminal)
        assertEquals(PaymentState.APPROVED, (ending as Ending.Payment).state)
        return calls to steps
    }

    /** Takes steps until something has ended, and counts them. */
    private suspend fun finished(terminal: Terminal): Pair<Ending, Int> {
        var steps = 0
        while (true) {
            steps += 1
            val step = terminal.nextStep()
            if (step is Step.Finished) return step.ending to steps
        }
    }

    private inline fun each(count: Int, work: () -> Unit): Double {
        val started = System.nanoTime()
        work()
        return (System.nanoTime() - started).toDouble() / count
    }

    private fun us(nanoseconds: Double) = String.format(Locale.ROOT, "%.1f", nanoseconds / 1_000)

    private companion object {
        const val WARM = 5_000
        const val CALLS = 5_000
        const val STEPS = 500
    }
}
