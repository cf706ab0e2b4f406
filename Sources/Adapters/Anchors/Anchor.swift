// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Foundation
package import GyreBase
internal import NIOCore
internal import NIOHTTP1
internal import Subprocess
internal import SystemPackage

/// A place outside of the home that is told of each signed state, so that whoever rewrites the ledger would have to rewrite it there too.
package enum Anchor: Sendable, Hashable {
    /// A file that each note is added to.
    case file(String)
    /// A repository of git, in which each note is a commit of the file `ledger.note`.
    case git(String)
    /// An address that each note is posted to.
    case web(String)

    /// Reads `file:PATH`, `git:PATH` or a web address.
    /// - Throws: `.invalid` for anything else.
    package init(_ text: String) throws(GyreError) {
        if text.hasPrefix("file:/") {
            self = .file(String(text.dropFirst(5)))
        } else if text.hasPrefix("git:/") {
            self = .git(String(text.dropFirst(4)))
        } else if text.hasPrefix("https://") || text.hasPrefix("http://") {
            self = .web(text)
        } else {
            throw GyreError(
                .invalid, "\"\(text.prefix(100))\" is no place to anchor the ledger at.",
                fix: "file:/PATH, git:/PATH of a repository, or https://…")
        }
    }

    /// Tells it of a note.
    package func tell(_ note: String) async throws(GyreError) {
        do {
            switch self {
            case .file(let path): try Self.append(note, path)
            case .git(let path): try await Self.commit(note, path)
            case .web(let url): try await Self.post(note, url)
            }
        } catch {
            throw GyreError.wrapping(error, "Anchoring the ledger at \(self)")
        }
    }

    private static func append(_ note: String, _ path: String) throws {
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data((note + "\n").utf8))
        try handle.synchronize()
        try handle.close()
    }

    private static func commit(_ note: String, _ path: String) async throws {
        try Data(note.utf8).write(to: URL(fileURLWithPath: path + "/ledger.note"))
        let identity = ["-c", "user.name=gyre", "-c", "user.email=gyre@localhost"]
        for words in [
            ["add", "ledger.note"], identity + ["commit", "--quiet", "--message", "Ledger checkpoint", "ledger.note"],
        ] {
            let result = try await Subprocess.run(
                .name("git"), arguments: Arguments(["-C", path] + words), output: .string(limit: 65_536),
                error: .combinedWithOutput)
            guard result.terminationStatus.isSuccess else {
                throw GyreError(.unavailable, "git failed in \(path).", why: String(result.standardOutput.suffix(500)))
            }
        }
    }

    private static func post(_ note: String, _ url: String) async throws {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "text/plain; charset=utf-8")
        request.body = .bytes(ByteBuffer(string: note))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        guard (200..<300).contains(response.status.code) else {
            throw GyreError(.unavailable, "\(url) answered with status \(response.status.code).")
        }
    }
}

extension Anchor: CustomStringConvertible {
    /// As it is written.
    package var description: String {
        switch self {
        case .file(let path): "file:\(path)"
        case .git(let path): "git:\(path)"
        case .web(let url): url
        }
    }
}
