//! The files that make up a project's configuration, one laid over the other.

use std::fs;
use std::path::Path;

use super::check::check;
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

/// Where an environment's name comes from, in the order that they are asked.
#[derive(Debug, Clone, Copy)]
pub struct Environment<'a> {
    /// `-E`
    pub flag: Option<&'a str>,
    /// `$AL_ENV`
    pub variable: Option<&'a str>,
    /// Folder with the environment files.
    pub dir: &'a Path,
}

/// Reads and merges `config.toml`, `.env.toml` and the environment's file.
pub fn read(project: &Named, choice: Environment<'_>, problems: &mut Problems) -> Layers {
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
    let chosen = choice.flag.or(choice.variable);
    let Some(name) = chosen.or(bound_name) else { return layers };
    layers.environment = Some(name.to_owned());

    let file = Named::new(choice.dir.join(format!("{name}.toml")));
    let origin = match (choice.flag, choice.variable) {
        (Some(_), _) => "-E",
        (None, Some(_)) => "$AL_ENV",
        _ => ".env.toml",
    };
    let refuse = |message: String| match (&bound, chosen) {
        (Some(node), None) => Problem::error_at(&node.at, message).code("environment_unknown"),
        _ => {
            Problem::error(&Named::new(choice.dir.to_owned()), message).code("environment_unknown")
        }
    };
    if let Err(why) = names::check_environment(name) {
        layers.complete = false;
        problems.push(refuse(format!("the name {} of the environment {why}", quoted(name))));
    } else if !file.path.exists() {
        layers.complete = false;
        let known = environments(choice.dir);
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

/// Names of the environments there are, sorted.
pub fn environments(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort_unstable();
    names
}
