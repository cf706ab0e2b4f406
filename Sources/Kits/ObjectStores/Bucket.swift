// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import GyreBase
internal import NIOCore
internal import NIOHTTP1

/// A bucket of S3, or of a store that speaks as S3 does.
package struct Bucket: Sendable {
    /// Where it is.
    package let place: BucketPlace
    /// How requests are made again.
    package let transport: HTTPTransport
    private let base: String
    private let host: String
    private let signature: RequestSignature?
    private let now: @Sendable () -> Int64

    /// Bytes from which on an object is sent in parts.
    package static let partsFrom: Int64 = 64 << 20
    private static let partBytes: Int64 = 32 << 20
    private static let partsAtOnce = 4

    /// The bucket at a place; `now` gives microseconds since 1970.
    package init(_ place: BucketPlace, now: @escaping @Sendable () -> Int64) throws(GyreError) {
        self.place = place
        self.now = now
        if let endpoint = place.endpoint {
            guard let scheme = endpoint.firstRange(of: "://") else {
                throw GyreError(.invalid, "\"\(endpoint)\" is no address of a store.", fix: "Write http://HOST:PORT.")
            }
            host = String(endpoint[scheme.upperBound...].split(separator: "/").first ?? "")
            base = "\(endpoint)/\(RequestSignature.encode(place.bucket))"
        } else {
            host = "\(place.bucket).s3.\(place.region).amazonaws.com"
            base = "https://\(host)"
        }
        signature = place.credentials.map { RequestSignature($0, region: place.region) }
        transport = HTTPTransport(place: "The bucket \(place.bucket)\(place.endpoint.map { " at \($0)" } ?? "")")
    }

    /// A signed request about a key, which is below the place's prefix.
    package func request(
        _ method: String, _ key: String, query: [(name: String, value: String)] = [], headers: [(String, String)] = [],
        content: String = RequestSignature.unsigned
    ) -> HTTPClientRequest {
        raw(method, path(key), query: query, headers: headers, content: content)
    }

    private func path(_ key: String) -> String {
        "/" + RequestSignature.encode(place.prefix.isEmpty ? key : place.prefix + "/" + key, keepsSlash: true)
    }

    private func raw(
        _ method: String, _ path: String, query: [(name: String, value: String)], headers: [(String, String)],
        content: String = RequestSignature.unsigned
    ) -> HTTPClientRequest {
        let text = RequestSignature.canonical(query)
        let url = base + path + (text.isEmpty ? "" : "?" + text)
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        var fields = headers
        if let signature {
            let signed = base.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" } + path
            fields += signature.headers(
                method, path: String(signed), query: query, headers: [("host", host)] + headers, content: content,
                now: now())
        }
        for (name, value) in fields { request.headers.add(name: name, value: value) }
        return request
    }

    // MARK: One object

    /// The bytes of an object; nil where it is not there.
    package func size(_ key: String) async throws(GyreError) -> Int64? {
        let answer = try await transport.send { () throws(GyreError) in self.request("HEAD", key) }
        switch answer.status.code {
        case 200..<300: return answer.headers.first(name: "content-length").flatMap { Int64($0) } ?? 0
        case 404: return nil
        default: throw await transport.failure("Asking for \(key)", answer)
        }
    }

    /// A small object; nil where it is not there.
    package func read(_ key: String, limit: Int) async throws(GyreError) -> [UInt8]? {
        let answer = try await transport.send { () throws(GyreError) in self.request("GET", key) }
        if answer.status == .notFound { return nil }
        guard answer.status == .ok else { throw await transport.failure("Reading \(key)", answer) }
        return try await transport.collect(answer, limit: limit)
    }

    /// Keeps bytes under a key.
    package func write(_ key: String, _ bytes: [UInt8]) async throws(GyreError) {
        let digest = Digest(of: bytes).hex
        let answer = try await transport.send { () throws(GyreError) in
            var request = self.request("PUT", key, content: digest)
            request.body = .bytes(bytes)
            return request
        }
        guard answer.status == .ok else { throw await transport.failure("Writing \(key)", answer) }
    }

    /// Keeps a file under a key; a large one goes in parts.
    package func write(_ key: String, file path: String, sizeBytes: Int64) async throws(GyreError) {
        if sizeBytes >= Self.partsFrom { return try await writeInParts(key, path, sizeBytes) }
        let answer = try await transport.send { () throws(GyreError) in
            var request = self.request("PUT", key)
            request.body = .stream(FilePieces(path: path, count: sizeBytes), length: .known(sizeBytes))
            return request
        }
        guard answer.status == .ok else { throw await transport.failure("Writing \(key)", answer) }
    }

    private func writeInParts(_ key: String, _ path: String, _ sizeBytes: Int64) async throws(GyreError) {
        let begun = try await transport.send { () throws(GyreError) in
            self.request("POST", key, query: [("uploads", "")])
        }
        guard begun.status == .ok else { throw await transport.failure("Writing \(key)", begun) }
        let told = XMLTexts(try await transport.collect(begun, limit: 1 << 16))
        guard let upload = told.first("UploadId") else {
            throw GyreError(.unavailable, "\(transport.place) did not say what the upload of \(key) is called.")
        }
        // At most 10,000 parts are taken.
        let partBytes = max(Self.partBytes, sizeBytes / 9_000)
        let starts = Array(stride(from: Int64(0), to: sizeBytes, by: Int64.Stride(partBytes)))
        let tags = PartTags(count: starts.count)
        do throws(GyreError) {
            try await HTTPTransport.each(Array(starts.indices), atOnce: Self.partsAtOnce) { number throws(GyreError) in
                let count = min(partBytes, sizeBytes - starts[number])
                let answer = try await self.transport.send { () throws(GyreError) in
                    var request = self.request(
                        "PUT", key, query: [("partNumber", String(number + 1)), ("uploadId", upload)])
                    request.body = .stream(
                        FilePieces(path: path, start: starts[number], count: count), length: .known(count))
                    return request
                }
                guard answer.status == .ok, let tag = answer.headers.first(name: "etag") else {
                    throw await self.transport.failure("Writing part \(number + 1) of \(key)", answer)
                }
                await tags.set(number, tag)
            }
            let parts = await tags.all.enumerated().map {
                "<Part><PartNumber>\($0.offset + 1)</PartNumber><ETag>\($0.element)</ETag></Part>"
            }
            let body = Array("<CompleteMultipartUpload>\(parts.joined())</CompleteMultipartUpload>".utf8)
            let ended = try await transport.send { () throws(GyreError) in
                var request = self.request(
                    "POST", key, query: [("uploadId", upload)], content: Digest(of: body).hex)
                request.body = .bytes(body)
                return request
            }
            let answer = XMLTexts(try await transport.collect(ended, limit: 1 << 16))
            // The store may begin with a status of success and fail afterwards.
            guard ended.status == .ok, answer.first("Code") == nil else {
                throw GyreError(
                    .unavailable, "Writing \(key) failed: \(transport.place) did not put its parts together.",
                    why: answer.first("Message"))
            }
        } catch {
            // Parts that belong to nothing cost money until they are removed.
            _ = try? await transport.send { () throws(GyreError) in
                self.request("DELETE", key, query: [("uploadId", upload)])
            }
            throw error
        }
    }

    /// Removes an object; one that is not there is no error.
    package func remove(_ key: String) async throws(GyreError) {
        let answer = try await transport.send { () throws(GyreError) in self.request("DELETE", key) }
        guard (200..<300).contains(answer.status.code) || answer.status == .notFound else {
            throw await transport.failure("Removing \(key)", answer)
        }
    }

    // MARK: Listing

    /// One object of a listing.
    package struct Item: Sendable {
        /// Its key, below the place's prefix.
        package let key: String
        /// How long its content is.
        package let sizeBytes: Int64
    }

    /// The objects whose keys begin so, a page at a time; `take` is given each page and says whether to go on.
    package func list(
        _ prefix: String, pageItems: Int = 1000, _ take: ([Item]) async throws(GyreError) -> Bool
    ) async throws(GyreError) {
        let whole = place.prefix.isEmpty ? prefix : place.prefix + "/" + prefix
        let cut = place.prefix.isEmpty ? 0 : place.prefix.utf8.count + 1
        var token: String?
        repeat {
            var query = [("list-type", "2"), ("max-keys", String(pageItems)), ("prefix", whole)]
            if let token { query.append(("continuation-token", token)) }
            let wanted = query.map { (name: $0.0, value: $0.1) }
            let answer = try await transport.send { () throws(GyreError) in
                self.raw("GET", place.endpoint == nil ? "/" : "", query: wanted, headers: [])
            }
            guard answer.status == .ok else { throw await transport.failure("Listing \(whole)", answer) }
            let page = XMLTexts(try await transport.collect(answer, limit: 16 << 20))
            let items = zip(page.all("Key"), page.all("Size")).map { key, size in
                Item(key: String(decoding: key.utf8.dropFirst(cut), as: UTF8.self), sizeBytes: Int64(size) ?? 0)
            }
            guard try await take(items) else { return }
            let next = page.first("IsTruncated") == "true" ? page.first("NextContinuationToken") : nil
            // A store that names the same page again would be asked for ever.
            token = next == token ? nil : next
        } while token != nil
    }
}

/// The tags of parts as they come in whatever order.
private actor PartTags {
    private(set) var all: [String]

    init(count: Int) { all = [String](repeating: "", count: count) }

    func set(_ place: Int, _ tag: String) { all[place] = tag }
}
