// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
internal import Synchronization

/// A working copy of git, spoken to by git's own program.
package struct GitFolder: Sendable {
    /// The folder that `.git` is in.
    package let root: String

    /// The working copy that a folder is in; nil for none.
    package init?(around folder: String) {
        var folder = folder
        while Files.kind(folder + "/.git") == nil {
            if folder == "/" || folder.isEmpty { return nil }
            folder = Paths.parent(folder)
        }
        root = folder
    }

    /// What a command of git answered.
    package struct Answer: Sendable {
        /// What it exited with.
        package let status: Int32
        /// What it wrote.
        package let bytes: [UInt8]
        /// What it wrote to standard error.
        package let error: String
        /// What it wrote, as text without the last line's end.
        package var text: String {
            var text = String(decoding: bytes, as: UTF8.self)
            while text.last == "\n" { text.removeLast() }
            return text
        }
    }

    /// Runs git in the working copy.
    /// - Throws: `.unavailable` where there is no git.
    package func run(_ arguments: [String], input: String? = nil) throws(GyreError) -> Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "-C", root] + arguments
        let (output, error, standardInput) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        process.standardInput = input == nil ? FileHandle.nullDevice : standardInput
        do {
            try process.run()
            if let input {
                // What is asked is written while the answer is read, or both sides would wait with full pipes.
                let handle = standardInput.fileHandleForWriting
                Background.detach {
                    try? handle.write(contentsOf: Data(input.utf8))  // git that ended says so by its status
                    try? handle.close()
                }
            }
            // Both are read at once, or git would wait with one of them full.
            let (errors, isTold) = (error.fileHandleForReading, DispatchSemaphore(value: 0))
            let told = Mutex(Data())
            DispatchQueue.global().async {
                let read = (try? errors.readToEnd()) ?? Data()  // remarks that cannot be read are none
                told.withLock { $0 = read }
                isTold.signal()
            }
            let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
            isTold.wait()
            process.waitUntilExit()
            return Answer(
                status: process.terminationStatus, bytes: [UInt8](bytes),
                error: told.withLock { String(decoding: $0, as: UTF8.self) })
        } catch {
            throw GyreError(.unavailable, "git cannot be run.", why: "\(error)", fix: "Install git.")
        }
    }

    /// The same, for a command that has to succeed.
    @discardableResult package func must(_ arguments: [String]) throws(GyreError) -> Answer {
        let answer = try run(arguments)
        guard answer.status == 0 else {
            throw GyreError(
                .conflict, "git \(arguments.first ?? "") failed.",
                why: answer.error.split(separator: "\n").joined(separator: " "))
        }
        return answer
    }

    /// Which of these paths, from the root of the disk, git ignores.
    package func ignored(among paths: [String]) throws(GyreError) -> Set<String> {
        guard !paths.isEmpty else { return [] }
        let answer = try run(["check-ignore", "-z", "--stdin"], input: paths.map { $0 + "\0" }.joined())
        return Set(answer.bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
    }

    /// Which of these paths git has files of in its index.
    package func tracked(among paths: [String]) throws(GyreError) -> [String] {
        guard !paths.isEmpty else { return [] }
        let answer = try run(["ls-files", "-z", "--"] + paths.map { Paths.relative($0, to: root) })
        let files = answer.bytes.split(separator: 0).map { root + "/" + String(decoding: $0, as: UTF8.self) }
        return paths.filter { path in files.contains { Paths.isInside($0, path) } }
    }

    /// The commit that a name means; nil where there is none.
    package func commit(_ revision: String) throws(GyreError) -> String? {
        guard !revision.hasPrefix("-") else {
            throw GyreError(.invalid, "\"\(revision)\" is no revision.")
        }
        let answer = try run(["rev-parse", "--verify", "--quiet", revision + "^{commit}"])
        return answer.status == 0 ? answer.text : nil
    }

    /// The files of a commit whose names end so, with their texts; paths from the working copy's root.
    package func texts(
        _ commit: String, where isWanted: (String) -> Bool
    ) throws(GyreError) -> [(path: String, text: String)] {
        // MODE TYPE OBJECT<tab>PATH, each with a zero byte after it.
        let entries = try must(["ls-tree", "-r", "-z", commit]).bytes.split(separator: 0).compactMap { line in
            line.firstIndex(of: UInt8(ascii: "\t")).map { tab in
                (
                    path: String(decoding: line[(tab + 1)...], as: UTF8.self),
                    object: line[..<tab].split(separator: UInt8(ascii: " ")).last.map {
                        String(decoding: $0, as: UTF8.self)
                    } ?? ""
                )
            }
        }.filter { isWanted($0.path) }
        guard !entries.isEmpty else { return [] }
        let answer = try run(["cat-file", "--batch"], input: entries.map { "\($0.object)\n" }.joined())
        var bytes = answer.bytes[...]
        var found: [(String, String)] = []
        for entry in entries {
            // Less than everything must not pass for everything: what no commit names may be removed.
            guard answer.status == 0, let end = bytes.firstIndex(of: UInt8(ascii: "\n")),
                case let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " "), words.count == 3,
                words[0] == entry.object, let count = Int(words[2]), bytes.count - (end + 1 - bytes.startIndex) > count
            else {
                throw GyreError(
                    .conflict, "git could not give \"\(entry.path)\" of \(commit.prefix(12)).", why: answer.error,
                    fix: "git fsck, or git fetch where the repository is a partial clone.")
            }
            bytes = bytes[(end + 1)...]
            found.append((entry.path, String(decoding: bytes.prefix(count), as: UTF8.self)))
            bytes = bytes.dropFirst(count + 1)
        }
        return found
    }

    /// The tips of branches or tags, each with its name.
    package func tips(_ kind: String) throws(GyreError) -> [(name: String, commit: String)] {
        try must(["for-each-ref", "--format=%(refname:short) %(objectname)", kind]).text.split(separator: "\n")
            .compactMap {
                let words = $0.split(separator: " ")
                return words.count == 2 ? (String(words[0]), String(words[1])) : nil
            }
    }
}
