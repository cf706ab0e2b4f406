// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// One thing that differs between two states of a repository.
package struct Difference: Sendable {
    /// What is different.
    package enum Kind: String, Sendable, CaseIterable {
        /// Only in the new one.
        case added
        /// Only in the old one.
        case deleted
        /// The same content at another path.
        case renamed
        /// Other content.
        case modified
        /// As it was, and the cache does not have it.
        case notInCache = "not in cache"
    }

    /// What is different.
    package let kind: Kind
    /// The path, of a folder with a slash at its end; for a renamed one the old path.
    package let path: String
    /// The new path of a renamed one.
    package let newPath: String?
    /// What it was.
    package let old: ObjectID?
    /// What it is.
    package let new: ObjectID?
}

extension Repository {
    /// All that an index names: outputs, and the files of folders, by path below the repository's root.
    private struct State {
        var items: [String: ObjectID] = [:]
        /// Folders whose listing is not known: nothing is said of what is in them.
        var unknown: [String] = []
    }

    /// What differs between two commits, or a commit and the workspace for no second one.
    package func diff(_ old: String, _ new: String?, targets: [String]) throws(GyreError) -> [Difference] {
        guard let git else {
            throw GyreError(.conflict, "There are no versions to compare.", why: "The repository is not under git.")
        }
        guard try git.commit("HEAD") != nil else { return [] }
        let before = try state(try revision(old, git), targets)
        var after: State
        if let new { after = try state(try revision(new, git), targets) } else { after = try workspaceState(targets) }
        var found: [Difference] = []
        var (added, deleted): ([String], [String]) = ([], [])
        for path in Set(before.items.keys).union(after.items.keys) {
            let (one, other) = (before.items[path], after.items[path])
            if one == nil {
                if !before.unknown.contains(where: { path.hasPrefix($0) && path != $0 }) { added.append(path) }
            } else if other == nil {
                if !after.unknown.contains(where: { path.hasPrefix($0) && path != $0 }) { deleted.append(path) }
            } else if one != other {
                found.append(Difference(kind: .modified, path: path, newPath: nil, old: one, new: other))
            }
            if new == nil, let one, !cache.contains(one) {
                found.append(Difference(kind: .notInCache, path: path, newPath: nil, old: one, new: nil))
            }
        }
        // A file that is gone in one place and came in another with the same content was moved.
        var places: [ObjectID: [String]] = [:]
        for path in added.sorted(by: >) { if let id = after.items[path] { places[id, default: []].append(path) } }
        var moved: Set<String> = []
        for path in deleted.sorted() {
            guard let id = before.items[path] else { continue }
            if let target = places[id]?.popLast() {
                moved.insert(target)
                found.append(Difference(kind: .renamed, path: path, newPath: target, old: id, new: id))
            } else {
                found.append(Difference(kind: .deleted, path: path, newPath: nil, old: id, new: nil))
            }
        }
        for path in added where !moved.contains(path) {
            found.append(Difference(kind: .added, path: path, newPath: nil, old: nil, new: after.items[path]))
        }
        return found.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// The commit that a name means.
    package func revision(_ name: String, _ git: GitFolder) throws(GyreError) -> String {
        guard let commit = try git.commit(name) else {
            throw GyreError(.notFound, "git knows no revision \"\(name)\".", fix: "git log --oneline")
        }
        return commit
    }

    private func isMeant(_ path: String, _ targets: [String]) -> Bool {
        targets.isEmpty
            || targets.contains { target in
                let wanted = Paths.absolute(target, from: here)
                return Paths.isInside(path, wanted) || Paths.isInside(wanted, path)
            }
    }

    private func state(_ commit: String, _ targets: [String]) throws(GyreError) -> State {
        guard let git else { return State() }
        var state = State()
        let index = try Index(commit: commit, git: git, root: root)
        for stage in index.stages {
            for output in stage.outs {
                guard let path = stage.path(of: output), let id = output.id, isMeant(path, targets) else { continue }
                try take(id, place(path), targets, &state)
            }
        }
        return state
    }

    private func workspaceState(_ targets: [String]) throws(GyreError) -> State {
        var state = State()
        let index = try index()
        let memory = try memory()
        for stage in index.stages {
            for output in stage.outs {
                guard let path = stage.path(of: output), isMeant(path, targets),
                    let found = try measure(path, ignores: index.ignores, memory: memory, stores: false)
                else { continue }
                let place = place(path)
                state.items[place + (found.id.isFolder ? "/" : "")] = found.id
                guard found.id.isFolder else { continue }
                take(found.table, below: place, targets, &state)
            }
        }
        return state
    }

    private func take(_ id: ObjectID, _ place: String, _ targets: [String], _ state: inout State) throws(GyreError) {
        state.items[place + (id.isFolder ? "/" : "")] = id
        guard id.isFolder else { return }
        guard cache.contains(id) else { return state.unknown.append(place + "/") }
        take(try Listing.files(try cache.read(id), name: id.text), below: place, targets, &state)
    }

    private func take(_ table: FileTable, below place: String, _ targets: [String], _ state: inout State) {
        for entry in table.entries {
            let path = place + "/" + table.text(entry)
            if targets.isEmpty || isMeant(root + "/" + path, targets) { state.items[path] = entry.id }
        }
    }

    /// One line of a listing.
    package struct ListEntry: Sendable {
        /// The path below what was asked for.
        package let path: String
        /// Whether it is a folder.
        package let isFolder: Bool
        /// Whether it is under the repository's care.
        package let isTracked: Bool
        /// Whether it may be run.
        package let isExecutable: Bool
        /// Its bytes, where they are known.
        package let sizeBytes: Int64?
        /// Its object, where it has one.
        package let id: ObjectID?
    }

    /// What is in a folder of the repository, tracked data among it.
    package func list(_ folder: String, recursive: Bool, onlyTracked: Bool) throws(GyreError) -> [ListEntry] {
        let index = try index()
        var entries: [String: ListEntry] = [:]
        let top = folder == root ? "" : place(folder) + "/"
        func add(
            _ path: String, isTracked: Bool, _ sizeBytes: Int64?, _ id: ObjectID?, isFolder: Bool, isExecutable: Bool
        ) {
            guard path.hasPrefix(top) else { return }
            var name = String(path.dropFirst(top.count))
            guard !name.isEmpty else { return }
            var isFolder = isFolder
            if !recursive, let slash = name.firstIndex(of: "/") {
                name = String(name[..<slash])
                isFolder = true
            }
            let old = entries[name]
            entries[name] = ListEntry(
                path: name, isFolder: isFolder, isTracked: isTracked || old?.isTracked ?? false,
                isExecutable: isExecutable,
                sizeBytes: isFolder && !isTracked ? nil : sizeBytes, id: isFolder && old != nil ? old?.id : id)
        }
        for stage in index.stages {
            for output in stage.outs {
                guard let path = stage.path(of: output) else { continue }
                let its = place(path)
                guard let id = output.id, id.isFolder else {
                    add(
                        its, isTracked: true, output.sizeBytes, output.id, isFolder: false,
                        isExecutable: output.isExecutable)
                    continue
                }
                if !recursive { add(its, isTracked: true, output.sizeBytes, id, isFolder: true, isExecutable: false) }
                guard recursive || top.hasPrefix(its + "/") else { continue }
                guard cache.contains(id) else {
                    throw GyreError(
                        .notFound, "What \"\(its)\" holds is not known here.", why: "Its listing is not in the cache.",
                        fix: "gyre dvc fetch \(shown(path))")
                }
                let table = try Listing.files(try cache.read(id), name: id.text)
                for entry in table.entries {
                    add(
                        its + "/" + table.text(entry), isTracked: true, nil, entry.id, isFolder: false,
                        isExecutable: false)
                }
            }
        }
        if !onlyTracked {
            for path in try gitFiles(below: folder) {
                add(
                    place(path), isTracked: false, Files.size(path), nil, isFolder: false,
                    isExecutable: Files.isExecutable(path))
            }
        }
        return entries.values.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// The files that git has, or would have, below a folder.
    private func gitFiles(below folder: String) throws(GyreError) -> [String] {
        guard let git else { return [] }
        let relative = Paths.relative(folder, to: git.root)
        return try git.must(["ls-files", "-z", "--cached", "--", relative]).bytes.split(separator: 0)
            .map { git.root + "/" + String(decoding: $0, as: UTF8.self) }
            .filter { !Paths.isInside($0, self.folder) && Files.kind($0) != nil }
    }
}
