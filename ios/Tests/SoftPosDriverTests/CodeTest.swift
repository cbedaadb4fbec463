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

/// What a camera sees of a code that fills its frame: four pixels a module, four modules of margin.
private func picture(_ text: String) throws -> (Data, FrameSize) {
    let symbol = try #require(try codeSymbol(text: text, purpose: .screen))
    let side = Int(symbol.side)
    let pixels = (side + 8) * 4
    var luma = Data(repeating: 255, count: pixels * pixels)
    for y in 0..<side * 4 {
        for x in 0..<side * 4 where symbol.modules[y / 4 * side + x / 4] == 1 {
            luma[(y + 16) * pixels + x + 16] = 0
        }
    }
    let wide = UInt32(pixels)
    return (luma, FrameSize(width: wide, height: wide, stride: wide))
}
