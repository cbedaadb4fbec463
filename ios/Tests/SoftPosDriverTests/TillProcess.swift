import Foundation

/// A till in a process of its own, which a test kills. It says on its lines what it did.
final class TillProcess {
    private let process = Process()
    private let said = Pipe()
    private let told = Pipe()

    /// Starts it: it opens the shop's folder, activates and takes a payment of 4.
    init(_ shop: Shop) throws {
        process.executableURL = Self.products.appendingPathComponent("TillProcess")
        process.arguments = [shop.dir.path, try shop.host.activationText()]
        process.standardOutput = said
        process.standardInput = told
        try process.run()
    }

    /// The next line that it says.
    func line() async throws -> String {
        let descriptor = said.fileHandleForReading.fileDescriptor
        let line = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var bytes: [UInt8] = []
                var byte: UInt8 = 0
                while read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
                continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
        }
        if line.isEmpty { throw Unexpected("the process ended without a word") }
        return line
    }

    /// Lets it begin a payment of 6.
    func go() {
        told.fileHandleForWriting.write(Data("go\n".utf8))
    }

    /// Ends it as the system ends an app: without a word.
    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Where the programs of this package lie: beside the tests.
    private static var products: URL {
        #if os(Linux)
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        #else
        let tests = Bundle(for: TillProcess.self).bundleURL
        #endif
        return tests.deletingLastPathComponent()
    }
}
