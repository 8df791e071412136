//! Containers that nobody stands over.

use std::path::Path;

use super::{Error, visit};
use crate::ambient;
use crate::docker::list::{self, Ours, Phase};
use crate::docker::{self, Docker, container};

/// A container without a supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Of which attempt; none when it is that of a shell whose process is gone.
    pub attempt: Option<(String, u32)>,
    /// Its id.
    pub container: String,
    pub name: String,
}

/// Containers of a project that have no supervisor and no shell. A scheduler may be about to adopt
/// them: whether their attempts should live is not known here.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn strays(
    docker: &Docker,
    al_dir: &Path,
    project: &str,
) -> Result<Vec<Ours>, docker::Error> {
    let mut ours = list::ours(docker, Some(project)).await?;
    ours.retain(|one| is_stray(one, al_dir));
    Ok(ours)
}

fn is_stray(one: &Ours, al_dir: &Path) -> bool {
    match (&one.attempt, &one.shell) {
        (Some((run, attempt)), _) => !visit::may_live(al_dir, run, *attempt),
        (None, Some(mark)) => one.phase == Phase::Still && !is_new(one) || !visit::lives(mark),
        // Somebody else's idea of our labels.
        (None, None) => false,
    }
}

/// A shell's container is made before it is started.
fn is_new(one: &Ours) -> bool {
    const MADE_WITHIN_MS: i64 = 60_000;
    ambient::now_ms() - one.created_s * 1000 < MADE_WITHIN_MS
}

/// [`strays`] of a machine that may have no engine, which then has none.
pub(super) async fn all(al_dir: &Path, project: &str) -> Result<Vec<Stray>, Error> {
    let Ok(docker) = docker::connect(&ambient::env) else { return Ok(Vec::new()) };
    let found = strays(&docker, al_dir, project).await.map_err(|error| engine(&error))?;
    let stray = |one: Ours| Stray { attempt: one.attempt, container: one.id, name: one.name };
    Ok(found.into_iter().map(stray).collect())
}

/// Takes one away, unless somebody stands over it by now.
pub(super) async fn discard(al_dir: &Path, stray: &Stray) -> Result<bool, Error> {
    if let Some((run, attempt)) = &stray.attempt
        && visit::may_live(al_dir, run, *attempt)
    {
        return Ok(false);
    }
    let Ok(docker) = docker::connect(&ambient::env) else { return Ok(false) };
    container::remove(&docker, &stray.container).await.map_err(|error| engine(&error))?;
    Ok(true)
}

fn engine(error: &docker::Error) -> Error {
    Error::Engine(container::words(error))
}
