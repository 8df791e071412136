//! Users that runs execute as: whether they are there, whether sudo lets the scheduler start al as
//! them, and what would mend it. [`facts`] looks, [`plan`] thinks, [`apply`] acts.

mod apply;
mod facts;
mod plan;
mod sudoers;

use super::scene::Scene;
use crate::cli::ask;
use crate::failure::Failure;
use crate::project::{Mend, Problem, Project};
use facts::Facts;

/// What keeps runs of active agents from executing as their users.
pub fn users(scene: &Scene<'_>) -> Vec<Problem> {
    let Some(facts) = Facts::of(scene.active()) else { return Vec::new() };
    let mut problems = Vec::new();
    for wanted in &facts.wanted {
        let named = |name: &String| scene.active().find(|agent| agent.name == *name);
        let Some(agent) = wanted.agents.first().and_then(named) else { continue };
        problems.extend(plan::faults(&facts, wanted).into_iter().map(|fault| {
            let problem = scene.agent_error(agent, fault.keys, fault.message).code("host_user");
            let by_fix = fault.hints.iter().any(|hint| hint == plan::BY_FIX);
            let problem = problem.mend(by_fix.then_some(Mend::Apart));
            fault.hints.into_iter().fold(problem, Problem::hint)
        }));
    }
    problems
}

/// Mends what can be mended, after it was shown and, unless `yes`, agreed to.
///
/// # Errors
/// When nobody is there to ask, or a step fails.
pub fn fix(project: &Project, yes: bool) -> Result<(), Failure> {
    let active = project.agents.iter().filter(|agent| agent.scale > 0);
    let Some(facts) = Facts::of(active) else { return Ok(()) };
    let steps = plan::steps(&facts);
    if !steps.is_empty() {
        ask::possible(yes)?;
    }
    apply::apply(&steps, |step| apply::agreed(step, yes))
}

#[cfg(test)]
mod tests {
    use super::facts::{User, Wanted};
    use super::*;

    /// Ann on Linux, who has sudo and everything else to do.
    pub fn facts() -> Facts {
        Facts {
            me: "ann".to_owned(),
            root: false,
            macos: false,
            sudo: true,
            al: "/usr/local/bin/al".into(),
            wanted: Vec::new(),
        }
    }

    /// A user that is not there.
    pub fn wanted(run_as: &str, groups: &[&str]) -> Wanted {
        Wanted {
            run_as: run_as.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            agents: vec!["dev".to_owned()],
            user: None,
            no_such_groups: Vec::new(),
            allowed: false,
            closed: None,
        }
    }

    pub fn user(uid: u32, groups: &[&str]) -> User {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        User { uid, gids: vec![uid], groups }
    }
}
