// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDVC
internal import GyreHTTP
internal import GyreLedger
internal import GyreVersioning

/// Many objects in one request: what `gyre dvc` asks of a remote that is a Gyre.
extension DVCRemoteDialect {
    /// Bytes of contents that are kept at once.
    private static let batchBytes = 8 << 20
    private static let batchObjects = 4096

    /// Names, 17 bytes each, come in; those that are not there go out in the same form.
    func missing(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let names = try await names(request)
        let missing = try await remotes.missing(among: names, in: try remote(request))
        return HTTPResponse(
            headers: [("content-type", ObjectFrames.type)], body: .bytes(missing.flatMap(\.key)))
    }

    private func names(_ request: HTTPRequest) async throws(GyreError) -> [ObjectName] {
        let bytes = try await request.body.collect(
            limit: Limits.objectNames * ObjectFrames.nameBytes)
        guard bytes.count % ObjectFrames.nameBytes == 0 else {
            throw GyreError(.invalid, "The names end in the middle of one.", why: "Each has 17 bytes.")
        }
        return stride(from: 0, to: bytes.count, by: ObjectFrames.nameBytes).compactMap {
            ObjectName(key: bytes[$0..<$0 + ObjectFrames.nameBytes])
        }
    }

    /// Objects, each with its name and length before it, come in.
    func takeMany(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (remote, actor) = (try remote(request), request.actor(surface: "dvc"))
        var frames = ObjectFrames()
        var batch: [(name: ObjectName, bytes: [UInt8])] = []
        var (bytes, stored) = (0, 0)
        var hasListing = false
        func keep() async throws(GyreError) {
            try await remotes.put(batch, in: remote, by: actor)
            stored += batch.count
            batch = []
            bytes = 0
        }
        do {
            try await request.body.pieces(limit: Limits.artifactBytes) { piece in
                frames.take(piece)
                while let frame = try frames.next() {
                    guard case .content(let content) = frame.answer else {
                        throw GyreError(.invalid, "An object has no length.")
                    }
                    let name = ObjectName(frame.id)
                    try check(name, ObjectHash.of(content, isFolder: frame.id.isFolder))
                    if frame.id.isFolder {
                        // Its files may be among those that wait.
                        try await keep()
                        try await checkListing(content, name, remote)
                        hasListing = true
                    }
                    batch.append((name, content))
                    bytes += content.count
                    if bytes >= Self.batchBytes || batch.count >= Self.batchObjects { try await keep() }
                }
            }
        } catch {
            throw GyreError.wrapping(error, "Reading objects")
        }
        guard frames.isAtEnd else { throw GyreError(.invalid, "The objects end in the middle of one.") }
        try await keep()
        if hasListing { _ = try await remotes.names.record() }
        return .json(["stored": .int(Int64(stored))])
    }

    /// Names come in; their objects go out in the same order, the ones that are not there and the large ones as such.
    func fetch(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let names = try await names(request)
        let found = try await remotes.names.find(names, in: try remote(request).text)
        let sender = ObjectSender(names: names, found: found, blobs: remotes.blobs)
        return HTTPResponse(
            headers: [("content-type", ObjectFrames.type)], body: .stream(sizeBytes: nil) { try await sender.next() })
    }
}

/// Reads one small object after another, and puts as many as make a piece together.
private actor ObjectSender {
    private let names: [ObjectName]
    private let found: [ObjectName: StoredBlob]
    private let blobs: any BlobStore
    private var place = 0
    private static let pieceBytes = 1 << 18

    init(names: [ObjectName], found: [ObjectName: StoredBlob], blobs: any BlobStore) {
        self.names = names
        self.found = found
        self.blobs = blobs
    }

    func next() async throws(GyreError) -> [UInt8]? {
        var piece: [UInt8] = []
        while place < names.count, piece.count < Self.pieceBytes {
            let name = names[place]
            place += 1
            piece += name.key
            guard let blob = found[name] else {
                piece += ObjectFrames.length(.missing)
                continue
            }
            guard blob.sizeBytes <= ObjectFrames.mostBytes else {
                piece += ObjectFrames.length(.tooLarge)
                continue
            }
            let content = try await blobs.bytes(blob.digest)
            piece += ObjectFrames.length(.content(content))
            piece += content
        }
        return piece.isEmpty ? nil : piece
    }
}
