// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase

/// The tokens that `gyre login` keeps, by server; for their owner's eyes alone.
enum SavedCredentials {
    private static var file: String {
        let environment = ProcessInfo.processInfo.environment
        return (environment["XDG_CONFIG_HOME"] ?? NSHomeDirectory() + "/.config") + "/gyre/credentials.json"
    }

    private static func read() -> JSONValue {
        // Without the file nothing is kept.
        FileManager.default.contents(atPath: file).flatMap { try? JSONValue(parsing: Array($0)) } ?? [:]
    }

    /// The token for a server; nil where none is kept.
    static func token(for url: String) -> String? { read()[url]?.string }

    /// Keeps a token for a server; nil forgets it.
    static func keep(_ token: String?, for url: String) throws(GyreError) {
        let members = (read().object?.members ?? []).filter { $0.name != url }.map { ($0.name, $0.value) }
        let all: JSONValue = .object(JSONObject(merging: members + (token.map { [(url, .string($0))] } ?? [])))
        do {
            let folder = (file as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw GyreError.wrapping(error, "Making the folder of \(file)")
        }
        let draft = file + ".new"
        unsafe unlink(draft)
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        let bytes = all.bytes
        guard descriptor >= 0, unsafe write(descriptor, bytes, bytes.count) == bytes.count, close(descriptor) == 0,
            unsafe rename(draft, file) == 0
        else {
            throw GyreError(
                .unavailable, "The file \(file) cannot be written.", why: unsafe String(cString: strerror(errno)))
        }
    }
}

/// Secrets that people type.
enum SecretPrompt {
    /// Asks for a line that is not shown; what comes from a pipe is read whole, without the line break at its end.
    static func read(_ question: String) throws(GyreError) -> String {
        guard isatty(STDIN_FILENO) == 1 else {
            var text = ""
            while let line = readLine(strippingNewline: false), text.utf8.count <= 65_536 { text += line }
            if text.hasSuffix("\n") { text.removeLast() }
            guard !text.isEmpty else {
                throw GyreError(.invalid, "Nothing was sent for \"\(question)\".", fix: "Send it on standard input.")
            }
            return text
        }
        tell(question + ": ")
        var usual = termios()
        unsafe tcgetattr(STDIN_FILENO, &usual)
        var silent = usual
        silent.c_lflag &= ~tcflag_t(ECHO)
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer { unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual) }
        guard let line = readLine(strippingNewline: true), !line.isEmpty else {
            throw GyreError(.invalid, "Nothing was typed.")
        }
        return line
    }
}
