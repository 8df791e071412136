//! Where a run of an agent executes, from what its project says and its machine has.

use std::path::{Path, PathBuf};

use super::equip::Equipment;
use crate::ambient;
use crate::project::isolation::memory;
use crate::project::{Agent, Local, Network, Project, RuntimeKind};
use crate::runtime::{Container, Limits, Place, boxed};

/// CPUs of a container when nobody says.
pub const CPUS: f64 = 2.0;
/// Memory of a container whose project says something that was not understood.
const MEMORY: u64 = 4 << 30;

/// What this machine has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Machine {
    pub memory_bytes: u64,
    pub cpus: f64,
}

impl Machine {
    /// This machine. Memory of which nothing is known has no end.
    pub fn here() -> Self {
        Self { memory_bytes: ambient::memory_bytes().unwrap_or(u64::MAX), cpus: ambient::cpus() }
    }
}

/// The place of a run; a container's image may have to be built first, of which `watch` is told.
///
/// # Errors
/// When there is no image; the message says why.
pub async fn place(
    project: &Project,
    agent: &Agent,
    equipment: &Equipment,
    watch: &(dyn Fn(String) + Send + Sync),
) -> Result<Place, String> {
    match agent.runtime.kind {
        RuntimeKind::Process => Ok(Place::Process),
        RuntimeKind::HostUser => Ok(Place::HostUser {
            user: agent.runtime.run_as.clone(),
            groups: agent.runtime.groups.clone(),
        }),
        RuntimeKind::Container => {
            if equipment.record.is_some() {
                return Err("what is said to models cannot be recorded in a container: add \
                            --runtime process"
                    .to_owned());
            }
            let images =
                equipment.images.as_ref().ok_or("there is nothing to build images with")?;
            let image = images.image(project, agent, watch).await?;
            let container =
                container(project, agent, image, equipment.label.clone(), Machine::here());
            Ok(Place::Container(Box::new(container)))
        }
    }
}

/// The place of a run that is in a container already, whatever its agent and image are by now.
pub fn adopted(project: &Project, agent: &Agent, equipment: &Equipment) -> Place {
    let label = equipment.label.clone();
    let container = container(project, agent, String::new(), label, Machine::here());
    Place::Container(Box::new(container))
}

fn container(
    project: &Project,
    agent: &Agent,
    image: String,
    label: String,
    machine: Machine,
) -> Container {
    let runtime = &agent.runtime;
    Container {
        image,
        project: label,
        limits: limits(&project.config.local, agent, machine),
        network: runtime.network,
        mounts: runtime.mounts.clone(),
        gpus: runtime.gpus.clone(),
        oci: runtime.oci.clone(),
    }
}

/// Never more than the machine has: an engine refuses that.
pub fn limits(local: &Local, agent: &Agent, machine: Machine) -> Limits {
    let runtime = &agent.runtime;
    let said = runtime.memory.as_ref().unwrap_or(&local.memory);
    let cpus = runtime.cpus.or(local.cpus).unwrap_or(CPUS);
    Limits {
        memory_bytes: memory(said).unwrap_or(MEMORY).min(machine.memory_bytes),
        cpus: cpus.min(machine.cpus),
        pids: runtime.pids,
    }
}

/// Whether runs of the agent can reach the gateway.
pub fn has_gateway(agent: &Agent) -> bool {
    agent.runtime.kind != RuntimeKind::Container || agent.runtime.network != Network::None
}

/// Where a run finds a file of the project, as it sees it; none when it does not see it.
pub fn inside(agent: &Agent, project_dir: &Path, file: &Path) -> Option<PathBuf> {
    if agent.runtime.kind != RuntimeKind::Container {
        return Some(file.to_owned());
    }
    let own = Path::new(boxed::STATIC);
    if let Ok(rest) = file.strip_prefix(&agent.dir) {
        return Some(own.join(rest));
    }
    file.strip_prefix(project_dir.join("shared")).ok().map(|rest| own.join("shared").join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::{agent, config};

    const SMALL: Machine = Machine { memory_bytes: 1 << 30, cpus: 1.0 };

    #[test]
    fn a_container_gets_what_is_said_and_never_more_than_there_is() {
        let local = Local { memory: "4g".into(), ..config().local };
        let check = |memory: Option<&str>, cpus, machine, want: (u64, f64)| {
            let mut agent = agent(Path::new("/p/agents/a"));
            agent.runtime.memory = memory.map(str::to_owned);
            agent.runtime.cpus = cpus;
            let got = limits(&local, &agent, machine);
            assert_eq!((got.memory_bytes, got.cpus), want);
        };
        let large = Machine { memory_bytes: 64 << 30, cpus: 16.0 };
        check(None, None, large, (4 << 30, 2.0));
        check(Some("512m"), Some(0.5), large, (512 << 20, 0.5));
        check(Some("8g"), Some(8.0), SMALL, (1 << 30, 1.0));
        check(None, None, SMALL, (1 << 30, 1.0));
    }

    #[test]
    fn files_of_an_agent_are_elsewhere_in_a_container() {
        let mut agent = agent(Path::new("/p/agents/a"));
        let look = |agent: &Agent, file: &str| inside(agent, Path::new("/p"), Path::new(file));
        assert_eq!(look(&agent, "/p/x"), Some("/p/x".into()));
        agent.runtime.kind = RuntimeKind::Container;
        assert_eq!(look(&agent, "/p/agents/a/t/x"), Some("/app/static/t/x".into()));
        assert_eq!(look(&agent, "/p/shared/x"), Some("/app/static/shared/x".into()));
        assert_eq!(look(&agent, "/p/agents/b/x"), None);
    }
}
