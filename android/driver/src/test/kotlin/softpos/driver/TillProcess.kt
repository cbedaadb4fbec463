package softpos.driver

import java.io.File
import java.util.concurrent.TimeUnit
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** A till in a process of its own, which a test kills. It says on its lines what it did. */
class TillProcess(shop: Shop) {
    /** It opens the shop's folder, activates and takes a payment of 4. */
    private val process: Process = ProcessBuilder(
        File(System.getProperty("java.home"), "bin/java").path,
        "-Djna.library.path=${System.getProperty("jna.library.path")}",
        "-cp", System.getProperty("java.class.path"),
        "softpos.driver.MainKt", shop.dir.toString(), shop.host.activationText(),
    ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    private val said = process.inputReader()
    private val told = process.outputWriter()

    /** The next line that it says. */
    suspend fun line(): String = withContext(Dispatchers.IO) {
        checkNotNull(said.readLine()) { "the process ended without a word" }
    }

    /** Lets it begin a payment of 6. */
    fun go() {
        told.write("go\n")
        told.flush()
    }

    /** Ends it as the system ends an app: without a word. */
    fun kill() {
        process.destroyForcibly()
        check(process.waitFor(10, TimeUnit.SECONDS)) { "it lives" }
        check(process.exitValue() == KILLED) { "it ended by itself: ${process.exitValue()}" }
    }

    private companion object {
        /** 128 and the number of SIGKILL. */
        const val KILLED = 137
    }
}
