import Foundation
import SoftPosCore

/// Between two looks at how far long work is.
private let pace = Duration.milliseconds(100)

extension Till {
    /// Reads a backup's payments into a data folder that no till has used: history, and nothing that could be sent or
    /// used again; a till on it has to be activated anew. The passphrase is UTF-8; the caller wipes its own bytes.
    /// `onProgress` hears per cent. Cancelled, or cut off, the same call goes on another time.
    public static func restore(
        dir: String,
        source: String,
        hardware: any SecureHardware,
        passphrase: Data,
        onProgress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> RestoreSummary {
        try await withBackup(source, passphrase, onProgress) { file in
            try await beside { try file.restore(dir: dir, hardware: hardware) }
        }
    }

    /// Does one piece of long work: tells how far it is, and stops it when the caller is cancelled.
    static func withBackup<T: Sendable>(
        _ path: String,
        _ passphrase: Data,
        _ onProgress: @escaping @Sendable (Int) -> Void,
        _ work: @Sendable (BackupFile) async throws -> T
    ) async throws -> T {
        let file = BackupFile(path: path, passphrase: passphrase)
        let watch = Task {
            while (try? await Task.sleep(for: pace)) != nil { onProgress(Int(file.percent())) }
        }
        let result: Result<T, any Error>
        do {
            result = .success(try await withTaskCancellationHandler { try await work(file) } onCancel: { file.stop() })
        } catch {
            result = .failure(Task.isCancelled ? CancellationError() : error)
        }
        watch.cancel()
        await watch.value
        let done = try result.get()
        onProgress(100)
        return done
    }
}
