// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreOIP
import Testing

@Suite struct ConfigurationFileTests {
    @Test(
        "a text that cannot be read is told with its line and what is wrong there",
        arguments: [
            ("name: \"m\"\nmax_batch_size: many\n", "line 2 (\"max_batch_size: many\"): a number was expected"),
            ("name: \"m\"\nbatch: 8\n", "line 2 (\"batch: 8\"): the configuration of a model has no such field"),
            (
                "input [\n  {\n    name: \"x\"\n    data_type: TYPE_FLOAT32\n    dims: [ 1,\n 2 ]\n  }\n]\n",
                "line 4 (\"data_type: TYPE_FLOAT32\"): the field has no such value"
            ),
            (
                "# a { comment\ninput [\n  { name: \"a}\" dims: [ 1 ] },\n  { name: 'b\\'{' dims: }\n]\n",
                "line 4 (\"{ name: 'b\\'{' dims: }\"): a number was expected"
            ),
        ])
    func faults(text: String, why: String) {
        #expect(throws: GyreError.self) { try ConfigurationFile.read(text) }
        do { _ = try ConfigurationFile.read(text) } catch { #expect(error.why == why) }
    }

    @Test("a model that asks for a GPU is told that there is none, before it is loaded")
    func gpu() {
        #expect(throws: GyreError.self) { try ConfigurationFile.read("instance_group [ { kind: KIND_GPU } ]") }
        #expect(throws: Never.self) { try ConfigurationFile.read("instance_group [ { kind: KIND_CPU count: 2 } ]") }
    }

    @Test("a text that ends in the middle is told, though no line is wrong")
    func truncated() {
        do {
            _ = try ConfigurationFile.read("input [\n  {\n    name: \"x\"\n")
            Issue.record("it was taken")
        } catch {
            #expect(error.why?.contains("line") == false)
        }
    }
}
