// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase

/// The folder that holds everything one Gyre keeps, and the lock that makes this process its only writer.
final class HomeFolder: Sendable {
    let path: String
    private let lock: Int32

    /// Opens the folder and locks it.
    ///
    /// `creating`: makes it where it is not there; else a folder that is no home is an error, so that a mistyped path stays one.
    /// - Throws: `.notFound` for no home; `.conflict` if another process has it.
    init(_ path: String, creating: Bool) throws(GyreError) {
        self.path = path
        guard creating || FileManager.default.fileExists(atPath: path + "/gyre.db") else {
            throw GyreError(
                .notFound, "There is no Gyre home at \(path).",
                why: FileManager.default.fileExists(atPath: path)
                    ? "The folder has no database." : "The folder does not exist.",
                fix: "Check --home and GYRE_HOME, or make a home there: gyre up --home \(path)")
        }
        do {
            // Passwords' hashes lie in it, and the keys of its ledger.
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
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
        guard Self.take(lock) else {
            close(lock)
            let owner = RunningServer.read(home: path).map { " It is process \($0.process), on \($0.address)." } ?? ""
            throw GyreError(
                .conflict, "Another Gyre uses the home folder \(path).",
                why: "One process writes to a home at a time.\(owner)",
                fix: "Use that server (--server URL), stop it, or choose another --home.")
        }
    }

    deinit { close(lock) }

    /// Takes the lock; a command that only looks whether somebody has it holds it for an instant.
    private static func take(_ lock: Int32) -> Bool {
        for _ in 0..<5 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(20_000)
        }
        return false
    }

    var database: String { path + "/gyre.db" }
    var blobs: String { path + "/blobs" }
    /// Folders of models that Python runs, laid out from blobs; may be removed while nothing runs.
    var models: String { path + "/models" }
    var predictions: String { path + "/predictions" }
    var tasks: String { path + "/tasks" }
    /// Copies of the database for runs that make a release again.
    var reproductions: String { path + "/reproductions" }
    /// Signed states of the ledger.
    var checkpoints: String { path + "/checkpoints" }
    /// What the ledger is signed with.
    var ledgerKey: String { path + "/ledger.key" }
    /// What checks the ledger's signatures.
    var ledgerPublicKey: String { path + "/ledger.pub" }
    /// The keys of what facts say of people.
    var people: String { path + "/people" }
    /// What secrets are sealed with.
    var secretKey: String { path + "/secrets.key" }
    /// The folders of the other workspaces, each of them a home of its own.
    var workspaces: String { path + "/workspaces" }
    /// Where commands of this machine reach an encrypted server; nil where the path is too long for a socket.
    var socket: String? {
        let path = path + "/server.sock"
        return path.hasPrefix("/") && path.utf8.count < 100 ? path : nil
    }
    var recordedHead: String { path + "/ledger.head" }
}

/// Where the server of a home listens, as it wrote it down.
///
/// The file lies in the home and is copied along with it, so it counts only for the folder that it names, and only while that
/// folder is locked.
struct RunningServer: Sendable {
    let process: Int32
    let address: String
    /// The folder that it serves, whatever its path is.
    let folder: Identity
    /// The socket that commands of this machine reach it by; nil where they use its address.
    let socket: String?
    /// A random id of this run of the server, which it tells when it is asked.
    let id: String

    /// What makes a folder this one and no copy of it.
    struct Identity: Sendable, Hashable {
        let device: UInt64
        let inode: UInt64

        /// The identity of the folder at `path`; nil where there is none.
        init?(of path: String) {
            // A folder that is not there has no identity.
            guard
                let attributes = try? FileManager.default.attributesOfItem(
                    atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path),
                let device = attributes[.systemNumber] as? NSNumber,
                let inode = attributes[.systemFileNumber] as? NSNumber
            else { return nil }
            self.device = device.uint64Value
            self.inode = inode.uint64Value
        }
    }

    init?(address: String, id: String, home: String, socket: String?) {
        self.socket = socket
        guard let folder = Identity(of: home) else { return nil }
        process = getpid()
        self.address = address
        self.folder = folder
        self.id = id
    }

    private static func file(_ home: String) -> String { home + "/server.json" }

    /// The server that serves the folder `home` now; nil where none does.
    static func read(home: String) -> RunningServer? {
        guard let data = FileManager.default.contents(atPath: file(home)),
            // A file that cannot be read was cut off by a crash: nothing runs.
            let json = try? JSONValue(parsing: Array(data)), let found = RunningServer(json: json),
            kill(pid_t(found.process), 0) == 0, found.folder == Identity(of: home), isLocked(home)
        else { return nil }
        return found
    }

    private init?(json: JSONValue) {
        guard let process = json["pid"]?.int, let address = json["http"]?.string, let id = json["id"]?.string,
            let device = json["device"]?.string.flatMap(UInt64.init),
            let inode = json["inode"]?.string.flatMap(UInt64.init)
        else { return nil }
        self.process = Int32(truncatingIfNeeded: process)
        socket = json["socket"]?.string
        self.address = address
        self.id = id
        folder = Identity(device: device, inode: inode)
    }

    /// Whether a process holds the lock of the home.
    private static func isLocked(_ home: String) -> Bool {
        let lock = unsafe open(home + "/lock", O_RDWR | O_CLOEXEC)
        guard lock >= 0 else { return false }
        defer { close(lock) }
        return flock(lock, LOCK_SH | LOCK_NB) != 0
    }

    /// As the file and the native API tell it.
    func json(home: String) -> JSONValue {
        var json: JSONValue = [
            "pid": .int(Int64(process)), "http": .string(address), "id": .string(id), "home": .string(home),
            "device": .string(String(folder.device)), "inode": .string(String(folder.inode)),
        ]
        if let socket { json["socket"] = .string(socket) }
        return json
    }

    func write(home: String) {
        // Without the file commands have to be told --server; the server itself works.
        try? Data(json(home: home).bytes).write(to: URL(fileURLWithPath: Self.file(home)))
    }

    static func remove(home: String) {
        // A file that stays behind names a process that is gone, which reading notices.
        try? FileManager.default.removeItem(atPath: file(home))
    }
}

extension RunningServer.Identity {
    init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}
