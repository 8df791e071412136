//! Models that could not be asked.

use super::scene::{Scene, Used, agents_named, unusable};
use crate::ambient;
use crate::cli::paths::short;
use crate::cli::providers::{self, CUSTOM, KeyNeed, REPLAY};
use crate::http::{self, HttpError};
use crate::llm::pi_auth;
use crate::llm::providers::{PROVIDERS, provider};
use crate::llm::recording::Replay;
use crate::project::credentials::{self, Reference};
use crate::project::{Agent, AuthType, Problem, RuntimeKind, did_you_mean, listed, quoted};

/// Providers that are none, places that are no place, recordings that cannot be played.
pub fn settings(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for used in &scene.models() {
        problems.extend(unknown_provider(scene, used));
        problems.extend(bad_url(scene, used));
        if used.model.provider == REPLAY {
            problems.extend(used.model.file.as_deref().and_then(|file| {
                let folder = format!("{}/", scene.project.dir.display());
                let why = Replay::open(file).err()?.to_string().replace(&folder, "");
                let message = format!("model {} cannot be played back: {why}", quoted(used.name));
                Some(scene.model_error(used, "file", message).code("model_recording").hint(
                    "`al run <agent> --record <file>` makes one; a path starts at the project",
                ))
            }));
        }
    }
    problems
}

fn unknown_provider(scene: &Scene<'_>, used: &Used<'_>) -> Option<Problem> {
    let name = used.model.provider.as_str();
    if provider(name).is_some() {
        return None;
    }
    let names = || PROVIDERS.iter().map(|provider| provider.name);
    let message = format!("unknown provider {} of model {}", quoted(name), quoted(used.name));
    let mut problem = scene.model_error(used, "provider", message).code("model_provider");
    if let Some(near) = did_you_mean(name, names()) {
        problem = problem.hint(near);
    }
    Some(problem.hint(format!("known providers: {}", listed(names()))))
}

fn bad_url(scene: &Scene<'_>, used: &Used<'_>) -> Option<Problem> {
    let model = quoted(used.name);
    match &used.model.base_url {
        None if used.model.provider == CUSTOM => {
            let message = format!("model {model} does not say where its server is");
            let problem = scene.model_error(used, "provider", message).code("model_url");
            Some(problem.hint("add `baseUrl = \"http://127.0.0.1:8000/v1\"`"))
        }
        None => None,
        Some(url) => {
            let why = match http::check_url(url).err()? {
                HttpError::BadUrl { reason, .. } => reason,
                other => other.to_string(),
            };
            let message = format!("`baseUrl` of model {model} cannot be used: {why}");
            Some(scene.model_error(used, "baseUrl", message).code("model_url"))
        }
    }
}

/// Keys and sign-ins that are missing, exposed, or of the wrong kind.
pub fn keys(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for used in &scene.models() {
        let found = match used.model.auth_type {
            AuthType::PiAuth if used.model.provider == REPLAY => Vec::new(),
            AuthType::PiAuth => pi_auth(scene, used),
            AuthType::ApiKey | AuthType::OauthToken => key(scene, used),
        };
        problems.extend(found);
    }
    problems
}

fn key(scene: &Scene<'_>, used: &Used<'_>) -> Vec<Problem> {
    let need = providers::key_need(used.model);
    if need == KeyNeed::None || provider(&used.model.provider).is_none() {
        return Vec::new();
    }
    let kind = providers::key_credential(used.model);
    let reference = Reference { kind, instance: "default".to_owned() };
    let stored =
        credentials::field(&scene.context.al_home, &reference.kind, &reference.instance, "token");
    match stored {
        Err(error) => vec![unusable(scene, &error)],
        Ok(Some(key)) if !key.reveal().is_empty() => {
            wrong_kind(scene, used, key.reveal()).into_iter().collect()
        }
        Ok(_) if need == KeyNeed::Optional => Vec::new(),
        Ok(_) => {
            let message = format!(
                "model {} of {} has no key: there is no credential `{reference}`",
                quoted(used.name),
                agents_named(&used.agents)
            );
            let problem = scene.model_error(used, "provider", message).code("model_key_missing");
            vec![scene.lacks(&reference, problem)]
        }
    }
}

/// What an OAuth token of Anthropic has in it.
const OAUTH_MARK: &str = "sk-ant-oat";

/// A key that does not look like what `authType` says. Looks deceive, so it is a warning.
fn wrong_kind(scene: &Scene<'_>, used: &Used<'_>, key: &str) -> Option<Problem> {
    if used.model.provider != "anthropic" || used.model.base_url.is_some() {
        return None;
    }
    let (is, other) = match (used.model.auth_type, key.contains(OAUTH_MARK)) {
        (AuthType::OauthToken, false) => ("no OAuth token", "api_key"),
        (AuthType::ApiKey, true) => ("an OAuth token", "oauth_token"),
        (AuthType::OauthToken, true) | (AuthType::ApiKey, false) | (AuthType::PiAuth, _) => {
            return None;
        }
    };
    let model = quoted(used.name);
    let message = format!("the key of model {model} looks like {is}");
    let problem = scene.model_error(used, "authType", message).code("model_key_kind").warning();
    Some(problem.hint(format!("`authType = \"{other}\"` is for such keys")))
}

/// Sign-ins that another program on this machine keeps.
fn pi_auth(scene: &Scene<'_>, used: &Used<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (inside, outside): (Vec<&Agent>, Vec<&Agent>) =
        used.agents.iter().partition(|agent| agent.runtime.kind == RuntimeKind::Container);
    for agent in inside {
        let message = format!(
            "agent `{}` runs in a container, where model {} cannot use `pi_auth`",
            agent.name,
            quoted(used.name)
        );
        let problem = scene.model_error(used, "authType", message).code("model_sign_in");
        let problem = problem.hint("use `authType = \"api_key\"` or `\"oauth_token\"`");
        problems
            .push(problem.hint("or run the agent without one: `[runtime]`, `type = \"process\"`"));
    }
    if outside.is_empty() {
        return problems;
    }
    let file = pi_auth::file(&ambient::home().unwrap_or_default());
    if let Err(why) = pi_auth::auth(&file, &used.model.provider, ambient::now_ms()) {
        let (model, file) = (quoted(used.name), short(&file));
        let message = format!("model {model} uses `pi_auth`, and {file}: {why}");
        let problem = scene.model_error(used, "authType", message).code("model_sign_in");
        problems.push(problem.hint("sign in with pi, or use `authType = \"api_key\"`"));
    }
    problems
}

/// Budgets that nothing can be held against.
pub fn budgets(scene: &Scene<'_>) -> Vec<Problem> {
    let models = scene.models();
    let unknown =
        |used: &&Used<'_>| used.model.provider != REPLAY && providers::price(used.model).is_none();
    let problem = |agent: &Agent| {
        let limits = [agent.budget.per_run_micros, agent.budget.per_day_micros];
        let asks = |used: &&Used<'_>| used.agents.iter().any(|other| other.name == agent.name);
        let names: Vec<&str> =
            models.iter().filter(unknown).filter(asks).map(|used| used.name).collect();
        let first = names.first().filter(|_| limits.iter().any(Option::is_some))?;
        let message = format!(
            "agent `{}` has a budget, but nobody knows what it pays for {}",
            agent.name,
            listed(names.iter().copied())
        );
        let problem =
            scene.agent_error(agent, &["budget"], message).code("budget_unpriced").warning();
        let problem = problem
            .hint(format!("say it in `[models.{first}]`, in US dollars per million tokens:"));
        Some(problem.hint("`price = { input = 3.0, output = 15.0 }`"))
    };
    scene.active().filter_map(problem).collect()
}

/// A place that is asked, and who is asked there.
pub fn servers<'a>(scene: &Scene<'a>) -> Vec<(String, Used<'a>)> {
    let mut servers: Vec<(String, Used<'a>)> = Vec::new();
    for used in scene.models() {
        let Some(url) = providers::base_url(used.model) else { continue };
        let known = servers.iter().any(|(other, _)| other == url);
        if !known && http::check_url(url).is_ok() {
            servers.push((url.to_owned(), used));
        }
    }
    servers
}
