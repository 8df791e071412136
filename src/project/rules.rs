//! The keys of an agent that say when runs start, in which order, which of them give way and which
//! are tried again.

use super::checks::Checks;
use super::model::{Missed, Overlap, Priority, Retry, RetryOn};
use super::problem::{Problem, Problems};
use super::tree::{Table, Tree};

/// Whether time alone starts the agent.
pub fn has_schedule(table: &Table) -> bool {
    table.node("schedule").is_some() || table.node("every").is_some()
}

pub fn missed(table: &Table) -> Missed {
    match table.text("missed") {
        Some("once") => Missed::Once,
        _ => Missed::Skip,
    }
}

pub fn overlap(table: &Table) -> Overlap {
    match table.text("overlap") {
        Some("queue") => Overlap::Queue,
        _ => Overlap::Skip,
    }
}

pub fn priority(table: &Table) -> Priority {
    match table.text("priority") {
        Some("low") => Priority::Low,
        Some("high") => Priority::High,
        _ => Priority::Normal,
    }
}

/// The template by which a newer run replaces an older one.
pub fn keep_latest(table: &Table) -> Option<&str> {
    let latest = table.text("keep") == Some("latest");
    table.text("key").or(table.text("lane")).filter(|_| latest)
}

pub fn retry(table: &Table) -> Retry {
    let otherwise = Retry::default();
    let Some(table) = table.table("retry") else { return otherwise };
    let on = match table.node("on").map(|n| &n.value) {
        Some(Tree::List(_)) => retry_on(&table.texts("on")),
        _ => otherwise.on,
    };
    Retry {
        attempts: table.int("attempts").unwrap_or(otherwise.attempts),
        backoff_ms: table.span_ms("backoff").unwrap_or(otherwise.backoff_ms),
        on,
    }
}

fn retry_on(words: &[String]) -> Vec<RetryOn> {
    let mut ends = Vec::new();
    for word in words {
        let end = match word.as_str() {
            "lost" => RetryOn::Lost,
            "timeout" => RetryOn::Timeout,
            "error" => RetryOn::Error,
            _ => continue,
        };
        if !ends.contains(&end) {
            ends.push(end);
        }
    }
    ends
}

/// Reports what these keys say that cannot be, or that nothing reads.
pub fn check(table: &Table, timezone: Option<&str>, checks: Checks<'_>, problems: &mut Problems) {
    check_schedule(table, timezone, checks, problems);
    for key in ["lane", "key"] {
        check_template(table, key, checks, problems);
    }
    check_keep(table, problems);
    for key in ["missed", "overlap"] {
        if let Some(entry) = table.entry(key).filter(|_| !has_schedule(table)) {
            let message = format!("`{key}` is about ticks, and this agent has no schedule");
            problems.push(
                Problem::error_at(&entry.key_at, message)
                    .code("key_unread")
                    .warning()
                    .hint("add `schedule = \"*/5 * * * *\"` or `every = \"5m\"`, or remove it"),
            );
        }
    }
}

fn check_schedule(
    table: &Table,
    timezone: Option<&str>,
    checks: Checks<'_>,
    problems: &mut Problems,
) {
    let Some(schedule) = table.entry("schedule") else { return };
    if let Some(every) = table.entry("every") {
        problems.push(
            Problem::error_at(&every.key_at, "an agent has `schedule` or `every`, not both")
                .code("schedule_twice")
                .and_at(&schedule.key_at)
                .hint("remove one of them"),
        );
    }
    let Tree::Text(text) = &schedule.node.value else { return };
    if let Err(why) = (checks.schedule)(text, timezone) {
        problems.push(
            Problem::error_at(&schedule.node.at, format!("bad schedule: {why}"))
                .code("schedule_bad")
                .hint(format!("try it: al cron {}", shell_quoted(text))),
        );
    }
}

fn check_template(table: &Table, key: &str, checks: Checks<'_>, problems: &mut Problems) {
    let Some(node) = table.node(key) else { return };
    let Tree::Text(template) = &node.value else { return };
    if let Err(why) = (checks.template)(template) {
        problems.push(
            Problem::error_at(&node.at, format!("bad `{key}`: {why}"))
                .code("template_bad")
                .hint(format!("a template is written like `{key} = \"{EXAMPLE}\"`")),
        );
    }
}

fn check_keep(table: &Table, problems: &mut Problems) {
    let latest = table.text("keep") == Some("latest");
    // Nothing is missed of a value that was reported.
    let unknown = table.is_bad("keep");
    match (table.entry("keep"), table.entry("key")) {
        (_, Some(key)) if !latest && !unknown => problems.push(
            Problem::error_at(&key.key_at, "`key` is read with `keep = \"latest\"` only")
                .code("key_unread")
                .warning()
                .hint("write `keep = \"latest\"` beside it, or remove it"),
        ),
        (Some(keep), None) if latest && table.node("lane").is_none() => problems.push(
            Problem::error_at(
                &keep.node.at,
                "`keep = \"latest\"` needs a `key` that tells runs apart",
            )
            .code("keep_without_key")
            .hint(format!("add `key = \"{EXAMPLE}\"`"))
            .hint("of those that wait with the same value, the newest stays"),
        ),
        _ => {}
    }
}

const EXAMPLE: &str = "{repo}#{number}";

fn shell_quoted(s: &str) -> String {
    let clean: String = s.chars().filter(|c| !c.is_control()).take(60).collect();
    format!("'{}'", clean.replace('\'', "'\\''"))
}
