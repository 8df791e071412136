//! What of ours the engine has. It looks for the label itself, so what other programs leave there
//! costs nothing.

use std::collections::HashMap;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerSummary, ContainerSummaryStateEnum, ImageSummary};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder,
};

use super::container::{is_conflict, is_missing};
use super::label::{AGENT, ATTEMPT, INPUTS, PROJECT, RUN, SHELL};

/// A container that carries our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    pub id: String,
    pub name: String,
    /// Label of its project.
    pub project: String,
    pub agent: Option<String>,
    /// The run and its attempt; none in a shell's.
    pub attempt: Option<(String, u32)>,
    /// What the shell's label says.
    pub shell: Option<String>,
    pub phase: Phase,
    /// Seconds since the Unix epoch.
    pub created_s: i64,
    /// Id of its image.
    pub image: String,
}

/// Whether anything runs in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Running,
    Paused,
    /// Not started yet, or ended.
    Still,
}

/// An image that carries our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub id: String,
    /// Its names; an image that a newer one has replaced has none.
    pub names: Vec<String>,
    pub project: Option<String>,
    pub agent: Option<String>,
    /// With the layers that it shares with others.
    pub size_bytes: u64,
    /// Seconds since the Unix epoch.
    pub created_s: i64,
}

/// Our containers, running or not; only those of one project when its label is given.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn ours(docker: &Docker, project: Option<&str>) -> Result<Vec<Ours>, Error> {
    let label = project.map_or(PROJECT.to_owned(), |label| format!("{PROJECT}={label}"));
    let filters = HashMap::from([("label".to_owned(), vec![label])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let listed = docker.list_containers(Some(options)).await?;
    Ok(listed.into_iter().filter_map(known).collect())
}

fn known(summary: ContainerSummary) -> Option<Ours> {
    let mut labels = summary.labels?;
    let number = labels.remove(ATTEMPT).and_then(|text| text.parse().ok());
    let phase = match summary.state {
        Some(ContainerSummaryStateEnum::RUNNING | ContainerSummaryStateEnum::RESTARTING) => {
            Phase::Running
        }
        Some(ContainerSummaryStateEnum::PAUSED) => Phase::Paused,
        _ => Phase::Still,
    };
    let name = summary.names?.into_iter().next()?;
    Some(Ours {
        id: summary.id?,
        name: name.trim_start_matches('/').to_owned(),
        project: labels.remove(PROJECT)?,
        agent: labels.remove(AGENT),
        attempt: labels.remove(RUN).zip(number),
        shell: labels.remove(SHELL),
        phase,
        created_s: summary.created.unwrap_or_default(),
        image: summary.image_id.unwrap_or_default(),
    })
}

/// Images that were built by us, for any project.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn images(docker: &Docker) -> Result<Vec<Image>, Error> {
    let filters = HashMap::from([("label".to_owned(), vec![INPUTS.to_owned()])]);
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    let listed = docker.list_images(Some(options)).await?;
    Ok(listed.into_iter().map(built).collect())
}

fn built(mut summary: ImageSummary) -> Image {
    // How older engines write that there is none.
    summary.repo_tags.retain(|name| name != "<none>:<none>");
    Image {
        id: summary.id,
        names: summary.repo_tags,
        project: summary.labels.remove(PROJECT),
        agent: summary.labels.remove(AGENT),
        size_bytes: u64::try_from(summary.size).unwrap_or_default(),
        created_s: summary.created,
    }
}

/// Removes an image that nothing uses; false when something does after all. It may be gone already.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn remove_image(docker: &Docker, id: &str) -> Result<bool, Error> {
    let options = RemoveImageOptionsBuilder::new().force(false).build();
    match docker.remove_image(id, Some(options), None).await {
        Ok(_) => Ok(true),
        Err(error) if is_missing(&error) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(labels: &[(&str, &str)], state: ContainerSummaryStateEnum) -> ContainerSummary {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        ContainerSummary {
            id: Some("1f".into()),
            names: Some(vec!["/al-dev-1-2".into()]),
            created: Some(7),
            state: Some(state),
            labels: Some(labels.iter().map(pair).collect()),
            ..Default::default()
        }
    }

    #[test]
    fn a_container_is_known_by_its_labels() {
        let labels = [(PROJECT, "/p/.al"), (RUN, "dev-1"), (ATTEMPT, "2"), (AGENT, "dev")];
        let run = known(summary(&labels, ContainerSummaryStateEnum::PAUSED)).unwrap();
        assert_eq!(run.name, "al-dev-1-2");
        assert_eq!(run.attempt, Some(("dev-1".into(), 2)));
        assert_eq!((run.phase, run.shell), (Phase::Paused, None));

        let labels = [(PROJECT, "/p/.al"), (SHELL, "7.9")];
        let shell = known(summary(&labels, ContainerSummaryStateEnum::EXITED)).unwrap();
        assert_eq!((shell.attempt, shell.shell), (None, Some("7.9".into())));
        assert_eq!(shell.phase, Phase::Still);

        assert_eq!(known(summary(&[(RUN, "x")], ContainerSummaryStateEnum::RUNNING)), None);
    }
}
