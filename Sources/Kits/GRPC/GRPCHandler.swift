// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

/// The calls of one HTTP/2 connection: takes their frames, answers them on the thread of the connection.
final class GRPCHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// Bytes that a client may send, on one call or on all, before it is told that it may send more.
    static let window = 8 << 20
    /// Messages of one call that may wait for their answers before the client has to wait too.
    private static let mostWaiting = 16
    /// Bytes of answers that may wait for a client, before further requests of its streams have to.
    private static let mostUnsent = 4 << 20

    private let front: any GRPCFront
    private var calls: [HTTP2StreamID: Call] = [:]
    private var lastID = HTTP2StreamID.rootStream
    private var hasUnflushed = false
    private var isReading = false
    private var isQuiescing = false
    private var isClosing = false
    /// Streams whose last frame is not sent, or not come, yet.
    private var open: Set<HTTP2StreamID> = []
    /// Bytes of messages that are held for all calls.
    private var held = 0
    /// Bytes of answers that the client has not taken yet.
    private var unsent = 0

    /// One call.
    private struct Call {
        let method: GRPCMethod
        var frames: GRPCFrames
        var waiting: [GRPCFrames.Message] = []
        var isAnswering = false
        /// Whether the client has sent all that it will.
        var isComplete = false
        /// Whether the head of the answer has been sent.
        var hasHead = false
        var isLasting = false
        /// Bytes that came and were not given back to its window.
        var uncredited = 0
        /// Bytes of its messages.
        var held: Int { waiting.reduce(frames.partialBytes) { $0 + $1.bytes.count } }
        /// What makes the answer that is awaited.
        var task: Task<Void, Never>?
    }

    /// Told where the client sends more frames of a kind than anybody needs to.
    private let onFlood: @Sendable () -> Void

    init(front: any GRPCFront, onFlood: @escaping @Sendable () -> Void = {}) {
        self.front = front
        self.onFlood = onFlood
    }

    func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { widen(context) } }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        widen(context)
    }

    /// The window of a connection begins at 64 KiB, whatever the settings say.
    private func widen(_ context: ChannelHandlerContext) {
        write(.rootStream, .windowUpdate(windowSizeIncrement: Self.window - 65_535), context)
        flush(context)
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers): begin(frame.streamID, headers.headers, isComplete: headers.endStream, context)
        case .data(let data):
            guard case .byteBuffer(var bytes) = data.data else { return }
            receive(
                frame.streamID, &bytes, padding: data.paddingBytes.map { $0 + 1 } ?? 0, isComplete: data.endStream,
                context)
        case .goAway: isQuiescing = true
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if hasUnflushed { flush(context) }
        context.fireChannelReadComplete()
    }

    private func begin(_ id: HTTP2StreamID, _ headers: HPACKHeaders, isComplete: Bool, _ context: ChannelHandlerContext)
    {
        // Headers after the first are trailers, of which gRPC has none from clients.
        if calls[id] != nil { return finish(id, isComplete, context) }
        lastID = max(lastID, id)
        open.insert(id)
        var path: String?
        var isGRPC = false
        var encoding: String?
        for (name, value, _) in headers {
            switch name {
            case ":path": path = value
            case "content-type": isGRPC = value.hasPrefix("application/grpc")
            case "grpc-encoding": encoding = value
            default: break
            }
        }
        guard isGRPC else {
            write(id, .headers(.init(headers: [":status": "415", "content-length": "0"], endStream: true)), context)
            if !isComplete { write(id, .rstStream(.noError), context) }
            return
        }
        let found: GRPCMethod?
        do throws(GyreError) {
            let call = GRPCCall(
                headers: { name in headers.first(name: name) }, peer: context.channel.remoteAddress?.ipAddress)
            found = try path.flatMap { path throws(GyreError) in try front.method(path, call) }
        } catch {
            return refuse(id, error, isComplete: isComplete, context)
        }
        guard let method = found else {
            return refuse(
                id, GyreError(.unsupported, "There is no method \((path ?? "").prefix(200))."), isComplete: isComplete,
                context)
        }
        if let encoding, !["identity", "gzip", "deflate"].contains(encoding) {
            return refuse(
                id,
                GyreError(
                    .unsupported, "Messages packed by \(encoding.prefix(40)) are not read.", fix: "Use gzip or deflate."
                ),
                isComplete: isComplete, context)
        }
        calls[id] = Call(method: method, frames: GRPCFrames(encoding: encoding))
        finish(id, isComplete, context)
    }

    private func receive(
        _ id: HTTP2StreamID, _ bytes: inout ByteBuffer, padding: Int, isComplete: Bool, _ context: ChannelHandlerContext
    ) {
        let count = bytes.readableBytes + padding
        // A call that was refused may be sending still.
        guard var call = take(id) else { return }
        call.uncredited += count
        call.frames.append(&bytes)
        do throws(GyreError) {
            while let message = try call.frames.next() { call.waiting.append(message) }
            guard held + call.held <= Limits.tensorBytes else {
                throw GyreError(
                    .limitExceeded, "The calls of the connection hold more than \(Limits.tensorBytes) bytes.")
            }
        } catch {
            call.task?.cancel()
            return refuse(id, error, hasHead: call.hasHead, isComplete: isComplete, context)
        }
        put(id, call)
        finish(id, isComplete, context)
    }

    private func take(_ id: HTTP2StreamID) -> Call? {
        guard let call = calls.removeValue(forKey: id) else { return nil }
        held -= call.held
        return call
    }

    private func put(_ id: HTTP2StreamID, _ call: Call) {
        held += call.held
        calls[id] = call
    }

    /// Goes on with a call after something of it came.
    private func finish(_ id: HTTP2StreamID, _ isComplete: Bool, _ context: ChannelHandlerContext) {
        guard calls[id] != nil else { return }
        if isComplete { calls[id]?.isComplete = true }
        proceed(id, context)
        guard let call = calls[id], !call.isComplete, call.uncredited >= Self.window / 2,
            call.waiting.count < Self.mostWaiting
        else { return }
        write(id, .windowUpdate(windowSizeIncrement: call.uncredited), context)
        calls[id]?.uncredited = 0
    }

    // MARK: Answering

    private func proceed(_ id: HTTP2StreamID, _ context: ChannelHandlerContext) {
        while let call = calls[id], !call.isAnswering, !call.isLasting {
            guard !call.waiting.isEmpty else {
                if call.isComplete { complete(id, call, context) }
                return
            }
            if call.method.kind == .unary {
                // What it is asked for is certain when the client is done.
                guard call.isComplete else { return }
                guard call.waiting.count == 1, !call.frames.isPartial else {
                    return refuse(
                        id, GyreError(.invalid, "The method takes one message, and more came."), isComplete: true,
                        context)
                }
            }
            // A client that does not take its answers gets no more of them made.
            if call.method.kind == .repeated, unsent > Self.mostUnsent { return }
            answer(id, context)
        }
    }

    private func answer(_ id: HTTP2StreamID, _ context: ChannelHandlerContext) {
        guard var call = take(id), !call.waiting.isEmpty else { return }
        let message = call.waiting.removeFirst()
        call.isAnswering = true
        put(id, call)
        let answer = call.method.answer
        do throws(GyreError) {
            if message.encoding != nil {
                // What is packed may be a thousand times longer: that is no work for the thread of a connection.
                return wait(for: id, context) { () async throws(GyreError) in
                    let bytes = try await Background.run { () throws(GyreError) in try message.unpacked() }
                    switch try answer(bytes) {
                    case .now(let answered): return answered
                    case .later(let make): return try await make()
                    }
                }
            }
            switch try answer(message.bytes) {
            case .now(let bytes): respond(id, .success(bytes), context)
            case .later(let make): wait(for: id, context, make)
            }
        } catch {
            respond(id, .failure(error), context)
        }
    }

    private func wait(
        for id: HTTP2StreamID, _ context: ChannelHandlerContext,
        _ make: @escaping @Sendable () async throws(GyreError) -> [UInt8]
    ) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        calls[id]?.task = Task {
            let result: Result<[UInt8], GyreError>
            do throws(GyreError) { result = .success(try await make()) } catch { result = .failure(error) }
            loop.execute {
                let (handler, context) = bound.value
                handler.respond(id, result, context)
                handler.goOn(id, context)
            }
        }
    }

    /// Goes on with a call outside of reading.
    private func goOn(_ id: HTTP2StreamID, _ context: ChannelHandlerContext) {
        finish(id, false, context)
        if !isReading, hasUnflushed { flush(context) }
    }

    /// Writes one answer; a failure ends the call.
    private func respond(
        _ id: HTTP2StreamID, _ result: Result<[UInt8], GyreError>, _ context: ChannelHandlerContext
    ) {
        guard let call = calls[id] else { return }
        calls[id]?.isAnswering = false
        calls[id]?.task = nil
        switch result {
        case .success(let bytes):
            if !call.hasHead {
                calls[id]?.hasHead = true
                write(id, .headers(.init(headers: Self.head)), context)
            }
            var buffer = context.channel.allocator.buffer(capacity: bytes.count + 5)
            GRPCFrames.writeHead(bytes.count, to: &buffer)
            buffer.writeBytes(bytes)
            send(id, buffer, context, isCounted: call.method.kind == .repeated)
            switch call.method.kind {
            case .unary: complete(id, call, context)
            case .repeated: break
            case .lasting: calls[id]?.isLasting = true
            }
        case .failure(let error):
            refuse(id, error, hasHead: call.hasHead, isComplete: call.isComplete, context)
        }
    }

    /// Writes the bytes of an answer; of those that are counted the client must take some before it gets more.
    private func send(_ id: HTTP2StreamID, _ buffer: ByteBuffer, _ context: ChannelHandlerContext, isCounted: Bool) {
        let payload = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(buffer)))
        guard isCounted else { return write(id, payload, context) }
        let count = buffer.readableBytes
        unsent += count
        hasUnflushed = true
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload))).whenComplete { _ in
            let (handler, context) = bound.value
            let wasFull = handler.unsent > Self.mostUnsent
            handler.unsent -= count
            guard wasFull, handler.unsent <= Self.mostUnsent else { return }
            for id in handler.calls.keys { handler.goOn(id, context) }
        }
    }

    private static let head: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
    private static let good: HPACKHeaders = ["grpc-status": "0"]

    /// Ends a call whose client is done.
    private func complete(_ id: HTTP2StreamID, _ call: Call, _ context: ChannelHandlerContext) {
        let hasHead = take(id)?.hasHead ?? false
        if call.frames.isPartial || !hasHead && call.method.kind == .unary {
            return refuse(
                id, GyreError(.invalid, "The call ended before its message was whole."), hasHead: hasHead,
                isComplete: true, context)
        }
        if !hasHead { write(id, .headers(.init(headers: Self.head)), context) }
        write(id, .headers(.init(headers: Self.good, endStream: true)), context)
    }

    /// Ends a call with an error; the client is told to send no more.
    private func refuse(
        _ id: HTTP2StreamID, _ error: GyreError, hasHead: Bool = false, isComplete: Bool,
        _ context: ChannelHandlerContext
    ) {
        _ = take(id)
        var headers: HPACKHeaders = hasHead ? [:] : Self.head
        headers.add(name: "grpc-status", value: String(GRPCStatus(error.code).rawValue))
        headers.add(name: "grpc-message", value: Self.escaped(error.description), indexing: .neverIndexed)
        let last = HTTP2Frame(streamID: id, payload: .headers(.init(headers: headers, endStream: true)))
        hasUnflushed = true
        guard !isComplete else { return context.write(wrapOutboundOut(last), promise: nil) }
        // The client is told to stop only when it has what it was told before.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.write(wrapOutboundOut(last)).whenSuccess { _ in
            let (handler, context) = bound.value
            guard handler.open.contains(id) else { return }
            handler.write(id, .rstStream(.noError), context)
            if !handler.isReading { handler.flush(context) }
        }
    }

    /// A message as a header may hold it: what is not printable ASCII, and the percent sign, by their bytes.
    static func escaped(_ text: String) -> String {
        Percent.escape(text.utf8.prefix(4096)) { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "%") }
    }

    private func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload, _ context: ChannelHandlerContext) {
        hasUnflushed = true
        context.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
    }

    private func flush(_ context: ChannelHandlerContext) {
        hasUnflushed = false
        context.flush()
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let closed as StreamClosedEvent:
            // By the client's will, or since the connection is gone; what is computed for it is of no use.
            take(closed.streamID)?.task?.cancel()
            open.remove(closed.streamID)
            closeIfDone(context)
        case let window as NIOHTTP2WindowUpdatedEvent where window.streamID == .rootStream:
            // Whatever came took of the connection's window, that of calls which were refused too.
            guard let left = window.inboundWindowSize, left <= Self.window / 2 else { return }
            write(.rootStream, .windowUpdate(windowSizeIncrement: Self.window - left), context)
            if !isReading { flush(context) }
        case is ChannelShouldQuiesceEvent: quiesce(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// Takes no new calls; those under way end, and those that would last for ever are ended.
    private func quiesce(_ context: ChannelHandlerContext) {
        isQuiescing = true
        write(.rootStream, .goAway(lastStreamID: lastID, errorCode: .noError, opaqueData: nil), context)
        for (id, call) in calls where call.method.kind != .unary && !call.isAnswering && call.waiting.isEmpty {
            refuse(
                id, GyreError(.unavailable, "The server ends."), hasHead: call.hasHead, isComplete: call.isComplete,
                context)
        }
        flush(context)
        closeIfDone(context)
    }

    /// Closes the connection once all that was answered has been sent.
    private func closeIfDone(_ context: ChannelHandlerContext) {
        guard isQuiescing, !isClosing, open.isEmpty else { return }
        isClosing = true
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let last = HTTP2Frame(
            streamID: .rootStream, payload: .goAway(lastStreamID: lastID, errorCode: .noError, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(last)).whenComplete { _ in bound.value.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        for call in calls.values { call.task?.cancel() }
        calls = [:]
        context.fireChannelInactive()
    }

    /// An error of the protocol ends the connection; NIO has told the client.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is NIOHTTP2Errors.ExcessiveRSTFrames || error is NIOHTTP2Errors.ExcessiveControlFrames
            || error is NIOHTTP2Errors.ExcessiveStreamErrors || error is NIOHTTP2Errors.ExcessiveContinuationFrames
        {
            onFlood()
        }
        // A call that is unknown or over concerns that call alone.
        if error is NIOHTTP2Errors.NoSuchStream || error is NIOHTTP2Errors.StreamClosed { return }
        if error is NIOHTTP2Errors.StreamError { return }
        context.close(promise: nil)
    }
}
