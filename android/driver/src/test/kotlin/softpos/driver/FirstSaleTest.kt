package softpos.driver

import java.nio.file.Files
import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.Columns
import softpos.core.Ending
import softpos.core.Language
import softpos.core.Method
import softpos.core.Paper
import softpos.core.PaymentRequest
import softpos.core.PaymentState
import softpos.core.SandboxHost
import softpos.core.SandboxWallet
import softpos.core.SlipCopy
import softpos.core.TerminalConfig
import softpos.core.amountFromText
import softpos.core.sandboxHardware

/** The lines of the README, as they stand there. */
class FirstSaleTest {
    @Test
    fun `the first sale of the README`() = runBlocking {
        val dir = Files.createTempDirectory("softpos-first-sale")
        // README
        val host = SandboxHost.start("$dir/host", 0u)
        val card = SandboxWallet().card("visa-approved")
        val reader = SandboxReader().apply { hold(card) }
        val config = TerminalConfig("$dir/till", Language.EN, "1.0")
        val till = Till.open(config, sandboxHardware("$dir/keys"), Lines(), reader)
        till.activate(host.activationText())
        check(till.awaitEnding() is Ending.Activated)

        val amount = amountFromText("12.34", "CNY")
        val key = till.start(PaymentRequest(amount, Method.CARD, Language.EN))
        check((till.awaitEnding() as Ending.Payment).state == PaymentState.APPROVED)
        println(till.receipt(key, SlipCopy.CARDHOLDER, Paper(Language.EN, Columns.NARROW)))
        till.close()
        host.stop()
        // end
        dir.toFile().deleteRecursively()
        Unit
    }

    @Test
    fun `the README says what is run`() {
        val test = Files.readString(Path.of("src/test/kotlin/softpos/driver/FirstSaleTest.kt"))
        val run = test.substringAfter("// README\n").substringBefore("        // end").trimIndent().trim()
        assertTrue(run in Files.readString(Path.of("README.md")))
    }
}
