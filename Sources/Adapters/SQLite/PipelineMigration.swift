// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// Runs of pipelines and their tasks get tables of their own; before, they were documents.
enum PipelineMigration {
    static func register(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0007-pipelines") { db in
            try db.execute(sql: tables)
            try db.execute(sql: moves)
        }
    }

    /// Names that are the only ones of their kind, in namespaces.
    static func registerNamespaces(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0009-namespaces") { db in
            try db.execute(
                sql: """
                    ALTER TABLE pipeline_run ADD COLUMN namespace TEXT NOT NULL DEFAULT '';
                    CREATE UNIQUE INDEX pipeline_run_in_namespace ON pipeline_run (namespace, name) WHERE namespace <> '';
                    CREATE INDEX pipeline_run_by_namespace ON pipeline_run (namespace, started_at, row) WHERE namespace <> '';
                    """)
        }
    }

    private static let tables = """
        CREATE TABLE pipeline_run (
            row         INTEGER PRIMARY KEY,
            id          TEXT    NOT NULL UNIQUE,
            name        TEXT    NOT NULL,
            pipeline    TEXT    NOT NULL,
            experiment  TEXT    NOT NULL,
            schedule    TEXT    NOT NULL,
            state       TEXT    NOT NULL,
            is_archived INTEGER NOT NULL,
            is_told     INTEGER NOT NULL,
            started_at  INTEGER NOT NULL,
            ended_at    INTEGER NOT NULL,
            body        TEXT    NOT NULL
        ) STRICT;
        CREATE INDEX pipeline_run_by_time ON pipeline_run (started_at, row);
        CREATE INDEX pipeline_run_by_name ON pipeline_run (name, row);
        CREATE INDEX pipeline_run_by_pipeline ON pipeline_run (pipeline, started_at, row);
        CREATE INDEX pipeline_run_by_experiment ON pipeline_run (experiment, started_at, row);
        CREATE INDEX pipeline_run_by_schedule ON pipeline_run (schedule, started_at, row);
        CREATE INDEX pipeline_run_by_state ON pipeline_run (state, started_at, row);
        -- What lists are narrowed by, without the bodies: they are counted here.
        CREATE INDEX pipeline_run_counted ON pipeline_run (is_archived, state, pipeline, experiment, schedule, name, id,
            started_at, ended_at);
        CREATE INDEX pipeline_run_untold ON pipeline_run (ended_at) WHERE is_told = 0;
        CREATE TABLE pipeline_task (
            run  TEXT NOT NULL,
            path TEXT NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (run, path)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE pipeline_event (
            run  TEXT    NOT NULL,
            seq  INTEGER NOT NULL,
            body TEXT    NOT NULL,
            PRIMARY KEY (run, seq)
        ) STRICT, WITHOUT ROWID;
        """

    /// A run that had not ended has no events; it begins anew with what its tasks gave.
    private static let moves = """
        INSERT INTO pipeline_run (id, name, pipeline, experiment, schedule, state, is_archived, is_told, started_at,
            ended_at, body)
        SELECT key, substr(json_extract(body, '$.pipeline'), 10, instr(json_extract(body, '$.pipeline'), '@') - 10),
            substr(json_extract(body, '$.pipeline'), 10, instr(json_extract(body, '$.pipeline'), '@') - 10), '', '',
            json_extract(body, '$.state'), 0,
            NOT EXISTS (SELECT 1 FROM document u WHERE u.kind = 'pipeline-run-untold' AND u.key = d.key),
            json_extract(body, '$.started_at'), coalesce(json_extract(body, '$.ended_at'), 0),
            json_set(body, '$.reopenings', 1)
        FROM document d WHERE kind = 'pipeline-run' ORDER BY json_extract(body, '$.started_at');
        INSERT INTO pipeline_task (run, path, body)
        SELECT json_extract(body, '$.run'), json_extract(body, '$.path'), body
        FROM document WHERE kind = 'pipeline-task';
        DELETE FROM document WHERE kind IN ('pipeline-run', 'pipeline-task', 'pipeline-run-untold');
        """
}
