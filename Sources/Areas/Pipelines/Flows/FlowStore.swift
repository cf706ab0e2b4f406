// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Where flows are kept that clients run by themselves.
///
/// Runs enter with a fact; what is inside of them is of high volume and enters without.
package protocol FlowStore: Sendable {
    /// Keeps a new flow, run, step or task; a run and a task without a name get the next number.
    ///
    /// `fact`: made of the place that it got.
    /// - Throws: `.alreadyExists`.
    func create(
        _ record: FlowRecord, recording fact: @escaping @Sendable (FlowPlace) -> Fact?
    ) async throws(GyreError) -> FlowRecord
    /// The one at a place; nil for none.
    func record(_ place: FlowPlace) async throws(GyreError) -> FlowRecord?
    /// Those right below a place, or all flows for nil; newest first.
    func records(below place: FlowPlace?) async throws(GyreError) -> [FlowRecord]
    /// Changes labels and the last sign of life.
    /// - Throws: `.notFound`; what `change` throws.
    func update(
        _ place: FlowPlace, recording fact: Fact?,
        _ change: @escaping @Sendable (inout FlowRecord) throws(GyreError) -> Void
    ) async throws(GyreError) -> FlowRecord
    /// Keeps items of tasks; one of the same task, name and attempt takes the place of an artifact.
    func add(
        _ items: [FlowItem], _ kind: FlowItem.Kind, recording facts: [Fact]
    ) async throws(GyreError)
    /// The items of all tasks below a place, newest first; of one name, or all.
    func items(_ kind: FlowItem.Kind, below place: FlowPlace, name: String?) async throws(GyreError) -> [FlowItem]
}
