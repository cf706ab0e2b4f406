// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreSearch
import GyreTestSupport
import Testing

@Suite struct FilterTests {
    @Test("clauses are read with their keys, comparisons and values")
    func clauses() throws {
        let filter = try Filter(
            "metrics.auc >= 0.7 and tags.`my team` != 'a b' AND run_id IN ('x', 'y') AND params.k IS NOT NULL")
        #expect(filter.clauses.map(\.comparison) == [.greaterOrEqual, .notEqual, .isIn, .isNotNull])
        #expect(filter.clauses[1].key == Filter.Key(entity: "tags", name: "my team"))
        #expect(filter.clauses[2].operand == .list(["x", "y"]))
    }

    @Test(
        "a mistake is told with its place",
        arguments: [
            "metrics.auc >", "a = 'x", "a ? 1", "a = 1 OR b = 2", "tags.k IN ()", "a IN 'x'", "a IN ('x' 'y')",
            "a NOT 'x'", "a IS 3", "a LIKE 3", "a = NaN", "a = 0x1", "= 3", "a.", "   ", "`a = 1",
        ])
    func mistakes(text: String) {
        let error = #expect(throws: GyreError.self) { try Filter(text) }
        #expect(error?.what.contains("character") == true)
    }

    @Test("a filter has its limits: length, clauses, patterns")
    func limits() {
        let long = "a = '\(String(repeating: "x", count: Limits.filterBytes))'"
        let many = Array(repeating: "a = 1", count: Limits.filterClauses + 1).joined(separator: " AND ")
        let pattern = "a LIKE '\(String(repeating: "%", count: Limits.patternBytes + 1))'"
        for text in [long, many, pattern] {
            let error = #expect(throws: GyreError.self) { try Filter(text) }
            #expect(error?.code == .invalid)
        }
    }

    @Test("nothing lets everything through")
    func empty() throws {
        #expect(try Filter("").clauses.isEmpty)
        #expect(try Filter("").matches { _ in nil })
    }

    @Test("a bare name may hold dots, quotes may hold anything, and a doubled quote stays as it was written")
    func names() throws {
        let filter = try Filter("tags.mlflow.runName = \"it's\" AND params.\"a.b c\" = 'x''y'")
        #expect(filter.clauses[0].key == Filter.Key(entity: "tags", name: "mlflow.runName"))
        #expect(filter.clauses[0].operand == .text("it's"))
        #expect(filter.clauses[1].key.name == "a.b c" && filter.clauses[1].operand == .text("x''y"))
    }

    @Test(
        "each comparison holds for what it says, and none for a value that is missing",
        arguments: [
            ("x = 2", [2]), ("x != 2", [1, 3]), ("x > 2", [3]), ("x >= 2", [2, 3]), ("x < 2", [1]),
            ("x <= 2", [1, 2]),
        ])
    func numbers(text: String, fits: [Int64]) throws {
        let filter = try Filter(text)
        let found = try [1, 2, 3].filter { number in try filter.matches { _ in .int(number) } }
        #expect(found == fits)
        #expect(try !filter.matches { _ in nil })
        #expect(try !filter.matches { _ in .null })
        #expect(try !filter.matches { _ in "2" }, "a text is no number")
    }

    @Test(
        "texts are compared, searched for and listed",
        arguments: [
            ("x = 'b'", ["b"]), ("x != 'b'", ["B", "a", "abc"]), ("x > 'a'", ["abc", "b"]),
            ("x LIKE 'a%'", ["a", "abc"]),
            ("x ILIKE 'B'", ["B", "b"]), ("x IN ('a', 'b')", ["a", "b"]), ("x NOT IN ('a', 'b',)", ["B", "abc"]),
            ("x IS NOT NULL", ["B", "a", "abc", "b"]), ("x IS NULL", []), ("x = 3", []),
        ])
    func texts(text: String, fits: [String]) throws {
        let filter = try Filter(text)
        let found = try ["B", "a", "abc", "b"].filter { value in try filter.matches { _ in .string(value) } }
        #expect(found == fits)
    }

    @Test("IS NULL fits what is missing alone")
    func missing() throws {
        let filter = try Filter("x IS NULL")
        #expect(try filter.matches { _ in nil })
        #expect(try filter.matches { _ in .null })
    }

    @Test("an order is a key with an optional direction")
    func orders() throws {
        #expect(
            try OrderBy("metrics.auc DESC") == OrderBy(key: .init(entity: "metrics", name: "auc"), isAscending: false))
        #expect(try OrderBy("start_time").isAscending)
        #expect(try OrderBy("start_time asc").isAscending)
        #expect(throws: GyreError.self) { try OrderBy("start_time sideways") }
        #expect(throws: GyreError.self) { try OrderBy("") }
    }

    @Test("a filter that was written from clauses is read as these clauses", arguments: 0..<40)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let clauses = (0..<Int.random(in: 1...5, using: &random)).map { _ in Self.clause(&random) }
        let text = clauses.map(Self.write).joined(separator: Bool.random(using: &random) ? " AND " : "  and ")
        #expect(try Filter(text).clauses == clauses, "seed \(seed): \(text)")
    }

    private static func clause(_ random: inout SplitMix) -> Filter.Clause {
        let names = ["auc", "my key", "a.b", "ünï", "x-1"]
        let key = Filter.Key(
            entity: ["metrics", "tags", nil].randomElement(using: &random) ?? nil,
            name: names.randomElement(using: &random) ?? "auc")
        let texts = ["", "a b", "%x_", "it\"s", "AND"]
        let text = texts.randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return Filter.Clause(key: key, comparison: .isNull, operand: .nothing)
        case 1: return Filter.Clause(key: key, comparison: .isNotIn, operand: .list([text, "z"]))
        case 2: return Filter.Clause(key: key, comparison: .ilike, operand: .text(text))
        case 3:
            let comparisons: [Filter.Comparison] = [.equal, .notEqual, .greater, .greaterOrEqual, .less, .lessOrEqual]
            return Filter.Clause(
                key: key, comparison: comparisons.randomElement(using: &random) ?? .equal,
                operand: .number(Double(Int.random(in: -1000...1000, using: &random)) / 8))
        default: return Filter.Clause(key: key, comparison: .equal, operand: .text(text))
        }
    }

    private static func write(_ clause: Filter.Clause) -> String {
        let key = (clause.key.entity.map { $0 + "." } ?? "") + "`\(clause.key.name)`"
        let operand =
            switch clause.operand {
            case .text(let text): " '\(text)'"
            case .number(let number): " \(number)"
            case .list(let list): " (" + list.map { "'\($0)'" }.joined(separator: ",") + ")"
            case .nothing: ""
            }
        return "\(key) \(clause.comparison.rawValue)\(operand)"
    }
}
