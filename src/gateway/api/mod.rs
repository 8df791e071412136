//! `/api/*` and `/dashboard/api/*`: what dashboards and scripts read, in the shapes that existing
//! clients know. One file per family; who may ask is decided around all of them.

mod asked;
mod config;
mod dashboard;
mod feed;
mod log_stream;
mod logs;
mod openapi;
mod producer;
mod rows;
mod sse;
mod stats;
mod streams;

use std::sync::Arc;

pub use openapi::openapi;
pub use streams::Streams;

use super::table::{Table, get};
use super::{App, status};

/// How many read logs at a time.
pub const LOG_READERS: usize = 4;

pub fn routes() -> Table<Arc<App>> {
    Table::new()
        .route("/dashboard/api/locks", get(status::all_locks))
        .route("/api/dashboard/status", get(dashboard::status))
        .route("/api/dashboard/config", get(dashboard::config))
        .route("/api/dashboard/agents/{name}", get(dashboard::agent))
        .route("/api/dashboard/agents/{name}/skill", get(dashboard::skill))
        .route("/api/dashboard/agents/{name}/instances/{id}", get(dashboard::instance))
        .route("/api/dashboard/triggers/{id}", get(dashboard::trigger))
        .route("/dashboard/api/status-stream", get(streams::status))
        .route("/dashboard/api/logs/{agent}/stream", get(log_stream::agent))
        .route("/api/logs/scheduler", get(logs::scheduler))
        .route("/api/logs/scheduler/stream", get(log_stream::scheduler))
        .route("/api/logs/agents/{name}", get(logs::agent))
        .route("/api/logs/agents/{name}/stream", get(log_stream::agent))
        .route("/api/logs/agents/{name}/{id}", get(logs::instance))
        .route("/api/logs/agents/{name}/{id}/stream", get(log_stream::instance))
        .route("/api/stats/agents/{name}/runs", get(stats::runs))
        .route("/api/stats/agents/{name}/runs/{id}", get(stats::run))
        .route("/api/stats/jobs", get(stats::jobs))
        .route("/api/stats/activity", get(stats::activity))
}
