package softpos.driver

import kotlinx.coroutines.runBlocking
import softpos.core.Language
import softpos.core.Method
import softpos.core.PaymentRequest
import softpos.core.SandboxWallet
import softpos.core.TerminalConfig
import softpos.core.amountFromText
import softpos.core.sandboxHardware

/**
 * A till in a process of its own, for tests that kill it: FOLDER ACTIVATION. It activates, takes a payment of 4 and
 * says its key; for a line on its input it begins a payment of 6, says its key and waits for the end.
 */
fun main(arguments: Array<String>) = runBlocking {
    val (dir, activation) = arguments
    val reader = SandboxReader()
    val config = TerminalConfig("$dir/till", Language.EN, "test")
    val till = Till.open(config, sandboxHardware("$dir/keys"), Lines(), reader)
    till.activate(activation)
    till.awaitEnding()
    val wallet = SandboxWallet()
    for ((amount, asked) in listOf("4" to false, "6" to true)) {
        if (asked) readln()
        reader.hold(wallet.card("visa-approved"))
        val key = till.start(PaymentRequest(amountFromText(amount, "CNY"), Method.CARD, Language.EN))
        if (asked) println(key)
        till.awaitEnding()
        if (!asked) println(key)
    }
    till.close()
}
