// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger

/// Opens a blob when its first bytes are wanted.
actor LazyReader {
    typealias Failure = GyreError
    private let open: @Sendable () async throws(Failure) -> any BlobReader
    private var reader: (any BlobReader)?

    init(_ open: @escaping @Sendable () async throws(Failure) -> any BlobReader) { self.open = open }

    func next() async throws(Failure) -> [UInt8]? {
        if reader == nil { reader = try await open() }
        return try await reader?.next()
    }
}
