//! What a million rows of history cost those who look at it.
//!
//! `cargo bench --bench history [rows]` builds a history of that many runs and as many receipts of
//! two weeks and 20 agents, then prints how long each question takes through the store, beside a
//! floor measured in the same run: the least that SQLite needs for the same answer. Every figure is
//! a median. What the whole command takes, process and all, stands below.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code
)]

mod build;
#[path = "../figures/measure.rs"]
mod measure;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use action_llama::engine::{self, StatsQuery};
use action_llama::store::{Before, FILE, Reader, RunsQuery, TriggersQuery};
use rusqlite::Connection;

use measure::{Aim, Table, compare, time};

const ROUNDS: usize = 21;
const PAGE: u32 = 50;
/// Aims of the project for a million rows.
const PAGE_MS: f64 = 10.0;
const STATS_MS: f64 = 150.0;

fn main() {
    // `cargo bench` adds `--bench`.
    let rows = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let state = dir.path().join(".al");
    std::fs::create_dir_all(&state).unwrap();
    let built = time(|| build::build(&state, rows, now));
    let file = state.join(FILE);
    let bytes = std::fs::metadata(&file).unwrap().len();
    println!(
        "{rows} runs and receipts, built and counted in {:.1} s, {} MB",
        built / 1000.0,
        bytes >> 20
    );
    let mut table = Table::new();
    pages(&file, rows, &mut table);
    stats(&file, now, &mut table);
    chain(&file, &mut table);
    commands(dir.path(), &mut table);
}

fn pages(file: &Path, rows: u32, table: &mut Table) {
    let (reader, bare) = (Reader::new(file.to_owned()), Connection::open(file).unwrap());
    let floor = |order: &'static str| {
        let sql = format!("SELECT id, at, runs FROM receipts ORDER BY n {order} LIMIT {PAGE}");
        let bare = &bare;
        move || {
            let mut page = bare.prepare_cached(&sql).unwrap();
            let ids = page.query_map([], |row| row.get::<_, String>(0)).unwrap();
            assert_eq!(ids.count(), PAGE as usize);
        }
    };
    let ask = |before: Option<String>, oldest: bool| {
        let query = TriggersQuery {
            before: before.map(Before::Receipt),
            oldest,
            limit: PAGE,
            ..TriggersQuery::default()
        };
        let reader = &reader;
        move || assert_eq!(reader.triggers(&query).unwrap().len(), PAGE as usize)
    };
    let floor_name = "the same page, bare SQLite";
    // They are numbered from one.
    let last = build::receipt_id(PAGE + 1);
    let mut row = |name: &str, before: Option<String>, oldest: bool, order: &'static str| {
        let (ours, floor) = compare(ROUNDS, ask(before, oldest), floor(order));
        table.row(name, ours, (floor_name, floor), "ms", Aim::AtMost(PAGE_MS));
    };
    row("first page of triggers", None, false, "DESC");
    row("last page of triggers, by key", Some(last), false, "ASC");
    row("last page of triggers, from its end", None, true, "ASC");
    row("a page in the middle", Some(build::receipt_id(rows / 2)), false, "DESC");
}

fn stats(file: &Path, now: i64, table: &mut Table) {
    let (reader, bare) = (Reader::new(file.to_owned()), Connection::open(file).unwrap());
    let floor = || {
        let sql = "SELECT sum(n) FROM tallies WHERE hour = 0";
        bare.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    };
    let week = 7 * 86_400_000;
    for (name, since) in [("stats, all of it", None), ("stats --since 7d", Some(now - week))] {
        let query = StatsQuery { agent: None, since };
        let ask =
            || assert_eq!(engine::stats(&reader, &query).unwrap().agents.len(), build::AGENTS);
        let (ours, floor) = compare(ROUNDS, ask, floor);
        table.row(name, ours, ("sums of the rollup", floor), "ms", Aim::AtMost(STATS_MS));
    }
    let ask = || assert!(!engine::totals(&reader).unwrap().agents.is_empty());
    let (ours, floor) = compare(ROUNDS, ask, floor);
    table.row("totals for /metrics", ours, ("sums of the rollup", floor), "ms", Aim::None);
    let ask = || {
        let agent = Some(build::agent(3));
        let query = RunsQuery { agent, limit: PAGE, ..RunsQuery::default() };
        assert_eq!(reader.runs(&query).unwrap().len(), PAGE as usize);
    };
    let count = || {
        let sql = "SELECT count(*), sum(ended_at - started_at) FROM runs GROUP BY agent, state";
        let mut all = bare.prepare_cached(sql).unwrap();
        assert!(all.query_map([], |row| row.get::<_, i64>(0)).unwrap().count() > 0);
    };
    let (ours, counted) = compare(3, ask, count);
    let floor_name = "counting the rows instead";
    table.row("runs of one agent", ours, (floor_name, counted), "ms", Aim::AtMost(PAGE_MS));
}

fn chain(file: &Path, table: &mut Table) {
    let (reader, bare) = (Reader::new(file.to_owned()), Connection::open(file).unwrap());
    let run = build::run_id(7);
    let ask = || drop(engine::why(&reader, &run, 0).unwrap());
    let floor = || {
        let sql = "SELECT state FROM runs WHERE id = ?1";
        bare.query_row(sql, [&run], |row| row.get::<_, String>(0)).unwrap();
    };
    let (ours, floor) = compare(ROUNDS, ask, floor);
    table.row("why, one run", ours, ("its row, bare SQLite", floor), "ms", Aim::AtMost(PAGE_MS));
}

/// With the start of the process, which `al version` shows.
fn commands(project: &Path, table: &mut Table) {
    for n in 0..build::AGENTS as u32 {
        let dir = project.join("agents").join(build::agent(n));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("SKILL.md"), "---\ndescription: counts\n---\nCount.\n").unwrap();
        let config = "schedule = \"@daily\"\n[harness]\ntype = \"script\"\ncommand = \"true\"\n\
            [runtime]\ntype = \"process\"\n";
        std::fs::write(dir.join("config.toml"), config).unwrap();
    }
    let al = |args: &'static [&'static str]| {
        move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_al"));
            command.args(args).arg("-p").arg(project).env("AL_HOME", project).stdout(Stdio::null());
            assert!(command.status().unwrap().success(), "{args:?}");
        }
    };
    let rows: [(&str, &[&str], f64); 2] =
        [("al stats", &["stats"], STATS_MS), ("al triggers", &["triggers"], f64::INFINITY)];
    for (name, args, most) in rows {
        let (ours, floor) = compare(ROUNDS, al(args), al(&["version"]));
        let aim = if most.is_finite() { Aim::AtMost(most) } else { Aim::None };
        table.row(name, ours, ("al version", floor), "ms", aim);
    }
}
