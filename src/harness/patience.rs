//! When an agent gets nowhere: the same call fails again and again, or everything is forbidden.

use crate::llm::{Arguments, Call};

/// The same call may fail so often before the model is told that it goes in circles.
const HINT_AT: u32 = 3;
/// And so often before the run ends.
const STOP_AT: u32 = 6;
/// So many refusals for want of rights end the run: no further try will mend that.
const DENIED_AT: u32 = 3;

/// How programs say that the run's credentials do not suffice. From a failed tool only: a text that
/// merely speaks of such things is none.
const DENIALS: [&str; 7] = [
    "permission denied",
    "could not read from remote repository",
    "resource not accessible by personal access token",
    "bad credentials",
    "authentication failed",
    "the requested url returned error: 403",
    "denied to ",
];

/// What the end of a tool means for the run.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    GoOn,
    /// Something the model is told with the result.
    Hint(String),
    /// The run ends for this reason.
    Stop(String),
}

/// Remembers what failed.
#[derive(Debug, Default)]
pub struct Patience {
    /// Calls that failed, and how often, since the last one that did not. To run the same tests again
    /// after an edit is no circle.
    failing: Vec<(String, Arguments, u32)>,
    denied: u32,
}

impl Patience {
    /// Takes note of how a call ended.
    pub fn saw(&mut self, call: &Call, text: &str, is_error: bool) -> Verdict {
        if !is_error {
            self.failing.clear();
            return Verdict::GoOn;
        }
        if is_denied(text) {
            self.denied += 1;
            if self.denied >= DENIED_AT {
                return Verdict::Stop(format!(
                    "{DENIED_AT} commands were refused for want of rights: check the credentials \
                     that the agent lists"
                ));
            }
        }
        match self.count(call) {
            times if times >= STOP_AT => Verdict::Stop(format!(
                "the same call of `{}` failed {times} times: the agent goes in circles",
                call.tool
            )),
            times if times >= HINT_AT => Verdict::Hint(format!(
                "This is failure {times} of the very same call. The run ends at {STOP_AT}: do \
                 something else, or finish and say why it cannot be done."
            )),
            _ => Verdict::GoOn,
        }
    }

    fn count(&mut self, call: &Call) -> u32 {
        let same = |(tool, arguments, _): &&mut (String, Arguments, u32)| {
            *tool == call.tool && *arguments == call.arguments
        };
        if let Some((_, _, times)) = self.failing.iter_mut().find(same) {
            *times += 1;
            return *times;
        }
        self.failing.push((call.tool.clone(), call.arguments.clone(), 1));
        1
    }
}

fn is_denied(text: &str) -> bool {
    let text = text.to_lowercase();
    DENIALS.iter().any(|denial| text.contains(denial))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(tool: &str, argument: &str) -> Call {
        let arguments = json!({"command": argument}).as_object().cloned().unwrap();
        Call {
            id: "1".into(),
            tool: tool.into(),
            arguments: Arguments::Valid(arguments),
            signature: None,
        }
    }

    #[test]
    fn the_same_failure_is_hinted_at_and_then_ends_the_run() {
        let mut patience = Patience::default();
        let fails = |patience: &mut Patience| patience.saw(&call("bash", "make"), "no rule", true);
        assert_eq!(fails(&mut patience), Verdict::GoOn);
        assert_eq!(fails(&mut patience), Verdict::GoOn);
        assert!(matches!(fails(&mut patience), Verdict::Hint(_)));
        assert!(matches!(fails(&mut patience), Verdict::Hint(_)));
        assert!(matches!(fails(&mut patience), Verdict::Hint(_)));
        let Verdict::Stop(why) = fails(&mut patience) else { panic!("goes on") };
        assert_eq!(why, "the same call of `bash` failed 6 times: the agent goes in circles");
    }

    #[test]
    fn failures_in_turn_count_each_for_itself() {
        let mut patience = Patience::default();
        for _ in 0..5 {
            for command in ["make", "ninja"] {
                let verdict = patience.saw(&call("bash", command), "no", true);
                assert!(!matches!(verdict, Verdict::Stop(_)));
            }
        }
        assert!(matches!(patience.saw(&call("bash", "make"), "no", true), Verdict::Stop(_)));
    }

    #[test]
    fn something_that_works_in_between_starts_anew() {
        let mut patience = Patience::default();
        for round in 0..10 {
            let verdict = patience.saw(&call("bash", "make"), "2 tests failed", true);
            assert_eq!(verdict, Verdict::GoOn, "{round}");
            assert_eq!(patience.saw(&call("edit", "a.rs"), "", false), Verdict::GoOn);
        }
    }

    #[test]
    fn three_refusals_for_want_of_rights_end_the_run() {
        let mut patience = Patience::default();
        let saw = |patience: &mut Patience, command: &str, text: &str, is_error| {
            patience.saw(&call("bash", command), text, is_error)
        };
        let denied = "remote: Permission denied to bot";
        assert_eq!(saw(&mut patience, "a", denied, true), Verdict::GoOn);
        assert_eq!(saw(&mut patience, "b", denied, false), Verdict::GoOn);
        assert_eq!(saw(&mut patience, "c", "Bad credentials (401)", true), Verdict::GoOn);
        assert_eq!(saw(&mut patience, "d", "no such file", true), Verdict::GoOn);
        assert!(matches!(
            saw(&mut patience, "e", "fatal: Authentication failed for x", true),
            Verdict::Stop(_)
        ));
    }
}
