import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// The client was too slow.
struct StalledRequest: Error {}

/// Watches over one connection: ends it when the client holds it up, and lets the client read an answer that came before the end of its
/// request.
///
/// A client that is refused while it sends must not go on sending gigabytes, and would not see the answer if the connection were
/// just closed: the kernel resets a connection that is closed with bytes unread. So the answer says that the connection ends, the
/// sending side is closed behind it, and what still comes is thrown away for a while (RFC 9112, section 9.6).
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long bytes are thrown away behind an early answer.
    private static let lingerTime = TimeAmount.seconds(5)

    private let headerTimeout: TimeAmount
    private let idleTimeout: TimeAmount
    private var timer: RepeatedTask?
    /// Requests whose head, and whose end, has come; answers whose head, and whose end, has gone.
    private var heads = 0
    private var ends = 0
    private var answersBegun = 0
    private var answersEnded = 0
    /// Whether somebody waits for bytes.
    private var wantsBytes = false
    /// When bytes last came, or were first waited for; and when bytes last went, or were first held up.
    private var lastRead = NIODeadline.now()
    private var lastWrite = NIODeadline.now()
    /// Whether parts of requests came of the bytes that were read last.
    private var hasReadParts = false
    /// When the header that is coming began; nil while none is.
    private var headerBegan: NIODeadline?
    private var unsentWrites = 0
    private var closesAfterAnswer = false
    private let unreadable: Unreadable
    /// Whether what came was no request, so that nothing more can be.
    private var hasRefused = false
    /// Until when bytes are thrown away; nil before the early answer.
    private var lingersUntil: NIODeadline?

    init(headerTimeout: Duration, idleTimeout: Duration, unreadable: Unreadable) {
        self.unreadable = unreadable
        self.headerTimeout = TimeAmount(headerTimeout)
        self.idleTimeout = TimeAmount(idleTimeout)
    }

    private var isReadingBody: Bool { heads > ends }

    func handlerAdded(context: ChannelHandlerContext) {
        let shortest = min(headerTimeout, idleTimeout).nanoseconds
        let pause = TimeAmount.nanoseconds(max(50_000_000, min(shortest / 4, 5_000_000_000)))
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in
            let (handler, context) = bound.value
            handler.lookAtTheClock(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    // MARK: Time

    private func lookAtTheClock(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        if let lingersUntil {
            if now >= lingersUntil { context.close(promise: nil) }
        } else if unsentWrites > 0 {
            if now >= lastWrite + idleTimeout { context.close(promise: nil) }
        } else if isReadingBody {
            guard wantsBytes, now >= lastRead + idleTimeout else { return }
            lastRead = now
            // Ends the request's body; the answer then is a refusal, and the connection's last.
            context.fireErrorCaught(StalledRequest())
        } else if heads == answersEnded {
            if now >= headerDeadline { context.close(promise: nil) }
        }
    }

    /// Until when the next request's header must have come. A byte now and then does not put it off.
    private var headerDeadline: NIODeadline {
        // While an answer went nobody may have read.
        if let headerBegan { return max(headerBegan, lastWrite) + headerTimeout }
        return max(lastRead, lastWrite) + (heads == 0 ? headerTimeout : idleTimeout)
    }

    // MARK: What comes

    func read(context: ChannelHandlerContext) {
        if !wantsBytes { lastRead = .now() }
        wantsBytes = true
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard lingersUntil == nil, !hasRefused else { return }
        lastRead = .now()
        hasReadParts = true
        switch unwrapInboundIn(data) {
        case .head:
            heads += 1
            headerBegan = nil
        case .body: break
        case .end: ends += 1
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        wantsBytes = false
        // Bytes came, and the decoder made no head of them yet.
        if !isReadingBody, headerBegan == nil, !hasReadParts { headerBegan = .now() }
        hasReadParts = false
        context.fireChannelReadComplete()
        // Nobody else asks for what is thrown away.
        if lingersUntil != nil { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if lingersUntil != nil, case ChannelEvent.inputClosed = event {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if hasRefused || lingersUntil != nil {
            // What comes behind bytes that could not be read is thrown away too.
            if !(error is ByteToMessageDecoderError) { context.close(promise: nil) }
        } else if error is HTTPParserError, !isReadingBody, heads == answersEnded {
            refuse(error, context)
        } else {
            context.fireErrorCaught(error)
        }
    }

    /// Answers bytes that are no request, which nobody behind this gets to see.
    private func refuse(_ error: any Error, _ context: ChannelHandlerContext) {
        hasRefused = true
        var (head, body) = unreadable.refuse(error)
        head.headerFields[.connection] = "close"
        pass(.head(head), context, nil)
        pass(.body(body), context, nil)
        let sent = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        sent.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            handler.linger(context)
        }
        pass(.end(nil), context, sent)
        context.flush()
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.kind != .informational:
            answersBegun += 1
            // Of pipelined requests the last one alone can be unfinished.
            if isReadingBody, answersBegun == heads {
                closesAfterAnswer = true
                head.headerFields[.connection] = "close"
            }
            pass(.head(head), context, promise)
        case .end(let trailers):
            answersEnded += 1
            let promise = promise ?? context.eventLoop.makePromise()
            if closesAfterAnswer {
                let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                promise.futureResult.whenComplete { _ in
                    let (handler, context) = bound.value
                    handler.linger(context)
                }
            }
            pass(.end(trailers), context, promise)
        case let part: pass(part, context, promise)
        }
    }

    private func pass(_ part: HTTPResponsePart, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let promise = promise ?? context.eventLoop.makePromise()
        if unsentWrites == 0 { lastWrite = .now() }
        unsentWrites += 1
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in
            bound.value.unsentWrites -= 1
            bound.value.lastWrite = .now()
        }
        context.write(wrapOutboundOut(part), promise: promise)
    }

    private func linger(_ context: ChannelHandlerContext) {
        guard lingersUntil == nil else { return }
        lingersUntil = .now() + Self.lingerTime
        context.close(mode: .output, promise: nil)
        context.read()
    }
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}
