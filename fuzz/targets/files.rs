//! What people and clients write: a project's files, and cursors into logs. The first line says what.

#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use action_llama::log::{self, Cursor, From, Query};
use action_llama::project::render;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

const AGENT: &str = "[harness]\ntype = \"script\"\ncommand = \"true\"\n";
const SKILL: &str = "---\ndescription: plays\n---\nPlay.\n";

fuzz_target!(|data: &[u8]| {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        let dir = al_fuzz::folder();
        write_logs(dir.path());
        dir
    });
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((kind, text)) = text.split_once('\n') else { return };
    match kind {
        "P" => project(dir.path(), text, AGENT, SKILL),
        "A" => project(dir.path(), "[webhooks.hub]\ntype = \"github\"\n", text, SKILL),
        "S" => project(dir.path(), "", AGENT, text),
        "C" => cursor(dir.path(), text),
        _ => {}
    }
});

/// Whatever stands in it, there is a project or there are problems that can be shown.
fn project(dir: &Path, config: &str, agent: &str, skill: &str) {
    al_fuzz::write(dir, "config.toml", config);
    al_fuzz::write(dir, "agents/a/config.toml", agent);
    al_fuzz::write(dir, "agents/a/SKILL.md", skill);
    match al_fuzz::load(dir) {
        Ok(loaded) => assert_eq!(loaded.project.agents.len(), 1),
        Err(problems) => assert!(!render(&problems, false).is_empty()),
    }
}

/// Records numbered from 0, on two days.
const RECORDS: usize = 40;

fn write_logs(dir: &Path) {
    for (day, numbers) in [("2026-11-26", 0..RECORDS / 2), ("2026-11-27", RECORDS / 2..RECORDS)] {
        let line = |n: usize| {
            format!("{{\"level\":30,\"time\":{n},\"name\":\"a\",\"msg\":\"{}\"}}\n", "x".repeat(n))
        };
        let text: String = numbers.map(line).collect();
        al_fuzz::write(dir, &format!("logs/a-{day}.log"), &text);
    }
}

/// From wherever somebody asks to go on, no record is lost: each is on one side or the other, and one
/// that the place is in the middle of may be on both.
fn cursor(dir: &Path, text: &str) {
    let Ok(cursor) = text.trim().parse::<Cursor>() else { return };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    let query = Query::all("a");
    let logs = dir.join("logs");
    let count = |from| log::page(&logs, &query, from, RECORDS).unwrap().records.len();
    let (before, after) = (count(From::Before(cursor)), count(From::After(cursor)));
    assert!((RECORDS..=RECORDS + 1).contains(&(before + after)), "{before} and {after}");
}
