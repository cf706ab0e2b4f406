// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Makes the Python environments in which models run that only Python can run.
package protocol ModelEnvironments: Sendable {
    /// The environment that a model asks for by the files of its folder, made where it is not there.
    ///
    /// May take minutes. `model`: its name, for errors.
    /// - Throws: `.unavailable` naming what cannot be had.
    func environment(of folder: String, model: String) async throws(GyreError) -> ModelEnvironment
}

/// A Python environment.
package struct ModelEnvironment: Sendable, Hashable {
    /// The path of its interpreter; nil for the one that set-up made, which has all that is asked for.
    package let python: String?
    /// What it holds at least, as the model's `requirements.txt` says it; empty where the model says nothing.
    package let requirements: [String]
    /// What pins it: the digest of its requirements and of the version of Python.
    package let digest: Digest

    /// An environment.
    package init(python: String?, requirements: [String], digest: Digest) {
        self.python = python
        self.requirements = requirements
        self.digest = digest
    }

    /// As a release pins it.
    package var json: JSONValue {
        [
            "sha256": .string(digest.hex), "requirements": .strings(requirements),
            "shared": .bool(python == nil),
        ]
    }
}
