#if os(Linux)
import Foundation
import Testing

extension Stories {
    /// A long day at the till. What a process holds is read where Linux tells it.
    struct EnduranceTest {
        private static let warm = 100
        private static let payments = 1_000
        /// Threads of the queues come and go.
        private static let spareThreads = 8
        private static let maxGrowthKb = 96_000

        @Test("a thousand payments need no more threads and hardly more memory")
        func thousand() async throws {
            try await story { shop in
                for _ in 0..<Self.warm { #expect(try await shop.pay("0.01", "visa-approved").state == .approved) }
                let (threads, resident) = (try threads(), try residentKb())
                let started = ContinuousClock.now
                for _ in 0..<Self.payments { #expect(try await shop.pay("0.01", "visa-approved").state == .approved) }
                let each = (ContinuousClock.now - started) / Self.payments
                print("a payment on this machine: \(each.us) us, till and host together")
                try await shop.rest()
                #expect(try shop.host.bookedMinor() == Int64(Self.warm + Self.payments))
                let (grown, grownKb) = (try self.threads() - threads, try residentKb() - resident)
                // Till and host keep every payment of the open batch, and SQLite its pages.
                print("grown by \(grown) threads and \(grownKb) kB over \(Self.payments) payments")
                #expect(grown <= Self.spareThreads)
                #expect(grownKb < Self.maxGrowthKb)
            }
        }

        private func threads() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        }

        private func residentKb() throws -> Int {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            return try #require(Int(line.filter(\.isNumber)))
        }
    }
}
#endif
