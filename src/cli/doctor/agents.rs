//! Agents whose runs would all fail.

use super::scene::Scene;
use crate::cli::host;
use crate::engine;
use crate::project::Problem;

/// Engines and runtimes that this version has not, and programs that are not there.
pub fn cannot_run(scene: &Scene<'_>) -> Vec<Problem> {
    let problem = |agent| {
        let why = host::cannot_start(agent)?;
        let message = format!("runs of agent `{}` would fail: {why}", agent.name);
        // What this version cannot do concerns the file; a missing program is written on a line.
        let keys: &[&str] = match engine::unavailable(agent) {
            Some(_) => &[],
            None => &["harness", "command"],
        };
        Some(scene.agent_error(agent, keys, message))
    };
    scene.active().filter_map(problem).collect()
}
