// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreDelivery
import GyreLedger
import GyreServing
import GyreTables
import GyreTestSupport
import GyreVersioning
import Testing

@testable import GyreLoop

@Suite struct BatchPredictorTests {
    private func batches(_ world: LoopWorld) -> BatchPredictor {
        BatchPredictor(
            blobs: world.delivery.disk.blobs, tables: LoopWorld.engine, versioning: world.versioning,
            files: world.delivery.files, host: world.delivery.host)
    }

    private func dataset(_ csv: String, _ world: LoopWorld) async throws -> DatasetVersion {
        let blob = try await world.delivery.disk.blobs.put(Array(csv.utf8))
        let tree = try Tree([Tree.Entry(path: try RelativePath("rows.csv"), blob: blob)])
        return try await world.versioning.add(try Name("rows", of: "dataset"), tree, message: "", by: "ann").version
    }

    /// The rows of a dataset version, as texts.
    private func rows(_ version: DatasetVersion, _ world: LoopWorld) async throws -> [[String]] {
        let reader = try TableFile.reader(try await world.delivery.disk.blobs.tableFiles(of: version.tree))
        return try await LoopWorld.engine.open().run("SELECT * FROM \(reader)").rows.map {
            $0.map { $0.string ?? $0.text }
        }
    }

    @Test(
        "each row has what the model says of it beside it, in order, in as many parts as there are",
        arguments: [1, 30_000])
    func all(count: Int) async throws {
        let world = try LoopWorld()
        let model = try await world.delivery.register("scale 2")
        let csv = "x\n" + (0..<count).map { "\(Double($0) / 4)" }.joined(separator: "\n") + "\n"
        let input = try await dataset(csv, world)
        let request = BatchPredictor.Request(model: model, input: input)
        let outcome = try await batches(world).predict(request, by: "ann")
        #expect(outcome.rows == Int64(count))
        let found = try await rows(outcome.version, world)
        #expect(found.count == count)
        for (index, row) in found.enumerated() {
            #expect(Double(row[0]) == Double(index) / 4)
            #expect(Double(row[1]) == Double(index) / 2)
        }
        #expect(outcome.version.madeFrom.contains(model.ref) && outcome.version.madeFrom.contains(input.ref))
        // The same once more is the same version.
        #expect(try await batches(world).predict(request, by: "ann").version.id == outcome.version.id)
        #expect(world.delivery.host.models().isEmpty, "what was loaded for it has left")
    }

    @Test("rows that do not fit, and none at all, are refused, and nothing is a version")
    func refused() async throws {
        let world = try LoopWorld()
        let model = try await world.delivery.register("scale 2")
        for csv in ["x,other\n1,a\n", "x\n", "x\nred\n"] {
            let request = BatchPredictor.Request(model: model, input: try await dataset(csv, world))
            await #expect(throws: GyreError.self, "\(csv)") { try await batches(world).predict(request, by: "ann") }
        }
        let broken = try await world.delivery.register("fail")
        let request = BatchPredictor.Request(model: broken, input: try await dataset("x\n1\n", world))
        await #expect(throws: GyreError.self) { try await batches(world).predict(request, by: "ann") }
        #expect(try await world.versioning.log("rows-predictions").isEmpty)
    }
}

@Suite struct BatchRowsTests {
    private static let columns = [
        TableColumn(name: "a", values: .numbers([1.5, .nan])),
        TableColumn(name: "b", values: .integers([7, 0], missing: [false, true])),
        TableColumn(name: "c", values: .integers([1, 2], missing: nil)),
        TableColumn(name: "t", values: .texts([Array("x".utf8), nil])),
        TableColumn(name: "f", values: .truths([1, 0], missing: nil)),
    ]

    private func made(_ specs: [TensorSpec], _ columns: [TableColumn], features: [String] = []) throws -> [NamedTensor]
    {
        try BatchRows(columns).tensors(for: InputForm("m", specs, features: features))
    }

    @Test("columns of numbers become one matrix, a missing number NaN, in the order of the model's columns")
    func matrix() throws {
        for datatype in [Tensor.Datatype.fp32, .fp64] {
            let spec = TensorSpec(name: "x", datatype: datatype, shape: [-1, 3])
            let tensor = try made([spec], Array(Self.columns.prefix(3)), features: ["c", "a", "b"])[0].tensor
            #expect(tensor.shape == [2, 3] && tensor.datatype == datatype)
            #expect((0..<6).map { tensor.number(at: $0) ?? .nan }.map { $0.isNaN ? -1 : $0 } == [1, 1.5, 7, 2, -1, -1])
        }
    }

    @Test("each column becomes the input of its name and type; what does not fit as it lies is read value by value")
    func inputs() throws {
        let specs = [
            TensorSpec(name: "c", datatype: .int64, shape: [-1]),
            TensorSpec(name: "f", datatype: .bool, shape: [-1, 1]),
            TensorSpec(name: "a", datatype: .fp64, shape: [-1]),
            TensorSpec(name: "b", datatype: .fp32, shape: [-1, 1]),
        ]
        let found = try made(specs, Self.columns)
        #expect(
            found.map(\.name) == ["c", "f", "a", "b"] && found.map(\.tensor.shape) == [[2], [2, 1], [2], [2, 1]])
        #expect(found[0].tensor.integer(at: 1) == 2 && found[2].tensor.number(at: 0) == 1.5)
        let small = try made([TensorSpec(name: "c", datatype: .int32, shape: [-1])], [Self.columns[2]])
        #expect(small[0].tensor.datatype == .int32 && small[0].tensor.integer(at: 0) == 1)
        let text = TableColumn(name: "t", values: .texts([Array("x".utf8), Array("y".utf8)]))
        let texts = try made([TensorSpec(name: "t", datatype: .bytes, shape: [-1])], [text])
        #expect(texts[0].tensor.text(at: 1) == "y")
        #expect(throws: GyreError.self) {
            try made([TensorSpec(name: "z", datatype: .fp32, shape: [-1])], Self.columns)
        }
        #expect(throws: GyreError.self) {
            try made([TensorSpec(name: "b", datatype: .int64, shape: [-1])], [Self.columns[1]])
        }
    }

    @Test("a model that reads what clients send gets the rows in MLflow's form, with null for what is missing")
    func document() throws {
        let json = try JSONValue(parsing: BatchRows(Self.columns).bytes)["dataframe_split"]
        #expect(json?["columns"]?.strings == ["a", "b", "c", "t", "f"])
        #expect(json?["data"] == [[1.5, 7, 1, "x", true], [.null, .null, 2, .null, false]])
    }

    @Test("what a model says becomes columns of SQL's types, several values a row a list")
    func outputs() {
        func column(_ datatype: Tensor.Datatype, _ shape: [Int], _ storage: Tensor.Storage) -> TableColumn {
            TableColumn(
                NamedTensor(name: "y", tensor: Tensor(datatype: datatype, shape: shape, storage: storage)), named: "p")
        }
        #expect(column(.fp32, [2], .floats([1, 2])).values == .numbers([1, 2]))
        #expect(column(.fp32, [2, 2], .floats([1, 2, 3, 4])).type == "DOUBLE[]")
        #expect(column(.int8, [2], .raw([1, 255])).values == .integers([1, -1], missing: nil))
        #expect(column(.bool, [2], .raw([1, 0])).type == "BOOLEAN")
        #expect(column(.bytes, [1], .texts([[65]])).values == .texts([[65]]))
        #expect(column(.bytes, [1], .texts([[65]])).type == "VARCHAR" && column(.int8, [1], .raw([1])).type == "BIGINT")
        #expect(column(.fp64, [1], .raw([0, 0, 0, 0, 0, 0, 240, 63])).values == .numbers([1]))
        #expect(column(.fp16, [1], .raw([0, 60])).values == .numbers([1]))
        #expect(column(.uint64, [1], .raw(Array(repeating: 255, count: 8))).values == .numbers([1.8446744073709552e19]))
    }
}
