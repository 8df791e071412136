//! The first and the last sentence of a run in the log.

use serde_json::Value;

use crate::log::Level;
use crate::runtime::{Exit, ExitWhy};

/// A trigger in a few words: `github issues opened`, `schedule`, `called by planner`.
pub(super) fn trigger_words(trigger: &Value) -> String {
    let text = |key: &str| trigger.get(key).and_then(Value::as_str).filter(|s| !s.is_empty());
    match text("type") {
        Some("webhook") => {
            let words: Vec<&str> =
                ["source", "event", "action"].into_iter().filter_map(text).collect();
            if words.is_empty() { "webhook".to_owned() } else { words.join(" ") }
        }
        Some("agent-trigger") => match text("sourceAgent") {
            Some(caller) => format!("called by {caller}"),
            None => "called by an agent".to_owned(),
        },
        Some(kind) => kind.to_owned(),
        None => "manual".to_owned(),
    }
}

/// How it ended. A stop was wanted, so it is no error.
pub(super) fn sentence(exit: &Exit) -> (Level, String) {
    let took = duration(exit.ended_ms - exit.started_ms);
    match (&exit.why, exit.signal, exit.exit_signal, exit.code) {
        (ExitWhy::CannotExecute { message }, ..) => {
            (Level::Error, format!("run could not start: {message}"))
        }
        (ExitWhy::TimedOut { after_s }, ..) => {
            (Level::Error, format!("run ended at its time limit of {after_s}s"))
        }
        (ExitWhy::Stopped, ..) => (Level::Info, format!("run stopped after {took}")),
        (ExitWhy::OutOfMemory { limit_bytes }, ..) => {
            let limit = megabytes(*limit_bytes);
            (
                Level::Error,
                format!("run ended after {took}: it needed more than its {limit} of memory"),
            )
        }
        (ExitWhy::Lost, ..) => (Level::Error, format!("run lost after {took}")),
        (ExitWhy::Exited, Some(signal), ..) => {
            (Level::Error, format!("run ended by signal {signal} after {took}"))
        }
        (ExitWhy::Exited, None, Some(code), _) => {
            (Level::Error, format!("run ended with al-exit {code} after {took}"))
        }
        (ExitWhy::Exited, None, None, Some(0)) if exit.rerun => {
            (Level::Info, format!("run succeeded in {took} and asks to be run again"))
        }
        (ExitWhy::Exited, None, None, Some(0)) => (Level::Info, format!("run succeeded in {took}")),
        (ExitWhy::Exited, None, None, Some(code)) => {
            (Level::Error, format!("run failed with exit code {code} after {took}"))
        }
        (ExitWhy::Exited, None, None, None) => {
            (Level::Error, format!("run ended after {took}, nobody saw how"))
        }
    }
}

/// `512 MB`
fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}

/// `1.2s`, `3m 05s`, `2h 07m`.
fn duration(ms: i64) -> String {
    let (ms, s) = (ms.max(0), ms.max(0) / 1000);
    match s {
        0 => format!("0.{:02}s", ms / 10),
        1..60 => format!("{}.{}s", s, ms % 1000 / 100),
        60..3600 => format!("{}m {:02}s", s / 60, s % 60),
        _ => format!("{}h {:02}m", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_trigger_is_told_in_a_few_words() {
        for (trigger, words) in [
            (
                json!({"type": "webhook", "source": "github", "event": "issues", "action": "opened"}),
                "github issues opened",
            ),
            (json!({"type": "webhook", "source": "github", "event": "push"}), "github push"),
            (json!({"type": "webhook"}), "webhook"),
            (json!({"type": "schedule"}), "schedule"),
            (
                json!({"type": "agent-trigger", "sourceAgent": "planner", "caller": "planner-1"}),
                "called by planner",
            ),
            (json!({"type": "agent-trigger"}), "called by an agent"),
            (json!({}), "manual"),
            (json!(null), "manual"),
        ] {
            assert_eq!(trigger_words(&trigger), words);
        }
    }

    #[test]
    fn an_end_is_told_in_one_sentence() {
        let exit = |why, code| Exit::bare(why, code, 1_000, 2_250);
        let ended = |code| exit(ExitWhy::Exited, Some(code));
        let message = "not executable: run `chmod +x agents/a/run.sh`".to_owned();
        for (exit, level, msg) in [
            (ended(0), Level::Info, "run succeeded in 1.2s"),
            (
                Exit { rerun: true, ..ended(0) },
                Level::Info,
                "run succeeded in 1.2s and asks to be run again",
            ),
            (ended(3), Level::Error, "run failed with exit code 3 after 1.2s"),
            (
                Exit { exit_signal: Some(12), ..ended(0) },
                Level::Error,
                "run ended with al-exit 12 after 1.2s",
            ),
            (
                Exit { signal: Some(9), ..ended(137) },
                Level::Error,
                "run ended by signal 9 after 1.2s",
            ),
            (
                exit(ExitWhy::TimedOut { after_s: 900 }, Some(124)),
                Level::Error,
                "run ended at its time limit of 900s",
            ),
            (exit(ExitWhy::Stopped, Some(143)), Level::Info, "run stopped after 1.2s"),
            (
                exit(ExitWhy::CannotExecute { message }, Some(126)),
                Level::Error,
                "run could not start: not executable: run `chmod +x agents/a/run.sh`",
            ),
        ] {
            assert_eq!(sentence(&exit), (level, msg.to_owned()));
        }
    }

    #[test]
    fn durations_are_short() {
        for (ms, text) in [
            (-5, "0.00s"),
            (43, "0.04s"),
            (1_299, "1.2s"),
            (59_999, "59.9s"),
            (65_000, "1m 05s"),
            (7_620_000, "2h 07m"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }
}
