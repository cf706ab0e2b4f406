// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// `http` templates: a request, made by a task of its own, and what must hold of the answer.
enum WorkflowHTTP {
    /// The container that makes a request; its one argument is what is asked, with tags in it.
    static func container(_ http: JSONValue, _ template: JSONValue, _ place: String) throws(GyreError) -> Container {
        guard http["url"]?.string != nil else { throw GyreError(.invalid, "\(place).http has no url.") }
        for header in http["headers"]?.array ?? [] where header["valueFrom"] != nil {
            throw WorkflowSupport.needsCluster("\(place).http.headers[].valueFrom")
        }
        for name in ["bodyFrom", "insecureSkipVerify"] where http[name] != nil && http[name] != false {
            throw GyreError(.unsupported, "\(place).http.\(name) is not acted on here.", fix: "Leave it out.")
        }
        if let condition = http["successCondition"]?.string { _ = try ExpressionParser.parse(condition) }
        return Container(
            image: "python:3", command: ["python3", "-c", .string(script)], arguments: [.string(http.text)],
            details: template)
    }

    private static let script = """
        import json, sys, urllib.error, urllib.request
        ask = json.loads(sys.argv[1])
        request = urllib.request.Request(ask["url"], method=ask.get("method", "GET"), data=ask["body"].encode() if ask.get("body") else None)
        for header in ask.get("headers", []):
            request.add_header(header["name"], str(header.get("value", "")))
        try:
            answer = urllib.request.urlopen(request, timeout=float(ask.get("timeoutSeconds") or 30))
        except urllib.error.HTTPError as error:
            answer = error
        body = answer.read(256 << 10).decode("utf-8", "replace")
        good = ask.get("successCondition") or 200 <= answer.status < 300
        print(json.dumps({"statusCode": answer.status, "body": body, "headers": {name: [value] for name, value in answer.headers.items()}}))
        sys.exit(0 if good else 1)
        """

    /// What came of a request: its body.
    /// - Throws: `.invalid` where the answer is not what it must be.
    static func result(_ http: JSONValue, _ printed: String, _ scope: WorkflowScope) throws(GyreError) -> String {
        let answer = try JSONValue(parsing: printed)
        let isGood: Bool
        if let condition = http["successCondition"]?.string, !condition.isEmpty {
            isGood = try ExpressionEvaluator(AnswerScope(answer: answer, outer: scope)).truth(
                try ExpressionParser.parse(condition))
        } else {
            isGood = (200..<300).contains(answer["statusCode"]?.int ?? 0)
        }
        guard isGood else {
            throw GyreError(
                .invalid, "The answer of \(http["url"]?.string ?? "") is not what it must be.",
                why: "Status \(answer["statusCode"]?.int ?? 0): \(answer["body"]?.string?.prefix(200) ?? "")")
        }
        return answer["body"]?.string ?? ""
    }

    private struct AnswerScope: ExpressionScope {
        let answer: JSONValue
        let outer: WorkflowScope
        var now: Int64 { outer.now }
        var seed: String { outer.seed }

        func value(_ path: [String]) throws(GyreError) -> JSONValue? {
            guard path[0] == "response" else { return try outer.value(path) }
            return path.dropFirst().reduce(answer as JSONValue?) { $0?[$1] }
        }
    }
}
