//! A history of the other scheduler, by the schema that is documented of it, becomes part of ours.

use rusqlite::Connection;

use super::super::{Keys, MIGRATIONS};
use super::*;
use crate::store::TriggersQuery;

const T0: i64 = 1_790_000_000_000;

const SCHEMA: &str = "
CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, instance_id TEXT NOT NULL,
  agent_name TEXT NOT NULL, trigger_type TEXT NOT NULL, trigger_source TEXT, result TEXT NOT NULL,
  exit_code INTEGER, started_at INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
  input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0, cache_read_tokens INTEGER DEFAULT 0,
  cache_write_tokens INTEGER DEFAULT 0, total_tokens INTEGER DEFAULT 0, cost_usd REAL DEFAULT 0,
  turn_count INTEGER DEFAULT 0, error_message TEXT, pre_hook_ms INTEGER, post_hook_ms INTEGER,
  webhook_receipt_id TEXT, trigger_context TEXT, summary TEXT);
CREATE INDEX runs_started ON runs (started_at);
CREATE TABLE webhook_receipts (id TEXT PRIMARY KEY, delivery_id TEXT UNIQUE, source TEXT NOT NULL,
  event_summary TEXT, timestamp INTEGER NOT NULL, headers TEXT, body TEXT,
  matched_agents INTEGER DEFAULT 0, status TEXT, dead_letter_reason TEXT);
CREATE TABLE call_edges (id INTEGER PRIMARY KEY AUTOINCREMENT, caller_agent TEXT, caller_instance TEXT,
  target_agent TEXT, target_instance TEXT, depth INTEGER, started_at INTEGER, duration_ms INTEGER,
  status TEXT);
CREATE TABLE work_queue (id TEXT, agent TEXT, payload TEXT, received_at INTEGER,
  PRIMARY KEY (agent, id));";

const CLEAN: Clean = Clean {
    is_proof: |name| name.eq_ignore_ascii_case("X-Proof"),
    text: |text| text.replace("hush", "[redacted]"),
};

struct Both {
    dir: tempfile::TempDir,
    theirs: Connection,
    ours: Store,
}

impl Both {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // As it is while the other scheduler lives.
        let theirs = Connection::open(dir.path().join("action-llama.db")).unwrap();
        theirs.execute_batch(&format!("PRAGMA journal_mode = WAL; {SCHEMA}")).unwrap();
        let ours = Store::open(dir.path()).unwrap();
        Self { dir, theirs, ours }
    }

    fn filled() -> Self {
        let both = Self::new();
        both.theirs
            .execute_batch(&format!(
                "INSERT INTO runs (instance_id, agent_name, trigger_type, trigger_source, result,
                     exit_code, started_at, duration_ms, input_tokens, output_tokens, cost_usd,
                     turn_count, error_message, webhook_receipt_id, summary)
                 VALUES
                 ('dev-00000001', 'dev', 'webhook', 'github', 'completed', NULL, {T0}, 2000, 100, 20,
                     0.25, 3, NULL, 'r1', 'did it'),
                 ('qa-00000002', 'qa', 'agent', 'dev', 'error', 7, {T0} + 1000, 500, 0, 0, 0, 0,
                     'no route', NULL, NULL),
                 ('dev-00000003', 'dev', 'schedule', NULL, 'rerun', NULL, {T0} - 1000, 10, 0, 0, 0, 0,
                     NULL, NULL, NULL),
                 ('../evil', '../evil', 'manual', NULL, 'completed', NULL, {T0}, 1, 0, 0, 0, 0, NULL,
                     NULL, NULL);
                 INSERT INTO webhook_receipts VALUES
                 ('r1', 'd1', 'github', 'issues opened', {T0}, '{{\"x\":\"y\"}}', '{{\"a\":1}}', 1,
                     'processed', NULL),
                 ('r2', 'd2', 'github', NULL, {T0} + 5, 'nonsense', NULL, 0, 'dead-letter',
                     'validation_failed'),
                 ('r3', NULL, 'sentry', 'x', {T0} + 6, NULL, NULL, 0, 'dead-letter', 'no_match');
                 INSERT INTO call_edges (caller_agent, caller_instance, target_agent, target_instance,
                     depth, started_at, duration_ms, status)
                 VALUES ('dev', 'dev-00000001', 'qa', 'qa-00000002', 1, {T0} + 900, 600, 'error'),
                        ('dev', 'dev-00000001', 'qa', NULL, 1, {T0} + 950, NULL, 'pending');
                 INSERT INTO work_queue VALUES ('w1', 'dev', '{{\"type\":\"schedule\"}}', {T0});"
            ))
            .unwrap();
        both
    }

    fn foreign(&self) -> Foreign {
        Foreign::open(&self.dir.path().join("action-llama.db")).unwrap()
    }

    fn import(&self) -> Result<Imported, StoreError> {
        self.ours.import(&self.foreign(), 7, CLEAN, &mut |_| {})
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        let mut statement = self.ours.conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let cells = (0..columns).map(|at| match row.get::<_, rusqlite::types::Value>(at) {
                Ok(rusqlite::types::Value::Null) => "-".to_owned(),
                Ok(rusqlite::types::Value::Integer(n)) => n.to_string(),
                Ok(rusqlite::types::Value::Text(text)) => text,
                other => format!("{other:?}"),
            });
            Ok(cells.collect::<Vec<_>>().join(" "))
        };
        statement.query_map([], text).unwrap().map(Result::unwrap).collect()
    }
}

const TALLIES: &str = "SELECT hour, who, what, detail, n, ms FROM tallies ORDER BY 1, 2, 3, 4";

#[test]
fn runs_deliveries_and_calls_are_there_in_order_and_counted() {
    let both = Both::filled();
    let stock = both.ours.importable(&both.foreign()).unwrap();
    assert_eq!((stock.runs, stock.receipts, stock.calls), (4, 3, 1));
    let done = both.import().unwrap();
    assert_eq!(done, Imported { runs: 3, receipts: 3, calls: 1, left_out: 1 });
    let sql = "SELECT seq, id, state, kind, started_at - 1790000000000, exit_code, status, receipt,
               caller, depth, wants_rerun FROM runs ORDER BY seq";
    assert_eq!(
        both.rows(sql),
        [
            "1 dev-00000003 succeeded schedule -1000 - -  - 0 1",
            "2 dev-00000001 succeeded webhook 0 - did it r1 - 0 0",
            "3 qa-00000002 failed call 1000 7 no route  dev-00000001 1 0",
        ]
    );
    let sql = "SELECT n, id, outcome, reason, runs FROM receipts ORDER BY n";
    assert_eq!(
        both.rows(sql),
        [
            "1 r1 accepted - [\"dev-00000001\"]",
            "2 r2 refused validation_failed []",
            "3 r3 no_match - []",
        ]
    );
    let counted =
        both.rows(&format!("SELECT * FROM ({TALLIES}) WHERE what <> 'used' AND what <> 'refused'"));
    both.ours
        .conn
        .execute_batch(&format!(
            "DROP TABLE tallies; DROP INDEX runs_ended; DROP INDEX receipts_rerun; {}",
            MIGRATIONS[3]
        ))
        .unwrap();
    assert_eq!(counted, both.rows(TALLIES), "what was counted is what a count of the rows says");
    assert_eq!(both.rows("SELECT micros FROM days"), ["250000"]);
    let reader = both.ours.reader();
    assert_eq!(
        reader
            .receipts(&TriggersQuery { limit: 9, ..TriggersQuery::default() })
            .unwrap()
            .rows
            .len(),
        3
    );
}

#[test]
fn no_proof_no_secret_and_no_more_than_of_our_own_deliveries_is_taken_over() {
    let both = Both::new();
    let long = packed::BODY_MAX + 7;
    let sql = format!(
        "INSERT INTO runs (instance_id, agent_name, trigger_type, result, started_at, duration_ms,
             error_message, summary)
         VALUES ('dev-00000001', 'dev', 'manual', 'error', {T0}, 1, 'no hush here', NULL),
                ('dev-00000002', 'dev', 'manual', 'completed', {T0} + 1, 1, NULL, 'hush');
         INSERT INTO webhook_receipts VALUES
         ('r1', 'd1', 'github', 's', {T0}, '{{\"x-proof\":\"hm\",\"x\":[\"y\"]}}', '{{}}', 1,
             'processed', NULL),
         ('r2', 'd2', 'github', 's', {T0} + 1, '{{\"x\":\"' || printf('%.*c', 65536, 'y') || '\"}}',
             printf('%.*c', {long}, 'z'), 1, 'processed', NULL)"
    );
    both.theirs.execute_batch(&sql).unwrap();
    both.import().unwrap();
    assert_eq!(
        both.rows("SELECT status FROM runs ORDER BY seq"),
        ["no [redacted] here", "[redacted]"]
    );
    let reader = both.ours.reader();
    let envelope = |id: &str| reader.envelope(id).unwrap().unwrap();
    assert_eq!(envelope("r1").headers, "{\"x\":[\"y\"]}");
    let cut = envelope("r2");
    assert_eq!(cut.headers, "{}");
    assert_eq!(cut.cut_from_bytes, u32::try_from(long).ok());
    assert_eq!(cut.body.len(), packed::BODY_MAX);
}

#[test]
fn what_waits_is_counted_by_agent_wherever_a_version_keeps_it() {
    let both = Both::filled();
    both.theirs
        .execute_batch(
            "INSERT INTO work_queue VALUES ('w2', 'dev', '{}', 1), ('w3', 'qa', '{}', 2);
             CREATE TABLE state (ns TEXT, key TEXT, value TEXT, expires_at INTEGER);
             INSERT INTO state VALUES ('queues', 'qa', '[{\"a\":1},{\"a\":2}]', NULL),
                 ('queues', 'ops', '[]', NULL), ('queues', 'bad', 'no list', NULL),
                 ('locks', 'x', '[1]', NULL);",
        )
        .unwrap();
    let waiting: Vec<_> = both.foreign().waiting().unwrap().into_iter().collect();
    assert_eq!(waiting, [("dev".to_owned(), 2), ("qa".to_owned(), 3)]);
    both.import().unwrap();
    assert_eq!(both.rows("SELECT id FROM runs WHERE state = 'queued'"), [""; 0]);
}

#[test]
fn a_run_that_failed_without_a_word_says_so() {
    let check = |result: &str, code: &str, error: &str, summary: &str, expected: &str| {
        let both = Both::new();
        both.theirs
            .execute_batch(&format!(
                "INSERT INTO runs (instance_id, agent_name, trigger_type, result, exit_code,
                     started_at, duration_ms, error_message, summary)
                 VALUES ('dev-00000001', 'dev', 'manual', '{result}', {code}, {T0}, 1, {error},
                     {summary})"
            ))
            .unwrap();
        both.import().unwrap();
        assert_eq!(both.rows("SELECT status FROM runs"), [expected], "{result} {code}");
    };
    check("error", "7", "'no route'", "NULL", "no route");
    check("error", "7", "' '", "'tried it'", "tried it");
    check("error", "7", "NULL", "NULL", "it failed with exit code 7; Action Llama noted no reason");
    let neither = "it failed; Action Llama noted neither a reason nor an exit code";
    check("error", "NULL", "NULL", "NULL", neither);
    check("completed", "NULL", "NULL", "NULL", "-");
}

#[test]
fn a_second_import_adds_what_is_new_and_nothing_else() {
    let both = Both::filled();
    both.import().unwrap();
    let before = (both.rows("SELECT * FROM runs"), both.rows(TALLIES));
    assert_eq!(both.import().unwrap(), Imported::default());
    assert_eq!(before, (both.rows("SELECT * FROM runs"), both.rows(TALLIES)));
    both.theirs
        .execute_batch(&format!(
            "INSERT INTO runs (instance_id, agent_name, trigger_type, result, started_at, duration_ms)
             VALUES ('dev-00000009', 'dev', 'manual', 'completed', {T0} + 9000, 1)"
        ))
        .unwrap();
    assert_eq!(both.import().unwrap(), Imported { runs: 1, ..Imported::default() });
}

#[test]
fn what_is_older_than_our_own_rows_stands_before_them() {
    let both = Both::filled();
    both.ours
        .conn
        .execute_batch(&format!(
            "INSERT INTO runs (seq, id, agent, state, why, kind, source, summary, receipt, queued_at,
                 priority, place, payload)
             VALUES (41, 'own-1', 'own', 'queued', '{{}}', 'manual', '', '', '', {T0} + 500, 'normal', 41,
                 '{{}}')"
        ))
        .unwrap();
    both.import().unwrap();
    let order = both.rows("SELECT seq, id, place FROM runs ORDER BY seq");
    assert_eq!(
        order,
        ["41 dev-00000003 41", "42 dev-00000001 42", "43 own-1 43", "44 qa-00000002 44"]
    );
}

#[test]
fn an_id_that_a_run_to_come_would_get_is_another() {
    let both = Both::new();
    let next = View::number_of(7, 5);
    assert_eq!(View::seq_of(7, next), 5);
    both.theirs
        .execute_batch(&format!(
            "INSERT INTO runs (instance_id, agent_name, trigger_type, result, started_at, duration_ms)
             VALUES ('dev-{next:08x}', 'dev', 'manual', 'completed', {T0}, 1)"
        ))
        .unwrap();
    both.import().unwrap();
    let ids = both.rows("SELECT id FROM runs");
    assert!(ids.len() == 1 && ids[0].starts_with("dev-") && ids[0] != format!("dev-{next:08x}"));
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let both = Both::filled();
    for room in 0..6 {
        both.ours.set_room(Some(room));
        assert!(matches!(both.import(), Err(StoreError::Full { .. })), "{room}");
        both.ours.set_room(None);
        assert_eq!(both.rows("SELECT id FROM runs"), [""; 0]);
        assert_eq!(both.rows("SELECT id FROM receipts"), [""; 0]);
    }
    assert_eq!(both.import().unwrap().runs, 3);
}

#[test]
fn what_is_no_database_is_said_to_be_none() {
    let both = Both::new();
    let path = both.dir.path().join("stats.db");
    std::fs::write(&path, "no database at all, but long enough to be looked at").unwrap();
    let error = Foreign::open(&path).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { path: at, .. } if *at == path), "{error:?}");
    let keys = Keys { id_key: 1, token_key: [0; 32] };
    assert!(both.ours.keys(keys).is_ok());
}

#[test]
fn an_older_file_with_fewer_columns_is_read_too() {
    let both = Both::new();
    let path = both.dir.path().join("stats.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch(&format!(
            "CREATE TABLE runs (id INTEGER PRIMARY KEY, instance_id TEXT, agent_name TEXT,
                 trigger_type TEXT, result TEXT, started_at INTEGER, duration_ms INTEGER);
             INSERT INTO runs VALUES (1, 'dev-1', 'dev', 'manual', 'completed', {T0}, 5)"
        ))
        .unwrap();
    let foreign = Foreign::open(&path).unwrap();
    assert_eq!(both.ours.import(&foreign, 7, CLEAN, &mut |_| {}).unwrap().runs, 1);
}
