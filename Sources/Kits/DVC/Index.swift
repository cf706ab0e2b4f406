// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase

/// Everything that a repository tracks, as its files say at one time.
package struct Index: Sendable {
    /// The files and stages, in the order of their paths.
    package var stages: [Stage] = []
    /// The repository's root.
    package let root: String
    /// The rules of its `.dvcignore` files.
    package var ignores = IgnoreRules()

    /// Reads the workspace: what lies inside of an output is not looked at.
    package init(workspace root: String) throws(GyreError) {
        self.root = root
        try walk(root, "")
    }

    /// Reads a commit; `subfolder` is where the repository lies in the working copy of git, empty for its root.
    package init(commit: String, git: GitFolder, root: String) throws(GyreError) {
        self.root = root
        let prefix = Paths.relative(root, to: git.root)
        let subfolder = prefix == "." ? "" : prefix + "/"
        let texts = try git.texts(commit) { path in
            guard path.hasPrefix(subfolder) else { return false }
            let name = Paths.name(path)
            return name.hasSuffix(".dvc") && name != ".dvc" || name == "dvc.yaml" || name == "dvc.lock"
                || PipelineFile.isParameterFile(name) || name == ".dvcignore"
        }
        var files: [String: String] = [:]
        for (path, text) in texts { files[root + "/" + path.dropFirst(subfolder.count)] = text }
        for path in files.keys.sorted() {
            let name = Paths.name(path)
            if name == ".dvcignore" {
                let base = Paths.relative(Paths.parent(path), to: root)
                ignores.add(files[path] ?? "", base: base == "." ? "" : base)
            } else if name == "dvc.yaml" {
                stages += try PipelineFile.stages(path, read: { [files] in files[$0] }).map { Stage($0) }
            } else if name.hasSuffix(".dvc") {
                stages.append(Stage(try Metafile(path: path, text: files[path] ?? "")))
            }
        }
    }

    private mutating func walk(_ folder: String, _ place: String) throws(GyreError) {
        var (metafiles, folders): ([String], [String]) = ([], [])
        var hasPipeline = false
        for (name, isFolder) in try Self.entries(folder) {
            if isFolder {
                folders.append(name)
            } else if name == "dvc.yaml" {
                hasPipeline = true
            } else if name
                .hasSuffix(".dvc"), name != ".dvc"
            {
                metafiles.append(name)
            } else if name == ".dvcignore" {
                ignores.add(try Files.text("\(folder)/\(name)"), base: place)
            }
        }
        var tracked: Set<[UInt8]> = []
        func take(_ stage: Stage) {
            for output in stage.outs {
                if let path = stage.path(of: output) { tracked.insert(Array(path.utf8)) }
            }
            stages.append(stage)
        }
        func isIgnored(_ name: String, isFolder: Bool) -> Bool {
            ignores.ignores(place.isEmpty ? name : place + "/" + name, isFolder: isFolder)
        }
        for name in metafiles where !isIgnored(name, isFolder: false) {
            let path = "\(folder)/\(name)"
            guard Files.kind(path) == .file else { continue }
            take(Stage(try Metafile(path: path, text: try Files.text(path))))
        }
        if hasPipeline, !isIgnored("dvc.yaml", isFolder: false) {
            for stage in try PipelineFile.stages("\(folder)/dvc.yaml", read: Files.textIfThere) {
                take(Stage(stage))
            }
        }
        for name in folders where !isIgnored(name, isFolder: true) {
            let path = "\(folder)/\(name)"
            // Another repository of DVC inside is its own.
            guard !tracked.contains(Array(path.utf8)), Files.kind("\(path)/.dvc/config") == nil || name == ".dvc" else {
                continue
            }
            try walk(path, place.isEmpty ? name : place + "/" + name)
        }
    }

    /// The names in a folder, sorted, each with whether it is a folder; links to folders are none.
    private static func entries(_ path: String) throws(GyreError) -> [(name: String, isFolder: Bool)] {
        guard let folder = unsafe opendir(path) else {
            // What goes away meanwhile is not there; what cannot be read must not pass for empty.
            if errno == ENOENT { return [] }
            throw systemFailure("Reading the folder", path)
        }
        defer { unsafe closedir(folder) }
        var found: [(String, Bool)] = []
        while let entry = unsafe readdir(folder) {
            let kind = unsafe Int32(entry.pointee.d_type)
            var isFolder = kind == Int32(DT_DIR)
            if kind == Int32(DT_UNKNOWN) {
                var status = stat()
                let found = unsafe fstatat(dirfd(folder), &entry.pointee.d_name.0, &status, AT_SYMLINK_NOFOLLOW)
                isFolder = found == 0 && status.st_mode & S_IFMT == S_IFDIR
            }
            let isWanted = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                // Most names are data: they are passed over without becoming text.
                let length = unsafe bytes.firstIndex(of: 0) ?? bytes.count
                guard !isFolder, length > 4 else { return isFolder }
                let end = unsafe bytes[(length - 4)..<length]
                return unsafe end.elementsEqual(".dvc".utf8) || end.elementsEqual("yaml".utf8)
                    || end.elementsEqual("nore".utf8)
            }
            guard isWanted else { continue }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { found.append((name, isFolder)) }
        }
        return found.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
    }

    /// The stage and output at or around a path.
    package func owner(of path: String) -> (stage: Int, output: Int)? {
        for (number, stage) in stages.enumerated() {
            for (place, output) in stage.outs.enumerated() {
                if let its = stage.path(of: output), Paths.isInside(path, its) { return (number, place) }
            }
        }
        return nil
    }
}
