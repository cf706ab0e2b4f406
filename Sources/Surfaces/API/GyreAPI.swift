// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Gyre's own API as types: what the server answers with, and what the command line and the console read.
package enum GyreAPI {
    /// What every address of the API begins with.
    package static let root = "/api/gyre/v1"
}
