//! What the console costs that a machine must pay for each frame and key: `cargo bench -p al-ui`.
//!
//! A fleet of 500 agents on a screen of 200 columns. Nothing here has a terminal: what the bytes cost
//! on one, and an idle console, is measured by `cargo bench --bench figures -- idle`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods
)]

use al_ui::{Options, Still, Surroundings};
use al_wire::*;
use std::hint::black_box;
use std::time::Instant;

const NOW_MS: i64 = 1_767_269_083_000;
const SIZE: (u16, u16) = (200, 60);
/// Measurements of each figure.
const TIMES: usize = 400;

fn main() {
    println!("{:<58} {:>12} {:>12}", "figure", "al", "aim");
    frames();
    snapshot_size();
    flood();
}

/// Prints a figure beside its aim.
fn row(name: &str, value: f64, unit: &str, most: f64) {
    let verdict = if value <= most { "ok" } else { "MISSED" };
    println!(
        "{name:<58} {:>12} {:>12} {verdict}",
        format!("{value:.3} {unit}"),
        format!("{most} {unit}")
    );
}

/// The value that so many of a hundred do not exceed.
fn share(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() * percent).div_ceil(100)).max(1) - 1]
}

fn timed(mut what: impl FnMut(usize)) -> Vec<f64> {
    (0..TIMES)
        .map(|n| {
            let began = Instant::now();
            what(n);
            began.elapsed().as_secs_f64() * 1_000.0
        })
        .collect()
}

fn options() -> Options {
    Options {
        theme: None,
        no_color: false,
        ascii: false,
        config_dir: None,
        project: "acme-bots".to_owned(),
        shell_suffix: String::new(),
        zone_offset: |_| 3_600,
        terminal: Surroundings { colorterm: Some("truecolor".into()), ..Surroundings::default() },
        context: None,
        now_ms: || NOW_MS,
        remote: false,
        debug: false,
        environments: Vec::new(),
        read_only: false,
        pager: None,
        enter: Vec::new(),
        bell: false,
    }
}

fn frames() {
    let mut desk = Still::new(&options(), SIZE).unwrap();
    desk.hear(NOW_MS, Down::Snapshot(Box::new(snapshot(500, 1_000))));
    desk.hear(NOW_MS, Down::Series(Box::new(series(500))));
    desk.hear(NOW_MS, Down::Log(log(0, 500)));
    desk.draw().unwrap();
    let times = timed(|_| {
        black_box(desk.draw().unwrap());
    });
    row("frame, 200x60, 500 agents, nothing changed, median", share(times, 50), "ms", 1.0);
    let times = timed(|_| {
        desk.forget().unwrap();
        black_box(desk.draw().unwrap());
    });
    row("frame, every cell sent as after a resize, median", share(times, 50), "ms", 16.0);
    let mut at_ms = NOW_MS;
    let mut seq = 1;
    let times = timed(|n| {
        (at_ms, seq) = (at_ms + 33, seq + 1);
        let puts = vec![Row::Run(run(n, at_ms)), Row::Agent(agent(n % 500, at_ms))];
        desk.hear(at_ms, Down::Delta(Delta { seq, at_ms, puts }));
        black_box(desk.draw().unwrap());
    });
    row("what changed taken and drawn, 99 of 100", share(times, 99), "ms", 16.0);
    let keys = ["j", "j", "k", "2", "j", "Tab", "1", "PgDn", "G", "Home"];
    let times = timed(|n| {
        at_ms += 100;
        desk.press(at_ms, keys[n % keys.len()]);
        black_box(desk.draw().unwrap());
    });
    row("key taken and drawn, 99 of 100", share(times, 99), "ms", 16.0);
    for (name, keys) in [("timeline", &["T"][..]), ("stats", &["g", "s"])] {
        for key in keys {
            desk.press(at_ms, key);
        }
        desk.draw().unwrap();
        let times = timed(|_| {
            black_box(desk.draw().unwrap());
        });
        row(&format!("frame of the {name}, median"), share(times, 50), "ms", 1.0);
    }
}

fn snapshot_size() {
    let size = |told: Snapshot| {
        let told = Down::Snapshot(Box::new(told));
        serde_json::to_vec(&told).unwrap().len() as f64 / 1_000.0
    };
    let told = snapshot(200, 500);
    let rows = Snapshot { triggers: Vec::new(), ..told.clone() };
    row("snapshot of 200 agents and 500 runs", size(rows), "kB", 256.0);
    row("the same with the 300 newest receipts", size(told), "kB", 320.0);
}

/// Ten thousand records a second for a minute, in chunks as a host sends them, with a frame 30 times a
/// second; then what it has left in memory.
fn flood() {
    let mut desk = Still::new(&options(), SIZE).unwrap();
    desk.hear(NOW_MS, Down::Snapshot(Box::new(snapshot(500, 1_000))));
    desk.draw().unwrap();
    let begin = resident_mb();
    let mut seconds = Vec::new();
    for second in 0..60 {
        let began = Instant::now();
        for part in 0..30 {
            let at_ms = NOW_MS + second * 1_000 + part * 33;
            let chunk = log(second * 10_000 + part * 334, 334);
            desk.hear(at_ms, Down::Log(chunk));
            desk.draw().unwrap();
        }
        seconds.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    row(
        "10,000 records and 30 frames, a second of 60, slowest",
        share(seconds, 100),
        "ms",
        1_000.0,
    );
    row("memory after 600,000 records, on top", (resident_mb() - begin).max(0.0), "MB", 64.0);
    row("memory of all", resident_mb(), "MB", 96.0);
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb =
        line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|n| n.trim().parse().ok());
    kb.unwrap_or(0.0) / 1024.0
}

// --- a fleet --------------------------------------------------------------------------------------

fn name(n: usize) -> String {
    format!("{}-{n:03}", ["reviewer", "triager", "release-notes", "dev"][n % 4])
}

fn agent(n: usize, at_ms: i64) -> AgentRow {
    let state = [AgentState::Idle, AgentState::Running, AgentState::Waiting][n % 3];
    AgentRow {
        name: name(n),
        description: Some("Looks at what came in and answers.".into()),
        state,
        paused: None,
        running: u32::from(n % 3 == 1),
        waiting: u32::from(n % 3 == 2),
        scale: 2,
        queued: 1,
        queue_bound: 20,
        next_ms: Some(at_ms + 250_000),
        schedule: Some("*/10 * * * *".into()),
        schedule_words: Some("every 10 minutes, UTC".into()),
        triggers: vec!["schedule".into(), "github issues labeled".into()],
        last: Some(LastRun {
            run: format!("{}-{n:08x}", name(n)),
            state: RunState::Succeeded,
            ended_ms: at_ms - 60_000,
            duration_ms: 3_400,
        }),
        status_text: Some(format!("reading file {n} of 500")),
        error: None,
        engine: "built-in".into(),
        runtime: "process".into(),
        timeout_s: 1_800,
    }
}

fn run(n: usize, at_ms: i64) -> RunRow {
    let state = match n % 10 {
        0 => RunState::Running,
        1 => RunState::Queued,
        2 => RunState::Failed,
        _ => RunState::Succeeded,
    };
    let begun = state != RunState::Queued;
    let queued_ms = at_ms - 20_000 - (n as i64) * 7_000;
    RunRow {
        id: format!("{}-{n:08x}", name(n % 500)),
        agent: name(n % 500),
        state,
        why: "a slot was free".into(),
        trigger: format!("github issues labeled acme/api#{n}"),
        receipt: Some(format!("r-{n:016x}")),
        attempt: u32::from(begun),
        stopping: false,
        queued_ms,
        started_ms: begun.then_some(queued_ms + 2_000),
        ended_ms: state.ended().then_some(queued_ms + 15_000),
        exit_code: state.ended().then_some(i32::from(state == RunState::Failed)),
        status_text: Some("opening pull request".into()),
        return_value: None,
        rerun: None,
        retry: None,
        priority: Priority::Normal,
        lane: None,
        not_before_ms: None,
        caller: None,
        wait: None,
        usage: None,
    }
}

fn snapshot(agents: usize, runs: usize) -> Snapshot {
    let mut agents: Vec<AgentRow> = (0..agents).map(|n| agent(n, NOW_MS)).collect();
    agents.sort_by(|a, b| a.name.cmp(&b.name));
    let trigger = |n: usize| TriggerRow {
        id: format!("r-{n:016x}"),
        at_ms: NOW_MS - (n as i64) * 9_000,
        source: "github".into(),
        summary: format!("issues labeled acme/api#{n}"),
        outcome: Outcome::Accepted,
        why: "an agent wants it".into(),
        runs: vec![run(n, NOW_MS).id],
        times: 1,
        last_ms: None,
        dead: None,
        by: None,
        replay_of: None,
        webhook: true,
    };
    Snapshot {
        v: VERSION,
        seq: 1,
        at_ms: NOW_MS,
        host: HostRow {
            project: "acme-bots".into(),
            environment: None,
            gateway: Some("http://127.0.0.1:8080".into()),
            mode: HostMode::Running,
            paused: None,
            scale: Some(80),
            started_ms: NOW_MS - 3_600_000,
            version: "0.1.0".into(),
            pid: 4_711,
            alerts: Vec::new(),
        },
        agents,
        runs: (0..runs).map(|n| run(n, NOW_MS)).collect(),
        triggers: (0..300).map(trigger).collect(),
    }
}

fn series(agents: usize) -> Series {
    let line = |n: usize| Line {
        measure: Measure::Ended,
        values: (0..60).map(|at| Some(((at * 7 + n) % 5) as u64)).collect(),
    };
    Series {
        every_ms: 60_000,
        from_ms: NOW_MS / 60_000 * 60_000 - 59 * 60_000,
        at_ms: NOW_MS,
        buckets: 60,
        unknown: 0,
        uncounted: Vec::new(),
        total: vec![line(0)],
        agents: (0..agents).map(|n| AgentSeries { agent: name(n), lines: vec![line(n)] }).collect(),
    }
}

/// So many records from this one on.
fn log(first: i64, count: i64) -> LogChunk {
    let record = |n: i64| LogRecord {
        at_ms: NOW_MS + n,
        level: if n % 50 == 0 { LogLevel::Error } else { LogLevel::Info },
        name: "dev-003".into(),
        run: Some("dev-003-00000003".into()),
        msg: format!("tool bash cargo test -p al-core, step {n} of many, nothing unusual so far"),
        fields: serde_json::Map::new(),
        place: Some(format!("{n:012}")),
    };
    LogChunk {
        records: (first..first + count).map(record).collect(),
        first: Some(format!("{first:012}")),
        last: Some(format!("{:012}", first + count)),
        reset: first == 0,
        more_before: first > 0,
        ..LogChunk::empty(LogSource::Agent(name(3)))
    }
}
