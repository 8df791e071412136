//! Having the engine build what is not there yet.

mod run;

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Plain, PoisonError};

use bollard::Docker;
use bollard::query_parameters::{ListImagesOptionsBuilder, TagImageOptionsBuilder};
use tokio::sync::{Mutex, Semaphore};

use super::error::{BuildError, Why};
use super::known::{Known, Shelf, inputs};
use super::recipe::{Layer, Recipe, Recipes};
use crate::docker::label;

/// Images that are built at once.
const SIDE_BY_SIDE: usize = 3;

/// How to build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct How {
    /// No registry is asked for anything.
    pub offline: bool,
    /// What is there already does not count.
    pub fresh: bool,
}

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `sha256:...`
    pub id: String,
    pub bytes: u64,
    /// It was not there before.
    pub built: bool,
}

/// How far a build is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub agent: String,
    /// Which image: `al-agent`, `al-dev`.
    pub image: String,
    /// The step, from 1; 0 before the first.
    pub step: u32,
    pub of: u32,
    /// The last line of its output.
    pub line: String,
}

/// Told of progress.
pub type Watch<'a> = &'a (dyn Fn(Progress) + Sync);

/// The outcome for those who wait for the same image; empty while nobody has built it.
type Slot = Arc<Mutex<Option<Result<Image, BuildError>>>>;

/// The images that an engine had when it was asked, and those that were built since. What failed is
/// not tried again: ask anew for that.
pub struct Images {
    docker: Docker,
    known: Shelf,
    /// The image that all stand on: its id, once it is there.
    ground: Mutex<Option<Result<String, BuildError>>>,
    slots: Plain<HashMap<String, Slot>>,
    free: Semaphore,
}

/// Who builds what, and how.
struct Job<'a> {
    agent: &'a str,
    layer: &'a Layer,
    /// Id of the image that it stands on; empty for the first.
    parent: &'a str,
    inputs: &'a str,
    how: How,
    watch: Watch<'a>,
}

impl Images {
    /// Asks the engine once for what it has, for all recipes of a project.
    ///
    /// # Errors
    /// When it gives no useful answer.
    pub async fn list(docker: &Docker, recipes: &Recipes) -> Result<Self, BuildError> {
        let ours = HashMap::from([("label", vec![label::INPUTS])]);
        // Among all, as parents of others are not listed when their name went to another project.
        let options = ListImagesOptionsBuilder::default().all(true).filters(&ours).build();
        let engine = |error| BuildError::new("al-agent", run::engine(&error));
        let all = docker.list_images(Some(options)).await.map_err(engine)?;
        let ground = run::image_id(docker, &recipes.base).await.map_err(engine)?;
        Ok(Self {
            docker: docker.clone(),
            known: Shelf::of(&all),
            ground: Mutex::new(ground.map(Ok)),
            slots: Plain::default(),
            free: Semaphore::new(SIDE_BY_SIDE),
        })
    }

    /// The image of a recipe, built when it is not there. Several may be asked for at once; what they
    /// stand on is built once. Dropped, it leaves no image and moves no name.
    ///
    /// # Errors
    /// Which image could not be built, at which step and why.
    pub async fn ensure(
        &self,
        recipe: &Recipe,
        how: How,
        watch: Watch<'_>,
    ) -> Result<Image, BuildError> {
        let mut inputs_below: Option<String> = None;
        let mut image = Image { id: String::new(), bytes: 0, built: false };
        for layer in &recipe.layers {
            let inputs = match &inputs_below {
                Some(below) => inputs(below, &layer.inputs),
                None => self.first_inputs(recipe, layer, how, watch).await?,
            };
            let job =
                Job { agent: &recipe.agent, layer, parent: &image.id, inputs: &inputs, how, watch };
            image = self.layer(&job).await?;
            inputs_below = Some(inputs);
        }
        Ok(image)
    }

    /// What the first layer is made from. When the image below has been removed, or lost its name,
    /// what was built on it is still good.
    async fn first_inputs(
        &self,
        recipe: &Recipe,
        layer: &Layer,
        how: How,
        watch: Watch<'_>,
    ) -> Result<String, BuildError> {
        let mut ground = self.ground.lock().await;
        if ground.is_none()
            && !how.fresh
            && let Some(inputs) = self.known.inputs_of(layer)
        {
            return Ok(inputs);
        }
        let id = match &*ground {
            Some(found) => found.clone(),
            None => {
                let found = match how.offline {
                    true => Err(Why::Missing { image: recipe.base.clone() }),
                    false => run::fetch(&self.docker, recipe, &layer.name, watch).await,
                };
                let found = found.map_err(|why| BuildError::new(&layer.name, why));
                *ground = Some(found.clone());
                found
            }
        };
        id.map(|id| inputs(&id, &layer.inputs))
    }

    async fn layer(&self, job: &Job<'_>) -> Result<Image, BuildError> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(job.inputs.to_owned()).or_default())
        };
        let mut outcome = slot.lock().await;
        if let Some(outcome) = &*outcome {
            return outcome.clone();
        }
        let found = match self.known.get(job.inputs).filter(|_| !job.how.fresh) {
            Some(known) => self.keep(job, known).await,
            None => self.build(job).await,
        };
        *outcome = Some(found.clone());
        found
    }

    /// An image that is there, under its name.
    async fn keep(&self, job: &Job<'_>, known: &Known) -> Result<Image, BuildError> {
        if !known.tags.contains(&format!("{}:latest", job.layer.name)) {
            self.name(job.layer, &known.id).await?;
        }
        Ok(Image { id: known.id.clone(), bytes: known.bytes, built: false })
    }

    async fn build(&self, job: &Job<'_>) -> Result<Image, BuildError> {
        // Never closed.
        let _free = self.free.acquire().await;
        if job.how.offline {
            self.all_here(job.layer).await?;
        }
        let id = run::build(&self.docker, job).await?;
        let inspected = self.docker.inspect_image(&id).await;
        let inspected = inspected.map_err(|e| BuildError::new(&job.layer.name, run::engine(&e)))?;
        self.name(job.layer, &id).await?;
        let bytes = inspected.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        Ok(Image { id: inspected.id.unwrap_or(id), bytes, built: true })
    }

    /// That nothing has to be fetched for a layer.
    async fn all_here(&self, layer: &Layer) -> Result<(), BuildError> {
        for image in &layer.others {
            let why = match run::image_id(&self.docker, image).await {
                _ if image.contains('$') => Why::Uncertain { image: image.clone() },
                Ok(Some(_)) => continue,
                Ok(None) => Why::Missing { image: image.clone() },
                Err(error) => run::engine(&error),
            };
            return Err(BuildError::new(&layer.name, why));
        }
        Ok(())
    }

    /// Gives an image the name that people know it by. We use its id, as another project may give the
    /// same name to an image of its own.
    async fn name(&self, layer: &Layer, id: &str) -> Result<(), BuildError> {
        if !layer.tagged {
            return Ok(());
        }
        let options = TagImageOptionsBuilder::default().repo(&layer.name).tag("latest").build();
        let tagged = self.docker.tag_image(id, Some(options)).await;
        tagged.map_err(|error| BuildError::new(&layer.name, run::engine(&error)))
    }
}
