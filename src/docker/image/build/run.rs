//! One build, from the archive that goes in to the id that comes out.

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::BuildInfo;
use bollard::query_parameters::{
    BuildImageOptions, BuildImageOptionsBuilder, CreateImageOptionsBuilder,
};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc::{self, Sender};
use tokio::time::timeout;

use super::{Job, Progress, Watch};
use crate::docker::image::context::{DOCKERFILE, send};
use crate::docker::image::error::{BuildError, Why};
use crate::docker::image::output::Output;
use crate::docker::image::recipe::{Layer, Recipe};
use crate::docker::label;

/// A build that says nothing for so many seconds is given up.
const SILENCE_S: u64 = 300;
/// Pieces of an archive, and how many of them may wait for the engine.
const PIECE: usize = 256 << 10;
const PIECES: usize = 4;

/// What is wrong when the engine does not do what it was asked for.
pub fn engine(error: &Error) -> Why {
    let message = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        other => format!("the container engine gave no useful answer: {other}"),
    };
    Why::Engine { message }
}

/// The id of an image that is there under this name.
pub async fn image_id(docker: &Docker, name: &str) -> Result<Option<String>, Error> {
    match docker.inspect_image(name).await {
        Ok(found) => Ok(found.id),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Fetches the image that a recipe stands on.
pub async fn fetch(
    docker: &Docker,
    recipe: &Recipe,
    image: &str,
    watch: Watch<'_>,
) -> Result<String, Why> {
    let base = &recipe.base;
    let unfetched = |error: &Error| match engine(error) {
        Why::Engine { message } => Why::Unfetched { image: base.clone(), message },
        other => other,
    };
    let mut options = CreateImageOptionsBuilder::default().from_image(base);
    let last = base.rsplit('/').next().unwrap_or(base);
    if !last.contains([':', '@']) {
        options = options.tag("latest");
    }
    let mut pull = docker.create_image(Some(options.build()), None, None);
    while let Some(info) = next(&mut pull).await? {
        let info = info.map_err(|error| unfetched(&error))?;
        let words = [info.id, info.status].into_iter().flatten().collect::<Vec<_>>();
        watch(Progress {
            agent: recipe.agent.clone(),
            image: image.to_owned(),
            step: 0,
            of: 0,
            line: format!("fetching {base}: {}", words.join(" ")),
        });
    }
    match image_id(docker, base).await {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err(Why::Missing { image: base.clone() }),
        Err(error) => Err(unfetched(&error)),
    }
}

/// Builds a layer and returns the image's id.
pub async fn build(docker: &Docker, job: &Job<'_>) -> Result<String, BuildError> {
    let trouble = Arc::new(Mutex::new(None));
    // The engine takes the bare digest as a name everywhere.
    let parent = job.parent.strip_prefix("sha256:").unwrap_or(job.parent);
    let dockerfile = format!("{}\n{}", job.layer.dockerfile.on(parent), labels(job));
    let archive = archive(job.layer.clone(), dockerfile, &trouble);
    let body = bollard::body_try_stream(archive.map(|piece| piece.map(Into::into)));
    let mut build = Box::pin(docker.build_image(options(job), None, Some(body)));
    let mut output = Output::default();
    let outcome = follow(&mut build, job, &mut output).await;
    // Closes the connection, on which the engine gives the build up.
    drop(build);
    let trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
    let why = match (outcome, trouble) {
        (Ok(Some(id)), _) => return Ok(id),
        (_, Some(message)) => Why::Files { message },
        (Ok(None), None) => {
            Why::Engine { message: "the container engine did not say what it has built".to_owned() }
        }
        (Err(why), None) => why,
    };
    let (step, lines) = output.end();
    Err(BuildError { step, output: lines, ..BuildError::new(&job.layer.name, why) })
}

fn options(job: &Job<'_>) -> BuildImageOptions {
    BuildImageOptionsBuilder::default()
        .dockerfile(DOCKERFILE)
        .rm(true)
        .forcerm(true)
        .nocache(job.how.fresh)
        .build()
}

/// The last step. All labels in one: of several, each would leave an image that has some of them, and
/// passes for the one that has all.
fn labels(job: &Job<'_>) -> String {
    let layer = hex::encode(job.layer.inputs);
    let own = [(label::INPUTS, job.inputs), (label::LAYER, &layer)];
    let others = job.layer.labels.iter().map(|(key, value)| (*key, value.as_str()));
    let all = own.into_iter().chain(others);
    let words: Vec<String> = all.map(|(key, value)| format!("{key}={}", quoted(value))).collect();
    format!("LABEL {}\n", words.join(" "))
}

/// A value as it stands in a Dockerfile: nothing in it is a variable.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            text.push('\\');
        }
        // One instruction is one line.
        text.push(if c.is_control() { '?' } else { c });
    }
    text.push('"');
    text
}

/// Reads what the engine says until it has built the image or cannot.
async fn follow(
    build: &mut (impl Stream<Item = Result<BuildInfo, Error>> + Unpin),
    job: &Job<'_>,
    output: &mut Output,
) -> Result<Option<String>, Why> {
    let mut id = None;
    while let Some(info) = next(build).await? {
        let info = info.map_err(|error| match error {
            Error::DockerStreamError { error } => Why::Failed { message: error },
            Error::DockerResponseServerError { message, .. } => Why::Failed { message },
            other => engine(&other),
        })?;
        if let Some(message) = info.error_detail.and_then(|detail| detail.message) {
            return Err(Why::Failed { message });
        }
        id = info.aux.and_then(|aux| aux.id).or(id);
        let mut lines = output.take(&info.stream.unwrap_or_default());
        // An image of an earlier stage is fetched.
        lines.extend(info.status.map(|status| match info.id {
            Some(part) => format!("{part} {status}"),
            None => status,
        }));
        for line in lines {
            // Our own step at the end says nothing to people.
            if line.starts_with(&format!("LABEL {}=", label::INPUTS)) {
                continue;
            }
            let (step, of) = output.step().map_or((0, 0), |step| (step.number, step.of));
            let (agent, image) = (job.agent.to_owned(), job.layer.name.clone());
            (job.watch)(Progress { agent, image, step, of, line });
        }
    }
    Ok(id)
}

async fn next<T>(stream: &mut (impl Stream<Item = T> + Unpin)) -> Result<Option<T>, Why> {
    let silence = Duration::from_secs(SILENCE_S);
    timeout(silence, stream.next()).await.map_err(|_| Why::Silent { after_s: SILENCE_S })
}

/// The archive of a layer, made on a thread as fast as it is taken. What keeps it from being made
/// goes to `trouble`, as the engine only sees that it ends early.
fn archive(
    layer: Layer,
    dockerfile: String,
    trouble: &Arc<Mutex<Option<String>>>,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(PIECES);
    let trouble = Arc::clone(trouble);
    tokio::task::spawn_blocking(move || {
        let out = BufWriter::with_capacity(PIECE, Pipe(sender.clone()));
        let Err(error) = send(&layer.context, &dockerfile, out) else { return };
        if error.kind() != io::ErrorKind::BrokenPipe {
            *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
        // Nobody may listen any more.
        let _ = sender.blocking_send(Err(error));
    });
    stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    })
}

/// Hands over what is written, and waits when the other side is slower.
struct Pipe(Sender<io::Result<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.blocking_send(Ok(bytes.to_owned())).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
