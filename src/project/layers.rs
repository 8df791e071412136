//! The files that make up a project's configuration, one laid over the other.

use std::fs;
use std::path::{Path, PathBuf};

use super::check::check;
use super::load::Request;
use super::names;
use super::problem::{Problem, Problems, did_you_mean, listed, quoted};
use super::schema::File;
use super::source::Named;
use super::tree::{self, Table};

/// What the layers say together.
#[derive(Debug, Default)]
pub struct Layers {
    pub table: Table,
    pub environment: Option<String>,
    /// Whether every layer could be read, so that what is missing from `table` is missing.
    pub complete: bool,
}

/// Reads and merges `config.toml`, `.env.toml` and the environment's file.
pub fn read(project: &Named, request: &Request<'_>, problems: &mut Problems) -> Layers {
    let mut layers = Layers { complete: true, ..Layers::default() };
    layers.add(&project.join("config.toml"), File::Project, problems);
    let env = project.join(".env.toml");
    let (mut bound, mut project_name) = (None, None);
    if let Some(mut table) = layers.read(&env, File::Env, problems) {
        table.take("agents");
        bound = table.take("environment");
        project_name = table.entry("projectName").cloned();
        layers.table.merge(table);
    }
    let bound_name = bound.as_ref().and_then(|node| match &node.value {
        tree::Tree::Text(name) => Some(name.as_str()),
        _ => None,
    });
    let (flag, variable) = (request.environment.as_deref(), request.al_env.as_deref());
    let chosen = flag.or(variable);
    let Some(name) = chosen.or(bound_name) else { return layers };
    layers.environment = Some(name.to_owned());

    let dir = environments_dir(&request.al_home);
    let file = Named::new(environment_file(&request.al_home, name)).with(project.draft().cloned());
    let origin = match (flag, variable) {
        (Some(_), _) => "-E",
        (None, Some(_)) => "$AL_ENV",
        _ => ".env.toml",
    };
    let refuse = |message: String| match (&bound, chosen) {
        (Some(node), None) => Problem::error_at(&node.at, message).code("environment_unknown"),
        _ => Problem::error(&Named::new(dir.clone()), message).code("environment_unknown"),
    };
    if let Err(why) = names::check_environment(name) {
        layers.complete = false;
        problems.push(refuse(format!("the name {} of the environment {why}", quoted(name))));
    } else if !file.exists() {
        layers.complete = false;
        let known = environments(&request.al_home);
        let near = did_you_mean(name, known.iter().map(String::as_str));
        let message = format!("environment {} ({origin}) does not exist", quoted(name));
        let known = listed(known.iter().map(String::as_str));
        problems.push(
            refuse(message)
                .maybe_hint(near)
                .hint(format!("known environments: {known}"))
                .hint(format!("to make it: al env init {name}")),
        );
    } else {
        layers.add(&file, File::Environment, problems);
        // That of `.env.toml` wins over every other.
        layers.table.merge(Table { entries: project_name.into_iter().collect() });
    }
    layers
}

impl Layers {
    fn add(&mut self, file: &Named, kind: File, problems: &mut Problems) {
        if let Some(table) = self.read(file, kind, problems) {
            self.table.merge(table);
        }
    }

    fn read(&mut self, file: &Named, kind: File, problems: &mut Problems) -> Option<Table> {
        let result = file.read().and_then(|source| source.map(|s| tree::parse(&s)).transpose());
        match result {
            Ok(table) => {
                let mut table = table?;
                check(&mut table, kind, problems);
                Some(table)
            }
            Err(problem) => {
                self.complete = false;
                problems.push(problem);
                None
            }
        }
    }
}

/// Where the environments of this machine are, each a file.
pub fn environments_dir(al_home: &Path) -> PathBuf {
    al_home.join("environments")
}

/// The file of one of them, whether or not it is there.
pub fn environment_file(al_home: &Path, name: &str) -> PathBuf {
    environments_dir(al_home).join(format!("{name}.toml"))
}

/// Names of the environments there are, sorted.
pub fn environments(al_home: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(environments_dir(al_home))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort_unstable();
    names
}
