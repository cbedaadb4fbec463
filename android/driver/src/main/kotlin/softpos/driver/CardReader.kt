package softpos.driver

import kotlin.time.Duration

/** What a reader saw when it looked for a card. */
enum class Presence {
    /** One card is in the field. */
    CARD,

    /** More than one card is in the field. */
    COLLISION,

    /** None came in time. */
    NONE,
}

/** The card left the field, or does not answer any more. */
class CardLostException : Exception("card lost")

/**
 * The port to the phone's NFC reader, for one payment after another. All calls come from the driver's card thread and
 * may block it; [stop] may come from any thread and returns at once. Whatever it throws is a card that is gone.
 */
interface CardReader {
    /** Looks for a card for at most [limit]; the field goes on if it was off. Returns early after [stop]. */
    fun waitForCard(limit: Duration): Presence

    /** Sends a command to the card in the field and returns its answer, status word included. The driver wipes it. */
    @Throws(CardLostException::class)
    fun transceive(capdu: ByteArray): ByteArray

    /** Switches the field off; a [waitForCard] that is under way returns. Called often, also when it is off already. */
    fun stop()
}
