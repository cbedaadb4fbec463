import Foundation
import SoftPosCore
import Testing

@testable import SoftPosDriver

extension Stories {
    /// What it costs to cross into the core and back. Printed, and compared with nothing: machines differ.
    struct CostTest {
        private static let calls = 20_000
        private static let steps = 2_000

        @Test("what a call, a step and a payment's crossings cost")
        func cost() async throws {
            try await shop { shop in
                let terminal = try Terminal.open(config: shop.config, hardware: shop.keys(), log: Lines())
                try terminal.activate(text: shop.host.activationText())
                _ = try await finished(terminal)

                var started = ContinuousClock.now
                for _ in 0..<Self.calls { _ = try terminal.cardLost() }
                let call = (ContinuousClock.now - started) / Self.calls

                for number in 0..<Self.steps { try terminal.setLink(online: number % 2 == 1) }
                started = ContinuousClock.now
                for _ in 0..<Self.steps {
                    guard case .notice = try await terminal.nextStep() else { throw Unexpected("no notice") }
                }
                let step = (ContinuousClock.now - started) / Self.steps

                let (calls, steps) = try await crossings(terminal, shop)
                let whole = call * calls + step * steps
                print("a synchronous call: \(call.us) us, a ready step: \(step.us) us")
                print("a payment's crossings: \(calls) calls and \(steps) steps, \(whole.us) us")
                try terminal.shutdown()
            }
        }

        /// Takes one payment, and counts how often it crosses.
        private func crossings(_ terminal: Terminal, _ shop: Shop) async throws -> (calls: Int, steps: Int) {
            let card = try shop.wallet.card(id: "visa-approved")
            let amount = try amountFromText(text: "1", currency: "CNY")
            let request = PaymentRequest(amount: amount, method: .card, language: .en)
            _ = try terminal.start(request: request)
            #expect(card.present())
            var (calls, next) = (2, try terminal.cardPresent())
            while case .transmit(let capdu) = next {
                next = try terminal.cardReplied(rapdu: card.transmit(capdu: capdu), elapsedUs: 1_000)
                calls += 1
            }
            let (ending, steps) = try await finished(terminal)
            guard case .payment(_, .approved) = ending else { throw Unexpected("\(ending)") }
            return (calls, steps)
        }

        /// Takes steps until something has ended, and counts them.
        private func finished(_ terminal: Terminal) async throws -> (Ending, Int) {
            var steps = 0
            while true {
                steps += 1
                if case .finished(let ending, _) = try await terminal.nextStep() { return (ending, steps) }
            }
        }
    }
}

extension Duration {
    /// In microseconds, with one decimal.
    var us: String {
        let (seconds, attoseconds) = components
        return String(format: "%.1f", Double(seconds) * 1e6 + Double(attoseconds) / 1e12)
    }
}
