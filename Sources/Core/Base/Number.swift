// SPDX-License-Identifier: Apache-2.0

/// How numbers are shown to people: four significant digits, and no less than the whole part.
///
/// What is compared, kept or sent to programs is the value itself, never this text.
package enum Number {
    private static let digits = 4
    /// Whole numbers from here on are told by their first digits and a power of ten.
    private static let largest = 1e15

    /// The number as a person reads it: 0.1235, 12346, 3e-7, NaN.
    ///
    /// Rounded half up on the shortest decimals that are this number, so 0.00012345 is shown as 0.0001235. Zeros at the end are left out.
    /// Whole numbers below 1e15 are shown whole; what is smaller than 0.0001 has a power of ten.
    package static func readable(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
        if value == value.rounded(), abs(value) < largest { return String(Int64(value)) }
        var decimal = Decimal(abs(value))
        // The whole part is never cut: 12345.6 is about 12346, not 12350.
        decimal.round(to: abs(value) < largest ? max(digits, decimal.exponent + 1) : digits)
        return (value < 0 ? "-" : "") + decimal.text
    }

    /// The whole number, with all digits that it takes to know it again.
    package static func full(_ value: Double) -> String {
        guard value.isFinite, value != value.rounded() || abs(value) >= largest else { return readable(value) }
        return "\(value)"
    }
}

/// A positive number as decimal digits, the first of them not 0, and the power of ten of the first.
private struct Decimal {
    private(set) var digits: [UInt8]
    private(set) var exponent: Int

    /// The shortest decimals that round to `value`, which is finite and above 0.
    init(_ value: Double) {
        let parts = "\(value)".utf8.split(separator: UInt8(ascii: "e"))
        let mantissa = Array(parts[0])
        let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissa.count
        let all = mantissa.filter { $0 != UInt8(ascii: ".") }.map { $0 - UInt8(ascii: "0") }
        let zeros = all.prefix { $0 == 0 }.count
        digits = Array(all.dropFirst(zeros))
        exponent = point - 1 - zeros + (parts.count > 1 ? Int(String(Substring(parts[1]))) ?? 0 : 0)
        dropZeros()
    }

    mutating func round(to count: Int) {
        guard digits.count > count else { return }
        let isUp = digits[count] >= 5
        digits.removeLast(digits.count - count)
        if isUp {
            while let last = digits.last, last == 9 { digits.removeLast() }
            if digits.isEmpty {
                digits = [1]
                exponent += 1
            } else {
                digits[digits.count - 1] += 1
            }
        }
        dropZeros()
    }

    var text: String {
        let letters = digits.map { String($0) }
        if exponent < -4 || exponent >= 15 {
            let rest = letters.dropFirst().joined()
            return letters[0] + (rest.isEmpty ? "" : "." + rest) + "e\(exponent)"
        }
        if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + letters.joined() }
        let whole = letters.prefix(exponent + 1).joined()
        let zeros = String(repeating: "0", count: max(0, exponent + 1 - letters.count))
        let rest = letters.dropFirst(exponent + 1).joined()
        return whole + zeros + (rest.isEmpty ? "" : "." + rest)
    }

    private mutating func dropZeros() { while digits.count > 1, digits.last == 0 { digits.removeLast() } }
}
