import Foundation
import SoftPosCore
import SoftPosSandbox
import Testing

@testable import SoftPosDriver

extension Stories {
    /// How a session begins, ends, breaks and goes on.
    struct SessionTest {
        @Test("a till goes on from its folder after it was closed in the middle")
        func resumed() async throws {
            try await story { shop in
                let paid = try await shop.pay("4", "visa-approved").key
                try shop.host.setFaults(spec: "drop-after@any:always")
                shop.reader.hold(try shop.wallet.card(id: "visa-approved"))
                let open = try await shop.start("6", .card)
                try await booked(open, shop.host)
                try await shop.till.close()
                shop.reader.hold(nil)
                try shop.host.setFaults(spec: "off")
                try await shop.openTill()
                try await shop.rest()
                try await balanced(shop, paid: paid, open: open)
            }
        }

        @Test("a till goes on from its folder after its process was killed in the middle")
        func killed() async throws {
            try await shop { shop in
                let process = try TillProcess(shop)
                let paid = try await process.line()
                try shop.host.setFaults(spec: "drop-after@any:always")
                process.go()
                let open = try await process.line()
                try await booked(open, shop.host)
                guard case .StoreInUse = try await fault({ try await shop.openTill() }).0 else {
                    throw Unexpected("two tills on a folder")
                }
                process.kill()
                try shop.host.setFaults(spec: "off")
                try await shop.openTill()
                try await shop.rest()
                try await balanced(shop, paid: paid, open: open)
                _ = try await shop.start("1", .cash)
                #expect(try await shop.ended() == .approved)
            }
        }

        @Test("whoever waits when the till is closed is told, and so is every later call")
        func closed() async throws {
            try await story { shop in
                let till = try shop.till
                _ = try await shop.start("1", .card)
                let waiting = Task { try await till.awaitEnding() }
                try await Task.sleep(for: .milliseconds(50))
                let started = ContinuousClock.now
                async let first: Void = till.close()
                async let second: Void = till.close()
                _ = await (first, second)
                #expect(ContinuousClock.now - started < .seconds(15))
                #expect(await till.state.closed)
                do {
                    _ = try await waiting.value
                } catch {
                    #expect(error.isClosed, "\(error)")
                }
                #expect(try await fault { _ = try await till.status() }.0.isClosed)
                #expect(try await fault { _ = try await shop.start("1", .cash) }.0.isClosed)
                #expect(try await fault { _ = try await till.awaitEnding() }.0.isClosed)
                #expect(try await fault { try await till.cancel() }.0.isClosed)
                await till.close()
            }
        }

        @Test("a task that waits for the end can be cancelled, and the payment goes on")
        func waitCancelled() async throws {
            try await story { shop in
                _ = try await shop.start("1", .card)
                let till = try shop.till
                let waiting = Task { try await till.awaitEnding() }
                try await Task.sleep(for: .milliseconds(20))
                waiting.cancel()
                await #expect(throws: CancellationError.self) { _ = try await waiting.value }
                shop.reader.hold(try shop.wallet.card(id: "visa-approved"))
                #expect(try await shop.ended() == .approved)
            }
        }

        @Test("two who begin at once: one payment, one refusal")
        func twoCallers() async throws {
            try await story { shop in
                let outcomes = await withTaskGroup(of: Result<String, any Error>.self) { group in
                    for _ in 0..<2 {
                        group.addTask {
                            do { return .success(try await shop.start("1", .card)) } catch { return .failure(error) }
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                let refusals = outcomes.compactMap { if case .failure(let error) = $0 { error } else { nil } }
                #expect(refusals.count == 1)
                guard case .NotReady? = refusals.first as? SoftPosError else { throw Unexpected("\(refusals)") }
                try await shop.till.cancel()
                guard case .notStarted = try await shop.till.awaitEnding() else { throw Unexpected("it was recorded") }
            }
        }

        @Test("two loops that take steps share them, and none is lost")
        func twoLoops() async throws {
            try await shop { shop in
                let terminal = try Terminal.open(config: shop.config, hardware: shop.keys(), log: Lines())
                let loops = (0..<2).map { _ in
                    Task {
                        var endings: [Ending] = []
                        while true {
                            let step = try await terminal.nextStep()
                            if case .finished(let ending, _) = step { endings.append(ending) }
                            if step == .closed { return endings }
                        }
                    }
                }
                try terminal.activate(text: shop.host.activationText())
                while try !terminal.status().activated { try await Task.sleep(for: .milliseconds(10)) }
                try terminal.shutdown()
                var endings: [Ending] = []
                for loop in loops { endings += try await loop.value }
                #expect(endings == [.activated])
            }
        }

        @Test("a folder has one till")
        func oneTill() async throws {
            try await story { shop in
                let (error, fault) = try await fault { try await shop.openTill() }
                guard case .StoreInUse = error else { throw Unexpected("\(error)") }
                #expect(fault.code == "store_in_use")
                #expect(!fault.textZh.isEmpty && !fault.textEn.isEmpty)
                #expect(try await shop.pay("1", "visa-approved").state == .approved)
            }
        }

        @Test("a defect inside says where, ends the session, and the folder opens again")
        func defect() async throws {
            try await story { shop in
                let till = try shop.till
                let (error, fault) = try await fault { try sandboxBreak(till: till.terminal) }
                #expect(error.isClosed && fault.code == "session_poisoned")
                #expect(!"\(error) \(error.localizedDescription)".contains("never leaves"))
                await till.close()
                #expect(await till.state.closed)
                try await shop.openTill()
                #expect(try await shop.till.status().activated)
            }
        }
    }
}

extension Error {
    var isClosed: Bool {
        if case .Closed? = self as? SoftPosError { true } else { false }
    }
}

/// Waits until the host has booked the payment.
private func booked(_ key: String, _ host: SandboxHost) async throws {
    while try host.timesBooked(key: key) == 0 { try await Task.sleep(for: .milliseconds(10)) }
}

/// One payment of 4 is approved, one of 6 is approved or undone, and the host agrees.
private func balanced(_ shop: Shop, paid: String, open: String) async throws {
    #expect(try await shop.till.payment(key: paid).state == .approved)
    let state = try await shop.till.payment(key: open).state
    #expect(state == .approved || state == .reversed)
    #expect(try shop.host.bookedMinor() == (state == .approved ? 1_000 : 400))
}
