// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Keeps pages of other sites from using the reader's browser against this server.
///
/// A page elsewhere can make a browser post here, and by a name that changes its address it can even read the answers. So a request
/// that names a host which is not this server is refused, and a request that changes something and says that it comes from another
/// site is refused too. Programs other than browsers send neither.
package struct OriginGuard: Sendable {
    private let allowedHosts: Set<String>
    private let allowedOrigins: Set<String>

    /// A guard that lets through addresses, `localhost` and these names, and pages of these sites.
    package init(allowedHosts: some Sequence<String>, allowedOrigins: some Sequence<String> = []) {
        self.allowedHosts = Set(allowedHosts.map { $0.lowercased() })
        self.allowedOrigins = Set(allowedOrigins)
    }

    /// - Throws: `.denied` for a request of another site.
    package func check(
        method: String, host: String?, origin: String?, fetchSite: String?
    ) throws(GyreError) {
        let name = Self.name(host ?? "localhost")
        guard isOwn(name) else {
            throw GyreError(
                .denied, "The host \"\(name.prefix(200))\" is not known here.",
                why: "A page of another site could have led here under a name of its own.",
                fix: "gyre up --allow-host \(name.prefix(200))")
        }
        guard !["GET", "HEAD", "OPTIONS"].contains(method) else { return }
        if let origin, allowedOrigins.contains(origin) { return }
        if let origin, origin != "null" {
            let from =
                origin.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).last.map(String.init) ?? ""
            if from.lowercased() == (host ?? "").lowercased() || allowedHosts.contains(Self.name(from)) { return }
        } else if origin == nil, fetchSite == nil || fetchSite == "same-origin" || fetchSite == "none" {
            return
        }
        throw GyreError(
            .denied, "Pages of \(origin?.prefix(200) ?? "another site") may not change anything here.",
            fix: "Allow the site with gyre up --allow-host, or send the request from a program.")
    }

    private func isOwn(_ name: String) -> Bool {
        if name == "localhost" || name.hasSuffix(".localhost") || allowedHosts.contains(name) { return true }
        // An address cannot be made to mean something else.
        let isV4 =
            name.split(separator: ".", omittingEmptySubsequences: false).count == 4
            && name.allSatisfy { $0.isNumber || $0 == "." }
        return isV4 || name.contains(":")
    }

    /// The name without its port, lower case.
    private static func name(_ host: String) -> String {
        let lower = host.lowercased()
        if lower.hasPrefix("[") { return String(lower.dropFirst().prefix { $0 != "]" }) }
        return lower.filter { $0 == ":" }.count > 1 ? lower : String(lower.prefix { $0 != ":" })
    }
}
