// SPDX-License-Identifier: Apache-2.0

import GyreAccess
import GyreBase
import Testing

/// Permissions, needs and callers.
@Suite struct AccessTests {
    @Test("permissions have words, and roles hold more and more of them")
    func permissions() {
        for name in Permissions.allNames { #expect(Permissions(name: name)?.names == [name]) }
        #expect(Permissions(name: "fly") == nil && Permissions.all.names == Permissions.allNames)
        #expect(Role.writer.permissions.isSuperset(of: Role.reader.permissions))
        #expect(!Role.operator.permissions.contains(.runCode) && !Role.runner.permissions.contains(.operate))
        #expect(Role.administrator.permissions == .workspace && !Permissions.workspace.contains(.manage))
        #expect(Role.predictor < Role.administrator)
    }

    @Test("things are written kind/name, with any name")
    func things() {
        #expect(Thing("model/a/b")?.name == "a/b" && Thing("feature-view/x")?.kind == .featureView)
        for text in ["model", "model/", "planet/x", "", "/x"] { #expect(Thing(text) == nil) }
    }

    @Test("needs are told in words: with what they are about, what else, and what may have to be approved")
    func needs() {
        #expect(Need.nothing.text == "nothing" && Need.signedIn.text == "signed in" && Need.read.text == "read")
        #expect(Need.write(.run, "run_id").text == "write on the run of `run_id`")
        #expect(Need.list(.model).text == "read, lists what may be seen of models")
        #expect(
            Need.operate(.endpoint, "name").and(.read).asking("deploy", .endpoint, "name").text
                == "operate on the endpoint of `name`; read; may wait for approval (deploy)")
    }

    @Test("a proved name takes the place of what is claimed; strangers and claims never pass for more")
    func actors() {
        #expect(Caller(.known("user/ann"), .nothing).actor(told: "bob", surface: "api") == "user/ann")
        #expect(
            Caller.inside.actor(told: "bob", surface: "api") == "bob"
                && Caller.inside.actor(told: nil, surface: "api") == "api")
        #expect(Caller.inside.actor(told: "user/ann", surface: "api") == "claimed/user/ann")
        #expect(Caller(.open(isMarked: true), .everything).actor(told: "bob", surface: "api") == "claimed/bob")
        #expect(Caller.stranger.actor(told: "bob", surface: "api") == "stranger")
        var known = Caller(.known("user/ann"), .nothing)
        #expect(known.details == nil && Caller.inside.details == nil)
        known.token = "laptop"
        #expect(known.details?["token"]?.string == "laptop")
    }

    @Test("what code of others gets of the environment is a short list")
    func environment() {
        let all = [
            "PATH": "/bin", "HOME": "/h", "AWS_SECRET_ACCESS_KEY": "s", "LC_ALL": "C", "PIP_INDEX_URL": "https://u:p@x",
            "DATABASE_URL": "s", "GYRE_TOKEN": "s", "MINE": "m", "GYRE_TASK_VARIABLES": "MINE, OTHER",
        ]
        #expect(ChildEnvironment.kept(of: all).keys.sorted() == ["HOME", "LC_ALL", "MINE", "PATH"])
        #expect(ChildEnvironment.kept(of: all, forInstaller: true).keys.contains("PIP_INDEX_URL"))
    }
}
