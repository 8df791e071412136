//! `POST /control/webhooks/replay`: a delivery that the operator wrote down, as if it had come.
//!
//! The key of the operator stands in for the signature. What matches is what the scheduler at work
//! would match now, and the runs get the very context that the answer shows.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::admit::record;
use super::reply::{Answered, Problem, ok};
use super::who::Caller;
use super::{App, body, webhook};
use crate::ambient;
use crate::scheduler::{Answer, Deed, DeedKind, Ending, Event};
use crate::triggers::{self, Fixture, Report};

/// As large as a delivery may be, written as JSON.
const BODY_MAX: usize = 12 * 1024 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    /// A provider or the name of a source; none is what the headers tell.
    source: Option<String>,
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    body: Value,
}

/// The explanation, and the runs that were accepted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replayed {
    #[serde(flatten)]
    report: Report,
    runs: Vec<String>,
    /// Agents that matched and could not take it.
    skipped: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_id: Option<String>,
}

pub async fn replay(State(app): State<Arc<App>>, caller: Caller, body: Body) -> Answered {
    let asked: Replay = body::read_json(&caller.headers, body, BODY_MAX, &app.large_orders).await?;
    let bad = |error: String| Problem::bad_request(error);
    let fixture = Fixture::new(asked.headers, asked.body).map_err(|e| bad(e.to_string()))?;
    let source = asked.source.as_deref();
    let sources = app.setup.sources.get();
    let explanation = triggers::explain(&sources, source, &fixture, ambient::now_ms())
        .map_err(|e| bad(e.to_string()))?;
    let report = explanation.report();
    if explanation.delivery.matches.is_empty() {
        return Ok(ok(&Replayed { report, runs: Vec::new(), skipped: 0, receipt_id: None }));
    }
    let delivery = explanation.into_delivery();
    let summary = delivery.summary.clone();
    let firing = webhook::firing(delivery, fixture.body);
    match app.engine().submit(Event::Fired(firing)).await? {
        Answer::Fired { receipt, runs, skipped } => {
            let deed = Deed::of(caller.who, DeedKind::Run, Ending::Done, summary);
            record(&app, Deed { runs: runs.clone(), ..deed }).await?;
            let (skipped, receipt_id) = (skipped.len(), Some(receipt));
            Ok(ok(&Replayed { report, runs, skipped, receipt_id }))
        }
        Answer::Refused(why) => Err(Problem::refused(&why)),
        Answer::Duplicate(_) | Answer::Done { .. } | Answer::NotFound { .. } | Answer::ToRun(_) => {
            Err(Problem::internal())
        }
    }
}
