//! What keeps runs from their containers, or gives them less than their agents say.

use std::path::Path;

use tokio::io::AsyncWriteExt;

use super::scene::{Scene, agents_named};
use crate::ambient;
use crate::cli::host::Places;
use crate::cli::paths::short;
use crate::cli::{images, running};
use crate::docker::{self, Info};
use crate::engine::Machine;
use crate::gateway;
use crate::project::{self, Agent, Problem, RuntimeKind, listed};
use crate::runtime::{BOX_DIR, BOX_SOCKET};

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
    let problem = scene.agent_error(first, &["runtime", "type"], message).code("docker_silent");
    vec![problem.hint(hint)]
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

/// From inside a container: would runs reach the gateway? That of a scheduler at work is asked, else
/// one that only answers this.
pub fn gateway(scene: &Scene<'_>) -> Vec<Problem> {
    let Some(first) = contained(scene).next() else { return Vec::new() };
    if scene.container_engine().is_err() {
        return Vec::new();
    }
    scene.progress.say("looking from inside a container");
    let Some(Err(why)) = scene.tokio.block_on(from_inside(scene)) else { return Vec::new() };
    let problem = scene.agent_error(first, &["runtime", "type"], why).code("container_gateway");
    vec![problem.hint("without it agents have no locks, calls and status")]
}

/// None when there is nothing to look with: no image was built yet.
async fn from_inside(scene: &Scene<'_>) -> Option<Result<(), String>> {
    let places = Places::at(scene.context.state_dir());
    let docker = docker::connect(&ambient::env).ok()?;
    let images = docker::list::images(&docker).await.ok()?;
    let own = |image: &&docker::list::Image| image.project.as_ref() == Some(&places.label());
    let image = images.iter().filter(own).max_by_key(|image| image.created_s)?.id.clone();
    if running::running(&places.al).is_some() {
        let box_dir = Path::new(&places.label()).join(BOX_DIR);
        return Some(images::probe(image, &places.label(), &box_dir).await);
    }
    let folder = tempfile::tempdir().ok()?;
    let listener = gateway::bind_socket(folder.path(), BOX_SOCKET).ok()?;
    let answers = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    let seen = images::probe(image, &places.label(), folder.path()).await;
    answers.abort();
    Some(seen)
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
                .code("docker_runtime")
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
            problems.push(problem.code("docker_gpus").hint(hint).warning());
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
            problems.push(problem.code("limit_too_large").warning());
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
            scene.agent_error(agent, &["runtime", "mounts"], message).code("mount_missing")
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
