// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase
internal import GyreDVC

/// Where a setting is kept.
struct LevelArguments: ParsableArguments {
    @Flag(help: "For everybody on this machine.") var system = false
    @Flag(help: "For you, in all repositories.") var global = false
    @Flag(help: "In the repository, for everybody who has it; so it is where nothing is said.") var project = false
    @Flag(help: "In this copy of the repository only; git does not see it.") var local = false

    var level: RepositorySettings.Level? {
        system ? .system : global ? .global : project ? .project : local ? .local : nil
    }

    /// The file to change.
    func file(_ options: RepositoryOptions) throws(GyreError) -> SettingsFile {
        let environment = try options.environment()
        let level = level ?? .project
        let folder = level == .project || level == .local ? try options.open().folder : nil
        guard let path = RepositorySettings.path(level, folder: folder, environment.variables) else {
            throw GyreError(.unavailable, "There is no place for \(level.rawValue) settings.", why: "HOME is not set.")
        }
        return try SettingsFile(path: path)
    }

    /// Writes a changed file, and has git told of it where that is wished.
    func write(_ file: SettingsFile, _ options: RepositoryOptions) throws(GyreError) {
        try Files.makeFolder(Paths.parent(file.path))
        try file.write()
        guard level == nil || level == .project else { return }
        _ = try options.open().stage([file.path])
    }
}

extension DVCCommand {
    struct Config: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read or change a setting, as in core.remote or remote.storage.url.",
            discussion: "Example: gyre dvc config core.autostage true")
        @Argument(help: "SECTION.NAME, or remote.REMOTE.NAME.") var name: String?
        @Argument(help: "The value.") var value: String?
        @Flag(name: .shortAndLong, help: "Take the setting out.") var unset = false
        @Flag(name: .shortAndLong, help: "List all settings.") var list = false
        @Flag(help: "Say which file each comes from.") var showOrigin = false
        @OptionGroup var level: LevelArguments
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            if list { return try listAll() }
            guard let name else { throw ValidationError("Name a setting, or use --list.") }
            let (section, key) = try Self.split(name)
            try RepositorySettings.check(section, key)
            if unset {
                var file = try level.file(options)
                guard file.unset(section, key) else {
                    throw GyreError(
                        .notFound, "The setting \"\(name)\" is not there.", why: "\(file.path) does not have it.")
                }
                return try level.write(file, options)
            }
            if let value {
                var file = try level.file(options)
                if let remote = RepositorySettings.remote(section), !file.sections.contains(section) {
                    throw GyreError(
                        .notFound, "There is no remote \"\(remote)\" in \(file.path).",
                        fix: "gyre dvc remote add \(remote) URL")
                }
                file.set(section, key, value)
                return try level.write(file, options)
            }
            let settings = try settings()
            let found = settings.files.reversed().lazy.compactMap { entry in
                level.level == nil || level.level == entry.level
                    ? entry.file.values.last { $0.section == section && $0.name == key } : nil
            }.first
            if let found { print(found.value) }
        }

        private func settings() throws(GyreError) -> RepositorySettings {
            let environment = try options.environment()
            let folder = (try? options.open())?.folder  // outside of a repository there are the other levels
            return try RepositorySettings(folder: folder, environment: environment.variables)
        }

        private func listAll() throws {
            let settings = try settings()
            for (kind, file) in settings.files where level.level == nil || level.level == kind {
                for (section, name, value) in file.values {
                    let path = RepositorySettings.remote(section).map { "remote.\($0).\(name)" } ?? "\(section).\(name)"
                    print((showOrigin ? file.path + "\t" : "") + "\(path)=\(value)")
                }
            }
        }

        private static func split(_ name: String) throws(GyreError) -> (String, String) {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            if parts.count >= 3, let first = parts.first, ["remote", "machine", "db"].contains(first),
                let last = parts.last
            {
                return ("\(first) \"\(parts[1..<(parts.count - 1)].joined(separator: "."))\"", last)
            }
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw GyreError(
                    .invalid, "\"\(name)\" names no setting.", fix: "Write it as core.remote or remote.NAME.url.")
            }
            return (parts[0], parts[1])
        }
    }

    struct CacheCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cache", abstract: "Where contents are kept.", subcommands: [Directory.self])

        struct Directory: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "dir", abstract: "Say where the cache is, or have it elsewhere.",
                discussion: "Example: gyre dvc cache dir /mnt/data/dvc-cache")
            @Argument(help: "The folder.") var path: String?
            @Flag(name: .shortAndLong, help: "Have it where it usually is.") var unset = false
            @OptionGroup var level: LevelArguments
            @OptionGroup var options: RepositoryOptions

            func run() async throws {
                guard path != nil || unset else { return print(try options.open().cache.root) }
                var file = try level.file(options)
                if let path {
                    let absolute = Paths.absolute(path, from: try options.here())
                    file.set(
                        "cache", "dir",
                        path.hasPrefix("/") ? path : Paths.relative(absolute, to: Paths.parent(file.path)))
                } else if !file.unset("cache", "dir") {
                    throw GyreError(.notFound, "The setting \"cache.dir\" is not there.")
                }
                try level.write(file, options)
            }
        }
    }
}
