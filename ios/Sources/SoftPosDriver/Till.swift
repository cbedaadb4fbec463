import Dispatch
import Foundation
import SoftPosCore

/// The till of an app: the core, the loop that serves its steps, and the card loop.
///
/// Calls suspend only as long as the core writes to the disk and throw `SoftPosError`; how a payment goes on comes
/// through ``states()`` and ``events``. One payment at a time is begun by the operator: the core refuses a second one.
/// An open till lives until ``close()``, whoever still refers to it.
public actor Till {
    /// Of sentences and news that nobody has collected yet.
    private static let maxEvents = 256

    /// Calls that may wait for the disk run beside the threads of actors, which must not wait.
    private static let calls = DispatchQueue(label: "softpos-calls", attributes: .concurrent)

    nonisolated let terminal: Terminal
    private let cards: CardLoop
    private var watchers: [UInt64: AsyncStream<TillState>.Continuation] = [:]
    private var lastWatcher: UInt64 = 0
    private let happened: AsyncStream<TillEvent>.Continuation
    private var loop: Task<Void, Never>?
    private var closing = false
    private var endings: UInt64 = 0

    /// Why every call is refused, once the session has ended.
    private var ended: (any Error)?

    /// What to draw now.
    public private(set) var state = TillState() {
        didSet { for watcher in watchers.values { watcher.yield(state) } }
    }

    /// What happens once, in order, for one reader; the oldest are lost if nobody reads. Finishes at the end.
    public nonisolated let events: AsyncStream<TillEvent>

    private init(terminal: Terminal, reader: any CardReader) {
        self.terminal = terminal
        cards = CardLoop(terminal: terminal, reader: reader)
        (events, happened) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.maxEvents))
    }

    /// Opens the folder and goes on where it ends.
    public static func open(
        config: TerminalConfig,
        hardware: any SecureHardware,
        log: any LogSink,
        reader: any CardReader
    ) async throws -> Till {
        let terminal = try await beside { try Terminal.open(config: config, hardware: hardware, log: log) }
        let till = Till(terminal: terminal, reader: reader)
        await till.run()
        return till
    }

    /// What to draw, from now on: the latest only, when a reader is slow. Finishes at the end.
    public func states() -> AsyncStream<TillState> {
        let (stream, watcher) = AsyncStream.makeStream(of: TillState.self, bufferingPolicy: .bufferingNewest(1))
        watcher.yield(state)
        if state.closed {
            watcher.finish()
        } else {
            lastWatcher += 1
            let id = lastWatcher
            watchers[id] = watcher
            watcher.onTermination = { _ in Task { await self.forget(id) } }
        }
        return stream
    }

    /// What the till can do now, and for whom.
    public func status() async throws -> Status { try await call { try $0.status() } }

    /// Activates with the text of an activation code, or goes on with an activation that stopped.
    public func activate(text: String) async throws { try await begin { try $0.activate(text: text) } }

    /// As ``activate(text:)``, with the parts as typed.
    public func activate(host: String, pins: String, code: String) async throws {
        try await begin { try $0.activateTyped(host: host, pins: pins, code: code) }
    }

    /// Starts a payment and returns its key.
    public func start(request: PaymentRequest) async throws -> String {
        try await begin { try $0.start(request: request) }
    }

    /// Charges the code that a payer shows, as it was scanned or typed, and returns the payment's key. The code is
    /// never kept for later; the caller wipes its own bytes.
    public func chargeCode(request: PaymentRequest, scanned: Data) async throws -> String {
        try await begin { try $0.chargeCode(request: request, scanned: scanned) }
    }

    /// Charges the code in a camera's frame and returns the payment's key; nil if there is none in it: the next frame is
    /// tried. `luma` is the brightness plane, one byte a pixel.
    public func chargeFrame(request: PaymentRequest, luma: Data, size: FrameSize) async throws -> String? {
        try await begin(if: { $0 != nil }) { try $0.chargeFrame(request: request, luma: luma, size: size) }
    }

    /// Activates with the code in a camera's frame; returns whether there was one.
    public func activateFrame(luma: Data, size: FrameSize) async throws -> Bool {
        try await begin(if: { $0 }) { try $0.activateFrame(luma: luma, size: size) }
    }

    /// A payment was said to be paid, by a push message for example: the host is asked now.
    public func paymentNotice(key: String) async throws { try await call { try $0.paymentNotice(key: key) } }

    /// Starts a refund and returns its key.
    public func refund(request: RefundRequest) async throws -> String {
        try await begin { try $0.refund(request: request) }
    }

    /// Closes the day.
    public func settle() async throws { try await begin { try $0.settle() } }

    /// Waits until what was begun last has ended. Throws Closed if the session ends first.
    public func awaitEnding() async throws -> Ending {
        for await state in states() {
            if let ending = state.ending { return ending }
        }
        // The states finish with the session, or because this task was cancelled.
        throw ended ?? CancellationError()
    }

    /// The PIN pad's end in the core, while ``TillState/pinWanted``.
    public func pinEntry() async throws -> PinEntry { try await call { try $0.pinEntry() } }

    /// The operator gives up. What was sent already is undone in the background.
    public func cancel() async throws {
        cards.stop()
        try await call { try $0.cancel() }
    }

    /// The operator refuses an approved sale of the open batch: it is undone.
    public func refuseApproval(key: String) async throws { try await call { try $0.refuseApproval(key: key) } }

    /// Payments, newest first.
    public func history(query: HistoryQuery = HistoryQuery()) async throws -> [PaymentSummary] {
        try await call { try $0.history(query: query) }
    }

    /// One payment.
    public func payment(key: String) async throws -> PaymentSummary { try await call { try $0.payment(key: key) } }

    /// A payment's slip as text.
    public func receipt(key: String, copy: SlipCopy, paper: Paper) async throws -> String {
        try await call { try $0.receipt(key: key, copy: copy, paper: paper) }
    }

    /// A payment's slip in a form: to show, to send, to hand to a printer.
    public func receiptFile(key: String, copy: SlipCopy, paper: Paper, format: SlipFormat) async throws -> SlipFile {
        try await call { try $0.receiptFile(key: key, copy: copy, paper: paper, format: format) }
    }

    /// The slip of a batch: its settlement, or what the open one has so far.
    public func dayCloseSlip(batch: UInt32, paper: Paper) async throws -> String {
        try await call { try $0.dayCloseSlip(batch: batch, paper: paper) }
    }

    /// The slip of a batch in a form.
    public func dayCloseFile(batch: UInt32, paper: Paper, format: SlipFormat) async throws -> SlipFile {
        try await call { try $0.dayCloseFile(batch: batch, paper: paper, format: format) }
    }

    /// What the till says about a payment as it stands; nil while it is on its way.
    public func outcomeSentence(key: String) async throws -> String? {
        try await call { try $0.outcomeSentence(key: key) }
    }

    /// Everything that waits to be forwarded, in its order.
    public func queue() async throws -> [PaymentSummary] { try await call { try $0.queue() } }

    /// Sends everything that waits; returns how many payments wait to be forwarded.
    public func forceSync() async throws -> UInt32 { try await call { try $0.forceSync() } }

    /// The network came or went, as the phone sees it.
    public func setLink(online: Bool) async throws { try await call { try $0.setLink(online: online) } }

    /// Ends the till: everything is durable, the folder is free, and whoever waits is told. Takes 10 seconds at most;
    /// a second call waits for the first.
    public func close() async {
        if !closing {
            closing = true
            cards.stop()
            await shutdown()
        }
        await loop?.value
    }
}

extension Till {
    private func run() {
        loop = Task { await serve() }
    }

    /// The one loop that takes steps. It ends with the session.
    private func serve() async {
        while true {
            guard let step = try? await terminal.nextStep() else {
                // A defect inside: nothing follows.
                await shutdown()
                break
            }
            if step == .closed { break }
            serve(step)
        }
        cards.stop()
        do {
            _ = try await status()
        } catch {
            ended = error
        }
        state.pinWanted = false
        state.closed = true
        for watcher in watchers.values { watcher.finish() }
        watchers.removeAll()
        happened.finish()
    }

    private func serve(_ step: Step) {
        switch step {
        case .show(let view, let text):
            var shown = state
            shown.view = view
            shown.text = text
            shown.pinWanted = view.screen == .enterPin
            state = shown
            if case .card(_, let fieldOffMs) = view.screen {
                cards.prompt(fieldOffMs: fieldOffMs)
            } else {
                cards.stop()
            }
        case .say(_, let text):
            happened.yield(.say(text: text))
        case .askPin:
            state.pinWanted = true
        case .notice(let notice, let text):
            happened.yield(.happened(notice: notice, text: text))
        case .finished(let ending, let text):
            cards.stop()
            endings += 1
            var shown = state
            shown.text = text
            shown.pinWanted = false
            shown.ending = ending
            state = shown
            happened.yield(.ended(ending: ending, text: text))
        case .closed:
            break
        }
    }

    private func call<T: Sendable>(_ action: @escaping @Sendable (Terminal) throws -> T) async throws -> T {
        let terminal = terminal
        return try await Self.beside { try action(terminal) }
    }

    /// Begins something whose end comes as a step: the last ending is history from now on. What is refused changes
    /// nothing that is shown.
    private func begin<T: Sendable>(
        if hasBegun: (T) -> Bool = { _ in true },
        _ action: @escaping @Sendable (Terminal) throws -> T
    ) async throws -> T {
        let before = endings
        let begun = try await call(action)
        // Its own end may have been quicker than this line.
        if hasBegun(begun) && endings == before { state.ending = nil }
        return begun
    }

    private func shutdown() async {
        // Whatever it says: what is on the disk stays, and nothing follows.
        try? await call { try $0.shutdown() }
    }

    private func forget(_ id: UInt64) {
        watchers[id] = nil
    }

    private static func beside<T: Sendable>(_ action: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            calls.async { continuation.resume(with: Result(catching: action)) }
        }
    }
}
