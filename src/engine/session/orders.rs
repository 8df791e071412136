//! Orders of a console, and what it is told of them.

use al_wire::Reply;

use crate::engine::handle::{EngineError, Outcome};
use crate::engine::present;
use crate::scheduler::{Answer, Command, Hold, Order, Priority, Scope, Target};

/// An order as the scheduler takes it; none for what this host does not know.
pub fn from_wire(command: al_wire::Command) -> Option<Command> {
    use al_wire::Command as W;
    let scope = |scope| match scope {
        al_wire::Scope::Project => Scope::Project,
        al_wire::Scope::Agent(agent) => Scope::Agent(agent),
    };
    Some(match command {
        W::Run { agent, prompt, how } => Command::Run(Order {
            prompt,
            params: how.params,
            priority: match how.priority {
                None => None,
                Some(al_wire::Priority::Low) => Some(Priority::Low),
                Some(al_wire::Priority::Normal) => Some(Priority::Normal),
                Some(al_wire::Priority::High) => Some(Priority::High),
                Some(al_wire::Priority::Unknown) => return None,
            },
            not_before: how.not_before_ms,
            ..Order::of(&agent)
        }),
        W::Pause { scope: s, why, hold, until_ms, kill } => Command::Pause {
            scope: scope(s),
            why,
            hold: match hold {
                al_wire::Hold::Pause => Hold::Pause,
                al_wire::Hold::Drain => Hold::Drain,
                al_wire::Hold::Stop => Hold::Stop,
                al_wire::Hold::Unknown => return None,
            },
            until: until_ms,
            kill,
        },
        W::Resume { scope: s, drop_held } => Command::Resume { scope: scope(s), drop_held },
        W::Kill { target, tree } => Command::Kill {
            target: match target {
                al_wire::Target::Run(run) => Target::Runs(vec![run]),
                al_wire::Target::Runs(runs) => Target::Runs(runs),
                al_wire::Target::Agent(agent) => Target::Agent(agent),
            },
            tree,
        },
        W::Rerun { run } => Command::Rerun { run, key: None },
        W::Drop { runs } => Command::Drop { runs },
        W::Scale { agent, scale } => Command::Scale { agent, scale },
        W::Say { run, text } => Command::Say { run, text, key: None },
        W::Answer { run, text } => Command::Answer { run, text },
        W::Unlock { key } => Command::Unlock { key },
        // No command of the scheduler's: see `Session::replay`.
        W::Replay { .. } | W::Unknown => return None,
    })
}

/// What a console is told of an order.
pub fn reply(outcome: Result<Outcome, EngineError>) -> Reply {
    match outcome {
        Ok(Outcome::Answer(answer)) => answered(answer),
        Ok(Outcome::Confirm { impact, token }) => {
            Reply::NeedsConfirm(present::confirm(&impact, &token))
        }
        Ok(Outcome::Stale { impact }) => {
            let mut now = vec![impact.title];
            now.extend(impact.lines);
            Reply::Stale { now }
        }
        Err(error) => Reply::Refused { why: error.to_string() },
    }
}

fn answered(answer: Answer) -> Reply {
    match answer {
        Answer::Done { done, .. } => Reply::Done { why: done, run: None },
        Answer::Fired { runs, skipped, .. } => match (runs.first(), skipped.first()) {
            (Some(run), _) => {
                Reply::Done { why: format!("accepted {run}"), run: Some(run.clone()) }
            }
            (None, Some((_, why))) => Reply::Refused { why: why.sentence() },
            (None, None) => Reply::Refused { why: "nothing to start".to_owned() },
        },
        Answer::Duplicate(known) => {
            let run = known.runs.first().cloned();
            Reply::Done { why: "the same run as before".to_owned(), run }
        }
        Answer::ToRun(_) => Reply::Refused { why: "not an operator's command".to_owned() },
        Answer::Refused(why) => Reply::Refused { why: why.sentence() },
        Answer::NotFound { what } => Reply::Refused { why: format!("there is no {what}") },
    }
}
