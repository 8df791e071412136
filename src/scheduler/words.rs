//! The rules as people read them: one sentence for each reason.

use super::model::{Hold, Millis, Pause, Scope, Wakening, Why};
use super::usage::{Limit, Spent};
use super::wait::WaitFor;
use crate::duration;

/// A span as it is written in files and commands: `1h30m`.
pub fn span(ms: Millis) -> String {
    duration::text(ms.max(0).unsigned_abs())
}

/// An amount of US dollars, from millionths: `$2`, `$0.42`, `$0.0031`.
pub fn dollars(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    if rest == 0 {
        return format!("${whole}");
    }
    let cents = (rest + 5_000) / 10_000;
    match (whole, cents) {
        (0, 0) => format!("${:.4}", (rest.max(50)) as f64 / 1e6),
        (_, 100) => format!("${}.00", whole + 1),
        _ => format!("${whole}.{cents:02}"),
    }
}

/// A number of tokens: `812`, `14.2k`, `1.3M`.
pub fn tokens(n: u64) -> String {
    let short = |n: u64, unit: u64, letter: char| match n / unit {
        100.. => format!("{}{letter}", n / unit),
        whole => format!("{whole}.{}{letter}", n % unit * 10 / unit),
    };
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => short(n, 1_000, 'k'),
        _ => short(n, 1_000_000, 'M'),
    }
}

/// What was used of models: `14.2k tokens in 5 turns, $0.42`.
pub fn used(spent: &Spent) -> String {
    let (tokens, turns) = (tokens(spent.total_tokens()), spent.turns);
    let cost = spent.cost_micros.map_or_else(String::new, |cost| format!(", {}", dollars(cost)));
    format!("{tokens} tokens in {}{cost}", counted(turns as usize, "turn"))
}

/// How a sentence names a scope.
pub fn scope_name(scope: &Scope) -> &str {
    match scope {
        Scope::Project => "the scheduler",
        Scope::Agent(agent) => agent,
    }
}

/// `1 run`, `2 runs`.
pub fn counted(n: usize, noun: &str) -> String {
    format!("{n} {}", plural(n, noun))
}

/// `noun`, or its plural for any number but one.
pub fn plural(n: usize, noun: &str) -> String {
    if n == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// What the exit codes that an agent chooses for itself mean, and whether another attempt may go
/// better.
const AGENT_EXITS: [(i32, &str, bool); 7] = [
    (10, "authentication failed", false),
    (11, "permission denied", false),
    (12, "rate limited", true),
    (13, "its configuration is wrong", false),
    (14, "something it depends on failed", true),
    (15, "it could not go on", false),
    (16, "it was aborted by its user", false),
];

/// Whether another attempt may go better than one that failed like this. Who says that it cannot go
/// on is believed.
pub fn may_mend(why: &Why) -> bool {
    match why {
        Why::AgentExit { code } => {
            AGENT_EXITS.iter().find(|(known, ..)| known == code).is_none_or(|(.., mends)| *mends)
        }
        // What was spent stays spent.
        Why::OverBudget { .. } => false,
        _ => true,
    }
}

impl Why {
    /// The reason as a sentence, without a full stop.
    pub fn sentence(&self) -> String {
        match self {
            Self::AgentBusy { running, scale } => {
                format!("waiting for a slot: {running} of {scale} are taken")
            }
            Self::ProjectBusy { running, scale } => {
                format!("waiting for a slot: the project runs {running} of {scale} at once")
            }
            Self::QueueAhead { queued } => format!("{queued} queued before it"),
            Self::Paused { scope, pause } => format!("held: {}", paused(scope, pause)),
            Self::Disabled => "the agent is disabled (scale = 0)".to_owned(),
            Self::UnknownAgent => "no agent of that name".to_owned(),
            Self::AgentGone => "held: its agent left the project".to_owned(),
            Self::Stopping => "the scheduler is stopping".to_owned(),
            Self::SlotFree => "a slot is free".to_owned(),
            Self::Started => "running".to_owned(),
            Self::Exited { code: 0 } => "finished".to_owned(),
            Self::Exited { code: 42 } => "finished and asked for a rerun (exit code 42)".to_owned(),
            Self::Exited { code } => format!("exit code {code}"),
            Self::AgentExit { code } => agent_exit(*code),
            Self::Signalled { signal } => format!("ended by signal {signal}"),
            Self::TimedOut { after_s } => format!("timed out after {after_s} s"),
            Self::KilledBy { by } => format!("killed by {by}"),
            Self::DroppedBy { by } => format!("dropped by {by}"),
            Self::QueueFull { bound, newcomer } => {
                format!("dropped: the queue holds {bound} and {newcomer} came")
            }
            Self::StoppedBy { by } => format!("the scheduler was stopped by {by}"),
            Self::CannotStart { message } => format!("could not start: {message}"),
            Self::OutOfMemory { limit_bytes } => format!(
                "it needed more than its {} MB of memory: raise [runtime] memory or [local] memory",
                limit_bytes >> 20
            ),
            Self::Lost => "its process vanished without an exit status".to_owned(),
            Self::NoMatch => "no agent wants it".to_owned(),
            Self::RerunLimit { max } => format!("the limit of {max} reruns is reached"),
            Self::LaneBusy { lane, run } => format!("waiting for {run}, which is in lane {lane}"),
            Self::NotBefore { .. } => "waiting for its time".to_owned(),
            Self::LaterFull { bound } => format!("{bound} runs wait for their time already"),
            Self::Retry { next, of, after_ms, because } => {
                let when = match after_ms {
                    0 => String::new(),
                    ms => format!(" after {}", span(*ms)),
                };
                format!("attempt {next} of {of} follows{when}: {}", because.sentence())
            }
            Self::Replaced { by, key } => format!("replaced by {by}, which is about {key} too"),
            Self::Missed { .. } => "missed while the scheduler was down".to_owned(),
            Self::Waits { wait, .. } => waits(wait),
            Self::Woken { by } => woken(by),
            Self::GoesOn => "running again".to_owned(),
            Self::CannotContinue { message } => format!("could not go on after a wait: {message}"),
            Self::SelfCall => "an agent cannot call itself".to_owned(),
            Self::CallDepth { max } => format!("calls go {max} deep at most"),
            Self::CallCycle { chain } => {
                format!("it would wait for its own callers: {}", chain.join(" -> "))
            }
            Self::CallersTakeAll { scale } => {
                format!("its callers take all {scale} slots of the project")
            }
            Self::NoSuchChoice { choices } => format!("the choices are: {}", choices.join(", ")),
            Self::WaitsAlready => "the run waits for something already".to_owned(),
            Self::TooManyLocks { max } => format!("a run holds {max} locks at most"),
            Self::UnlockedBy { by } => format!("taken away by {by}"),
            Self::LockExpired => "not renewed in time".to_owned(),
            Self::ResumedBy { by } => format!("resumed by {by}"),
            Self::OverBudget { over } => {
                let limit = dollars(over.limit_micros);
                let spent = match over.spent_micros == over.limit_micros {
                    true => String::new(),
                    false => format!(" ({})", dollars(over.spent_micros)),
                };
                format!("the budget of {limit} {} is spent{spent}", per(over.limit))
            }
            Self::BudgetRaised { limit, limit_micros } => {
                format!("may spend {} {}", dollars(*limit_micros), per(*limit))
            }
            Self::BudgetFixed => "its agent's budget is fixed: nobody is asked for more".to_owned(),
            Self::RunEnded { state } => {
                format!("the run has ended: {}", state.name().replace('_', " "))
            }
            Self::TooManyUnread { max } => {
                format!("the run has not read the last {max} texts it was told")
            }
        }
    }
}

fn per(limit: Limit) -> &'static str {
    match limit {
        Limit::PerRun => "per run",
        Limit::PerDay => "per day",
    }
}

fn paused(scope: &Scope, pause: &Pause) -> String {
    let what = match scope {
        Scope::Project => "the scheduler",
        Scope::Agent(_) => "the agent",
    };
    let held = match pause.hold {
        Hold::Pause => "was paused",
        Hold::Drain => "is being drained",
        Hold::Stop => "was stopped",
    };
    let why = pause.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    let until = pause
        .until
        .map_or_else(String::new, |until| format!(", for {}", span(until - pause.since)));
    format!("{what} {held} by {}{until}{why}", pause.by)
}

fn waits(wait: &WaitFor) -> String {
    let of = |what: &Option<String>| what.as_ref().map_or_else(String::new, |w| format!(" {w}"));
    let with = |matches: &std::collections::BTreeMap<String, String>| {
        let parts: Vec<String> =
            matches.iter().map(|(path, text)| format!("{path}={text}")).collect();
        if parts.is_empty() { String::new() } else { format!(" with {}", parts.join(", ")) }
    };
    match wait {
        WaitFor::Webhook { source, event, matches } => {
            format!("waiting for a webhook{}{}{}", of(source), of(event), with(matches))
        }
        WaitFor::Call { from: Some(agent), matches } => {
            format!("waiting for a call of {agent}{}", with(matches))
        }
        WaitFor::Call { from: None, matches } => format!("waiting for a call{}", with(matches)),
        WaitFor::Answer { question, choices } if choices.is_empty() => format!("asks: {question}"),
        WaitFor::Answer { question, choices } => {
            format!("asks: {question} [{}]", choices.join(" / "))
        }
        WaitFor::Slot { model } => format!("waiting for a slot of the model {model}"),
    }
}

fn woken(by: &Wakening) -> String {
    match by {
        Wakening::Trigger { .. } => "what it waited for came".to_owned(),
        Wakening::Answer { by, text } => format!("{by} answered: {text}"),
        Wakening::Slot => "a slot of the model is free".to_owned(),
        Wakening::TimedOut => "it waited in vain".to_owned(),
    }
}

fn agent_exit(code: i32) -> String {
    if code == 0 {
        return "finished, as the agent said".to_owned();
    }
    match AGENT_EXITS.iter().find(|(known, ..)| *known == code) {
        Some((_, meaning, _)) => format!("the agent ended with code {code}: {meaning}"),
        None => format!("the agent ended with code {code}"),
    }
}
