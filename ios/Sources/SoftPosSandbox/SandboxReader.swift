import Dispatch
import Foundation
import SoftPosCore
import SoftPosDriver
import Synchronization

/// A reader whose field a software card is held into.
public final class SandboxReader: CardReader {
    private struct Field {
        var held: SandboxCard?
        var once = false
        var seen = false
        var stops = 0
    }

    private let field = Mutex(Field())

    /// Signalled at every change; whoever waits looks again.
    private let changed = DispatchSemaphore(value: 0)

    /// A reader with nothing in its field.
    public init() {}

    /// From now on this card is held to the phone; nil: none.
    public func hold(_ card: SandboxCard?) { hold(card, once: false) }

    /// This card is held to the phone until it was read once.
    public func tap(_ card: SandboxCard) { hold(card, once: true) }

    public func waitForCard(limit: Duration) -> Presence {
        let (seconds, attoseconds) = limit.components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        let deadline = DispatchTime.now() + .nanoseconds(Int(nanoseconds))
        let before = field.withLock { $0.stops }
        while true {
            let (card, stops) = field.withLock { field in
                field.seen = field.held != nil
                return (field.held, field.stops)
            }
            if let card { return card.present() ? .card : .collision }
            if stops != before || changed.wait(timeout: deadline) == .timedOut { return .none }
        }
    }

    public func transceive(capdu: Data) throws(CardLostError) -> Data {
        guard let card = field.withLock({ $0.held }) else { throw CardLostError() }
        do {
            return try card.transmit(capdu: capdu)
        } catch {
            throw CardLostError()
        }
    }

    public func stop() {
        let held = field.withLock { field in
            field.stops += 1
            let held = field.held
            if field.once && field.seen { field.held = nil }
            return held
        }
        held?.remove()
        changed.signal()
    }

    private func hold(_ card: SandboxCard?, once: Bool) {
        field.withLock { field in
            field.held = card
            field.once = once
            field.seen = false
        }
        changed.signal()
    }
}
