// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreTestSupport
import Testing

/// The real server, killed at random moments while clients write.
@Suite(.serialized) struct SlowCrashTests {
    @Test("every acknowledged write survives kill -9, and the chain stays intact", .timeLimit(.minutes(60)))
    func kill() async throws {
        let folder = try TemporaryFolder()
        let result = try await Installed.run(
            Installed.python, ["\(Installed.root)/Tests/CrashTests/Scripts/kill.py", Installed.gyre, folder.path, "12"])
        #expect(result.status == 0, "\(result.output.suffix(4000))")
    }

    @Test("a run of a pipeline goes on after a kill at every moment of the engine", .timeLimit(.minutes(60)))
    func pipelineMoments() async throws {
        let folder = try TemporaryFolder()
        let result = try await Installed.run(
            Installed.python,
            ["\(Installed.root)/Tests/CrashTests/Scripts/pipeline_moments.py", Installed.gyre, folder.path])
        #expect(result.status == 0, "\(result.output.suffix(4000))")
    }

    @Test(
        "200 clients at once, three kills: nothing acknowledged is lost, no number is given out twice",
        .timeLimit(.minutes(60)))
    func crowd() async throws {
        let folder = try TemporaryFolder()
        let result = try await Installed.run(
            Installed.python,
            ["\(Installed.root)/Tests/CrashTests/Scripts/mlflow_crowd.py", Installed.gyre, folder.path])
        #expect(result.status == 0, "\(result.output.suffix(4000))")
    }
}
