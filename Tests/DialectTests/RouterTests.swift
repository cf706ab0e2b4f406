// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreHTTP
import Testing

@Suite struct RouterTests {
    private let router = Router([
        RouteGroup(
            prefixes: ["/"], errorResponse: { .json(["error": .string($0.what)], status: $0.code.httpStatus) },
            routes: [
                Route("GET", "/models", .nothing) { _ in .text("all") },
                Route("POST", "/models", .nothing) { _ in .text("made") },
                Route("GET", "/models/{name}", .nothing) { .text($0.parameter("name")) },
                Route("DELETE", "/models/{name}", .nothing) { _ in .text("gone") },
                Route("GET", "/models/newest", .nothing) { _ in .text("newest") },
                Route.direct("POST", "/models/{name}/infer", .nothing) { _ in .now(.text("answer")) },
                Route("POST", "/models/{name}:predict", .nothing) { _ in .text("answer") },
                Route("PUT", "/files/{path...}", .nothing) { .text($0.parameter("path")) },
            ])
    ])

    @Test(
        "an address that is known says what it answers",
        arguments: [
            ("OPTIONS", "/models", "GET, HEAD, POST"), ("PUT", "/models", "GET, HEAD, POST"),
            ("PATCH", "/models/delay", "DELETE, GET, HEAD"), ("GET", "/models/delay/infer", "POST"),
            ("OPTIONS", "/models/delay/infer", "POST"), ("GET", "/models/delay:predict", "POST"),
            ("DELETE", "/models/a:b:predict", "POST"), ("GET", "/files/a/b", "PUT"),
            ("POST", "/models/newest", "DELETE, GET, HEAD"),
        ])
    func notAllowed(method: String, path: String, allowed: String) async {
        let response = await router.respond(to: HTTPRequest(method, path))
        #expect(response.status == 405)
        #expect(response.headers.first { $0.name == "allow" }?.value == allowed)
    }

    @Test("a name with a colon that no verb follows is a name")
    func colon() async {
        let response = await router.respond(to: HTTPRequest("GET", "/models/a:b"))
        #expect(response.status == 200)
    }

    @Test("an address that nothing answers at stays unknown", arguments: ["/model", "/models/a/b", "/files"])
    func unknown(path: String) async {
        #expect(await router.respond(to: HTTPRequest("POST", path)).status == 404)
    }

    @Test("a route with a name for one method leaves the others to the pattern")
    func overlap() async {
        let response = await router.respond(to: HTTPRequest("DELETE", "/models/newest"))
        #expect(response.status == 200)
    }
}

@Suite struct InflateTests {
    /// An answer of the kind `now` says so; one of the kind `later` too.
    private func answer(_ bytes: [UInt8], _ encoding: String) async throws -> (isNow: Bool, count: Int) {
        let request = HTTPRequest("POST", "/", headers: ["content-encoding": encoding], body: bytes)
        let made = try Inflate.answer(request, limit: 8 << 20) { .now(.text(String($0.count))) }
        let (isNow, response) =
            switch made {
            case .now(let response): (true, response)
            case .later(let make): (false, try await make())
            }
        guard case .bytes(let text) = response.body else { throw GyreError(.internal, "a streamed answer") }
        return (isNow, Int(String(decoding: text, as: UTF8.self)) ?? -1)
    }

    private func packed(_ count: Int) throws -> [UInt8] {
        let plain = HTTPResponse(body: .bytes([UInt8](repeating: 7, count: count)))
        guard case .bytes(let bytes) = Deflate.answer(plain, accepted: "gzip").body else {
            throw GyreError(.internal, "a streamed answer")
        }
        return bytes
    }

    @Test("a small body is unpacked at once")
    func small() async throws {
        let (isNow, count) = try await answer(try packed(20_000), "gzip")
        #expect(isNow && count == 20_000)
    }

    @Test("a body that is small only while it is packed is unpacked elsewhere")
    func grows() async throws {
        let bytes = try packed(4 << 20)
        #expect(bytes.count < 64 << 10)
        let (isNow, count) = try await answer(bytes, "gzip")
        #expect(!isNow && count == 4 << 20)
    }

    @Test("a body beyond the limit is refused, wherever it is unpacked")
    func tooLarge() async throws {
        let bytes = try packed(9 << 20)
        let error = await #expect(throws: GyreError.self) { _ = try await answer(bytes, "gzip") }
        #expect(error?.code == .limitExceeded)
    }

    @Test("a body that is not packed, and one that is damaged, are looked at once")
    func plain() async throws {
        let (isNow, count) = try await answer([UInt8](repeating: 1, count: 1 << 20), "")
        #expect(isNow && count == 1 << 20)
        let error = #expect(throws: GyreError.self) {
            _ = try Inflate.answer(
                HTTPRequest("POST", "/", headers: ["content-encoding": "gzip"], body: [1, 2, 3])
            ) { _ in .now(.text("")) }
        }
        #expect(error?.code == .invalid)
    }
}
