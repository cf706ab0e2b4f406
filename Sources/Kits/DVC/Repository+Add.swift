// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase

extension Repository {
    /// What adding did.
    package struct Added: Sendable {
        /// The files that git should know of, from the root of the disk.
        package var files: [String] = []
        /// The metafiles that were written or stayed as they were.
        package var metafiles: [String] = []
        /// Whether git was told already.
        package var isStaged = false
    }

    /// Puts files and folders under the care of the repository: their contents into the cache, a `.dvc` file beside each.
    ///
    /// `commits`: false leaves the contents where they are and only writes down what they are.
    /// - Throws: `.notFound`; `.conflict` where git or another output has the path already.
    package func add(_ targets: [String], commits: Bool = true) throws(GyreError) -> Added {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var index = try index()
        let memory = try memory()
        var added = Added()
        let paths = targets.map { Paths.absolute($0, from: here) }
        for path in paths { try check(path, index) }
        let tracked = try git?.tracked(among: paths) ?? []
        if let path = tracked.first {
            throw GyreError(
                .conflict, "\"\(shown(path))\" is tracked by git already.",
                why: "What DVC keeps, git must not.",
                fix: "git rm -r --cached '\(shown(path))' && git commit -m \"stop tracking \(shown(path))\"")
        }
        let ignored = try git?.ignored(among: paths) ?? []
        for path in paths {
            guard let found = try measure(path, ignores: index.ignores, memory: memory, stores: commits) else {
                throw GyreError(.notFound, "\"\(shown(path))\" does not exist.")
            }
            let metafile = try metafile(for: path, &index, found)
            let text = metafile.newText
            if metafile.text != text { try Files.replace(metafile.path, with: text) }
            added.metafiles.append(metafile.path)
            added.files.append(metafile.path)
            if commits { try link(path, found, memory: memory) }
            if git != nil, !ignored.contains(path) {
                let file = try GitIgnoreFile.add(path)
                if !added.files.contains(file) { added.files.append(file) }
            }
        }
        try cache.sync()
        added.isStaged = try stage(added.files)
        return added
    }

    /// Tells git of files where the settings ask for it; says whether it was done.
    package func stage(_ files: [String]) throws(GyreError) -> Bool {
        guard let git, settings.isOn("core", "autostage"), !files.isEmpty else { return false }
        let there = files.filter { Files.kind($0) != nil }
        if !there.isEmpty { try git.must(["add", "--"] + there) }
        return true
    }

    private func check(_ path: String, _ index: Index) throws(GyreError) {
        guard Paths.isInside(path, root), path != root else {
            throw GyreError(
                .invalid, "\"\(shown(path))\" is outside of the repository.", why: "It is at \(root).",
                fix: "Copy it in first, or keep a version of it where it is: gyre data add")
        }
        guard !Paths.isInside(path, folder), !path.hasSuffix(".dvc"), Paths.name(path) != ".dvcignore" else {
            throw GyreError(.invalid, "\"\(shown(path))\" is a file of DVC's own.")
        }
        if !index.ignores.isTrivial {
            let rules = index.ignores.rules(for: place(path), isFolder: Files.kind(path) == .folder)
            if let rule = rules.last, !rule.line.hasPrefix("!") {
                throw GyreError(
                    .invalid, "\"\(shown(path))\" is ignored by \(rule.source).",
                    fix: "Take \"\(rule.line)\" out there.")
            }
        }
        for stage in index.stages {
            for output in stage.outs {
                guard let other = stage.path(of: output) else { continue }
                if other == path {
                    guard stage.pipeline == nil else {
                        throw GyreError(
                            .conflict, "\"\(shown(path))\" is an output of the stage \"\(stage.address(from: here))\".",
                            fix: "gyre dvc commit \(stage.address(from: here))")
                    }
                } else if Paths.isInside(path, other) {
                    guard stage.pipeline == nil else {
                        throw GyreError(
                            .conflict, "\"\(shown(path))\" lies in \"\(shown(other))\", which a stage makes.")
                    }
                    throw GyreError(
                        .conflict, "\"\(shown(path))\" lies in \"\(shown(other))\", which is tracked as a whole.",
                        fix: "gyre dvc commit \(stage.address(from: here))")
                } else if Paths.isInside(other, path) {
                    throw GyreError(
                        .conflict, "\"\(shown(path))\" holds \"\(shown(other))\", which is tracked by itself.",
                        fix: "gyre dvc remove \(stage.address(from: here)), and add \(shown(path)) then.")
                }
            }
        }
    }

    private func metafile(for path: String, _ index: inout Index, _ found: Measured) throws(GyreError) -> Metafile {
        if let owner = index.owner(of: path), var metafile = index.stages[owner.stage].metafile {
            metafile.outs[owner.output].take(found)
            return metafile
        }
        let file = path + ".dvc"
        guard Files.kind(file) == nil else {
            throw GyreError(
                .alreadyExists, "\"\(shown(file))\" is there already and tracks something else.",
                fix: "gyre dvc remove \(shown(file))")
        }
        var output = Output(path: Paths.name(path))
        output.take(found)
        return Metafile(path: file, tracking: output)
    }

    /// Puts links into the cache where files are, if the settings ask for them.
    package func link(_ path: String, _ found: Measured, memory: any FileMemory) throws(GyreError) {
        let kinds = settings.linkTypes
        var table = found.table
        guard let first = kinds.first, first == "hardlink" || first == "symlink" else {
            return try memory.markOutput(path)
        }
        let places = Placement(repository: self, kinds: kinds)
        try checkInside(path)
        // What was only in the workspace is on disk elsewhere before a link takes its place.
        try cache.sync()
        let isFolder = found.id.isFolder
        for index in table.entries.indices {
            let entry = table.entries[index]
            let file = isFolder ? path + "/" + table.text(entry) : path
            try places.put(entry.id, at: file, isExecutable: found.isExecutable, replaces: true)
            table.entries[index] = try places.entry(entry, at: file)
        }
        try memory.keep(path, found.id, table, now: Int64.max, isOutput: true)
    }
}
