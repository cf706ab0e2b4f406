// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A place among flows that a client runs by itself: a flow, a run of it, a step of the run, a task of the step.
package struct FlowPlace: Sendable, Hashable {
    /// The flow's name.
    package var flow: String
    /// The run's number, or the name that its client gave it.
    package var run: String?
    /// The step's name.
    package var step: String?
    /// The task's number, or the name that its client gave it.
    package var task: String?

    /// A place.
    package init(_ flow: String, run: String? = nil, step: String? = nil, task: String? = nil) {
        self.flow = flow
        self.run = run
        self.step = step
        self.task = task
    }

    /// The parts that are there, joined by `/`.
    package var path: String { [flow, run, step, task].compactMap(\.self).joined(separator: "/") }

    /// The run that it is in.
    package var wholeRun: FlowPlace { FlowPlace(flow, run: run) }
}

/// A flow, a run, a step or a task, as its client tells of it.
package struct FlowRecord: Sendable, Hashable {
    /// Where it is.
    package let place: FlowPlace
    /// Who made it.
    package let userName: String
    /// Labels that people give it.
    package var tags: [String]
    /// Labels that the client gives it.
    package let systemTags: [String]
    /// When it was made, milliseconds since 1970.
    package let createdAt: Int64
    /// When its client was last heard of, seconds since 1970.
    package var heartbeatAt: Int64?

    /// A record.
    package init(
        place: FlowPlace, userName: String, tags: [String], systemTags: [String], createdAt: Int64,
        heartbeatAt: Int64? = nil
    ) {
        self.place = place
        self.userName = userName
        self.tags = tags
        self.systemTags = systemTags
        self.createdAt = createdAt
        self.heartbeatAt = heartbeatAt
    }

    /// The same at another place.
    package func moved(to place: FlowPlace) -> FlowRecord {
        FlowRecord(
            place: place, userName: userName, tags: tags, systemTags: systemTags, createdAt: createdAt,
            heartbeatAt: heartbeatAt)
    }
}

/// Something that a task of a flow keeps: an artifact, or a datum about it.
package struct FlowItem: Sendable, Hashable {
    /// What kind it is.
    package enum Kind: String, Sendable, Hashable {
        case artifact
        case metadata
    }

    /// Counts up over all items.
    package let id: Int64
    /// The task that it is of.
    package let place: FlowPlace
    /// The name of the artifact, or of the field.
    package let name: String
    /// The attempt that made it.
    package let attempt: Int64
    /// What the client says of it.
    package let body: JSONValue

    /// An item.
    package init(id: Int64, place: FlowPlace, name: String, attempt: Int64, body: JSONValue) {
        self.id = id
        self.place = place
        self.name = name
        self.attempt = attempt
        self.body = body
    }
}
