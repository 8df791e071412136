//! Whether others answer, and what they say of keys, names and the time.

use std::time::Duration;

use serde_json::Value;

use super::models;
use super::scene::{Scene, Used, agents_named};
use crate::ambient::{self, Millis};
use crate::cli::providers;
use crate::engine::model_spec;
use crate::http::{self, HttpError, Limits, Method, Reply};
use crate::llm::Auth;
use crate::llm::providers::provider;
use crate::project::credentials;
use crate::project::{AuthType, Problem, did_you_mean, quoted};

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(4),
    total: Duration::from_secs(8),
    // Whoever offers everybody's models has a long list.
    body: 8 * 1024 * 1024,
};

/// What the server of a model said.
pub struct Heard {
    pub url: String,
    pub answer: Result<Reply, HttpError>,
    pub at: Millis,
}

/// Asks each server once, for the list of its models: that costs nothing, and a wrong key is
/// refused.
pub fn ask(scene: &Scene<'_>) -> Vec<Heard> {
    let servers = models::servers(scene);
    if servers.is_empty() {
        return Vec::new();
    }
    let places: Vec<&str> = servers.iter().map(|(url, _)| url.as_str()).collect();
    scene.progress.say(&format!("asking {}", places.join(", ")));
    let asked: Vec<_> = servers
        .iter()
        .map(|(url, used)| (url.clone(), scene.tokio.spawn(list(question(scene, url, used)))))
        .collect();
    let heard = asked.into_iter().filter_map(|(url, task)| {
        let (answer, at) = scene.tokio.block_on(task).ok()?;
        Some(Heard { url, answer, at })
    });
    heard.collect()
}

/// The address of a server's list, and what proves who asks.
struct Question {
    url: String,
    headers: Vec<(&'static str, String)>,
}

fn question(scene: &Scene<'_>, url: &str, used: &Used<'_>) -> Question {
    let base = format!("{}/", url.trim_end_matches('/'));
    let Some(provider) = provider(&used.model.provider) else {
        return Question { url: base, headers: Vec::new() };
    };
    let wire = provider.wire(&model_spec(used.name, used.model));
    let path = wire.path(&base, "");
    let list = match path.strip_suffix("messages") {
        Some(before) => format!("{before}models?limit=1000"),
        None => "models".to_owned(),
    };
    Question { url: format!("{base}{list}"), headers: wire.headers(&auth(scene, used)) }
}

/// A key that cannot be read is told of elsewhere.
fn auth(scene: &Scene<'_>, used: &Used<'_>) -> Auth {
    let (home, kind) = (&scene.context.al_home, providers::key_credential(used.model));
    let stored = credentials::field(home, &kind, "default", "token").ok().flatten();
    let key = stored.map(|key| key.reveal().to_owned()).filter(|key| !key.is_empty());
    match (used.model.auth_type, key) {
        (AuthType::ApiKey, Some(key)) => Auth::Key(key),
        (AuthType::OauthToken, Some(key)) => Auth::Bearer(key),
        (AuthType::PiAuth, _) | (_, None) => Auth::None,
    }
}

async fn list(question: Question) -> (Result<Reply, HttpError>, Millis) {
    let headers: Vec<(&'static str, &str)> =
        question.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = http::request_with(Method::GET, &question.url, None, &headers, None, LIMITS).await;
    (answer, ambient::now_ms())
}

/// The servers of models. That this machine is offline now says little about later, so silence is a
/// warning. So is a name that is not listed: lists leave things out.
pub fn servers(scene: &Scene<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for heard in scene.heard() {
        let all = scene.models();
        let here = |used: &&Used<'_>| providers::base_url(used.model) == Some(heard.url.as_str());
        let here: Vec<&Used<'_>> = all.iter().filter(here).collect();
        let Some(first) = here.first() else { continue };
        let (model, whose, url) = (quoted(first.name), agents_named(&first.agents), &heard.url);
        match &heard.answer {
            Err(HttpError::TooLarge { .. }) => {}
            Err(why) => {
                let message = format!("model {model} of {whose} does not answer at {url}: {why}");
                let problem = scene.model_error(first, "baseUrl", message).code("model_silent");
                problems.push(problem.warning().hint("is the server up, and this machine online?"));
            }
            Ok(reply) if matches!(reply.status, 401 | 403) && auth(scene, first) != Auth::None => {
                let status = reply.status;
                let message =
                    format!("{url} refuses the key of model {model} of {whose} (HTTP {status})");
                let problem = scene.model_error(first, "provider", message);
                problems.push(problem.code("model_key_refused").hint("get a new one"));
            }
            Ok(reply) => {
                let names = offered(reply);
                problems.extend(here.iter().filter_map(|used| not_offered(scene, used, &names)));
            }
        }
    }
    problems
}

/// Names of the models that a server lists; empty when it is no such list.
fn offered(reply: &Reply) -> Vec<String> {
    let Ok(document) = serde_json::from_slice::<Value>(&reply.body) else { return Vec::new() };
    let of = |list: &str, key: &str| -> Vec<String> {
        let rows = document[list].as_array().into_iter().flatten();
        let names = rows.filter_map(|row| row[key].as_str());
        names.map(|name| name.trim_start_matches("models/").to_owned()).collect()
    };
    match of("data", "id") {
        none if none.is_empty() => of("models", "name"),
        names => names,
    }
}

fn not_offered(scene: &Scene<'_>, used: &Used<'_>, names: &[String]) -> Option<Problem> {
    let asked = used.model.model.as_str();
    if names.is_empty() || names.iter().any(|name| name == asked) {
        return None;
    }
    let message =
        format!("the server of model {} does not list {}", quoted(used.name), quoted(asked));
    let problem = scene.model_error(used, "model", message).code("model_not_offered").warning();
    Some(problem.maybe_hint(did_you_mean(asked, names.iter().map(String::as_str))))
}

/// A clock that is wrong by more makes signatures and tokens invalid.
const SKEW_MS: Millis = 2 * 60_000;

/// This machine's clock against that of the first server that says what time it is.
pub fn clock(scene: &Scene<'_>) -> Vec<Problem> {
    let told = scene.heard().iter().find_map(|heard| {
        let date = heard.answer.as_ref().ok()?.date.as_deref()?;
        let there = chrono::DateTime::parse_from_rfc2822(date).ok()?.timestamp_millis();
        Some((heard.at - there, &heard.url))
    });
    let Some((ahead, url)) = told.filter(|(ahead, _)| ahead.abs() > SKEW_MS) else {
        return Vec::new();
    };
    let (by, side) = (ahead.abs() / 60_000, if ahead > 0 { "fast" } else { "slow" });
    let message = format!("this machine's clock is {by} min {side}, by that of {url}");
    let problem = Problem::error(&scene.file("."), message).code("clock_wrong");
    vec![problem.fix("sudo timedatectl set-ntp true")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_lists_are_read() {
        let check = |body: &'static str, expected: &[&str]| {
            let reply = Reply { status: 200, body: body.into(), date: None };
            assert_eq!(offered(&reply), expected, "{body}");
        };
        check(r#"{"data":[{"id":"gpt-5"},{"id":"o4"}]}"#, &["gpt-5", "o4"]);
        check(r#"{"models":[{"name":"models/gemini-2"}]}"#, &["gemini-2"]);
        check("{}", &[]);
        check("<html>", &[]);
    }
}
