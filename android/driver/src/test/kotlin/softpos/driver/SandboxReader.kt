package softpos.driver

import java.nio.ByteBuffer
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock
import kotlin.time.Duration
import softpos.core.CardGoneException
import softpos.core.SandboxCard

/** A reader whose field a software card is held into. */
class SandboxReader : CardReader {
    private val lock = ReentrantLock()
    private val changed = lock.newCondition()
    private var held: SandboxCard? = null
    private var once = false
    private var seen = false
    private var stops = 0

    /** From now on this card is held to the phone; null: none. */
    fun hold(card: SandboxCard?) = hold(card, once = false)

    /** This card is held to the phone until it was read once. */
    fun tap(card: SandboxCard) = hold(card, once = true)

    override fun waitForCard(limit: Duration): Presence = lock.withLock {
        val before = stops
        var left = limit.inWholeNanoseconds
        while (held == null && stops == before && left > 0) left = changed.awaitNanos(left)
        val card = held ?: return Presence.NONE
        seen = true
        if (card.present()) Presence.CARD else Presence.COLLISION
    }

    override fun transceive(capdu: ByteArray): ByteArray {
        val card = lock.withLock { held } ?: throw CardLostException()
        val buffer = ByteBuffer.allocateDirect(capdu.size).put(capdu).flip()
        return try {
            card.transmit(buffer)
        } catch (_: CardGoneException) {
            throw CardLostException()
        }
    }

    override fun stop() = lock.withLock {
        stops += 1
        held?.remove()
        if (once && seen) held = null
        changed.signalAll()
    }

    private fun hold(card: SandboxCard?, once: Boolean) = lock.withLock {
        held = card
        this.once = once
        seen = false
        changed.signalAll()
    }
}
