//! Whether others answer.

use std::time::Duration;

use super::models;
use super::scene::{Scene, agents_named};
use crate::http::{self, HttpError, Limits, Method};
use crate::project::{Problem, quoted};

const LIMITS: Limits =
    Limits { connect: Duration::from_secs(4), total: Duration::from_secs(8), body: 1024 * 1024 };

/// The servers of models: any answer will do, as nothing is asked that they would have to know. That
/// this machine is offline now says little about later, so it is a warning.
pub fn servers(scene: &Scene<'_>) -> Vec<Problem> {
    let servers = models::servers(scene);
    if servers.is_empty() {
        return Vec::new();
    }
    let places: Vec<&str> = servers.iter().map(|(url, _)| url.as_str()).collect();
    scene.progress.say(&format!("asking {}", places.join(", ")));
    let asked: Vec<_> = servers
        .iter()
        .map(|(url, _)| {
            let url = url.clone();
            scene.tokio.spawn(async move { answers(&url).await })
        })
        .collect();
    let mut problems = Vec::new();
    for ((url, used), answer) in servers.iter().zip(asked) {
        let Ok(Err(why)) = scene.tokio.block_on(answer) else { continue };
        let (model, whose) = (quoted(used.name), agents_named(&used.agents));
        let message = format!("model {model} of {whose} does not answer at {url}: {why}");
        let problem = scene.model_error(used, "baseUrl", message).warning();
        problems.push(problem.hint("is the server up, and this machine online?"));
    }
    problems
}

async fn answers(url: &str) -> Result<(), HttpError> {
    match http::request(Method::GET, url, None, None, LIMITS).await {
        Ok(_) | Err(HttpError::TooLarge { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
