package softpos.driver

import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import softpos.core.BackupFile
import softpos.core.RestoreSummary
import softpos.core.SecureHardware

/** Between two looks at how far long work is. */
private val PACE = 100.milliseconds

private const val DONE = 100

/**
 * Reads a backup's payments into a data folder that no till has used: history, and nothing that could be sent or used
 * again; a till on it has to be activated anew. The passphrase is UTF-8 and wiped. [onProgress] hears per cent.
 * Cancelled, or cut off, the same call goes on another time.
 */
suspend fun Till.Companion.restore(
    dir: String,
    source: String,
    hardware: SecureHardware,
    passphrase: ByteArray,
    io: CoroutineDispatcher = Dispatchers.IO,
    onProgress: (Int) -> Unit = {},
): RestoreSummary = withBackup(source, passphrase, onProgress) { file ->
    withContext(io) { file.restore(dir, hardware) }
}

/** Does one piece of long work: tells how far it is, stops it when the caller is cancelled, wipes the passphrase. */
internal suspend fun <T> withBackup(
    path: String,
    passphrase: ByteArray,
    onProgress: (Int) -> Unit,
    work: suspend (BackupFile) -> T,
): T = direct(passphrase) { BackupFile(path, it) }.use { file ->
    coroutineScope {
        val watch = launch {
            try {
                while (true) {
                    delay(PACE)
                    onProgress(file.percent().toInt())
                }
            } finally {
                file.stop()
            }
        }
        val result = try {
            work(file)
        } finally {
            watch.cancel()
        }
        onProgress(DONE)
        result
    }
}
