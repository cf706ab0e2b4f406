// SPDX-License-Identifier: Apache-2.0

import GyreBase
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import Testing

@testable import GyreGRPC

@Suite struct GRPCFramesTests {
    private static func framed(_ messages: [[UInt8]], flag: UInt8 = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        for message in messages { bytes += [flag, 0, 0, 0, UInt8(message.count)] + message }
        return bytes
    }

    @Test("messages come out whole wherever the bytes are cut")
    func cuts() throws {
        let messages: [[UInt8]] = [[1, 2, 3], [], [4]]
        let bytes = Self.framed(messages)
        for cut in 0...bytes.count {
            var frames = GRPCFrames(encoding: nil)
            var found: [[UInt8]] = []
            for piece in [bytes[..<cut], bytes[cut...]] {
                var buffer = ByteBuffer(bytes: piece)
                frames.append(&buffer)
                while let message = try frames.next() { found.append(message.bytes) }
            }
            #expect(found == messages, "cut at \(cut)")
            #expect(!frames.isPartial)
        }
    }

    @Test("bytes that come one by one are the same messages")
    func single() throws {
        var frames = GRPCFrames(encoding: nil)
        var found: [[UInt8]] = []
        let bytes = Self.framed([[9, 8], [7]])
        for (index, byte) in bytes.enumerated() {
            var buffer = ByteBuffer(bytes: [byte])
            frames.append(&buffer)
            while let message = try frames.next() { found.append(message.bytes) }
            #expect(frames.isPartial == ![6, bytes.count - 1].contains(index), "after byte \(index)")
        }
        #expect(found == [[9, 8], [7]])
    }

    @Test("a message that says that it is too long is refused before its bytes come")
    func tooLong() {
        var frames = GRPCFrames(encoding: nil)
        var head = ByteBuffer(bytes: [0, 0xFF, 0xFF, 0xFF, 0xFF])
        frames.append(&head)
        let error = #expect(throws: GyreError.self) { try frames.next() }
        #expect(error?.code == .limitExceeded)
    }

    @Test("a packed message needs a word for how it is packed")
    func packed() throws {
        var unnamed = GRPCFrames(encoding: nil)
        var bytes = ByteBuffer(bytes: Self.framed([[1]], flag: 1))
        unnamed.append(&bytes)
        let error = #expect(throws: GyreError.self) { try unnamed.next() }
        #expect(error?.code == .invalid)

        var named = GRPCFrames(encoding: "gzip")
        var again = ByteBuffer(bytes: Self.framed([[1]], flag: 1))
        named.append(&again)
        let message = try #require(try named.next())
        #expect(message.encoding == "gzip")
        #expect(throws: GyreError.self, "one byte is no gzip") { _ = try message.unpacked() }
    }

    @Test("what is written is what is read")
    func head() throws {
        var buffer = ByteBuffer()
        GRPCFrames.writeHead(3, to: &buffer)
        buffer.writeBytes([5, 6, 7])
        var frames = GRPCFrames(encoding: nil)
        frames.append(&buffer)
        #expect(try frames.next()?.bytes == [5, 6, 7])
    }
}

@Suite struct GRPCHandlerTests {
    private static let methods = [
        GRPCMethod("test.Echo", "Once", .nothing) { .now($0) },
        GRPCMethod("test.Echo", "Each", .nothing, .repeated) { .now($0) },
        GRPCMethod("test.Echo", "Fail", .nothing) { _ throws(GyreError) in
            throw GyreError(.notFound, "Nothing is called \"é\" at 100%.")
        },
    ]

    /// A connection with the handler, past the window that it opens at first.
    private func connection() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(
            handler: GRPCHandler(front: OpenGRPCFront(Self.methods)))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let first = try #require(try channel.readOutbound(as: HTTP2Frame.self))
        guard case .windowUpdate = first.payload else { throw GyreError(.internal, "no window") }
        return channel
    }

    private func call(
        _ channel: EmbeddedChannel, _ path: String, _ bytes: [UInt8]?, headers: HPACKHeaders = [:], id: Int = 1
    ) throws -> (status: String?, message: String?, body: [UInt8], http: String?) {
        let stream = HTTP2StreamID(id)
        var head: HPACKHeaders = [":method": "POST", ":path": path]
        if headers["content-type"].isEmpty { head.add(name: "content-type", value: "application/grpc") }
        head.add(contentsOf: headers)
        try channel.writeInbound(
            HTTP2Frame(streamID: stream, payload: .headers(.init(headers: head, endStream: bytes == nil))))
        if let bytes {
            let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: true)
            try channel.writeInbound(HTTP2Frame(streamID: stream, payload: .data(data)))
        }
        var answer: (status: String?, message: String?, body: [UInt8], http: String?) = (nil, nil, [], nil)
        while let frame = try channel.readOutbound(as: HTTP2Frame.self) {
            switch frame.payload {
            case .headers(let headers):
                answer.http = headers.headers.first(name: ":status") ?? answer.http
                answer.status = headers.headers.first(name: "grpc-status") ?? answer.status
                answer.message = headers.headers.first(name: "grpc-message") ?? answer.message
            case .data(let data):
                if case .byteBuffer(let buffer) = data.data { answer.body += Array(buffer.readableBytesView) }
            default: break
            }
        }
        return answer
    }

    @Test("one message is answered by one, with status 0 behind it")
    func unary() throws {
        let answer = try call(try connection(), "/test.Echo/Once", [0, 0, 0, 0, 2, 7, 8])
        #expect(answer.http == "200")
        #expect(answer.status == "0")
        #expect(answer.body == [0, 0, 0, 0, 2, 7, 8])
    }

    @Test("each message of a stream is answered, in order")
    func repeated() throws {
        let bytes: [UInt8] = [0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 8]
        let answer = try call(try connection(), "/test.Echo/Each", bytes)
        #expect(answer.status == "0")
        #expect(answer.body == bytes)
    }

    @Test(
        "what is no whole call ends with a status that says so",
        arguments: [
            ("/test.Echo/None", [0, 0, 0, 0, 0], "12"), ("/test.Echo/Once", [0, 0, 0, 0, 2, 7], "3"),
            ("/test.Echo/Once", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "3"), ("/test.Echo/Once", [], "3"),
            ("/test.Echo/Once", [0, 0xFF, 0xFF, 0xFF, 0xFF], "8"), ("/test.Echo/Once", [1, 0, 0, 0, 1, 7], "3"),
        ] as [(String, [UInt8], String)])
    func broken(path: String, bytes: [UInt8], status: String) throws {
        let answer = try call(try connection(), path, bytes)
        #expect(answer.status == status)
        #expect(answer.body == [])
    }

    @Test("an error's text goes as printable ASCII, with the rest by its bytes")
    func failure() throws {
        let answer = try call(try connection(), "/test.Echo/Fail", [0, 0, 0, 0, 0])
        #expect(answer.status == "5")
        #expect(answer.message == "Nothing is called \"%C3%A9\" at 100%25.")
    }

    @Test("messages packed in an unknown way, and requests that are no gRPC, are refused")
    func unknown() throws {
        let packed = try call(
            try connection(), "/test.Echo/Once", [0, 0, 0, 0, 0], headers: ["grpc-encoding": "snappy"])
        #expect(packed.status == "12")
        let other = try call(
            try connection(), "/test.Echo/Once", nil, headers: ["content-type": "application/json"])
        #expect(other.http == "415")
        #expect(other.status == nil)
    }

    @Test("calls of one connection do not disturb each other")
    func several() throws {
        let channel = try connection()
        #expect(try call(channel, "/test.Echo/Fail", [0, 0, 0, 0, 0], id: 1).status == "5")
        #expect(try call(channel, "/test.Echo/Once", [0, 0, 0, 0, 1, 3], id: 3).body == [0, 0, 0, 0, 1, 3])
    }
}
