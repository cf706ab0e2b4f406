// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
internal import Glibc
package import GyreBase
internal import GyreLedger
internal import Synchronization

/// Seals what facts say of people beside their names, with a key for each: when the key is gone, so is what it sealed, and the chain stays whole.
///
/// The keys are files of a folder outside of the database, named by the digest of whose they are.
package final class PersonalData: PersonalKeys {
    private let folder: String
    private let surroundings: Surroundings
    private let keys = Mutex<[String: [UInt8]]>([:])
    private static let member = "personal"
    private static let most = 10_000

    /// The keys in a folder, which is made with the first.
    package init(folder: String, surroundings: Surroundings) {
        self.folder = folder
        self.surroundings = surroundings
    }

    private func file(_ name: String) -> String { "\(folder)/\(Digest(of: name).hex.prefix(32)).key" }

    private func key(_ name: String, creating: Bool) -> [UInt8]? {
        keys.withLock { keys in
            if let known = keys[name] { return known }
            let path = file(name)
            var bytes = FileManager.default.contents(atPath: path).map { [UInt8]($0) }
            if bytes == nil, creating { bytes = make(path) }
            guard let bytes, bytes.count == 32 else { return nil }
            if keys.count >= Self.most { keys = [:] }
            keys[name] = bytes
            return bytes
        }
    }

    private func make(_ path: String) -> [UInt8]? {
        // Without a folder nothing is sealed, and what would be is left out.
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let bytes = surroundings.secret()
        guard unsafe write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else { return nil }
        return bytes
    }

    /// A body whose `personal` members, its own and that of its `caller`, are sealed with the key of `name`.
    func sealed(_ body: JSONValue, of name: String) -> JSONValue {
        var body = body
        if let personal = body[Self.member], personal.object != nil { body[Self.member] = seal(personal, name) }
        if var caller = body["caller"], let personal = caller[Self.member], personal.object != nil {
            caller[Self.member] = seal(personal, name)
            body["caller"] = caller
        }
        return body
    }

    private func seal(_ personal: JSONValue, _ name: String) -> JSONValue {
        guard let key = key(name, creating: true),
            // What cannot be sealed is left out: it must not stay for good.
            let box = try? AES.GCM.seal(
                Data(personal.bytes), using: SymmetricKey(data: key), authenticating: Data(name.utf8)
            ).combined
        else { return .null }
        return .string(box.base64EncodedString())
    }

    package func open(_ sealed: JSONValue, of name: String) -> JSONValue? {
        guard let text = sealed.string, let data = Data(base64Encoded: text), let key = key(name, creating: false),
            // What was sealed with a key that is gone says nothing any more.
            let box = try? AES.GCM.SealedBox(combined: data),
            let plain = try? AES.GCM.open(box, using: SymmetricKey(data: key), authenticating: Data(name.utf8))
        else { return nil }
        return try? JSONValue(parsing: [UInt8](plain))
    }

    package func erase(_ name: String) throws(GyreError) {
        let path = file(name)
        keys.withLock { $0[name] = nil }
        guard FileManager.default.fileExists(atPath: path) else { return }
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CLOEXEC)
        let nothing = [UInt8](repeating: 0, count: 32)
        // The name of the file goes after its content has.
        guard descriptor >= 0, unsafe write(descriptor, nothing, nothing.count) == nothing.count,
            fsync(descriptor) == 0,
            unsafe unlink(path) == 0
        else {
            throw GyreError(
                .unavailable, "The key \(path) cannot be erased.", why: unsafe String(cString: strerror(errno)))
        }
        close(descriptor)
    }
}
