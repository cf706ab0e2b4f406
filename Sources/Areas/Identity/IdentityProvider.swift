// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Somebody else who says who people are.
package protocol IdentityProvider: Sendable {
    /// What a token of the provider says, after its signature was checked.
    ///
    /// `nonce`: what a sign-in was begun with, which the token has to repeat; nil for a token that a client brings.
    /// - Throws: `.unauthenticated` for one that is not good; `.unavailable` where its keys cannot be had.
    func claims(of token: String, nonce: String?) async throws(GyreError) -> IdentityClaims
    /// The address that a browser signs in at, and comes back from to `callback`.
    ///
    /// `challenge` is the digest of a secret that the end of the sign-in has to tell (PKCE).
    func address(callback: String, state: String, nonce: String, challenge: String) async throws(GyreError) -> String
    /// What the browser came back with, as a token.
    func redeem(_ code: String, callback: String, verifier: String) async throws(GyreError) -> String
}
