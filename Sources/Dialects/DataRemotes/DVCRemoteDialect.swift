// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreDVC
package import GyreHTTP
internal import GyreLedger
package import GyreVersioning

/// Remotes of DVC over HTTP: what the unmodified `dvc` asks of one, and what `gyre dvc` asks beside that.
package struct DVCRemoteDialect: Sendable {
    let remotes: DataRemotes
    static let root = "/dvc"

    /// The dialect over these remotes.
    package init(remotes: DataRemotes) { self.remotes = remotes }

    /// All addresses.
    package var routes: RouteGroup {
        let remote = "\(Self.root)/{remote}"
        let object = "\(remote)/files/md5/{group}/{rest}"
        return RouteGroup(
            prefixes: ["\(Self.root)/"],
            errorResponse: { .failure($0, ["error": .string($0.description), "code": .string($0.code.rawValue)]) },
            routes: [
                Route("GET", object, .read, download), Route("POST", object, .write, upload),
                Route("PUT", object, .write, upload), Route("DELETE", object, .write, remove),
                Route("POST", "\(remote)/-/missing", .read, missing), Route("POST", "\(remote)/-/fetch", .read, fetch),
                Route("POST", "\(remote)/-/objects", .write, takeMany),
                Route("GET", "\(remote)/-/objects", .read, list),
                Route("GET", "\(remote)/runs", .read, listRuns),
                Route("GET", "\(remote)/runs/{path...}", .read, readRun),
                Route("PUT", "\(remote)/runs/{path...}", .write, keepRun),
            ])
    }

    func remote(_ request: HTTPRequest) throws(GyreError) -> Name {
        try Name(request.parameter("remote"), of: "remote")
    }

    private func name(_ request: HTTPRequest) throws(GyreError) -> ObjectName {
        let text = request.parameter("group") + request.parameter("rest")
        guard request.parameter("group").utf8.count == 2, let id = ObjectID(text) else {
            throw GyreError(.notFound, "\"\(text.prefix(80))\" is no object.")
        }
        return ObjectName(id)
    }

    // MARK: One object

    private func download(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (remote, name) = (try remote(request), try name(request))
        guard let blob = try await remotes.names.find(name, in: remote.text) else {
            throw GyreError(.notFound, "\"\(remote)\" does not have \(name.text).")
        }
        var headers: [(name: String, value: String)] = [
            ("content-type", "application/octet-stream"), ("x-content-type-options", "nosniff"),
            ("etag", "\"\(name.text)\""), ("accept-ranges", "bytes"),
        ]
        let (blobs, digest) = (remotes.blobs, blob.digest)
        guard let range = request.headers("range") else {
            // Whoever only asks whether it is there goes away: nothing is read before somebody waits for it.
            let reader = LazyReader { () throws(GyreError) in try await blobs.reader(digest) }
            return HTTPResponse(headers: headers, body: .stream(sizeBytes: blob.sizeBytes) { try await reader.next() })
        }
        guard let part = ByteRange(range, of: blob.sizeBytes) else {
            headers.append(("content-range", "bytes */\(blob.sizeBytes)"))
            return HTTPResponse(status: 416, headers: headers)
        }
        headers.append(("content-range", "bytes \(part.start)-\(part.end)/\(blob.sizeBytes)"))
        let reader = LazyReader { () throws(GyreError) in
            try await blobs.reader(digest, from: part.start, count: part.count)
        }
        return HTTPResponse(
            status: 206, headers: headers, body: .stream(sizeBytes: part.count) { try await reader.next() })
    }

    private func upload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (remote, name) = (try remote(request), try name(request))
        if name.isFolder {
            let bytes = try await request.body.collect(limit: Limits.listingBytes)
            try check(name, ObjectHash.of(bytes, isFolder: true))
            try await checkListing(bytes, name, remote)
            try await remotes.put([(name, bytes)], in: remote, by: request.actor(surface: "dvc"))
            _ = try await remotes.names.record()
            return HTTPResponse(status: 201)
        }
        let writer = try await remotes.blobs.writer()
        var hash = ObjectHash()
        do {
            try await request.body.pieces(limit: Limits.artifactBytes) { piece in
                hash.update(piece)
                try await writer.write(piece)
            }
            try check(name, hash.finish())
        } catch {
            await writer.abandon()
            throw error
        }
        try await remotes.put(name, try await writer.finish(), in: remote, by: request.actor(surface: "dvc"))
        return HTTPResponse(status: 201)
    }

    private func remove(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await remotes.names.remove(
            [try name(request)], from: try remote(request).text, by: request.actor(surface: "dvc"))
        return HTTPResponse(status: 204)
    }

    func check(_ name: ObjectName, _ found: ObjectID) throws(GyreError) {
        guard ObjectName(found).bytes == name.bytes else {
            throw GyreError(
                .invalid, "What came is not \(name.text).", why: "Its MD5 is \(found.hex).",
                fix: "Look whether it was cut off on the way, and send it again.")
        }
    }

    /// A listing says that its files are there, so they have to be.
    func checkListing(_ bytes: [UInt8], _ name: ObjectName, _ remote: Name) async throws(GyreError) {
        let files: FileTable
        do { files = try Listing.files(bytes, name: name.text) } catch {
            throw GyreError(.invalid, "\(name.text) is no listing of a folder.", why: error.why)
        }
        let missing = try await remotes.missing(among: Array(Set(files.entries.map { ObjectName($0.id) })), in: remote)
        guard let first = missing.first else { return }
        throw GyreError(
            .conflict, "The listing \(name.text) names \(missing.count) files that \"\(remote)\" does not have.",
            why: "One of them is \(first.text).", fix: "Send the files before their listing: push again.")
    }

    // MARK: What is there

    private func list(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let limit = try request.number("limit", default: 10_000, in: 1...Limits.pageRows)
        let after = request.query("after").flatMap { ObjectID($0) }.map { ObjectName($0) }
        let page = try await remotes.names.names(in: try remote(request).text, after: after, limit: limit)
        return .json([
            "objects": .array(page.map { ["name": .string($0.name.text), "size": .int($0.blob.sizeBytes)] }),
            "next": .optional(page.count == limit ? page.last?.name.text : nil),
        ])
    }

    // MARK: What stages did

    private func listRuns(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(["runs": .strings(try await remotes.runs(in: try remote(request)))])
    }

    private func runPath(_ request: HTTPRequest) throws(GyreError) -> String {
        let path = request.parameter("path")
        guard RunCache.isPath(path) else { throw GyreError(.notFound, "\"\(path.prefix(200))\" is no run.") }
        return path
    }

    private func readRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .text(try await remotes.run(try runPath(request), in: try remote(request)))
    }

    private func keepRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let bytes = try await request.body.collect(limit: Limits.sharedRunBytes)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw GyreError(.invalid, "What a stage did is told in UTF-8.")
        }
        try await remotes.keepRun(
            try runPath(request), text, in: try remote(request), by: request.actor(surface: "dvc"))
        return HTTPResponse(status: 201)
    }
}

extension ObjectName {
    /// The name of an object of DVC.
    init(_ id: ObjectID) {
        let words = [id.high, id.low].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
        self.init(bytes: words, isFolder: id.isFolder)
    }
}
