// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A folder whose data DVC, or Gyre in its place, keeps versions of.
package struct Repository: Sendable {
    /// The folder that `.dvc` is in.
    package let root: String
    /// The folder that the command was started in.
    package let here: String
    /// The settings of all levels.
    package let settings: RepositorySettings
    /// Where contents are kept.
    package let cache: ObjectFolder
    /// The working copy of git it is in; nil for none.
    package let git: GitFolder?
    /// Reads the clock, nanoseconds since 1970.
    package let now: @Sendable () -> Int64
    /// What the surroundings of the process say.
    package let environment: [String: String]
    /// Told how far long work is.
    package let progress: any ProgressObserver
    private let openMemory: OpenMemory

    /// Opens what was hashed before, at a path.
    package typealias OpenMemory = @Sendable (String) throws(Failure) -> any FileMemory
    /// What that may fail with.
    package typealias Failure = GyreError

    /// The repository that a folder is in.
    /// - Throws: `.notFound` outside of one.
    package init(
        around here: String, environment: [String: String], now: @Sendable @escaping () -> Int64,
        progress: any ProgressObserver, memory: @escaping OpenMemory
    ) throws(GyreError) {
        var root = here
        while Files.kind(root + "/.dvc") != .folder {
            guard root != "/", !root.isEmpty else {
                throw GyreError(
                    .notFound, "You are not inside of a DVC repository.", why: "No folder from \(here) up has a .dvc.",
                    fix: "gyre dvc init")
            }
            root = Paths.parent(root)
        }
        self.root = root
        self.here = here
        self.environment = environment
        self.now = now
        self.progress = progress
        openMemory = memory
        settings = try RepositorySettings(folder: root + "/.dvc", environment: environment)
        cache = ObjectFolder(root: settings.cacheFolder ?? root + "/.dvc/cache")
        git = settings.isOn("core", "no_scm") ? nil : GitFolder(around: root)
    }

    /// The folder of the repository's own things.
    package var folder: String { root + "/.dvc" }

    /// Takes the lock of whoever changes something.
    package func lock() throws(GyreError) -> RepositoryLock { try RepositoryLock(folder: folder) }

    /// What was hashed before.
    package func memory() throws(GyreError) -> any FileMemory {
        try Files.makeFolder("\(folder)/tmp/gyre")
        return try openMemory("\(folder)/tmp/gyre/files.db")
    }

    /// Everything that is tracked now.
    package func index() throws(GyreError) -> Index { try Index(workspace: root) }

    /// A path as people see it from where they are.
    package func shown(_ path: String) -> String { Paths.relative(path, to: here) }

    /// A path below the repository.
    package func place(_ path: String) -> String {
        let place = Paths.relative(path, to: root)
        return place == "." ? "" : place
    }
}

/// Told how far long work is.
package protocol ProgressObserver: Sendable {
    /// Work of so many steps begins.
    func begin(_ what: String, total: Int)
    /// So many more steps are done.
    func step(_ count: Int)
    /// The work is over.
    func end()
}
