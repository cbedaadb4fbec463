package softpos.driver

import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import softpos.core.Ending
import softpos.core.Language
import softpos.core.LogLine
import softpos.core.LogSink
import softpos.core.Method
import softpos.core.PaymentRequest
import softpos.core.PaymentState
import softpos.core.SandboxHost
import softpos.core.SandboxWallet
import softpos.core.Screen
import softpos.core.SecureHardware
import softpos.core.TerminalConfig
import softpos.core.amountFromText
import softpos.core.sandboxHardware

/** Keeps log lines. */
class Lines : LogSink {
    val lines = CopyOnWriteArrayList<LogLine>()

    override fun write(line: LogLine) {
        lines += line
    }
}

/** A till, its customers and the reference host, all real but the plastic. */
class Shop : AutoCloseable {
    val dir: Path = Files.createTempDirectory("softpos-shop")
    val host: SandboxHost = SandboxHost.start(dir.resolve("host").toString(), 0u)
    val wallet = SandboxWallet()
    val reader = SandboxReader()
    lateinit var till: Till

    suspend fun openTill(hardware: SecureHardware = keys(), log: LogSink = Lines()): Till {
        val config = TerminalConfig(dir.resolve("till").toString(), Language.EN, "test")
        return Till.open(config, hardware, log, reader)
    }

    fun keys(): SecureHardware = sandboxHardware(dir.resolve("keys").toString())

    suspend fun activate() {
        till = openTill()
        till.activate(host.activationText())
        assertEquals(Ending.Activated, till.awaitEnding())
    }

    suspend fun start(text: String, method: Method): String {
        val amount = amountFromText(text, "CNY")
        return till.start(PaymentRequest(amount, method, Language.EN))
    }

    /** A sale with this card, to its end; returns the key and the state. */
    suspend fun pay(text: String, card: String): Pair<String, PaymentState> {
        reader.hold(wallet.card(card))
        val key = start(text, Method.CARD)
        val state = stateOf(till.awaitEnding())
        reader.hold(null)
        return key to state
    }

    suspend fun screen(wanted: (Screen) -> Boolean): Screen =
        checkNotNull(till.state.first { state -> state.view?.screen?.let(wanted) == true }.view).screen

    /** A customer scans the code and pays it. */
    suspend fun payCode(payload: String) = withContext(Dispatchers.IO) { host.payCode(till.terminal, payload, "wechat") }

    /** Waits until nothing is open and nothing waits to be forwarded. */
    suspend fun rest() {
        while (till.status().run { openPayments > 0u || queue.count > 0u }) delay(20.milliseconds)
    }

    override fun close() {
        runBlocking { if (::till.isInitialized) till.close() }
        host.stop()
        host.close()
        dir.toFile().deleteRecursively()
    }
}

fun stateOf(ending: Ending): PaymentState = (ending as Ending.Payment).state

/** A story with an activated till; a minute is more than any of them needs. */
fun story(limitSeconds: Int = 60, tell: suspend Shop.() -> Unit) = Shop().use { shop ->
    runBlocking {
        withTimeout(limitSeconds.seconds) {
            shop.activate()
            shop.tell()
        }
    }
}
