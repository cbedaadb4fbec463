package softpos.driver

import java.nio.file.Files
import java.nio.file.Path
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.Language
import softpos.core.Method
import softpos.core.PaymentState
import softpos.core.SoftPosException
import softpos.core.TerminalConfig
import softpos.core.sandboxHardware

/** The till's books: backup and restore, the check of the ledger, the rules of the queue. */
class BackupTest {
    @Test
    fun `a backup is read on another phone and sells nothing there`() = story(limitSeconds = 180) {
        takings()
        val words = words()
        val heard = mutableListOf<Int>()
        val made = till.backUp(file(), words) { heard += it }
        assertArrayEquals(ByteArray(words.size), words)
        assertTrue(made.records > 5u && made.utcMs > 0u)
        assertEquals(100, heard.last())
        assertEquals(heard.sorted(), heard)
        val here = till.history()
        till.close()

        val refused = fault { restored("a dozen other letters".toByteArray()) }
        assertEquals("backup_unreadable", refused.code)
        val brought = restored(words())
        assertEquals(2u to 0u, brought.payments to brought.withoutEnd)
        till = Till.open(TerminalConfig(newDir(), Language.EN, "test"), newKeys(), Lines(), reader)
        assertEquals(here.map { it.key to it.state }, till.history().map { it.key to it.state })
        assertFalse(till.status().activated)
        assertEquals("not_activated", fault { start("1", Method.CASH) }.code)
        till.close()
        openTill()
        assertEquals(PaymentState.APPROVED, pay("1", "mastercard-approved").second)
    }

    @Test
    fun `a backup that was given up goes on, a cut one is refused, and nothing is in the way`() =
        story(limitSeconds = 180) {
            takings()
            assertEquals("passphrase_short", fault { till.backUp(file(), "short".toByteArray()) }.code)
            expect<SoftPosException> { till.backUp("/nowhere/at/all", words()) }
            coroutineScope {
                val work = async { till.backUp(file(), words()) }
                yield()
                work.cancel()
                expect<CancellationException> { work.await() }
            }
            till.backUp(file(), words())
            val whole = Files.readAllBytes(Path.of(file()))
            for (length in listOf(0, 100, whole.size - 1)) {
                Files.write(Path.of(file()), whole.copyOf(length))
                assertEquals("backup_unreadable", fault { restored(words()) }.code, "$length")
            }
            Files.write(Path.of(file()), whole)
            assertEquals(2u, restored(words()).payments)
            val used = fault { Till.restore("$dir/till", file(), keys(), words()) }
            assertEquals("store_in_use", used.code)
        }

    @Test
    fun `the check of the ledger names the first wrong record`() = story {
        takings()
        val sound = till.checkLedger()
        assertTrue(sound.faults.isEmpty() && sound.firstWrong == null)
        assertEquals(2u to 32, sound.payments to sound.root.size)
        till.close()
        val segment = Files.list(dir.resolve("till/journal")).use { it.sorted().findFirst().get() }
        val bytes = Files.readAllBytes(segment)
        bytes[bytes.size / 3] = (bytes[bytes.size / 3].toInt() xor 1).toByte()
        Files.write(segment, bytes)
        openTill()
        val wrong = till.checkLedger()
        assertTrue(checkNotNull(wrong.firstWrong) in 1uL..wrong.records && wrong.faults.isNotEmpty(), "$wrong")
        till.close()
        expect<SoftPosException.Closed> { till.checkLedger() }
        expect<SoftPosException.Closed> { till.backUp(file(), words()) }
    }

    @Test
    fun `the rules of the queue are shown`() = story {
        val policy = checkNotNull(till.queuePolicy())
        assertTrue(policy.enabled && !policy.overdue && !policy.storageLow)
        assertTrue(policy.count > 0u && policy.ageMs > 0u)
        assertTrue(policy.payment.amountMinor <= policy.sum.amountMinor)
        assertEquals("CNY", policy.sum.currency)
    }

    /** A card pays, cash is taken, and the host knows of both. */
    private suspend fun Shop.takings() {
        assertEquals(PaymentState.APPROVED, pay("4", "visa-approved").second)
        start("2.50", Method.CASH)
        assertEquals(PaymentState.APPROVED, ended())
        rest()
    }

    private fun words() = "十个字以上的一句口令".toByteArray()

    private fun Shop.file() = "$dir/till.backup"

    private fun Shop.newDir() = "$dir/new/till"

    private fun Shop.newKeys() = sandboxHardware("$dir/new/keys")

    private suspend fun Shop.restored(words: ByteArray) = Till.restore(newDir(), file(), newKeys(), words)
}
