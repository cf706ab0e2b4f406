// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import Synchronization

/// How many connections there may be, and how long each may take its time.
package final class ConnectionLimits: Sendable {
    /// The limits; each has a sane default.
    package struct Choice: Sendable, Hashable {
        /// Connections at a time.
        package var connections = 16_384
        /// Connections at a time from one address.
        package var connectionsOfOneAddress = 4096
        /// Seconds that the head of a request may take, the beginning of an encrypted connection too.
        package var headSeconds: Int64 = 30
        /// Seconds that a body, or a reader of an answer, may stand still.
        package var stillSeconds: Int64 = 60
        /// Seconds that a connection may be open without a request.
        package var idleSeconds: Int64 = 600
        /// Bytes of the head of a request.
        package var headBytes = 64 << 10
        /// Fields in the head of a request.
        package var headFields = 200

        /// The usual ones.
        package init() {}
    }

    /// What was chosen.
    package let choice: Choice
    private struct Open: Sendable {
        var all = 0
        var byAddress: [String: Int] = [:]
        /// Addresses that flooded a connection, and until when they get no other.
        var shut: [String: NIODeadline] = [:]
    }

    private let open = Mutex(Open())
    /// Seconds for which an address that flooded a connection gets no other on this port, and how many are remembered.
    private static let (shutSeconds, mostShut): (Int64, Int) = (5, 10_000)

    /// Limits of a port.
    package init(_ choice: Choice = Choice()) { self.choice = choice }

    /// Whether another connection from there may be opened; it is counted then, until `leave`.
    package func enter(_ address: String) -> Bool {
        open.withLock { open in
            if let until = open.shut[address] {
                if until > .now() { return false }
                open.shut[address] = nil
            }
            guard open.all < choice.connections, open.byAddress[address, default: 0] < choice.connectionsOfOneAddress
            else { return false }
            open.all += 1
            open.byAddress[address, default: 0] += 1
            return true
        }
    }

    /// Counts a connection no longer.
    package func leave(_ address: String) {
        open.withLock { open in
            open.all -= 1
            let left = open.byAddress[address, default: 1] - 1
            open.byAddress[address] = left > 0 ? left : nil
        }
    }

    /// Gives an address that flooded a connection no other for some seconds: making the next would cost the server more than the flood.
    package func shut(_ address: String) {
        open.withLock { open in
            if open.shut.count >= Self.mostShut { open.shut = [:] }
            open.shut[address] = .now() + .seconds(Self.shutSeconds)
        }
    }

    /// How many connections there are.
    package var count: Int { open.withLock { $0.all } }
}

/// Closes a connection whose client takes too much time; the first handler of its pipeline, which sees every byte.
final class PatienceHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private enum State {
        /// No request has begun since then.
        case idle(NIODeadline)
        /// The head of one began to come then.
        case head(NIODeadline)
        /// The body of one comes; the last of it then.
        case body(NIODeadline)
        /// The answer is being made or sent.
        case answering
    }

    private let limits: ConnectionLimits.Choice
    private var state: State
    private var (hasRequest, hasAnswered) = (false, false)
    private var unwritableSince: NIODeadline?
    private var check: RepeatedTask?
    private static let interval = TimeAmount.seconds(5)

    init(_ limits: ConnectionLimits.Choice) {
        self.limits = limits
        // A connection that says nothing at all is closed as one that begins and does not go on.
        state = .head(.now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        check = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { task in
            let (handler, context) = bound.value
            if handler.isTooSlow(at: .now()) {
                task.cancel()
                context.close(promise: nil)
            }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { check?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        check?.cancel()
        context.fireChannelInactive()
    }

    private func isTooSlow(at now: NIODeadline) -> Bool {
        if let unwritableSince, now - unwritableSince > .seconds(limits.stillSeconds) { return true }
        switch state {
        case .idle(let since): return now - since > .seconds(limits.idleSeconds)
        case .head(let since): return now - since > .seconds(limits.headSeconds)
        case .body(let last): return now - last > .seconds(limits.stillSeconds)
        case .answering: return false
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .idle: state = .head(.now())
        case .body: state = .body(.now())
        case .head, .answering: break
        }
        context.fireChannelRead(data)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : .now()
        context.fireChannelWritabilityChanged()
    }

    /// The head of a request is there.
    func headEnded() {
        (hasRequest, hasAnswered) = (false, false)
        state = .body(.now())
    }

    /// All of a request is there.
    func requestEnded() {
        hasRequest = true
        state = hasAnswered ? .idle(.now()) : .answering
    }

    /// The answer has left, maybe before all of its request was there.
    func answerEnded() {
        hasAnswered = true
        state = hasRequest ? .idle(.now()) : .body(.now())
    }
}
