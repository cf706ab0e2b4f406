// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTracking

/// Runs and points in MLflow's JSON, written straight into bytes: answers hold tens of thousands of them.
extension JSONWriter {
    /// How much of a run an answer holds.
    enum RunParts {
        /// All of it.
        case whole
        /// Without the models that it used, as MLflow lists runs.
        case listed
        /// Without what it cannot have yet.
        case created
    }

    mutating func run(_ run: Run, _ parts: RunParts = .whole) {
        raw("{\"info\":")
        runInfo(run)
        raw(",\"data\":{")
        var isFirst = true
        metrics(run.metrics, &isFirst)
        pairs("params", run.params, &isFirst)
        pairs("tags", run.tags, &isFirst)
        raw("},\"inputs\":{")
        isFirst = true
        links("dataset_inputs", run, .dataset, &isFirst)
        if parts == .whole { links("model_inputs", run, .modelInput, &isFirst) }
        raw("}")
        if parts != .created {
            raw(",\"outputs\":{")
            isFirst = true
            links("model_outputs", run, .modelOutput, &isFirst)
            raw("}")
        }
        raw("}")
    }

    mutating func runInfo(_ run: Run) {
        raw("{\"run_id\":")
        string(run.id)
        raw(",\"run_uuid\":")
        string(run.id)
        raw(",\"run_name\":")
        string(run.name)
        raw(",\"experiment_id\":\"")
        integer(run.experimentID)
        raw("\",\"user_id\":")
        string(run.userID)
        raw(",\"status\":")
        string(run.status.rawValue)
        raw(",\"start_time\":")
        integer(run.startMilliseconds)
        if let end = run.endMilliseconds {
            raw(",\"end_time\":")
            integer(end)
        }
        raw(",\"artifact_uri\":")
        string(run.artifactURI)
        raw(",\"lifecycle_stage\":")
        raw(run.isDeleted ? "\"deleted\"}" : "\"active\"}")
    }

    /// One point; `runID` where the answer mixes runs.
    mutating func metric(_ point: MetricPoint, runID: String? = nil) {
        raw("{\"key\":")
        string(point.key)
        raw(",\"value\":")
        double(point.value)
        raw(",\"timestamp\":")
        integer(point.timestampMilliseconds)
        raw(",\"step\":")
        integer(point.step)
        if let runID {
            raw(",\"run_id\":")
            string(runID)
        }
        raw("}")
    }

    private mutating func metrics(_ points: [MetricPoint], _ isFirst: inout Bool) {
        guard !points.isEmpty else { return }
        name("metrics", &isFirst)
        list(points) { $0.metric($1) }
    }

    private mutating func pairs(_ member: StaticString, _ pairs: [KeyValue], _ isFirst: inout Bool) {
        guard !pairs.isEmpty else { return }
        name(member, &isFirst)
        list(pairs) { writer, pair in
            writer.raw("{\"key\":")
            writer.string(pair.key)
            writer.raw(",\"value\":")
            writer.string(pair.value)
            writer.raw("}")
        }
    }

    private mutating func links(_ member: StaticString, _ run: Run, _ kind: RunLink.Kind, _ isFirst: inout Bool) {
        let links = run.links.filter { $0.kind == kind }
        guard !links.isEmpty else { return }
        name(member, &isFirst)
        list(links) { $0.value($1.body) }
    }

    private mutating func name(_ member: StaticString, _ isFirst: inout Bool) {
        raw(isFirst ? "\"" : ",\"")
        raw(member)
        raw("\":")
        isFirst = false
    }

    /// A list whose elements `write` writes.
    mutating func list<Element>(_ elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) -> Void) {
        raw("[")
        var isFirst = true
        for element in elements {
            if !isFirst { raw(",") }
            isFirst = false
            write(&self, element)
        }
        raw("]")
    }
}
