// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
package import GyreBase

/// The words that commands are called by.
package enum CommandWords {
    /// Looks whether the words before the first option name a command.
    /// - Throws: `.invalid`, with the nearest command, for a word that names none.
    package static func check(
        _ arguments: [String], root: any ParsableCommand.Type = GyreCommand.self
    ) throws(GyreError) {
        var command = root
        var path = [name(of: root)]
        var words = arguments[...]
        // `gyre help model list` asks about the commands behind the word.
        if words.first == "help" { words = words.dropFirst() }
        for (place, word) in words.enumerated() {
            let subcommands = command.configuration.subcommands
            if subcommands.isEmpty || word.hasPrefix("-") { return }
            if let next = subcommands.first(where: { name(of: $0) == word }) {
                command = next
                path.append(word)
                continue
            }
            let known = subcommands.map(name)
            let nearest = Nearest.name(to: word, among: known)
            throw GyreError(
                .invalid, "\"\(path.joined(separator: " "))\" has no command \"\(word.prefix(80))\".",
                why: "It has \(known.joined(separator: ", ")).",
                fix: nearest.map { nearest in
                    "Did you mean \((path + [nearest] + words.dropFirst(place + 1)).joined(separator: " ").prefix(200))?"
                } ?? "\(path.joined(separator: " ")) --help")
        }
    }

    /// As the parser makes it: the name that is configured, or that of the type with dashes.
    private static func name(of command: any ParsableCommand.Type) -> String { command._commandName }
}
