//! Rows are in order of time, which pages, searches and pruning rely on. What was taken over stands
//! behind what was there, and is put where it belongs.

use rusqlite::{Connection, params};

/// Puts runs and receipts in order of time when those behind `last_run` and `last_receipt` do not
/// follow the others. The highest numbers stay what they are: no number is given away twice.
pub fn restore(conn: &Connection, last_run: i64, last_receipt: i64) -> rusqlite::Result<()> {
    if mixed(conn, "runs", "seq", "queued_at", last_run)? {
        places(conn, "runs", "seq", "queued_at")?;
        conn.execute_batch(
            "UPDATE runs SET place = coalesce((SELECT new FROM temp.places WHERE old = place), place);
             UPDATE runs SET seq = -(SELECT new FROM temp.places WHERE old = seq);
             UPDATE runs SET seq = -seq;
             DROP TABLE temp.places;",
        )?;
    }
    if mixed(conn, "receipts", "n", "at", last_receipt)? {
        places(conn, "receipts", "n", "at")?;
        conn.execute_batch(
            "DELETE FROM envelopes WHERE n NOT IN (SELECT old FROM temp.places);
             UPDATE envelopes SET n = -(SELECT new FROM temp.places WHERE old = n);
             UPDATE envelopes SET n = -n;
             UPDATE receipts SET n = -(SELECT new FROM temp.places WHERE old = n);
             UPDATE receipts SET n = -n;
             DROP TABLE temp.places;",
        )?;
    }
    Ok(())
}

/// Whether something behind `last` is older than something up to it.
fn mixed(
    conn: &Connection,
    table: &str,
    number: &str,
    time: &str,
    last: i64,
) -> rusqlite::Result<bool> {
    conn.query_row(
        &format!(
            "SELECT coalesce((SELECT min({time}) FROM {table} WHERE {number} > ?1)
                  < (SELECT max({time}) FROM {table} WHERE {number} <= ?1), 0)"
        ),
        params![last],
        |row| row.get(0),
    )
}

/// The number of each row as it is, and as it is to be.
fn places(conn: &Connection, table: &str, number: &str, time: &str) -> rusqlite::Result<()> {
    conn.execute_batch(&format!(
        "CREATE TEMP TABLE places (old INTEGER PRIMARY KEY, new INTEGER NOT NULL);
         INSERT INTO temp.places
             SELECT {number},
                    row_number() OVER (ORDER BY {time}, {number})
                        + (SELECT max({number}) - count(*) FROM {table})
             FROM {table};"
    ))
}
