//! `GET /metrics`: numbers for Prometheus, with the API key like all that tells of the project.
//!
//! Totals of runs and calls come from the history and go on after a restart; what the gateway and
//! the writer count begins with the process. The names of agents and of configured sources are the
//! only labels with values that are not ours: nobody outside can make series.

mod live;
mod text;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use self::live::Now;
use self::text::{Family, Kind, Page};
use super::reply::Answered;
use super::{App, past};
use crate::ambient::{self, Millis};
use crate::engine::{self, AgentStats, Measured, Stats};

pub async fn metrics(State(app): State<Arc<App>>) -> Answered {
    let now = app.engine().look(live::now).await?;
    let reader = Arc::clone(app.engine().reader());
    let counted = past::aside(move || engine::totals(&reader)).await?;
    let mut page = Page::default();
    process(&app, &mut page);
    present(&now, ambient::now_ms(), &mut page);
    totals(&counted, &mut page);
    webhooks(&app, &mut page);
    streams(&app, &mut page);
    writer(&app.engine().measured(), app.engine().waiting(), &mut page);
    let kind = [(header::CONTENT_TYPE, text::CONTENT_TYPE)];
    Ok((kind, page.finish()).into_response())
}

fn process(app: &App, page: &mut Page) {
    let defined = app.setup.definitions.get();
    let facts = &defined.facts;
    page.family("al_build_info", Kind::Gauge, "Which al this is; always 1.")
        .sample(&[("version", &facts.version)], 1.0);
    page.family(
        "process_start_time_seconds",
        Kind::Gauge,
        "When the scheduler began, in seconds since the Unix epoch.",
    )
    .sample(&[], seconds(facts.started_ms));
}

fn seconds(ms: Millis) -> f64 {
    ms as f64 / 1000.0
}

fn present(now: &Now, at: Millis, page: &mut Page) {
    let mut family = page.family("al_runs", Kind::Gauge, "Runs that have not ended.");
    for (agent, numbers) in &now.agents {
        for (state, n) in &numbers.runs {
            family.sample(&[("agent", agent), ("state", state)], *n as f64);
        }
    }
    let mut family = page.family("al_queue_depth", Kind::Gauge, "Runs that wait for their start.");
    for (agent, numbers) in &now.agents {
        let queued = numbers.runs.get("queued").copied().unwrap_or(0);
        family.sample(&[("agent", agent)], queued as f64);
    }
    let help = "How long the oldest queued run has waited; 0 when none waits.";
    let mut family = page.family("al_queue_oldest_age_seconds", Kind::Gauge, help);
    for (agent, numbers) in &now.agents {
        let age = numbers.oldest_queued_at.map_or(0.0, |since| seconds((at - since).max(0)));
        family.sample(&[("agent", agent)], age);
    }
    let help = "Runs that stand still, by what they wait for.";
    let mut family = page.family("al_runs_waiting", Kind::Gauge, help);
    for (what, n) in &now.waiting {
        family.sample(&[("for", what)], *n as f64);
    }
    page.family("al_locks_held", Kind::Gauge, "Locks that runs hold.")
        .sample(&[], now.locks as f64);
}

/// A family with samples of each agent.
fn by_agent(
    page: &mut Page,
    name: &'static str,
    help: &str,
    stats: &Stats,
    samples: impl Fn(&mut Family<'_>, &AgentStats),
) {
    let mut family = page.family(name, Kind::Counter, help);
    for agent in &stats.agents {
        samples(&mut family, agent);
    }
}

fn totals(stats: &Stats, page: &mut Page) {
    let help = "Runs that were accepted, by what started them.";
    by_agent(page, "al_runs_accepted_total", help, stats, |family, agent| {
        for (kind, n) in &agent.accepted_by {
            family.sample(&[("agent", &agent.agent), ("kind", kind)], *n as f64);
        }
    });
    let help = "Runs that ended, by how.";
    by_agent(page, "al_runs_ended_total", help, stats, |family, agent| {
        for (state, n) in &agent.ended {
            family.sample(&[("agent", &agent.agent), ("state", state)], *n as f64);
        }
    });
    let help = "How long ended runs took in all, from their last start.";
    by_agent(page, "al_runs_duration_seconds_total", help, stats, |family, agent| {
        family.sample(&[("agent", &agent.agent)], seconds(agent.took_ms));
    });
    let help = "Attempts that another one followed, by why.";
    by_agent(page, "al_retries_total", help, stats, |family, agent| {
        for (why, n) in &agent.retried_by {
            family.sample(&[("agent", &agent.agent), ("why", why)], *n as f64);
        }
    });
    let help = "Attempts whose process vanished without an exit status.";
    by_agent(page, "al_lost_total", help, stats, |family, agent| {
        family.sample(&[("agent", &agent.agent)], agent.lost as f64);
    });
    let help = "Queued runs that were given up before they began.";
    by_agent(page, "al_dropped_total", help, stats, |family, agent| {
        family.sample(&[("agent", &agent.agent)], agent.dropped as f64);
    });
    let help = "Firings that an agent wanted and could not take, by why.";
    by_agent(page, "al_skipped_total", help, stats, |family, agent| {
        for (why, n) in &agent.skipped_by {
            family.sample(&[("agent", &agent.agent), ("why", why)], *n as f64);
        }
    });
    used(stats, page);
    calls(stats, page);
}

fn used(stats: &Stats, page: &mut Page) {
    let help = "Tokens that runs used of models, by kind.";
    by_agent(page, "al_tokens_total", help, stats, |family, agent| {
        let used = &agent.used;
        for (kind, n) in [
            ("input", used.input_tokens),
            ("output", used.output_tokens),
            ("cache_read", used.cache_read_tokens),
            ("cache_write", used.cache_write_tokens),
        ] {
            family.sample(&[("agent", &agent.agent), ("kind", kind)], n as f64);
        }
    });
    let help = "Replies of models.";
    by_agent(page, "al_turns_total", help, stats, |family, agent| {
        family.sample(&[("agent", &agent.agent)], agent.used.turns as f64);
    });
    let help = "What models cost in US dollars, as far as prices are known.";
    by_agent(page, "al_cost_dollars_total", help, stats, |family, agent| {
        family.sample(&[("agent", &agent.agent)], agent.used.cost_micros as f64 / 1e6);
    });
}

fn calls(stats: &Stats, page: &mut Page) {
    let families = [
        ("al_calls_total", "Calls from agent to agent."),
        ("al_calls_failed_total", "Calls whose run did not succeed."),
    ];
    for (name, help) in families {
        let mut family = page.family(name, Kind::Counter, help);
        for call in &stats.calls {
            let n = if name == "al_calls_total" { call.calls } else { call.failed };
            family.sample(&[("caller", &call.caller), ("callee", &call.callee)], n as f64);
        }
    }
}

fn webhooks(app: &App, page: &mut Page) {
    let help = "Deliveries since the scheduler began, by what became of them.";
    let mut family = page.family("al_webhooks_total", Kind::Counter, help);
    for ((source, outcome), n) in app.deliveries.read() {
        family.sample(&[("source", &source), ("outcome", outcome.name())], n as f64);
    }
}

fn streams(app: &App, page: &mut Page) {
    page.family("al_streams", Kind::Gauge, "Clients that follow a stream.")
        .sample(&[], app.streams.open() as f64);
    let help = "Clients that were cut off because they read too slowly, since the scheduler began.";
    page.family("al_streams_lagged_total", Kind::Counter, help)
        .sample(&[], app.streams.lagged() as f64);
}

fn writer(measured: &Measured, waiting: usize, page: &mut Page) {
    let Measured { commits, events } = measured;
    page.family("al_writer_queue", Kind::Gauge, "Events that wait for the writer.")
        .sample(&[], waiting as f64);
    let help = "Time of a turn of the writer with its commit, in seconds.";
    page.family("al_writer_commit_seconds", Kind::Histogram, help).histogram(
        &commits.buckets,
        commits.sum,
        commits.count,
    );
    let help = "Events that shared a commit.";
    page.family("al_writer_commit_events", Kind::Histogram, help).histogram(
        &events.buckets,
        events.sum,
        events.count,
    );
}
