// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1

/// Puts an answer that is in one buffer already in place of the parts that the encoder would write.
///
/// It stands between the encoder and the handler that keeps the order of answers, which sees a head and an end as of any other answer.
final class WholeAnswerHandler: ChannelOutboundHandler {
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Where the encoder stands: what is written from there goes out as it is.
    private var encoder: ChannelHandlerContext?
    private var answer: ByteBuffer?
    private var isUnderWay = false

    init(encoder: ChannelHandlerContext) { self.encoder = encoder }

    func handlerRemoved(context: ChannelHandlerContext) { encoder = nil }

    /// Sets what the next head and end stand for.
    func set(_ answer: ByteBuffer) { self.answer = answer }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let whole = answer.take() {
            isUnderWay = true
            pass(whole, promise)
        } else if !isUnderWay {
            context.write(data, promise: promise)
        } else {
            // The end, which has nothing to add; whoever waits for it waits for what was written before it.
            isUnderWay = false
            if promise != nil { pass(context.channel.allocator.buffer(capacity: 0), promise) }
        }
    }

    private func pass(_ buffer: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        guard let encoder else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        encoder.write(HTTPResponseEncoder.wrapOutboundOut(.byteBuffer(buffer)), promise: promise)
    }
}
