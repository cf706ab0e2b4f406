// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import GyreBase

extension Repository {
    /// Refuses a path that must not be written to or removed: whoever made the repository may be nobody to trust.
    ///
    /// What is tracked lies inside of the repository, in none of git's or DVC's own folders, and no link leads to it.
    /// - Throws: `.denied`.
    func checkInside(_ path: String) throws(GyreError) {
        let parts = path.dropFirst(root.utf8.count).split(separator: "/").map(String.init)
        guard Paths.isInside(path, root), !parts.isEmpty, !parts.contains(where: { $0 == ".git" || $0 == ".dvc" })
        else {
            throw GyreError(
                .denied, "\"\(shown(path))\" is no place for what is tracked.",
                why: "It is outside of the repository, or in a folder of git's or DVC's own.",
                fix: "Look where the repository comes from.")
        }
        try checkLinks(parts.dropLast(), from: root)
        var status = stat()
        // A link to a file is how cache.type symlink puts it there; one to a folder leads elsewhere.
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK, Files.kind(path) == .folder else {
            return
        }
        throw Self.link(shown(path))
    }

    /// Refuses a folder that a link is on the way to.
    func checkLinks(_ parts: ArraySlice<String>, from top: String) throws(GyreError) {
        var folder = top
        for part in parts {
            folder += "/" + part
            var status = stat()
            guard unsafe lstat(folder, &status) == 0 else { return }
            guard status.st_mode & S_IFMT != S_IFLNK else { throw Self.link(shown(folder)) }
        }
    }

    private static func link(_ path: String) -> GyreError {
        GyreError(
            .denied, "\"\(path)\" is a link to a folder: nothing is written through it.",
            fix: "Remove the link, if what it leads to is not what is tracked.")
    }
}
