// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
internal import GyreBase
internal import GyreGRPC
internal import GyreGate
internal import GyreHTTP
internal import GyreIdentity
internal import GyreOIP
internal import Synchronization

/// What all workspaces of a server have in common.
struct ServerWide: Sendable {
    /// Who there is; kept in the first workspace.
    let identity: Identity
    /// The calls that were not let in.
    let refusals: Refusals
    /// The workspaces that are served.
    let workspaces: OpenWorkspaces
    /// The folder with the keys of what facts say of people, in all workspaces.
    let people: String
    /// Whether somebody has to sign in.
    var asksWhoCalls = false
    /// Somebody else who says who people are.
    var provider: (any IdentityProvider)?
}

/// The workspaces that are served: each has a folder, a database and an object graph of its own, so that nothing of one can be met in another.
final class OpenWorkspaces: WorkspaceRouters {
    private struct Opened: Sendable {
        let assembly: Assembly
        let methods: [String: GRPCMethod]
        let work: Task<Void, Never>
    }

    private struct State: Sendable {
        var opened: [String: Opened] = [:]
        /// Makes the object graph of a folder, and begins what its server does by itself.
        var make: (@Sendable (String) async throws(GyreError) -> Assembly)?
        var tend: (@Sendable (Assembly) async -> Void)?
        var root = ""
    }

    private let state = Mutex(State())

    /// Says how workspaces are opened; `root` is the folder that they lie in.
    func set(
        root: String, make: @escaping @Sendable (String) async throws(GyreError) -> Assembly,
        tend: @escaping @Sendable (Assembly) async -> Void
    ) {
        state.withLock { state in
            state.root = root
            state.make = make
            state.tend = tend
        }
    }

    /// Takes a workspace that is there already.
    func add(_ name: String, _ assembly: Assembly) {
        let methods = Dictionary(uniqueKeysWithValues: assembly.surfaces.inference.methods.map { ($0.path, $0) })
        let tend = state.withLock { $0.tend }
        // Owned by the entry; it ends when the workspace is closed.
        let work = Task { await tend?(assembly) ?? () }
        state.withLock { $0.opened[name] = Opened(assembly: assembly, methods: methods, work: work) }
    }

    /// Opens a workspace's folder, which is made where it is not there.
    func open(_ name: String) async throws(GyreError) {
        let (root, make) = state.withLock { ($0.root, $0.make) }
        guard let make, state.withLock({ $0.opened[name] }) == nil else { return }
        add(name, try await make("\(root)/\(name)"))
    }

    /// Serves a workspace no longer, and puts its folder aside.
    func close(_ name: String) async throws(GyreError) {
        let (root, opened) = state.withLock { state in
            let opened = state.opened[name]
            state.opened[name] = nil
            return (state.root, opened)
        }
        guard !root.isEmpty else { return }
        if let opened {
            opened.work.cancel()
            await opened.work.value
            try await opened.assembly.close()
        }
        let folder = "\(root)/\(name)"
        guard FileManager.default.fileExists(atPath: folder) else { return }
        do {
            let aside = "\(root)/.removed-\(name)-\(Surroundings.live.now() / 1_000_000)"
            try FileManager.default.moveItem(atPath: folder, toPath: aside)
        } catch {
            throw GyreError.wrapping(error, "Putting the folder of the workspace \(name) aside")
        }
    }

    /// Ends all of them but the first, which whoever made it ends.
    func closeAll() async throws(GyreError) {
        let opened = state.withLock { state in
            defer { state.opened = [:] }
            return state.opened
        }
        for (name, entry) in opened {
            entry.work.cancel()
            await entry.work.value
            if name != Caller.defaultWorkspace { try await entry.assembly.close() }
        }
    }

    func router(of workspace: String) -> Router? {
        state.withLock { $0.opened[workspace]?.assembly.surfaces.router }
    }

    /// The methods of a workspace over gRPC.
    func methods(of workspace: String) -> [String: GRPCMethod]? { state.withLock { $0.opened[workspace]?.methods } }

    /// The workspace's object graph, for routes of their own ports.
    func assembly(of workspace: String) -> Assembly? { state.withLock { $0.opened[workspace]?.assembly } }
}

/// One router for all workspaces: where a port serves one thing.
struct SingleRouter: WorkspaceRouters {
    let router: Router
    func router(of workspace: String) -> Router? { workspace == Caller.defaultWorkspace ? router : nil }
}
