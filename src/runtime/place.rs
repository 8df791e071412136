//! Where a run executes, with all that has to be known for it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::boxed::{BINARY, BOX};
use crate::docker::container::{self, Wanted};
use crate::docker::label;
use crate::project::{Mount, Network};

/// Where a run executes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A process of this user.
    Process,
    /// A process of another user of this machine.
    HostUser {
        user: String,
        /// The first is the primary one.
        groups: Vec<String>,
    },
    Container(Box<Container>),
}

/// A container to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Id of its image, which stays the same whatever its names come to mean.
    pub image: String,
    /// Label of the project, so that two of them on one engine leave each other alone.
    pub project: String,
    pub limits: Limits,
    pub network: Network,
    pub mounts: Vec<Mount>,
    /// As Docker writes it.
    pub gpus: Option<String>,
    /// What the engine starts it with, when not its default.
    pub oci: Option<String>,
}

impl Container {
    /// What the engine is asked for: the box, with the gateway's socket where it may reach that.
    pub fn wanted(&self, name: &str, labels: &[(&str, String)], box_dir: &Path) -> Wanted {
        let mut mounts = self.mounts.clone();
        if self.network != Network::None {
            mounts.push(container::socket_mount(box_dir.to_owned()));
        }
        let project = [(label::PROJECT, self.project.clone())];
        let labels = project.iter().chain(labels);
        Wanted {
            name: name.to_owned(),
            image: self.image.clone(),
            program: vec![BINARY.to_owned(), BOX.to_owned()],
            labels: labels.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            memory_bytes: self.limits.memory_bytes,
            cpus: self.limits.cpus,
            pids: self.limits.pids,
            network: self.network,
            mounts,
            gpus: self.gpus.clone(),
            oci: self.oci.clone(),
        }
    }
}

/// What a container may use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    pub memory_bytes: u64,
    pub cpus: f64,
    /// Processes and threads at once.
    pub pids: u32,
}
