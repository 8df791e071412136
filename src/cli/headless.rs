//! `al start -H`: one readable line per event.

use std::collections::HashMap;

use crate::engine::{Change, Mirror, refused_words, trigger_words};
use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::words::span;
use crate::scheduler::{Alert, Hold, Pause, Receipt, Run, RunState, Scope, Why};

use super::paint::{Paint, Tone, safe};

/// Remembers what was told of each live run, so that a change that a line does not show is not a
/// line.
#[derive(Debug, Default)]
pub struct Told(HashMap<String, String>);

impl Told {
    /// The line of a change, or none when it is the same as the last one of that run.
    pub fn line(&mut self, mirror: &Mirror, change: &Change, paint: Paint) -> Option<String> {
        let line = line(mirror, change, paint)?;
        let Change::Run(run) = change else { return Some(line) };
        if run.state.ended() {
            self.0.remove(&run.id);
            return Some(line);
        }
        let before = self.0.insert(run.id.clone(), line.clone());
        (before.as_ref() != Some(&line)).then_some(line)
    }
}

/// The line of a change, or none when it says nothing new to a person.
fn line(mirror: &Mirror, change: &Change, paint: Paint) -> Option<String> {
    match change {
        Change::Run(run) => run_line(run, paint),
        Change::Receipt(receipt) => receipt_line(receipt, paint),
        Change::Paused(scope, pause) => Some(pause_line(scope, pause.as_ref(), paint)),
        Change::Draining => {
            let running = mirror.view.running();
            Some(said("scheduler", &format!("stopping, {running} running"), paint))
        }
        Change::Added(agent) => Some(said(agent, "joined the project", paint)),
        Change::Redefined(agent) => {
            Some(said(agent, "changed; its next run is the new one", paint))
        }
        Change::Removed(agent) => Some(said(agent, "left the project", paint)),
        Change::Raised(alert) => Some(alert_line(alert, paint)),
        Change::Cleared(alert) => {
            let file = alert.fault.file.as_deref().unwrap_or(&alert.fault.message);
            Some(said("scheduler", &format!("mended: {}", safe(file)), paint))
        }
        Change::Host | Change::Agent(_) => None,
    }
}

/// What is to be mended, and what to do about it.
pub fn alert_line(alert: &Alert, paint: Paint) -> String {
    let hint = alert.fault.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
    let what = safe(&format!("{}{hint}", alert.fault.sentence()));
    said("scheduler", &format!("{} {what}", paint.on(Tone::Bad, "alert")), paint)
}

fn pause_line(scope: &Scope, pause: Option<&Pause>, paint: Paint) -> String {
    let who = match scope {
        Scope::Project => "scheduler",
        Scope::Agent(agent) => agent,
    };
    let Some(Pause { by, since, why, hold, until }) = pause else {
        return said(who, "resumed", paint);
    };
    let held = match hold {
        Hold::Pause => "paused",
        Hold::Drain => "draining",
        Hold::Stop => "stopped",
    };
    let lasts = until.map_or_else(String::new, |until| format!(" for {}", span(until - since)));
    let why = why.as_ref().map_or_else(String::new, |why| format!(": {}", safe(why)));
    said(who, &format!("{} by {by}{lasts}{why}", paint.on(Tone::Warn, held)), paint)
}

fn said(who: &str, what: &str, paint: Paint) -> String {
    format!("{}  {what}", paint.on(Tone::Strong, &format!("{who:<18}")))
}

fn run_line(run: &Run, paint: Paint) -> Option<String> {
    let why = safe(&run.why.sentence());
    let trigger = safe(&trigger_words(run.trigger.kind, &run.trigger.source, &run.trigger.summary));
    let what = match run.state {
        RunState::Queued => format!("queued: {why} ({trigger})"),
        RunState::Starting => return None,
        RunState::Running => match (&run.status, &run.stopping) {
            (_, Some(why)) => format!("ending: {}", safe(&why.sentence())),
            (Some(status), None) => format!("says: {}", safe(status)),
            (None, None) => format!("{} ({trigger})", paint.on(Tone::Good, "running")),
        },
        RunState::Waiting => format!("{}: {why}", paint.on(Tone::Warn, "waiting")),
        RunState::Succeeded => ended(run, paint.on(Tone::Good, "succeeded")),
        RunState::Failed => {
            format!("{}: {why}", ended(run, paint.on(Tone::Bad, "failed")))
        }
        RunState::TimedOut => reason("timed out", &why, Tone::Bad, paint),
        RunState::Killed => reason("killed", &why, Tone::Warn, paint),
        RunState::Dropped => reason("dropped", &why, Tone::Warn, paint),
    };
    Some(said(&run.id, &what, paint))
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
fn ended(run: &Run, word: String) -> String {
    let took = run.ended_at.zip(run.started_at).map_or_else(String::new, |(end, start)| {
        format!(" in {:.1} s", (end - start) as f64 / 1000.0)
    });
    let returned = run.return_value.as_deref().map_or_else(String::new, |value| {
        let first = value.lines().next().unwrap_or_default();
        let short: String = first.chars().take(60).collect();
        format!(", returned {}", safe(&short))
    });
    format!("{word}{took}{returned}")
}

/// Firings that led to a run are told by the run.
fn receipt_line(receipt: &Receipt, paint: Paint) -> Option<String> {
    let trigger = &receipt.trigger;
    let words = safe(&trigger_words(trigger.kind, &trigger.source, &trigger.summary));
    match receipt.outcome {
        // What came again was told.
        _ if receipt.last_at.is_some() => None,
        ReceiptOutcome::Accepted => None,
        ReceiptOutcome::Refused => {
            let word = paint.on(Tone::Bad, "refused");
            let how = safe(&refused_words(receipt));
            Some(said("scheduler", &format!("{word} {words}: {how}"), paint))
        }
        ReceiptOutcome::NoMatch => {
            Some(said("scheduler", &format!("{words}: {}", Why::NoMatch.sentence()), paint))
        }
        ReceiptOutcome::Skipped => {
            let reasons: Vec<String> = receipt
                .skipped
                .iter()
                .map(|(agent, why)| format!("{agent} skipped: {}", safe(&why.sentence())))
                .collect();
            let word = paint.on(Tone::Warn, "skipped");
            Some(said("scheduler", &format!("{word} {words}: {}", reasons.join("; ")), paint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Watch;
    use crate::scheduler::{ProjectRules, Trigger, TriggerKind, View};

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
        assert_eq!(line(&mirror(), &change, Paint::new(false)).as_deref(), expected);
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
        let mut tell = |run: &Run| told.line(&mirror, &Change::Run(Box::new(run.clone())), paint);
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
