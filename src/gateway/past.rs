//! `GET /control/why/<run or receipt>` and `GET /control/stats`: what the history says.

use std::fmt::Display;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde_json::json;

use super::App;
use super::reply::{Answered, Problem, ok};
use super::routes::Name;
use crate::ambient;
use crate::engine::{self, Asked, StatsQuery};

/// The chain of a run or a receipt, by its id or the beginning of it.
pub async fn why(State(app): State<Arc<App>>, Name(id): Name) -> Answered {
    let reader = Arc::clone(app.engine().reader());
    let asked = {
        let (id, now) = (id.clone(), ambient::now_ms());
        aside(move || engine::why(&reader, &id, now)).await?
    };
    match asked {
        Asked::Known { id, steps } => Ok(ok(&json!({"id": id, "steps": steps}))),
        Asked::Unclear(ids) => {
            let text = format!("several ids begin with {id}: {}", ids.join(", "));
            Err(Problem::new(StatusCode::CONFLICT, text))
        }
        Asked::Unknown => Err(Problem::not_found(format!("no run and no receipt is named {id}"))),
    }
}

/// Numbers about the past, of all agents or one.
pub async fn stats(State(app): State<Arc<App>>, uri: Uri) -> Answered {
    let query = wanted(uri.query().unwrap_or_default()).ok_or_else(|| {
        Problem::bad_request("the query takes agent, and since in milliseconds since 1970")
    })?;
    let reader = Arc::clone(app.engine().reader());
    Ok(ok(&aside(move || engine::stats(&reader, &query)).await?))
}

fn wanted(query: &str) -> Option<StatsQuery> {
    let mut wanted = StatsQuery::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "agent" => wanted.agent = Some(value.into_owned()),
            "since" => wanted.since = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(wanted)
}

/// Reads the history where nobody waits for the disk.
pub async fn aside<T: Send + 'static, E: Display + Send + 'static>(
    read: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem> {
    let answer = tokio::task::spawn_blocking(read).await.map_err(|_| Problem::internal())?;
    answer.map_err(|error| {
        tracing::error!(target: "gateway", error = %error, "history not read");
        Problem::later("the history cannot be read", 5)
    })
}
