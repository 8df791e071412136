//! Runs that are in the world now, found by what a person calls them; no scheduler is needed.

use super::paint::safe;
use super::{Context, history};
use crate::failure::Failure;
use crate::log;
use crate::scheduler::{Run, RunState};

/// Runs with an attempt in the world, oldest first.
///
/// # Errors
/// When the history cannot be read.
pub fn runs(context: &Context) -> Result<Vec<Run>, Failure> {
    let Some(reader) = history::reader(context)? else { return Ok(Vec::new()) };
    let mut runs = reader.live_runs()?;
    runs.retain(|run| run.state.alive());
    runs.sort_by_key(|run| run.seq);
    Ok(runs)
}

/// The live run of this name: its id, the start of it, or its agent when that has one run only.
///
/// # Errors
/// When there is none or more than one, with what became of the one that was meant.
pub fn run(context: &Context, name: &str) -> Result<Run, Failure> {
    let alive = runs(context)?;
    match &matching(&alive, name)[..] {
        [run] => Ok((*run).clone()),
        [] => Err(not_there(context, name)),
        several => {
            let ids: Vec<&str> = several.iter().map(|run| run.id.as_str()).collect();
            let what = format!("{} runs are meant by '{}'", ids.len(), safe(name));
            Err(Failure::user("ambiguous_run", what).hint(format!("name one: {}", ids.join(", "))))
        }
    }
}

/// Runs that a name may mean; an exact one means itself.
fn matching<'r>(runs: &'r [Run], name: &str) -> Vec<&'r Run> {
    if let Some(run) = runs.iter().find(|run| run.id == name) {
        return vec![run];
    }
    let of_agent: Vec<&Run> = runs.iter().filter(|run| run.agent == name).collect();
    if !of_agent.is_empty() || name.is_empty() {
        return of_agent;
    }
    runs.iter().filter(|run| run.id.starts_with(name)).collect()
}

fn not_there(context: &Context, name: &str) -> Failure {
    let known = history::reader(context).ok().flatten();
    let known = known.and_then(|reader| reader.run(name).ok().flatten());
    if let Some(run) = known {
        return match run.state {
            RunState::Queued => {
                Failure::user("not_started", format!("{name} has not started: it is queued"))
                    .hint(format!("what it waits for: al why {name}"))
            }
            RunState::Starting | RunState::Running | RunState::Waiting => {
                Failure::user("ended", format!("{name} has just ended"))
            }
            RunState::Succeeded
            | RunState::Failed
            | RunState::TimedOut
            | RunState::Killed
            | RunState::Dropped => {
                let ended = run.state.name().replace('_', " ");
                Failure::user("ended", format!("{name} has ended: {ended}"))
                    .hint(format!("what it said: al logs {name}"))
                    .hint(format!("a place like the one it had: al shell {}", run.agent))
            }
        };
    }
    if context.has_agent(name) {
        return Failure::user("not_running", format!("no run of {name} is running"))
            .hint(format!("a place like that of a run: al shell {name}"));
    }
    if log::agent_of(name).is_some() {
        return Failure::user("unknown_run", format!("there is no run {}", safe(name)))
            .hint("those that live: al ps");
    }
    context.unknown_agent(name)
}
