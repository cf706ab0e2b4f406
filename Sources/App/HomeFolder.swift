// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase

/// The folder that holds everything one Gyre keeps, and the lock that makes this process its only writer.
final class HomeFolder: Sendable {
    let path: String
    private let lock: Int32

    /// Makes the folder if it is not there, and locks it.
    /// - Throws: `.conflict` if another process has it.
    init(_ path: String) throws(GyreError) {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw GyreError(
                .unavailable, "The home folder \(path) cannot be made.", why: error.localizedDescription,
                fix: "Choose another: --home DIR")
        }
        lock = unsafe open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else {
            throw GyreError(
                .unavailable, "The home folder \(path) cannot be written to.",
                why: unsafe String(cString: strerror(errno)),
                fix: "Choose another: --home DIR")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            let owner = RunningServer.read(home: path).map { " It is process \($0.process), on \($0.address)." } ?? ""
            throw GyreError(
                .conflict, "Another Gyre uses the home folder \(path).",
                why: "One process writes to a home at a time.\(owner)",
                fix: "Use that server (--server URL), stop it, or choose another --home.")
        }
    }

    deinit { close(lock) }

    var database: String { path + "/gyre.db" }
    var blobs: String { path + "/blobs" }
    /// Folders of models that Python runs, laid out from blobs; may be removed while nothing runs.
    var models: String { path + "/models" }
    var predictions: String { path + "/predictions" }
    var tasks: String { path + "/tasks" }
    var recordedHead: String { path + "/ledger.head" }
}

/// Where the server of a home listens, as it wrote it down.
struct RunningServer: Sendable {
    let process: Int32
    let address: String

    private static func file(_ home: String) -> String { home + "/server.json" }

    /// The server that uses `home` now; nil if the one that wrote the file is gone.
    static func read(home: String) -> RunningServer? {
        guard let data = FileManager.default.contents(atPath: file(home)),
            // A file that cannot be read was cut off by a crash: nothing runs.
            let json = try? JSONValue(parsing: Array(data)), let process = json["pid"]?.int,
            let address = json["http"]?.string,
            kill(pid_t(process), 0) == 0
        else { return nil }
        return RunningServer(process: Int32(process), address: address)
    }

    func write(home: String) {
        let json: JSONValue = ["pid": .int(Int64(process)), "http": .string(address)]
        // Without the file commands have to be told --server; the server itself works.
        try? Data(json.bytes).write(to: URL(fileURLWithPath: Self.file(home)))
    }

    static func remove(home: String) {
        // A file that stays behind names a process that is gone, which reading notices.
        try? FileManager.default.removeItem(atPath: file(home))
    }
}
