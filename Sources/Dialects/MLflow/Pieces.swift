// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import Synchronization

/// A JSON list that is written while it is sent.
struct PieceWriter {
    private(set) var writer = JSONWriter(reservingCapacity: 1 << 16)
    private var isFirst: Bool

    init(isFirst: Bool) { self.isFirst = isFirst }

    /// Writes text between the elements.
    mutating func text(_ text: String) { writer.raw(text.utf8) }

    /// Writes one element of the list.
    mutating func element(_ write: (inout JSONWriter) -> Void) {
        if !isFirst { writer.raw(",") }
        isFirst = false
        write(&writer)
    }
}

/// Pieces that are made already.
final class HeldPieces: Sendable {
    private let pieces: Mutex<[[UInt8]]>

    init(_ pieces: [[UInt8]]) { self.pieces = Mutex(pieces) }

    func take() -> [UInt8]? { pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
}

extension HTTPResponse {
    /// A JSON document around a list: `start`, then what `write` writes for `count` items at a time, then `end`.
    ///
    /// The first piece is made before the answer begins, so its errors still have a status. A list of one piece leaves in one write.
    static func pieces<Item: Sendable>(
        from items: [Item], of count: Int, start: String, end: String,
        _ write: @escaping @Sendable ([Item], inout PieceWriter) async throws(GyreError) -> Void
    ) async throws(GyreError) -> HTTPResponse {
        var first = PieceWriter(isFirst: true)
        first.text(start)
        try await write(Array(items.prefix(count)), &first)
        guard items.count > count else {
            first.text(end)
            return .json(first.writer.bytes)
        }
        let held = HeldPieces([first.writer.bytes])
        let position = Mutex(count)
        return HTTPResponse(
            headers: [("content-type", "application/json")],
            body: .stream(sizeBytes: nil) {
                if let piece = held.take() { return piece }
                let begin = position.withLock { position in
                    defer { position += count }
                    return position
                }
                guard begin < items.count else { return nil }
                var writer = PieceWriter(isFirst: false)
                try await write(Array(items[begin..<min(begin + count, items.count)]), &writer)
                if begin + count >= items.count { writer.text(end) }
                return writer.writer.bytes
            })
    }
}
