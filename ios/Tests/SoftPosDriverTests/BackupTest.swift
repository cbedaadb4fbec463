import Foundation
import SoftPosCore
import SoftPosDriver
import Synchronization
import Testing

extension Stories {
    /// The till's books: backup and restore, the check of the ledger, the rules of the queue.
    struct BackupTest {
        private static let words = Data("十个字以上的一句口令".utf8)

        @Test("a backup is read on another phone and sells nothing there")
        func otherPhone() async throws {
            try await story { shop in
                try await takings(shop)
                let heard = Mutex<[Int]>([])
                let made = try await shop.till.backUp(target: file(shop), passphrase: Self.words) { percent in
                    heard.withLock { $0.append(percent) }
                }
                #expect(made.records > 5 && made.utcMs > 0)
                let percents = heard.withLock { $0 }
                #expect(percents.last == 100 && percents == percents.sorted())
                let here = try await shop.till.history()
                try await shop.till.close()

                let refused = try await fault {
                    _ = try await restored(shop, Data("a dozen other letters".utf8))
                }
                #expect(refused.1.code == "backup_unreadable")
                let brought = try await restored(shop, Self.words)
                #expect(brought.payments == 2 && brought.withoutEnd == 0)
                let config = TerminalConfig(dir: newDir(shop), language: .en, appVersion: "test")
                let till = try await Till.open(
                    config: config, hardware: newKeys(shop), log: Lines(), reader: shop.reader)
                let there = try await till.history()
                #expect(there.map(\.key) == here.map(\.key) && there.map(\.state) == here.map(\.state))
                #expect(try await !till.status().activated)
                let one = try amountFromText(text: "1", currency: "CNY")
                let selling = try await fault {
                    _ = try await till.start(request: PaymentRequest(amount: one, method: .cash, language: .en))
                }
                #expect(selling.1.code == "not_activated")
                await till.close()
                try await shop.openTill()
                #expect(try await shop.pay("1", "mastercard-approved").state == .approved)
            }
        }

        @Test("a backup that was given up goes on, a cut one is refused, and nothing is in the way")
        func cut() async throws {
            try await story { shop in
                try await takings(shop)
                let till = try shop.till
                let target = file(shop)
                let short = try await fault {
                    _ = try await till.backUp(target: target, passphrase: Data("short".utf8))
                }
                #expect(short.1.code == "passphrase_short")
                _ = try await fault { _ = try await till.backUp(target: "/nowhere/at/all", passphrase: Self.words) }
                let work = Task { try await till.backUp(target: target, passphrase: Self.words) }
                work.cancel()
                await #expect(throws: CancellationError.self) { _ = try await work.value }
                _ = try await till.backUp(target: target, passphrase: Self.words)
                let path = URL(fileURLWithPath: target)
                let whole = try Data(contentsOf: path)
                for length in [0, 100, whole.count - 1] {
                    try whole.prefix(length).write(to: path)
                    let cut = try await fault { _ = try await restored(shop, Self.words) }
                    #expect(cut.1.code == "backup_unreadable", "\(length)")
                }
                try whole.write(to: path)
                #expect(try await restored(shop, Self.words).payments == 2)
                let used = try await fault {
                    _ = try await Till.restore(
                        dir: shop.config.dir, source: target, hardware: shop.keys(), passphrase: Self.words)
                }
                #expect(used.1.code == "store_in_use")
            }
        }

        @Test("the check of the ledger names the first wrong record")
        func ledger() async throws {
            try await story { shop in
                try await takings(shop)
                let sound = try await shop.till.checkLedger()
                #expect(sound.faults.isEmpty && sound.firstWrong == nil)
                #expect(sound.payments == 2 && sound.root.count == 32)
                try await shop.till.close()
                let journal = shop.dir.appendingPathComponent("till/journal").path
                let name = try #require(FileManager.default.contentsOfDirectory(atPath: journal).sorted().first)
                let segment = URL(fileURLWithPath: "\(journal)/\(name)")
                var bytes = try Data(contentsOf: segment)
                bytes[bytes.count / 3] ^= 1
                try bytes.write(to: segment)
                let till = try await shop.openTill()
                let wrong = try await till.checkLedger()
                let first = try #require(wrong.firstWrong)
                #expect((1...wrong.records).contains(first) && !wrong.faults.isEmpty, "\(wrong)")
                await till.close()
                #expect(try await fault { _ = try await till.checkLedger() }.0.isClosed)
                let target = file(shop)
                #expect(
                    try await fault { _ = try await till.backUp(target: target, passphrase: Self.words) }.0.isClosed)
            }
        }

        @Test("the rules of the queue are shown")
        func queue() async throws {
            try await story { shop in
                let policy = try #require(await shop.till.queuePolicy())
                #expect(policy.enabled && !policy.overdue && !policy.storageLow)
                #expect(policy.count > 0 && policy.ageMs > 0)
                #expect(policy.payment.amountMinor <= policy.sum.amountMinor)
                #expect(policy.sum.currency == "CNY")
            }
        }

        /// A card pays, cash is taken, and the host knows of both.
        private func takings(_ shop: Shop) async throws {
            #expect(try await shop.pay("4", "visa-approved").state == .approved)
            _ = try await shop.start("2.50", .cash)
            #expect(try await shop.ended() == .approved)
            try await shop.rest()
        }

        private func file(_ shop: Shop) -> String { shop.dir.appendingPathComponent("till.backup").path }

        private func newDir(_ shop: Shop) -> String { shop.dir.appendingPathComponent("new/till").path }

        private func newKeys(_ shop: Shop) throws -> any SecureHardware {
            try sandboxHardware(dir: shop.dir.appendingPathComponent("new/keys").path)
        }

        private func restored(_ shop: Shop, _ words: Data) async throws -> RestoreSummary {
            try await Till.restore(
                dir: newDir(shop), source: file(shop), hardware: newKeys(shop), passphrase: words)
        }
    }
}
