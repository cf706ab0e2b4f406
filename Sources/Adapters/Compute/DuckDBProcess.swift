// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
package import GyreBase
package import GyreTables
internal import Subprocess
internal import SystemPackage

/// SQL over files in a process that ends with its answer, so that what DuckDB takes leaves no trace in this one.
///
/// The process is this program again, called with `DuckDBProcess.word`: it reads `{"statements": […]}` from its standard input and
/// writes the result of the last one, or `{"error": {"what": …, "why": …}}`, to its standard output.
package struct DuckDBProcess: TableScripts {
    /// The only argument of the process.
    package static let word = "table-statements"
    /// Bytes of statements, and of an answer, that are taken.
    private static let limit = 1 << 20
    /// Seconds after which it is ended.
    private static let longestSeconds = 600
    /// The program that runs; the link holds even when the file was replaced by a newer one.
    private static let program = "/proc/self/exe"

    /// A runner; nothing starts before there is something to run.
    package init() {}

    package func run(_ statements: [String]) async throws(GyreError) -> TableResult {
        let question = JSONValue.object(JSONObject([("statements", .strings(statements))])).bytes
        let answer: [UInt8]
        do {
            let result = try await Self.within(seconds: Self.longestSeconds) {
                try await Subprocess.run(
                    .path(FilePath(Self.program)), arguments: [Self.word], input: .array(question),
                    output: .bytes(limit: Self.limit), error: .discarded)
            }
            guard result.terminationStatus.isSuccess else {
                throw GyreError(
                    .unavailable, "The process that reads tables ended early.", why: "\(result.terminationStatus)",
                    fix: "gyre doctor")
            }
            answer = result.standardOutput
        } catch {
            throw GyreError.wrapping(error, "Reading tables in a process of its own")
        }
        let json = try JSONValue(parsing: answer)
        if let error = json["error"] {
            throw GyreError(.invalid, error["what"]?.string ?? "A statement failed.", why: error["why"]?.string)
        }
        return try TableResult(json: json)
    }

    /// What `work` gives, which is cancelled when it takes too long: its process is killed then.
    private static func within<Result: Sendable>(
        seconds: Int, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                return nil
            }
            defer { group.cancelAll() }
            if let result = try await group.next() ?? nil { return result }
            throw GyreError(.timeout, "The process that reads tables was ended after \(seconds) s.")
        }
    }

    /// The other side: answers what stands on standard input by `engine`, and gives the lowest priority to all of it.
    package static func answer(by engine: DuckDBEngine) async {
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        let answer: JSONValue
        do throws(GyreError) {
            let question = try JSONValue(parsing: Array(FileHandle.standardInput.readDataToEndOfFile().prefix(limit)))
            answer = try await engine.run((question["statements"]?.array ?? []).compactMap(\.string)).json
        } catch {
            answer = ["error": ["what": .string(error.what), "why": error.why.map(JSONValue.string) ?? .null]]
        }
        FileHandle.standardOutput.write(Data(answer.bytes))
    }
}
