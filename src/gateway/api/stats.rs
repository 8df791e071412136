//! `/api/stats/*`: runs of an agent, jobs and activity, in pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::asked::{Asked, Names};
use super::rows;
use crate::engine::{End, Ended, HistoryQuery};
use crate::gateway::App;
use crate::gateway::reply::{Answered, Problem, ok};
use crate::gateway::routes::Name;
use crate::scheduler::{Run, RunState, TriggerKind, View};

/// Rows of a page.
const MOST: u32 = 100;

/// Runs of an agent that are over, newest first.
pub async fn runs(State(app): State<Arc<App>>, Name(agent): Name, asked: Asked) -> Answered {
    let limit = asked.count("limit", 10, MOST)?;
    let page = asked.count("page", 1, u32::MAX)?;
    let query = HistoryQuery {
        agent: Some(agent),
        began: true,
        offset: (page - 1).saturating_mul(limit),
        ..HistoryQuery::newest(limit)
    };
    let found = app.engine().read(move |reader| reader.history(&query)).await?;
    let runs: Vec<Value> = found
        .rows
        .iter()
        .filter_map(|row| match row {
            Ended::Run(run) => Some(rows::run(run, None)),
            Ended::Unwanted(_) => None,
        })
        .collect();
    Ok(ok(&json!({"runs": runs, "total": found.total, "page": page, "limit": limit})))
}

/// One run, also while it waits or runs; `null` for one that is not known.
pub async fn run(State(app): State<Arc<App>>, Names(agent, id): Names) -> Answered {
    let run = known(&app, &agent, id).await?;
    Ok(ok(&json!({"run": run.map(|(run, context)| rows::run(&run, Some(&context)))})))
}

/// A run of this agent, with what it was told about its trigger.
pub async fn known(app: &App, agent: &str, id: String) -> Result<Option<(Run, Arc<str>)>, Problem> {
    let found = app.engine().read(move |reader| {
        let run = reader.run(&id)?;
        Ok(run.zip(reader.payload(&id)?))
    });
    Ok(found.await?.filter(|(run, _)| run.agent == agent))
}

/// What was started and is over, and how much is waiting.
pub async fn jobs(State(app): State<Arc<App>>, asked: Asked) -> Answered {
    let query =
        HistoryQuery { ends: vec![End::Completed, End::Rerun, End::Error], ..paged(&asked)? };
    let (limit, offset, agent) = (query.limit, query.offset, query.agent.clone());
    let found = app.engine().read(move |reader| reader.history(&query)).await?;
    let pending = app.engine().look(move |view| pending(view, agent.as_deref())).await?;
    let jobs: Vec<Value> = found.rows.iter().map(rows::ended).collect();
    Ok(ok(&json!({
        "jobs": jobs,
        "total": found.total,
        "pending": pending,
        "totalPending": pending.values().sum::<usize>(),
        "limit": limit,
        "offset": offset,
    })))
}

fn pending(view: &View, agent: Option<&str>) -> BTreeMap<String, usize> {
    let queues = view.agents.iter().map(|(name, agent)| (name.clone(), agent.queue.len()));
    let wanted = |name: &str| agent.is_none_or(|agent| agent == name);
    queues.filter(|(name, waiting)| *waiting > 0 && wanted(name)).collect()
}

fn paged(asked: &Asked) -> Result<HistoryQuery, Problem> {
    Ok(HistoryQuery {
        agent: asked.text("agent").map(str::to_owned),
        kinds: kinds(asked)?,
        since: asked.number("since")?,
        offset: asked.offset()?,
        ..HistoryQuery::newest(asked.count("limit", 50, MOST)?)
    })
}

fn kinds(asked: &Asked) -> Result<Vec<TriggerKind>, Problem> {
    match asked.text("triggerType") {
        None | Some("all") => Ok(TriggerKind::ALL.to_vec()),
        Some(word) => rows::kinds(word).ok_or_else(|| {
            Problem::bad_request("triggerType must be schedule, manual, webhook, agent or all")
        }),
    }
}

/// Which part of the activity is wanted.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    pending: bool,
    running: bool,
    ends: Vec<End>,
}

impl Wanted {
    fn parse(words: &str) -> Option<Self> {
        let mut wanted = Self { pending: false, running: false, ends: Vec::new() };
        for word in words.split(',') {
            match word.trim() {
                "all" => {
                    return Some(Self { pending: true, running: true, ends: End::ALL.to_vec() });
                }
                "pending" => wanted.pending = true,
                "running" => wanted.running = true,
                "completed" => wanted.ends.push(End::Completed),
                "rerun" => wanted.ends.push(End::Rerun),
                "error" | "errored" => wanted.ends.push(End::Error),
                "dead-letter" => wanted.ends.push(End::DeadLetter),
                _ => return None,
            }
        }
        wanted.ends.sort_unstable();
        wanted.ends.dedup();
        Some(wanted)
    }
}

/// What waits, what runs, and what is over, in this order.
pub async fn activity(State(app): State<Arc<App>>, asked: Asked) -> Answered {
    let wanted = Wanted::parse(asked.text("status").unwrap_or("all")).ok_or_else(|| {
        Problem::bad_request(
            "status takes running, pending, completed, error, rerun, dead-letter or all",
        )
    })?;
    let query = HistoryQuery { ends: wanted.ends.clone(), ..paged(&asked)? };
    let (limit, offset) = (query.limit, query.offset);
    let live = {
        let query = query.clone();
        app.engine().look(move |view| live(view, &wanted, &query)).await?
    };
    // What is over comes after what is not.
    let here = live.rows.len() as u32;
    let rest = HistoryQuery {
        offset: offset.saturating_sub(u32::try_from(live.count).unwrap_or(u32::MAX)),
        limit: limit - here,
        ..query
    };
    let found = app.engine().read(move |reader| reader.history(&rest)).await?;
    let mut rows = live.rows;
    rows.extend(found.rows.iter().map(rows::ended));
    Ok(ok(&json!({
        "rows": rows,
        "total": found.total + live.count as u64,
        "pendingCount": live.pending,
        "limit": limit,
        "offset": offset,
    })))
}

/// The part of a page that is not over.
struct Live {
    rows: Vec<Value>,
    /// All that are wanted.
    count: usize,
    /// Those among them that wait for their start.
    pending: usize,
}

fn live(view: &View, wanted: &Wanted, query: &HistoryQuery) -> Live {
    let fits = |run: &&Run| {
        let in_state = match run.state {
            RunState::Queued => wanted.pending,
            _ => wanted.running,
        };
        in_state
            && query.agent.as_ref().is_none_or(|agent| *agent == run.agent)
            && query.kinds.contains(&run.trigger.kind)
            && query.since.is_none_or(|since| run.queued_at >= since)
    };
    let mut runs: Vec<&Run> = view.runs.values().filter(fits).collect();
    let begun = |run: &Run| run.state != RunState::Queued;
    // Of each the newest first.
    runs.sort_unstable_by_key(|run| (begun(run), std::cmp::Reverse(run.seq)));
    let page = runs.iter().skip(query.offset as usize).take(query.limit as usize);
    Live {
        rows: page.map(|run| rows::job(run)).collect(),
        count: runs.len(),
        pending: runs.iter().filter(|run| !begun(run)).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, expected: Option<(bool, bool, &[End])>) {
        let wanted = Wanted::parse(words);
        let wanted = wanted.as_ref().map(|w| (w.pending, w.running, &*w.ends));
        assert_eq!(wanted, expected, "{words}");
    }

    #[test]
    fn a_list_of_states_is_what_is_wanted() {
        check("all", Some((true, true, &End::ALL)));
        check("running", Some((false, true, &[])));
        check("error, pending,error", Some((true, false, &[End::Error])));
        check("completed,all", Some((true, true, &End::ALL)));
        check("rerun,dead-letter", Some((false, false, &[End::Rerun, End::DeadLetter])));
        check("done", None);
        check("running,,pending", None);
    }
}
