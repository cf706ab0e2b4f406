// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase

/// Compares what a route needs with what its caller may do.
package struct Admission: Sendable {
    /// Finds the thing that a parameter leads to; nil where it leads to none.
    package typealias Find = @Sendable (Need.Lead, String) async throws(GyreError) -> Thing?

    /// Lets a call through that others may have to agree to; throws what it waits for.
    package typealias Hold = @Sendable (HTTPRequest, Need.Action) async throws(GyreError) -> HTTPRequest

    private let find: Find
    private let hold: Hold
    private let onRefusal: @Sendable (Refusal) -> Void

    /// A call that was not let in.
    package struct Refusal: Sendable {
        /// Who called.
        package let caller: Caller
        /// The verb.
        package let method: String
        /// The address without its query.
        package let path: String
        /// What is told.
        package let error: GyreError
    }

    /// An admission that finds things by `find`, and tells `onRefusal` of calls that were not let in.
    package init(
        find: @escaping Find = { lead, name in Admission.thing(lead, name) },
        hold: @escaping Hold = { request, _ in request },
        onRefusal: @escaping @Sendable (Refusal) -> Void = { _ in }
    ) {
        self.find = find
        self.hold = hold
        self.onRefusal = onRefusal
    }

    /// The thing that a name leads to without being looked up.
    package static func thing(_ lead: Need.Lead, _ name: String) -> Thing? {
        switch lead {
        case .experiment: Thing(.experiment, name)
        case .model: Thing(.model, name)
        case .endpoint: Thing(.endpoint, name)
        case .dataset: Thing(.dataset, name)
        case .featureView: Thing(.featureView, name)
        case .pipeline: Thing(.pipeline, name)
        case .experimentName, .run, .loggedModel, .trace, .artifactPath, .pipelineRun: nil
        }
    }

    /// Whether `caller` may do so to the whole workspace, so that nothing has to be looked up.
    package static func isPlain(_ need: Need, _ caller: Caller) -> Bool {
        switch need.subject {
        case .anyone: break
        case .signedIn: if case .stranger = caller.identity { return false }
        case .workspace, .one: guard caller.access.workspace.isSuperset(of: need.permissions) else { return false }
        case .some:
            if case .stranger = caller.identity { return false }
            // Tokens may lack a permission that their owner has.
            guard caller.access.workspace.isSuperset(of: need.permissions) || !caller.access.isEmpty else {
                return false
            }
        }
        return need.others.allSatisfy { isPlain($0, caller) }
    }

    /// Lets a request in, or throws why not; its body may have been read.
    /// - Throws: `.unauthenticated` for a stranger, `.notFound` for what the caller may not even see, `.denied` for the rest.
    func admit(_ request: HTTPRequest, _ need: Need) async throws(GyreError) -> HTTPRequest {
        guard let action = need.action else { return try await permitted(request, need) }
        return try await hold(try await permitted(request, need), action)
    }

    private func permitted(_ request: HTTPRequest, _ need: Need) async throws(GyreError) -> HTTPRequest {
        if Self.isPlain(need, request.caller) { return request }
        do throws(GyreError) {
            return try await look(request, need)
        } catch {
            onRefusal(Refusal(caller: request.caller, method: request.method, path: request.path, error: error))
            throw error
        }
    }

    private func look(_ request: HTTPRequest, _ need: Need) async throws(GyreError) -> HTTPRequest {
        let caller = request.caller
        guard caller.identity != .stranger else { throw Self.stranger }
        guard case .one(let lead, let place) = need.subject, caller.access.allowsSomething(need.permissions) else {
            guard Self.isPlain(Need(need.permissions, on: need.subject), caller) else {
                throw Self.denied(need, caller)
            }
            return try await others(request, need)
        }
        var request = request
        let names = try await Self.names(place, &request)
        guard !names.isEmpty else { throw Self.denied(need, caller) }
        for name in names {
            guard let thing = try await find(lead, name) else { throw Self.unknown(lead, name) }
            let allowed = caller.access.permissions(on: thing)
            guard allowed.isSuperset(of: need.permissions) else {
                throw allowed.contains(.read) ? Self.denied(need, caller, thing) : Self.unknown(lead, name)
            }
        }
        return try await others(request, need)
    }

    private func others(_ request: HTTPRequest, _ need: Need) async throws(GyreError) -> HTTPRequest {
        var request = request
        for other in need.others {
            if !Self.isPlain(other, request.caller) { request = try await look(request, other) }
        }
        return request
    }

    /// Every value that the request has for the parameter, wherever a handler may look for it: all of them must be allowed.
    private static func names(_ place: Need.Place, _ request: inout HTTPRequest) async throws(GyreError) -> [String] {
        let name = place.name
        var found = request.query.filter { $0.name == name }.map(\.value)
        if let value = request.parameters[name] { found.append(value) }
        guard case .argument = place else { return found }
        let bytes = try await request.body.collect(limit: Limits.bodyBytes)
        request.body = HTTPBody(bytes)
        guard !bytes.isEmpty else { return found }
        let body = try JSONValue(parsing: bytes)
        for member in body.object?.members ?? [] where member.name == name || snakeCased(member.name) == name {
            let values = member.value.array ?? [member.value]
            found += values.compactMap { $0.string ?? $0.int.map(String.init) }
        }
        return found
    }

    private static func snakeCased(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }

    /// The error of a call that does not say whose it is.
    package static let stranger = GyreError(
        .unauthenticated, "Nobody is signed in.", why: "This server asks who calls, and the request does not say.",
        fix: "Send a token (Authorization: Bearer TOKEN), or a name and a password; people sign in at /login.")

    /// The error of a call that its caller may not make.
    package static func denied(_ need: Need, _ caller: Caller, _ thing: Thing? = nil) -> GyreError {
        let wanted = need.permissions.names.joined(separator: " and ")
        let place = thing.map { "\($0)" } ?? "the workspace \"\(caller.workspace)\""
        return GyreError(
            .denied, "\(caller.name ?? "The caller") may not do that.",
            why: "It needs the permission to \(wanted.replacing("_", with: " ")) on \(place).",
            fix: "Ask an administrator of the workspace for a role.")
    }

    /// The error of a call about a thing that its caller may not know of.
    package static func unknown(_ lead: Need.Lead, _ name: String) -> GyreError {
        GyreError(.notFound, "There is no \(lead.words) \"\(name.prefix(200))\".")
    }
}

extension Need.Lead {
    /// What it is called in a sentence.
    fileprivate var words: String {
        switch self {
        case .experiment, .experimentName: "experiment"
        case .model: "registered model"
        case .endpoint: "endpoint"
        case .dataset: "dataset"
        case .featureView: "feature view"
        case .pipeline: "pipeline"
        case .run: "run"
        case .loggedModel: "logged model"
        case .trace: "trace"
        case .artifactPath: "artifact at"
        case .pipelineRun: "pipeline run"
        }
    }
}
