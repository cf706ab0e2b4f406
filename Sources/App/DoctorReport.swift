// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase
internal import GyreCompute
internal import GyreExecution
internal import GyreInference
internal import GyreNativeLibraries

/// What is installed, where, in which version, and what to do for each thing missing.
struct DoctorReport: Sendable {
    let settings: Settings
    let home: HomeFolder
    let duckDB: DuckDBEngine
    let onnx: OnnxRuntime
    /// Addresses that others than this machine may reach, where nobody has to sign in.
    let openAddresses: [String]
    /// Whether somebody has to sign in.
    let asksWhoCalls: Bool

    func make() async -> JSONValue {
        var items: [JSONValue] = []
        items.append(
            library("DuckDB") { () throws(GyreError) in
                (try NativeLibrary.duckDB(settings.libraries).path, try duckDB.version())
            })
        items.append(
            library("ONNX Runtime") { () throws(GyreError) in
                (try NativeLibrary.onnxRuntime(settings.libraries).path, try onnx.version())
            })
        items.append(
            library("XGBoost") { () throws(GyreError) in (try NativeLibrary.xgboost(settings.libraries).path, "") })
        items.append(
            library("LightGBM") { () throws(GyreError) in (try NativeLibrary.lightGBM(settings.libraries).path, "") })
        items.append(program("uv", settings.uv, fix: "make setup"))
        items.append(program("Python of the tools", settings.toolsFolder + "/python/bin/python3", fix: "make setup"))
        items.append(sandbox())
        items.append(disk())
        items.append(reach())
        return ["items": .array(items), "home": .string(home.path)]
    }

    private func library(_ name: String, _ look: () throws(GyreError) -> (String, String)) -> JSONValue {
        do {
            let (path, version) = try look()
            return [
                "name": .string(name), "ok": true, "version": .string(version), "path": .string(path), "fix": .null,
            ]
        } catch {
            return [
                "name": .string(name), "ok": false, "version": .null, "path": .null, "fix": .string(error.description),
            ]
        }
    }

    private func sandbox() -> JSONValue {
        func item(_ isFine: Bool, _ version: String, path: String?, fix: String?) -> JSONValue {
            [
                "name": "Sandbox of pipeline tasks", "ok": .bool(isFine), "version": .string(version),
                "path": .optional(path), "fix": .optional(fix),
            ]
        }
        do throws(GyreError) {
            guard try settings.sandbox(hiding: home.path)() != nil else {
                return item(
                    false, "none: tasks see all files of whoever runs the server", path: nil,
                    fix: "apt-get install bubblewrap; GYRE_TASK_SANDBOX=required refuses to start without it.")
            }
            return item(true, "bubblewrap", path: Sandbox.program, fix: nil)
        } catch {
            return item(false, "", path: nil, fix: error.description)
        }
    }

    private func program(_ name: String, _ path: String, fix: String) -> JSONValue {
        let isThere = unsafe access(path, X_OK) == 0
        return [
            "name": .string(name), "ok": .bool(isThere), "version": .null, "path": .string(path),
            "fix": isThere ? .null : .string(fix),
        ]
    }

    private func reach() -> JSONValue {
        let isOpen = !openAddresses.isEmpty
        return [
            "name": "access", "ok": .bool(!isOpen),
            "version": .string(isOpen ? "no authentication" : asksWhoCalls ? "asks who calls" : "this machine only"),
            "path": isOpen ? .string(openAddresses.joined(separator: ", ")) : .null,
            "fix": isOpen
                ? "Whoever reaches this address may do anything: start with gyre up --auth."
                : .null,
        ]
    }

    private func disk() -> JSONValue {
        // Without an answer of the system the item tells that.
        let free =
            (try? FileManager.default.attributesOfFileSystem(forPath: home.path))?[.systemFreeSize] as? Int64 ?? 0
        let isEnough = free > 1 << 30
        return [
            "name": "disk of the home folder", "ok": .bool(isEnough), "version": .string("\(free >> 20) MiB free"),
            "path": .string(home.path),
            "fix": isEnough ? .null : "Free at least 1 GiB.",
        ]
    }
}
