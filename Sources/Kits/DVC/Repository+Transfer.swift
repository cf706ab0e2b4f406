// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import Synchronization

/// What is meant by a transfer.
package struct TransferOptions: Sendable {
    /// What is named; everything for nothing.
    package var targets: [String] = []
    /// The remote that is named; the usual one for nil.
    package var remote: String?
    /// Also what the commits at the tips of branches need.
    package var allBranches = false
    /// Also what tagged commits need.
    package var allTags = false
    /// Also what any commit needs.
    package var allCommits = false
    /// Also what stages did before.
    package var runCache = false

    /// Everything of the workspace.
    package init() {}
}

/// What a transfer did.
package struct TransferResult: Sendable {
    /// How many objects went over.
    package var objects = 0
    /// Outputs of which something was nowhere.
    package var missing: [String] = []
}

extension Repository {
    /// An output whose objects are wanted, with the name that people know it by.
    struct WantedObject: Sendable {
        let id: ObjectID
        let name: String
        let remote: String?
        let isPushed: Bool
    }

    /// The objects that outputs of the workspace, and of commits, are.
    func wanted(_ options: TransferOptions, index: Index) throws(GyreError) -> [WantedObject] {
        var wanted: [WantedObject] = []
        var seen: Set<ObjectID> = []
        var legacy: [String] = []
        func take(_ output: Output, _ path: String) {
            guard let id = output.id, output.isCached, seen.insert(id).inserted else { return }
            guard !output.isLegacy else { return legacy.append(path) }
            wanted.append(WantedObject(id: id, name: path, remote: output.remote, isPushed: output.isPushed))
        }
        for goal in try goals(options.targets, index) { take(goal.output, shown(goal.path)) }
        for commit in try commits(options) {
            guard let git else { break }
            let old = try Index(commit: commit, git: git, root: root)
            for stage in old.stages {
                for output in stage.outs {
                    if let path = stage.path(of: output) { take(output, "\(shown(path)) (\(commit.prefix(7)))") }
                }
            }
        }
        guard legacy.isEmpty else {
            throw GyreError(
                .unsupported,
                "These were added by DVC 2, whose objects are not transferred: \(legacy.prefix(20).joined(separator: ", ")).",
                fix: "Write them anew with gyre dvc commit, or transfer them with dvc.")
        }
        return wanted
    }

    /// The commits that are meant.
    func commits(_ options: TransferOptions) throws(GyreError) -> [String] {
        guard let git else { return [] }
        if options.allCommits {
            return try git.must(["rev-list", "--all"]).text.split(separator: "\n").map(String.init)
        }
        var found: [String] = []
        if options.allBranches { found += try git.tips("refs/heads").map(\.commit) }
        if options.allTags {
            for tip in try git.tips("refs/tags") { if let commit = try git.commit(tip.name) { found.append(commit) } }
        }
        return Array(Set(found)).sorted()
    }

    /// Sends what the remote lacks: the files of a folder before its listing.
    package func push(
        _ options: TransferOptions, remotes: (String?) async throws(GyreError) -> any ObjectRemote
    ) async throws(GyreError) -> TransferResult {
        let index = try index()
        var result = TransferResult()
        let wanted = try wanted(options, index: index).filter(\.isPushed)
        for name in Set(wanted.map { options.remote ?? $0.remote }).sorted(by: { ($0 ?? "") < ($1 ?? "") }) {
            let remote = try await remotes(name)
            let group = wanted.filter { (options.remote ?? $0.remote) == name }
            try await send(group, to: remote, &result)
        }
        if wanted.isEmpty { _ = try await remotes(options.remote) }
        if options.runCache {
            let remote = try await remotes(options.remote)
            let there = Set(try await remote.runs())
            for path in RunCache.files(below: cache.root) where !there.contains(path) {
                try await remote.writeRun(path, try Files.read("\(cache.root)/runs/\(path)"))
                result.objects += 1
            }
        }
        return result
    }

    private func send(
        _ group: [WantedObject], to remote: any ObjectRemote, _ result: inout TransferResult
    ) async throws(GyreError) {
        let listings = group.filter(\.id.isFolder)
        let files = group.filter { !$0.id.isFolder }
        // A listing that is there says that its files are; only the others have to be looked at.
        let newListings = Set(try await remote.missing(among: listings.map(\.id)))
        var content = Set(files.map(\.id))
        var complete: [ObjectID] = []
        for listing in listings where newListings.contains(listing.id) {
            guard cache.contains(listing.id) else {
                result.missing.append(listing.name)
                continue
            }
            let table = try Listing.files(try cache.read(listing.id), name: listing.id.text)
            let ids = Set(table.entries.map(\.id))
            guard cache.missing(among: Array(ids)).isEmpty else {
                // What is here goes over all the same; the listing does not, since it would promise the rest.
                result.missing.append(listing.name)
                content.formUnion(ids)
                continue
            }
            content.formUnion(ids)
            complete.append(listing.id)
        }
        let lacking = Set(try await remote.missing(among: content.sorted()))
        let gone = Set(cache.missing(among: Array(lacking)))
        for file in files where gone.contains(file.id) { result.missing.append(file.name) }
        let send = lacking.subtracting(gone).sorted()
        let step: @Sendable () -> Void = { [progress] in progress.step(1) }
        if send.count + complete.count > 0 {
            progress.begin("Pushing to \(remote.name)", total: send.count + complete.count)
            defer { progress.end() }
            try await remote.upload(send, from: cache, step: step)
            try await remote.upload(complete.sorted(), from: cache, step: step)
        }
        result.objects += send.count + complete.count
    }

    /// Gets what the cache lacks: listings first, then their files.
    package func fetch(
        _ options: TransferOptions, remotes: (String?) async throws(GyreError) -> any ObjectRemote
    ) async throws(GyreError) -> TransferResult {
        let index = try index()
        var result = TransferResult()
        let wanted = try wanted(options, index: index)
        for name in Set(wanted.map { options.remote ?? $0.remote }).sorted(by: { ($0 ?? "") < ($1 ?? "") }) {
            let group = wanted.filter { (options.remote ?? $0.remote) == name }
            try await get(group, remotes, name, &result)
        }
        if options.runCache {
            let remote = try await remotes(options.remote)
            for path in try await remote.runs() where RunCache.isPath(path) {
                let file = "\(cache.root)/runs/\(path)"
                guard Files.kind(file) == nil else { continue }
                let bytes = try await remote.readRun(path)
                try Files.makeFolder(Paths.parent(file))
                try Files.replace(file, with: String(decoding: bytes, as: UTF8.self))
                result.objects += 1
            }
        }
        return result
    }

    private func get(
        _ group: [WantedObject], _ remotes: (String?) async throws(GyreError) -> any ObjectRemote, _ name: String?,
        _ result: inout TransferResult
    ) async throws(GyreError) {
        let step: @Sendable () -> Void = { [progress] in progress.step(1) }
        let tops = cache.missing(among: group.map(\.id))
        var lost: Set<ObjectID> = []
        if !tops.isEmpty {
            let remote = try await remotes(name)
            progress.begin("Fetching from \(remote.name)", total: tops.count)
            defer { progress.end() }
            lost = Set(try await remote.download(tops, to: cache, step: step))
            result.objects += tops.count - lost.count
        }
        var files: Set<ObjectID> = []
        var owners: [ObjectID: [String]] = [:]
        for listing in group where listing.id.isFolder && !lost.contains(listing.id) {
            let table = try Listing.files(try cache.read(listing.id), name: listing.id.text)
            for id in cache.missing(among: table.entries.map(\.id)) {
                files.insert(id)
                owners[id, default: []].append(listing.name)
            }
        }
        if !files.isEmpty {
            let remote = try await remotes(name)
            progress.begin("Fetching from \(remote.name)", total: files.count)
            defer { progress.end() }
            let gone = try await remote.download(files.sorted(), to: cache, step: step)
            result.objects += files.count - gone.count
            for id in gone { result.missing += (owners[id] ?? []).filter { !result.missing.contains($0) } }
        }
        for item in group where lost.contains(item.id) { result.missing.append(item.name) }
        try cache.sync()
    }

    /// What cache and remote have and the other has not, by the names of outputs: `new` is only here, `deleted` only there, `missing` nowhere.
    package func cloudStatus(
        _ options: TransferOptions, remotes: (String?) async throws(GyreError) -> any ObjectRemote
    ) async throws(GyreError) -> (remote: String, states: [(name: String, state: String)]) {
        let remote = try await remotes(options.remote)
        let wanted = try wanted(options, index: try index())
        var parts: [(name: String, id: ObjectID)] = []
        for item in wanted {
            parts.append((item.name, item.id))
            guard item.id.isFolder, cache.contains(item.id) else { continue }
            let table = try Listing.files(try cache.read(item.id), name: item.id.text)
            for entry in table.entries { parts.append((item.name + "/" + table.text(entry), entry.id)) }
        }
        let here = Set(cache.missing(among: parts.map(\.id)))
        let there = Set(try await remote.missing(among: Array(Set(parts.map(\.id)))))
        var states: [(String, String)] = []
        for (name, id) in parts {
            switch (here.contains(id), there.contains(id)) {
            case (false, true): states.append((name, "new"))
            case (true, false): states.append((name, "deleted"))
            case (true, true): states.append((name, "missing"))
            case (false, false): break
            }
        }
        return (remote.name, states)
    }
}
