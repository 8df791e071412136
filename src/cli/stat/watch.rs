//! `al stat --watch`: what changes, a line each, for eyes that read line by line and for programs.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::mpsc;

use al_wire::{AgentRow, AlertRow, Down, HostMode, HostRow, Link, Row, RunRow, Snapshot};

use super::StatArgs;
use crate::ambient::{self, Millis};
use crate::cli::carrier::{self, DOWN_WAITING, Session};
use crate::cli::paint::{Paint, Tone, safe};
use crate::cli::told::{self, SCHEDULER, Told, said};
use crate::cli::{Context, attach, output, start, times};
use crate::failure::Failure;

/// Prints how things stand, and then what a console would be told, until a signal comes.
///
/// # Errors
/// When no scheduler answers, or the output cannot be written.
pub fn run(args: &StatArgs, context: &Context) -> Result<ExitCode, Failure> {
    let aim = attach::aim(None, false, context)?;
    let tokio = start::tokio()?;
    let client = aim.client(context)?;
    let first =
        tokio.block_on(Session::open(&client.server())).map_err(|no| no.failure(&client))?;
    let mut signals = tokio.block_on(async { start::Signals::listen() })?;
    if !args.json {
        super::show(args, context)?;
        output::turned(print(""))?;
    }
    // Nothing is asked of the scheduler, but the carrier ends when nobody could ask.
    let (_up, said) = mpsc::channel();
    let (down, messages) = mpsc::sync_channel(DOWN_WAITING);
    tokio.spawn(carrier::carry(aim, context.clone(), first, carrier::in_async(said), down));

    let mut watcher = Watcher::new(args.agent.clone(), args.json, context.look.out);
    let (over, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let print = |message: Down| watcher.hear(message).iter().try_for_each(|line| print(line));
        let _ = over.send(messages.into_iter().try_for_each(print)); // nobody waits any more
    });
    tokio.block_on(async {
        tokio::select! {
            () = signals.recv() => Ok(ExitCode::SUCCESS),
            printed = ended => {
                output::turned(printed.unwrap_or(Ok(()))).map(|()| ExitCode::SUCCESS)
            }
        }
    })
}

/// A line, at once: there may be none after it for hours.
fn print(line: &str) -> io::Result<()> {
    let mut out = output::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

/// What programs are told: all that a console knows, and then what changes; of one agent, if only
/// that one is wanted.
fn json(mut message: Down, only: Option<&str>) -> Option<String> {
    let ours = |agent: &str| only.is_none_or(|only| only == agent);
    match &mut message {
        Down::Snapshot(told) => {
            told.agents.retain(|row| ours(&row.name));
            told.runs.retain(|row| ours(&row.agent));
            if only.is_some() {
                told.triggers.clear();
            }
        }
        Down::Delta(delta) => {
            delta.puts.retain(|row| match row {
                Row::Agent(row) => ours(&row.name),
                Row::AgentGone { name } => ours(name),
                Row::Run(row) => ours(&row.agent),
                Row::Trigger(_) => only.is_none(),
                Row::Host(_) | Row::Unknown => true,
            });
            if delta.puts.is_empty() {
                return None;
            }
        }
        Down::Lagged { .. } | Down::Link(Link::Lost { .. }) => {}
        _ => return None,
    }
    serde_json::to_string(&message).ok()
}

/// What was seen last.
struct Watcher {
    /// Nothing is told of others.
    agent: Option<String>,
    as_json: bool,
    paint: Paint,
    /// None before the first snapshot, of which nothing is told: it was printed as a table.
    host: Option<HostRow>,
    agents: HashMap<String, AgentRow>,
    runs: Told,
    /// When what was seen last was true.
    at_ms: Millis,
    /// The connection is lost, which was told.
    lost: bool,
}

impl Watcher {
    fn new(agent: Option<String>, as_json: bool, paint: Paint) -> Self {
        Self {
            agent,
            as_json,
            paint,
            host: None,
            agents: HashMap::new(),
            runs: Told::default(),
            at_ms: 0,
            lost: false,
        }
    }

    /// The lines of a message.
    fn hear(&mut self, message: Down) -> Vec<String> {
        let is_lost = matches!(message, Down::Link(Link::Lost { .. }));
        let is_back = self.lost && matches!(message, Down::Snapshot(_));
        // Each try to come back fails for a reason, and one is enough.
        if is_lost && self.lost {
            return Vec::new();
        }
        self.lost = is_lost || self.lost && !is_back;
        match self.as_json {
            true => json(message, self.agent.as_deref()).into_iter().collect(),
            false => self.words(&message, is_back),
        }
    }

    /// What a message says to a person.
    fn words(&mut self, message: &Down, is_back: bool) -> Vec<String> {
        let now_ms = ambient::now_ms();
        let (at_ms, lines) = match message {
            Down::Snapshot(snapshot) => {
                let back = is_back.then(|| said(SCHEDULER, "answers again", self.paint));
                (snapshot.at_ms, back.into_iter().chain(self.all(snapshot)).collect())
            }
            Down::Delta(delta) => {
                (delta.at_ms, delta.puts.iter().flat_map(|row| self.row(row)).collect())
            }
            Down::Lagged { skipped } => {
                let what = format!("{skipped} messages came too fast and are left out");
                (now_ms, vec![said(SCHEDULER, &what, self.paint)])
            }
            Down::Link(Link::Lost { why }) => {
                let what = format!("{}: {}", self.paint.on(Tone::Bad, "lost"), safe(why));
                (now_ms, vec![said(SCHEDULER, &what, self.paint)])
            }
            _ => return Vec::new(),
        };
        let clock = self.paint.on(Tone::Dim, &times::clock(at_ms));
        lines.into_iter().map(|line| format!("{clock} {line}")).collect()
    }

    /// What a whole picture says that was not told yet.
    fn all(&mut self, told: &Snapshot) -> Vec<String> {
        let (first, since_ms) = (self.host.is_none(), self.at_ms);
        self.at_ms = told.at_ms;
        let mut lines = self.host(&told.host);
        let gone = |name: &&String| !told.agents.iter().any(|row| row.name == **name);
        for name in self.agents.keys().filter(gone).cloned().collect::<Vec<_>>() {
            lines.extend(self.left(&name));
        }
        lines.extend(told.agents.iter().flat_map(|row| self.agent(row)));
        // The newest is first there. What ended before the last look was told then.
        let is_new = |row: &&RunRow| row.ended_ms.is_none_or(|ended| ended > since_ms);
        lines.extend(told.runs.iter().rev().filter(is_new).filter_map(|row| self.run(row)));
        if first { Vec::new() } else { lines }
    }

    fn row(&mut self, row: &Row) -> Vec<String> {
        match row {
            Row::Host(row) => self.host(row),
            Row::Agent(row) => self.agent(row),
            Row::AgentGone { name } => self.left(name).into_iter().collect(),
            Row::Run(row) => self.run(row).into_iter().collect(),
            // What came to nothing is nobody's, unless somebody asks for all.
            Row::Trigger(row) if self.agent.is_none() => {
                told::trigger(row, self.paint).into_iter().collect()
            }
            Row::Trigger(_) | Row::Unknown => Vec::new(),
        }
    }

    fn host(&mut self, row: &HostRow) -> Vec<String> {
        let Some(before) = self.host.replace(row.clone()) else { return Vec::new() };
        let mut lines = Vec::new();
        if before.paused != row.paused {
            lines.push(told::pause(SCHEDULER, row.paused.as_ref(), self.paint));
        }
        if before.mode != row.mode && row.mode == HostMode::Draining {
            let running = self.agents.values().map(|row| row.running).sum();
            lines.push(told::stopping(running, self.paint));
        }
        let ours = |alert: &&AlertRow| {
            self.agent.is_none() || alert.agent.is_none() || alert.agent == self.agent
        };
        let has = |row: &HostRow, alert: &AlertRow| row.alerts.iter().any(|a| a.key == alert.key);
        let raised = row.alerts.iter().filter(ours).filter(|alert| !has(&before, alert));
        lines.extend(raised.map(|alert| told::alert(alert, self.paint)));
        let cleared = before.alerts.iter().filter(ours).filter(|alert| !has(row, alert));
        lines.extend(cleared.map(|alert| told::mended(alert, self.paint)));
        lines
    }

    fn agent(&mut self, row: &AgentRow) -> Vec<String> {
        if !self.ours(&row.name) {
            return Vec::new();
        }
        let (name, paint) = (&row.name, self.paint);
        let Some(before) = self.agents.insert(name.clone(), row.clone()) else {
            return vec![told::joined(name, paint)];
        };
        let mut lines = Vec::new();
        if before.paused != row.paused {
            lines.push(told::pause(name, row.paused.as_ref(), paint));
        }
        if before.scale != row.scale {
            let what = format!("at most {} at once, before {}", row.scale, before.scale);
            lines.push(said(name, &what, paint));
        }
        if before.error != row.error {
            let what = match &row.error {
                Some(error) => format!("{}: {}", paint.on(Tone::Bad, "invalid"), safe(error)),
                None => "valid again".to_owned(),
            };
            lines.push(said(name, &what, paint));
        }
        lines
    }

    fn left(&mut self, name: &str) -> Option<String> {
        self.agents.remove(name).map(|_| told::left(name, self.paint))
    }

    fn run(&mut self, row: &RunRow) -> Option<String> {
        if self.ours(&row.agent) { self.runs.run(row, self.paint) } else { None }
    }

    fn ours(&self, agent: &str) -> bool {
        self.agent.as_deref().is_none_or(|own| own == agent)
    }
}

#[cfg(test)]
mod tests {
    use al_wire::{Hold, PauseRow, RunState, VERSION};
    use serde_json::json;

    use super::*;

    fn host() -> HostRow {
        serde_json::from_value(json!({
            "project": "shop", "environment": null, "gateway": null, "mode": "running",
            "paused": null, "scale": null, "started_ms": 0, "version": "0.1.0", "pid": 1,
        }))
        .unwrap()
    }

    fn agent(name: &str) -> AgentRow {
        serde_json::from_value(json!({
            "name": name, "state": "idle", "running": 0, "scale": 1, "queued": 0,
            "queue_bound": 20, "triggers": [], "engine": "script", "runtime": "process",
            "timeout_s": 60,
        }))
        .unwrap()
    }

    fn run(id: &str, state: RunState, ended_ms: Option<i64>) -> RunRow {
        let row = json!({
            "id": id, "agent": "dev", "state": state, "why": "exit code 3", "trigger": "schedule",
            "attempt": 1, "queued_ms": 0, "started_ms": 1_000, "ended_ms": ended_ms,
        });
        serde_json::from_value(row).unwrap()
    }

    fn snapshot(at_ms: i64, agents: Vec<AgentRow>, runs: Vec<RunRow>) -> Snapshot {
        Snapshot { v: VERSION, seq: 1, at_ms, host: host(), agents, runs, triggers: Vec::new() }
    }

    fn check(watcher: &mut Watcher, message: Down, expected: &[&str]) {
        let lines = watcher.hear(message);
        let said: Vec<&str> = lines.iter().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(said, expected);
    }

    fn watcher(told: Snapshot) -> Watcher {
        let mut watcher = Watcher::new(None, false, Paint::new(false));
        check(&mut watcher, Down::Snapshot(Box::new(told)), &[]);
        watcher
    }

    #[test]
    fn after_a_gap_only_what_changed_is_told() {
        let runs = vec![
            run("dev-2", RunState::Running, None),
            run("dev-1", RunState::Failed, Some(4_000)),
        ];
        let mut watcher = watcher(snapshot(5_000, vec![agent("dev"), agent("ops")], runs));
        let lost = Link::Lost { why: "it was\x1b[2J restarted".into() };
        check(
            &mut watcher,
            Down::Link(lost.clone()),
            &["scheduler           lost: it was [2J restarted"],
        );
        check(&mut watcher, Down::Link(lost), &[]);
        let runs = vec![
            run("dev-3", RunState::Running, None),
            run("dev-2", RunState::Failed, Some(7_000)),
            run("dev-1", RunState::Failed, Some(4_000)),
        ];
        let told = snapshot(9_000, vec![agent("dev"), agent("qa")], runs);
        check(
            &mut watcher,
            Down::Snapshot(Box::new(told)),
            &[
                "scheduler           answers again",
                "ops                 left the project",
                "qa                  joined the project",
                "dev-2               failed in 6.0 s: exit code 3",
                "dev-3               running (schedule)",
            ],
        );
    }

    #[test]
    fn agents_and_the_scheduler_are_told_by_what_became_different() {
        let mut watcher = watcher(snapshot(0, vec![agent("dev")], Vec::new()));
        let mut puts = |row: Row, expected: &[&str]| {
            let delta = al_wire::Delta { seq: 2, at_ms: 0, puts: vec![row] };
            check(&mut watcher, Down::Delta(delta), expected);
        };
        puts(Row::Agent(AgentRow { running: 1, ..agent("dev") }), &[]);
        let draining = HostRow { mode: HostMode::Draining, ..host() };
        puts(Row::Host(draining), &["scheduler           stopping, 1 running"]);
        puts(Row::Host(host()), &[]);
        let invalid = AgentRow { error: Some("config.toml:3: no".into()), ..agent("dev") };
        puts(Row::Agent(invalid), &["dev                 invalid: config.toml:3: no"]);
        puts(Row::Agent(agent("dev")), &["dev                 valid again"]);
        puts(Row::AgentGone { name: "dev".into() }, &["dev                 left the project"]);
        let pause = PauseRow {
            by: "ann".into(),
            since_ms: 0,
            why: None,
            hold: Hold::Drain,
            until_ms: Some(60_000),
        };
        let alert = AlertRow {
            key: "k".into(),
            at_ms: 0,
            agent: None,
            message: "no key".into(),
            hint: Some("add one".into()),
            file: Some("config.toml".into()),
            line: Some(2),
        };
        let held = HostRow { paused: Some(pause), alerts: vec![alert], ..host() };
        puts(
            Row::Host(held),
            &[
                "scheduler           draining by ann for 1m",
                "scheduler           alert config.toml:2: no key (add one)",
            ],
        );
        puts(
            Row::Host(host()),
            &["scheduler           resumed", "scheduler           mended: config.toml"],
        );
    }
}
