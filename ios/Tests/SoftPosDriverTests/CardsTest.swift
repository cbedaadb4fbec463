import SoftPosCore
import SoftPosDriver
import Testing

extension Stories {
    /// What cards of every kind ask of the customer, as a shell hears of it.
    struct CardsTest {
        /// What the cards' names begin with, and their schemes.
        private static let schemes = [
            "visa": "visa", "mastercard": "mastercard", "unionpay": "unionpay", "amex": "american_express",
            "jcb": "jcb", "discover": "discover", "kernel8": "mastercard",
        ]

        @Test("a phone that wants its owner is presented again for the same payment")
        func seePhone() async throws {
            try await story { shop in
                let till = try shop.till
                let told = Task {
                    var said: [String] = []
                    for await event in till.events {
                        if case .say(let text) = event { said.append(text) }
                    }
                    return said
                }
                for card in Self.schemes.keys {
                    // UnionPay's kernel has no such message.
                    let asks: CardPrompt = card == "unionpay" ? .presentAgain : .seePhone
                    try await again(shop, "\(card)-see-phone", asks)
                }
                #expect(try shop.host.bookedMinor() == Int64(Self.schemes.count) * 1_234)
                await till.close()
                let said = await told.value
                #expect(said.filter { $0.contains("your phone") }.count == Self.schemes.count - 1, "\(said)")
            }
        }

        @Test("a card that was taken away, or not alone, is asked for again for the same payment")
        func askedAgain() async throws {
            try await story { shop in
                try await again(shop, "visa-pulled", .presentAgain)
                try await again(shop, "two-cards", .oneCardOnly)
                #expect(try await shop.till.history().count == 2)
                #expect(try shop.host.bookedMinor() == 2 * 1_234)
            }
        }

        @Test("the cards of every scheme pay, plastic and phone")
        func everyScheme() async throws {
            try await story { shop in
                for (card, scheme) in Self.schemes {
                    for kind in ["approved", "phone"] {
                        let (key, state) = try await shop.pay("12.34", "\(card)-\(kind)")
                        #expect(state == .approved, "\(card)-\(kind)")
                        let payment = try await shop.till.payment(key: key)
                        #expect(payment.scheme == scheme)
                        let masked = try #require(payment.maskedPan)
                        #expect(masked.wholeMatch(of: /\d{6}\*+\d{4}/) != nil, "\(masked)")
                    }
                }
                #expect(try shop.host.bookedMinor() == Int64(Self.schemes.count) * 2 * 1_234)
            }
        }

        @Test("a card that approves by itself needs no network, and the host hears of it later")
        func byCard() async throws {
            try await story { shop in
                try await shop.till.setLink(online: false)
                for card in Self.schemes.keys {
                    let (key, state) = try await shop.pay("5", "\(card)-offline")
                    #expect(state == .approved, "\(card)")
                    #expect(try await shop.till.payment(key: key).queued)
                }
                #expect(try shop.host.bookedMinor() == 0)
                try await shop.till.setLink(online: true)
                try await shop.rest()
                #expect(try shop.host.bookedMinor() == Int64(Self.schemes.count) * 500)
            }
        }

        @Test("a card that declines by itself is kept, and the host never hears of it")
        func declinedByCard() async throws {
            try await story { shop in
                for card in Self.schemes.keys {
                    let (key, state) = try await shop.pay("3", "\(card)-refused")
                    #expect(state == .declined, "\(card)")
                    #expect(try await shop.till.payment(key: key).state == .declined, "\(card)")
                }
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        @Test("a card that always wants its PIN gets it")
        func pin() async throws {
            try await story { shop in
                for card in Self.schemes.keys {
                    shop.reader.hold(try shop.wallet.card(id: "\(card)-pin"))
                    // Mastercard's reader has a PIN to offer above its limit only.
                    _ = try await shop.start(card == "mastercard" ? "1000.01" : "1", .card)
                    try await shop.wait { $0.pinWanted }
                    let pin = try await shop.till.pinEntry()
                    for digit: UInt8 in 1...4 { try pin.pushDigit(digit: digit) }
                    try pin.submit()
                    #expect(try await shop.ended() == .approved, "\(card)")
                    shop.reader.hold(nil)
                }
            }
        }

        @Test("what the issuer declines is declined with its code")
        func declined() async throws {
            try await story { shop in
                let codes = ["declined": "05", "expired": "54", "insufficient": "51"]
                for card in Self.schemes.keys {
                    for (kind, code) in codes {
                        let (key, state) = try await shop.pay("3", "\(card)-\(kind)")
                        #expect(state == .declined, "\(card)-\(kind)")
                        #expect(try await shop.till.payment(key: key).de39 == code, "\(card)-\(kind)")
                    }
                }
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        @Test("a card that cannot pay ends with its reason and leaves nothing, and another card pays")
        func cannotPay() async throws {
            try await story { shop in
                for card in Self.schemes.keys.map({ "\($0)-blocked" }) + ["unsupported"] {
                    shop.reader.hold(try shop.wallet.card(id: card))
                    _ = try await shop.start("3", .card)
                    guard case .notStarted(_, let reason) = try await shop.till.awaitEnding() else {
                        throw Unexpected("\(card) paid")
                    }
                    #expect(reason == .cardNotAccepted, "\(card)")
                }
                #expect(try shop.host.bookedMinor() == 0)
                #expect(try await shop.pay("3", "mastercard-approved").state == .approved)
                #expect(try shop.host.bookedMinor() == 300)
            }
        }

        /// A card that is asked for a second time, and then pays what was asked at first.
        private func again(_ shop: Shop, _ card: String, _ asked: CardPrompt) async throws {
            shop.reader.tap(try shop.wallet.card(id: card))
            let key = try await shop.start("12.34", .card)
            let state = try await shop.wait { state in
                if case .card(let asks, _) = state.view?.screen { asks == asked } else { false }
            }
            #expect(state.view?.key == key, "\(card)")
            #expect(state.view?.amount?.amountMinor == 1_234, "\(card)")
            shop.reader.tap(try shop.wallet.card(id: card))
            #expect(try await shop.ended() == .approved, "\(card)")
            #expect(try await shop.till.payment(key: key).amount.amountMinor == 1_234)
        }
    }
}
