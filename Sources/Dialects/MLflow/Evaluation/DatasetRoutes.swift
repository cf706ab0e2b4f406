// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreEvaluation
internal import GyreSearch
internal import GyreTracking

extension MLflowDialect {
    var evaluationRoutes: [CallRoute] {
        [
            .post("/datasets/create", .write, createDataset),
            .post("/datasets/search", .read, searchEvaluationDatasets),
            .get("/datasets/search", .read, searchEvaluationDatasets),
            .post("/datasets/{dataset_id}/records", .write, upsertRecords),
            .get("/datasets/{dataset_id}/records", .read, listRecords),
            .delete("/datasets/{dataset_id}/records", .write, deleteRecords),
            .patch("/datasets/{dataset_id}/tags", .write, setDatasetTags),
            .post("/datasets/{dataset_id}/add-experiments", .write, addExperiments),
            .post("/datasets/{dataset_id}/remove-experiments", .write, removeExperiments),
            .get("/datasets/{dataset_id}/experiment-ids", .read, getDatasetExperiments),
            .get("/datasets/{dataset_id}", .read, getDataset),
            .delete("/datasets/{dataset_id}", .write, deleteDataset),
            .delete("/datasets/{dataset_id}/tags/{key}", .write, deleteDatasetTag),
        ]
    }

    private func getDatasetExperiments(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let dataset = try await evaluationDatasets.dataset(try arguments.text("dataset_id"))
        return dataset.experimentIDs.isEmpty ? [:] : ["experiment_ids": .strings(dataset.experimentIDs)]
    }

    private func getDataset(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let dataset = try await evaluationDatasets.dataset(try arguments.text("dataset_id"))
        return ["dataset": Self.message(dataset)]
    }

    private func deleteDataset(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await evaluationDatasets.delete(try arguments.text("dataset_id"), by: arguments.actor)
        return [:]
    }

    private func deleteDatasetTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let key = try arguments.text("key")
        let id = try arguments.text("dataset_id")
        // A dataset that is gone has no tag to remove.
        guard try await evaluationDatasets.exists(id) else { return [:] }
        _ = try await evaluationDatasets.update(
            id, recording: "evaluation.dataset.untagged", touches: false, by: arguments.actor
        ) {
            $0.tags[key] = nil
        }
        return [:]
    }

    // MARK: Datasets

    private static func message(_ dataset: EvaluationDataset, withExperiments: Bool = false) -> JSONValue {
        var writer = JSONWriter(separators: .spaced)
        writer.value(.object(JSONObject(dataset.tags.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })))
        var json: JSONValue = [
            "dataset_id": .string(dataset.id), "name": .string(dataset.name),
            "tags": .string(String(decoding: writer.bytes, as: UTF8.self)),
        ]
        if !dataset.schema.isNull { json["schema"] = .string(dataset.schema.text) }
        if dataset.recordCount > 0 { json["profile"] = .string("{\"num_records\": \(dataset.recordCount)}") }
        json["digest"] = .string(dataset.digest)
        json["created_time"] = .int(dataset.createdMilliseconds)
        json["last_update_time"] = .int(dataset.updatedMilliseconds)
        if let user = dataset.createdBy { json["created_by"] = .string(user) }
        if let user = dataset.updatedBy { json["last_updated_by"] = .string(user) }
        if withExperiments, !dataset.experimentIDs.isEmpty { json["experiment_ids"] = .strings(dataset.experimentIDs) }
        return json
    }

    private func createDataset(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let dataset = try await evaluationDatasets.create(
            try arguments.text("name"), experimentIDs: try arguments.texts("experiment_ids"),
            tags: try Self.packedTags(arguments).compactMapValues { $0 }, by: arguments.actor)
        return ["dataset": Self.message(dataset, withExperiments: true)]
    }

    /// Tags as this API has them: JSON inside of text; null values stand for nothing.
    private static func packedTags(_ arguments: Arguments) throws(GyreError) -> [String: String?] {
        guard let text = try arguments.optionalText("tags"), !text.isEmpty else { return [:] }
        guard let object = try packed(text, "tags").object else {
            throw .invalidParameter("tags", text, "it is no JSON object.")
        }
        var tags: [String: String?] = [:]
        for member in object.members {
            tags[member.name] = member.value.isNull ? .some(nil) : member.value.string ?? member.value.text
        }
        return tags
    }

    private static func packed(_ text: String, _ name: String) throws(GyreError) -> JSONValue {
        do { return try JSONValue(parsing: text) } catch {
            throw GyreError(
                .invalid, "Invalid value \(text.prefix(100)) for parameter '\(name)' supplied: it is no JSON.",
                why: error.why)
        }
    }

    private func searchEvaluationDatasets(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var text = try arguments.optionalText("filter_string")
        if text == nil { text = try arguments.optionalText("filter") }
        let filter = try SearchRules.datasets.filter(text)
        let orders = try SearchRules.datasets.orders(arguments)
        let lookUp: (Filter.Key, EvaluationDataset) throws(GyreError) -> JSONValue? = { key, dataset in
            if key.entity != nil { return dataset.tags[key.name].map { .string($0) } }
            switch key.name {
            case "name": return .string(dataset.name)
            case "created_by": return dataset.createdBy.map { .string($0) }
            case "last_updated_by": return dataset.updatedBy.map { .string($0) }
            case "created_time": return .int(dataset.createdMilliseconds)
            default: return .int(dataset.updatedMilliseconds)
            }
        }
        let all = try await evaluationDatasets.datasets(in: try arguments.texts("experiment_ids"))
        let sorted = try Search.sort(try Search.select(all, filter, lookUp), by: orders, lookUp)
        return try Page.of(sorted.map { Self.message($0) }, as: "datasets", arguments, default: 1000, maximum: 50_000)
    }

    private func setDatasetTags(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let tags = try Self.packedTags(arguments).compactMapValues { $0 }
        _ = try await evaluationDatasets.update(
            try arguments.text("dataset_id"), recording: "evaluation.dataset.tagged", touches: false,
            by: arguments.actor
        ) { $0.tags.merge(tags) { $1 } }
        return [:]
    }

    private func addExperiments(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let ids = try arguments.texts("experiment_ids")
        for id in ids { _ = try await tracking.experiment(id) }
        let dataset = try await evaluationDatasets.update(
            try arguments.text("dataset_id"), recording: "evaluation.dataset.experiments-added", touches: true,
            by: arguments.actor
        ) { dataset in
            dataset.experimentIDs += ids.filter { !dataset.experimentIDs.contains($0) }
        }
        return ["dataset": Self.message(dataset)]
    }

    private func removeExperiments(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let ids = try arguments.texts("experiment_ids")
        let dataset = try await evaluationDatasets.update(
            try arguments.text("dataset_id"), recording: "evaluation.dataset.experiments-removed", touches: true,
            by: arguments.actor
        ) { $0.experimentIDs.removeAll { ids.contains($0) } }
        return ["dataset": Self.message(dataset)]
    }

    // MARK: Records

    private func upsertRecords(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let list = try Self.packed(try arguments.text("records"), "records")
        guard let records = list.array else {
            throw GyreError(.invalid, "Invalid value for parameter 'records' supplied: it is no JSON list.")
        }
        for record in records { try Self.check(record) }
        let counts = try await evaluationDatasets.upsert(
            records.map(Self.settled), into: try arguments.text("dataset_id"), by: arguments.actor)
        return ["inserted_count": .int(Int64(counts.inserted)), "updated_count": .int(Int64(counts.updated))]
    }

    private static func check(_ record: JSONValue) throws(GyreError) {
        guard record.object != nil, record["inputs"].map({ $0.object != nil }) ?? true else {
            throw GyreError(
                .invalid, "Invalid record: \(record.text.prefix(100))", why: "A record has an object as its inputs.")
        }
        let types = ["UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE"]
        if let source = record["source"], !source.isNull, let type = source["source_type"]?.string,
            !types.contains(type.uppercased())
        {
            throw GyreError(
                .invalid, "Invalid dataset record source type: \(type.prefix(40)). Valid source types: \(types)")
        }
    }

    /// A record with the type of its source in capitals.
    private static func settled(_ record: JSONValue) -> JSONValue {
        guard let type = record["source"]?["source_type"]?.string else { return record }
        var record = record
        record["source"]?["source_type"] = .string(type.uppercased())
        return record
    }

    private func listRecords(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let all = try await evaluationDatasets.records(of: try arguments.text("dataset_id"))
        let limit = try arguments.limit(default: 1000, maximum: 50_000)
        let offset = try arguments.offset()
        let page = all.dropFirst(offset).prefix(limit).map(Self.recordMessage)
        var json: JSONValue = ["records": .string(JSONValue.array(Array(page)).text)]
        if offset + page.count < all.count { json["next_page_token"] = .string(String(offset + page.count)) }
        return json
    }

    private static func recordMessage(_ record: JSONValue) -> JSONValue {
        var json: JSONValue = [:]
        for member in record.object?.members ?? [] where !member.value.isNull && member.name != "place" {
            json[member.name] = member.value
        }
        if let source = record["source"], !source.isNull {
            json["source_type"] = source["source_type"] ?? "UNSPECIFIED"
            let data = source["source_data"]
            if let id = data?["trace_id"] ?? data?["source_id"] { json["source_id"] = id }
        }
        return json
    }

    private func deleteRecords(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let count = try await evaluationDatasets.deleteRecords(
            try arguments.texts("dataset_record_ids"), of: try arguments.text("dataset_id"), by: arguments.actor)
        return ["deleted_count": .int(Int64(count))]
    }
}
