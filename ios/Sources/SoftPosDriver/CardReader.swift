import Foundation

/// What a reader saw when it looked for a card.
public enum Presence: Sendable {
    /// One card is in the field.
    case card
    /// More than one card is in the field.
    case collision
    /// None came in time.
    case none
}

/// The card left the field, or does not answer any more.
public struct CardLostError: Error {
    public init() {}
}

/// The port to the phone's NFC reader, for one payment after another. All calls come from the driver's card thread and
/// may block it; ``stop()`` may come from any thread and returns at once.
public protocol CardReader: Sendable {
    /// Looks for a card for at most `limit`; the field goes on if it was off. Returns early after ``stop()``.
    func waitForCard(limit: Duration) -> Presence

    /// Sends a command to the card in the field and returns its answer, status word included. The driver wipes it, as
    /// far as nobody else keeps a reference to its bytes.
    func transceive(capdu: Data) throws(CardLostError) -> Data

    /// Switches the field off; a ``waitForCard(limit:)`` that is under way returns. Called often, also when it is off
    /// already.
    func stop()
}
