package softpos.driver

import softpos.core.Ending
import softpos.core.Notice
import softpos.core.View

/** What a screen draws: always the latest. */
data class TillState(
    /** What the person sees, and the sentence for it; null before anything was begun. */
    val view: View? = null,
    val text: String = "",
    /** Whether the PIN pad is to be open: ask [Till.pinEntry] for its end in the core. */
    val pinWanted: Boolean = false,
    /** How what was begun last has ended; null while it goes on. */
    val ending: Ending? = null,
    /** Whether the session has ended; nothing follows. */
    val closed: Boolean = false,
)

/** What happens once and is not drawn: nothing of it may be skipped. */
sealed interface TillEvent {
    /** A sentence for the voice. */
    data class Say(val text: String) : TillEvent

    /** Something happened in the background. */
    data class Happened(val notice: Notice, val text: String) : TillEvent

    /** What was begun has ended. */
    data class Ended(val ending: Ending, val text: String) : TillEvent
}
