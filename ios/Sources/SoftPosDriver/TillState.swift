import SoftPosCore

/// What a screen draws: always the latest.
public struct TillState: Sendable, Equatable {
    /// What the person sees, and the sentence for it; nil before anything was begun.
    public internal(set) var view: View?
    public internal(set) var text = ""
    /// Whether the PIN pad is to be open: ask ``Till/pinEntry()`` for its end in the core.
    public internal(set) var pinWanted = false
    /// How what was begun last has ended; nil while it goes on.
    public internal(set) var ending: Ending?
    /// Whether the session has ended; nothing follows.
    public internal(set) var closed = false
}

/// What happens once and is not drawn: nothing of it may be skipped.
public enum TillEvent: Sendable, Equatable {
    /// A sentence for the voice.
    case say(text: String)
    /// Something happened in the background.
    case happened(notice: Notice, text: String)
    /// What was begun has ended.
    case ended(ending: Ending, text: String)
}
