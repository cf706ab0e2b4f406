// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// What stands behind `depends`: `A && (B.Succeeded || C.Failed)`.
indirect enum DependsExpression: Sendable, Hashable {
    case task(String, End?)
    case not(DependsExpression)
    case all([DependsExpression])
    case any([DependsExpression])

    /// How a task ended.
    enum End: String, Sendable, Hashable, CaseIterable {
        case succeeded = "Succeeded"
        case failed = "Failed"
        case errored = "Errored"
        case skipped = "Skipped"
        case omitted = "Omitted"
        case daemoned = "Daemoned"
        case anySucceeded = "AnySucceeded"
        case allFailed = "AllFailed"
    }

    /// Reads one.
    /// - Throws: `.invalid`.
    init(parsing text: String) throws(GyreError) {
        var reader = Reader(text: text)
        self = try reader.whole()
        guard reader.isAtEnd else { throw reader.unexpected() }
    }

    /// The tasks that it names.
    var tasks: Set<String> {
        switch self {
        case .task(let name, _): [name]
        case .not(let inner): inner.tasks
        case .all(let parts), .any(let parts): parts.reduce(into: []) { $0.formUnion($1.tasks) }
        }
    }

    /// Whether it holds for tasks that have ended so.
    func holds(_ view: (String) -> TaskView?) -> Bool {
        switch self {
        case .task(let name, let end): view(name).map { Self.fits($0, end) } ?? false
        case .not(let inner): !inner.holds(view)
        case .all(let parts): parts.allSatisfy { $0.holds(view) }
        case .any(let parts): parts.contains { $0.holds(view) }
        }
    }

    private static func fits(_ task: TaskView, _ end: End?) -> Bool {
        let isSkipped = task.state == .skipped && !task.isBlocked
        switch end {
        case nil: return task.state == .succeeded || isSkipped
        case .succeeded: return task.state == .succeeded
        case .failed: return (task.state == .failed && !task.isErrored) || task.state == .canceled
        case .errored: return task.isErrored
        case .skipped: return isSkipped
        case .omitted: return task.state == .skipped && task.isBlocked
        case .daemoned: return false
        case .anySucceeded: return task.iterations?.contains(.succeeded) ?? (task.state == .succeeded)
        case .allFailed:
            let iterations = task.iterations ?? [task.state]
            return !iterations.isEmpty && iterations.allSatisfy { $0 == .failed || $0 == .canceled }
        }
    }

    private struct Reader {
        let characters: [Character]
        let text: String
        var place = 0
        var depth = 0

        init(text: String) {
            self.text = text
            characters = Array(text)
        }

        var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return place == characters.count
            }
        }

        func unexpected() -> GyreError {
            GyreError(
                .invalid, "What \"\(text.prefix(120))\" depends on cannot be read.",
                why: "It has tasks, their ends (\(End.allCases.map(\.rawValue).joined(separator: ", "))), &&, || and !."
            )
        }

        mutating func skipSpace() { while place < characters.count, characters[place].isWhitespace { place += 1 } }

        mutating func take(_ symbol: String) -> Bool {
            skipSpace()
            guard place + symbol.count <= characters.count,
                String(characters[place..<(place + symbol.count)]) == symbol
            else { return false }
            place += symbol.count
            return true
        }

        mutating func whole() throws(GyreError) -> DependsExpression {
            depth += 1
            defer { depth -= 1 }
            guard depth < Limits.expressionDepth else { throw unexpected() }
            var parts = [try conjunction()]
            while take("||") { parts.append(try conjunction()) }
            return parts.count == 1 ? parts[0] : .any(parts)
        }

        mutating func conjunction() throws(GyreError) -> DependsExpression {
            var parts = [try operand()]
            while take("&&") { parts.append(try operand()) }
            return parts.count == 1 ? parts[0] : .all(parts)
        }

        mutating func operand() throws(GyreError) -> DependsExpression {
            depth += 1
            defer { depth -= 1 }
            guard depth < Limits.expressionDepth else { throw unexpected() }
            if take("!") { return .not(try operand()) }
            if take("(") {
                let inner = try whole()
                guard take(")") else { throw unexpected() }
                return inner
            }
            skipSpace()
            let start = place
            while place < characters.count,
                characters[place].isLetter || characters[place].isNumber || "_-".contains(characters[place])
            {
                place += 1
            }
            let name = String(characters[start..<place])
            guard !name.isEmpty else { throw unexpected() }
            guard take(".") else { return .task(name, nil) }
            let word = place
            while place < characters.count, characters[place].isLetter { place += 1 }
            guard let end = End(rawValue: String(characters[word..<place])) else { throw unexpected() }
            return .task(name, end)
        }
    }
}
