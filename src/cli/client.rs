//! The client of the control API: the way to a running scheduler.

use std::sync::Once;

use al_wire::Confirm;
use serde::Deserialize;
use serde_json::Value;

use super::context::Context;
use super::paint::safe;
use super::running::{Running, running};
use super::{environments, output};
use crate::ambient;
use crate::failure::Failure;
use crate::http::{self, HttpError, Limits, Method, Server};
use crate::project::credentials::{CredentialError, Secret};
use crate::project::{self, Loaded, Project};

/// The largest answer: a status with many agents and runs, each with a text of up to 4 KiB.
const ANSWER_MAX: usize = 8 * 1024 * 1024;
/// How much of an answer that is not ours is shown.
const EXCERPT: usize = 120;

/// The status of an answer that is a question.
const ASKS_BACK: u16 = 428;

/// What came of an order.
#[derive(Debug)]
pub enum Said {
    Done(Value),
    /// It was not done: the scheduler says first what would be lost.
    Asks(Box<Confirm>),
}

#[derive(Debug, Deserialize)]
struct Question {
    confirm: Confirm,
}

/// A scheduler that can be asked.
#[derive(Debug)]
pub struct Client {
    place: Place,
    key: Option<Secret>,
}

impl Client {
    /// Finds the scheduler of the project: the one in its environment when it is deployed there,
    /// else the one that holds the project's lock on this machine, else `gateway.url`.
    ///
    /// The key is never sent to whatever else may listen on the port: without a lock there is no
    /// scheduler here.
    ///
    /// # Errors
    /// When none runs. Errors in the project's files stand in the way only if they are needed to
    /// know where to ask.
    pub fn find(context: &Context) -> Result<Self, Failure> {
        let here = running(&context.state_dir());
        match context.load() {
            Ok(Loaded { project, .. }) => match place(&project, here.as_ref(), context)? {
                Some(place) => Self::at(place, context),
                None => Err(not_running(here.as_ref())),
            },
            Err(failure) => {
                // What else is wrong in the files does not matter to who asks; the environment does.
                let near = |here: Running| here.url.map(Place::near);
                let place =
                    match context.named().map(|name| whereabouts(name, here.as_ref(), context)) {
                        Some(Ok(Whereabouts::There(place))) => Some(place),
                        Some(Ok(Whereabouts::Unsaid) | Err(_)) => None,
                        Some(Ok(Whereabouts::Here)) | None => here.and_then(near),
                    };
                place.map_or(Err(failure), |place| Self::at(place, context))
            }
        }
    }

    /// A client of the gateway there.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub fn at(place: Place, context: &Context) -> Result<Self, Failure> {
        let key = environments::key(place.environment.as_deref(), &context.al_home)
            .map_err(|error| key_failure("gateway_key", &error))?;
        if key.is_some() && !place.insecure && http::in_the_clear(&place.url) {
            return Err(in_the_clear(&place.url));
        }
        Ok(Self { place, key })
    }

    /// Asks how things stand.
    ///
    /// # Errors
    /// When there is no answer, or the answer is no.
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        self.exchange(Method::GET, path, None)
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// When there is no answer, or the answer is no.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.exchange(Method::POST, path, Some(body))
    }

    /// Asks for something to be done. With `confirm` as `ask` the scheduler may ask back, with the
    /// token of its question it does what it asked about.
    ///
    /// # Errors
    /// When there is no answer, or the answer is no.
    pub fn order(&self, path: &str, body: &Value, confirm: Option<&str>) -> Result<Said, Failure> {
        let (status, bytes) = self.send(Method::POST, path, Some(body), confirm)?;
        if status == ASKS_BACK
            && let Ok(question) = serde_json::from_slice::<Question>(&bytes)
        {
            return Ok(Said::Asks(Box::new(question.confirm)));
        }
        self.understand(status, &bytes).map(Said::Done)
    }

    fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let (status, bytes) = self.send(method, path, body, None)?;
        self.understand(status, &bytes)
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        confirm: Option<&str>,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let url = format!("{}{path}", self.place.url);
        let key = self.key.as_ref().map(Secret::reveal);
        let by = ambient::user().replace(|c: char| !c.is_ascii_graphic(), "?");
        let mut headers = vec![("x-al-by", by.as_str()), ("x-al-via", "shell")];
        headers.extend(confirm.map(|confirm| ("x-al-confirm", confirm)));
        let limits = Limits { body: ANSWER_MAX, ..Limits::default() };
        let request = http::request_with(method, &url, key, &headers, body, limits);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::internal("runtime", format!("cannot wait for answers: {e}")))?;
        let reply = runtime.block_on(request);
        // A name that is still being looked up must not keep the command waiting.
        runtime.shutdown_background();
        let reply = reply.map_err(|error| self.unreachable(&error))?;
        Ok((reply.status, reply.body.to_vec()))
    }

    /// The same for longer, as a console needs it.
    pub fn server(&self) -> Server {
        let by = ambient::user().replace(|c: char| !c.is_ascii_graphic(), "?");
        Server::new(
            &self.place.url,
            self.key.as_ref().map(Secret::reveal),
            vec![("x-al-by", by), ("x-al-via", "shell".to_owned())],
        )
    }

    /// Where it asks.
    pub fn base(&self) -> &str {
        &self.place.url
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn unreachable(&self, error: &HttpError) -> Failure {
        match error {
            HttpError::Connect(why) => {
                let message = format!("the scheduler does not answer at {}", self.place.url);
                let hint = match self.place.remote {
                    true => "al start, there or here",
                    false => "it may be about to start or to end: try again",
                };
                unreachable(message, why, hint)
            }
            other => Failure::upstream("gateway", format!("{}: {other}", self.place.url)),
        }
    }

    fn understand(&self, status: u16, body: &[u8]) -> Result<Value, Failure> {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) if (200..300).contains(&status) => Ok(value),
            _ => Err(self.refusal(status, body)),
        }
    }

    /// What an answer means that is not what was asked for.
    pub fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            let text = String::from_utf8_lossy(body);
            let start: String = text.chars().take(EXCERPT).collect();
            let message = format!("{} answered {status}: {}", self.place.url, safe(&start));
            return Failure::upstream("not_json", message)
                .hint("is that the gateway of a scheduler? `gateway.url` of the project names it");
        };
        let said = value.get("error").and_then(Value::as_str).map(safe);
        let said = said.unwrap_or_else(|| format!("{} answered {status}", self.place.url));
        match status {
            400 | 422 => Failure::user("refused", said),
            401 | 403 => Failure::user("unauthorized", "the scheduler refuses the API key")
                .hint("`gateway_api_key` has to be the same here and where the scheduler runs"),
            404 => Failure::user("not_found", said),
            409 => Failure::user("conflict", said),
            _ => Failure::upstream("gateway", said),
        }
    }
}

/// Where a project's scheduler is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Base URL of its gateway.
    pub url: String,
    /// Its history is not on this machine.
    pub remote: bool,
    /// The environment that leads there.
    pub environment: Option<String>,
    /// The key may go there in the clear.
    pub insecure: bool,
}

impl Place {
    /// The scheduler on this machine.
    pub fn near(url: String) -> Self {
        Self { url, remote: false, environment: None, insecure: false }
    }

    /// One on another machine.
    pub fn far(url: String, insecure: bool) -> Self {
        Self { url, remote: true, environment: None, insecure }
    }
}

/// That the key is kept back: whoever is on the way there could read it, and use it.
pub fn in_the_clear(url: &str) -> Failure {
    let message = format!("the API key is not sent to {url}: it could be read on its way");
    Failure::user("key_in_the_clear", message)
        .hint("ask over https, or over a tunnel to this machine: ssh -L 8080:localhost:8080 HOST")
        .hint("in a network that is yours: --insecure, or `insecure = true` in `[gateway]` of the environment")
}

/// Where to ask; none when no scheduler runs, or none that listens. A port alone is not enough:
/// another project's scheduler may have it.
///
/// # Errors
/// When the file of the environment cannot be used: whoever is in an environment is not led to
/// another scheduler.
pub fn place(
    project: &Project,
    here: Option<&Running>,
    context: &Context,
) -> Result<Option<Place>, Failure> {
    if let Some(name) = &project.environment {
        match whereabouts(name, here, context)? {
            Whereabouts::There(place) => return Ok(Some(place)),
            Whereabouts::Unsaid if here.is_some() => return Err(another(name)),
            Whereabouts::Here | Whereabouts::Unsaid => {}
        }
    }
    let config = &project.config;
    let deployed = config.server.is_some() || config.cloud.is_some();
    let url = config.gateway.url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    let environment = || project.environment.clone();
    let far =
        |url| Place { environment: environment(), ..Place::far(url, config.gateway.insecure) };
    let near = Place::near;
    Ok(match (here, url) {
        (_, Some(url)) if deployed => Some(far(url)),
        (Some(here), _) => here.url.clone().map(near),
        (None, Some(url)) => Some(far(url)),
        (None, None) => None,
    })
}

/// Where the scheduler of an environment is.
enum Whereabouts {
    /// It is the one that runs here.
    Here,
    There(Place),
    /// Its file does not say.
    Unsaid,
}

fn whereabouts(
    name: &str,
    here: Option<&Running>,
    context: &Context,
) -> Result<Whereabouts, Failure> {
    if here.is_some_and(|here| here.environment.as_deref() == Some(name)) {
        return Ok(Whereabouts::Here);
    }
    let place = environments::place(name, context)?;
    Ok(place.map_or(Whereabouts::Unsaid, Whereabouts::There))
}

fn another(name: &str) -> Failure {
    let message = format!("the scheduler that runs here is not that of the environment `{name}`");
    Failure::user("another_environment", message)
        .hint("[gateway] url in the file of the environment says where its own answers")
}

/// Code of the failure that something is kept on another machine.
// codes: elsewhere
pub const ELSEWHERE: &str = "elsewhere";

/// The environment that the project is used with and its scheduler's URL, when that is another machine.
/// One that only `.env.toml` names may be broken: who needs it says so.
///
/// # Errors
/// When one is named that there is not.
fn elsewhere(context: &Context) -> Result<Option<(String, String)>, Failure> {
    let Ok(Some(bound)) = context.request(project::bound) else { return Ok(None) };
    match whereabouts(&bound.name, running(&context.state_dir()).as_ref(), context) {
        Ok(Whereabouts::There(place)) => Ok(Some((bound.name, place.url))),
        Ok(Whereabouts::Here | Whereabouts::Unsaid) => Ok(None),
        Err(failure) if context.named().is_some() => Err(failure),
        Err(_) => Ok(None),
    }
}

/// What is on this machine is not asked about an environment whose scheduler is elsewhere. In a checkout
/// that is bound to one, what was done here is not taken for what was done there.
///
/// # Errors
/// When such an environment is named, or one that there is not.
pub fn must_be_here(context: &Context) -> Result<(), Failure> {
    let Some((name, url)) = elsewhere(context)? else { return Ok(()) };
    if context.named().is_none() {
        // A command may look at the history several times.
        static TOLD: Once = Once::new();
        TOLD.call_once(|| {
            output::remark(&format!("done on this machine; what `{name}` did is kept at {url}\n"));
        });
        return Ok(());
    }
    let message = format!("what the environment `{name}` did is kept at {url}");
    Err(Failure::user(ELSEWHERE, message)
        .hint(format!("al attach -E {name}, al stat -E {name} and al why -E {name} ask there")))
}

/// Says that a run is on this machine although the scheduler of its environment is on another.
///
/// # Errors
/// When an environment is named that there is not.
pub fn tell_it_is_here(context: &Context) -> Result<(), Failure> {
    if let Some((name, url)) = elsewhere(context)? {
        output::remark(&format!("runs on this machine; the scheduler of `{name}` is at {url}\n"));
    }
    Ok(())
}

/// That nobody answers, and what to do then; or that somebody does, who cannot be believed.
pub fn unreachable(message: String, why: &str, hint: &str) -> Failure {
    if !why.contains("certificate") {
        return Failure::upstream("unreachable", message).hint(hint);
    }
    Failure::upstream("unreachable", format!("{message}: {why}"))
        .hint("the certificate has to be for this name, from an authority that is known everywhere")
}

/// That the API key cannot be read or written.
// codes: credential_unreadable, gateway_key, key_not_written
pub fn key_failure(code: &'static str, error: &CredentialError) -> Failure {
    let failure = Failure::config(code, format!("the API key cannot be used: {error}"));
    match error {
        CredentialError::Io { .. } => {
            failure.hint("it is kept below $AL_HOME (~/.action-llama), which has to be writable")
        }
        CredentialError::Exposed { .. }
        | CredentialError::BadName(_)
        | CredentialError::TooLarge(_)
        | CredentialError::NotText(_)
        | CredentialError::Writable { .. }
        | CredentialError::Exists(_)
        | CredentialError::Settings { .. }
        | CredentialError::Source { .. }
        | CredentialError::Unsure { .. } => failure,
    }
}

/// That there is nobody to ask.
pub fn not_running(here: Option<&Running>) -> Failure {
    match here {
        None => Failure::upstream("not_running", "the scheduler is not running").hint("al start"),
        Some(_) => Failure::upstream("starting", "the scheduler does not listen yet")
            .hint("try again in a moment"),
    }
}
