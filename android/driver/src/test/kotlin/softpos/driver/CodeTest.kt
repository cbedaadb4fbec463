package softpos.driver

import java.nio.ByteBuffer
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.CodePurpose
import softpos.core.Ending
import softpos.core.FrameSize
import softpos.core.Language
import softpos.core.Method
import softpos.core.Notice
import softpos.core.PaymentRequest
import softpos.core.PaymentState
import softpos.core.Screen
import softpos.core.SoftPosException
import softpos.core.amountFromText
import softpos.core.codeSymbol

/** The code that the customer shows, typed and before the camera. Its last digit says what the customer does. */
class CodeTest {
    @Test
    fun `a typed code is charged once`() = story {
        val code = "134567890123456780".toByteArray()
        val key = till.chargeCode(request("8.80"), code)
        assertTrue(code.all { it == 0.toByte() })
        assertEquals(PaymentState.APPROVED, ended())
        assertEquals("wechat", till.payment(key).channel)
        assertEquals("code_used", refused { till.chargeCode(request("8.80"), "134567890123456780".toByteArray()) })
        for (text in listOf("4006381333931", "", "1".repeat(100_000))) {
            assertEquals("not_a_payment_code", refused { till.chargeCode(request("1"), text.toByteArray()) })
        }
        // What was refused has not begun: the last ending is still the one to show.
        assertEquals(PaymentState.APPROVED, ended())
        assertEquals(880L, host.bookedMinor())
    }

    @Test
    fun `a camera finds the code, and the customer is asked to confirm`() = story {
        val (blank, size) = ByteBuffer.allocateDirect(10_000) to FrameSize(100u, 100u, 100u)
        assertNull(till.chargeFrame(request("2"), blank, size))
        val (luma, seen) = picture("281234567890123456")
        coroutineScope {
            val asked = async { screen { it is Screen.AskPayer } }
            val key = checkNotNull(till.chargeFrame(request("2"), luma, seen))
            asked.await()
            till.paymentNotice(key)
            assertEquals(PaymentState.APPROVED, ended())
        }
        assertEquals(200L, host.bookedMinor())
    }

    @Test
    fun `a customer without money is declined, and one who never answers is not charged`() = story {
        till.chargeCode(request("3"), "134567890123456788".toByteArray())
        assertEquals(PaymentState.DECLINED, ended())
        till.chargeCode(request("3"), "281234567890123457".toByteArray())
        screen { it is Screen.AskPayer }
        till.cancel()
        till.awaitEnding()
        rest()
        assertEquals(0L, host.bookedMinor())
    }

    @Test
    fun `a payment that is said to have come after its end is told of and looked up`() = story {
        val key = till.chargeCode(request("3"), "281234567890123457".toByteArray())
        screen { it is Screen.AskPayer }
        till.cancel()
        till.awaitEnding()
        rest()
        assertEquals(PaymentState.REVERSED, till.payment(key).state)
        till.paymentNotice(key)
        val told = till.events.first { it is TillEvent.Happened && it.notice is Notice.LatePayment }
        val late = (told as TillEvent.Happened).notice as Notice.LatePayment
        assertEquals(key to 300L, late.key to late.amount.amountMinor)
        assertTrue("¥3.00" in told.text, told.text)
        rest()
        assertEquals(PaymentState.REVERSED, till.payment(key).state)
        // What the till can no longer undo is for the acquirer.
        while (runCatching { till.settle() }.isFailure) delay(20.milliseconds)
        assertTrue(till.awaitEnding() is Ending.Settled)
        val closed = expect<SoftPosException.ResultUnknown> { till.paymentNotice(key) }
        assertEquals("late_payment", closed.fault.code)
        assertEquals(0L, host.bookedMinor())
    }

    @Test
    fun `a symbol is drawn from its modules, and a text that fits into none has none`() {
        val symbol = checkNotNull(codeSymbol("softpos", CodePurpose.SCREEN))
        assertEquals(1 to 21, symbol.version.toInt() to symbol.side.toInt())
        assertEquals(21 * 21, symbol.modules.size)
        // The finder pattern's first row, and the light module beside it.
        assertEquals(listOf<Byte>(1, 1, 1, 1, 1, 1, 1, 0), symbol.modules.take(8))
        val forPaper = checkNotNull(codeSymbol("softpos".repeat(10), CodePurpose.PRINT))
        val withLogo = checkNotNull(codeSymbol("softpos".repeat(10), CodePurpose.LOGO))
        assertTrue(forPaper.side < withLogo.side, "a logo hides a part: more of it is repair")
        assertNull(codeSymbol("x".repeat(4_000), CodePurpose.SCREEN))
    }

    @Test
    fun `the till is activated by what its camera sees, and a frame that lies about its size is none`() = shop {
        openTill()
        for (side in listOf(0u, 1u, 100u, UInt.MAX_VALUE)) {
            val size = FrameSize(side, side, side)
            val seen = runCatching { till.activateFrame(ByteBuffer.allocateDirect(10_000), size) }
            assertTrue(seen.isFailure && seen.exceptionOrNull() is SoftPosException || seen.getOrThrow() == false)
        }
        val (luma, size) = picture(host.activationText())
        assertTrue(till.activateFrame(luma, size))
        assertEquals(Ending.Activated, till.awaitEnding())
    }

    private fun request(amount: String) = PaymentRequest(amountFromText(amount, "CNY"), Method.CODE, Language.EN)

    private suspend fun refused(action: suspend () -> Unit): String = try {
        action()
        "nothing"
    } catch (error: SoftPosException.InvalidInput) {
        error.fault.code
    }

    /** What a camera sees of a code that fills its frame: four pixels a module, four modules of margin, padded rows. */
    private fun picture(text: String): Pair<ByteBuffer, FrameSize> {
        val symbol = checkNotNull(codeSymbol(text, CodePurpose.SCREEN))
        val side = symbol.side.toInt()
        val pixels = (side + 8) * 4
        val luma = ByteBuffer.allocateDirect((pixels + PADDING) * pixels)
        for (y in 0 until pixels) {
            for (x in 0 until pixels) {
                val (column, row) = x / 4 - 4 to y / 4 - 4
                val inside = column in 0 until side && row in 0 until side
                val dark = inside && symbol.modules[row * side + column] == 1.toByte()
                luma.put(if (dark) 0 else -1)
            }
            luma.put(ByteArray(PADDING))
        }
        luma.flip()
        val wide = pixels.toUInt()
        return luma to FrameSize(wide, wide, wide + PADDING.toUInt())
    }

    private companion object {
        /** Bytes behind each row that belong to no pixel. */
        const val PADDING = 24
    }
}
