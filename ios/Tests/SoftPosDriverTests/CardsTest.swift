import SoftPosCore
import SoftPosDriver
import Testing

extension Stories {
    /// What cards of every kind ask of the customer, as a shell hears of it.
    struct CardsTest {
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
                for phone in ["visa-see-phone", "mastercard-see-phone"] {
                    let (key, state) = try await shop.pay("12.34", phone)
                    #expect(state == .approved, "\(phone)")
                    #expect(try await shop.till.payment(key: key).amount.amountMinor == 1_234)
                }
                #expect(try shop.host.bookedMinor() == 2 * 1_234)
                await till.close()
                let said = await told.value
                #expect(said.filter { $0.contains("your phone") }.count == 2, "\(said)")
            }
        }

        @Test("a card that approves by itself needs no network, and the host hears of it later")
        func byCard() async throws {
            try await story { shop in
                try await shop.till.setLink(online: false)
                for card in ["visa-offline", "mastercard-offline"] {
                    let (key, state) = try await shop.pay("5", card)
                    #expect(state == .approved, "\(card)")
                    #expect(try await shop.till.payment(key: key).queued)
                }
                #expect(try shop.host.bookedMinor() == 0)
                try await shop.till.setLink(online: true)
                try await shop.rest()
                #expect(try shop.host.bookedMinor() == 1_000)
            }
        }

        @Test("a card that declines by itself is kept, and the host never hears of it")
        func declined() async throws {
            try await story { shop in
                let (key, state) = try await shop.pay("3", "visa-refused")
                #expect(state == .declined)
                #expect(try await shop.till.payment(key: key).state == .declined)
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        @Test("a card that cannot pay ends with its reason and leaves nothing")
        func cannotPay() async throws {
            try await story { shop in
                let cards: [(String, NotStarted)] = [
                    ("visa-blocked", .cardNotAccepted), ("unsupported", .cardNotAccepted),
                ]
                for (card, expected) in cards {
                    shop.reader.hold(try shop.wallet.card(id: card))
                    _ = try await shop.start("3", .card)
                    guard case .notStarted(_, let reason) = try await shop.till.awaitEnding() else {
                        throw Unexpected("\(card) paid")
                    }
                    #expect(reason == expected, "\(card)")
                }
                #expect(try shop.host.bookedMinor() == 0)
            }
        }
    }
}
