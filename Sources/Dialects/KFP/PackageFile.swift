// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// A package as people upload it: the YAML itself, or packed by tar and gzip, or by zip.
enum PackageFile {
    private static let limit = Limits.bodyBytes

    /// The YAML.
    /// - Throws: `.invalid` for an archive without one, or a damaged one; `.limitExceeded`.
    static func unpacked(_ bytes: [UInt8]) throws(GyreError) -> [UInt8] {
        if bytes.starts(with: [0x1F, 0x8B]) {
            return try chosen(try tarFiles(try Inflate.body(bytes, encoding: "gzip", limit: limit)))
        }
        if bytes.starts(with: Array("PK\u{3}\u{4}".utf8)) { return try chosen(try zipFiles(bytes)) }
        return bytes
    }

    /// `pipeline.yaml`, or the only YAML that there is.
    private static func chosen(_ files: [(name: String, bytes: [UInt8])]) throws(GyreError) -> [UInt8] {
        let packages = files.filter { $0.name.hasSuffix(".yaml") || $0.name.hasSuffix(".yml") }
        if let named = packages.first(where: { $0.name == "pipeline.yaml" }) { return named.bytes }
        guard packages.count == 1 else {
            throw GyreError(
                .invalid, "The archive has \(packages.count) YAML files, and none is called pipeline.yaml.",
                fix: "Upload the YAML itself.")
        }
        return packages[0].bytes
    }

    private static func damaged() -> GyreError {
        GyreError(.invalid, "The archive cannot be read.", fix: "Upload the YAML itself.")
    }

    private static func tarFiles(_ bytes: [UInt8]) throws(GyreError) -> [(name: String, bytes: [UInt8])] {
        var files: [(name: String, bytes: [UInt8])] = []
        var place = 0
        while place + 512 <= bytes.count, bytes[place] != 0 {
            let head = bytes[place..<(place + 512)]
            func text(_ start: Int, _ count: Int) -> String {
                String(decoding: head[(place + start)..<(place + start + count)].prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let size = Int(text(124, 12).filter { $0 != " " }, radix: 8), size >= 0,
                size <= bytes.count - place - 512
            else { throw damaged() }
            let kind = head[place + 156]
            if kind == 0 || kind == UInt8(ascii: "0") {
                files.append((text(0, 100), Array(bytes[(place + 512)..<(place + 512 + size)])))
            }
            place += 512 + (size + 511) / 512 * 512
        }
        return files
    }

    private static func zipFiles(_ bytes: [UInt8]) throws(GyreError) -> [(name: String, bytes: [UInt8])] {
        func number(_ place: Int, _ count: Int) throws(GyreError) -> Int {
            guard place >= 0, place + count <= bytes.count else { throw damaged() }
            return bytes[place..<(place + count)].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        // The end of the directory stands at the end, before a comment that may be there.
        let mark: [UInt8] = [0x50, 0x4B, 5, 6]
        guard bytes.count >= 22,
            let end = stride(from: bytes.count - 22, through: max(0, bytes.count - 66_000), by: -1).first(where: {
                Array(bytes[$0..<($0 + 4)]) == mark
            })
        else { throw damaged() }
        var place = try number(end + 16, 4)
        var files: [(name: String, bytes: [UInt8])] = []
        for _ in 0..<(try number(end + 10, 2)) {
            let (method, packed) = (try number(place + 10, 2), try number(place + 20, 4))
            let (nameCount, start) = (try number(place + 28, 2), try number(place + 42, 4))
            guard place + 46 + nameCount <= bytes.count else { throw damaged() }
            let name = String(decoding: bytes[(place + 46)..<(place + 46 + nameCount)], as: UTF8.self)
            let data = start + 30 + (try number(start + 26, 2)) + (try number(start + 28, 2))
            guard data + packed <= bytes.count else { throw damaged() }
            if name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
                let content = Array(bytes[data..<(data + packed)])
                switch method {
                case 0: files.append((name, content))
                case 8: files.append((name, try Inflate.raw(content, limit: limit)))
                default: throw damaged()
                }
            }
            place += 46 + nameCount + (try number(place + 30, 2)) + (try number(place + 32, 2))
        }
        return files
    }
}
