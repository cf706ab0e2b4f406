// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

/// What the next page comes after, as clients carry it: opaque to them, so that no page has to count past the ones before it.
enum PageToken {
    static func text(_ values: [JSONValue]) -> String { Data(JSONValue.array(values).bytes).base64EncodedString() }

    /// The values in the token of a call; nil without one.
    static func values(_ arguments: Arguments) throws(GyreError) -> [JSONValue]? {
        guard let text = try arguments.optionalText("page_token"), !text.isEmpty else { return nil }
        let invalid = GyreError(.invalid, "Invalid page token, could not decode: \(text.prefix(40)).")
        guard let data = Data(base64Encoded: text) else { throw invalid }
        do {
            guard let values = try JSONValue(parsing: Array(data)).array else { throw invalid }
            return values
        } catch {
            throw invalid
        }
    }
}
