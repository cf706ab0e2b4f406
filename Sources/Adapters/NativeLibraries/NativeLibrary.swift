// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// A C library that is opened at run time, and where it is looked for.
package struct NativeLibrary: Sendable {
    /// What people call it.
    package let title: String
    /// The file to open.
    package let path: String
    /// A library whose symbols must be there before; nil for none.
    package let companion: String?

    /// Where to look, in this order: the variable, the system's folders, the Python environment that set-up made.
    package struct Search: Sendable {
        /// The folder in which set-up keeps its Python environment.
        package let toolsFolder: String
        /// A path given by hand, by title.
        package let overrides: [String: String]

        /// A search below `toolsFolder`.
        package init(toolsFolder: String, overrides: [String: String]) {
            self.toolsFolder = toolsFolder
            self.overrides = overrides
        }

        var sitePackages: [String] {
            files(in: "\(toolsFolder)/python/lib", startingWith: "python3").map { $0 + "/site-packages" }
        }

        func files(in folder: String, startingWith prefix: String) -> [String] {
            // A folder that is not there holds no library: the next place is tried.
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.filter { $0.hasPrefix(prefix) }.sorted().map { "\(folder)/\($0)" }
        }

        var systemFolders: [String] {
            ["/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"]
        }

        func missing(_ title: String, package: String) -> GyreError {
            GyreError(
                .unavailable, "\(title) was not found.",
                why: "Looked in the system's library folders and below \(toolsFolder)/python.",
                fix: "make setup, or python3 -m pip install \(package) into \(toolsFolder)/python. Then gyre doctor.")
        }
    }

    /// DuckDB: `libduckdb.so`, or the extension module of the Python package, which needs libpython before it.
    package static func duckDB(_ search: Search) throws(GyreError) -> NativeLibrary {
        if let path = search.overrides["DuckDB"] { return NativeLibrary(title: "DuckDB", path: path, companion: nil) }
        for folder in search.systemFolders {
            if let path = search.files(in: folder, startingWith: "libduckdb.so").first {
                return NativeLibrary(title: "DuckDB", path: path, companion: nil)
            }
        }
        for site in search.sitePackages {
            guard let path = search.files(in: site, startingWith: "_duckdb.").first else { continue }
            return NativeLibrary(title: "DuckDB", path: path, companion: try libpython(search))
        }
        throw search.missing("DuckDB", package: "duckdb")
    }

    /// ONNX Runtime: `libonnxruntime.so`, or the one inside the Python package.
    package static func onnxRuntime(_ search: Search) throws(GyreError) -> NativeLibrary {
        if let path = search.overrides["ONNX Runtime"] {
            return NativeLibrary(title: "ONNX Runtime", path: path, companion: nil)
        }
        let folders = search.systemFolders + search.sitePackages.map { $0 + "/onnxruntime/capi" }
        for folder in folders {
            if let path = search.files(in: folder, startingWith: "libonnxruntime.so").first {
                return NativeLibrary(title: "ONNX Runtime", path: path, companion: nil)
            }
        }
        throw search.missing("ONNX Runtime", package: "onnxruntime")
    }

    /// XGBoost: `libxgboost.so`, or the one inside the Python package.
    package static func xgboost(_ search: Search) throws(GyreError) -> NativeLibrary {
        try find("XGBoost", "libxgboost.so", in: "xgboost/lib", package: "xgboost-cpu", search)
    }

    /// LightGBM: `lib_lightgbm.so`, or the one inside the Python package.
    package static func lightGBM(_ search: Search) throws(GyreError) -> NativeLibrary {
        try find("LightGBM", "lib_lightgbm.so", in: "lightgbm/lib", package: "lightgbm", search)
    }

    private static func find(
        _ title: String, _ file: String, in folder: String, package: String, _ search: Search
    ) throws(GyreError) -> NativeLibrary {
        if let path = search.overrides[title] { return NativeLibrary(title: title, path: path, companion: nil) }
        for place in search.systemFolders + search.sitePackages.map({ "\($0)/\(folder)" }) {
            if let path = search.files(in: place, startingWith: file).first {
                return NativeLibrary(title: title, path: path, companion: nil)
            }
        }
        throw search.missing(title, package: package)
    }

    private static func libpython(_ search: Search) throws(GyreError) -> String {
        // The environment's own interpreter tells where its library lies; a distribution keeps it with the system's.
        var folders = search.systemFolders
        let interpreter = URL(fileURLWithPath: search.toolsFolder + "/python/bin/python3").resolvingSymlinksInPath()
        folders.insert(interpreter.deletingLastPathComponent().deletingLastPathComponent().path + "/lib", at: 0)
        for folder in folders {
            if let path = search.files(in: folder, startingWith: "libpython3.11.so.1").first { return path }
        }
        throw GyreError(
            .unavailable, "libpython3.11 was not found, which DuckDB's Python package needs.",
            why: "Looked in \(folders.joined(separator: ", ")).", fix: "apt-get install libpython3.11")
    }
}
