// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

/// The numbers of `withSequence`.
enum WorkflowSequence {
    /// The items: texts, in the format that it says.
    /// - Throws: `.invalid`, `.limitExceeded`.
    static func items(_ sequence: JSONValue) throws(GyreError) -> JSONValue {
        func number(_ name: String) throws(GyreError) -> Int64? {
            guard let value = sequence[name], value != .null else { return nil }
            guard let number = value.int ?? Int64(value.string ?? "") else {
                throw GyreError(.invalid, "withSequence.\(name) is \(value.text.prefix(40)), which is no whole number.")
            }
            guard (-1_000_000_000_000...1_000_000_000_000).contains(number) else { throw tooMany(number) }
            return number
        }
        let start = try number("start") ?? 0
        var numbers: [Int64] = []
        if let count = try number("count") {
            guard count <= Int64(Limits.pipelineTasks) else { throw tooMany(count) }
            numbers = count > 0 ? Array(start..<(start + count)) : []
        } else if let end = try number("end") {
            guard abs(end - start) < Int64(Limits.pipelineTasks) else { throw tooMany(abs(end - start)) }
            numbers = start <= end ? Array(start...end) : (end...start).reversed()
        } else {
            throw GyreError(.invalid, "withSequence has neither count nor end.")
        }
        guard let format = sequence["format"]?.string, !format.isEmpty else {
            return .strings(numbers.map(String.init))
        }
        return .strings(try numbers.map { number throws(GyreError) in try text(number, format) })
    }

    private static func tooMany(_ count: Int64) -> GyreError {
        GyreError(.limitExceeded, "withSequence has \(count) items; \(Limits.pipelineTasks) is the most.")
    }

    /// A number in the format of C's printf, with one `%d`, `%x`, `%X` or `%o` in it.
    private static func text(_ number: Int64, _ format: String) throws(GyreError) -> String {
        guard let sign = format.firstIndex(of: "%") else { return format }
        let rest = format[format.index(after: sign)...]
        let flags = rest.prefix { $0.isNumber || $0 == "-" || $0 == "+" }
        guard let verb = rest.dropFirst(flags.count).first, "dxXov".contains(verb), flags.count <= 4 else {
            throw GyreError(
                .invalid, "withSequence.format is \"\(format.prefix(40))\".", why: "It has one of %d, %x, %X, %o.")
        }
        let word = String(format: "%\(flags)ll\(verb == "v" ? "d" : verb)", number)
        return format[..<sign] + word + rest.dropFirst(flags.count + 1)
    }
}
