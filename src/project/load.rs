//! Reads a whole project and everything that is wrong with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::agent::{self, Surroundings};
use super::binding::Sources;
use super::checks::Checks;
use super::config;
use super::discover::discover;
use super::layers::{self, Layers};
use super::model::{Agent, Project};
use super::problem::{Problem, Problems, Severity};
use super::source::{Draft, Named, reason};

/// Which project to read, and how.
#[derive(Clone)]
pub struct Request<'a> {
    /// The project's folder, as the person gave it.
    pub dir: PathBuf,
    /// `-E`
    pub environment: Option<String>,
    /// `$AL_ENV`
    pub al_env: Option<String>,
    /// Folder of credentials and environments.
    pub al_home: PathBuf,
    /// Unknown keys are errors instead of warnings.
    pub strict: bool,
    pub checks: Checks<'a>,
}

/// A project that can be used, and what should be looked at all the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub project: Project,
    pub warnings: Vec<Problem>,
}

/// Reads a project.
///
/// # Errors
/// All problems at once, warnings too, when one of them is an error: by file in the order of
/// reading (`config.toml`, `.env.toml`, the environment, agents by name), then by place.
pub fn load(request: &Request<'_>) -> Result<Loaded, Vec<Problem>> {
    let (project, problems) = look(request, true, None);
    match project {
        Some(project) if problems.iter().all(|p| p.severity == Severity::Warning) => {
            Ok(Loaded { project, warnings: problems })
        }
        _ => Err(problems),
    }
}

/// Reads a project as far as that is possible, and says what is wrong with it: an agent with
/// errors may be there in part or not at all. That there is no agent is no error here. None when
/// the folder is no project.
pub fn survey(request: &Request<'_>) -> (Option<Project>, Vec<Problem>) {
    look(request, false, None)
}

/// [`survey`] as if the files of a draft were written.
pub fn preview(request: &Request<'_>, draft: Draft) -> (Option<Project>, Vec<Problem>) {
    look(request, false, Some(Arc::new(draft)))
}

/// [`survey`] of a project that is meant to be run: without an agent it cannot.
pub fn examine(request: &Request<'_>) -> (Option<Project>, Vec<Problem>) {
    look(request, true, None)
}

fn look(
    request: &Request<'_>,
    needs_agents: bool,
    draft: Option<Arc<Draft>>,
) -> (Option<Project>, Vec<Problem>) {
    let mut problems = Problems::new(request.strict);
    let folder = Named::project(&request.dir).with(draft);
    let project = if folder.path.is_dir() {
        read(&folder, request, needs_agents, &mut problems)
    } else {
        let message = match folder.path.exists() {
            true => "this is no folder",
            false => "there is no such folder",
        };
        problems.push(
            Problem::error(&folder, message)
                .code("folder_missing")
                .hint("`-p <folder>` names the project; without it the current folder is meant"),
        );
        None
    };
    (project, problems.into_sorted())
}

fn read(
    folder: &Named,
    request: &Request<'_>,
    needs_agents: bool,
    problems: &mut Problems,
) -> Option<Project> {
    if folder.join("SKILL.md").path.exists() {
        problems.push(
            Problem::error(&folder.join("SKILL.md"), "this folder is an agent, not a project")
                .code("project_is_agent")
                .hint("a project has its agents in `agents/<name>/`")
                .hint("`-p` with the folder above `agents/` names the project"),
        );
        return None;
    }
    let layers = layers::read(folder, request, problems);
    let mut config = config::read(&layers.table, problems);
    let mut around = Surroundings {
        model_names: model_names(&layers),
        config: &mut config,
        sources: Sources { table: layers.table.table("webhooks"), complete: layers.complete },
        has_only_model: layers.table.node("model").is_some(),
        engine_known: !layers.table.table("harness").is_some_and(|h| h.is_bad("type")),
        checks: request.checks,
    };
    let before = problems.len();
    let agents = agents(folder, &mut around, problems);
    if needs_agents && agents.is_empty() && problems.len() == before {
        problems.push(
            Problem::error(&folder.join("agents"), "the project has no agents")
                .code("no_agents")
                .hint("an agent is a folder `agents/<name>/` with `SKILL.md` and `config.toml`"),
        );
    }
    for file in config.models.values_mut().filter_map(|model| model.file.as_mut()) {
        *file = folder.path.join(&*file);
    }
    let name = layers.table.text("projectName");
    Some(Project {
        name: name.map_or_else(|| folder_name(&folder.path), str::to_owned),
        dir: folder.path.clone(),
        environment: layers.environment.clone(),
        config,
        agents,
    })
}

fn agents(folder: &Named, around: &mut Surroundings<'_>, problems: &mut Problems) -> Vec<Agent> {
    let agents_dir = folder.join("agents");
    let mut names = match discover(&folder.path) {
        Ok(names) => names,
        Err(e) => {
            let message = format!("cannot be listed: {}", reason(&e));
            problems.push(Problem::error(&agents_dir, message).code("file_unreadable"));
            return Vec::new();
        }
    };
    if let Some(draft) = folder.draft() {
        let new = draft.0.iter().filter(|(_, text)| text.is_some());
        let inside = new.filter_map(|(file, _)| file.strip_prefix(&agents_dir.path).ok());
        names.extend(inside.filter_map(|path| path.iter().next()?.to_str().map(str::to_owned)));
        names.sort_unstable();
        names.dedup();
    }
    names
        .iter()
        .filter_map(|name| agent::read(name, &agents_dir.join(name), around, problems))
        .collect()
}

fn model_names(layers: &Layers) -> Vec<String> {
    let named = layers.table.table("models").into_iter().flat_map(|t| &t.entries);
    let mut names: Vec<String> = named.map(|e| e.key.clone()).collect();
    if layers.table.node("model").is_some() {
        names.push(config::ONLY_MODEL.to_owned());
    }
    names
}

fn folder_name(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    dir.file_name().map_or_else(|| "project".to_owned(), |n| n.to_string_lossy().into_owned())
}
