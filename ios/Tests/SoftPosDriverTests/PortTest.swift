import Foundation
import SoftPosCore
import SoftPosDriver
import Synchronization
import Testing

extension Stories {
    /// What the ports of a shell do wrong: throw, block, answer nonsense.
    struct PortTest {
        @Test("hardware that throws is an error without its text")
        func hardwareThrows() async throws {
            try await shop { shop in
                let hardware = Hardware(try shop.keys(), wrap: { _ in throw Unexpected("4761739001010119") })
                let (error, fault) = try await fault { try await shop.openTill(hardware: hardware) }
                guard case .NotReady = error else { throw Unexpected("\(error)") }
                #expect(fault.code == "secure_hardware")
                #expect(!"\(error) \(error.localizedDescription)".contains("4761739001010119"))
                try await shop.openTill()
                #expect(try await !shop.till.status().activated)
            }
        }

        @Test("hardware that lost its key says so, and the payment is not recorded")
        func hardwareLosesKey() async throws {
            try await shop { shop in
                let lost = Mutex(false)
                let real = try shop.keys()
                let hardware = Hardware(real, sign: { digest in
                    if lost.withLock({ $0 }) { throw PortError.KeyLost }
                    return try real.sign(digest: digest)
                })
                try await shop.openTill(hardware: hardware)
                try await shop.activate()
                lost.withLock { $0 = true }
                shop.reader.hold(try shop.wallet.card(id: "visa-approved"))
                _ = try await shop.start("1", .card)
                guard case .notStarted(_, .secureHardware) = try await shop.till.awaitEnding() else {
                    throw Unexpected("it was recorded")
                }
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        @Test("a log that throws costs lines and nothing else")
        func logThrows() async throws {
            try await shop { shop in
                try await shop.openTill(log: Deaf())
                try await shop.activate()
                #expect(try await shop.pay("1", "visa-approved").state == .approved)
            }
        }

        @Test("a log that blocks holds nobody up, and the till still closes")
        func logBlocks() async throws {
            try await shop { shop in
                let log = Stuck()
                try await shop.openTill(log: log)
                try await shop.activate()
                #expect(try await shop.pay("1", "visa-approved").state == .approved)
                let started = ContinuousClock.now
                try await shop.till.close()
                #expect(ContinuousClock.now - started < .seconds(15))
                log.gate.release()
            }
        }

        @Test("hardware that blocks holds nobody else up")
        func hardwareBlocks() async throws {
            try await shop { shop in
                let slow = Gate()
                try await shop.openTill(hardware: signing(shop, behind: slow))
                try await shop.till.activate(text: shop.host.activationText())
                try await slow.reached()
                for _ in 0..<20 { #expect(try await !shop.till.status().activated) }
                slow.release()
                #expect(try await shop.till.awaitEnding() == .activated)
            }
        }

        @Test("hardware that never answers does not hold the end up, nor the folder")
        func hardwareNeverAnswers() async throws {
            try await shop { shop in
                let stuck = Gate()
                try await shop.openTill(hardware: signing(shop, behind: stuck))
                try await shop.till.activate(text: shop.host.activationText())
                try await stuck.reached()
                let started = ContinuousClock.now
                try await shop.till.close()
                #expect(ContinuousClock.now - started < .seconds(15))
                try await shop.openTill()
                try await shop.activate()
                stuck.release()
            }
        }

        @Test("hardware that never answers ends what waits for it, and the next opening")
        func hardwareStaysAway() async throws {
            try await shop { shop in
                let stuck = Gate()
                try await shop.openTill(hardware: signing(shop, behind: stuck))
                try await shop.till.activate(text: shop.host.activationText())
                guard case .activationFailed(let reason) = try await shop.till.awaitEnding() else {
                    throw Unexpected("it was activated")
                }
                #expect(reason.code == "secure_hardware")
                try await shop.till.close()
                let held = Hardware(try shop.keys(), unwrap: { wrapped in
                    stuck.wait()
                    return wrapped
                })
                let (error, fault) = try await fault { try await shop.openTill(hardware: held) }
                guard case .NotReady = error else { throw Unexpected("\(error)") }
                #expect(fault.code == "secure_hardware")
                try await shop.openTill()
                try await shop.activate()
                stuck.release()
            }
        }

        @Test("a reader that never answers holds neither a cancel nor the end up")
        func readerBlocks() async throws {
            try await shop { shop in
                let reader = Silent()
                try await shop.openTill(reader: reader)
                try await shop.activate()
                _ = try await shop.start("1", .card)
                try await reader.gate.reached()
                try await shop.till.cancel()
                guard case .notStarted(_, .cancelled) = try await shop.till.awaitEnding() else {
                    throw Unexpected("it was recorded")
                }
                let started = ContinuousClock.now
                try await shop.till.close()
                #expect(ContinuousClock.now - started < .seconds(15))
                reader.gate.release()
            }
        }

        @Test("a reader that fails asks for the card again, and the operator can give up")
        func readerFails() async throws {
            try await shop { shop in
                let reader = Failing()
                try await shop.openTill(reader: reader)
                try await shop.activate()
                _ = try await shop.start("1", .card)
                while reader.failures < 3 { try await Task.sleep(for: .milliseconds(5)) }
                guard case .card = try await shop.till.state.view?.screen else { throw Unexpected("no card wanted") }
                try await shop.till.cancel()
                guard case .notStarted(_, .cancelled) = try await shop.till.awaitEnding() else {
                    throw Unexpected("it was recorded")
                }
                #expect(try shop.host.bookedMinor() == 0)
            }
        }

        @Test("a card that answers nonsense ends the payment and is never charged", arguments: [0, 1, 2, 3, 261, 70_000])
        func nonsense(size: Int) async throws {
            try await shop { shop in
                try await shop.openTill(reader: Babbler(size: size))
                try await shop.activate()
                _ = try await shop.start("1", .card)
                try await Task.sleep(for: .milliseconds(50))
                try await shop.till.cancel()
                guard case .notStarted = try await shop.till.awaitEnding() else { throw Unexpected("recorded") }
                #expect(try shop.host.bookedMinor() == 0)
            }
        }
    }
}

/// The sandbox's hardware, with one call of its own.
private final class Hardware: SecureHardware {
    typealias Call = @Sendable (Data) throws -> Data
    private let real: any SecureHardware
    private let signing: Call?
    private let wrapping: Call?
    private let unwrapping: Call?

    init(_ real: any SecureHardware, sign: Call? = nil, wrap: Call? = nil, unwrap: Call? = nil) {
        self.real = real
        signing = sign
        wrapping = wrap
        unwrapping = unwrap
    }

    func publicKey() throws -> Data { try real.publicKey() }
    func sign(digest: Data) throws -> Data { try (signing ?? real.sign)(digest) }
    func wrap(secret: Data) throws -> Data { try (wrapping ?? real.wrap)(secret) }
    func unwrap(wrapped: Data) throws -> Data { try (unwrapping ?? real.unwrap)(wrapped) }
    func attest(challenge: Data) throws -> Evidence { try real.attest(challenge: challenge) }
    func model() throws -> String { try real.model() }
}

private final class Deaf: LogSink {
    func write(line: LogLine) throws { throw Unexpected("no disk") }
}

/// Where a port waits until the test lets it go on.
private final class Gate: Sendable {
    private let waiting = Mutex(false)
    private let open = DispatchSemaphore(value: 0)

    func wait() {
        waiting.withLock { $0 = true }
        open.wait()
        open.signal()
    }

    func reached() async throws {
        while !waiting.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
    }

    func release() { open.signal() }
}

/// The sandbox's hardware, signing behind a gate.
private func signing(_ shop: Shop, behind gate: Gate) throws -> Hardware {
    let real = try shop.keys()
    return Hardware(real, sign: { digest in
        gate.wait()
        return try real.sign(digest: digest)
    })
}

/// A log that takes its first line and does not come back.
private final class Stuck: LogSink {
    let gate = Gate()

    func write(line: LogLine) { gate.wait() }
}

/// A reader whose card takes a command and does not come back.
private final class Silent: CardReader {
    let gate = Gate()

    func waitForCard(limit: Duration) -> Presence { .card }

    func transceive(capdu: Data) throws(CardLostError) -> Data {
        gate.wait()
        throw CardLostError()
    }

    func stop() {}
}

/// A reader that loses its card at every command.
private final class Failing: CardReader {
    private let failed = Mutex(0)

    var failures: Int { failed.withLock { $0 } }

    func waitForCard(limit: Duration) -> Presence { .card }
    func transceive(capdu: Data) throws(CardLostError) -> Data {
        failed.withLock { $0 += 1 }
        throw CardLostError()
    }
    func stop() {}
}

/// A card that answers every command with so many bytes of nothing.
private final class Babbler: CardReader {
    private let size: Int

    init(size: Int) { self.size = size }

    func waitForCard(limit: Duration) -> Presence { .card }
    func transceive(capdu: Data) throws(CardLostError) -> Data { Data(repeating: 0x90, count: size) }
    func stop() {}
}
