//! What a running scheduler says about itself: `GET /control/status`.

use al_wire::{
    AgentRow, AgentState, AlertRow, LastRun, PauseRow, Priority, RunRow, RunState, TryOf, UsageRow,
    WaitRow,
};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

use super::picture::Counts;
use crate::ambient::Millis;
use crate::engine;
use crate::failure::Failure;
use crate::scheduler::Spent;

/// The answer; what other versions leave out has a default.
#[derive(Debug, Deserialize)]
pub struct Asked {
    pub scheduler: Scheduler,
    #[serde(default)]
    agents: Vec<AskedAgent>,
    #[serde(default)]
    instances: Vec<AskedRun>,
    /// Those that stand still until something happens.
    #[serde(default)]
    waiting: Vec<AskedRun>,
    /// The oldest of those that wait.
    #[serde(default)]
    queue: Vec<AskedRun>,
    running: Option<usize>,
    /// How many wait, listed or not.
    queued: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduler {
    started_at: Option<String>,
    /// Runs in flight finish, then it ends.
    #[serde(default)]
    pub stopping: bool,
    pub pause: Option<PauseRow>,
    pub pid: Option<u32>,
    #[serde(default)]
    pub alerts: Vec<AlertRow>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedAgent {
    name: String,
    description: Option<String>,
    #[serde(default)]
    enabled: bool,
    status_text: Option<String>,
    last_error: Option<String>,
    next_run_at: Option<String>,
    #[serde(default)]
    queued_webhooks: u32,
    scale: Option<u32>,
    #[serde(default)]
    running_count: u32,
    #[serde(default)]
    waiting_count: u32,
    #[serde(default)]
    triggers: Vec<String>,
    pause: Option<PauseRow>,
    #[serde(default)]
    queue_bound: u32,
    schedule: Option<String>,
    schedule_words: Option<String>,
    last_run: Option<LastRun>,
    #[serde(default)]
    engine: String,
    #[serde(default)]
    runtime: String,
    #[serde(default)]
    timeout_s: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedRun {
    id: String,
    agent_name: String,
    state: Option<RunState>,
    #[serde(default)]
    stopping: bool,
    #[serde(default)]
    attempt: u32,
    status_text: Option<String>,
    started_at: Option<String>,
    queued_at: Option<String>,
    /// Type and source, for programs.
    #[serde(default)]
    trigger: String,
    /// The same for people.
    trigger_text: Option<String>,
    why: Option<String>,
    #[serde(default)]
    priority: Priority,
    lane: Option<String>,
    not_before: Option<String>,
    retry: Option<TryOf>,
    caller: Option<String>,
    wait: Option<WaitRow>,
    usage: Option<AskedUsage>,
}

/// What a run used of models.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AskedUsage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    /// US dollars.
    cost: Option<f64>,
    turn_count: u32,
}

impl AskedAgent {
    /// One run at a time where an older scheduler does not say.
    fn scale(&self) -> u32 {
        self.scale.unwrap_or(1)
    }

    /// A paused agent is not enabled either, but it says so.
    fn is_disabled(&self) -> bool {
        self.scale == Some(0) || (!self.enabled && self.pause.is_none())
    }
}

impl Asked {
    /// # Errors
    /// When the answer is not the status of a scheduler.
    pub fn read(answer: Value) -> Result<Self, Failure> {
        serde_json::from_value(answer).map_err(|error| {
            Failure::upstream(
                "bad_status",
                format!("the scheduler's status is not understood: {error}"),
            )
            .hint("is it a much older or newer version?")
        })
    }

    pub fn started_ms(&self) -> Option<Millis> {
        self.scheduler.started_at.as_deref().and_then(millis)
    }

    /// When an agent fires next, and how many runs it may have at once, as the scheduler has it.
    pub fn next_and_scale(&self, agent: &str) -> Option<(Option<Millis>, u32)> {
        let agent = self.agents.iter().find(|a| a.name == agent)?;
        Some((agent.next_run_at.as_deref().and_then(millis), agent.scale()))
    }

    pub fn counts(&self) -> Counts {
        Counts {
            live: self.running.unwrap_or(self.instances.len()),
            waiting: self.waiting.len(),
            queued: self.queued.unwrap_or(self.queue.len()),
        }
    }

    pub fn agent_rows(&self) -> Vec<AgentRow> {
        self.agents.iter().map(|agent| agent_row(agent, &self.scheduler)).collect()
    }

    /// Runs that have not ended, those that began first.
    pub fn run_rows(&self) -> Vec<RunRow> {
        let live = self.instances.iter().map(|run| run_row(run, RunState::Running));
        let waiting = self.waiting.iter().map(|run| run_row(run, RunState::Waiting));
        live.chain(waiting)
            .chain(self.queue.iter().map(|run| run_row(run, RunState::Queued)))
            .collect()
    }
}

fn millis(text: &str) -> Option<Millis> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

fn agent_row(agent: &AskedAgent, scheduler: &Scheduler) -> AgentRow {
    let all_paused = scheduler.pause.is_some();
    let is_faulty = |alert: &AlertRow| alert.agent.as_ref() == Some(&agent.name);
    AgentRow {
        name: agent.name.clone(),
        description: agent.description.clone(),
        state: match agent {
            a if a.running_count > 0 => AgentState::Running,
            _ if scheduler.alerts.iter().any(is_faulty) => AgentState::Invalid,
            a if a.waiting_count > 0 => AgentState::Waiting,
            a if a.is_disabled() => AgentState::Disabled,
            a if a.pause.is_some() || all_paused => AgentState::Paused,
            _ => AgentState::Idle,
        },
        paused: agent.pause.clone(),
        running: agent.running_count,
        waiting: agent.waiting_count,
        scale: agent.scale(),
        queued: agent.queued_webhooks,
        queue_bound: agent.queue_bound,
        next_ms: agent.next_run_at.as_deref().and_then(millis),
        schedule: agent.schedule.clone(),
        schedule_words: agent.schedule_words.clone(),
        triggers: agent.triggers.clone(),
        last: agent.last_run.clone(),
        status_text: agent.status_text.clone(),
        error: agent.last_error.clone(),
        engine: agent.engine.clone(),
        runtime: agent.runtime.clone(),
        timeout_s: agent.timeout_s,
    }
}

fn run_row(run: &AskedRun, state: RunState) -> RunRow {
    let started_ms = run.started_at.as_deref().and_then(millis);
    let queued_ms = run.queued_at.as_deref().and_then(millis).or(started_ms).unwrap_or_default();
    RunRow {
        id: run.id.clone(),
        agent: run.agent_name.clone(),
        state: run.state.unwrap_or(state),
        why: run.why.clone().unwrap_or_default(),
        trigger: run.trigger_text.as_ref().unwrap_or(&run.trigger).clone(),
        receipt: None,
        attempt: run.attempt,
        stopping: run.stopping,
        queued_ms,
        started_ms,
        ended_ms: None,
        exit_code: None,
        status_text: run.status_text.clone(),
        return_value: None,
        rerun: None,
        retry: run.retry,
        priority: run.priority,
        lane: run.lane.clone(),
        not_before_ms: run.not_before.as_deref().and_then(millis),
        caller: run.caller.clone(),
        wait: run.wait.clone(),
        usage: run.usage.as_ref().map(usage_row),
    }
}

#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
fn usage_row(usage: &AskedUsage) -> UsageRow {
    let spent = Spent {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cache_read_tokens: usage.cache_read_tokens,
        cache_write_tokens: usage.cache_write_tokens,
        cost_micros: usage.cost.map(|dollars| (dollars * 1e6).round() as u64),
        turns: usage.turn_count,
    };
    engine::usage_row(&spent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_older_scheduler_that_says_less_is_understood() {
        let asked = Asked::read(json!({
            "scheduler": {"mode": "docker", "startedAt": "2026-01-01T00:00:00.000Z", "paused": false},
            "instances": [{"id": "dev-1a2b3c4d", "agentName": "dev", "status": "running",
                "startedAt": "2026-01-01T00:00:01.000Z", "trigger": "schedule"}],
            "agents": [{"name": "dev", "state": "running", "enabled": true, "statusText": null,
                "nextRunAt": "2026-01-01T01:00:00.000Z", "scale": 1, "runningCount": 1}],
            "running": 1,
        }))
        .unwrap();
        let agents = asked.agent_rows();
        assert_eq!(agents[0].state, AgentState::Running);
        assert_eq!(agents[0].next_ms, Some(1_767_229_200_000));
        assert_eq!(asked.started_ms(), Some(1_767_225_600_000));
        let runs = asked.run_rows();
        assert_eq!(
            (runs[0].state, runs[0].started_ms),
            (RunState::Running, Some(1_767_225_601_000))
        );
    }

    #[test]
    fn a_scheduler_of_today_is_shown_as_it_shows_itself() {
        let pause = json!({"by": "ann", "since_ms": 1, "why": null});
        let asked = Asked::read(json!({
            "scheduler": {"pause": pause},
            "agents": [
                {"name": "off", "enabled": false, "scale": 0, "pause": pause, "timeoutS": 900},
                {"name": "held", "enabled": false, "scale": 1, "pause": pause},
                {"name": "dev", "enabled": true, "scale": 1},
            ],
            "queue": [{"id": "dev-1a2b3c4d", "agentName": "dev", "trigger": "manual:user-prompt",
                "triggerText": "manual by ann: look"}],
            "running": 3,
            "queued": 1200,
        }))
        .unwrap();
        let rows = asked.agent_rows();
        let states: Vec<AgentState> = rows.iter().map(|row| row.state).collect();
        assert_eq!(states, [AgentState::Disabled, AgentState::Paused, AgentState::Paused]);
        assert_eq!(rows[0].timeout_s, 900);
        assert_eq!(asked.run_rows()[0].trigger, "manual by ann: look");
        assert_eq!(asked.counts(), Counts { live: 3, waiting: 0, queued: 1200 });
    }

    #[test]
    fn what_is_no_status_is_refused() {
        let failure = Asked::read(json!({"status": "ok"})).unwrap_err();
        assert_eq!(failure.code, "bad_status");
    }
}
