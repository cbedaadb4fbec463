package softpos.driver

import java.nio.ByteBuffer
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import softpos.core.CodePurpose
import softpos.core.Ending
import softpos.core.FrameSize
import softpos.core.Language
import softpos.core.Method
import softpos.core.PaymentRequest
import softpos.core.PaymentState
import softpos.core.Screen
import softpos.core.SoftPosException
import softpos.core.amountFromText
import softpos.core.codeSymbol

/** The code that the customer shows, typed and before the camera. Its last digit says what the customer does. */
class CodeTest {
    @Test
    fun `a typed code is charged once and wiped`() = story {
        val code = "134567890123456780".toByteArray()
        val key = till.chargeCode(request("8.80"), code)
        assertTrue(code.all { it == 0.toByte() })
        assertEquals(PaymentState.APPROVED, stateOf(till.awaitEnding()))
        assertEquals("wechat", till.payment(key).channel)
        assertEquals("code_used", refused { till.chargeCode(request("8.80"), "134567890123456780".toByteArray()) })
        assertEquals("not_a_payment_code", refused { till.chargeCode(request("1"), "4006381333931".toByteArray()) })
        // What was refused has not begun: the last ending is still the one to show.
        assertEquals(PaymentState.APPROVED, stateOf(till.awaitEnding()))
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
            assertEquals(PaymentState.APPROVED, stateOf(till.awaitEnding()))
        }
        assertEquals(200L, host.bookedMinor())
    }

    @Test
    fun `a customer without money is declined, and one who never answers is not charged`() = story {
        till.chargeCode(request("3"), "134567890123456788".toByteArray())
        assertEquals(PaymentState.DECLINED, stateOf(till.awaitEnding()))
        till.chargeCode(request("3"), "281234567890123457".toByteArray())
        screen { it is Screen.AskPayer }
        till.cancel()
        till.awaitEnding()
        rest()
        assertEquals(0L, host.bookedMinor())
    }

    @Test
    fun `the till is activated by what its camera sees`() = Shop().use { shop ->
        kotlinx.coroutines.runBlocking {
            shop.till = shop.openTill()
            val blank = ByteBuffer.allocateDirect(10_000)
            assertFalse(shop.till.activateFrame(blank, FrameSize(100u, 100u, 100u)))
            val (luma, size) = picture(shop.host.activationText())
            assertTrue(shop.till.activateFrame(luma, size))
            assertEquals(Ending.Activated, shop.till.awaitEnding())
        }
    }

    private fun request(amount: String) = PaymentRequest(amountFromText(amount, "CNY"), Method.CODE, Language.EN)

    private suspend fun refused(action: suspend () -> Unit): String = try {
        action()
        "nothing"
    } catch (error: SoftPosException.InvalidInput) {
        error.fault.code
    }

    /** What a camera sees of a code that fills its frame: four pixels a module, four modules of margin. */
    private fun picture(text: String): Pair<ByteBuffer, FrameSize> {
        val symbol = checkNotNull(codeSymbol(text, CodePurpose.SCREEN))
        val side = symbol.side.toInt()
        val pixels = (side + 8) * 4
        val luma = ByteBuffer.allocateDirect(pixels * pixels)
        for (y in 0 until pixels) {
            for (x in 0 until pixels) {
                val (column, row) = x / 4 - 4 to y / 4 - 4
                val inside = column in 0 until side && row in 0 until side
                val dark = inside && symbol.modules[row * side + column] == 1.toByte()
                luma.put(if (dark) 0 else -1)
            }
        }
        luma.flip()
        val wide = pixels.toUInt()
        return luma to FrameSize(wide, wide, wide)
    }
}
