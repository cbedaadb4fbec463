// A till in a process of its own, for tests that kill it: FOLDER ACTIVATION. It activates, takes a payment of 4 and
// says its key; for a line on its input it begins a payment of 6, says its key and waits for the end.

import Foundation
import SoftPosCore
import SoftPosDriver
import SoftPosSandbox

final class Silent: LogSink {
    func write(line: LogLine) {}
}

func say(_ text: String) {
    FileHandle.standardOutput.write(Data("\(text)\n".utf8))
}

let arguments = CommandLine.arguments
let (dir, activation) = (arguments[1], arguments[2])
let reader = SandboxReader()
let till = try await Till.open(
    config: TerminalConfig(dir: "\(dir)/till", language: .en, appVersion: "test"),
    hardware: sandboxHardware(dir: "\(dir)/keys"),
    log: Silent(),
    reader: reader
)
try await till.activate(text: activation)
_ = try await till.awaitEnding()
let wallet = SandboxWallet()
for (amount, asked) in [("4", false), ("6", true)] {
    if asked { _ = readLine() }
    reader.hold(try wallet.card(id: "visa-approved"))
    let money = try amountFromText(text: amount, currency: "CNY")
    let key = try await till.start(request: PaymentRequest(amount: money, method: .card, language: .en))
    if asked { say(key) }
    _ = try await till.awaitEnding()
    if !asked { say(key) }
}
await till.close()
