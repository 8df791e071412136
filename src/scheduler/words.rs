//! The rules as people read them: one sentence for each reason.

use super::model::{Pause, Scope, Why};

/// How a sentence names a scope.
pub fn scope_name(scope: &Scope) -> &str {
    match scope {
        Scope::Project => "the scheduler",
        Scope::Agent(agent) => agent,
    }
}

/// `noun`, or its plural for any number but one.
pub fn plural(n: usize, noun: &str) -> String {
    if n == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// What the exit codes that an agent chooses for itself mean.
const AGENT_EXITS: [(i32, &str); 7] = [
    (10, "authentication failed"),
    (11, "permission denied"),
    (12, "rate limited"),
    (13, "its configuration is wrong"),
    (14, "something it depends on failed"),
    (15, "it could not go on"),
    (16, "it was aborted by its user"),
];

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
            Self::Lost => "its process vanished without an exit status".to_owned(),
            Self::NoMatch => "no agent wants it".to_owned(),
            Self::RerunLimit { max } => format!("the limit of {max} reruns is reached"),
        }
    }
}

fn paused(scope: &Scope, pause: &Pause) -> String {
    let what = match scope {
        Scope::Project => "the scheduler was",
        Scope::Agent(_) => "the agent was",
    };
    let why = pause.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    format!("{what} paused by {}{why}", pause.by)
}

fn agent_exit(code: i32) -> String {
    if code == 0 {
        return "finished, as the agent said".to_owned();
    }
    match AGENT_EXITS.iter().find(|(known, _)| *known == code) {
        Some((_, meaning)) => format!("the agent ended with code {code}: {meaning}"),
        None => format!("the agent ended with code {code}"),
    }
}
