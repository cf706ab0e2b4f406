// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// The keys by which what facts say of people beside their names can be read, until it is erased.
package protocol PersonalKeys: Sendable {
    /// What a sealed member of a fact about `name` says; nil once its key is gone.
    func open(_ sealed: JSONValue, of name: String) -> JSONValue?
    /// Erases the key of `name`; nothing that it sealed can be read afterwards.
    func erase(_ name: String) throws(GyreError)
}
