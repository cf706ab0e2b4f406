// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase

extension Repository {
    /// Makes a folder a repository.
    ///
    /// `usesGit`: whether it has to be in a working copy of git. Gives the files that git should know of.
    /// - Throws: `.alreadyExists`; `.conflict` outside of git.
    package static func make(at folder: String, usesGit: Bool, force: Bool) throws(GyreError) -> [String] {
        let own = folder + "/.dvc"
        let git = GitFolder(around: folder)
        if usesGit, git == nil {
            throw GyreError(
                .conflict, "\(folder) is in no working copy of git.",
                fix: "git init, or gyre dvc init --no-scm for a repository without versions.")
        }
        if Files.kind(own) != nil {
            guard force else {
                throw GyreError(
                    .alreadyExists, "\(folder) is a repository already.",
                    fix: "Use --force to begin anew; its cache goes.")
            }
            try Files.remove(own)
        }
        try Files.makeFolder(own + "/tmp")
        try Files.replace(own + "/config", with: usesGit ? "" : "[core]\n    no_scm = True\n")
        var files = [own + "/config"]
        if usesGit {
            try Files.replace(own + "/.gitignore", with: "/config.local\n/tmp\n/cache\n")
            files.append(own + "/.gitignore")
        }
        if Files.kind(folder + "/.dvcignore") == nil {
            try Files.replace(
                folder + "/.dvcignore",
                with: """
                    # Add patterns of files dvc should ignore, which could improve
                    # the performance. Learn more at
                    # https://dvc.org/doc/user-guide/dvcignore

                    """)
            files.append(folder + "/.dvcignore")
        }
        if usesGit, let git { try git.must(["add", "--"] + files) }
        return files
    }

    /// Writes down what tracked data holds now, where it was changed in place.
    ///
    /// Gives the metafiles that changed.
    package func commit(_ targets: [String]) throws(GyreError) -> [String] {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var index = try index()
        let memory = try memory()
        var written: [String] = []
        for number in try select(targets, index) {
            var stage = index.stages[number]
            for place in stage.outs.indices {
                guard let path = stage.path(of: stage.outs[place]) else { continue }
                // What the run-cache speaks of has to be had again.
                let stores = stage.outs[place].isCached || (stage.pipeline?.mayBeReused ?? false)
                guard let found = try measure(path, ignores: index.ignores, memory: memory, stores: stores) else {
                    throw GyreError(.notFound, "\"\(shown(path))\" does not exist.", fix: "gyre dvc checkout")
                }
                stage.outs[place].take(found)
                if stage.outs[place].isCached { try link(path, found, memory: memory) }
            }
            index.stages[number] = stage
            if let file = try write(stage, index, memory) { written.append(file) }
        }
        try cache.sync()
        _ = try self.stage(written)
        return written
    }

    /// Writes a stage down where it differs from what is written; gives the file then.
    func write(_ stage: Stage, _ index: Index, _ memory: any FileMemory) throws(GyreError) -> String? {
        switch stage.source {
        case .metafile(let metafile):
            let text = metafile.newText
            guard text != metafile.text else { return nil }
            try Files.replace(metafile.path, with: text)
            return metafile.path
        case .pipeline(let pipeline):
            let entry = try lockEntry(pipeline, Inspection(repository: self, index: index, memory: memory))
            if pipeline.mayBeReused { try RunCache.save(entry, in: cache) }
            return try LockFile.put(entry, of: pipeline) ? LockFile.path(pipeline) : nil
        }
    }

    /// Takes a path, or a stage, out of the repository's care; its data stays unless `data` is to go too.
    ///
    /// Gives the files that git should know of.
    package func remove(_ target: String, data: Bool) throws(GyreError) -> [String] {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let index = try index()
        let path = Paths.absolute(target, from: here)
        if Files.kind(path + ".dvc") == .file, index.owner(of: path) != nil {
            throw GyreError(
                .invalid, "\"\(target)\" is data; what is removed is the file that tracks it.",
                fix: "gyre dvc remove \(target).dvc")
        }
        var files: [String] = []
        for number in try select([target], index) {
            let stage = index.stages[number]
            for output in stage.outs {
                guard let its = stage.path(of: output) else { continue }
                try checkInside(its)
                if git != nil, let file = try GitIgnoreFile.remove(its) { files.append(file) }
                if data { try Files.remove(its) } else if Files.kind(its) != nil { try unprotect([its]) }
                // What stays is the user's own from now on: no checkout may take it away.
                try memory().forget(its)
            }
            switch stage.source {
            case .metafile(let metafile):
                try Files.remove(metafile.path)
                files.append(metafile.path)
            case .pipeline(let pipeline):
                guard !pipeline.name.contains("@") else {
                    throw GyreError(
                        .unsupported, "\"\(pipeline.name)\" is made by a loop in \(shown(pipeline.file)).",
                        fix: "Take it out of the loop there.")
                }
                files += try PipelineText.remove(pipeline)
                if try LockFile.remove(pipeline) { files.append(LockFile.path(pipeline)) }
            }
        }
        _ = try stage(files)
        return files
    }

    /// Moves tracked data, and the file that tracks it, to another path.
    ///
    /// Gives the files that git should know of.
    package func move(_ source: String, to target: String) throws(GyreError) -> [String] {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let index = try index()
        let memory = try memory()
        let from = Paths.absolute(source, from: here)
        var into = Paths.absolute(target, from: here)
        if Files.kind(into) == .folder, Files.kind(from) != nil { into += "/" + Paths.name(from) }
        guard let owner = index.owner(of: from),
            index.stages[owner.stage].path(of: index.stages[owner.stage].outs[owner.output]) == from
        else {
            throw GyreError(.notFound, "\"\(source)\" is not tracked.", fix: "gyre dvc list . --dvc-only")
        }
        guard var metafile = index.stages[owner.stage].metafile else {
            throw GyreError(.conflict, "\"\(source)\" is made by a stage.", fix: "Change its path in dvc.yaml.")
        }
        guard Paths.isInside(into, root), Files.kind(into) == nil else {
            throw GyreError(
                .conflict,
                "\"\(target)\" \(Files.kind(into) == nil ? "is outside of the repository" : "is there already").")
        }
        let oldFile = metafile.path
        var files: [String] = []
        if Paths.name(oldFile) == Paths.name(from) + ".dvc" {
            metafile.path = into + ".dvc"
            guard Files.kind(metafile.path) == nil else {
                throw GyreError(.alreadyExists, "\"\(shown(metafile.path))\" is there already.")
            }
            metafile.document["wdir"] = nil
        }
        metafile.outs[owner.output].path = Paths.relative(into, to: metafile.folder)
        try Files.makeFolder(Paths.parent(into))
        // The new file is written first: whoever is killed in between still has a file that knows the content.
        try Files.replace(metafile.path, with: metafile.newText)
        if Files.kind(from) != nil {
            guard unsafe rename(from, into) == 0 else { throw systemFailure("Moving", from) }
        }
        if metafile.path != oldFile { try Files.remove(oldFile) }
        try memory.forget(from)
        files += [oldFile, metafile.path]
        if git != nil {
            if let file = try GitIgnoreFile.remove(from) { files.append(file) }
            if try git?.ignored(among: [into]).isEmpty ?? false { files.append(try GitIgnoreFile.add(into)) }
        }
        _ = try stage(files)
        return Array(Set(files)).sorted()
    }

    /// Makes files that are links into the cache files of their own.
    package func unprotect(_ targets: [String]) throws(GyreError) {
        let index = try index()
        let memory = try memory()
        for target in targets {
            let path = Paths.absolute(target, from: here)
            guard let kind = Files.kind(path) else { throw GyreError(.notFound, "\"\(target)\" does not exist.") }
            if kind == .folder {
                let table = try FolderScan.files(below: path, place: place(path), ignores: index.ignores)
                for entry in table.entries { try free(path + "/" + table.text(entry)) }
            } else {
                try free(path)
            }
            // It may be changed from now on, so it is not taken away as something that is here by the way.
            try memory.forget(path)
        }
    }

    private func free(_ path: String) throws(GyreError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw systemFailure("Reading", path) }
        let isLink = status.st_mode & S_IFMT == S_IFLNK
        guard isLink || status.st_nlink > 1 else {
            if status.st_mode & 0o200 == 0 { unsafe chmod(path, status.st_mode | 0o200) }
            return
        }
        let temporary = path + ".gyre-part"
        let bytes = try Files.read(path)
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw systemFailure("Writing", temporary) }
        defer { close(descriptor) }
        try Files.write(bytes, to: descriptor, temporary)
        guard unsafe rename(temporary, path) == 0 else { throw systemFailure("Writing", path) }
    }

    /// Makes the repository an ordinary folder: the files of DVC go, the data stays.
    package func destroy() throws(GyreError) {
        let index = try index()
        let linked = index.stages.flatMap { stage in stage.outs.compactMap { stage.path(of: $0) } }
            .filter { Files.kind($0) != nil }
        for path in linked { try checkInside(path) }
        try unprotect(linked)
        for stage in index.stages {
            if git != nil {
                for output in stage.outs {
                    if let path = stage.path(of: output) { _ = try GitIgnoreFile.remove(path) }
                }
            }
            try Files.remove(stage.file)
            if let pipeline = stage.pipeline { try Files.remove(LockFile.path(pipeline)) }
        }
        try Files.remove(root + "/.dvcignore")
        try Files.remove(folder)
    }
}
