package softpos.driver

import java.lang.management.ManagementFactory
import java.nio.file.Files
import java.nio.file.Path
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.PaymentState

/** A long day at the till. */
class EnduranceTest {
    @Test
    fun `a thousand payments need no more threads and hardly more memory`() = story(limitSeconds = 300) {
        repeat(WARM) { assertEquals(PaymentState.APPROVED, pay("0.01", "visa-approved").second) }
        val threads = ManagementFactory.getThreadMXBean().threadCount
        val resident = residentKb()
        val started = System.nanoTime()
        repeat(PAYMENTS) { assertEquals(PaymentState.APPROVED, pay("0.01", "visa-approved").second) }
        val each = (System.nanoTime() - started) / PAYMENTS / 1_000
        println("a payment on this machine: $each us, till and host together")
        rest()
        assertEquals((WARM + PAYMENTS).toLong(), host.bookedMinor())
        val grown = ManagementFactory.getThreadMXBean().threadCount - threads
        assertTrue(grown <= SPARE_THREADS, "$grown more threads")
        // Till and host keep every payment of the open batch, and SQLite its pages.
        val grownKb = residentKb() - resident
        println("grown by $grown threads and $grownKb kB over $PAYMENTS payments")
        assertTrue(grownKb < MAX_GROWTH_KB, "$grownKb kB more")
    }

    private fun residentKb(): Long {
        System.gc()
        val status = Files.readAllLines(Path.of("/proc/self/status"))
        return status.first { it.startsWith("VmRSS:") }.filter(Char::isDigit).toLong()
    }

    private companion object {
        const val WARM = 100
        const val PAYMENTS = 1_000

        /** Dispatchers of coroutines come and go. */
        const val SPARE_THREADS = 8
        const val MAX_GROWTH_KB = 96_000L
    }
}
