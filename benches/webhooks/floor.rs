//! What the disk and SQLite allow: the same rows, in groups, with full sync, and nothing else.

use std::path::Path;
use std::time::{Duration, Instant};

use action_llama::store::{FILE, Store};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// The rows that one delivery leaves.
pub struct Rows {
    receipt: Row,
    envelope: Row,
    run: Row,
}

struct Row {
    insert: String,
    columns: Vec<String>,
    values: Vec<Value>,
}

impl Rows {
    pub fn newest(conn: &Connection) -> Self {
        Self {
            receipt: Row::newest(conn, "receipts", "n"),
            envelope: Row::newest(conn, "envelopes", "n"),
            run: Row::newest(conn, "runs", "seq"),
        }
    }
}

impl Row {
    fn newest(conn: &Connection, table: &str, order: &str) -> Self {
        let sql = format!("SELECT * FROM {table} ORDER BY {order} DESC LIMIT 1");
        let mut query = conn.prepare(&sql).unwrap();
        let columns: Vec<String> = query.column_names().map(str::to_owned).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", "));
        let all = 0..columns.len();
        let values = query
            .query_row([], |row| all.map(|i| row.get(i)).collect::<rusqlite::Result<Vec<Value>>>())
            .unwrap();
        Self { insert, columns, values }
    }

    /// Inserts the row as the `n`th: of the same size, with keys of its own.
    fn insert(&mut self, conn: &Connection, n: i64) {
        let keys = ["n", "seq", "id", "dedupe"];
        for (column, value) in self.columns.iter().zip(&mut self.values) {
            match value {
                Value::Integer(key) if keys.contains(&column.as_str()) => *key = n,
                Value::Text(key) if keys.contains(&column.as_str()) => {
                    let digits = format!("{n:012}");
                    key.truncate(key.len() - digits.len().min(key.len()));
                    key.push_str(&digits);
                }
                _ => {}
            }
        }
        let mut insert = conn.prepare_cached(&self.insert).unwrap();
        insert.execute(params_from_iter(&self.values)).unwrap();
    }
}

/// Deliveries a second when `group` of them share a commit.
pub fn measure(group: usize, time: Duration, disk: &Path, rows: &Rows) -> f64 {
    let dir = tempfile::tempdir_in(disk).unwrap();
    Store::open(dir.path()).unwrap().close();
    let conn = Connection::open(dir.path().join(FILE)).unwrap();
    // As the history is opened.
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY;",
    )
    .unwrap();
    let copy = |row: &Row| Row {
        insert: row.insert.clone(),
        columns: row.columns.clone(),
        values: row.values.clone(),
    };
    let mut all = [&rows.receipt, &rows.envelope, &rows.run].map(copy);
    let (mut n, began) = (0, Instant::now());
    while began.elapsed() < time {
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..group {
            n += 1;
            all.iter_mut().for_each(|row| row.insert(&conn, n));
        }
        conn.execute_batch("COMMIT").unwrap();
    }
    n as f64 / began.elapsed().as_secs_f64()
}
