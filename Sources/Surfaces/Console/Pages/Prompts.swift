// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Prompts with their texts.
extension Console {
    private static let mostVersions = 50

    func prompts(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let rows = (try await api("/prompts")["prompts"]?.array ?? []).map { prompt -> [Words] in
            let name = text(prompt["name"])
            return [
                .link(name, to: Percent.path("prompts", name)), Words(prompt["versions"]), .text(Self.aliases(prompt)),
                .short(text(prompt["description"])),
            ]
        }
        return Page("Prompts", in: .prompts) {
            Table(
                "Prompts", ["Prompt", .number("Versions"), "Aliases", "Purpose"], rows,
                empty: EmptyState(
                    "No prompt is registered yet:", command: "mlflow.genai.register_prompt(name, template)"),
                listing: Listing(request))
        }
    }

    func prompt(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let prompt = try await api(Percent.path("prompts", name))
        let versions = prompt["texts"]?.array ?? []
        let shown = versions.reversed().prefix(Self.mostVersions)
        return Page(name, in: .prompts, below: [("Prompts", "/prompts")]) {
            Facts([
                ("Purpose", .text(text(prompt["description"]))), ("Aliases", .text(Self.aliases(prompt))),
                ("Lineage", .reference("model/\(name)")),
            ])
            if versions.isEmpty { EmptyState("It has no version.") }
            for version in shown { self.version(version, of: prompt) }
            Note(shown: shown.count, of: versions.count, "versions, the newest first")
        }
    }

    private func version(_ version: JSONValue, of prompt: JSONValue) -> Section {
        let number = text(version["number"])
        let own = (prompt["aliases"]?.object?.members ?? []).filter { $0.value == version["number"] }.map(\.name)
        let body = version["text"]?.string
        // A chat's messages are JSON; what cannot be read is shown as it stands.
        let messages = version["type"]?.string == "chat" ? body.flatMap { try? JSONValue(parsing: $0) } : nil
        return Section("Version \(number)", anchor: "version-\(number)") {
            Sentence(
                .several(
                    own.map { .badge(Badge("@\($0)")) }
                        + [Self.milliseconds(version["created_ms"]), .short(version["message"]?.string ?? "")]))
            CodeBlock(text: messages?.indented() ?? body ?? "It has no text.", label: "Text of version \(number)")
        }
    }
}
