//! One run of the engine, without a scheduler: `al agent` with a job on its stdin.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

/// Runs a job against a model at `url`, with a prompt and a note to read of so many characters;
/// `meanwhile` is called once it has started.
pub fn run(url: &str, prompt: usize, note: usize, meanwhile: impl FnOnce(u32)) {
    let work = tempfile::tempdir().unwrap();
    let line = format!("{}\n", "a note, ".repeat(10));
    let note = line.repeat(note.div_ceil(line.len()));
    std::fs::write(work.path().join("note.txt"), note).unwrap();
    let words = "word ".repeat(prompt / 5);
    let job = json!({
        "run": "bench-1", "attempt": 1, "agent": "bench", "engine": "builtin", "place": "process",
        "skill": "Be good.", "agent_dir": work.path(), "shared_dir": null,
        "trigger": {"type": "manual", "prompt": words}, "params": {}, "credentials": [],
        "hooks_pre": [], "hooks_post": [], "preflight": [], "compact_at": 0.8, "record": null,
        "secrets": [],
        "models": [{
            "name": "m", "provider": "custom", "model": "m", "baseUrl": url,
            "contextWindow": 1_000_000,
        }],
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_al"))
        .arg("agent")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("AL_WORK_DIR", work.path())
        .env("AL_AGENT_DIR", work.path())
        .current_dir(work.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    meanwhile(child.id());
    assert!(child.wait().unwrap().success(), "the run failed");
}

/// Megabytes of memory that a process has at its peak.
pub fn peak_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let kb: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kb / 1024.0
}
