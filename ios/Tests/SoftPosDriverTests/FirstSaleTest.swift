import Foundation
import SoftPosCore
import SoftPosDriver
import SoftPosSandbox
import Testing

extension Stories {
    /// The lines of the README, as they stand there.
    struct FirstSaleTest {
        @Test("the first sale of the README")
        func firstSale() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("softpos-first-sale-\(UUID())")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let dir = folder.path
            // README
            final class Log: LogSink {
                func write(line: LogLine) { print(line.event) }
            }
            let host = try SandboxHost.start(dir: "\(dir)/host", port: 0)
            let reader = SandboxReader()
            reader.hold(try SandboxWallet().card(id: "visa-approved"))
            let config = TerminalConfig(dir: "\(dir)/till", language: .en, appVersion: "1.0")
            let hardware = try sandboxHardware(dir: "\(dir)/keys")
            let till = try await Till.open(config: config, hardware: hardware, log: Log(), reader: reader)
            try await till.activate(text: host.activationText())
            guard case .activated = try await till.awaitEnding() else { fatalError("not activated") }

            let amount = try amountFromText(text: "12.34", currency: "CNY")
            let request = PaymentRequest(amount: amount, method: .card, language: .en)
            let key = try await till.start(request: request)
            guard case .payment(_, .approved) = try await till.awaitEnding() else { fatalError("not approved") }
            let paper = Paper(language: .en, columns: .narrow)
            print(try await till.receipt(key: key, copy: .cardholder, paper: paper))
            await till.close()
            try host.stop()
            // end
            try FileManager.default.removeItem(at: folder)
        }

        @Test("the README says what is run")
        func readme() throws {
            let indent = "            "
            let test = try String(contentsOfFile: #filePath, encoding: .utf8)
            let lines = test.components(separatedBy: "\n")
            let first = try #require(lines.firstIndex { $0.hasSuffix("// README") })
            let last = try #require(lines.firstIndex { $0.hasSuffix("// end") })
            let run = lines[(first + 1)..<last].map { $0.hasPrefix(indent) ? String($0.dropFirst(indent.count)) : $0 }
            #expect(run.count < 30)
            let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let readme = try String(contentsOf: package.appendingPathComponent("README.md"), encoding: .utf8)
            #expect(readme.contains(run.joined(separator: "\n")), "the README says something else")
        }
    }
}
