// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreRollout

extension Conductor {
    /// Looks at labels that came for a rollout after its end; a version that gets its traffic back for them is champion again.
    func reviewEnded(_ endpoint: String) async throws(GyreError) {
        guard let back = try await endpoints.reviewEnded(endpoint) else { return }
        try await tookBack(back)
    }
}
