package softpos.driver

import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicLong
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.receiveAsFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import softpos.core.Ending
import softpos.core.Fault
import softpos.core.FrameSize
import softpos.core.HistoryQuery
import softpos.core.LogSink
import softpos.core.Paper
import softpos.core.PaymentRequest
import softpos.core.PaymentSummary
import softpos.core.PinEntry
import softpos.core.RefundRequest
import softpos.core.Screen
import softpos.core.SecureHardware
import softpos.core.SlipCopy
import softpos.core.SlipFile
import softpos.core.SlipFormat
import softpos.core.SoftPosException
import softpos.core.Status
import softpos.core.Step
import softpos.core.Terminal
import softpos.core.TerminalConfig

/**
 * The till of an app: the core, the loop that serves its steps, and the card loop.
 *
 * Calls suspend only as long as the core writes to the disk and throw [SoftPosException]; how a payment goes on comes
 * through [state] and [events]. One payment at a time is begun by the operator: the core refuses a second one.
 */
class Till private constructor(
    internal val terminal: Terminal,
    reader: CardReader,
    private val io: CoroutineDispatcher,
) {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val cards = CardLoop(terminal, reader)
    private val closing = AtomicBoolean()
    private val endings = AtomicLong()
    private val states = MutableStateFlow(TillState())
    private val happened = Channel<TillEvent>(MAX_EVENTS, BufferOverflow.DROP_OLDEST)

    /** Why every call is refused, once the session has ended. */
    @Volatile
    private var ended: Fault? = null
    private val loop: Job = scope.launch { serve() }

    /** What to draw now. */
    val state: StateFlow<TillState> = states.asStateFlow()

    /** What happens once, in order, for one collector; the oldest are lost if nobody collects. Completes at the end. */
    val events: Flow<TillEvent> = happened.receiveAsFlow()

    /** What the till can do now, and for whom. */
    suspend fun status(): Status = call { it.status() }

    /** Activates with the text of an activation code, or goes on with an activation that stopped. */
    suspend fun activate(text: String) = begin { it.activate(text) }

    /** As [activate], with the parts as typed. */
    suspend fun activate(host: String, pins: String, code: String) = begin { it.activateTyped(host, pins, code) }

    /** Starts a payment and returns its key. */
    suspend fun start(request: PaymentRequest): String = begin { it.start(request) }

    /**
     * Charges the code that a payer shows, as it was scanned or typed, and returns the payment's key. The bytes are
     * wiped; the code is never kept for later.
     */
    suspend fun chargeCode(request: PaymentRequest, scanned: ByteArray): String =
        begin { till -> direct(scanned) { till.chargeCode(request, it) } }

    /**
     * Charges the code in a camera's frame and returns the payment's key; null if there is none in it: the next frame is
     * tried. [luma] is a direct buffer, as the brightness plane of an image is.
     */
    suspend fun chargeFrame(request: PaymentRequest, luma: ByteBuffer, size: FrameSize): String? =
        begin({ it != null }) { it.chargeFrame(request, luma, size) }

    /** Activates with the code in a camera's frame; returns whether there was one. */
    suspend fun activateFrame(luma: ByteBuffer, size: FrameSize): Boolean =
        begin({ it }) { it.activateFrame(luma, size) }

    /** A payment was said to be paid, by a push message for example: the host is asked now. */
    suspend fun paymentNotice(key: String) = call { it.paymentNotice(key) }

    /** Starts a refund and returns its key. */
    suspend fun refund(request: RefundRequest): String = begin { it.refund(request) }

    /** Closes the day. */
    suspend fun settle() = begin { it.settle() }

    /** Waits until what was begun last has ended. Throws Closed if the session ends first. */
    suspend fun awaitEnding(): Ending {
        val last = state.first { it.ending != null || it.closed }
        return last.ending ?: throw SoftPosException.Closed(checkNotNull(ended))
    }

    /** The PIN pad's end in the core, while [TillState.pinWanted]. The caller closes it. */
    suspend fun pinEntry(): PinEntry = call { it.pinEntry() }

    /** The operator gives up. What was sent already is undone in the background. */
    suspend fun cancel() {
        cards.stop()
        call { it.cancel() }
    }

    /** The operator refuses an approved sale of the open batch: it is undone. */
    suspend fun refuseApproval(key: String) = call { it.refuseApproval(key) }

    /** Payments, newest first. */
    suspend fun history(query: HistoryQuery = HistoryQuery()): List<PaymentSummary> = call { it.history(query) }

    /** One payment. */
    suspend fun payment(key: String): PaymentSummary = call { it.payment(key) }

    /** A payment's slip as text. */
    suspend fun receipt(key: String, copy: SlipCopy, paper: Paper): String = call { it.receipt(key, copy, paper) }

    /** A payment's slip in a form: to show, to send, to hand to a printer. */
    suspend fun receiptFile(key: String, copy: SlipCopy, paper: Paper, format: SlipFormat): SlipFile =
        call { it.receiptFile(key, copy, paper, format) }

    /** The slip of a batch: its settlement, or what the open one has so far. */
    suspend fun dayCloseSlip(batch: UInt, paper: Paper): String = call { it.dayCloseSlip(batch, paper) }

    /** The slip of a batch in a form. */
    suspend fun dayCloseFile(batch: UInt, paper: Paper, format: SlipFormat): SlipFile =
        call { it.dayCloseFile(batch, paper, format) }

    /** What the till says about a payment as it stands; null while it is on its way. */
    suspend fun outcomeSentence(key: String): String? = call { it.outcomeSentence(key) }

    /** Everything that waits to be forwarded, in its order. */
    suspend fun queue(): List<PaymentSummary> = call { it.queue() }

    /** Sends everything that waits; returns how many payments wait to be forwarded. */
    suspend fun forceSync(): UInt = call { it.forceSync() }

    /** The network came or went, as the phone sees it. */
    suspend fun setLink(online: Boolean) = call { it.setLink(online) }

    /**
     * Ends the till: everything is durable, the folder is free, and whoever waits is told. Takes 10 seconds at most;
     * a second call waits for the first.
     */
    suspend fun close() {
        if (closing.compareAndSet(false, true)) {
            cards.stop()
            withContext(NonCancellable + io) { shutdown() }
        }
        loop.join()
    }

    private suspend fun <T> call(action: (Terminal) -> T): T = withContext(io) {
        ended?.let { throw SoftPosException.Closed(it) }
        try {
            action(terminal)
        } catch (gone: IllegalStateException) {
            // The session ended between the two: its memory is given back already.
            throw SoftPosException.Closed(ended ?: throw gone)
        }
    }

    /**
     * Begins something whose end comes as a step: the last ending is history from now on. What is refused changes
     * nothing that is shown.
     */
    private suspend fun <T> begin(begun: (T) -> Boolean = { true }, action: (Terminal) -> T): T {
        val before = endings.get()
        val result = call(action)
        // Its own end may have been quicker than this line.
        if (begun(result)) states.update { if (endings.get() == before) it.copy(ending = null) else it }
        return result
    }

    private fun shutdown() {
        try {
            terminal.shutdown()
        } catch (_: IllegalStateException) {
            // It has ended by itself.
        } catch (_: SoftPosException) {
            // A defect inside: what is on the disk stays.
        }
    }

    /** The one loop that takes steps. It ends with the session, and only then the core's memory is given back. */
    private suspend fun serve() {
        while (true) {
            val step = try {
                terminal.nextStep()
            } catch (_: SoftPosException) {
                // A defect inside: nothing follows.
                shutdown()
                Step.Closed
            }
            if (step is Step.Closed) break
            serve(step)
        }
        cards.close()
        ended = try {
            terminal.status()
            null
        } catch (closed: SoftPosException.Closed) {
            closed.fault
        }
        terminal.close()
        states.update { it.copy(pinWanted = false, closed = true) }
        happened.close()
    }

    private fun serve(step: Step) {
        when (step) {
            is Step.Show -> {
                val screen = step.view.screen
                states.update { it.copy(view = step.view, text = step.text, pinWanted = screen is Screen.EnterPin) }
                if (screen is Screen.Card) cards.prompt(screen.fieldOffMs.toLong().milliseconds) else cards.stop()
            }
            is Step.Say -> happened.trySend(TillEvent.Say(step.text))
            is Step.AskPin -> states.update { it.copy(pinWanted = true) }
            is Step.Notice -> happened.trySend(TillEvent.Happened(step.notice, step.text))
            is Step.Finished -> {
                cards.stop()
                endings.incrementAndGet()
                states.update { it.copy(text = step.text, pinWanted = false, ending = step.ending) }
                happened.trySend(TillEvent.Ended(step.ending, step.text))
            }
            is Step.Closed -> Unit
        }
    }

    companion object {
        /** Of sentences and news that nobody has collected yet. */
        private const val MAX_EVENTS = 256

        /** Opens the folder and goes on where it ends. */
        suspend fun open(
            config: TerminalConfig,
            hardware: SecureHardware,
            log: LogSink,
            reader: CardReader,
            io: CoroutineDispatcher = Dispatchers.IO,
        ): Till = withContext(io) { Till(Terminal.open(config, hardware, log), reader, io) }
    }
}
