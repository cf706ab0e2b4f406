// SPDX-License-Identifier: Apache-2.0

import GyreBase

/// Answers of the API for every page, with names that would be markup.
enum ConsoleAnswers {
    private static let evil: JSONValue = "<script>alert(1)</script> & \"quotes\" <i>"

    private static let run: JSONValue = [
        "id": "r1", "name": evil, "status": "FINISHED", "start_ms": 1_700_000_000_000, "end_ms": 1_700_000_001_000,
        "experiment": "1",
        "params": ["rate": evil, "other": "1"],
        "metrics": ["auc": 0.75, "loss": 3e-7, "a": 1.5, "b": 2.5, "c": 3.5, "d": 4.5],
        "tags": ["gyre.release": "release/m@1", "mlflow.note": evil],
    ]

    private static let fact: JSONValue = [
        "seq": 7, "at": 1_700_000_000_000_000, "actor": evil, "kind": "quality.check.failed", "subject": "run/<i>",
        "body": ["reason": evil, "severity": "critical", "failures": ["<i> is not unique"]],
    ]

    private static let versions: JSONValue = [
        [
            "id": "aaa", "name": "d", "ref": "dataset/d@aaa", "at": 1_700_000_000_000_000, "actor": evil, "files": 1,
            "size_bytes": 4096, "message": evil,
        ],
        [
            "id": "bbb", "name": "d", "ref": "dataset/d@bbb", "at": 1_600_000_000_000_000, "actor": evil, "files": 2,
            "size_bytes": 12, "message": "",
        ],
    ]

    private static let trace: JSONValue = [
        "id": "t1", "name": evil, "state": "ERROR", "experiment": "1", "run_id": "r1",
        "requested_ms": 1_700_000_000_000, "duration_ms": 0,
        "request": evil, "response": evil, "tags": ["<i>": evil], "metadata": ["k": evil],
        "assessments": [
            [
                "name": evil, "kind": "feedback", "value": 0.00003, "valid": true, "source": evil, "rationale": evil,
                "created_ms": 1,
            ],
            ["name": "b", "kind": "feedback", "error": evil, "valid": false],
        ],
        "spans": [
            [
                "id": "a", "name": evil, "type": "CHAIN", "status": "ERROR", "message": evil, "start_ns": 1000,
                "end_ns": 2_000_000_000,
                "attributes": ["mlflow.spanInputs": ["q": evil], "mlflow.spanOutputs": evil, "<i>": evil],
                "events": [["name": evil, "attributes": ["<i>": evil]]],
            ], ["id": "b", "parent_id": "a", "name": "child", "start_ns": 1500, "end_ns": 900_000],
        ],
    ]

    private static let endpoint: JSONValue = [
        "name": evil, "stable": ["version": 1], "canary": ["version": 2], "canary_percent": 5, "mirrored": true,
        "freeze": ["actor": evil, "reason": evil, "until": 1_700_000_000_000_000],
        "rules": [["attribute": evil, "values": [evil], "to": "canary"]],
        "counts": [
            [
                "version": 1, "predictions": 10, "labels": 2, "errors": 0, "latency_us_p50": 12.5,
                "latency_us_p99": 40.25,
            ]
        ],
        "reports": [
            [
                "window": evil, "version": 1, "rows": 100, "performance": ["auc": 0.75, "brier": 0.125],
                "drift": [["column": evil, "psi": 0.25], ["column": "b", "psi": 0.5]],
            ]
        ],
        "rollouts": [
            [
                "id": "x1", "state": "running", "canary": ["version": 2], "last_reason": evil,
                "last_numbers": [
                    "stable": ["requests": 9, "labels": 0], "canary": ["requests": 1, "agreed": 1, "compared": 1],
                ],
            ]
        ],
    ]

    private static let pipeline: JSONValue = [
        "id": "p1", "pipeline": "pipeline/<i>@1", "state": "FAILED", "started_at": 1_700_000_000_000_000, "actor": evil,
        "reason": evil,
        "message": evil, "parameters": ["rate": evil],
        "tasks": [
            ["path": "load/a", "state": "SUCCEEDED", "attempts": 1, "cache_reason": evil, "upstream": []],
            ["path": "train", "state": "FAILED", "attempts": 2, "message": evil, "upstream": ["load"]],
            ["path": "<i>", "state": "RUNNING", "upstream": ["train"]],
        ],
    ]

    private static let logged: JSONValue = [
        "id": "l1", "name": evil, "type": evil, "status": "LOGGED_MODEL_READY", "experiment": "1", "run_id": "r1",
        "artifact_uri": evil,
        "created_ms": 1, "metrics": [["name": evil, "value": 0.1234567, "step": 1, "run_id": "r1", "dataset": evil]],
        "params": ["<i>": evil], "tags": [:],
    ]

    private static let prompt: JSONValue = [
        "name": evil, "versions": 2, "aliases": ["live": 2], "description": evil,
        "texts": [
            ["number": 1, "text": evil, "message": evil, "created_ms": 1],
            ["number": 2, "text": "[{\"role\": \"user\", \"content\": \"<i>\"}]", "type": "chat", "created_ms": 2],
        ],
    ]

    /// By path, without the query.
    static let full: [String: JSONValue] = [
        "/runs": [
            "runs": [
                run,
                ["id": "r2", "name": "two", "status": "RUNNING", "params": ["rate": "1"], "metrics": ["auc": 0.5]],
            ], "next": [7],
        ],
        "/runs/r1": run, "/runs/r1/history": ["points": [["step": 0, "value": 1], ["step": 1, "value": 0.5]]],
        "/experiments": ["experiments": [["id": "1", "name": evil]]],
        "/models": ["models": [["name": evil, "versions": 2, "aliases": ["champion": 2], "description": evil]]],
        "/models/m": [
            "aliases": ["<i>": 1],
            "versions": [["number": 1, "created_ms": 1, "run_id": "r1"], ["number": 2, "created_ms": 2]],
        ],
        "/models/m/versions/1/card": [
            "run": "run/r1@1", "created_ms": 1, "data": ["dataset/d@a", "other"], "purpose": evil, "nothing": [],
            "missing": ["owner", evil],
        ],
        "/endpoints": ["endpoints": [endpoint]], "/endpoints/e": endpoint,
        "/served": [
            "models": [
                [
                    "name": evil, "version": 1, "state": "READY", "platform": evil, "bytes": 5_000_000, "requests": 9,
                    "reason": evil,
                ]
            ]
        ],
        "/inferencegraphs": [
            "items": [
                [
                    "metadata": ["name": evil], "status": ["url": evil],
                    "spec": ["nodes": ["root": ["routerType": "Sequence", "steps": [["serviceName": evil]]]]],
                ]
            ]
        ],
        "/schedules": [
            "schedules": [["id": "s1", "name": evil, "cron": evil, "zone": "UTC", "problem": evil]]
        ],
        "/pipeline-runs": ["runs": [pipeline]], "/pipeline-runs/p1": pipeline, "/pipeline-runs/p1/logs": ["log": evil],
        "/datasets": ["versions": versions], "/datasets/d": ["versions": versions, "accepted": "aaa"],
        "/datasets/d/versions/aaa": [
            "checks": [
                ["success": false, "blocking": true, "ref": "check/<i>", "failures": [evil]],
                ["success": true, "ref": "check/b"],
            ]
        ],
        "/datasets/d/versions/bbb": ["checks": [["success": false, "blocking": false, "ref": "check/c"]]],
        "/lineage": ["nodes": ["run/r1", "dataset/<i>"], "edges": [["input": "dataset/<i>", "output": "run/r1"]]],
        "/ledger": ["facts": [fact]], "/ledger/head": ["seq": 7],
        "/whoami": [
            "name": evil, "workspace": evil, "permissions": ["read", "administer", "manage"],
            "things": ["model/<i>": ["read"]], "workspaces": ["a", "<i>"], "authentication": true,
        ],
        "/accounts": ["accounts": [["name": evil, "kind": "user", "id": 1, "created_at": "now"]]],
        "/groups": ["groups": [["name": evil, "number": 1, "members": [evil]]]],
        "/roles": ["roles": [["principal": evil, "role": "reader", "workspace": "a", "thing": "model/<i>"]]],
        "/tokens": ["tokens": [["id": "t1", "owner": evil, "name": evil, "scope": ["read"], "created_at": "now"]]],
        "/refusals": [
            "refusals": [["at": "now", "code": "denied", "caller": evil, "method": "GET", "path": evil, "what": evil]]
        ],
        "/approvals": [
            "approvals": [
                [
                    "number": 1, "action": "alias", "subject": "model/<i>", "author": evil, "reason": evil,
                    "method": "POST",
                    "target": evil, "body": ["a": evil], "wanted": 2, "state": "waiting", "at": 1,
                    "voices": [["actor": evil, "agrees": true, "reason": evil]],
                ]
            ]
        ],
        "/approval-rules": ["rules": [["action": "alias", "subject": evil, "approvers": 2]]],
        "/traces": ["traces": [trace], "next": [1, "t1"]], "/traces/t1": trace, "/prompts": ["prompts": [prompt]],
        "/prompts/g": prompt,
        "/logged-models": ["logged_models": [logged]], "/logged-models/l1": logged,
    ]
}
