//! `al start -H`: one readable line per event.

use std::io::Write;

use crate::engine::{Change, Mirror, trigger_words};
use crate::scheduler::model::ReceiptOutcome;
use crate::scheduler::{Pause, Receipt, Run, RunState, Scope, Why};

use super::paint::{Paint, Tone, safe};

/// The line of a change, or none when it says nothing new to a person.
pub fn line(mirror: &Mirror, change: &Change, paint: Paint) -> Option<String> {
    match change {
        Change::Run(run) => run_line(run, paint),
        Change::Receipt(receipt) => receipt_line(receipt, paint),
        Change::Paused(scope, pause) => Some(pause_line(scope, pause.as_ref(), paint)),
        Change::Draining => {
            let running = mirror.view.running();
            Some(said("scheduler", &format!("stopping, {running} running"), paint))
        }
        Change::Host | Change::Agent(_) => None,
    }
}

fn pause_line(scope: &Scope, pause: Option<&Pause>, paint: Paint) -> String {
    let who = match scope {
        Scope::Project => "scheduler",
        Scope::Agent(agent) => agent,
    };
    let what = match pause {
        Some(Pause { by, why: Some(why), .. }) => format!("by {by}: {}", safe(why)),
        Some(Pause { by, why: None, .. }) => format!("by {by}"),
        None => return said(who, "resumed", paint),
    };
    said(who, &format!("{} {what}", paint.on(Tone::Warn, "paused")), paint)
}

fn said(who: &str, what: &str, paint: Paint) -> String {
    format!("{}  {what}", paint.on(Tone::Strong, &format!("{who:<18}")))
}

fn run_line(run: &Run, paint: Paint) -> Option<String> {
    let why = run.why.sentence();
    let trigger = safe(&trigger_words(run.trigger.kind, &run.trigger.source, &run.trigger.summary));
    let what = match run.state {
        RunState::Queued => format!("queued: {why} ({trigger})"),
        RunState::Starting => return None,
        RunState::Running => match (&run.status, &run.stopping) {
            (_, Some(why)) => format!("ending: {}", why.sentence()),
            (Some(status), None) => format!("says: {}", safe(status)),
            (None, None) => format!("{} ({trigger})", paint.on(Tone::Good, "running")),
        },
        RunState::Succeeded => ended(run, paint.on(Tone::Good, "succeeded")),
        RunState::Failed => {
            format!("{}: {why}", ended(run, paint.on(Tone::Bad, "failed")))
        }
        RunState::TimedOut => format!("{}: {why}", paint.on(Tone::Bad, "timed out")),
        RunState::Killed => format!("{}: {why}", paint.on(Tone::Warn, "killed")),
        RunState::Dropped => format!("{}: {why}", paint.on(Tone::Warn, "dropped")),
    };
    Some(said(&run.id, &what, paint))
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
        ReceiptOutcome::Accepted => None,
        ReceiptOutcome::NoMatch => {
            Some(said("scheduler", &format!("{words}: {}", Why::NoMatch.sentence()), paint))
        }
        ReceiptOutcome::Skipped | ReceiptOutcome::Refused => {
            let reasons: Vec<String> = receipt
                .skipped
                .iter()
                .map(|(agent, why)| format!("{agent} skipped: {}", why.sentence()))
                .collect();
            let word = paint.on(Tone::Warn, "skipped");
            Some(said("scheduler", &format!("{word} {words}: {}", reasons.join("; ")), paint))
        }
    }
}

/// Writes a line with the time of day in front.
///
/// # Errors
/// When nobody reads any more.
pub fn print(out: &mut impl Write, clock: &str, line: &str, paint: Paint) -> std::io::Result<()> {
    writeln!(out, "{} {line}", paint.on(Tone::Dim, clock))
}
