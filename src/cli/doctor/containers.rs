//! What keeps runs from their containers, or gives them less than their agents say.

use super::scene::{Scene, agents_named, short};
use crate::ambient;
use crate::docker::{self, Info};
use crate::engine::Machine;
use crate::project::{self, Agent, Problem, RuntimeKind, listed};

const GIB: f64 = (1_u64 << 30) as f64;

fn contained<'s>(scene: &'s Scene<'_>) -> impl Iterator<Item = &'s Agent> {
    scene.active().filter(|agent| agent.runtime.kind == RuntimeKind::Container)
}

/// The engine: is it there, may this user use it, does it answer?
pub fn engine(scene: &Scene<'_>) -> Vec<Problem> {
    let agents: Vec<&Agent> = contained(scene).collect();
    let Some(first) = agents.first() else { return Vec::new() };
    let Err((why, hint)) = scene.container_engine() else { return Vec::new() };
    let verb = if agents.len() == 1 { "runs in a container" } else { "run in containers" };
    let message = format!("{} {verb}: {why}", agents_named(&agents));
    vec![scene.agent_error(first, &["runtime", "type"], message).hint(hint)]
}

/// What the engine says of itself; else why it says nothing, and what to do about it.
pub fn ask(scene: &Scene<'_>) -> Result<Info, (String, String)> {
    let docker =
        docker::connect(&ambient::env).map_err(|trouble| (trouble.to_string(), trouble.hint()))?;
    scene.progress.say("asking the container engine");
    scene.tokio.block_on(docker::info(&docker)).map_err(|error| {
        let hint = "look at its log: journalctl -u docker".to_owned();
        (format!("the container engine does not answer: {error}"), hint)
    })
}

/// What an engine that answers has not.
pub fn abilities(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for agent in contained(scene) {
        let (oci, gpus) = (agent.runtime.oci.as_ref(), agent.runtime.gpus.as_ref());
        // An engine that nobody asks for something special is not asked here.
        if oci.is_none() && gpus.is_none() {
            continue;
        }
        let Ok(engine) = scene.container_engine() else { return problems };
        problems.extend(oci.filter(|oci| !engine.runtimes.contains(oci)).map(|oci| {
            let has = listed(engine.runtimes.iter().map(String::as_str));
            let message =
                format!("agent `{}`: the container engine has no runtime `{oci}`", agent.name);
            scene
                .agent_error(agent, &["runtime", "runtime"], message)
                .hint(format!("it has {has}"))
                .hint("name it in /etc/docker/daemon.json; gVisor's does so itself: `sudo runsc install`")
        }));
        if let Some(gpus) = gpus.filter(|_| !engine.gpus) {
            let message = format!(
                "agent `{}` wants gpus `{gpus}`, and the container engine shows none",
                agent.name
            );
            let problem = scene.agent_error(agent, &["runtime", "gpus"], message);
            // Its toolkit may be there without being named.
            let hint =
                "install nvidia-container-toolkit, then: `sudo nvidia-ctk runtime configure`";
            problems.push(problem.hint(hint).warning());
        }
    }
    problems
}

/// Memory and CPUs that this machine has not.
pub fn limits(scene: &Scene<'_>) -> Vec<Problem> {
    let here = Machine::here();
    let mut problems = Vec::new();
    for agent in contained(scene) {
        let name = &agent.name;
        let (runtime, local) = (&agent.runtime, &scene.project.config.local);
        // What nobody wrote is a default, which is capped without a word.
        let mut told = |own: bool, key: &str, too_much: Option<String>| {
            let Some(too_much) = too_much else { return };
            let problem = match own {
                true => {
                    let message = format!("agent `{name}`: {too_much}");
                    scene.agent_error(agent, &["runtime", key], message)
                }
                false if scene.files.has(&["local", key]) => {
                    scene.files.error(&["local", key], too_much)
                }
                false => return,
            };
            problems.push(problem.warning());
        };
        let memory = runtime.memory.as_ref().unwrap_or(&local.memory);
        told(runtime.memory.is_some(), "memory", too_much_memory(memory, here));
        let cpus = runtime.cpus.or(local.cpus);
        told(runtime.cpus.is_some(), "cpus", cpus.and_then(|cpus| too_many_cpus(cpus, here)));
    }
    problems
}

fn too_much_memory(text: &str, here: Machine) -> Option<String> {
    let bytes = project::isolation::memory(text).filter(|bytes| *bytes > here.memory_bytes)?;
    let (wanted, there) = (bytes as f64 / GIB, here.memory_bytes as f64 / GIB);
    Some(format!(
        "{wanted:.1} GiB of memory are more than this machine has: containers get {there:.1} GiB"
    ))
}

fn too_many_cpus(cpus: f64, here: Machine) -> Option<String> {
    let there = here.cpus;
    (cpus > there)
        .then(|| format!("{cpus} CPUs are more than this machine has: containers get {there}"))
}

/// Mounts of what is not there, which an engine would refuse, or make as root.
pub fn mounts(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for agent in contained(scene) {
        let missing = agent.runtime.mounts.iter().filter(|mount| !mount.source.exists());
        problems.extend(missing.map(|mount| {
            let (source, target) = (short(&mount.source), mount.target.display());
            let message =
                format!("agent `{}` mounts {source} at {target}, and it is not there", agent.name);
            scene.agent_error(agent, &["runtime", "mounts"], message)
        }));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_has_not_is_capped_and_told() {
        let here = Machine { memory_bytes: 3 << 30, cpus: 2.0 };
        let memory = "4.0 GiB of memory are more than this machine has: containers get 3.0 GiB";
        assert_eq!(too_much_memory("4g", here).as_deref(), Some(memory));
        assert_eq!(too_much_memory("3g", here), None);
        let cpus = "2.5 CPUs are more than this machine has: containers get 2";
        assert_eq!(too_many_cpus(2.5, here).as_deref(), Some(cpus));
        assert_eq!(too_many_cpus(2.0, here), None);
    }
}
