import Foundation
import SoftPosCore
import SoftPosDriver
import Testing

extension Stories {
    /// The stories of a sale, from the first tap to the day close.
    struct SaleTest {
        @Test("cards are approved, declined, pulled away and held two at once")
        func cards() async throws {
            try await story { shop in
                let cards: [(String, PaymentState)] = [
                    ("visa-approved", .approved), ("visa-declined", .declined), ("visa-pulled", .approved),
                    ("two-cards", .approved),
                ]
                for (card, state) in cards {
                    let (key, ended) = try await shop.pay("12.34", card)
                    #expect(ended == state, "\(card)")
                    let payment = try await shop.till.payment(key: key)
                    #expect(payment.state == state)
                    #expect(payment.amount.amountMinor == 1_234)
                    #expect(try amountText(amount: payment.amount) == "¥12.34")
                }
                #expect(try shop.host.bookedMinor() == 3 * 1_234)
                let declined = try await shop.till.history(query: HistoryQuery(state: .declined))
                #expect(declined.count == 1)
            }
        }

        @Test("a PIN goes in digit by digit")
        func pin() async throws {
            try await story { shop in
                shop.reader.hold(try shop.wallet.card(id: "visa-pin"))
                _ = try await shop.start("300", .card)
                try await shop.wait { $0.pinWanted }
                let pin = try await shop.till.pinEntry()
                for digit: UInt8 in 1...4 { try pin.pushDigit(digit: digit) }
                #expect(try pin.length() == 4)
                try pin.submit()
                #expect(try await shop.ended() == .approved)
                #expect(try await !shop.till.state.pinWanted)
            }
        }

        @Test("a customer who gives up at the PIN pad is not charged")
        func pinCancelled() async throws {
            try await story { shop in
                shop.reader.hold(try shop.wallet.card(id: "visa-pin"))
                _ = try await shop.start("300", .card)
                try await shop.wait { $0.pinWanted }
                try await shop.till.pinEntry().cancel()
                _ = try await shop.till.awaitEnding()
                try await shop.rest()
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        @Test("a code is shown and paid, cash is taken, a slip is printed, a part is given back, the day is closed")
        func codeCashRefund() async throws {
            try await story { shop in
                let sale = try await shop.start("5", .code)
                try await shop.payCode(shop.shownCode())
                #expect(try await shop.ended() == .approved)

                let cash = try await shop.start("2.50", .cash)
                #expect(try await shop.ended() == .approved)
                let paper = Paper(language: .en, columns: .narrow)
                #expect(try await shop.till.receipt(key: cash, copy: .merchant, paper: paper).contains("2.50"))

                let part = try amountFromText(text: "1", currency: "CNY")
                _ = try await shop.till.refund(request: RefundRequest(originalKey: sale, amount: part, language: .en))
                #expect(try await shop.ended() == .approved)
                #expect(try await shop.till.payment(key: sale).refunded.amountMinor == 100)
                #expect(try shop.host.bookedMinor() == 650)

                try await shop.rest()
                try await shop.till.settle()
                guard case .settled(let view) = try await shop.till.awaitEnding() else {
                    throw Unexpected("the day did not close")
                }
                #expect(view.balanced)
                #expect(try await shop.till.dayCloseSlip(batch: view.batch, paper: paper).contains("5.00"))
            }
        }

        @Test("a slip comes in every form, and the outcome as a sentence")
        func slipForms() async throws {
            try await story { shop in
                let key = try await shop.start("2.50", .cash)
                #expect(try await shop.ended() == .approved)
                let till = try shop.till
                let paper = Paper(language: .en, columns: .narrow)
                let begins: [(SlipFormat, String)] = [
                    (.text, "   "), (.png, "\u{89}PNG"), (.escPos, "\u{1b}@"), (.escPosUtf8, "\u{1b}@"),
                    (.html, "<!DOCTYPE html>"), (.pdf, "%PDF-"),
                ]
                for (format, begin) in begins {
                    let file = try await till.receiptFile(key: key, copy: .cardholder, paper: paper, format: format)
                    let expected = begin.unicodeScalars.map { UInt8($0.value) }
                    #expect(Array(file.bytes.prefix(expected.count)) == expected, "\(format)")
                    #expect(file.missing.isEmpty)
                }
                let text = try await till.receiptFile(key: key, copy: .cardholder, paper: paper, format: .text)
                let slip = try await till.receipt(key: key, copy: .cardholder, paper: paper)
                #expect(String(decoding: text.bytes, as: UTF8.self) == slip)
                #expect(try await till.outcomeSentence(key: key) == "Cash received, two yuan and fifty fen")
                let batch = try await till.status().batch
                let open = try await till.dayCloseFile(batch: batch, paper: paper, format: .html)
                #expect(String(decoding: open.bytes, as: UTF8.self).contains("2.50"))
            }
        }

        @Test("what happens is told in order, and the end completes it")
        func events() async throws {
            try await story { shop in
                let till = try shop.till
                let told = Task {
                    var events: [TillEvent] = []
                    for await event in till.events { events.append(event) }
                    return events
                }
                _ = try await shop.pay("1", "visa-approved")
                await till.close()
                let events = await told.value
                let said = events.lastIndex { if case .say = $0 { true } else { false } }
                let ended = events.lastIndex { if case .ended = $0 { true } else { false } }
                #expect(try #require(said) < (try #require(ended)))
            }
        }

        @Test("states come to everybody who looks, the latest first, and finish with the session")
        func states() async throws {
            try await story { shop in
                let till = try shop.till
                let watchers = (0..<3).map { _ in
                    Task {
                        var last: TillState?
                        for await state in await till.states() { last = state }
                        return last
                    }
                }
                let quitter = Task { for await _ in await till.states() {} }
                _ = try await shop.pay("1", "visa-approved")
                quitter.cancel()
                await quitter.value
                await till.close()
                for watcher in watchers {
                    let last = try #require(await watcher.value)
                    #expect(last.closed && !last.pinWanted)
                }
                var late = await till.states().makeAsyncIterator()
                #expect(await late.next()?.closed == true)
                #expect(await late.next() == nil)
            }
        }

        @Test("a lost answer is resolved and booked once")
        func lostAnswer() async throws {
            try await story { shop in
                try shop.host.setFaults(spec: "drop-after")
                let (key, state) = try await shop.pay("9.99", "visa-approved")
                #expect(state == .approved)
                #expect(try shop.host.timesBooked(key: key) == 1)
                #expect(try shop.host.bookedMinor() == 999)
            }
        }

        @Test("a till that is offline stores, and drains when the network is back")
        func offline() async throws {
            try await story { shop in
                try await shop.till.setLink(online: false)
                let (key, state) = try await shop.pay("3", "visa-approved")
                #expect(state == .stored)
                #expect(try await shop.till.queue().map(\.key) == [key])
                #expect(try shop.host.bookedMinor() == 0)
                try await shop.till.setLink(online: true)
                _ = try await shop.till.forceSync()
                try await shop.rest()
                #expect(try await shop.till.payment(key: key).state == .approved)
                #expect(try shop.host.bookedMinor() == 300)
            }
        }

        @Test("an approval that the operator refuses is undone")
        func refused() async throws {
            try await story { shop in
                let (key, state) = try await shop.pay("7", "visa-approved")
                #expect(state == .approved)
                try await shop.till.refuseApproval(key: key)
                while try await shop.till.payment(key: key).state != .reversed {
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        @Test("cancelled at every step, the money is where the till says")
        func cancelled() async throws {
            try await story { shop in
                var charged: Int64 = 0
                for pause in [0, 5, 10, 20, 40, 80, 160] {
                    shop.reader.hold(try shop.wallet.card(id: "visa-approved"))
                    let key = try await shop.start("1", .card)
                    try await Task.sleep(for: .milliseconds(pause))
                    try await shop.till.cancel()
                    _ = try await shop.till.awaitEnding()
                    shop.reader.hold(nil)
                    try await shop.rest()
                    let payment = try await shop.till.history().first { $0.key == key }
                    if payment?.state == .approved { charged += 100 }
                    #expect(try shop.host.bookedMinor() == charged, "after \(pause) ms")
                }
                _ = try await shop.start("1", .code)
                _ = try await shop.shownCode()
                try await shop.till.cancel()
                _ = try await shop.till.awaitEnding()
                try await shop.rest()
                #expect(try shop.host.bookedMinor() == charged)
            }
        }
    }
}
