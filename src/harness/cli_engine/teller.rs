//! From what was heard to records, count and end.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Instant;

use serde_json::json;

use super::super::report::{self, ToolEnd, ToolUse};
use super::super::{End, Meter};
use super::heard::{Failed, Heard, Kind, Named};

/// A tool that is at work.
struct Open {
    turn: u32,
    tool: String,
    cmd: Option<String>,
    began: Instant,
}

/// Tells what is heard.
pub(super) struct Teller<'m> {
    meter: &'m mut Meter,
    model: &'m Named,
    program: &'static str,
    open: HashMap<String, Open>,
    /// Since when the model is busy with the reply that is coming.
    began: Instant,
    /// When its last part came.
    last: Instant,
    done: Option<String>,
    failed: Option<Failed>,
    /// The last line on stderr.
    complaint: Option<String>,
}

impl<'m> Teller<'m> {
    pub fn new(
        meter: &'m mut Meter,
        model: &'m Named,
        program: &'static str,
        now: Instant,
    ) -> Self {
        Self {
            meter,
            model,
            program,
            open: HashMap::new(),
            began: now,
            last: now,
            done: None,
            failed: None,
            complaint: None,
        }
    }

    /// What the engine said in the end, if it came to that.
    pub fn result(&self) -> Option<&str> {
        self.done.as_deref()
    }

    pub fn complaint(&mut self, text: String) {
        self.complaint = Some(text);
    }

    pub fn tell(&mut self, heard: Heard, now: Instant) {
        let turn = self.meter.spent().turns + 1;
        match heard {
            Heard::Thinking(text) => {
                self.last = now;
                report::thinking(turn, &text);
            }
            Heard::Text(text) => {
                self.last = now;
                report::assistant(turn, &text);
            }
            Heard::ToolStart { call, tool, input, cmd } => {
                self.last = now;
                let of = ToolUse { turn, call: &call, tool: &tool };
                report::tool_start(of, &input);
                if let Some(cmd) = &cmd {
                    report::bash(of, cmd);
                }
                self.open.insert(call, Open { turn, tool, cmd, began: now });
            }
            Heard::ToolEnd { call, exit, is_error, result } => {
                self.began = now;
                self.last = now;
                let Some(open) = self.open.remove(&call) else { return };
                let of = ToolUse { turn: open.turn, call: &call, tool: &open.tool };
                let took = now - open.began;
                let cmd = open.cmd.as_deref();
                report::tool_end(of, ToolEnd { took, exit, result: &result, is_error, cmd });
            }
            Heard::Turn { usage, stop } => {
                let cost_micros = self.model.cost_micros(usage);
                self.meter.count(usage, cost_micros);
                report::turn(report::Turn {
                    turn,
                    model: &self.model.model,
                    provider: &self.model.provider,
                    took: self.last - self.began,
                    stop,
                    usage,
                    cost_micros,
                });
                self.began = now;
                self.last = now;
            }
            Heard::Sum { usage, cost_micros } => {
                let cost = cost_micros.or_else(|| self.model.cost_micros(usage));
                self.meter.settle(usage, cost);
            }
            Heard::Done(text) => (self.done, self.failed) = (Some(text), None),
            Heard::Failed(failed) => (self.done, self.failed) = (None, Some(failed)),
            Heard::Notice(text) => report::warn(&text, json!({"from": self.program})),
        }
    }

    /// How it went, given how the program ended.
    pub fn end(&self, status: ExitStatus) -> End {
        let (program, model) = (self.program, &self.model.model);
        if let Some(Failed { kind, message }) = &self.failed {
            return match kind {
                Kind::Auth => End::aborted(format!(
                    "{program} cannot sign in: {message}; check the credential of the model {model}"
                )),
                Kind::Limited => {
                    End::exhausted(format!("{program} has reached a limit: {message}"))
                }
                Kind::Unavailable => {
                    End::exhausted(format!("{program} cannot reach its model: {message}"))
                }
                Kind::Turns => End::aborted(format!(
                    "{program} has taken all the turns it may take: {message}"
                )),
                Kind::Other => End::aborted(format!("{program} failed: {message}")),
            };
        }
        let how = match (status.signal(), status.code()) {
            (Some(signal), _) => format!("was ended by signal {signal}"),
            (None, Some(code)) => format!("ended with exit code {code}"),
            (None, None) => "ended".to_owned(),
        };
        match (&self.done, &self.complaint) {
            (Some(_), _) if status.success() => End::done(),
            (Some(_), _) => End::aborted(format!("{program} {how} after its result")),
            (None, Some(last)) => {
                let last = report::cut(last.trim(), 500);
                End::aborted(format!("{program} {how} before it had a result: {last}"))
            }
            (None, None) => End::aborted(format!("{program} {how} before it had a result")),
        }
    }
}
