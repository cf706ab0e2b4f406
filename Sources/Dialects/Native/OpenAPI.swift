// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase

/// The OpenAPI document of the native API, made from its calls and their types.
enum OpenAPI {
    /// Query parameters that are whole numbers, and true or false; all others are texts.
    private static let numbers: Set = ["after", "up_to", "limit", "points", "as_of"]
    private static let flags: Set = ["dry_run"]
    /// Parameters that may come several times.
    private static let lists: Set = ["id", "entity"]

    static func document(_ calls: [NativeCall]) -> JSONValue {
        var schemas = APISchema()
        var paths: JSONValue = [:]
        for call in calls {
            let path = call.path.replacing("...}", with: "}")
            var item = paths[path] ?? [:]
            item[call.method.lowercased()] = operation(call, path, &schemas)
            paths[path] = item
        }
        var components = JSONObject(schemas.components.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        components["Error"] = error
        return [
            "openapi": "3.1.0",
            "info": ["title": "Gyre", "version": "1", "description": .string(conventions)],
            "servers": [["url": .string(API.root)]], "paths": paths, "components": ["schemas": .object(components)],
        ]
    }

    private static func operation(_ call: NativeCall, _ path: String, _ schemas: inout APISchema) -> JSONValue {
        var answers: [JSONValue] = []
        if let shape = call.shape {
            answers = [schemas.schema(of: shape.answers)]
            if let plans = shape.plans { answers.append(schemas.schema(of: plans)) }
        }
        let answer: JSONValue = answers.count > 1 ? ["anyOf": .array(answers)] : answers.first ?? ["type": "object"]
        var operation: JSONValue = [
            "operationId": .string(identifier(call)), "summary": .string(call.summary),
            "tags": [.string(String(path.split(separator: "/").first ?? ""))],
            "parameters": .array(pathParameters(path) + call.query.map { queryParameter($0, call) }),
            "responses": [
                "200": ["description": "Done.", "content": ["application/json": ["schema": answer]]],
                "default": [
                    "description": "An error with what happened, why, and what to do.",
                    "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]],
                ],
            ],
        ]
        if call.method == "POST" {
            var schema = call.takes.map { schemas.schema(of: $0) } ?? ["type": "object"]
            if call.hasDryRun, call.takes != nil {
                schema = ["allOf": [schema, ["type": "object", "properties": ["dry_run": ["type": "boolean"]]]]]
            }
            operation["requestBody"] = [
                "required": true, "content": ["application/json": ["schema": schema]],
            ]
        }
        return operation
    }

    /// `postEndpointsNameDeploy`: the method and the parts of the path.
    private static func identifier(_ call: NativeCall) -> String {
        call.method.lowercased()
            + call.path.split { !$0.isLetter }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private static func pathParameters(_ path: String) -> [JSONValue] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part in
            [
                "name": .string(String(part.dropFirst().prefix { $0 != "}" })), "in": "path", "required": true,
                "schema": ["type": "string", "minLength": 1],
            ]
        }
    }

    private static func queryParameter(_ name: String, _ call: NativeCall) -> JSONValue {
        let isPage = name == "after" && !call.path.hasPrefix("/ledger")
        let schema: JSONValue =
            numbers.contains(name) && !isPage
            ? ["type": "integer", "minimum": 0] : flags.contains(name) ? ["type": "boolean"] : ["type": "string"]
        return [
            "name": .string(name), "in": "query",
            "schema": lists.contains(name) ? ["type": "array", "items": schema] : schema,
        ]
    }

    private static let error: JSONValue = [
        "type": "object", "required": ["error"],
        "properties": [
            "error": [
                "type": "object", "required": ["code", "what"],
                "properties": [
                    "code": ["type": "string", "description": "invalid, not_found, conflict and more."],
                    "what": ["type": "string", "description": "What happened."],
                    "why": ["type": ["string", "null"], "description": "Why."],
                    "fix": [
                        "type": ["string", "null"], "description": "What to do: a command, or what to send instead.",
                    ],
                ],
            ]
        ],
    ]

    private static let conventions = """
        Times named `at` or `*_at` are microseconds since 1970 (UTC). Other units stand in the name: `*_ms`, `*_us`, `*_ns`, `*_seconds`, \
        `*_bytes`, `*_percent` (0 to 100); `share` is from 0 to 1. References are `kind/name@version`. Members of a request that are not \
        known are refused. With `dry_run` a call that changes something tells what it would do and does nothing.
        """
}
