package softpos.driver

import java.io.IOException
import java.util.concurrent.CountDownLatch
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.Ending
import softpos.core.LogLine
import softpos.core.LogSink
import softpos.core.Method
import softpos.core.NotStarted
import softpos.core.PaymentState
import softpos.core.PortException
import softpos.core.Screen
import softpos.core.SecureHardware
import softpos.core.SoftPosException

/** What the ports of a shell do wrong: throw, block, answer nonsense. */
class PortTest {
    @Test
    fun `hardware that throws is an error without its text`() = shop {
        val broken = object : SecureHardware by keys() {
            override fun wrap(secret: ByteArray): ByteArray = throw IllegalArgumentException("4761739001010119")
        }
        val error = expect<SoftPosException.NotReady> { openTill(broken) }
        assertEquals("secure_hardware", error.fault.code)
        assertTrue("4761739001010119" !in error.toString() + error.message)
        openTill()
        assertFalse(till.status().activated)
    }

    @Test
    fun `hardware that lost its key says so, and the payment is not recorded`() = shop {
        val real = keys()
        var lost = false
        openTill(object : SecureHardware by real {
            override fun sign(digest: ByteArray): ByteArray =
                if (lost) throw PortException.KeyLost() else real.sign(digest)
        })
        activate()
        lost = true
        reader.hold(wallet.card("visa-approved"))
        start("1", Method.CARD)
        assertEquals(NotStarted.SECURE_HARDWARE, notStarted())
        assertEquals(0L, host.bookedMinor())
    }

    @Test
    fun `a log that throws costs lines and nothing else`() = shop {
        openTill(log = object : LogSink {
            override fun write(line: LogLine) = throw IllegalStateException("no disk")
        })
        activate()
        assertEquals(PaymentState.APPROVED, pay("1", "visa-approved").second)
    }

    @Test
    fun `a log that blocks holds nobody up, and the till still closes`() = shop {
        val gate = CountDownLatch(1)
        openTill(log = object : LogSink {
            override fun write(line: LogLine) = gate.await()
        })
        activate()
        assertEquals(PaymentState.APPROVED, pay("1", "visa-approved").second)
        withTimeout(15.seconds) { till.close() }
        gate.countDown()
    }

    @Test
    fun `hardware that blocks holds nobody else up`() = shop {
        val slow = Slow(keys())
        openTill(slow)
        till.activate(host.activationText())
        slow.asked()
        repeat(20) { assertFalse(till.status().activated) }
        slow.release()
        assertEquals(Ending.Activated, till.awaitEnding())
    }

    @Test
    fun `hardware that never answers does not hold the end up, nor the folder`() = shop {
        val stuck = Slow(keys())
        openTill(stuck)
        till.activate(host.activationText())
        stuck.asked()
        withTimeout(15.seconds) { till.close() }
        openTill()
        activate()
        stuck.release()
    }

    @Test
    fun `hardware that never answers ends what waits for it, and the next opening`() = shop {
        val stuck = Slow(keys())
        openTill(stuck)
        till.activate(host.activationText())
        val ending = withTimeout(15.seconds) { till.awaitEnding() } as Ending.ActivationFailed
        assertEquals("secure_hardware", ending.fault.code)
        till.close()
        val held = object : SecureHardware by keys() {
            override fun unwrap(wrapped: ByteArray): ByteArray = Thread.sleep(Long.MAX_VALUE).let { wrapped }
        }
        assertEquals("secure_hardware", expect<SoftPosException.NotReady> { openTill(held) }.fault.code)
        openTill()
        activate()
    }

    @Test
    fun `a reader that never answers holds neither a cancel nor the end up`() = shop {
        val (asked, gate) = CountDownLatch(1) to CountDownLatch(1)
        openTill(reader = object : Reader() {
            override fun transceive(capdu: ByteArray): ByteArray {
                asked.countDown()
                gate.await()
                throw CardLostException()
            }
        })
        activate()
        start("1", Method.CARD)
        while (asked.count > 0) delay(5.milliseconds)
        till.cancel()
        assertEquals(NotStarted.CANCELLED, notStarted())
        withTimeout(15.seconds) { till.close() }
        gate.countDown()
    }

    @Test
    fun `a reader that fails asks for the card again, and the operator can give up`() {
        for (failure in listOf(CardLostException(), IOException("tag lost"), IllegalStateException("no tag"))) shop {
            val asked = CountDownLatch(3)
            openTill(reader = object : Reader() {
                override fun transceive(capdu: ByteArray): ByteArray {
                    asked.countDown()
                    throw failure
                }
            })
            activate()
            start("1", Method.CARD)
            while (asked.count > 0) delay(5.milliseconds)
            assertTrue(till.state.value.view?.screen is Screen.Card)
            till.cancel()
            assertEquals(NotStarted.CANCELLED, notStarted())
            assertEquals(0L, host.bookedMinor())
        }
    }

    @Test
    fun `a reader that fails wherever it is called takes nothing down`() = shop {
        val looks = CountDownLatch(2)
        openTill(reader = object : CardReader {
            override fun waitForCard(limit: Duration): Presence {
                looks.countDown()
                throw SecurityException("NFC is off")
            }
            override fun transceive(capdu: ByteArray): ByteArray = throw SecurityException("NFC is off")
            override fun stop() = throw SecurityException("NFC is off")
        })
        activate()
        start("1", Method.CARD)
        while (looks.count > 0) delay(5.milliseconds)
        till.cancel()
        assertEquals(NotStarted.CANCELLED, notStarted())
        start("1", Method.CASH)
        assertEquals(PaymentState.APPROVED, ended())
    }

    @Test
    fun `a card that answers nonsense ends the payment and is never charged`() {
        for (size in listOf(0, 1, 2, 3, 261, 70_000)) shop {
            openTill(reader = object : Reader() {
                override fun transceive(capdu: ByteArray) = ByteArray(size) { 0x90.toByte() }
            })
            activate()
            start("1", Method.CARD)
            delay(50.milliseconds)
            till.cancel()
            notStarted()
            assertEquals(0L, host.bookedMinor())
        }
    }

    private suspend fun Shop.notStarted(): NotStarted = (till.awaitEnding() as Ending.NotStarted).reason

    /** Hardware that signs when the test says so. */
    private class Slow(private val real: SecureHardware) : SecureHardware by real {
        private val begun = CountDownLatch(1)
        private val gate = CountDownLatch(1)

        override fun sign(digest: ByteArray): ByteArray {
            begun.countDown()
            gate.await()
            return real.sign(digest)
        }

        suspend fun asked() {
            while (begun.count > 0) delay(5.milliseconds)
        }

        fun release() = gate.countDown()
    }

    /** A reader with a card in its field. */
    private abstract class Reader : CardReader {
        override fun waitForCard(limit: Duration): Presence = Presence.CARD

        override fun stop() = Unit
    }
}
