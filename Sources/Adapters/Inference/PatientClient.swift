// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import NIOCore

extension HTTPClient {
    /// A client for models elsewhere, which may think for longer than is usual before they answer; each call has a deadline of its own.
    static let patient = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: Configuration(timeout: .init(connect: .seconds(10), read: .hours(24))))
}
