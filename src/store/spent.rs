//! The rows of what runs use of models.

use rusqlite::{Connection, params};

use super::life;
use super::write::{execute, json};
use crate::scheduler::usage::day;
use crate::scheduler::{Spent, Used, View, Why};

/// What runs used in all is this now, and so much came on top.
pub fn spend(
    conn: &Connection,
    run: &str,
    agent: &str,
    used: &Used,
    added: &Spent,
    at: i64,
    told: Option<&Why>,
) -> rusqlite::Result<()> {
    execute(
        conn,
        "INSERT INTO usage (run, used) VALUES (?1, ?2)
         ON CONFLICT (run) DO UPDATE SET used = excluded.used",
        params![run, json(used)],
    )?;
    if added.cost() > 0 {
        execute(
            conn,
            "INSERT INTO days (agent, day, micros) VALUES (?1, ?2, ?3)
             ON CONFLICT (agent, day) DO UPDATE SET micros = micros + excluded.micros",
            params![agent, day(at), signed(added.cost())],
        )?;
    }
    told.map_or(Ok(()), |why| life::moment(conn, run, at, why))
}

/// What agents cost, day by day.
pub fn load_days(conn: &Connection, view: &mut View) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached("SELECT agent, day, micros FROM days")?;
    let rows = statement.query_map([], |row| {
        let micros: i64 = row.get(2)?;
        Ok(((row.get(0)?, row.get(1)?), micros.unsigned_abs()))
    })?;
    for row in rows {
        let (key, micros) = row?;
        view.days.insert(key, micros);
    }
    Ok(())
}

/// SQLite's numbers have a sign. Nobody spends so much.
pub fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
