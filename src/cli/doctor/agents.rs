//! Agents whose runs would all fail.

use super::scene::Scene;
use crate::cli::host;
use crate::project::{Problem, RuntimeKind};

/// Programs that are not there. What is in a container or for another user is not to be seen from
/// here.
pub fn cannot_run(scene: &Scene<'_>) -> Vec<Problem> {
    let problem = |agent| {
        let why = host::cannot_start(agent)?;
        let message = format!("runs of agent `{}` would fail: {why}", agent.name);
        Some(scene.agent_error(agent, &["harness", "command"], message))
    };
    let processes = scene.active().filter(|agent| agent.runtime.kind == RuntimeKind::Process);
    processes.filter_map(problem).collect()
}
