// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

/// Prompts with their texts.
extension Console {
    private static let mostVersions = 50

    func prompts(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let rows = try await get(API.PromptList.self, "/prompts").prompts.map { prompt -> [Words] in
            [
                .link(prompt.name, to: Percent.path("prompts", prompt.name)), .whole(prompt.versions),
                .text(Self.aliases(prompt.aliases)), .short(prompt.description),
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
        let prompt = try await get(API.Prompt.self, Percent.path("prompts", name))
        let versions = prompt.texts ?? []
        let shown = versions.reversed().prefix(Self.mostVersions)
        return Page(name, in: .prompts, below: [("Prompts", "/prompts")]) {
            Facts([
                ("Purpose", .text(prompt.description)), ("Aliases", .text(Self.aliases(prompt.aliases))),
                ("Lineage", .reference("model/\(name)")),
            ])
            if versions.isEmpty { EmptyState("It has no version.") }
            for version in shown { self.version(version, of: prompt) }
            Note(shown: shown.count, of: versions.count, "versions, the newest first")
        }
    }

    private func version(_ version: API.PromptVersion, of prompt: API.Prompt) -> Section {
        let number = version.number
        let own = prompt.aliases.filter { $0.value == number }.keys.sorted()
        let body = version.text
        // A chat's messages are JSON; what cannot be read is shown as it stands.
        let messages = version.type == "chat" ? body.flatMap { try? JSONValue(parsing: $0) } : nil
        return Section("Version \(number)", anchor: "version-\(number)") {
            Sentence(
                .several(
                    own.map { .badge(Badge("@\($0)")) }
                        + [.milliseconds(version.createdMs), .short(version.message)]))
            CodeBlock(text: messages?.indented() ?? body ?? "It has no text.", label: "Text of version \(number)")
        }
    }
}
