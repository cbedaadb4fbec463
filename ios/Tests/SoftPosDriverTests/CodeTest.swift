import Foundation
import SoftPosCore
import SoftPosDriver
import Testing

extension Stories {
    /// The code that the customer shows, typed and before the camera. Its last digit says what the customer does.
    struct CodeTest {
        @Test("a typed code is charged once")
        func typed() async throws {
            try await story { shop in
                let till = try shop.till
                let code = Data("134567890123456780".utf8)
                let key = try await till.chargeCode(request: request("8.80"), scanned: code)
                #expect(try await shop.ended() == .approved)
                #expect(try await till.payment(key: key).channel == "wechat")
                let used = try await fault { _ = try await till.chargeCode(request: request("8.80"), scanned: code) }
                #expect(used.1.code == "code_used")
                for text in ["4006381333931", "", String(repeating: "1", count: 100_000)] {
                    let (error, _) = try await fault {
                        _ = try await till.chargeCode(request: request("1"), scanned: Data(text.utf8))
                    }
                    guard case .InvalidInput = error else { throw Unexpected("\(error)") }
                }
                // What was refused has not begun: the last ending is still the one to show.
                #expect(try await shop.ended() == .approved)
                #expect(try shop.host.bookedMinor() == 880)
            }
        }

        @Test("a camera finds the code, and the customer is asked to confirm")
        func camera() async throws {
            try await story { shop in
                let till = try shop.till
                let blank = Data(count: 10_000)
                let small = FrameSize(width: 100, height: 100, stride: 100)
                #expect(try await till.chargeFrame(request: request("2"), luma: blank, size: small) == nil)
                let (luma, size) = try picture("281234567890123456")
                let key = try #require(await till.chargeFrame(request: request("2"), luma: luma, size: size))
                try await shop.wait { $0.view?.screen == .askPayer }
                try await till.paymentNotice(key: key)
                #expect(try await shop.ended() == .approved)
                #expect(try shop.host.bookedMinor() == 200)
            }
        }

        @Test("a customer without money is declined, and one who never answers is not charged")
        func declined() async throws {
            try await story { shop in
                let till = try shop.till
                _ = try await till.chargeCode(request: request("3"), scanned: Data("134567890123456788".utf8))
                #expect(try await shop.ended() == .declined)
                _ = try await till.chargeCode(request: request("3"), scanned: Data("281234567890123457".utf8))
                try await shop.wait { $0.view?.screen == .askPayer }
                try await till.cancel()
                _ = try await till.awaitEnding()
                try await shop.rest()
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        @Test("a payment that is said to have come after its end is told of and looked up")
        func late() async throws {
            try await story { shop in
                let till = try shop.till
                let key = try await till.chargeCode(
                    request: request("3"), scanned: Data("281234567890123457".utf8))
                try await shop.wait { $0.view?.screen == .askPayer }
                try await till.cancel()
                _ = try await till.awaitEnding()
                try await shop.rest()
                #expect(try await till.payment(key: key).state == .reversed)
                try await till.paymentNotice(key: key)
                for await event in till.events {
                    guard case .happened(.latePayment(let late, let amount), let text) = event else { continue }
                    #expect(late == key && amount.amountMinor == 300 && text.contains("¥3.00"), "\(text)")
                    break
                }
                try await shop.rest()
                #expect(try await till.payment(key: key).state == .reversed)
                // What the till can no longer undo is for the acquirer.
                while (try? await till.settle()) == nil { try await Task.sleep(for: .milliseconds(20)) }
                guard case .settled = try await till.awaitEnding() else { throw Unexpected("the day is open") }
                let (closed, said) = try await fault { try await till.paymentNotice(key: key) }
                guard case .ResultUnknown = closed else { throw Unexpected("\(closed)") }
                #expect(said.code == "late_payment")
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        @Test("a symbol is drawn from its modules, and a text that fits into none has none")
        func symbol() throws {
            let symbol = try #require(try codeSymbol(text: "softpos", purpose: .screen))
            #expect(symbol.version == 1 && symbol.side == 21 && symbol.modules.count == 21 * 21)
            // The finder pattern's first row, and the light module beside it.
            #expect(Array(symbol.modules.prefix(8)) == [1, 1, 1, 1, 1, 1, 1, 0])
            let text = String(repeating: "softpos", count: 10)
            let forPaper = try #require(try codeSymbol(text: text, purpose: .print))
            let withLogo = try #require(try codeSymbol(text: text, purpose: .logo))
            #expect(forPaper.side < withLogo.side, "a logo hides a part: more of it is repair")
            #expect(try codeSymbol(text: String(repeating: "x", count: 4_000), purpose: .screen) == nil)
        }

        @Test("the till is activated by what its camera sees, and a frame that lies about its size is none")
        func activated() async throws {
            try await shop { shop in
                let till = try await shop.openTill()
                for side: UInt32 in [0, 1, 100, .max] {
                    let size = FrameSize(width: side, height: side, stride: side)
                    let seen = try? await till.activateFrame(luma: Data(count: 10_000), size: size)
                    #expect(seen != true)
                }
                let (luma, size) = try picture(shop.host.activationText())
                #expect(try await till.activateFrame(luma: luma, size: size))
                #expect(try await till.awaitEnding() == .activated)
            }
        }
    }
}

private func request(_ amount: String) throws -> PaymentRequest {
    PaymentRequest(amount: try amountFromText(text: amount, currency: "CNY"), method: .code, language: .en)
}

/// What a camera sees of a code that fills its frame: four pixels a module, four modules of margin, padded rows.
private func picture(_ text: String) throws -> (Data, FrameSize) {
    let symbol = try #require(try codeSymbol(text: text, purpose: .screen))
    let side = Int(symbol.side)
    let pixels = (side + 8) * 4
    let stride = pixels + 24
    var luma = Data(repeating: 255, count: stride * pixels)
    for y in 0..<pixels {
        // Bytes behind each row that belong to no pixel.
        for x in pixels..<stride { luma[y * stride + x] = 0 }
    }
    for y in 0..<side * 4 {
        for x in 0..<side * 4 where symbol.modules[y / 4 * side + x / 4] == 1 {
            luma[(y + 16) * stride + x + 16] = 0
        }
    }
    let wide = UInt32(pixels)
    return (luma, FrameSize(width: wide, height: wide, stride: UInt32(stride)))
}
