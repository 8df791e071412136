//! From a project to the layers of its agents' images.
//!
//! ```text
//! base      docker/Dockerfile or `local.image`, and al       al-agent:latest
//! project   Dockerfile of the project, when it adds anything al-project-base:latest
//! agent     agents/<name>/Dockerfile, when there is one
//! files     agents/<name> and shared/ at /app/static         al-<name>:latest
//! ```
//!
//! Each stands on the one before. What two agents have the same, they share.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::context::{self, Context, ContextError, Digest, Entry, File, Parts, Rules};
use super::dockerfile::{Dockerfile, Open, Sources};
use super::elf;
use super::ignore::Ignore;
use crate::docker::label;
use crate::project::model::{Agent, Project};

/// The base when `al` runs anywhere.
const ALPINE: &str = include_str!("../../../docker/Dockerfile");
/// The base when `al` needs the C library of the machine that it was built on.
const DEBIAN: &str = include_str!("../../../docker/Dockerfile.glibc");

/// The last thing that a base is made to do, so that one in which `al` cannot run is found when it is
/// built and not when a run starts.
pub const PROBE: &str = r#"RUN ["/app/bin/al","--version"]"#;

/// The `al` that goes into images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    file: File,
    /// It needs the C library it was built with.
    dynamic: bool,
}

impl Binary {
    /// Reads the program at `path`, once for all images.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, ContextError> {
        let mut head = Vec::new();
        let opened = std::fs::File::open(path);
        opened
            .and_then(|file| file.take(elf::HEAD as u64).read_to_end(&mut head))
            .map_err(|error| context::unreadable(path, &error))?;
        let mut file = context::file(path)?;
        file.executable = true;
        Ok(Self { file, dynamic: elf::is_dynamic(&head) })
    }
}

/// One image, without what it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// What people call it: `al-dev`.
    pub name: String,
    /// Whether `<name>:latest` is this one.
    pub tagged: bool,
    pub dockerfile: Open,
    pub context: Context,
    pub labels: BTreeMap<&'static str, String>,
    /// Images that building it fetches when they are not there.
    pub others: Vec<String>,
    /// Digest of everything above.
    pub inputs: Digest,
}

impl Layer {
    fn new(name: &str, tagged: bool, dockerfile: Open, context: Context) -> Self {
        let labels = BTreeMap::from([(label::VERSION, env!("CARGO_PKG_VERSION").to_owned())]);
        let name = name.to_owned();
        Self { name, tagged, dockerfile, context, labels, others: Vec::new(), inputs: [0; 32] }
    }

    fn label(mut self, key: &'static str, value: &str) -> Self {
        self.labels.insert(key, value.to_owned());
        self
    }

    fn done(mut self) -> Self {
        let mut parts = Parts::default();
        parts.add(self.dockerfile.on("").as_bytes()).add(&self.context.digest());
        for (key, value) in &self.labels {
            parts.add(key.as_bytes()).add(value.as_bytes());
        }
        self.inputs = parts.digest();
        self
    }
}

/// How the image of one agent is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    pub agent: String,
    /// The image that the first layer stands on.
    pub base: String,
    /// From the base up; the last is the agent's.
    pub layers: Vec<Arc<Layer>>,
    /// What a person should know though it is no error.
    pub remarks: Vec<String>,
}

/// Why there is no recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipeError {
    Context(ContextError),
    /// Steps that stand on nothing.
    NoFrom {
        path: PathBuf,
    },
}

impl From<ContextError> for RecipeError {
    fn from(error: ContextError) -> Self {
        Self::Context(error)
    }
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context(error) => error.fmt(f),
            Self::NoFrom { path } => write!(f, "{} has no FROM", path.display()),
        }
    }
}

impl RecipeError {
    /// What a person does about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Context(error) => error.hint(),
            Self::NoFrom { .. } => "begin it with `FROM al-agent:latest`",
        }
    }
}

/// The recipes of a project's agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipes {
    /// The image that everything stands on in the end.
    pub base: String,
    dir: PathBuf,
    label: String,
    shared: Vec<Arc<Layer>>,
    remarks: Vec<String>,
}

impl Recipes {
    /// Reads what all agents of a project share. `commands` are the names under which agents call
    /// `al`; `label` says whose images these are.
    ///
    /// # Errors
    /// When the project's Dockerfile cannot be used.
    pub fn read(
        project: &Project,
        binary: &Binary,
        commands: &[&str],
        label: &str,
    ) -> Result<Self, RecipeError> {
        let (base, layer) = base(project.config.local.image.as_deref(), binary, commands);
        let mut recipes = Self {
            base,
            dir: project.dir.clone(),
            label: label.to_owned(),
            shared: vec![Arc::new(layer)],
            remarks: Vec::new(),
        };
        if let Some((layer, remark)) = own_steps(&project.dir, "al-project-base", true)? {
            recipes.shared.push(Arc::new(layer.label(label::PROJECT, label).done()));
            recipes.remarks.extend(remark);
        }
        Ok(recipes)
    }

    /// How the image of an agent is made.
    ///
    /// # Errors
    /// When its Dockerfile or its files cannot be used.
    pub fn of(&self, agent: &Agent) -> Result<Recipe, RecipeError> {
        let name = format!("al-{}", agent.name);
        let mut layers = self.shared.clone();
        let mut remarks = self.remarks.clone();
        let mark = |layer: Layer| {
            layer.label(label::PROJECT, &self.label).label(label::AGENT, &agent.name)
        };
        if let Some((layer, remark)) = own_steps(&agent.dir, &name, false)? {
            layers.push(Arc::new(mark(layer).done()));
            remarks.extend(remark);
        }
        // The names of the images below are theirs, whatever an agent is called.
        let tagged = name != "al-agent" && name != "al-project-base";
        let steps = "COPY --chown=1000:1000 static/ /app/static/\n";
        let files = static_files(&self.dir, &agent.dir)?;
        let layer = Layer::new(&name, tagged, Open::on_parent(steps), files);
        layers.push(Arc::new(mark(layer).done()));
        Ok(Recipe { agent: agent.name.clone(), base: self.base.clone(), layers, remarks })
    }
}

/// The name of the image below, and the layer that puts `al` on it.
fn base(image: Option<&str>, binary: &Binary, commands: &[&str]) -> (String, Layer) {
    let text = match image {
        Some(image) => format!("FROM {image}\n"),
        None if binary.dynamic => DEBIAN.to_owned(),
        None => ALPINE.to_owned(),
    };
    let below = Dockerfile::read(&text).replaced().unwrap_or_default();
    let steps = format!("{text}COPY bin/ /app/bin/\nENV PATH=/app/bin:$PATH\n{PROBE}\n");
    let mut context = Context::default();
    context.entries.insert("bin".to_owned(), Entry::Folder);
    context.entries.insert("bin/al".to_owned(), Entry::File(binary.file.clone()));
    for command in commands {
        context.entries.insert(format!("bin/{command}"), Entry::Link("al".to_owned()));
    }
    (below, Layer::new("al-agent", true, Open::closed(&steps), context).done())
}

/// The layer of a folder's Dockerfile and what there is to say about it; none when it adds nothing.
fn own_steps(
    folder: &Path,
    name: &str,
    tagged: bool,
) -> Result<Option<(Layer, Option<String>)>, RecipeError> {
    let path = folder.join("Dockerfile");
    let Some(text) = text(&path)? else { return Ok(None) };
    let file = Dockerfile::read(&text);
    if file.adds_nothing() {
        return Ok(None);
    }
    let Some(open) = file.open() else { return Err(RecipeError::NoFrom { path }) };
    let ignore_path = folder.join(".dockerignore");
    let ignore = Ignore::read(&self::text(&ignore_path)?.unwrap_or_default())
        .map_err(|line| ContextError::Pattern { path: ignore_path, line })?;
    let rules = Rules { ignore, sources: file.sources(), free_links: true };
    let mut context = Context::default();
    if rules.sources != Sources::Some(Vec::new()) {
        context::add_folder(&mut context, folder, "", &rules)?;
    }
    let mut layer = Layer::new(name, tagged, open, context);
    layer.others = file.others();
    let remark = file.replaced().map(|image| {
        format!(
            "{}: stands on the images below instead of {image}; `local.image` sets another base",
            path.display()
        )
    });
    Ok(Some((layer, remark)))
}

/// What the agent finds at `/app/static`. Its `.dockerignore` is for its Dockerfile, and does not
/// count here.
fn static_files(project: &Path, agent: &Path) -> Result<Context, ContextError> {
    let rules = Rules { ignore: Ignore::default(), sources: Sources::All, free_links: false };
    let mut context = Context::default();
    context.entries.insert("static".to_owned(), Entry::Folder);
    context::add_folder(&mut context, agent, "static/", &rules)?;
    let shared = project.join("shared");
    if shared.is_dir() {
        context.entries.insert("static/shared".to_owned(), Entry::Folder);
        context::add_folder(&mut context, &shared, "static/shared/", &rules)?;
    }
    Ok(context)
}

fn text(path: &Path) -> Result<Option<String>, ContextError> {
    // Reading a pipe would wait for somebody who writes.
    if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        return Err(ContextError::Special { path: path.to_owned() });
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(context::unreadable(path, &error)),
    }
}

#[cfg(test)]
mod tests;
