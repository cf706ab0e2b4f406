// SPDX-License-Identifier: Apache-2.0

/// Finds the name that somebody meant who mistyped it.
public enum Nearest {
    /// Longer words are compared by their beginning: the time grows with the product of both lengths.
    private static let comparedCharacters = 100

    /// The candidate nearest to `word`, upper and lower case alike; nil where none is near enough to be meant.
    ///
    /// A third of the word may differ, at least one character and at most three. Where nothing is that near, the one candidate that
    /// begins with `word` counts. Of several that are equally near the first one is taken.
    public static func name(to word: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(word.lowercased().prefix(comparedCharacters))
        guard !wanted.isEmpty else { return nil }
        let most = min(3, max(1, wanted.count / 3))
        var best: (name: String, distance: Int)?
        var beginning: [String] = []
        for candidate in candidates {
            let other = Array(candidate.lowercased().prefix(comparedCharacters))
            if other.starts(with: wanted) { beginning.append(candidate) }
            guard abs(other.count - wanted.count) <= most else { continue }
            let distance = distance(wanted, other)
            if distance <= most, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name ?? (beginning.count == 1 ? beginning[0] : nil)
    }

    /// What to do about an unknown `word`: the nearest candidate as a question, then `otherwise`.
    public static func fix(_ word: String, among candidates: some Sequence<String>, otherwise: String) -> String {
        guard let name = name(to: word, among: candidates) else { return otherwise }
        return "Did you mean \"\(name)\"? All of them: \(otherwise)"
    }

    /// How many characters must be put in, left out, exchanged, or swapped with their neighbour, to make `left` of `right`
    /// (optimal string alignment).
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            current.reserveCapacity(right.count + 1)
            for column in right.indices {
                let exchanged = last[column] + (left[row] == right[column] ? 0 : 1)
                var least = min(exchanged, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    least = min(least, beforeLast[column - 1] + 1)
                }
                current.append(least)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
