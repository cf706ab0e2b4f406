// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase
internal import GyreDVC

extension DVCCommand {
    struct RemoteCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remote", abstract: "Where contents are kept for others.",
            subcommands: [
                AddRemote.self, ListRemotes.self, Default.self, Modify.self, RenameRemote.self, RemoveRemote.self,
            ])
    }
}

extension DVCCommand.RemoteCommand {
    struct AddRemote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Add a remote.",
            discussion: "Example: gyre dvc remote add -d storage s3://bucket/prefix")
        @Argument(help: "What it shall be called.") var name: String
        @Argument(help: "A folder, or a URL: http(s), s3, remote://NAME/path.") var url: String
        @Flag(name: [.customShort("d"), .customLong("default")], help: "Use it where none is named.") var isDefault =
            false
        @Flag(name: .shortAndLong, help: "Replace one of that name.") var force = false
        @OptionGroup var level: LevelArguments
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            var file = try level.file(options)
            let section = "remote \"\(name)\""
            if file.sections.contains(section) {
                guard force else {
                    throw GyreError(
                        .alreadyExists, "There is a remote \"\(name)\" already.", fix: "Use --force to replace it.")
                }
                _ = file.remove(section)
            }
            guard !name.contains("\""), !name.isEmpty else {
                throw GyreError(.invalid, "\"\(name)\" cannot be the name of a remote.")
            }
            // A path that is seen from here is written as it is seen from the file.
            let isRelative = !url.contains("://") && !url.hasPrefix("/") && !url.hasPrefix("~")
            let kept =
                isRelative
                ? Paths.relative(Paths.absolute(url, from: try options.here()), to: Paths.parent(file.path)) : url
            if isDefault {
                print("Setting '\(name)' as a default remote.")
                file.set("core", "remote", name)
            }
            file.set(section, "url", kept)
            try level.write(file, options)
        }
    }

    struct ListRemotes: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the remotes.", discussion: "Example: gyre dvc remote list")
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let settings = try options.open().settings
            for (name, values) in settings.remotes {
                print("\(name)\t\(values["url"] ?? "")\(settings.defaultRemote == name ? "\t(default)" : "")")
            }
        }
    }

    struct Default: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say which remote is used where none is named, or choose it.",
            discussion: "Example: gyre dvc remote default storage")
        @Argument(help: "The remote.") var name: String?
        @Flag(name: .shortAndLong, help: "Use none.") var unset = false
        @OptionGroup var level: LevelArguments
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            guard name != nil || unset else {
                return print(try options.open().settings.defaultRemote ?? "No default remote set")
            }
            var file = try level.file(options)
            if let name {
                let known = try options.open().settings.remotes.map(\.name)
                guard known.contains(name) else {
                    throw GyreError(
                        .notFound, "There is no remote \"\(name)\".",
                        fix: Nearest.fix(name, among: known, otherwise: "gyre dvc remote list"))
                }
                file.set("core", "remote", name)
            } else {
                _ = file.unset("core", "remote")
            }
            try level.write(file, options)
        }
    }

    struct Modify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a setting of a remote.",
            discussion:
                "Keep secrets out of git with --local. Example: gyre dvc remote modify --local storage secret_access_key KEY"
        )
        @Argument(help: "The remote.") var name: String
        @Argument(help: "The setting.") var option: String
        @Argument(help: "The value.") var value: String?
        @Flag(name: .shortAndLong, help: "Take the setting out.") var unset = false
        @OptionGroup var level: LevelArguments
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let known = try options.open().settings.remotes.map(\.name)
            guard known.contains(name) else {
                throw GyreError(
                    .notFound, "There is no remote \"\(name)\".",
                    fix: Nearest.fix(name, among: known, otherwise: "gyre dvc remote add \(name) URL"))
            }
            var file = try level.file(options)
            let section = "remote \"\(name)\""
            if unset {
                guard file.unset(section, option) else {
                    throw GyreError(.notFound, "The remote \"\(name)\" has no setting \"\(option)\" in \(file.path).")
                }
            } else {
                guard let value else { throw ValidationError("Give a value, or use --unset.") }
                file.set(section, option, value)
            }
            try level.write(file, options)
        }
    }

    struct RenameRemote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rename", abstract: "Give a remote another name.",
            discussion: "Example: gyre dvc remote rename storage archive")
        @Argument(help: "The remote.") var name: String
        @Argument(help: "Its new name.") var newName: String
        @OptionGroup var level: LevelArguments
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            var file = try level.file(options)
            guard !file.sections.contains("remote \"\(newName)\"") else {
                throw GyreError(.alreadyExists, "There is a remote \"\(newName)\" already.")
            }
            guard file.rename("remote \"\(name)\"", to: "remote \"\(newName)\"") else {
                throw GyreError(
                    .notFound, "There is no remote \"\(name)\" in \(file.path).", fix: "gyre dvc remote list")
            }
            if file.values.contains(where: { $0.section == "core" && $0.name == "remote" && $0.value == name }) {
                file.set("core", "remote", newName)
            }
            try level.write(file, options)
        }
    }

    struct RemoveRemote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Forget a remote; what it keeps stays there.",
            discussion: "Example: gyre dvc remote remove storage")
        @Argument(help: "The remote.") var name: String
        @OptionGroup var level: LevelArguments
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            var file = try level.file(options)
            guard file.remove("remote \"\(name)\"") else {
                throw GyreError(
                    .notFound, "There is no remote \"\(name)\" in \(file.path).", fix: "gyre dvc remote list")
            }
            if file.values.contains(where: { $0.section == "core" && $0.name == "remote" && $0.value == name }) {
                _ = file.unset("core", "remote")
            }
            try level.write(file, options)
        }
    }
}
