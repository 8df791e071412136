//! A history of many rows, written as fast as the disk takes it.

use std::path::Path;

use action_llama::store::{FILE, Store};
use rusqlite::{Connection, params};

pub const AGENTS: usize = 20;
/// Spread over the time that is kept.
const SPAN_MS: i64 = 14 * 86_400_000;
/// The last migration, which counts what is there.
const COUNT: &str = include_str!("../../src/store/migrations/0004.sql");

pub fn agent(n: u32) -> String {
    format!("agent-{:02}", n % AGENTS as u32)
}

pub fn run_id(n: u32) -> String {
    format!("{}-{n:08x}", agent(n))
}

pub fn receipt_id(n: u32) -> String {
    format!("0199c3a7-0000-7000-8000-{n:012x}")
}

/// Fills `dir` with as many receipts and runs, as if they were from before there were counts: so
/// building counts them as an update does.
pub fn build(dir: &Path, rows: u32, now: i64) {
    Store::open(dir).unwrap().close();
    let conn = Connection::open(dir.join(FILE)).unwrap();
    conn.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;
         DROP TABLE tallies; DROP INDEX runs_ended; DROP INDEX receipts_rerun; BEGIN;",
    )
    .unwrap();
    {
        let mut receipt = conn
            .prepare(
                "INSERT INTO receipts (n, id, at, kind, source, summary, dedupe, outcome, runs, skipped)
                 VALUES (?1, ?2, ?3, 'webhook', 'github', 'issues opened acme/api#12', ?4, ?5, ?6, ?7)",
            )
            .unwrap();
        let mut envelope = conn
            .prepare(
                "INSERT INTO envelopes (n, headers, segment, signed_by, body)
                 VALUES (?1, '{}', 'github', '[\"default\"]', ?2)",
            )
            .unwrap();
        let mut run = conn
            .prepare(
                "INSERT INTO runs (seq, id, agent, state, why, kind, source, summary, receipt, attempt,
                     queued_at, started_at, ended_at, exit_code, priority, place, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'webhook', 'github', 'issues opened acme/api#12', ?6, 1,
                     ?7, ?8, ?9, 0, 'normal', ?1, ?10)",
            )
            .unwrap();
        let body = vec![b'x'; 200];
        let payload = format!("{{\"type\":\"webhook\",\"text\":\"{}\"}}", "x".repeat(200));
        for n in 1..=rows {
            let at = now - SPAN_MS + SPAN_MS / i64::from(rows) * i64::from(n);
            let (id, receipt_id) = (run_id(n), receipt_id(n));
            let (outcome, skipped) = match n % 10 {
                0 => ("skipped", format!("[[\"{}\",{{\"why\":\"disabled\"}}]]", agent(n))),
                _ => ("accepted", "[]".to_owned()),
            };
            let runs = format!("[\"{id}\"]");
            receipt
                .execute(params![n, receipt_id, at, receipt_id, outcome, runs, skipped])
                .unwrap();
            envelope.execute(params![n, body]).unwrap();
            let (state, why) = match n % 16 {
                0 => ("failed", r#"{"why":"lost"}"#),
                1 => ("killed", r#"{"why":"killed_by","by":"ann"}"#),
                _ => ("succeeded", r#"{"why":"exited","code":0}"#),
            };
            let started = at + i64::from(n % 977);
            let ended = started + i64::from(n % 60_013);
            run.execute(params![
                n,
                id,
                agent(n),
                state,
                why,
                receipt_id,
                at,
                started,
                ended,
                payload
            ])
            .unwrap();
        }
    }
    conn.execute_batch("COMMIT").unwrap();
    conn.execute_batch(&format!("BEGIN; {COUNT} COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"))
        .unwrap();
}
