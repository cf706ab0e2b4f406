// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Foundation
package import GyreBase
internal import GyreObjectStores
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// A remote that is a web server: any that keeps what is posted, or a Gyre, which takes many objects at once.
package final class HTTPRemote: ObjectRemote {
    package let name: String
    private let base: String
    private let headers: [(String, String)]
    private let method: String
    private let jobs: Int
    private let transport: HTTPTransport
    /// Whether the server is a Gyre; nil until it was asked.
    private let isGyre = Mutex<Bool?>(nil)
    private static let namesAtOnce = 50_000
    private static let objectsAtOnce = 2000
    private static let batchBytes: Int64 = 16 << 20

    /// The remote at a URL; `values` are its settings, `headers` go with each request.
    package init(
        name: String, url: String, values: [String: String], headers: [(String, String)], jobs: Int?
    ) throws(GyreError) {
        self.name = name
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
        var all = headers
        switch values["auth"]?.lowercased() {
        case nil, "none": break
        case "basic":
            let pair = "\(values["user"] ?? ""):\(values["password"] ?? "")"
            all.append(("authorization", "Basic " + Data(pair.utf8).base64EncodedString()))
        case "custom":
            all.append((values["custom_auth_header"] ?? "authorization", values["password"] ?? ""))
        case let kind?:
            throw GyreError(
                .unsupported,
                "The remote \"\(name)\" asks for authentication of the kind \"\(kind)\", which is not spoken.",
                fix: "gyre dvc remote modify \(name) auth basic")
        }
        self.headers = all
        method = values["method"]?.uppercased() ?? "POST"
        self.jobs = max(1, jobs ?? values["jobs"].flatMap { Int($0) } ?? 8)
        transport = HTTPTransport(place: "The remote \"\(name)\" (\(base))")
    }

    private func request(_ method: String, _ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: base + path)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        return request
    }

    private func object(_ id: ObjectID) -> String { "/files/md5/\(id.path)" }

    // MARK: What is there

    package func missing(among ids: [ObjectID]) async throws(GyreError) -> [ObjectID] {
        if ids.isEmpty { return [] }
        if isGyre.withLock({ $0 }) != false, let found = try await askForMissing(ids) { return found }
        let missing = Mutex<Set<ObjectID>>([])
        try await HTTPTransport.each(ids, atOnce: jobs) { id throws(GyreError) in
            let answer = try await self.transport.send { () throws(GyreError) in self.request("HEAD", self.object(id)) }
            switch answer.status.code {
            case 200..<300: break
            case 404: missing.withLock { _ = $0.insert(id) }
            default: throw await self.transport.failure("Asking for \(id.text)", answer)
            }
        }
        let gone = missing.withLock { $0 }
        return ids.filter { gone.contains($0) }
    }

    /// The answer of a Gyre; nil where the server is something else.
    private func askForMissing(_ ids: [ObjectID]) async throws(GyreError) -> [ObjectID]? {
        var missing: [ObjectID] = []
        for start in stride(from: 0, to: ids.count, by: Self.namesAtOnce) {
            let body = ids[start..<min(start + Self.namesAtOnce, ids.count)].flatMap { ObjectFrames.name($0) }
            let answer = try await transport.send { () throws(GyreError) in
                var request = self.request("POST", "/-/missing")
                request.headers.add(name: "content-type", value: ObjectFrames.type)
                request.body = .bytes(body)
                return request
            }
            guard answer.status == .ok, answer.headers.first(name: "content-type") == ObjectFrames.type else {
                isGyre.withLock { $0 = false }
                return nil
            }
            isGyre.withLock { $0 = true }
            let names = try await transport.collect(answer, limit: body.count)
            for place in stride(from: 0, to: names.count, by: ObjectFrames.nameBytes) {
                if let id = ObjectFrames.id(names[place..<min(place + ObjectFrames.nameBytes, names.count)]) {
                    missing.append(id)
                }
            }
        }
        return missing
    }

    package func all() async throws(GyreError) -> [ObjectID] {
        var found: [ObjectID] = []
        var after: String?
        repeat {
            let query = after.map { "&after=\($0)" } ?? ""
            let answer = try await transport.send { () throws(GyreError) in
                self.request("GET", "/-/objects?limit=10000\(query)")
            }
            guard answer.status == .ok,
                let page = try? JSONValue(parsing: try await transport.collect(answer, limit: 16 << 20)),
                let objects = page["objects"]?.array
            else {
                throw GyreError(
                    .unsupported, "What the remote \"\(name)\" has cannot be listed.",
                    why: "It is a web server that is no Gyre.", fix: "Leave --cloud out.")
            }
            found += objects.compactMap { $0["name"]?.string.flatMap { ObjectID($0) } }
            after = page["next"]?.string
        } while after != nil
        return found
    }

    package func remove(_ id: ObjectID) async throws(GyreError) {
        let answer = try await transport.send { () throws(GyreError) in self.request("DELETE", self.object(id)) }
        guard (200..<300).contains(answer.status.code) || answer.status == .notFound else {
            throw await transport.failure("Removing \(id.text)", answer)
        }
    }

    // MARK: Sending

    package func upload(
        _ ids: [ObjectID], from cache: ObjectFolder, step: @Sendable @escaping () -> Void
    ) async throws(GyreError) {
        if isGyre.withLock({ $0 }) == nil, let first = ids.first { _ = try await missing(among: [first]) }
        guard isGyre.withLock({ $0 }) == true else {
            return try await HTTPTransport.each(ids, atOnce: jobs) { id throws(GyreError) in
                try await self.send(id, from: cache)
                step()
            }
        }
        var (batches, large): ([[ObjectID]], [ObjectID]) = ([], [])
        var (batch, bytes): ([ObjectID], Int64) = ([], 0)
        for id in ids {
            let size = Files.size(cache.path(id))
            if size > ObjectFrames.mostBytes, !id.isFolder {
                large.append(id)
                continue
            }
            batch.append(id)
            bytes += size
            if batch.count >= Self.objectsAtOnce || bytes >= Self.batchBytes {
                batches.append(batch)
                (batch, bytes) = ([], 0)
            }
        }
        if !batch.isEmpty { batches.append(batch) }
        let all = batches
        let numbers = all.indices.map { ObjectID(high: 0, low: UInt64($0)) }
        try await HTTPTransport.each(numbers, atOnce: min(jobs, 2)) { number throws(GyreError) in
            try await self.send(all[Int(number.low)], from: cache, step: step)
        }
        try await HTTPTransport.each(large, atOnce: jobs) { id throws(GyreError) in
            try await self.send(id, from: cache)
            step()
        }
    }

    private func send(_ batch: [ObjectID], from cache: ObjectFolder, step: @Sendable () -> Void) async throws(GyreError)
    {
        let body = try await Background.run { () throws(GyreError) in
            var body: [UInt8] = []
            for id in batch {
                let content = try cache.read(id)
                body += ObjectFrames.name(id)
                body += ObjectFrames.length(.content(content))
                body += content
            }
            return body
        }
        let answer = try await transport.send { () throws(GyreError) in
            var request = self.request("POST", "/-/objects")
            request.headers.add(name: "content-type", value: ObjectFrames.type)
            request.body = .bytes(body)
            return request
        }
        guard answer.status == .ok else { throw await transport.failure("Sending objects", answer) }
        _ = try await transport.collect(answer, limit: 1 << 16)
        for _ in batch { step() }
    }

    private func send(_ id: ObjectID, from cache: ObjectFolder) async throws(GyreError) {
        let path = cache.path(id)
        let size = Files.size(path)
        let answer = try await transport.send { () throws(GyreError) in
            var request = self.request(self.method, self.object(id))
            request.headers.add(name: "content-type", value: "application/octet-stream")
            request.body = .stream(FilePieces(path: path), length: .known(size))
            return request
        }
        guard (200..<300).contains(answer.status.code) else {
            throw await transport.failure("Sending \(id.text)", answer)
        }
    }

    // MARK: Getting

    package func download(
        _ ids: [ObjectID], to cache: ObjectFolder, step: @Sendable @escaping () -> Void
    ) async throws(GyreError) -> [ObjectID] {
        var single = ids
        var missing: Set<ObjectID> = []
        if ids.count > 1 {
            if isGyre.withLock({ $0 }) == nil { _ = try await self.missing(among: [ids[0]]) }
            if isGyre.withLock({ $0 }) == true {
                let (gone, large) = try await fetchMany(ids, to: cache, step: step)
                missing = gone
                single = large
            }
        }
        let lost = Mutex<Set<ObjectID>>(missing)
        try await HTTPTransport.each(single, atOnce: jobs) { id throws(GyreError) in
            let isThere = try await self.transport.download(id, to: cache) { start throws(GyreError) in
                var request = self.request("GET", self.object(id))
                if start > 0 { request.headers.add(name: "range", value: "bytes=\(start)-") }
                return request
            }
            if isThere { step() } else { lost.withLock { _ = $0.insert(id) } }
        }
        let gone = lost.withLock { $0 }
        return ids.filter { gone.contains($0) }
    }

    private func fetchMany(
        _ ids: [ObjectID], to cache: ObjectFolder, step: @Sendable @escaping () -> Void
    ) async throws(GyreError) -> (missing: Set<ObjectID>, large: [ObjectID]) {
        let missing = Mutex<Set<ObjectID>>([])
        let large = Mutex<[ObjectID]>([])
        let groups = stride(from: 0, to: ids.count, by: Self.objectsAtOnce).map {
            Array(ids[$0..<min($0 + Self.objectsAtOnce, ids.count)])
        }
        let numbers = groups.indices.map { ObjectID(high: 0, low: UInt64($0)) }
        try await HTTPTransport.each(numbers, atOnce: min(jobs, 2)) { number throws(GyreError) in
            let group = groups[Int(number.low)]
            try await self.fetch(group, to: cache, step: step) { id, isLarge in
                if isLarge { large.withLock { $0.append(id) } } else { missing.withLock { _ = $0.insert(id) } }
            }
        }
        return (missing.withLock { $0 }, large.withLock { $0 })
    }

    private func fetch(
        _ ids: [ObjectID], to cache: ObjectFolder, step: @Sendable () -> Void,
        other: @Sendable (ObjectID, _ isLarge: Bool) -> Void
    ) async throws(GyreError) {
        let body = ids.flatMap { ObjectFrames.name($0) }
        let answer = try await transport.send { () throws(GyreError) in
            var request = self.request("POST", "/-/fetch")
            request.headers.add(name: "content-type", value: ObjectFrames.type)
            request.body = .bytes(body)
            return request
        }
        guard answer.status == .ok else { throw await transport.failure("Fetching objects", answer) }
        var frames = ObjectFrames()
        var left = Set(ids)
        do {
            for try await piece in answer.body {
                frames.take(piece.readableBytesView)
                while let frame = try frames.next() {
                    guard left.remove(frame.id) != nil else {
                        throw GyreError(.corrupt, "The remote \"\(name)\" sends what it was not asked for.")
                    }
                    switch frame.answer {
                    case .missing: other(frame.id, false)
                    case .tooLarge: other(frame.id, true)
                    case .content(let bytes):
                        guard ObjectHash.of(bytes, isFolder: frame.id.isFolder) == frame.id else {
                            throw ObjectFolder.damaged(frame.id, base)
                        }
                        try cache.put(bytes, as: frame.id)
                        step()
                    }
                }
            }
        } catch let error as GyreError {
            throw error
        } catch {
            throw GyreError(
                .unavailable, "The remote \"\(name)\" broke off its answer.", why: "\(error)",
                fix: "Run the command again: what came is kept.")
        }
        guard left.isEmpty, frames.isAtEnd else {
            throw GyreError(
                .unavailable, "The remote \"\(name)\" ended its answer before it was whole.",
                fix: "Run the command again: what came is kept.")
        }
    }

    // MARK: What stages did

    package func runs() async throws(GyreError) -> [String] {
        let answer = try await transport.send { () throws(GyreError) in self.request("GET", "/runs") }
        guard answer.status == .ok,
            let runs = try? JSONValue(parsing: try await transport.collect(answer, limit: 64 << 20))["runs"]?.strings
        else {
            throw GyreError(
                .unsupported, "The remote \"\(name)\" does not keep what stages did.",
                why: "It is a web server that is no Gyre.", fix: "Leave --run-cache out.")
        }
        return runs
    }

    package func readRun(_ path: String) async throws(GyreError) -> [UInt8] {
        let answer = try await transport.send { () throws(GyreError) in self.request("GET", "/runs/\(path)") }
        guard answer.status == .ok else { throw await transport.failure("Reading \(path)", answer) }
        return try await transport.collect(answer, limit: Limits.sharedRunBytes)
    }

    package func writeRun(_ path: String, _ bytes: [UInt8]) async throws(GyreError) {
        let answer = try await transport.send { () throws(GyreError) in
            var request = self.request("PUT", "/runs/\(path)")
            request.body = .bytes(bytes)
            return request
        }
        guard (200..<300).contains(answer.status.code) else { throw await transport.failure("Writing \(path)", answer) }
    }
}
