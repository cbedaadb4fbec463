package softpos.driver

import java.nio.ByteBuffer
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicLong
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import softpos.core.CardStep
import softpos.core.SoftPosException
import softpos.core.Terminal

/**
 * Carries commands between core and card on a thread of its own: one call to the core for each command, none of them
 * through a coroutine. What to show comes as steps.
 */
internal class CardLoop(private val terminal: Terminal, private val reader: CardReader) {
    private val thread = Executors.newSingleThreadExecutor { task ->
        Thread(task, "softpos-card").apply { isDaemon = true }
    }

    /** Every prompt and every stop makes the rounds before it void. */
    private val round = AtomicLong()

    /** The core asks for a card: the field is off for [fieldOff], then the reader looks for one. */
    fun prompt(fieldOff: Duration) {
        val mine = round.incrementAndGet()
        switchOff()
        thread.execute { run(mine, fieldOff) }
    }

    /** No card is wanted any more. */
    fun stop() {
        round.incrementAndGet()
        switchOff()
    }

    /** Ends the thread; a round that is under way ends by itself. */
    fun close() {
        stop()
        thread.shutdown()
    }

    private fun run(mine: Long, fieldOff: Duration) {
        if (fieldOff.isPositive()) Thread.sleep(fieldOff.inWholeMilliseconds)
        try {
            while (mine == round.get()) {
                val seen = look()
                if (mine != round.get()) return
                when (seen) {
                    Presence.NONE -> continue
                    Presence.CARD -> return exchange(terminal.cardPresent())
                    Presence.COLLISION -> return exchange(terminal.cardCollision())
                }
            }
        } catch (_: SoftPosException) {
            // The session has ended: the driver hears of it by its steps.
        } catch (_: IllegalStateException) {
            // It has ended, and its memory is given back.
        }
    }

    /** One card from its coming to its leaving. If another is wanted, or the same again, a prompt says so. */
    private fun exchange(first: CardStep) {
        var step = first
        while (step is CardStep.Transmit) {
            step = answer(step.capdu)
        }
        switchOff()
    }

    private fun answer(capdu: ByteArray): CardStep {
        val started = System.nanoTime()
        val rapdu = try {
            reader.transceive(capdu)
        } catch (_: Exception) {
            // Whatever a reader throws besides: the card does not answer any more.
            return terminal.cardLost()
        }
        val elapsed = (System.nanoTime() - started) / 1_000
        return direct(rapdu) { terminal.cardReplied(it, elapsed.coerceIn(0, UInt.MAX_VALUE.toLong()).toUInt()) }
    }

    /** A reader that fails has seen no card; its next look comes at the same pace. */
    private fun look(): Presence = try {
        reader.waitForCard(LOOK)
    } catch (_: Exception) {
        Thread.sleep(LOOK.inWholeMilliseconds)
        Presence.NONE
    }

    private fun switchOff() = try {
        reader.stop()
    } catch (_: Exception) {
        // A reader that fails even here takes nothing else down with it.
    }

    private companion object {
        /** One look for a card; between two of them the loop sees that it was stopped. */
        val LOOK = 250.milliseconds
    }
}

/** Hands secret bytes to the core: only a direct buffer crosses without a copy, and both are wiped behind it. */
internal fun <T> direct(secret: ByteArray, use: (ByteBuffer) -> T): T {
    val buffer = ByteBuffer.allocateDirect(secret.size)
    return try {
        buffer.put(secret).flip()
        use(buffer)
    } finally {
        secret.fill(0)
        buffer.clear()
        while (buffer.hasRemaining()) buffer.put(0)
    }
}
