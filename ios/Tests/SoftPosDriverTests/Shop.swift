import Foundation
import SoftPosCore
import SoftPosSandbox
import Synchronization
import Testing

@testable import SoftPosDriver

/// All tests, one after the other: they measure, and this machine is one till at a time.
@Suite(.serialized, .timeLimit(.minutes(5)))
enum Stories {}

/// Keeps log lines.
final class Lines: LogSink {
    private let kept = Mutex<[LogLine]>([])

    var lines: [LogLine] { kept.withLock { $0 } }

    func write(line: LogLine) throws { kept.withLock { $0.append(line) } }
}

/// A till, its customers and the reference host, all real but the plastic.
final class Shop: Sendable {
    let dir: URL
    let host: SandboxHost
    let wallet = SandboxWallet()
    let reader = SandboxReader()
    private let current = Mutex<Till?>(nil)

    init() throws {
        dir = FileManager.default.temporaryDirectory.appendingPathComponent("softpos-shop-\(UUID())")
        try FileManager.default.createDirectory(at: dir, withIntermediateDirectories: true)
        host = try SandboxHost.start(dir: dir.appendingPathComponent("host").path, port: 0)
    }

    /// The till that is open now.
    var till: Till {
        get throws { try #require(current.withLock { $0 }) }
    }

    var config: TerminalConfig {
        TerminalConfig(dir: dir.appendingPathComponent("till").path, language: .en, appVersion: "test")
    }

    func keys() throws -> any SecureHardware {
        try sandboxHardware(dir: dir.appendingPathComponent("keys").path)
    }

    @discardableResult
    func openTill(
        hardware: (any SecureHardware)? = nil,
        log: any LogSink = Lines(),
        reader: (any CardReader)? = nil
    ) async throws -> Till {
        let hardware = try hardware ?? keys()
        let till = try await Till.open(config: config, hardware: hardware, log: log, reader: reader ?? self.reader)
        current.withLock { $0 = till }
        return till
    }

    func activate() async throws {
        try await till.activate(text: host.activationText())
        let ending = try await till.awaitEnding()
        try #require(ending == .activated)
    }

    func start(_ text: String, _ method: SoftPosCore.Method) async throws -> String {
        let amount = try amountFromText(text: text, currency: "CNY")
        return try await till.start(request: PaymentRequest(amount: amount, method: method, language: .en))
    }

    /// A sale with this card, to its end; returns the key and the state.
    func pay(_ text: String, _ card: String) async throws -> (key: String, state: PaymentState) {
        reader.hold(try wallet.card(id: card))
        let key = try await start(text, .card)
        let state = try await ended()
        reader.hold(nil)
        return (key, state)
    }

    /// How the payment that was begun last has ended.
    func ended() async throws -> PaymentState {
        guard case .payment(_, let state) = try await till.awaitEnding() else {
            throw Unexpected("the payment ended before it was recorded")
        }
        return state
    }

    /// Waits until the state is as wanted.
    @discardableResult
    func wait(until wanted: (TillState) -> Bool) async throws -> TillState {
        for await state in try await till.states() where wanted(state) { return state }
        throw Unexpected("the session ended first")
    }

    /// Waits for a shown code and gives what it says.
    func shownCode() async throws -> String {
        let state = try await wait { state in
            if case .showCode = state.view?.screen { true } else { false }
        }
        guard case .showCode(let payload, _) = state.view?.screen else { throw Unexpected("no code") }
        return payload
    }

    /// A customer scans the code and pays it.
    func payCode(_ payload: String) throws {
        _ = try host.payCode(till: till.terminal, payload: payload, wallet: "wechat")
    }

    /// Waits until nothing is open and nothing waits to be forwarded.
    func rest() async throws {
        while true {
            let status = try await till.status()
            if status.openPayments == 0 && status.queue.count == 0 { return }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func close() async throws {
        await current.withLock { $0 }?.close()
        try host.stop()
        try FileManager.default.removeItem(at: dir)
    }
}

/// A test got what it does not expect.
struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A story with an activated till.
func story(_ tell: (Shop) async throws -> Void) async throws {
    try await shop { shop in
        try await shop.openTill()
        try await shop.activate()
        try await tell(shop)
    }
}

/// A shop without a till yet; closed whatever happens.
func shop(_ tell: (Shop) async throws -> Void) async throws {
    let shop = try Shop()
    do {
        try await tell(shop)
    } catch {
        try? await shop.close()
        throw error
    }
    try await shop.close()
}

/// The fault of the error that an action throws.
func fault(_ action: () async throws -> Void) async throws -> (SoftPosError, Fault) {
    do {
        try await action()
    } catch let error as SoftPosError {
        return (error, error.fault)
    }
    throw Unexpected("nothing was thrown")
}
