// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreCLI
import Testing

@Suite struct CommandWordsTests {
    @Test(
        "a mistyped command is refused with the one that was meant",
        arguments: [
            ("modle list", "gyre model list"), ("model lsit", "gyre model list"), ("help edpoint", "gyre endpoint"),
            ("endpoint bandit strat delay", "gyre endpoint bandit start delay"), ("experimnt", "gyre experiment"),
        ])
    func mistyped(line: String, meant: String) {
        let error = #expect(throws: GyreError.self) {
            try CommandWords.check(line.split(separator: " ").map(String.init))
        }
        #expect(error?.code.exitStatus == 64)
        #expect(error?.fix == "Did you mean \(meant)?")
    }

    @Test(
        "what stands behind a command, or behind an option, is no command",
        arguments: [
            "", "--help", "--version", "--generate-completion-script bash", "model show modle", "model --help",
            "data add lsit --name x", "help model list", "run list --filter nonsense", "check suite.json flights",
        ])
    func known(line: String) throws {
        try CommandWords.check(line.split(separator: " ").map(String.init))
    }
}
