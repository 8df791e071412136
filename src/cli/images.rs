//! Images of agents for the scheduler.

use crate::ambient;
use crate::docker;
use crate::engine::{ImageAnswer, Images};
use crate::project::{Agent, Project};

/// Builds what a run needs and is not there.
#[derive(Debug, Default)]
pub struct Builder;

impl Builder {
    pub fn new() -> Self {
        Self
    }
}

impl Images for Builder {
    fn image<'a>(&'a self, _: &'a Project, agent: &'a Agent) -> ImageAnswer<'a> {
        Box::pin(async move {
            let docker = docker::connect(&ambient::env)
                .map_err(|trouble| format!("{trouble}: {}", trouble.hint()))?;
            let image = docker.inspect_image(&format!("al-{}:latest", agent.name)).await;
            image.map_err(|e| e.to_string())?.id.ok_or_else(|| "no image".to_owned())
        })
    }
}
