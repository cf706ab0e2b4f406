// SPDX-License-Identifier: Apache-2.0

import Testing

/// Who may know whom.
@Suite struct LayeringTests {
    /// Height of a layer: an import may only point to a lower one, or to a kit.
    private static func height(_ path: String) -> Int? {
        let parts = path.split(separator: "/").map(String.init)
        switch parts[1] {
        case "Core": return parts[2] == "Base" ? 0 : 1
        case "Kits": return 1
        case "Areas": return 2
        case "Joints": return parts[2] == "Delivery" ? 3 : 4
        case "Surfaces": return parts[2] == "API" ? 5 : 6
        case "Dialects": return 6
        case "Adapters": return 7
        case "App": return 8
        default: return nil
        }
    }

    /// The folder of each of our modules.
    private static func modules() throws -> [String: String] {
        var found: [String: String] = [:]
        for file in try SourceFile.all(below: "Sources") {
            let parts = file.path.split(separator: "/").map(String.init)
            let isFlat = parts[1] == "App"
            found["Gyre" + (isFlat ? parts[1] : parts[2])] = file.path
        }
        return found
    }

    @Test("imports point down, areas do not know each other, and adapters are known to App alone")
    func layering() throws {
        let modules = try Self.modules()
        var wrong: [String] = []
        for file in try SourceFile.all(below: "Sources") {
            guard let own = Self.height(file.path) else { continue }
            for name in file.imports {
                guard let target = modules[name], let height = Self.height(target) else { continue }
                let isSibling = file.path.split(separator: "/").prefix(3) == target.split(separator: "/").prefix(3)
                let isArea = own == 2 && height == 2 && !isSibling
                let isJoint = own == 4 && height == 4 && !isSibling
                let isDialect = own == 6 && height == 6 && !isSibling
                let isUp = height > own
                let isAdapter = height == 7 && own == 7 && !isSibling && !name.hasSuffix("NativeLibraries")
                let isFromBelow = height == 7 && own < 7
                if isArea || isJoint || isDialect || isUp || isAdapter || isFromBelow {
                    wrong.append("\(file.path) imports \(name)")
                }
            }
        }
        #expect(wrong == [])
    }

    @Test("only adapters import GRDB, DuckDB and ONNX Runtime")
    func engines() throws {
        let engines: Set = ["GRDB", "CDuckDB", "COnnxRuntime"]
        let wrong = try SourceFile.all(below: "Sources").filter { file in
            !file.path.hasPrefix("Sources/Adapters/") && !engines.isDisjoint(with: file.imports)
        }
        #expect(wrong.map(\.path) == [])
    }
}
