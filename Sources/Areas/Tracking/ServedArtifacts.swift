// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Addresses of files that this server keeps itself, `mlflow-artifacts:/PATH`: MLflow's clients turn them into calls of the server.
package enum ServedArtifacts {
    /// Their scheme.
    package static let scheme = "mlflow-artifacts"

    /// The address of a file or folder.
    package static func address(of path: String) -> String { "\(scheme):/\(path)" }

    /// Whether it is such an address.
    package static func isAddress(_ text: String) -> Bool { text.hasPrefix("\(scheme):/") }

    /// The path among the artifacts; nil for an address of another store, as those are that name a host.
    /// - Throws: `.invalid` for a path that climbs, or is none.
    package static func path(_ address: String) throws(GyreError) -> RelativePath? {
        guard isAddress(address) else { return nil }
        let rest = address.dropFirst(scheme.count + 1)
        let slashes = rest.prefix { $0 == "/" }.count
        return slashes == 2 ? nil : try RelativePath(String(rest.dropFirst(slashes)))
    }
}
