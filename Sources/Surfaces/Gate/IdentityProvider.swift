// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreIdentity

/// Somebody who says who people are: OpenID Connect.
package protocol IdentityProvider: Sendable {
    /// What a token of the provider says, after its signature was checked.
    /// - Throws: `.unauthenticated` for one that is not good; `.unavailable` where its keys cannot be had.
    func claims(of token: String) async throws(GyreError) -> IdentityClaims
}
