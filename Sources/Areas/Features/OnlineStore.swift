// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// The latest feature values, read by key in well under a millisecond.
package protocol OnlineStore: Sendable {
    /// Writes the rows of a new generation of a view, beside the one that is read.
    func write(_ rows: [OnlineRow], view: String, generation: Int64) async throws(GyreError)
    /// Removes the generations before `generation`.
    func prune(view: String, before generation: Int64) async throws(GyreError)
    /// The row of an entity.
    func read(view: String, generation: Int64, entity: String) async throws(GyreError) -> OnlineRow?
}

/// The latest values of one entity.
package struct OnlineRow: Sendable, Hashable {
    /// The entity's key: its value, or the JSON list of its values where it has several.
    package let entity: String
    /// From when on they were known, microseconds since 1970.
    package let eventMicroseconds: Int64
    /// Feature values by name.
    package let values: JSONValue

    /// A row.
    package init(entity: String, eventMicroseconds: Int64, values: JSONValue) {
        self.entity = entity
        self.eventMicroseconds = eventMicroseconds
        self.values = values
    }
}
