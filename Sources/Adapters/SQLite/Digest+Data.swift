// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

extension Digest {
    /// The 32 bytes as SQLite takes them.
    var data: Data { Data(bytes) }

    /// A digest as SQLite gives it.
    init(data: Data) throws(GyreError) { try self.init(bytes: Array(data)) }
}
