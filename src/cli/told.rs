//! What happens, one line for each event: for whoever reads instead of looking, with `al start -H` and
//! `al stat --watch`.

use std::collections::HashMap;

use al_wire::{AlertRow, Outcome, PauseRow, RunRow, RunState, TriggerRow};

use super::paint::{Paint, Tone, safe};
use super::table::{Fit, cut};
use crate::engine::{self, Change, Mirror, Repeats};
use crate::scheduler::words::span;
use crate::scheduler::{ReceiptState, Scope};

/// Remembers what was told of each live run, so that a change that a line does not show is not a
/// line.
#[derive(Debug, Default)]
pub struct Told(HashMap<String, String>);

impl Told {
    /// The line of a change, or none when it says nothing new to a person.
    pub fn change(&mut self, mirror: &Mirror, change: &Change, paint: Paint) -> Option<String> {
        match change {
            Change::Run(run) => {
                self.run(&engine::run_row(run, Repeats::of(&mirror.view, &run.agent)), paint)
            }
            Change::Receipt(receipt) => {
                let state = ReceiptState::of(receipt.outcome, []);
                trigger(&engine::trigger_row(receipt, state), paint)
            }
            Change::Paused(scope, held) => {
                let who = match scope {
                    Scope::Project => SCHEDULER,
                    Scope::Agent(agent) => agent,
                };
                Some(pause(who, held.as_ref().map(engine::pause_row).as_ref(), paint))
            }
            Change::Draining => Some(stopping(mirror.view.running(), paint)),
            Change::Added(agent) => Some(joined(agent, paint)),
            Change::Redefined(agent) => {
                Some(said(agent, "changed; its next run is the new one", paint))
            }
            Change::Removed(agent) => Some(left(agent, paint)),
            Change::Raised(raised) => Some(alert(&engine::alert_row(raised), paint)),
            Change::Cleared(cleared) => Some(mended(&engine::alert_row(cleared), paint)),
            Change::Host | Change::Agent(_) => None,
        }
    }

    /// The line of a run, or none when it is the same as the last one.
    pub fn run(&mut self, row: &RunRow, paint: Paint) -> Option<String> {
        let line = run(row, paint)?;
        if row.state.ended() {
            self.0.remove(&row.id);
            return Some(line);
        }
        let before = self.0.insert(row.id.clone(), line.clone());
        (before.as_ref() != Some(&line)).then_some(line)
    }
}

/// Columns that a returned value may take.
const RETURNED: usize = 60;

/// Who speaks where no agent and no run does.
pub const SCHEDULER: &str = "scheduler";

pub fn said(who: &str, what: &str, paint: Paint) -> String {
    format!("{}  {what}", paint.on(Tone::Strong, &format!("{:<18}", safe(who))))
}

pub fn joined(agent: &str, paint: Paint) -> String {
    said(agent, "joined the project", paint)
}

pub fn left(agent: &str, paint: Paint) -> String {
    said(agent, "left the project", paint)
}

pub fn stopping(running: u32, paint: Paint) -> String {
    said(SCHEDULER, &format!("stopping, {running} running"), paint)
}

/// What is to be mended, and what to do about it.
pub fn alert(alert: &AlertRow, paint: Paint) -> String {
    let hint = alert.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
    let what = safe(&format!("{}{hint}", alert.sentence()));
    said(SCHEDULER, &format!("{} {what}", paint.on(Tone::Bad, "alert")), paint)
}

pub fn mended(alert: &AlertRow, paint: Paint) -> String {
    let what = alert.file.as_deref().unwrap_or(&alert.message);
    said(SCHEDULER, &format!("mended: {}", safe(what)), paint)
}

/// That it is held back, or no longer.
pub fn pause(who: &str, pause: Option<&PauseRow>, paint: Paint) -> String {
    let Some(PauseRow { by, since_ms, why, hold, until_ms }) = pause else {
        return said(who, "resumed", paint);
    };
    let lasts =
        until_ms.map_or_else(String::new, |until| format!(" for {}", span(until - since_ms)));
    let why = why.as_ref().map_or_else(String::new, |why| format!(": {}", safe(why)));
    let held = paint.on(Tone::Warn, hold.word());
    said(who, &format!("{held} by {}{lasts}{why}", safe(by)), paint)
}

fn run(row: &RunRow, paint: Paint) -> Option<String> {
    let (why, trigger) = (safe(&row.why), safe(&row.trigger));
    let what = match row.state {
        RunState::Queued => format!("queued: {why} ({trigger})"),
        RunState::Starting | RunState::Unknown => return None,
        // Its reason says that it is.
        RunState::Running if row.stopping => why,
        RunState::Running => match &row.status_text {
            Some(status) => format!("says: {}", safe(status)),
            None => format!("{} ({trigger})", paint.on(Tone::Good, "running")),
        },
        RunState::Waiting => format!("{}: {why}", paint.on(Tone::Warn, "waiting")),
        RunState::Succeeded => ended(row, paint.on(Tone::Good, "succeeded")),
        RunState::Failed => format!("{}: {why}", ended(row, paint.on(Tone::Bad, "failed"))),
        RunState::TimedOut => reason("timed out", &why, Tone::Bad, paint),
        RunState::Killed => reason("killed", &why, Tone::Warn, paint),
        RunState::Dropped => reason("dropped", &why, Tone::Warn, paint),
    };
    Some(said(&row.id, &what, paint))
}

/// The word and the reason, which often begins with the same word.
fn reason(word: &str, why: &str, tone: Tone, paint: Paint) -> String {
    let word_on = paint.on(tone, word);
    match why.strip_prefix(word) {
        Some(rest) => format!("{word_on}{rest}"),
        None => format!("{word_on}: {why}"),
    }
}

/// The word, how long it took, and what was returned.
fn ended(row: &RunRow, word: String) -> String {
    let took = row.ended_ms.zip(row.started_ms).map_or_else(String::new, |(end, start)| {
        format!(" in {:.1} s", (end - start) as f64 / 1000.0)
    });
    let returned = row.return_value.as_deref().map_or_else(String::new, |value| {
        let first = value.lines().next().unwrap_or_default();
        format!(", returned {}", safe(&cut(first, RETURNED, Fit::End)))
    });
    format!("{word}{took}{returned}")
}

/// What came of a firing; those that led to a run are told by the run.
pub fn trigger(row: &TriggerRow, paint: Paint) -> Option<String> {
    // What came again was told.
    if row.last_ms.is_some() {
        return None;
    }
    let source = if row.source == "rerun" { String::new() } else { format!("{} ", row.source) };
    let (what, why) = (format!("{source}{}", row.summary), safe(&row.why));
    let what = safe(&what);
    let line = match row.outcome {
        Outcome::Refused => format!("{} {what}: {why}", paint.on(Tone::Bad, "refused")),
        Outcome::Skipped => format!("{} {what}: {why}", paint.on(Tone::Warn, "skipped")),
        Outcome::NoMatch => format!("{what}: {why}"),
        Outcome::Accepted
        | Outcome::Started
        | Outcome::Queued
        | Outcome::Dropped
        | Outcome::Duplicate
        | Outcome::Unknown => return None,
    };
    Some(said(SCHEDULER, &line, paint))
}

#[cfg(test)]
mod tests {
    use super::{Change, Mirror, Paint, Scope, Told};
    use crate::engine::Watch;
    use crate::scheduler::{
        Hold, Pause, ProjectRules, Run, RunState, Trigger, TriggerKind, View, Why,
    };

    fn run(state: RunState, why: Why) -> Change {
        let trigger = Trigger {
            kind: TriggerKind::Webhook,
            source: "github".into(),
            summary: "issues opened acme/api#12".into(),
        };
        Change::Run(Box::new(Run {
            state,
            why,
            attempt: 1,
            started_at: Some(1000),
            ended_at: Some(4200),
            ..Run::accepted(1, "dev-1a2b3c4d".into(), "dev", trigger, 0)
        }))
    }

    fn mirror() -> Mirror {
        let (_, commits) = tokio::sync::broadcast::channel(1);
        Mirror::new(
            &Watch { seq: 0, view: View::new(ProjectRules::default()), commits },
            Default::default(),
        )
    }

    fn check(change: Change, expected: Option<&str>) {
        let line = Told::default().change(&mirror(), &change, Paint::new(false));
        assert_eq!(line.as_deref(), expected);
    }

    #[test]
    fn a_run_is_told_in_one_line_per_state() {
        check(
            run(RunState::Queued, Why::AgentBusy { running: 2, scale: 2 }),
            Some(
                "dev-1a2b3c4d        queued: waiting for a slot: 2 of 2 are taken \
                 (github issues opened acme/api#12)",
            ),
        );
        check(run(RunState::Starting, Why::SlotFree), None);
        check(
            run(RunState::Running, Why::Started),
            Some("dev-1a2b3c4d        running (github issues opened acme/api#12)"),
        );
        check(
            run(RunState::Failed, Why::Exited { code: 3 }),
            Some("dev-1a2b3c4d        failed in 3.2 s: exit code 3"),
        );
        check(
            run(RunState::Killed, Why::KilledBy { by: "ann".into() }),
            Some("dev-1a2b3c4d        killed by ann"),
        );
    }

    #[test]
    fn the_same_is_not_told_twice() {
        let (mut told, mirror, paint) = (Told::default(), mirror(), Paint::new(false));
        let Change::Run(mut saying) = run(RunState::Running, Why::Started) else { return };
        saying.status = Some("half way".into());
        let mut tell = |run: &Run| told.change(&mirror, &Change::Run(Box::new(run.clone())), paint);
        assert!(tell(&saying).is_some());
        // What it returns is told at its end.
        saying.return_value = Some("42".into());
        assert_eq!(tell(&saying), None);
        saying.status = Some("nearly".into());
        assert!(tell(&saying).is_some());
    }

    #[test]
    fn what_a_run_says_cannot_drive_the_terminal() {
        let Change::Run(mut said) = run(RunState::Running, Why::Started) else { return };
        said.status = Some("50 %\x1b[2J".into());
        check(Change::Run(said), Some("dev-1a2b3c4d        says: 50 % [2J"));
    }

    #[test]
    fn pauses_are_told_when_they_begin_and_end() {
        let pause = Pause::begin("ann", 0, Some("deploy".into()));
        check(
            Change::Paused(Scope::Agent("dev".into()), Some(pause)),
            Some("dev                 paused by ann: deploy"),
        );
        let drain =
            Pause { hold: Hold::Drain, until: Some(7_200_000), ..Pause::begin("ann", 0, None) };
        check(
            Change::Paused(Scope::Project, Some(drain)),
            Some("scheduler           draining by ann for 2h"),
        );
        check(Change::Paused(Scope::Project, None), Some("scheduler           resumed"));
        check(Change::Draining, Some("scheduler           stopping, 0 running"));
    }
}
