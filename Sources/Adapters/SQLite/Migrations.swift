// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase

/// Every schema the database has ever had, oldest first.
///
/// Add at the end; never edit what has shipped.
enum Migrations {
    /// Brings the database to the newest schema.
    static func run(on pool: DatabasePool, path: String) throws {
        var migrator = DatabaseMigrator()
        migration0001Ledger(&migrator)
        migration0002Tracking(&migrator)
        migration0003Online(&migrator)
        migration0004Search(&migrator)
        migration0005Traces(&migrator)
        migration0006Cursors(&migrator)
        PipelineMigration.register(&migrator)
        SQLiteFlowStore.register(&migrator)
        PipelineMigration.registerNamespaces(&migrator)
        SQLiteObjectNameStore.register(&migrator)
        let known = migrator.migrations
        let unknown = try pool.read { db in
            try db.tableExists("grdb_migrations")
                ? try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations").filter { !known.contains($0) }
                : []
        }
        if let newest = unknown.max() {
            throw GyreError(
                .unsupported, "The database \(path) was written by a newer Gyre.",
                why: "It has the schema \"\(newest)\"; this version knows up to \"\(known.last ?? "none")\".",
                fix: "Use the newer version, or another --home.")
        }
        try migrator.migrate(pool)
    }

    private static func migration0001Ledger(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0001-ledger") { db in
            try db.execute(
                sql: """
                    CREATE TABLE ledger (
                        seq       INTEGER PRIMARY KEY,
                        at_us     INTEGER NOT NULL,
                        actor     TEXT    NOT NULL,
                        kind      TEXT    NOT NULL,
                        subject   TEXT    NOT NULL,
                        inputs    TEXT    NOT NULL,
                        outputs   TEXT    NOT NULL,
                        body      TEXT    NOT NULL,
                        prev_hash BLOB    NOT NULL CHECK (length(prev_hash) = 32),
                        hash      BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32)
                    ) STRICT;
                    CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
                    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
                    CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
                    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
                    CREATE TABLE fact_ref (
                        ref TEXT    NOT NULL,
                        seq INTEGER NOT NULL,
                        PRIMARY KEY (ref, seq)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE document (
                        kind TEXT NOT NULL,
                        key  TEXT NOT NULL,
                        body TEXT NOT NULL,
                        PRIMARY KEY (kind, key)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE pointer (
                        name  TEXT NOT NULL PRIMARY KEY,
                        value TEXT NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
    }

    private static func migration0002Tracking(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0002-tracking") { db in
            try db.execute(sql: experimentsAndRuns0002)
            try db.execute(sql: runData0002)
        }
    }

    private static let experimentsAndRuns0002 = """
        CREATE TABLE experiment (
            experiment_id     INTEGER PRIMARY KEY AUTOINCREMENT,
            name              TEXT    NOT NULL UNIQUE,
            artifact_location TEXT    NOT NULL,
            is_deleted        INTEGER NOT NULL DEFAULT 0,
            created_ms        INTEGER NOT NULL,
            updated_ms        INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE experiment_tag (
            experiment_id INTEGER NOT NULL REFERENCES experiment,
            key           TEXT    NOT NULL,
            value         TEXT    NOT NULL,
            PRIMARY KEY (experiment_id, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE run (
            row           INTEGER PRIMARY KEY,
            run_id        TEXT    NOT NULL UNIQUE,
            experiment_id INTEGER NOT NULL REFERENCES experiment,
            name          TEXT    NOT NULL,
            user_id       TEXT    NOT NULL,
            status        TEXT    NOT NULL,
            start_ms      INTEGER NOT NULL,
            end_ms        INTEGER,
            is_deleted    INTEGER NOT NULL DEFAULT 0,
            artifact_uri  TEXT    NOT NULL
        ) STRICT;
        CREATE INDEX run_by_start ON run (experiment_id, is_deleted, start_ms DESC, run_id);
        """

    private static let runData0002 = """
        CREATE TABLE metric (
            run          INTEGER NOT NULL REFERENCES run,
            key          TEXT    NOT NULL,
            step         INTEGER NOT NULL,
            timestamp_ms INTEGER NOT NULL,
            value        REAL    NOT NULL,
            is_nan       INTEGER NOT NULL,
            model_id     TEXT,
            PRIMARY KEY (run, key, step, timestamp_ms, value, is_nan)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE latest_metric (
            run          INTEGER NOT NULL REFERENCES run,
            key          TEXT    NOT NULL,
            step         INTEGER NOT NULL,
            timestamp_ms INTEGER NOT NULL,
            value        REAL    NOT NULL,
            is_nan       INTEGER NOT NULL,
            model_id     TEXT,
            PRIMARY KEY (run, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE param (
            run   INTEGER NOT NULL REFERENCES run,
            key   TEXT    NOT NULL,
            value TEXT    NOT NULL,
            PRIMARY KEY (run, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE run_tag (
            run   INTEGER NOT NULL REFERENCES run,
            key   TEXT    NOT NULL,
            value TEXT    NOT NULL,
            PRIMARY KEY (run, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE run_link (
            run  INTEGER NOT NULL REFERENCES run,
            kind TEXT    NOT NULL CHECK (kind IN ('dataset', 'model_input', 'model_output')),
            key  TEXT    NOT NULL,
            body TEXT    NOT NULL,
            PRIMARY KEY (run, kind, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE artifact (
            path       TEXT    NOT NULL PRIMARY KEY,
            digest     BLOB    NOT NULL CHECK (length(digest) = 32),
            size_bytes INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """

    private static func migration0003Online(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0003-online") { db in
            try db.execute(
                sql: """
                    CREATE TABLE online_row (
                        view       TEXT    NOT NULL,
                        generation INTEGER NOT NULL,
                        entity     TEXT    NOT NULL,
                        event_us   INTEGER NOT NULL,
                        body       TEXT    NOT NULL,
                        PRIMARY KEY (view, generation, entity)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
    }

    private static func migration0004Search(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0004-search") { db in
            try db.execute(
                sql: """
                    CREATE INDEX latest_metric_by_value ON latest_metric (key, is_nan, value, run);
                    CREATE INDEX param_by_value ON param (key, substr(value, 1, 64), run);
                    CREATE INDEX run_tag_by_value ON run_tag (key, substr(value, 1, 64), run);
                    CREATE TABLE model_metric (
                        model_id       TEXT    NOT NULL,
                        key            TEXT    NOT NULL,
                        dataset_name   TEXT    NOT NULL,
                        dataset_digest TEXT    NOT NULL,
                        run            INTEGER NOT NULL REFERENCES run,
                        step           INTEGER NOT NULL,
                        timestamp_ms   INTEGER NOT NULL,
                        value          REAL    NOT NULL,
                        is_nan         INTEGER NOT NULL,
                        PRIMARY KEY (model_id, key, dataset_name, dataset_digest, run, step, timestamp_ms)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE metric_by_time (
                        run          INTEGER NOT NULL REFERENCES run,
                        key          TEXT    NOT NULL,
                        timestamp_ms INTEGER NOT NULL,
                        step         INTEGER NOT NULL,
                        value        REAL    NOT NULL,
                        is_nan       INTEGER NOT NULL,
                        model_id     TEXT,
                        PRIMARY KEY (run, key, timestamp_ms, step, value, is_nan)
                    ) STRICT, WITHOUT ROWID;
                    INSERT INTO metric_by_time
                        SELECT run, key, timestamp_ms, step, value, is_nan, model_id FROM metric;
                    DROP TABLE metric;
                    ALTER TABLE metric_by_time RENAME TO metric;
                    CREATE INDEX run_by_time ON run (is_deleted, start_ms DESC, run_id);
                    ALTER TABLE run ADD COLUMN deleted_ms INTEGER;
                    UPDATE run SET deleted_ms = coalesce(end_ms, start_ms) WHERE is_deleted = 1;
                    INSERT INTO model_metric
                        SELECT model_id, key, '', '', run, step, timestamp_ms, value, is_nan FROM metric
                        WHERE model_id IS NOT NULL GROUP BY model_id, key, run, step, timestamp_ms;
                    """)
        }
    }

    private static func migration0006Cursors(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0006-cursors") { db in
            try db.execute(
                sql: """
                    CREATE TABLE ledger_cursor (
                        name TEXT    NOT NULL PRIMARY KEY,
                        seq  INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
    }

    private static func migration0005Traces(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0005-traces") { db in
            try db.execute(sql: traces0005)
            try db.execute(sql: traceParts0005)
        }
    }

    private static let traces0005 = """
        CREATE TABLE trace (
            row               INTEGER PRIMARY KEY,
            trace_id          TEXT    NOT NULL UNIQUE,
            experiment_id     INTEGER NOT NULL REFERENCES experiment,
            request_ms        INTEGER NOT NULL,
            duration_ms       INTEGER,
            state             TEXT    NOT NULL,
            client_request_id TEXT,
            request_preview   TEXT,
            response_preview  TEXT
        ) STRICT;
        CREATE INDEX trace_by_time ON trace (experiment_id, request_ms DESC, trace_id);
        CREATE TABLE trace_tag (
            trace INTEGER NOT NULL REFERENCES trace ON DELETE CASCADE,
            key   TEXT    NOT NULL,
            value TEXT    NOT NULL,
            PRIMARY KEY (trace, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX trace_tag_by_value ON trace_tag (key, substr(value, 1, 64), trace);
        CREATE TABLE trace_metadata (
            trace INTEGER NOT NULL REFERENCES trace ON DELETE CASCADE,
            key   TEXT    NOT NULL,
            value TEXT    NOT NULL,
            PRIMARY KEY (trace, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX trace_metadata_by_value ON trace_metadata (key, substr(value, 1, 64), trace);
        """

    private static let traceParts0005 = """
        CREATE TABLE span (
            trace       INTEGER NOT NULL REFERENCES trace ON DELETE CASCADE,
            span_id     TEXT    NOT NULL,
            parent_id   TEXT,
            name        TEXT    NOT NULL,
            type        TEXT    NOT NULL,
            status      TEXT    NOT NULL,
            start_ns    INTEGER NOT NULL,
            end_ns      INTEGER NOT NULL,
            token_usage TEXT,
            cost        TEXT,
            content     TEXT    NOT NULL,
            PRIMARY KEY (trace, span_id)
        ) STRICT;
        CREATE TABLE assessment (
            trace         INTEGER NOT NULL REFERENCES trace ON DELETE CASCADE,
            assessment_id TEXT    NOT NULL,
            place         INTEGER NOT NULL,
            name          TEXT    NOT NULL,
            kind          TEXT    NOT NULL CHECK (kind IN ('feedback', 'expectation', 'issue')),
            value         TEXT    NOT NULL,
            number        REAL,
            is_valid      INTEGER NOT NULL,
            session       TEXT,
            body          TEXT    NOT NULL,
            PRIMARY KEY (trace, assessment_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE trace_run (
            run_id   TEXT NOT NULL,
            trace_id TEXT NOT NULL,
            PRIMARY KEY (run_id, trace_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE trace_prompt (
            prompt   TEXT NOT NULL,
            trace_id TEXT NOT NULL,
            PRIMARY KEY (prompt, trace_id)
        ) STRICT, WITHOUT ROWID;
        """
}
