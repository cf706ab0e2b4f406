// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A named collection of runs.
package struct Experiment: Sendable, Hashable {
    /// Its number; 0 is `Default`.
    package let id: Int64
    /// Its name, unique also among deleted experiments.
    package let name: String
    /// Where its runs keep their artifacts.
    package let artifactLocation: String
    /// Whether it was deleted (and may be restored).
    package let isDeleted: Bool
    /// When it was made, milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// When it or its tags last changed, milliseconds since 1970.
    package let updatedMilliseconds: Int64
    /// Its tags in the order of their keys.
    package let tags: [KeyValue]

    /// An experiment of these parts.
    package init(
        id: Int64, name: String, artifactLocation: String, isDeleted: Bool, createdMilliseconds: Int64,
        updatedMilliseconds: Int64, tags: [KeyValue]
    ) {
        self.id = id
        self.name = name
        self.artifactLocation = artifactLocation
        self.isDeleted = isDeleted
        self.createdMilliseconds = createdMilliseconds
        self.updatedMilliseconds = updatedMilliseconds
        self.tags = tags
    }

    /// `experiment/<id>`.
    package var ref: Ref { Ref("experiment", String(id)) }
}

/// A param or a tag.
package struct KeyValue: Sendable, Hashable {
    /// What the value is of: unique within a run or experiment.
    package let key: String
    /// The value as text.
    package let value: String

    /// A pair.
    package init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }
}

/// Which of active and deleted things to see.
package enum LifecycleView: Sendable, Hashable {
    /// Those that are not deleted.
    case active
    /// Those that are.
    case deleted
    /// Both.
    case all
}
