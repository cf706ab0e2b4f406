// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding of URLs (RFC 3986).
public enum Percent {
    /// The text behind `encoded`; a broken escape stays as it stands.
    public static func decode(_ encoded: some StringProtocol, plusIsSpace: Bool = false) -> String {
        let bytes = Array(encoded.utf8)
        var decoded: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.count, bytes[index + 1] != UInt8(ascii: "+"),
                let code = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                decoded.append(code)
                index += 3
            } else {
                decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// The fields of a form as browsers post it; of several of one name the first counts.
    public static func form(_ bytes: [UInt8]) -> [String: String] {
        Dictionary(
            query(String(decoding: bytes, as: UTF8.self)).map { ($0.name, $0.value) },
            uniquingKeysWith: { first, _ in first })
    }

    /// `text` with everything escaped but letters, digits and `-._~`; `/` stays where `keepsSlash`.
    public static func encode(_ text: String, keepsSlash: Bool = false) -> String {
        escape(text.utf8) { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                true
            case UInt8(ascii: "/"): keepsSlash
            default: false
            }
        }
    }

    /// `bytes` as a text in which those that are not `kept` stand as `%` and two upper-case hexadecimal digits.
    public static func escape(_ bytes: some Sequence<UInt8>, keeping isKept: (UInt8) -> Bool) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var escaped: [UInt8] = []
        for byte in bytes {
            if isKept(byte) {
                escaped.append(byte)
            } else {
                escaped += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    /// A path of these parts, each of them escaped, so that a name never becomes two parts or a query: `/models/a%2Fb`.
    public static func path(_ parts: String...) -> String { parts.map { "/" + encode($0) }.joined() }

    /// A query of these members, with the question mark; members without a value are left out, and nothing is left of none.
    public static func query(_ members: [(name: String, value: String?)]) -> String {
        let pairs = members.compactMap { member in member.value.map { "\(member.name)=\(encode($0))" } }
        return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    }

    /// The members of a query, or of a form.
    public static func query(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: "&").map { member in
            let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decode(parts[0], plusIsSpace: true), parts.count == 2 ? decode(parts[1], plusIsSpace: true) : "")
        }
    }
}
