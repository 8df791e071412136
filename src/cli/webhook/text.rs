//! An explanation for people: marks with words, so that colours and signs say nothing alone.

use std::fmt::Write as _;

use super::super::output::Look;
use super::super::paint::{Tone, safe};
use super::super::table::{Fit, cut};
use crate::triggers::{Context, Explained, Found, Report, Verdict};

/// Columns of the names on the left.
const NAMES: usize = 12;

/// What was understood, and who wants it.
pub fn report(report: &Report, look: Look) -> String {
    let mut text = String::new();
    let mut fact = |name: &str, value: &str| {
        let value = cut(&safe(value), look.width.saturating_sub(NAMES), Fit::End);
        let _ = writeln!(text, "{}{value}", look.out.on(Tone::Dim, &format!("{name:<NAMES$}")));
    };
    fact("source", &report.source);
    match &report.context {
        Some(context) => facts(context).iter().for_each(|(name, value)| fact(name, value)),
        None => fact("event", "nothing that an agent can be started by"),
    }
    text.push('\n');
    if report.bindings.is_empty() {
        text.push_str("no agent of the project listens to webhooks: al help webhooks\n");
    }
    for binding in &report.bindings {
        text.push_str(&one(binding, look));
    }
    text
}

fn facts(context: &Context) -> Vec<(&'static str, String)> {
    let text = |value: &Option<String>| value.clone();
    let all = [
        ("event", Some(context.event.clone())),
        ("action", text(&context.action)),
        ("repo", Some(context.repo.clone()).filter(|repo| !repo.is_empty())),
        ("number", context.number.map(|number| number.to_string())),
        ("title", text(&context.title)),
        ("url", text(&context.url)),
        ("labels", context.labels.as_ref().filter(|l| !l.is_empty()).map(|l| l.join(", "))),
        ("branch", text(&context.branch)),
        ("conclusion", text(&context.conclusion)),
        ("author", text(&context.author)),
        ("assignee", text(&context.assignee)),
        ("comment", text(&context.comment)),
        ("body", text(&context.body)),
        ("sender", Some(context.sender.clone())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn one(binding: &Explained, look: Look) -> String {
    let (sign, tone, word) = match binding.matched {
        true => ("✓", Tone::Good, "matches"),
        false => ("✗", Tone::Bad, "does not match"),
    };
    let mut name = safe(&binding.agent);
    if binding.binding > 0 {
        let _ = write!(name, ", webhook {}", binding.binding + 1);
    }
    let mut text = format!("{} {name} {word}\n", look.out.on(tone, sign));
    if binding.filters.is_empty() {
        for reason in &binding.reasons {
            let reason = cut(&safe(reason), look.width.saturating_sub(4), Fit::End);
            let _ = writeln!(text, "    {}", look.out.on(Tone::Dim, &reason));
        }
    }
    for verdict in &binding.filters {
        text.push_str(&condition(verdict, look));
    }
    text
}

fn condition(verdict: &Verdict, look: Look) -> String {
    let (sign, tone, word) = match verdict.passes {
        true => ("✓", Tone::Good, "passes"),
        false => ("✗", Tone::Bad, "fails"),
    };
    let wanted = verdict.wanted.join(" or ");
    let said = match (&verdict.found, verdict.passes) {
        (Found::Nothing(()), true) => format!("the event has none, and may ({wanted})"),
        (found, _) => format!("found {found}, wanted {wanted}"),
    };
    let said = safe(&said);
    let said = cut(&said, look.width.saturating_sub(4 + 2 + NAMES + 1 + 8), Fit::End);
    format!("    {} {:<NAMES$} {word:<7} {said}\n", look.out.on(tone, sign), verdict.field)
}

/// What a scheduler made of it.
pub fn started(runs: &[String], skipped: usize) -> String {
    let mut text = String::new();
    if !runs.is_empty() || skipped > 0 {
        text.push('\n');
    }
    for run in runs {
        let _ = writeln!(text, "{} is accepted; follow it: al logs {0} -f", safe(run));
    }
    if skipped > 0 {
        let _ = writeln!(text, "{skipped} of the matches could not take it: al triggers");
    }
    text
}
