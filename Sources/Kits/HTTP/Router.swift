// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase

/// One address and what answers there.
package struct Route: Sendable {
    /// Answers a request.
    package typealias Handler = @Sendable (HTTPRequest) async throws(GyreError) -> HTTPResponse

    /// The verb, upper case.
    package let method: String
    /// The address.
    package let pattern: String
    /// What its caller must be allowed.
    package let need: Need
    let handler: Handler
    var direct: Direct?

    /// Begins to answer a request whose body is at hand, on the thread of its connection.
    ///
    /// It must not block: what takes long is answered later.
    package typealias Direct = @Sendable (HTTPRequest) throws(GyreError) -> DirectAnswer

    /// An answer that is there, or on its way.
    package enum DirectAnswer: Sendable {
        case now(HTTPResponse)
        case later(@Sendable () async throws(GyreError) -> HTTPResponse)
    }

    /// A route that is answered before all others, for the few where every microsecond counts.
    ///
    /// Its pattern has parameters.
    package static func direct(
        _ method: String, _ pattern: String, _ need: Need, _ direct: @escaping Direct
    ) -> Route {
        var route = Route(method, pattern, need) { request throws(GyreError) in
            var request = request
            request.body = HTTPBody(try await request.body.collect(limit: Limits.tensorBytes))
            switch try direct(request) {
            case .now(let response): return response
            case .later(let make): return try await make()
            }
        }
        route.direct = direct
        return route
    }

    /// A route that answers whoever may do what it needs.
    ///
    /// `pattern`: parts joined by `/`; `{name}` takes one part, `{name}:verb` one that ends in `:verb`, `{name...}`
    /// all the rest.
    package init(_ method: String, _ pattern: String, _ need: Need, _ handler: @escaping Handler) {
        self.method = method
        self.pattern = pattern
        self.need = need
        self.handler = handler
    }
}

/// The routes of one dialect and how it tells of errors.
package struct RouteGroup: Sendable {
    /// All that it finds, in the order in which they were added.
    package let routes: [Route]
    /// Paths below these belong to the dialect even where it has no route.
    package let prefixes: [String]
    /// An error in the dialect's own form.
    package let errorResponse: @Sendable (GyreError) -> HTTPResponse

    /// A group.
    package init(
        prefixes: [String], errorResponse: @escaping @Sendable (GyreError) -> HTTPResponse, routes: [Route]
    ) {
        self.prefixes = prefixes
        self.errorResponse = errorResponse
        self.routes = routes
    }
}

/// Finds the route of a request.
///
/// An address without parameters costs one look-up in a table.
package struct Router: Sendable {
    fileprivate struct Entry: Sendable {
        let method: String
        let parts: [Part]
        let group: Int
        let route: Route
    }

    fileprivate enum Part: Sendable {
        case literal(String)
        case one(name: String, suffix: String)
        case rest(name: String)
    }

    private var fixed: [String: [String: (group: Int, route: Route)]] = [:]
    private var patterns: [Entry] = []
    /// The direct routes among the patterns, by the first part of their path.
    private var directPatterns: [Substring: [Entry]] = [:]
    private let groups: [RouteGroup]
    private let admission: Admission

    /// A router over the routes of all groups; of two that fit, the first one answers.
    package init(_ groups: [RouteGroup], admission: Admission = Admission()) {
        self.groups = groups
        self.admission = admission
        for (index, group) in groups.enumerated() {
            for route in group.routes {
                if route.pattern.contains("{") {
                    let parts = route.pattern.split(separator: "/", omittingEmptySubsequences: false).map(Self.part)
                    let entry = Entry(method: route.method, parts: parts, group: index, route: route)
                    patterns.append(entry)
                    if route.direct != nil { directPatterns[Self.firstPart(route.pattern), default: []].append(entry) }
                } else if fixed[route.pattern]?[route.method] == nil {
                    fixed[route.pattern, default: [:]][route.method] = (index, route)
                }
            }
        }
    }

    /// The answer to `request`; never throws, an error is told as its dialect does.
    package func respond(to request: HTTPRequest) async -> HTTPResponse {
        // What is written in C takes this for the end of a text.
        if request.path.contains("%00") || request.query.contains(where: { ($0.name + $0.value).utf8.contains(0) }) {
            return refusal(
                request.path, GyreError(.invalid, "The address holds the character U+0000, which is not taken."))
        }
        let method = request.method == "HEAD" ? "GET" : request.method
        if let (group, route) = fixed[request.path]?[method] { return await call(route, request, group) }
        let parts = request.path.split(separator: "/", omittingEmptySubsequences: false)
        for entry in patterns where entry.method == method {
            if let parameters = Self.match(entry.parts, parts) {
                let verbs = verbs(at: parts, entry)
                if !verbs.isEmpty { return notAllowed(request, verbs) }
                var request = request
                request.parameters = parameters
                return await call(entry.route, request, entry.group)
            }
        }
        if request.path.count > 1, request.path.hasSuffix("/"), fixed[String(request.path.dropLast())] != nil {
            return .redirect(to: String(request.path.dropLast()))
        }
        let allowed = methods(at: request.path, parts)
        return allowed.isEmpty ? notFound(method, request.path) : notAllowed(request, allowed)
    }

    /// All routes, in the order in which they were added.
    package var routes: [Route] { groups.flatMap(\.routes) }

    /// A request that belongs to a direct route.
    package struct DirectMatch: Sendable {
        let parameters: [String: String]
        fileprivate let entry: Entry
    }

    /// The direct route of a request, if it has one.
    package func direct(_ method: String, _ target: String) -> DirectMatch? {
        guard let entries = directPatterns[Self.firstPart(target)] else { return nil }
        let path = target.prefix { $0 != "?" }
        if path.contains("%00") { return nil }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        for entry in entries where entry.method == method {
            if let parameters = Self.match(entry.parts, parts) {
                return DirectMatch(parameters: parameters, entry: entry)
            }
        }
        return nil
    }

    /// Where the answer to a direct request is.
    package enum Begun: Sendable {
        /// It is at hand.
        case now(HTTPResponse)
        /// It will be made.
        case later(@Sendable () async -> HTTPResponse)
    }

    /// Begins to answer a request of a direct route; never throws, an error is told as its dialect does.
    package func begin(_ request: HTTPRequest, _ match: DirectMatch) -> Begun {
        let refuse = groups[match.entry.group].errorResponse
        let route = match.entry.route
        guard let direct = route.direct, Admission.isPlain(route.need, request.caller) else {
            return .later { await respond(to: request) }
        }
        do {
            switch try direct(request) {
            case .now(let response): return .now(response)
            case .later(let make):
                return .later { do throws(GyreError) { return try await make() } catch { return refuse(error) } }
            }
        } catch {
            return .now(refuse(error))
        }
    }

    private static func firstPart(_ path: String) -> Substring {
        path.dropFirst().prefix { $0 != "/" && $0 != "?" && $0 != ":" }
    }

    /// An error in the form of the dialect that the path belongs to.
    package func refusal(_ path: String, _ error: GyreError) -> HTTPResponse {
        for group in groups where group.prefixes.contains(where: { path.hasPrefix($0) }) {
            return challenged(group.errorResponse(error))
        }
        return challenged(.json(["error": .string(error.description)], status: error.code.httpStatus))
    }

    private func call(_ route: Route, _ request: HTTPRequest, _ group: Int) async -> HTTPResponse {
        do throws(GyreError) {
            let admitted = try await admission.admit(request, route.need)
            guard case .known = admitted.caller.identity else { return try await route.handler(admitted) }
            let answer = await Caller.$current.withValue(admitted.caller) {
                () async -> Result<HTTPResponse, GyreError> in
                do throws(GyreError) { return .success(try await route.handler(admitted)) } catch {
                    return .failure(error)
                }
            }
            return try answer.get()
        } catch {
            return challenged(groups[group].errorResponse(error))
        }
    }

    /// An answer that says that nobody is signed in says how to, and one that says "later" says when.
    private func challenged(_ answer: HTTPResponse) -> HTTPResponse {
        guard answer.status == 401 || answer.status == 429 else { return answer }
        var answer = answer
        guard answer.status == 401 else {
            if !answer.headers.contains(where: { $0.name == "retry-after" }) {
                answer.headers.append(("retry-after", "1"))
            }
            return answer
        }
        answer.headers += [("www-authenticate", "Bearer realm=\"gyre\""), ("www-authenticate", "Basic realm=\"gyre\"")]
        return answer
    }

    /// What is answered at an address, with `HEAD` wherever `GET` is.
    private func methods(at path: String, _ parts: [Substring]) -> Set<String> {
        var methods = Set((fixed[path] ?? [:]).keys)
        for entry in patterns where !methods.contains(entry.method) && Self.match(entry.parts, parts) != nil {
            methods.insert(entry.method)
        }
        if methods.contains("GET") { methods.insert("HEAD") }
        return methods
    }

    /// The methods of routes that end in a verb behind a colon, `{model}:predict`, where an entry would take the verb for part of a name.
    private func verbs(at parts: [Substring], _ taken: Entry) -> Set<String> {
        guard parts.last?.contains(":") == true, case .one(_, suffix: "")? = taken.parts.last else { return [] }
        let verbs = patterns.filter { entry in
            guard entry.group == taken.group, case .one(_, let suffix)? = entry.parts.last else { return false }
            return !suffix.isEmpty && Self.match(entry.parts, parts) != nil
        }
        return Set(verbs.map(\.method))
    }

    private func notAllowed(_ request: HTTPRequest, _ methods: Set<String>) -> HTTPResponse {
        let allowed = methods.sorted().joined(separator: ", ")
        var response = refusal(
            request.path,
            GyreError(
                .invalid, "\(request.method.prefix(40)) is not answered at \(request.path.prefix(200)).",
                why: "Allowed: \(allowed)."))
        response.status = 405
        response.headers.append(("allow", allowed))
        return response
    }

    private func notFound(_ method: String, _ path: String) -> HTTPResponse {
        refusal(path, GyreError(.notFound, "There is nothing at \(method) \(path.prefix(200))."))
    }

    private static func part(_ text: Substring) -> Part {
        guard text.hasPrefix("{"), let end = text.lastIndex(of: "}") else { return .literal(String(text)) }
        let name = text[text.index(after: text.startIndex)..<end]
        if name.hasSuffix("...") { return .rest(name: String(name.dropLast(3))) }
        return .one(name: String(name), suffix: String(text[text.index(after: end)...]))
    }

    private static func match(_ pattern: [Part], _ parts: [Substring]) -> [String: String]? {
        var taken: [String: String] = [:]
        for (index, part) in pattern.enumerated() {
            guard index < parts.count else { return nil }
            switch part {
            case .literal(let text): if parts[index] != text { return nil }
            case .one(let name, let suffix):
                let decoded = Percent.decode(parts[index])
                guard decoded.hasSuffix(suffix), decoded.utf8.count > suffix.utf8.count else { return nil }
                taken[name] = String(decoded.dropLast(suffix.count))
            case .rest(let name):
                taken[name] = parts[index...].map { Percent.decode($0) }.joined(separator: "/")
                return taken
            }
        }
        return pattern.count == parts.count ? taken : nil
    }
}
