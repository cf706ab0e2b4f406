// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A form whose fields are files: `multipart/form-data`.
package enum MultipartForm {
    /// One field.
    package struct Part: Sendable {
        /// The field's name.
        package let name: String
        /// What the file is called where it comes from.
        package let fileName: String?
        /// Its content.
        package let bytes: [UInt8]
    }

    /// The fields of a request's body.
    /// - Throws: `.invalid` for something else; `.limitExceeded`.
    package static func parts(
        of request: HTTPRequest, limit: Int = Limits.bodyBytes
    ) async throws(GyreError) -> [Part] {
        let type = request.headers("content-type") ?? ""
        guard type.lowercased().hasPrefix("multipart/form-data"), let boundary = parameter("boundary", of: type),
            (1...200).contains(boundary.utf8.count)
        else {
            throw GyreError(
                .invalid, "The body is no form with files.",
                why: "Its Content-Type is \"\(type.prefix(80))\" and not multipart/form-data with a boundary.")
        }
        return try parts(of: try await request.body.collect(limit: limit), boundary: boundary)
    }

    static func parts(of body: [UInt8], boundary: String) throws(GyreError) -> [Part] {
        let mark = Array("--\(boundary)".utf8)
        var parts: [Part] = []
        guard var place = range(of: mark, in: body, from: 0) else { throw damaged() }
        while true {
            let rest = body[place.upperBound...]
            if rest.starts(with: Array("--".utf8)) { return parts }
            guard parts.count < Limits.formParts, rest.starts(with: Array("\r\n".utf8)),
                let headEnd = range(of: Array("\r\n\r\n".utf8), in: body, from: place.upperBound),
                let next = range(of: Array("\r\n".utf8) + mark, in: body, from: headEnd.upperBound - 2)
            else { throw damaged() }
            let head = String(decoding: body[place.upperBound..<headEnd.lowerBound], as: UTF8.self)
            let line = head.split(whereSeparator: \.isNewline).first {
                $0.lowercased().hasPrefix("content-disposition:")
            }
            guard let line, let name = parameter("name", of: String(line)) else { throw damaged() }
            let start = headEnd.upperBound
            let bytes = next.lowerBound > start ? Array(body[start..<next.lowerBound]) : []
            parts.append(Part(name: name, fileName: parameter("filename", of: String(line)), bytes: bytes))
            place = next
        }
    }

    /// The value of a parameter of a header field: `name="uploadfile"`.
    private static func parameter(_ name: String, of field: String) -> String? {
        for part in field.split(separator: ";").dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2, pair[0].filter({ $0 != " " }).lowercased() == name else { continue }
            let value = pair[1]
            return value.hasPrefix("\"") ? String(value.dropFirst().prefix { $0 != "\"" }) : value
        }
        return nil
    }

    private static func range(of mark: [UInt8], in bytes: [UInt8], from start: Int) -> Range<Int>? {
        guard let first = mark.first, start >= 0 else { return nil }
        var place = start
        while place + mark.count <= bytes.count {
            guard let next = bytes[place...].firstIndex(of: first), next + mark.count <= bytes.count else { return nil }
            if bytes[next..<(next + mark.count)].elementsEqual(mark) { return next..<(next + mark.count) }
            place = next + 1
        }
        return nil
    }

    private static func damaged() -> GyreError { GyreError(.invalid, "The form with files cannot be read.") }
}
