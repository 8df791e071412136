//! The console over a recording: `al replay` of `tests/fixtures/fleet.ndjson`, standing still at
//! 12:04:43, and what holds for no other console. `checks` has what holds for all of them.

mod answers;
mod files;
mod manners;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::tmux::Terminal;

pub const AL: &str = env!("CARGO_BIN_EXE_al");
pub const FLEET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/fleet.ndjson");
/// 12:04:43 of the day of the fixture.
pub const NOW_MS: i64 = 1_767_269_083_000;
pub const STILL: &str = "--clock 2026-01-01T12:04:43Z";

/// A folder for one test, with the commands that were given in it.
pub struct Replay {
    dir: TempDir,
}

impl Replay {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("al-").tempdir().unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The console over the fixture, where time stands still.
    fn still(&self, size: (u16, u16), words: &str) -> Terminal {
        self.open(size, "", &format!("'{FLEET}' {STILL} {words}"))
    }

    /// `al replay` with some words and variables, and a shell after it that says how it ended.
    pub fn open(&self, size: (u16, u16), variables: &str, words: &str) -> Terminal {
        let terminal = self.terminal(size, variables, words);
        terminal.shows("REPLAY");
        terminal
    }

    fn terminal(&self, size: (u16, u16), variables: &str, words: &str) -> Terminal {
        let line = self.line(variables, words);
        let line = format!("{line}; echo \"al ended with $?\"; PS1='$ ' exec sh");
        Terminal::open(self.dir.path(), size, &line)
    }

    /// What a shell runs for it.
    pub fn line(&self, variables: &str, words: &str) -> String {
        let (home, commands) = (self.path("home"), self.path("commands"));
        format!(
            "env -u NO_COLOR -u COLORTERM -u AL_LOG -u AL_THEME HOME='{0}' AL_HOME='{0}' USER=ada \
             TZ=UTC {variables} '{AL}' replay {words} --commands '{1}'",
            home.display(),
            commands.display(),
        )
    }

    /// The commands that the console gave, each with the token that came along.
    pub fn commands(&self) -> Vec<(String, Option<String>)> {
        let text = fs::read_to_string(self.path("commands")).unwrap_or_default();
        let command = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let what = line["command"]["do"].as_str().unwrap().to_owned();
            (what, line["token"].as_str().map(str::to_owned))
        };
        text.lines().map(command).collect()
    }
}

/// A message of a recording as its line.
pub fn line(at_ms: i64, down: &Value) -> String {
    format!("{}\n", serde_json::json!({"at_ms": at_ms, "down": down}))
}

/// The fixture up to 12:04:43, to which a test adds what it needs.
pub fn fleet() -> String {
    let text = fs::read_to_string(FLEET).unwrap();
    let before = |line: &&str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["at_ms"].as_i64().unwrap() <= NOW_MS
    };
    text.lines().filter(before).map(|line| format!("{line}\n")).collect()
}

/// Records of the first run of `dev`.
pub fn records(from_ms: i64, every_ms: i64, numbers: std::ops::Range<i64>) -> Value {
    let records: Vec<Value> = numbers
        .map(|n| {
            serde_json::json!({
                "at_ms": from_ms + n * every_ms, "level": "info", "name": "dev",
                "run": "dev-1a2b3c4d", "msg": format!("line {n} of many"),
            })
        })
        .collect();
    serde_json::json!({
        "down": "log", "source": {"agent": "dev"}, "records": records, "first": null,
        "older": false, "reset": false, "more_before": true, "skipped": 0,
    })
}
