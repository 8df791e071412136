//! What an agent that has a model is told when a run of it starts: its job, with the keys of its
//! models.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::place::inside;
use crate::ambient;
use crate::harness::{CredentialNote, Job, Place, Step, Thinker};
use crate::llm::{self, Auth, ModelSpec, Thinking};
use crate::log::LearningRedactor;
use crate::project::credentials::{self, Secret};
use crate::project::{
    Agent, AuthType, EngineKind, Model, Preflight, Project, RuntimeKind, ThinkingLevel,
};

/// Where the images of agents come from.
pub trait Images: Send + Sync {
    /// Id of an agent's image, built when it has to be; or why there is none, with what to do. While
    /// it is built, `watch` is told how far that is.
    fn image<'a>(
        &'a self,
        project: &'a Project,
        agent: &'a Agent,
        watch: &'a (dyn Fn(String) + Send + Sync),
    ) -> ImageAnswer<'a>;
}

/// An answer to wait for.
pub type ImageAnswer<'a> = Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'a>>;

/// What every run on this machine is equipped from.
#[derive(Clone, Default)]
pub struct Equipment {
    /// Where credentials are kept.
    pub al_home: PathBuf,
    /// This program, which thinks under another name.
    pub binary: PathBuf,
    /// Where the traffic of runs with their models is kept.
    pub record: Option<PathBuf>,
    /// Secrets of the host itself, never to be seen in a log.
    pub hidden: Vec<String>,
    /// Where images of containers come from.
    pub images: Option<Arc<dyn Images>>,
    /// What this scheduler's containers are labelled with.
    pub label: String,
    /// Learns what runs are given, and takes it out of what they say.
    pub redactor: LearningRedactor,
}

/// What of a run the job is made from.
pub struct Wanted<'a> {
    pub run: &'a str,
    pub attempt: u32,
    pub trigger: &'a Value,
    pub params: Map<String, Value>,
    pub credentials: Vec<CredentialNote>,
    /// What its models are, with their keys.
    pub models: Vec<ModelSpec>,
    /// Texts that must not appear in a recording.
    pub secrets: &'a [String],
}

/// The job of an agent that thinks; none for one that is a program.
///
/// # Errors
/// When its container would not see what a model of it needs.
pub fn job(
    project: &Project,
    agent: &Agent,
    equipment: &Equipment,
    wanted: Wanted<'_>,
) -> Result<Option<Job>, String> {
    let Some(engine) = thinker(agent.engine.kind) else { return Ok(None) };
    let models = wanted.models.into_iter().map(|mut spec| {
        if let Some(file) = &spec.file {
            let unseen = || {
                let (name, file) = (&spec.name, file.display());
                format!(
                    "model {name}: {file} is not in the agent's folder or in shared/, where its \
                     container could see it"
                )
            };
            spec.file = Some(inside(agent, &project.dir, file).ok_or_else(unseen)?);
        }
        Ok(spec)
    });
    let shared = project.dir.join("shared");
    let seen = |path: &Path| inside(agent, &project.dir, path).unwrap_or_else(|| path.to_owned());
    Ok(Some(Job {
        run: wanted.run.to_owned(),
        attempt: wanted.attempt,
        agent: agent.name.clone(),
        engine,
        place: place(agent.runtime.kind),
        skill: agent.skill.body.clone(),
        agent_dir: seen(&agent.dir),
        shared_dir: shared.is_dir().then(|| seen(&shared)),
        trigger: wanted.trigger.clone(),
        params: wanted.params,
        credentials: wanted.credentials,
        hooks_pre: agent.hooks_pre.clone(),
        hooks_post: agent.hooks_post.clone(),
        preflight: agent.preflight.iter().map(step).collect(),
        models: models.collect::<Result<_, String>>()?,
        compact_at: agent.compact_at,
        record: equipment.record.clone(),
        // Those of the host are among them, and nobody needs them where nothing is recorded.
        secrets: if equipment.record.is_some() { wanted.secrets.to_vec() } else { Vec::new() },
    }))
}

/// Who thinks for an agent; none when it is a program.
pub fn thinker(engine: EngineKind) -> Option<Thinker> {
    match engine {
        EngineKind::Builtin => Some(Thinker::Builtin),
        EngineKind::Claude => Some(Thinker::Claude),
        EngineKind::Codex => Some(Thinker::Codex),
        EngineKind::Script => None,
    }
}

fn place(runtime: RuntimeKind) -> Place {
    match runtime {
        RuntimeKind::Container => Place::Container,
        RuntimeKind::HostUser => Place::HostUser,
        RuntimeKind::Process => Place::Process,
    }
}

fn step(step: &Preflight) -> Step {
    Step { provider: step.provider.clone(), required: step.required, params: step.params.clone() }
}

/// Credentials that the models of an agent are asked with.
pub fn keys(project: &Project, agent: &Agent) -> BTreeSet<&'static str> {
    if thinker(agent.engine.kind).is_none() {
        return BTreeSet::new();
    }
    let models = agent.models.iter().filter_map(|name| project.config.models.get(name));
    let keyed = models.filter(|model| model.auth_type != AuthType::PiAuth);
    keyed.filter_map(|model| llm::providers::provider(&model.provider)?.credential).collect()
}

/// The models of an agent that thinks, by name.
///
/// # Errors
/// When the project does not have one of them.
pub fn models(project: &Project, agent: &Agent) -> Result<Vec<(String, Model)>, String> {
    if thinker(agent.engine.kind).is_none() {
        return Ok(Vec::new());
    }
    let model = |name: &String| match project.config.models.get(name) {
        Some(model) => Ok((name.clone(), model.clone())),
        None => Err(format!("there is no model {name}")),
    };
    agent.models.iter().map(model).collect()
}

/// Models with their keys. It asks whoever keeps credentials: for a thread that may wait.
///
/// # Errors
/// When one cannot be asked; the message says what to do.
pub fn signed_in(
    models: &[(String, Model)],
    runtime: RuntimeKind,
    al_home: &Path,
) -> Result<Vec<ModelSpec>, String> {
    let spec = |(name, model): &(String, Model)| {
        Ok(ModelSpec { auth: auth(name, model, runtime, al_home)?, ..model_spec(name, model) })
    };
    models.iter().map(spec).collect()
}

/// A model as it is asked, but for its key.
pub fn model_spec(name: &str, model: &Model) -> ModelSpec {
    ModelSpec {
        name: name.to_owned(),
        provider: model.provider.clone(),
        model: model.model.clone(),
        base_url: model.base_url.clone(),
        auth: Auth::None,
        thinking: model.thinking_level.map(thinking),
        context_window: model.context_window,
        max_tokens: model.max_tokens,
        headers: model.headers.clone(),
        slots: model.slots,
        price: model.price.map(|price| llm::Price {
            input: price.input,
            output: price.output,
            cache_read: price.cache_read,
            cache_write: price.cache_write,
        }),
        file: model.file.clone(),
    }
}

fn thinking(level: ThinkingLevel) -> Thinking {
    match level {
        ThinkingLevel::Off => Thinking::Off,
        ThinkingLevel::Minimal => Thinking::Minimal,
        ThinkingLevel::Low => Thinking::Low,
        ThinkingLevel::Medium => Thinking::Medium,
        ThinkingLevel::High => Thinking::High,
        ThinkingLevel::Xhigh => Thinking::Xhigh,
    }
}

/// How a model is signed in to.
///
/// # Errors
/// When what is needed for that is not there; the message says what to do.
fn auth(name: &str, model: &Model, runtime: RuntimeKind, al_home: &Path) -> Result<Auth, String> {
    if model.provider == "replay" {
        return Ok(Auth::None);
    }
    let Some(provider) = llm::providers::provider(&model.provider) else {
        return Err(format!("model {name} is of an unknown provider: {}", model.provider));
    };
    let kind = provider.credential.unwrap_or("custom_key");
    let key = || -> Result<Option<Secret>, String> {
        credentials::field(al_home, kind, "default", "token").map_err(|error| error.to_string())
    };
    let missing = || format!("model {name} has no key: al creds add {kind}");
    match model.auth_type {
        AuthType::ApiKey => match key()? {
            Some(key) => Ok(Auth::Key(key.reveal().to_owned())),
            None if provider.needs_key(model.base_url.as_deref()) => Err(missing()),
            None => Ok(Auth::None),
        },
        AuthType::OauthToken => {
            let token = key()?.ok_or_else(missing)?;
            Ok(Auth::Bearer(token.reveal().to_owned()))
        }
        AuthType::PiAuth if runtime == RuntimeKind::Container => Err(format!(
            "model {name} signs in with pi_auth, which a container cannot reach: use api_key or \
             oauth_token, or another runtime"
        )),
        AuthType::PiAuth => {
            let home = ambient::home().unwrap_or_else(|| PathBuf::from("/"));
            let file = llm::pi_auth::file(&home);
            llm::pi_auth::auth(&file, &model.provider, ambient::now_ms())
                .map_err(|problem| format!("model {name}: {} {problem}", file.display()))
        }
    }
}
