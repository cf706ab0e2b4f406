// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// The settings of a repository: the system's, the person's, the repository's, and the ones of this copy; later ones win.
package struct RepositorySettings: Sendable {
    /// Where a setting is kept.
    package enum Level: String, Sendable, CaseIterable {
        /// For everybody on this machine.
        case system
        /// For this person.
        case global
        /// In the repository, for everybody who has it.
        case project
        /// In this copy of it only.
        case local
    }

    /// The files, the strongest last.
    package let files: [(level: Level, file: SettingsFile)]
    private let home: String?

    /// Reads the settings; `folder` is `.dvc`, nil outside of a repository.
    package init(folder: String?, environment: [String: String]) throws(GyreError) {
        var files: [(Level, SettingsFile)] = []
        for level in Level.allCases {
            if let path = Self.path(level, folder: folder, environment) {
                files.append((level, try SettingsFile(path: path)))
            }
        }
        self.files = files
        home = environment["HOME"]
    }

    /// Where the settings of a level are kept; nil where there is no such place.
    package static func path(_ level: Level, folder: String?, _ environment: [String: String]) -> String? {
        switch level {
        case .system: return (environment["DVC_SYSTEM_CONFIG_DIR"] ?? "/etc/xdg/dvc") + "/config"
        case .global:
            if let folder = environment["DVC_GLOBAL_CONFIG_DIR"] { return folder + "/config" }
            let home = environment["XDG_CONFIG_HOME"] ?? environment["HOME"].map { $0 + "/.config" }
            return home.map { $0 + "/dvc/config" }
        case .project: return folder.map { $0 + "/config" }
        case .local: return folder.map { $0 + "/config.local" }
        }
    }

    /// A value; nil where no file sets it.
    package func value(_ section: String, _ name: String) -> String? {
        for (_, file) in files.reversed() {
            if let found = file.values.last(where: { $0.section == section && $0.name == name }) { return found.value }
        }
        return nil
    }

    /// Whether a setting is on.
    package func isOn(_ section: String, _ name: String) -> Bool {
        ["true", "yes", "on", "1"].contains(value(section, name)?.lowercased() ?? "")
    }

    /// What kinds of links the workspace may have, the first that can be made is taken.
    package var linkTypes: [String] {
        let text = value("cache", "type") ?? "reflink,copy"
        return text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
    }

    /// A path as a file of settings means it: `~` is the person's folder, a relative one starts at the file.
    private func path(_ value: String, in file: SettingsFile) -> String {
        if let home, value == "~" || value.hasPrefix("~/") { return home + value.dropFirst() }
        return Paths.absolute(value, from: Paths.parent(file.path))
    }

    /// Where the cache is, from the root; nil where no file says it.
    package var cacheFolder: String? {
        for (_, file) in files.reversed() {
            if let found = file.values.last(where: { $0.section == "cache" && $0.name == "dir" }) {
                return path(found.value, in: file)
            }
        }
        return nil
    }

    /// The remotes by name, with all their settings.
    package var remotes: [(name: String, values: [String: String])] {
        var names: [String] = []
        var all: [String: [String: String]] = [:]
        for (_, file) in files {
            for (section, name, value) in file.values {
                guard let remote = Self.remote(section) else { continue }
                if all[remote] == nil { names.append(remote) }
                // A path is seen from the folder of the file that has it.
                let isLocalURL = name == "url" && !value.contains("://")
                all[remote, default: [:]][name] = isLocalURL ? path(value, in: file) : value
            }
        }
        return names.map { ($0, all[$0] ?? [:]) }
    }

    /// The remote that is meant where none is named.
    package var defaultRemote: String? { value("core", "remote") }

    /// `r` of `remote "r"`.
    package static func remote(_ section: String) -> String? {
        guard section.hasPrefix("remote \""), section.hasSuffix("\"") else { return nil }
        return String(section.dropFirst(8).dropLast())
    }

    /// The settings that sections may have.
    private static let known: [String: Set<String>] = [
        "core": [
            "remote", "checksum_jobs", "interactive", "analytics", "hardlink_lock", "no_scm", "autostage",
            "experiments", "check_update", "site_cache_dir", "machine",
        ],
        "cache": [
            "dir", "type", "protected", "shared", "slow_link_warning", "verify", "local", "s3", "gs", "hdfs", "webhdfs",
            "ssh", "azure",
        ],
        "state": ["dir", "row_limit", "row_cleanup_quota"], "index": ["dir"],
        "plots": ["html_template", "auto_open", "out_dir"],
        "exp": ["code", "data", "models", "metrics", "params", "plots", "live", "auto_push", "git_remote"],
        "parsing": ["bool", "list"],
        "hydra": ["enabled", "config_dir", "config_module", "config_name", "plugins_path"],
        "studio": ["token", "url", "repo_url", "offline"], "feature": ["machine"],
    ]

    /// Refuses a setting that DVC does not have.
    package static func check(_ section: String, _ name: String) throws(GyreError) {
        if remote(section) != nil || section.hasPrefix("machine \"") || section.hasPrefix("db \"") { return }
        guard let names = known[section] else {
            throw GyreError(
                .invalid, "There is no section \"\(section)\" of settings.",
                fix: Nearest.fix(section, among: known.keys.sorted(), otherwise: "gyre dvc config --list"))
        }
        guard names.contains(name) else {
            throw GyreError(
                .invalid, "The section \"\(section)\" has no setting \"\(name)\".",
                fix: Nearest.fix(name, among: names.sorted(), otherwise: "gyre dvc config --list"))
        }
    }
}
