// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// A state as a word with a colour and a sign; the word alone tells it too.
struct Badge: Part {
    /// The state as the server names it: `SUCCEEDED`, `rolled_back`.
    let word: String
    /// How it stands.
    let tone: Tone

    /// A state whose tone follows from its word, unless one is given.
    init(_ word: String, _ tone: Tone? = nil) {
        self.word = word
        self.tone = tone ?? Self.tone(of: word)
    }

    var html: HTML {
        .element(
            "span", [("class", "badge \(tone.rawValue)")], HTML(word.replacing("_", with: " ").lowercased()))
    }

    private static func tone(of word: String) -> Tone {
        switch word.lowercased() {
        case "succeeded", "finished", "promoted", "passed", "intact", "ready", "ok": .good
        case "failed", "contradicted", "rolled_back", "not intact", "killed", "aborted", "error", "upload_failed",
            "unavailable",
            "canceled":
            .bad
        case "running", "paused", "pending", "passed with warnings", "in_progress": .busy
        default: .plain
        }
    }
}
