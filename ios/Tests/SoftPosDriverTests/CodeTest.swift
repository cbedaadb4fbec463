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
                let code = Data("134567890123456780".utf8)
                let key = try await shop.till.chargeCode(request: request("8.80"), scanned: code)
                #expect(try await shop.ended() == .approved)
                #expect(try await shop.till.payment(key: key).channel == "wechat")
                await #expect(throws: SoftPosError.self) {
                    try await shop.till.chargeCode(request: request("8.80"), scanned: code)
                }
                await #expect(throws: SoftPosError.self) {
                    try await shop.till.chargeCode(request: request("1"), scanned: Data("4006381333931".utf8))
                }
                // What was refused has not begun: the last ending is still the one to show.
                #expect(try await shop.ended() == .approved)
                #expect(try shop.host.bookedMinor() == 880)
            }
        }

        @Test("a camera finds the code, and the customer is asked to confirm")
        func camera() async throws {
            try await story { shop in
                let blank = FrameSize(width: 100, height: 100, stride: 100)
                let nothing = try await shop.till.chargeFrame(
                    request: request("2"), luma: Data(count: 10_000), size: blank)
                #expect(nothing == nil)
                let (luma, size) = try picture("281234567890123456")
                let found = try await shop.till.chargeFrame(request: request("2"), luma: luma, size: size)
                let key = try #require(found)
                try await shop.wait { $0.view?.screen == .askPayer }
                try await shop.till.paymentNotice(key: key)
                #expect(try await shop.ended() == .approved)
                #expect(try shop.host.bookedMinor() == 200)
            }
        }

        @Test("a customer without money is declined")
        func declined() async throws {
            try await story { shop in
                let code = Data("134567890123456788".utf8)
                _ = try await shop.till.chargeCode(request: request("3"), scanned: code)
                #expect(try await shop.ended() == .declined)
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        private func request(_ amount: String) throws -> PaymentRequest {
            PaymentRequest(amount: try amountFromText(text: amount, currency: "CNY"), method: .code, language: .en)
        }

        /// What a camera sees of a code that fills its frame: four pixels a module, four modules of margin.
        private func picture(_ text: String) throws -> (luma: Data, size: FrameSize) {
            let symbol = try #require(try codeSymbol(text: text, purpose: .screen))
            let side = Int(symbol.side)
            let pixels = (side + 8) * 4
            var luma = Data(repeating: 255, count: pixels * pixels)
            for y in 0..<(side * 4) {
                for x in 0..<(side * 4) where symbol.modules[(y / 4) * side + x / 4] == 1 {
                    luma[(y + 16) * pixels + x + 16] = 0
                }
            }
            let wide = UInt32(pixels)
            return (luma, FrameSize(width: wide, height: wide, stride: wide))
        }
    }
}
