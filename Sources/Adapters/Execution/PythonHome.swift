// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Where the Python of an environment lies: the environment, and what it was made from.
enum PythonHome {
    /// The folders that must be seen for the programs of `bin` to run.
    static func folders(of bin: String) -> [String] {
        let environment = String(bin.dropLast("/bin".count))
        var folders = [environment]
        // An environment without the file is no environment of Python's, and needs nothing else.
        let text = (try? String(contentsOfFile: environment + "/pyvenv.cfg", encoding: .utf8)) ?? ""
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("home") {
            guard let sign = line.firstIndex(of: "=") else { continue }
            let home = line[line.index(after: sign)...].trimmingCharacters(in: .whitespaces)
            let base = URL(fileURLWithPath: home).deletingLastPathComponent()
            folders += [base.path, base.resolvingSymlinksInPath().path]
        }
        return Array(Set(folders)).sorted().filter { $0 != "/" && $0 != "/usr" }
    }
}
