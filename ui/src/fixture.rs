//! One fleet that all tests look at, and hands to press keys with.

use crate::input::{Input, Out};
use crate::key::Chord;
use crate::state::{Setup, Ui};
use crate::theme::Theme;
use crate::update::update;
use al_wire::*;
use crossterm::event::{KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use std::fmt::Write;

/// 2026-01-01 12:04:43 UTC.
pub const NOW_MS: i64 = 1_767_269_083_000;

pub fn agent(name: &str, state: AgentState, running: u32, queued: u32) -> AgentRow {
    AgentRow {
        name: name.into(),
        description: None,
        state,
        paused: None,
        running,
        waiting: u32::from(state == AgentState::Waiting),
        scale: 2,
        queued,
        queue_bound: 20,
        next_ms: None,
        schedule: None,
        schedule_words: None,
        triggers: vec!["github issues labeled".into()],
        last: Some(last(name, RunState::Succeeded, 3)),
        status_text: None,
        error: None,
        engine: "script".into(),
        runtime: "process".into(),
        timeout_s: 1_800,
    }
}

fn last(name: &str, state: RunState, minutes: i64) -> LastRun {
    LastRun {
        run: format!("{name}-0000000f"),
        state,
        ended_ms: NOW_MS - minutes * 60_000,
        duration_ms: 3_400,
    }
}

pub fn run(id: &str, state: RunState, age_s: i64) -> RunRow {
    let begun = state != RunState::Queued && state != RunState::Dropped;
    let since_ms = NOW_MS - age_s * 1_000;
    RunRow {
        id: id.into(),
        agent: id.rsplit_once('-').unwrap().0.into(),
        state,
        why: "a slot was free".into(),
        trigger: "github issues labeled acme/api#388".into(),
        receipt: None,
        attempt: u32::from(begun),
        stopping: false,
        queued_ms: since_ms,
        started_ms: begun.then_some(since_ms),
        ended_ms: state.ended().then_some(since_ms + 19_000),
        exit_code: (state == RunState::Failed).then_some(101),
        status_text: None,
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

fn trigger(id: &str, summary: &str, outcome: Outcome, why: &str, runs: &[&str]) -> TriggerRow {
    TriggerRow {
        id: id.into(),
        at_ms: NOW_MS - 52_000,
        source: "github".into(),
        summary: summary.into(),
        outcome,
        why: why.into(),
        runs: runs.iter().map(|run| (*run).into()).collect(),
        times: 1,
        last_ms: None,
        dead: None,
        by: None,
        replay_of: None,
        webhook: true,
    }
}

pub fn snapshot() -> Snapshot {
    let agents = vec![
        AgentRow {
            status_text: Some("opening pull request".into()),
            ..agent("dev", AgentState::Running, 2, 2)
        },
        AgentRow {
            paused: Some(PauseRow {
                by: "you".into(),
                since_ms: NOW_MS - 600_000,
                why: Some("deploy".into()),
                hold: Hold::Pause,
                until_ms: None,
            }),
            last: Some(last("docs", RunState::Succeeded, 4_000)),
            ..agent("docs", AgentState::Paused, 0, 1)
        },
        AgentRow {
            state: AgentState::Invalid,
            error: Some("agents/oncall/config.toml:3: unknown key `scal`".into()),
            last: None,
            ..agent("oncall", AgentState::Invalid, 0, 0)
        },
        AgentRow {
            next_ms: Some(NOW_MS + 250_000),
            schedule: Some("*/10 * * * *".into()),
            schedule_words: Some("every 10 minutes, UTC".into()),
            triggers: vec!["schedule".into()],
            ..agent("planner", AgentState::Idle, 0, 0)
        },
        AgentRow {
            last: Some(last("release", RunState::Failed, 9)),
            ..agent("release", AgentState::Idle, 0, 0)
        },
        agent("reviewer-of-everything-in-eu-west", AgentState::Waiting, 1, 0),
    ];
    let runs = vec![
        run("dev-000000c2", RunState::Queued, 130),
        run("dev-000000c1", RunState::Queued, 140),
        run("docs-000000d1", RunState::Queued, 7_300),
        RunRow {
            status_text: Some("running the tests".into()),
            ..run("dev-000000b2", RunState::Running, 52)
        },
        run("dev-000000b1", RunState::Running, 243),
        run("reviewer-of-everything-in-eu-west-000000e1", RunState::Waiting, 153),
        RunRow { why: "exit code 101".into(), ..run("release-0000000f", RunState::Failed, 560) },
        run("planner-0000000f", RunState::Succeeded, 3_600),
    ];
    Snapshot {
        v: VERSION,
        seq: 41,
        at_ms: NOW_MS,
        host: HostRow {
            project: "acme-bots".into(),
            environment: None,
            gateway: Some("http://127.0.0.1:8080".into()),
            mode: HostMode::Running,
            paused: None,
            scale: Some(8),
            started_ms: NOW_MS - 3_600_000,
            version: "0.1.0".into(),
            pid: 4_711,
            alerts: Vec::new(),
        },
        agents,
        runs,
        triggers: vec![
            trigger(
                "t3",
                "issues labeled acme/api#391",
                Outcome::Accepted,
                "dev wants it",
                &["dev-000000c2"],
            ),
            trigger(
                "t2",
                "issues labeled acme/api#391",
                Outcome::Duplicate,
                "the same delivery came at 12:03:50",
                &[],
            ),
            trigger("t1", "ping", Outcome::NoMatch, "no agent wants it", &[]),
        ],
    }
}

/// What the agents of [`snapshot`] did in the last hour, of which the first part is not known.
pub fn series() -> Series {
    let line = |measure, values: Vec<u64>| Line {
        measure,
        values: (0..60).map(|at| (at >= 10).then(|| values[at % values.len()])).collect(),
    };
    let lines = |more: u64| {
        vec![
            line(Measure::Accepted, vec![0, 1, 0, 3 * more, 2, 0, 0]),
            line(Measure::Ended, vec![0, 0, 1, 0, 2, 3 * more, 0]),
            line(Measure::Queued, vec![0, 0, 1, 2 * more, 0, 0, 1]),
            line(Measure::Tokens, vec![0, 0, 7_400, 0, 16_000 * more, 21_400, 0]),
            line(Measure::CostMicros, vec![0, 0, 1_300, 0, 180_000 * more, 90_000, 0]),
        ]
    };
    let mut failing = lines(1);
    let failures = (0..60).map(|at| (at >= 10).then_some(u64::from(at == 32)));
    failing.push(Line { measure: Measure::Failed, values: failures.collect() });
    let every_ms = 60_000;
    Series {
        every_ms,
        from_ms: NOW_MS / every_ms * every_ms - 59 * every_ms,
        at_ms: NOW_MS,
        buckets: 60,
        unknown: 10,
        uncounted: Vec::new(),
        total: [lines(2), failing[5..].to_vec()].concat(),
        agents: vec![
            AgentSeries { agent: "dev".into(), lines: lines(1) },
            AgentSeries { agent: "release".into(), lines: failing },
        ],
    }
}

/// What the runs of [`snapshot`] use; nothing is known of the one that waits.
pub fn loads() -> Vec<LoadRow> {
    let load = |run: &str, cpu_percent, memory_mib: u64, limit_mib: Option<u64>| LoadRow {
        run: run.into(),
        cpu_percent,
        memory_bytes: memory_mib << 20,
        memory_limit_bytes: limit_mib.map(|mib| mib << 20),
        pids: 7,
    };
    vec![load("dev-000000b2", Some(142), 312, Some(2_048)), load("dev-000000b1", None, 18, None)]
}

pub fn record(n: i64, level: LogLevel, msg: &str) -> LogRecord {
    LogRecord {
        at_ms: NOW_MS - 60_000 + n * 1_011,
        level,
        name: "dev".into(),
        run: Some("dev-000000b2".into()),
        msg: msg.into(),
        fields: serde_json::Map::new(),
        place: Some(place(n)),
    }
}

/// The place before record `n`.
pub fn place(n: i64) -> String {
    format!("p{:07}", n + 100_000)
}

/// Records `range` of a log in which every seventh is an error.
pub fn records(range: std::ops::Range<i64>) -> Vec<LogRecord> {
    let one = |n: i64| match n % 7 {
        5 => record(n, LogLevel::Error, &format!("403 rate limited, retry in {n}s")),
        3 => record(n, LogLevel::Debug, &format!("\u{1b}[32mstep\u{1b}[0m {n}\tdetail")),
        _ => record(n, LogLevel::Info, &format!("tool bash cargo test -p al-core, step {n}")),
    };
    range.map(one).collect()
}

/// What an agent with a model logs: two turns, a tool that fails, one that does not.
pub fn work() -> Vec<LogRecord> {
    use LogLevel::{Debug, Error, Info};
    let usage = serde_json::json!({"model": "sonnet", "inputTokens": 7_100, "outputTokens": 240,
        "cacheReadTokens": 12_000, "costUsd": 0.0123, "durationMs": 2_100});
    let done = |turn: i64| {
        let mut fields = serde_json::json!({"turn": turn});
        fields.as_object_mut().unwrap().extend(usage.as_object().unwrap().clone());
        (Info, "turn", fields)
    };
    let told = [
        (Info, "agent starting", serde_json::json!({"engine": "builtin", "models": ["sonnet"]})),
        (Debug, "thinking", serde_json::json!({"turn": 1, "text": "Where is it?"})),
        (
            Info,
            "assistant",
            serde_json::json!({"turn": 1, "text": "I run the tests\nand read the parser."}),
        ),
        (
            Debug,
            "tool start",
            serde_json::json!({"turn": 1, "call": "c1", "tool": "bash", "input": "{\"command\":\"cargo test\"}"}),
        ),
        (Info, "bash", serde_json::json!({"turn": 1, "call": "c1", "cmd": "cargo test"})),
        (
            Debug,
            "tool start",
            serde_json::json!({"turn": 1, "call": "c2", "tool": "read", "input": "{\"path\":\"src/x.rs\"}"}),
        ),
        done(1),
        (
            Debug,
            "tool done",
            serde_json::json!({"turn": 1, "call": "c2", "tool": "read", "durationMs": 12, "resultLength": 4_100, "result": "fn main() {\n\t\u{1b}[2Jlet x;\n}"}),
        ),
        (
            Error,
            "tool error",
            serde_json::json!({"turn": 1, "call": "c1", "tool": "bash", "cmd": "cargo test", "exit": 101, "durationMs": 3_612, "resultLength": 32, "result": "error: mismatched types"}),
        ),
        (
            Info,
            "operator",
            serde_json::json!({"turn": 2, "by": "ann", "text": "leave the parser alone"}),
        ),
        (Info, "assistant", serde_json::json!({"turn": 2, "text": "Then I am done."})),
        done(2),
        (
            Info,
            "token-usage",
            serde_json::json!({"turnCount": 2, "inputTokens": 14_200, "outputTokens": 480, "cacheReadTokens": 24_000, "cost": 0.0246}),
        ),
    ];
    let mut n = 0;
    told.map(|(level, msg, fields)| {
        n += 1;
        LogRecord { fields: fields.as_object().unwrap().clone(), ..record(n, level, msg) }
    })
    .into()
}

/// A chunk as it comes first after `Tail`.
pub fn tail(source: LogSource, records: Vec<LogRecord>) -> LogChunk {
    let first = records.first().and_then(|record| record.place.clone());
    LogChunk { records, first, reset: true, ..LogChunk::empty(source) }
}

/// Records `range` with the places before and after them, as a host sends them.
pub fn page(source: LogSource, range: std::ops::Range<i64>) -> LogChunk {
    let (first, last) = (Some(place(range.start)), Some(place(range.end)));
    LogChunk { first, last, reset: false, ..tail(source, records(range)) }
}

/// A chunk that follows what was there.
pub fn more(source: LogSource, records: Vec<LogRecord>) -> LogChunk {
    LogChunk { reset: false, first: None, ..tail(source, records) }
}

/// A console and the time it believes in.
pub struct Desk {
    pub ui: Ui,
    pub now_ms: i64,
    pub out: Vec<Out>,
    /// What the pictures asked for: that happens as time goes by.
    pub counts: Vec<Up>,
}

impl Desk {
    /// A console that has only just started.
    pub fn fresh(size: (u16, u16), theme: &str) -> Self {
        let setup = Setup {
            shell_suffix: String::new(),
            project: "acme-bots".into(),
            remote: false,
            read_only: false,
            no_color: theme == "mono",
            ascii: false,
            quiet: false,
            debug: false,
            environments: vec!["staging".into(), "vps1".into()],
            zone_offset: |_| 3_600,
        };
        let (theme, _) =
            Theme::load(theme, &crate::files::Files::default(), crate::theme::Depth::True).unwrap();
        Self {
            ui: Ui::new(setup, theme, size, NOW_MS),
            now_ms: NOW_MS,
            out: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// A console that shows the fleet and the log of its first agent.
    pub fn at(size: (u16, u16), theme: &str) -> Self {
        let mut desk = Self::fresh(size, theme);
        desk.hear(Down::Snapshot(Box::new(snapshot())));
        desk.hear(Down::Loads { loads: loads() });
        desk.hear(Down::Series(Box::new(series())));
        desk.hear(Down::Log(tail(LogSource::Agent("dev".into()), records(0..40))));
        desk.out.clear();
        desk.counts.clear();
        desk
    }

    pub fn new() -> Self {
        Self::at((80, 24), "terminal")
    }

    pub fn give(&mut self, input: Input) -> &mut Self {
        for out in update(&mut self.ui, self.now_ms, input) {
            match out {
                Out::Send(up @ Up::Count { .. }) => self.counts.push(up),
                out => self.out.push(out),
            }
        }
        self
    }

    pub fn hear(&mut self, message: Down) -> &mut Self {
        self.give(Input::Down(message))
    }

    /// Presses keys, a second apart so that no dialog guards itself: `"j j Enter"`, and `'text'`
    /// types each character.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        for word in split(keys) {
            match word.strip_prefix('\'').and_then(|word| word.strip_suffix('\'')) {
                Some(text) => {
                    for c in text.chars() {
                        self.chord(Chord {
                            code: crossterm::event::KeyCode::Char(c),
                            ctrl: false,
                            alt: false,
                        });
                    }
                }
                None => self.chord(Chord::parse(&word).unwrap()),
            }
        }
        self
    }

    fn chord(&mut self, chord: Chord) {
        self.now_ms += 1_000;
        let modifiers = if chord.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        self.give(Input::Key(KeyEvent::new(chord.code, modifiers)));
    }

    pub fn wait(&mut self, ms: i64) -> &mut Self {
        self.now_ms += ms;
        self.give(Input::Tick)
    }

    /// What was asked of the host since the last look, without pages of the past, and without the
    /// numbers of requests for logs.
    pub fn sent(&mut self) -> Vec<Up> {
        let mut sent = self.asks();
        for up in &mut sent {
            if let Up::Tail { ask, .. } | Up::At { ask, .. } = up {
                *ask = 0;
            }
        }
        sent
    }

    /// The same with the numbers.
    pub fn asks(&mut self) -> Vec<Up> {
        self.ups().into_iter().filter(|up| !matches!(up, Up::Page(_))).collect()
    }

    /// The pages of the past among them.
    pub fn pages(&mut self) -> Vec<PageQuery> {
        let page = |up| if let Up::Page(query) = up { Some(query) } else { None };
        self.ups().into_iter().filter_map(page).collect()
    }

    fn ups(&mut self) -> Vec<Up> {
        let out = std::mem::take(&mut self.out);
        out.into_iter()
            .filter_map(|out| if let Out::Send(up) = out { Some(up) } else { None })
            .collect()
    }

    /// The commands among them.
    pub fn commands(&mut self) -> Vec<Command> {
        let submits = self.sent().into_iter();
        submits
            .filter_map(|up| if let Up::Submit { command, .. } = up { Some(command) } else { None })
            .collect()
    }

    pub fn screen(&self) -> String {
        text(&crate::view::buffer(&self.ui))
    }

    pub fn row(&self, y: u16) -> String {
        self.screen().lines().nth(usize::from(y)).unwrap().to_owned()
    }

    pub fn last_row(&self) -> String {
        self.row(self.ui.size.1 - 1)
    }

    pub fn selected(&self) -> &str {
        self.ui.table(self.ui.focus()).selected.as_deref().unwrap_or("-")
    }
}

/// Words, with what stands between quotes as one.
fn split(keys: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in keys.chars() {
        quoted ^= c == '\'';
        match c {
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The cells of a buffer as lines without trailing blanks.
pub fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buf.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buf.area.width {
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol).max(1)).unwrap();
        }
        writeln!(out, "{}", line.trim_end()).unwrap();
    }
    out
}

/// Text, then one letter per distinct style of each cell, then what the letters mean.
pub fn styled(buf: &Buffer) -> String {
    let mut known = vec![(ratatui::style::Style::reset(), '.')];
    let mut map = String::new();
    for y in 0..buf.area.height {
        let mut line = String::new();
        for x in 0..buf.area.width {
            let style = buf[(x, y)].style();
            let plain = style.fg == Some(ratatui::style::Color::Reset)
                && style.bg == Some(ratatui::style::Color::Reset)
                && style.add_modifier.is_empty();
            let found = known.iter().find(|(seen, _)| *seen == style).map(|(_, letter)| *letter);
            line.push(if plain {
                '.'
            } else {
                found.unwrap_or_else(|| {
                    let letter = char::from(b'a' + u8::try_from(known.len() - 1).unwrap());
                    known.push((style, letter));
                    letter
                })
            });
        }
        writeln!(map, "{}", line.trim_end_matches('.')).unwrap();
    }
    let mut legend = String::new();
    for (style, letter) in &known[1..] {
        let colors =
            [style.fg, style.bg].map(|color| color.map_or("-".into(), |c| format!("{c:?}")));
        writeln!(legend, "{letter} {} on {} {:?}", colors[0], colors[1], style.add_modifier)
            .unwrap();
    }
    format!("{}\n{map}\n{legend}", text(buf))
}
