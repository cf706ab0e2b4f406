// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase
internal import Synchronization

/// What putting things into the workspace did.
package struct CheckoutResult: Sendable {
    /// Outputs that were not there.
    package var added: [String] = []
    /// Outputs that held something else.
    package var modified: [String] = []
    /// Outputs that are tracked no longer.
    package var deleted: [String] = []
    /// Outputs whose content is not in the cache.
    package var failed: [String] = []
    /// How many files were added, modified and deleted.
    package var files = (added: 0, modified: 0, deleted: 0)

    /// As `--json` tells it.
    package var json: JSONValue {
        [
            "added": .strings(added), "modified": .strings(modified), "deleted": .strings(deleted),
            "failed": .strings(failed),
        ]
    }
}

extension Repository {
    /// Makes the workspace hold what is written down.
    ///
    /// `relinks`: everything is put there anew, for other kinds of links.
    /// - Throws: `.conflict` where something would be lost that the cache does not have, unless `force`.
    package func checkout(
        _ targets: [String] = [], force: Bool = false, relinks: Bool = false
    ) throws(GyreError) -> CheckoutResult {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let index = try index()
        let memory = try memory()
        var result = CheckoutResult()
        var plans: [Plan] = []
        for target in try goals(targets, index) {
            if target.output.id == nil, target.output.isCached, Files.kind(target.path) == nil {
                // Nobody has written down what it holds.
                result.failed.append(shown(target.path))
                continue
            }
            do throws(GyreError) {
                if let plan = try plan(target, index, memory, relinks: relinks) { plans.append(plan) }
            } catch  where error.code == .notFound {
                result.failed.append(shown(target.path))
            }
        }
        let stale = targets.isEmpty ? try staleOutputs(index, memory) : []
        if !force { try checkNothingIsLost(plans) }
        for plan in plans {
            do throws(GyreError) {
                try carryOut(plan, memory)
                plan.tell(&result, shown(plan.path))
            } catch  where error.code == .notFound {
                result.failed.append(shown(plan.path))
            }
        }
        for path in stale {
            try checkInside(path)
            let isFolder = Files.kind(path) == .folder
            try Files.remove(path)
            try memory.forget(path)
            result.deleted.append(shown(path) + (isFolder ? "/" : ""))
            result.files.deleted += 1
        }
        for list in [\CheckoutResult.added, \.modified, \.deleted, \.failed] {
            result[keyPath: list].sort { one, other in
                one.hasSuffix("/") != other.hasSuffix("/") ? one.hasSuffix("/") : one < other
            }
        }
        return result
    }

    /// Puts one output where it belongs, whatever is there.
    func place(_ output: Output, at path: String, _ index: Index, _ memory: any FileMemory) throws(GyreError) {
        var output = output
        output.isCached = true
        if let plan = try plan(Goal(output: output, path: path, part: nil), index, memory, relinks: false) {
            try carryOut(plan, memory)
        }
    }

    /// An output that is wanted in the workspace, or a part of it.
    struct Goal {
        let output: Output
        let path: String
        /// The files of a folder that are wanted, below it; nil for all.
        let part: String?
    }

    /// The outputs that are meant; a path inside of a folder means that part of it.
    func goals(_ targets: [String], _ index: Index) throws(GyreError) -> [Goal] {
        var goals: [Goal] = []
        if targets.isEmpty { return Self.goals(index, Array(index.stages.indices)) }
        for target in targets {
            let path = Paths.absolute(target, from: here)
            if let owner = index.owner(of: path), Files.kind(path) != .file || !path.hasSuffix(".dvc") {
                let stage = index.stages[owner.stage]
                let output = stage.outs[owner.output]
                guard let its = stage.path(of: output) else { continue }
                let part = its == path ? nil : String(path.dropFirst(its.count + 1))
                goals.append(Goal(output: output, path: its, part: part))
            } else if Files.kind(path) == .folder {
                goals += Self.goals(index, Array(index.stages.indices)).filter { Paths.isInside($0.path, path) }
            } else {
                goals += Self.goals(index, try select([target], index))
            }
        }
        return goals
    }

    private static func goals(_ index: Index, _ stages: [Int]) -> [Goal] {
        stages.flatMap { number in
            index.stages[number].outs.compactMap { output in
                index.stages[number].path(of: output).map { Goal(output: output, path: $0, part: nil) }
            }
        }
    }

    /// What has to be done for one output.
    private struct Plan {
        let path: String
        let output: Output
        let id: ObjectID
        /// What was there.
        let now: Measured?
        /// What shall be there; its entries have their objects.
        let wanted: FileTable
        /// Files to put there, of `wanted`.
        let missing: [Int]
        /// Files to put there over others.
        let changed: [Int]
        /// Files to remove, of what was there.
        let extra: [Int]
        /// Whether something else than what is wanted is at the path: a file for a folder, or the other way round.
        let isOtherKind: Bool
        let isPart: Bool

        func tell(_ result: inout CheckoutResult, _ shown: String) {
            let name = shown + (id.isFolder ? "/" : "")
            if now == nil { result.added.append(name) } else { result.modified.append(name) }
            result.files.added += missing.count
            result.files.modified += changed.count
            result.files.deleted += extra.count
        }
    }

    private func plan(
        _ goal: Goal, _ index: Index, _ memory: any FileMemory, relinks: Bool
    ) throws(GyreError) -> Plan? {
        guard let id = goal.output.id, goal.output.isCached else { return nil }
        try checkInside(goal.path)
        let now = try measure(goal.path, ignores: index.ignores, memory: memory, stores: false)
        if let now, now.id == id, !relinks { return nil }
        var wanted: FileTable
        if id.isFolder {
            let bytes = cache.contains(id) ? try cache.read(id) : try Files.read(cache.legacyPath(id))
            wanted = try Listing.files(bytes, name: id.text)
        } else {
            wanted = FileTable()
            wanted.append([], id: id)
        }
        if goal.output.isLegacy, let now, try legacyID(goal.path, now) == id { return nil }
        let isOtherKind = now.map { $0.id.isFolder != id.isFolder } ?? false
        var (missing, changed, extra): ([Int], [Int], [Int]) = ([], [], [])
        let old = isOtherKind ? FileTable() : now?.table ?? FileTable()
        let part = goal.part.map { Array($0.utf8) }
        func isMeant(_ path: ArraySlice<UInt8>) -> Bool {
            guard let part else { return true }
            return path.elementsEqual(part) || path.starts(with: part + [UInt8(ascii: "/")])
        }
        wanted.joined(with: old) { want, have in
            switch (want, have) {
            case (let want?, nil): if isMeant(wanted.path(wanted.entries[want])) { missing.append(want) }
            case (nil, let have?): if isMeant(old.path(old.entries[have])) { extra.append(have) }
            case (let want?, let have?):
                guard isMeant(wanted.path(wanted.entries[want])) else { return }
                if relinks || wanted.entries[want].id != old.entries[have].id { changed.append(want) }
            default: break
            }
        }
        // An empty folder is wanted all the same.
        if missing.isEmpty, changed.isEmpty, extra.isEmpty, !isOtherKind, now != nil { return nil }
        return Plan(
            path: goal.path, output: goal.output, id: id, now: now, wanted: wanted, missing: missing, changed: changed,
            extra: extra, isOtherKind: isOtherKind, isPart: goal.part != nil)
    }

    private func checkNothingIsLost(_ plans: [Plan]) throws(GyreError) {
        var lost: [String] = []
        for plan in plans {
            guard let now = plan.now else { continue }
            var files: [(String, ObjectID)] = []
            func take(_ entry: FileTable.Entry) {
                let name = now.table.text(entry)
                files.append((shown(name.isEmpty ? plan.path : plan.path + "/" + name), entry.id))
            }
            if plan.isOtherKind {
                for entry in now.table.entries { take(entry) }
            } else {
                for place in plan.extra { take(now.table.entries[place]) }
                let changed = Set(plan.changed.map { Array(plan.wanted.path(plan.wanted.entries[$0])) })
                for entry in now.table.entries where changed.contains(Array(now.table.path(entry))) { take(entry) }
            }
            let missing = Set(cache.missing(among: files.map(\.1)))
            lost += files.filter { missing.contains($0.1) }.map(\.0)
        }
        guard lost.isEmpty else {
            let more = lost.count > 20 ? "\nand \(lost.count - 20) more" : ""
            throw GyreError(
                .conflict,
                "Files would be lost that are not in the cache:\n" + lost.prefix(20).joined(separator: "\n") + more,
                fix: "Keep them with gyre dvc add or commit, or give them up with --force.")
        }
    }

    private func carryOut(_ plan: Plan, _ memory: any FileMemory) throws(GyreError) {
        // What is needed is looked for first, so that nothing is removed for something that cannot be put there.
        let needed = (plan.missing + plan.changed).map { plan.wanted.entries[$0].id }
        if let id = cache.missing(among: needed).first(where: { Files.kind(cache.legacyPath($0)) == nil }) {
            throw GyreError(.notFound, "The cache does not have \(id.text).", fix: "gyre dvc pull")
        }
        if plan.isOtherKind { try Files.remove(plan.path) }
        for place in plan.extra {
            guard let now = plan.now else { break }
            let file = plan.path + "/" + now.table.text(now.table.entries[place])
            try Files.remove(file)
            Files.removeEmpty(Paths.parent(file), below: plan.path)
        }
        try Files.makeFolder(plan.id.isFolder ? plan.path : Paths.parent(plan.path))
        let places = Placement(repository: self, kinds: settings.linkTypes)
        let wanted = plan.wanted
        try makeFolders(plan.missing, wanted, below: plan.path)
        let work = plan.missing.map { ($0, false) } + plan.changed.map { ($0, true) }
        var entries = wanted.entries
        if !work.isEmpty {
            progress.begin("Checking out", total: work.count)
            defer { progress.end() }
            var failure: GyreError?
            unsafe entries.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                let shared = unsafe SharedPlaces(base: base)
                do throws(GyreError) {
                    try unsafe Parallel.each(work.count, step: { progress.step($0) }) { number, _ throws(GyreError) in
                        let (index, replaces) = work[number]
                        let entry = shared[index]
                        let file = plan.id.isFolder ? plan.path + "/" + wanted.text(entry) : plan.path
                        try places.put(entry.id, at: file, isExecutable: plan.output.isExecutable, replaces: replaces)
                        shared[index] = try places.entry(entry, at: file)
                    }
                } catch { failure = error }
            }
            if let failure { throw failure }
        }
        try remember(plan, entries, memory)
    }

    /// Folders first and once each, so that a file needs no look whether its folder is there.
    private func makeFolders(_ missing: [Int], _ wanted: FileTable, below root: String) throws(GyreError) {
        var last: ArraySlice<UInt8> = []
        for index in missing {
            let path = wanted.path(wanted.entries[index])
            guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { continue }
            let folder = path[..<slash]
            if folder.elementsEqual(last) { continue }
            last = folder
            let parts = folder.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
            try checkLinks(parts[...], from: root)
            try Files.makeFolder(root + "/" + parts.joined(separator: "/"))
        }
    }

    private func remember(_ plan: Plan, _ entries: [FileTable.Entry], _ memory: any FileMemory) throws(GyreError) {
        guard !plan.isPart, !plan.output.isLegacy else { return }
        var table = plan.wanted
        table.entries = entries
        if let now = plan.now, !plan.isOtherKind {
            // What was right before is known from before.
            var known: [(Int, FileTable.Entry)] = []
            table.joined(with: now.table) { mine, theirs in
                guard let mine, let theirs, table.entries[mine].inode == 0 else { return }
                known.append((mine, now.table.entries[theirs]))
            }
            for (index, entry) in known {
                table.entries[index].inode = entry.inode
                table.entries[index].modified = entry.modified
                table.entries[index].sizeBytes = entry.sizeBytes
            }
        }
        // Content of the cache does not change: what was just put there is certain, whatever the clock says.
        try memory.keep(plan.path, plan.id, table, now: Int64.max, isOutput: true)
    }

    /// Outputs that were here, are as they were, and are tracked no longer.
    private func staleOutputs(_ index: Index, _ memory: any FileMemory) throws(GyreError) -> [String] {
        let current = Set(index.stages.flatMap { stage in stage.outs.compactMap { stage.path(of: $0) } })
        var stale: [String] = []
        for path in try memory.outputs() where !current.contains(path) && Paths.isInside(path, root) {
            let isPartOf = current.contains { Paths.isInside($0, path) || Paths.isInside(path, $0) }
            // What cannot be looked at stays where it is.
            guard !isPartOf, let known = try memory.known(path),
                let now = try? measure(path, ignores: index.ignores, memory: memory, stores: false), now.id == known.id
            else { continue }
            // Only what can be had again is removed.
            guard cache.contains(now.id), cache.missing(among: now.table.entries.map(\.id)).isEmpty else { continue }
            stale.append(path)
        }
        return stale
    }
}
