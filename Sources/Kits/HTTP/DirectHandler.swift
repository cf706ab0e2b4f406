// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import NIOTLS

/// A connection whose direct routes are answered before Hummingbird sees them.
struct DirectChannel: ServerChildChannel, HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value
    private let inner: HTTP1Channel
    private let front: any Front
    private let originGuard: OriginGuard
    private let limits: ConnectionLimits
    private let tls: TLSFiles?

    init(
        responder: @escaping HTTPChannelHandler.Responder, front: any Front, originGuard: OriginGuard,
        limits: ConnectionLimits, tls: TLSFiles?
    ) {
        inner = HTTP1Channel(
            responder: responder,
            configuration: HTTP1Channel.Configuration(
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.choice.headBytes, maxHeaderListSize: limits.choice.headBytes,
                    maxHeaderFieldCount: limits.choice.headFields)))
        self.front = front
        self.originGuard = originGuard
        self.limits = limits
        self.tls = tls
    }

    var responder: HTTPChannelHandler.Responder { inner.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let address = channel.remoteAddress?.ipAddress ?? "local"
        let isTaken = limits.enter(address)
        if isTaken { channel.closeFuture.whenComplete { _ in limits.leave(address) } }
        return inner.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let patience = PatienceHandler(limits.choice)
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.context), position: .first) }
            try pipeline.addHandler(patience, position: .first)
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            // Requests that come before the answer to the one before them wait here.
            let order = HTTPServerPipelineHandler()
            try pipeline.addHandler(order, position: .after(decoder))
            let whole = WholeAnswerHandler(encoder: try pipeline.context(handlerType: HTTPResponseEncoder.self))
            try pipeline.addHandler(whole, position: .before(decoder))
            try pipeline.addHandler(
                DirectHandler(
                    front: front, originGuard: originGuard, answers: whole, patience: patience, isEncrypted: tls != nil),
                position: .after(order))
            if !isTaken { channel.close(promise: nil) }
            return value
        }
    }

    func handle(value: Value, logger: Logger) async { await inner.handle(value: value, logger: logger) }
}

/// Answers the requests of direct routes on the thread of their connection; all others pass through.
private final class DirectHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let front: any Front
    private let originGuard: OriginGuard
    private let answers: WholeAnswerHandler
    private let patience: PatienceHandler
    private let isEncrypted: Bool
    /// The name in the certificate that the client has shown; nil for none.
    private var certificateName: String?
    /// Whether something was handed on since those behind were told that reading has paused.
    private var hasPassedRequests = false
    private var state = State.passing
    private var isQuiescing = false
    /// What the request before met: clients mostly ask the same again.
    private var lastRoute: (method: HTTPMethod, uri: String, match: Router.DirectMatch, request: HTTPRequest)?
    private var lastHost: String?

    private enum State {
        /// What comes belongs to another request, or there is none.
        case passing
        /// The body of a direct request comes in.
        case collecting(HTTPRequestHead, Router.DirectMatch, ByteBuffer?)
        /// The request was refused before its body was there; the rest of it is dropped.
        case dropping(HTTPRequestHead)
        /// The answer is being made elsewhere.
        case answering
    }

    init(
        front: any Front, originGuard: OriginGuard, answers: WholeAnswerHandler, patience: PatienceHandler,
        isEncrypted: Bool
    ) {
        self.front = front
        self.originGuard = originGuard
        self.answers = answers
        self.patience = patience
        self.isEncrypted = isEncrypted
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch part {
        case .head: patience.headEnded()
        case .body: break
        case .end: patience.requestEnded()
        }
        switch (state, part) {
        case (.passing, .head(let head)):
            guard let match = match(head) else {
                if let error = Heads(head.headers).fault(head) { return refuse(head, error, context) }
                return pass(wrapInboundOut(.head(signed(Self.withEnd(head)))), context)
            }
            begin(head, match, context)
        case (.collecting(let head, let match, var collected), .body(var more)):
            guard (collected?.readableBytes ?? 0) + more.readableBytes <= Limits.tensorBytes else {
                return refuse(head, GyreError.tooLarge(Limits.tensorBytes), context)
            }
            // Nothing else may hold the buffer while it grows, or each piece would copy all of it.
            state = .passing
            if var whole = collected.take() {
                whole.writeBuffer(&more)
                state = .collecting(head, match, whole)
            } else {
                state = .collecting(head, match, more)
            }
        case (.collecting(let head, let match, let body), .end): finish(head, match, body, context)
        case (.dropping, .body): break
        case (.dropping, .end): state = .passing
        default: pass(data, context)
        }
    }

    private func pass(_ data: NIOAny, _ context: ChannelHandlerContext) {
        hasPassedRequests = true
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Those behind have work to do only where something was read for them.
        guard hasPassedRequests else { return }
        hasPassedRequests = false
        context.fireChannelReadComplete()
    }

    /// Hummingbird does not see the version of a request, by which a client of HTTP/1.0 waits for the connection's end.
    private static func withEnd(_ head: HTTPRequestHead) -> HTTPRequestHead {
        guard head.version == .http1_0, !head.isKeepAlive else { return head }
        var head = head
        head.headers.replaceOrAdd(name: "connection", value: "close")
        return head
    }

    /// What the connection proves of its client stands in a field of its own, which no client sets itself.
    private func signed(_ head: HTTPRequestHead) -> HTTPRequestHead {
        let isClaimed =
            head.headers.contains(name: HTTPRequest.certificateField)
            || head.headers.contains(name: HTTPRequest.encryptedField)
        guard certificateName != nil || isEncrypted || isClaimed else { return head }
        var head = head
        head.headers.remove(name: HTTPRequest.certificateField)
        head.headers.remove(name: HTTPRequest.encryptedField)
        if let certificateName { head.headers.add(name: HTTPRequest.certificateField, value: certificateName) }
        if isEncrypted { head.headers.add(name: HTTPRequest.encryptedField, value: "1") }
        return head
    }

    private func match(_ head: HTTPRequestHead) -> Router.DirectMatch? {
        if let lastRoute, lastRoute.uri == head.uri, lastRoute.method == head.method { return lastRoute.match }
        guard let match = front.router.direct(head.method.rawValue, head.uri) else { return nil }
        var request = HTTPRequest(
            method: head.method.rawValue, target: head.uri, headers: { _ in nil }, body: HTTPBody([]))
        request.parameters = match.parameters
        lastRoute = (head.method, head.uri, match, request)
        return match
    }

    /// The headers that decide whether a request is let in, and how its body comes.
    private struct Heads {
        var host: String?
        var hosts = 0
        var origin: String?
        var fetchSite: String?
        var length: Int?
        var expectsContinue = false

        /// One pass over all headers.
        init(_ headers: HTTPHeaders) {
            for (name, value) in headers {
                switch name.utf8.count {
                case 4 where name.lowercased() == "host":
                    host = host ?? value
                    hosts += 1
                case 6:
                    let lower = name.lowercased()
                    if lower == "origin" { origin = origin ?? value }
                    if lower == "expect" { expectsContinue = value.lowercased() == "100-continue" }
                case 14:
                    let lower = name.lowercased()
                    if lower == "content-length" { length = Int(value) }
                    if lower == "sec-fetch-site" { fetchSite = fetchSite ?? value }
                default: break
                }
            }
        }

        /// What is wrong with the request's host: HTTP/1.1 has exactly one such header (RFC 9112, 3.2), HTTP/1.0 at most one.
        func fault(_ head: HTTPRequestHead) -> GyreError? {
            if hosts == 1 || hosts == 0 && head.version == .http1_0 { return nil }
            return GyreError(
                .invalid, hosts == 0 ? "The request names no host." : "The request names \(hosts) hosts.",
                why: "A request of HTTP/1.1 has one Host header.")
        }
    }

    private func begin(_ head: HTTPRequestHead, _ match: Router.DirectMatch, _ context: ChannelHandlerContext) {
        let heads = Heads(head.headers)
        if let error = heads.fault(head) { return refuse(head, error, context) }
        if heads.host == nil || heads.host != lastHost || heads.origin != nil || heads.fetchSite != nil {
            do {
                try originGuard.check(
                    method: head.method.rawValue, host: heads.host, origin: heads.origin, fetchSite: heads.fetchSite)
            } catch {
                return refuse(head, error, context)
            }
            lastHost = heads.host
        }
        if let length = heads.length, length > Limits.tensorBytes {
            return refuse(head, GyreError.tooLarge(Limits.tensorBytes), context)
        }
        state = .collecting(head, match, nil)
        if heads.expectsContinue {
            context.writeAndFlush(
                wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
        }
    }

    private func finish(
        _ head: HTTPRequestHead, _ match: Router.DirectMatch, _ body: ByteBuffer?, _ context: ChannelHandlerContext
    ) {
        state = .answering
        let headers = head.headers
        // The route that was found for the head is that of the last request: nothing comes in between.
        guard let route = lastRoute else {
            return refuse(head, GyreError(.internal, "A request has no route."), context)
        }
        let name = certificateName
        var request = HTTPRequest(
            route.request, headers: { $0 == HTTPRequest.certificateField ? name : headers.first(name: $0) },
            body: HTTPBody(body.map { Array($0.readableBytesView) } ?? []))
        let peer = context.channel.remoteAddress
        request.peer = { peer?.ipAddress }
        request.isEncrypted = isEncrypted
        switch front.begin(request, match) {
        case .now(let response): write(response, head, context)
        case .later(let make):
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.makeFutureWithTask { await make() }.assumeIsolated().whenSuccess { response in
                let (handler, context) = bound.value
                handler.write(response, head, context)
            }
        }
    }

    /// Answers before the body was read; the connection is closed, since the client may be sending still.
    private func refuse(_ head: HTTPRequestHead, _ error: GyreError, _ context: ChannelHandlerContext) {
        var closing = head
        closing.headers.replaceOrAdd(name: "connection", value: "close")
        write(front.router.refusal(head.uri, error), closing, context)
        state = .dropping(head)
    }

    private func write(_ response: HTTPResponse, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard case .bytes(let bytes) = response.body else {
            return write(
                front.router.refusal(
                    head.uri, GyreError(.internal, "A direct route gave an answer that is not at hand.")),
                head,
                context)
        }
        answers.set(whole(response, bytes, head, context.channel.allocator))
        let status = response.status == 200 ? .ok : HTTPResponseStatus(statusCode: response.status)
        context.write(wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: status))), promise: nil)
        end(head, context)
    }

    /// Head and body as they go over the wire, in one buffer.
    private func whole(
        _ response: HTTPResponse, _ bytes: [UInt8], _ head: HTTPRequestHead, _ allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: 256 + bytes.count)
        buffer.writeStaticString(head.version == .http1_0 ? "HTTP/1.0 " : "HTTP/1.1 ")
        if response.status == 200 {
            buffer.writeStaticString("200 OK\r\n")
        } else {
            let status = HTTPResponseStatus(statusCode: response.status)
            buffer.writeString("\(status.code) \(status.reasonPhrase)\r\n")
        }
        for (name, value) in response.headers {
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            if value.utf8.contains(where: { $0 < 32 }) {
                // A line break would end the header, and what comes after it would pass for another one.
                buffer.writeBytes(value.utf8.map { $0 < 32 ? UInt8(ascii: " ") : $0 })
            } else {
                buffer.writeString(value)
            }
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("content-length: ")
        buffer.writeString(String(bytes.count))
        buffer.writeStaticString(head.isKeepAlive && !isQuiescing ? "\r\n\r\n" : "\r\nconnection: close\r\n\r\n")
        if head.method != .HEAD { buffer.writeBytes(bytes) }
        return buffer
    }

    /// Hummingbird's answers pass here.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { patience.answerEnded() }
        context.write(data, promise: promise)
    }

    private func end(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        state = .passing
        patience.answerEnded()
        if head.isKeepAlive, !isQuiescing {
            return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    private static func name(_ name: _SubjectAlternativeName) -> String? {
        guard name.nameType == .dnsName else { return nil }
        return unsafe name.contents.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            // The first name of a service's certificate is what it is called.
            certificateName = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
                .peerCertificate?._subjectAlternativeNames().lazy.compactMap(Self.name).first
        }
        // What comes after takes the connection for idle and would close it before the answer is written.
        if event is ChannelShouldQuiesceEvent {
            switch state {
            case .passing: break
            case .collecting, .dropping, .answering:
                isQuiescing = true
                return
            }
        }
        context.fireUserInboundEventTriggered(event)
    }
}

extension GyreError {
    fileprivate static func tooLarge(_ limit: Int) -> GyreError {
        GyreError(
            .limitExceeded, "The body of the request is too large.", why: "At most \(limit) bytes are taken here.")
    }
}
