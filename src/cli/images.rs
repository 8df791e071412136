//! Images of agents for a scheduler: built when a run needs one, and before that at the start.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::agent;
use crate::ambient;
use crate::docker::container::{self, Wanted};
use crate::docker::image::{Binary, BuildError, How, Images as Known, Progress, Recipe, Recipes};
use crate::docker::{self, Docker, label};
use crate::engine::{Definitions, Handle, ImageAnswer, Images};
use crate::project::{Agent, Network, Project, RuntimeKind};
use crate::runtime::{BOX_DIR, Container, Limits, boxed};
use crate::scheduler::{ENGINE, Event, Fault};

/// Whoever is told how far builds are, a line at a time.
pub type Hear = Box<dyn Fn(&str) + Send + Sync>;

/// Builds what is not there.
pub struct Builder {
    binary: PathBuf,
    /// What this scheduler's images are labelled with.
    label: String,
    how: How,
    read: OnceLock<Arc<Binary>>,
    /// What the engine has, as it was asked last.
    known: tokio::sync::Mutex<Option<Arc<Known>>>,
    hear: Mutex<Option<Hear>>,
    /// Who is told of agents without an image.
    engine: OnceLock<Handle>,
    /// Agents that an alert says have none.
    without: Mutex<BTreeSet<String>>,
}

/// Looks from inside a container whether runs will reach a gateway whose socket is in this folder.
/// `project` is what its containers are labelled with.
///
/// # Errors
/// Why they will not.
pub(super) async fn probe(image: String, project: &str, box_dir: &Path) -> Result<(), String> {
    let docker = docker::connect(&ambient::env).map_err(|trouble| trouble.advice())?;
    let container = Container {
        image,
        project: project.to_owned(),
        limits: Limits { memory_bytes: 64 << 20, cpus: 0.5, pids: 16 },
        network: Network::Gateway,
        mounts: Vec::new(),
        gpus: None,
        oci: None,
    };
    let labels = [(label::PROBE, std::process::id().to_string())];
    let name = format!("al-probe-{}", ambient::new_uuid());
    let wanted = Wanted {
        program: [boxed::BINARY, boxed::BOX, boxed::PROBE].map(str::to_owned).to_vec(),
        ..container.wanted(&name, &labels, box_dir)
    };
    match container::run_once(&docker, &wanted).await {
        Ok((0, _)) => Ok(()),
        Ok((_, said)) => Err(format!("containers do not reach the gateway: {}", said.trim_end())),
        Err(error) => Err(format!("containers cannot run: {}", container::words(&error))),
    }
}

impl Builder {
    pub fn new(binary: PathBuf, label: String, how: How) -> Self {
        Self {
            binary,
            label,
            how,
            read: OnceLock::new(),
            known: tokio::sync::Mutex::default(),
            hear: Mutex::default(),
            engine: OnceLock::new(),
            without: Mutex::default(),
        }
    }

    /// Raises the alert that an agent has no image, or takes it back.
    fn alert(&self, agent: &str, outcome: &Result<String, String>) {
        let Some(engine) = self.engine.get() else { return };
        let mut without = self.without.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Fault::image_key(agent);
        match outcome {
            Ok(_) if !without.remove(agent) => {}
            Ok(_) => engine.report(Event::Noticed { key, fault: None }),
            Err(message) => {
                without.insert(agent.to_owned());
                let fault = Fault {
                    key: key.clone(),
                    agent: Some(agent.to_owned()),
                    message: format!("runs of {agent} cannot start: {message}"),
                    hint: Some(format!("look at all of it: al build {agent}")),
                    file: None,
                    line: None,
                };
                engine.report(Event::Noticed { key, fault: Some(Box::new(fault)) });
            }
        }
    }

    /// From now on this one is told of all builds.
    pub fn tell(&self, hear: Hear) {
        *self.hear.lock().unwrap_or_else(PoisonError::into_inner) = Some(hear);
    }

    fn say(&self, line: &str) {
        if let Some(hear) = &*self.hear.lock().unwrap_or_else(PoisonError::into_inner) {
            hear(line);
        }
    }

    /// Builds the images of all agents that run in containers, side by side.
    pub async fn build_all(self: Arc<Self>, engine: Handle, definitions: Arc<Definitions>) {
        let _ = self.engine.set(engine.clone());
        let mut builds = tokio::task::JoinSet::new();
        let defined = definitions.get();
        for agent in defined.project.agents.iter().filter(|agent| agent.scale > 0) {
            if agent.runtime.kind != RuntimeKind::Container {
                continue;
            }
            let (builder, defined) = (Arc::clone(&self), Arc::clone(&defined));
            let name = agent.name.clone();
            builds.spawn(async move {
                let agent = defined.agent(&name)?;
                builder.image(&defined.project, agent, &|_| ()).await.ok()
            });
        }
        let mut image = None;
        while let Some(built) = builds.join_next().await {
            image = image.or(built.ok().flatten());
        }
        let Some(image) = image else { return };
        let box_dir = Path::new(&self.label).join(BOX_DIR);
        let fault = probe(image, &self.label, &box_dir).await.err().map(|message| {
            tracing::error!(target: "images", "{message}");
            Box::new(Fault {
                key: ENGINE.to_owned(),
                agent: None,
                message,
                hint: Some("without it agents have no locks, calls and status".to_owned()),
                file: None,
                line: None,
            })
        });
        engine.report(Event::Noticed { key: ENGINE.to_owned(), fault });
    }

    async fn find(
        &self,
        project: &Project,
        agent: &Agent,
        watch: &(dyn Fn(String) + Send + Sync),
    ) -> Result<String, String> {
        let docker = docker::connect(&ambient::env).map_err(|trouble| trouble.advice())?;
        let (recipes, recipe) = self.recipe(project, agent).await?;
        let told = Mutex::new((String::new(), 0));
        let watch = |progress: Progress| {
            let step = (progress.image.clone(), progress.step);
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if *told != step {
                *told = step;
                let line = words(&progress);
                tracing::info!(target: "images", agent = progress.agent, "{line}");
                self.say(&line);
                watch(line);
            }
        };
        let known = self.known(&docker, &recipes, false).await?;
        let mut image = known.ensure(&recipe, self.how, &watch).await;
        let gone = match &image {
            Ok(image) => docker.inspect_image(&image.id).await.is_err(),
            // What failed before may work now: the engine is asked anew for the next run.
            Err(_) => {
                *self.known.lock().await = None;
                false
            }
        };
        if gone {
            let known = self.known(&docker, &recipes, true).await?;
            image = known.ensure(&recipe, self.how, &watch).await;
        }
        let image = image.map_err(|error| short(&error))?;
        if image.built {
            let line = format!("image of {} built", agent.name);
            tracing::info!(target: "images", agent = agent.name, image = image.id, "{line}");
            self.say(&line);
        }
        Ok(image.id)
    }

    /// What the engine has: one list, until something is missing.
    async fn known(
        &self,
        docker: &Docker,
        recipes: &Recipes,
        anew: bool,
    ) -> Result<Arc<Known>, String> {
        let mut known = self.known.lock().await;
        match &*known {
            Some(known) if !anew => Ok(Arc::clone(known)),
            _ => {
                let listed = Known::list(docker, recipes).await.map_err(|error| short(&error))?;
                Ok(Arc::clone(known.insert(Arc::new(listed))))
            }
        }
    }

    /// Reads the files; the program itself once.
    async fn recipe(&self, project: &Project, agent: &Agent) -> Result<(Recipes, Recipe), String> {
        let (read, binary) = (self.read.get().cloned(), self.binary.clone());
        let (project, agent, label) = (project.clone(), agent.clone(), self.label.clone());
        let task = move || {
            let binary = match read {
                Some(binary) => binary,
                None => Arc::new(read_binary(&binary)?),
            };
            let recipes = recipes_with(&project, &binary, &label)?;
            let recipe = recipes.of(&agent).map_err(|e| format!("{e}: {}", e.hint()))?;
            Ok::<_, String>((binary, recipes, recipe))
        };
        let (binary, recipes, recipe) =
            tokio::task::spawn_blocking(task).await.map_err(|error| error.to_string())??;
        let _ = self.read.set(binary);
        Ok((recipes, recipe))
    }
}

impl Images for Builder {
    fn image<'a>(
        &'a self,
        project: &'a Project,
        agent: &'a Agent,
        watch: &'a (dyn Fn(String) + Send + Sync),
    ) -> ImageAnswer<'a> {
        Box::pin(async move {
            let outcome = self.find(project, agent, watch).await;
            self.alert(&agent.name, &outcome);
            outcome
        })
    }
}

/// How the images of a project are made, with this `al` in them.
pub fn recipes(project: &Project, binary: &Path, label: &str) -> Result<Recipes, String> {
    recipes_with(project, &read_binary(binary)?, label)
}

fn read_binary(path: &Path) -> Result<Binary, String> {
    Binary::read(path).map_err(|e| format!("{e}: {}", e.hint()))
}

fn recipes_with(project: &Project, binary: &Binary, label: &str) -> Result<Recipes, String> {
    Recipes::read(project, binary, &agent::COMMANDS, label)
        .map_err(|e| format!("{e}: {}", e.hint()))
}

/// `building al-dev: step 3 of 7: RUN apk add git`
pub fn words(progress: &Progress) -> String {
    let Progress { image, step, of, line, .. } = progress;
    match step {
        0 => format!("building {image}: {line}"),
        _ => format!("building {image}: step {step} of {of}: {line}"),
    }
}

/// A build that failed, in one line.
fn short(error: &BuildError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}: {hint}"),
        None => error.to_string(),
    }
}
