import Foundation
import SoftPosCore
import Testing

@testable import SoftPosDriver

extension Stories {
    /// What wrong calls get: typed errors, and nothing changes.
    struct InputTest {
        @Test("what was typed wrongly is said to be so")
        func typed() async throws {
            try await story { shop in
                let till = try shop.till
                let stale = "01890a5d-ac96-774b-bcce-b302099a8057"
                let wide = Paper(language: nil, columns: .wide)
                let zero = try await fault { _ = try amountFromText(text: "0", currency: "CNY") }
                #expect(zero.1.code == "amount_zero")
                let wrong: [(String, () async throws -> Void)] = [
                    ("activation", { try await till.activate(text: "softpos:nothing") }),
                    ("empty activation", { try await till.activate(text: "") }),
                    ("huge activation", { try await till.activate(text: String(repeating: "x", count: 1_000_000)) }),
                    ("typed activation", { try await till.activate(host: "", pins: "", code: "") }),
                    ("key", { _ = try await till.payment(key: "no key") }),
                    ("stale key", { _ = try await till.payment(key: stale) }),
                    ("stale key to refuse", { try await till.refuseApproval(key: stale) }),
                    ("stale key to print", {
                        _ = try await till.receipt(key: stale, copy: .merchant, paper: wide)
                    }),
                    ("stale key to give back", {
                        _ = try await till.refund(
                            request: RefundRequest(originalKey: stale, amount: one(), language: .en))
                    }),
                    ("stale notice", { try await till.paymentNotice(key: stale) }),
                    ("huge key", { _ = try await till.payment(key: String(repeating: "0", count: 1_000_000)) }),
                    ("PIN without payment", { _ = try await till.pinEntry() }),
                    ("batch", { _ = try await till.dayCloseSlip(batch: 7, paper: wide) }),
                    ("card", { _ = try shop.wallet.card(id: "nobody") }),
                    ("currency", { _ = try amountFromText(text: "1", currency: "XX") }),
                    ("amount", { _ = try amountFromText(text: "1.234", currency: "CNY") }),
                    ("order", { _ = try await till.start(request: ordered(String(repeating: "9", count: 65))) }),
                ]
                for (name, call) in wrong {
                    let (error, said) = try await fault(call)
                    guard case .InvalidInput = error else { throw Unexpected("\(name): \(error)") }
                    #expect(!said.textZh.isEmpty && !said.textEn.isEmpty, "\(name)")
                    #expect(said.money == .notMoved, "\(name)")
                }
                try await till.cancel()
                #expect(try await till.history().isEmpty)
                #expect(try await shop.pay("1", "visa-approved").state == .approved)
            }
        }

        @Test("what comes before the activation is refused")
        func order() async throws {
            try await shop { shop in
                let till = try await shop.openTill()
                let early: [() async throws -> Void] = [
                    { _ = try await shop.start("1", .card) }, { _ = try await shop.start("1", .cash) },
                    { try await till.settle() },
                ]
                for call in early {
                    guard case .NotReady = try await fault(call).0 else { throw Unexpected("not refused") }
                }
                #expect(try await till.queuePolicy() == nil)
                try await shop.activate()
            }
        }

        @Test("what is done twice is done once")
        func twice() async throws {
            try await story { shop in
                let till = try shop.till
                _ = try await till.start(request: ordered("7"))
                #expect(try await shop.ended() == .approved)
                #expect(try await fault { _ = try await till.start(request: ordered("7")) }.1.code == "order_in_use")
                let sale = try #require(await till.history().first).key
                for _ in 0..<2 { try await till.cancel() }
                let back = RefundRequest(originalKey: sale, amount: try one(), language: .en)
                _ = try await till.refund(request: back)
                #expect(try await shop.ended() == .approved)
                guard case .InvalidInput = try await fault({ _ = try await till.refund(request: back) }).0 else {
                    throw Unexpected("given back twice")
                }
                try await shop.rest()
                #expect(try shop.host.bookedMinor() == 0)
                let refused = try await shop.pay("2", "visa-approved").key
                try await till.refuseApproval(key: refused)
                while try await till.payment(key: refused).state != .reversed {
                    try await Task.sleep(for: .milliseconds(10))
                }
                guard case .InvalidInput = try await fault({ try await till.refuseApproval(key: refused) }).0 else {
                    throw Unexpected("undone twice")
                }
                try await shop.rest()
                #expect(try shop.host.bookedMinor() == 0)
                #expect(try await till.history().count == 3)
            }
        }

        @Test("card events that nobody asked for, empty and huge answers change nothing")
        func cardEvents() async throws {
            try await shop { shop in
                let terminal = try Terminal.open(config: shop.config, hardware: shop.keys(), log: Lines())
                for size in [0, 1, 2, 70_000, 10_000_000] {
                    let bytes = Data(repeating: 0, count: size)
                    #expect(try terminal.cardReplied(rapdu: bytes, elapsedUs: .max) == .done)
                }
                #expect(try terminal.cardPresent() == .done)
                #expect(try terminal.cardCollision() == .done)
                #expect(try terminal.cardLost() == .done)
                try terminal.shutdown()
                try terminal.shutdown()
                #expect(try await terminal.nextStep() == .closed)
                #expect(try await fault { _ = try terminal.cardPresent() }.0.isClosed)
            }
        }

        @Test("a PIN pad that is pressed too often, with no digit, after its end, and after the payment's")
        func pinPad() async throws {
            try await story { shop in
                shop.reader.hold(try shop.wallet.card(id: "visa-pin"))
                _ = try await shop.start("300", .card)
                try await shop.wait { $0.pinWanted }
                let pin = try await shop.till.pinEntry()
                guard case .InvalidInput = try await fault({ try pin.pushDigit(digit: 10) }).0 else {
                    throw Unexpected("10 is a digit")
                }
                for _ in 0..<20 { try? pin.pushDigit(digit: 1) }
                #expect(try pin.length() <= 12)
                try pin.clear()
                #expect(try pin.length() == 0)
                #expect(try await fault { try pin.submit() }.1.code == "pin_length")
                for digit: UInt8 in 1...4 { try pin.pushDigit(digit: digit) }
                try pin.submit()
                #expect(try await fault { try pin.submit() }.1.code == "pin_length")
                #expect(try await shop.ended() == .approved)
                for digit: UInt8 in 1...4 { try pin.pushDigit(digit: digit) }
                guard case .InvalidInput = try await fault({ try pin.submit() }).0 else {
                    throw Unexpected("a PIN that nobody asked for")
                }
                try pin.cancel()
                #expect(try await shop.till.history().first?.state == .approved)
            }
        }

        @Test("calls from many tasks at once all get an answer")
        func manyTasks() async throws {
            try await story { shop in
                let till = try shop.till
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<64 {
                        group.addTask {
                            switch number % 4 {
                            case 0: _ = try await till.status()
                            case 1: _ = try await till.history()
                            case 2: _ = try await till.queue()
                            default: try await till.cancel()
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await shop.pay("1", "visa-approved").state == .approved)
            }
        }
    }
}

private func one() throws -> Money { try amountFromText(text: "1", currency: "CNY") }

private func ordered(_ name: String) throws -> PaymentRequest {
    PaymentRequest(amount: try one(), method: .cash, language: .en, order: name)
}
