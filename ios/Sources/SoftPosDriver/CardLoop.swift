import Dispatch
import Foundation
import SoftPosCore
import Synchronization

/// Carries commands between core and card on a thread of its own: one call to the core for each command, none of them
/// through an actor. What to show comes as steps.
final class CardLoop: Sendable {
    /// One look for a card; between two of them the loop sees that it was stopped.
    private static let look = Duration.milliseconds(250)

    private let terminal: Terminal
    private let reader: any CardReader
    private let thread = DispatchQueue(label: "softpos-card", qos: .userInteractive)

    /// Every prompt and every stop makes the rounds before it void.
    private let round = Atomic<UInt64>(0)

    init(terminal: Terminal, reader: any CardReader) {
        self.terminal = terminal
        self.reader = reader
    }

    /// The core asks for a card: the field is off for `fieldOffMs`, then the reader looks for one.
    func prompt(fieldOffMs: UInt32) {
        let mine = round.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
        reader.stop()
        thread.async { self.run(mine, fieldOffMs) }
    }

    /// No card is wanted any more. A round that is under way ends by itself.
    func stop() {
        round.wrappingAdd(1, ordering: .sequentiallyConsistent)
        reader.stop()
    }

    private func isCurrent(_ mine: UInt64) -> Bool {
        mine == round.load(ordering: .sequentiallyConsistent)
    }

    private func run(_ mine: UInt64, _ fieldOffMs: UInt32) {
        if fieldOffMs > 0 { Thread.sleep(forTimeInterval: Double(fieldOffMs) / 1_000) }
        while isCurrent(mine) {
            let seen = reader.waitForCard(limit: Self.look)
            guard isCurrent(mine) else { return }
            do {
                switch seen {
                case .none: continue
                case .card: return try exchange(terminal.cardPresent())
                case .collision: return try exchange(terminal.cardCollision())
                }
            } catch {
                // The session has ended: the driver hears of it by its steps.
                return
            }
        }
    }

    /// One card from its coming to its leaving. If another is wanted, or the same again, a prompt says so.
    private func exchange(_ first: CardStep) throws {
        var step = first
        while case .transmit(let capdu) = step {
            step = try answer(capdu)
        }
        reader.stop()
    }

    private func answer(_ capdu: Data) throws -> CardStep {
        let started = DispatchTime.now().uptimeNanoseconds
        var rapdu: Data
        do {
            rapdu = try reader.transceive(capdu: capdu)
        } catch {
            return try terminal.cardLost()
        }
        let elapsed = (DispatchTime.now().uptimeNanoseconds - started) / 1_000
        // It crosses without a copy; what a card says is wiped behind it.
        defer { rapdu.resetBytes(in: rapdu.startIndex..<rapdu.endIndex) }
        return try terminal.cardReplied(rapdu: rapdu, elapsedUs: UInt32(clamping: elapsed))
    }
}
