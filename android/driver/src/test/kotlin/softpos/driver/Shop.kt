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
import softpos.core.Fault
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
import softpos.core.SoftPosException
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

    val config get() = TerminalConfig(dir.resolve("till").toString(), Language.EN, "test")

    suspend fun openTill(
        hardware: SecureHardware = keys(),
        log: LogSink = Lines(),
        reader: CardReader = this.reader,
    ): Till {
        till = Till.open(config, hardware, log, reader)
        return till
    }

    fun keys(): SecureHardware = sandboxHardware(dir.resolve("keys").toString())

    suspend fun activate() {
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
        val state = ended()
        reader.hold(null)
        return key to state
    }

    /** How the payment that was begun last has ended. */
    suspend fun ended(): PaymentState = (till.awaitEnding() as Ending.Payment).state

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

/** A story with an activated till; a minute is more than most of them need. */
fun story(limitSeconds: Int = 60, tell: suspend Shop.() -> Unit) = shop(limitSeconds) {
    openTill()
    activate()
    tell()
}

/** A shop without a till yet; closed whatever happens. */
fun shop(limitSeconds: Int = 60, tell: suspend Shop.() -> Unit) = Shop().use { shop ->
    runBlocking {
        withTimeout(limitSeconds.seconds) { shop.tell() }
    }
}

/** The exception that an action throws; anything else fails the test. */
suspend inline fun <reified T : Throwable> expect(crossinline action: suspend () -> Unit): T {
    val thrown = runCatching { action() }.exceptionOrNull()
    return thrown as? T ?: throw AssertionError("expected ${T::class.simpleName}, got $thrown", thrown)
}

/** The fault of the error that an action throws. */
suspend fun fault(action: suspend () -> Unit): Fault = expect<SoftPosException> { action() }.fault
