// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreMonitoring
import Synchronization

extension PredictionLog {
    /// Closes segments, and tells which.
    @discardableResult
    package func closedSegments(all: Bool) async throws(GyreError) -> [ClosedSegment] {
        let closed = ClosedSegments()
        try await closeSegments(all: all) { closed.add($0) }
        return closed.all
    }
}

private final class ClosedSegments: Sendable {
    private let content = Mutex<[ClosedSegment]>([])
    var all: [ClosedSegment] { content.withLock { $0 } }
    func add(_ segment: ClosedSegment) { content.withLock { $0.append(segment) } }
}
