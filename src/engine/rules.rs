//! From a project's files to what the scheduler decides by and what people are shown.

use std::collections::BTreeMap;

use crate::duration;
use crate::project::{Agent, EngineKind, Project, RuntimeKind, model as project};
use crate::scheduler::cron::{CronError, Schedule};
use crate::scheduler::{
    AgentRules, Budget, Cadence, Millis, Missed, Overlap, Overspent, Priority, ProjectRules, Retry,
    RetryOn, Template,
};

/// What people are shown besides live state; it changes with the project's files.
#[derive(Debug, Clone)]
pub struct Facts {
    pub project: String,
    pub environment: Option<String>,
    /// Where the gateway listens; none until it does.
    pub gateway: Option<String>,
    pub version: String,
    pub pid: u32,
    pub started_ms: i64,
    /// Last parts of the URLs that deliveries may be sent to.
    pub webhooks: Vec<String>,
    pub agents: BTreeMap<String, AgentFacts>,
}

/// What people are shown of an agent besides its live state.
#[derive(Debug, Clone)]
pub struct AgentFacts {
    pub description: Option<String>,
    pub schedule: Option<String>,
    pub schedule_words: Option<String>,
    pub triggers: Vec<String>,
    pub engine: &'static str,
    pub runtime: &'static str,
    pub timeout_s: u64,
}

impl Facts {
    /// The facts of the same host once its project's files say something else.
    #[must_use]
    pub fn of_project(self, project: &Project, host_zone: &str) -> Self {
        let agents = project.agents.iter();
        Self {
            project: project.name.clone(),
            environment: project.environment.clone(),
            webhooks: project.config.webhooks.keys().cloned().collect(),
            agents: agents
                .map(|agent| (agent.name.clone(), agent_facts(agent, host_zone)))
                .collect(),
            ..self
        }
    }
}

/// What the scheduler decides by for the project as a whole; ids of runs are made with `id_key`.
pub fn project_rules(project: &Project, id_key: u32) -> ProjectRules {
    ProjectRules {
        scale: project.config.scale,
        max_reruns: project.config.max_reruns,
        max_call_depth: project.config.max_call_depth,
        lock_ttl_ms: millis(project.config.resource_lock_timeout_s),
        retention_days: project.config.history_retention_days,
        slots: slots(project),
        id_key,
    }
}

/// How many runs may use each model at once, where that is limited.
fn slots(project: &Project) -> BTreeMap<String, u32> {
    let models = project.config.models.iter();
    models.filter_map(|(name, model)| Some((name.clone(), model.slots?))).collect()
}

/// # Errors
/// When the schedule or a template is wrong, which loading the project has ruled out.
pub fn agent_rules(agent: &Agent, host_zone: &str) -> Result<AgentRules, String> {
    let template = |text: &Option<String>| text.as_deref().map(Template::parse).transpose();
    Ok(AgentRules {
        scale: agent.scale,
        queue_bound: agent.max_work_queue_size,
        schedule: cadence(agent, host_zone)?,
        missed: match agent.missed {
            project::Missed::Skip => Missed::Skip,
            project::Missed::Once => Missed::Once,
        },
        overlap: match agent.overlap {
            project::Overlap::Skip => Overlap::Skip,
            project::Overlap::Queue => Overlap::Queue,
        },
        retry: retry(&agent.retry),
        priority: match agent.priority {
            project::Priority::Low => Priority::Low,
            project::Priority::Normal => Priority::Normal,
            project::Priority::High => Priority::High,
        },
        lane: template(&agent.lane)?,
        keep_latest: template(&agent.keep_latest)?,
        wait_timeout_ms: millis(agent.wait_timeout_s),
        budget: Budget {
            per_run_micros: agent.budget.per_run_micros,
            per_day_micros: agent.budget.per_day_micros,
            then: match agent.budget.then {
                project::Overspent::Stop => Overspent::Stop,
                project::Overspent::Ask => Overspent::Ask,
            },
        },
    })
}

fn cadence(agent: &Agent, host_zone: &str) -> Result<Option<Cadence>, String> {
    if let Some(every) = agent.every_ms {
        return Ok(Some(Cadence::Every(Millis::try_from(every).unwrap_or(Millis::MAX))));
    }
    let schedule = schedule(agent, host_zone).map_err(|error| error.message)?;
    Ok(schedule.map(|schedule| Cadence::Cron(Box::new(schedule))))
}

fn retry(retry: &project::Retry) -> Retry {
    let on = |on: &project::RetryOn| match on {
        project::RetryOn::Lost => RetryOn::Lost,
        project::RetryOn::Timeout => RetryOn::Timeout,
        project::RetryOn::Error => RetryOn::Error,
    };
    Retry {
        attempts: retry.attempts,
        backoff_ms: Millis::try_from(retry.backoff_ms).unwrap_or(Millis::MAX),
        on: retry.on.iter().map(on).collect(),
    }
}

fn millis(seconds: u64) -> Millis {
    Millis::try_from(seconds).unwrap_or(Millis::MAX / 1000).saturating_mul(1000)
}

fn schedule(agent: &Agent, host_zone: &str) -> Result<Option<Schedule>, CronError> {
    let zone = agent.timezone.as_deref().unwrap_or(host_zone);
    agent.schedule.as_deref().map(|expr| Schedule::parse(expr, zone)).transpose()
}

/// What is shown of an agent and decides nothing.
pub fn agent_facts(agent: &Agent, host_zone: &str) -> AgentFacts {
    let words = schedule(agent, host_zone).ok().flatten().map(|schedule| schedule.words());
    let every = agent.every_ms.map(|ms| format!("every {}", duration::text(ms)));
    AgentFacts {
        description: agent.skill.description.clone(),
        schedule: agent.schedule.clone().or(every.clone()),
        schedule_words: words.or(every),
        triggers: trigger_labels(agent),
        engine: engine_name(agent.engine.kind),
        runtime: runtime_name(agent.runtime.kind),
        timeout_s: agent.timeout_s,
    }
}

/// `schedule`, and a label per webhook: `github`, or `github issues opened` when exactly one event
/// (and one action) starts it. The rule is the one that existing dashboards show.
fn trigger_labels(agent: &Agent) -> Vec<String> {
    let timed = agent.schedule.is_some() || agent.every_ms.is_some();
    let mut labels: Vec<String> = timed.then(|| "schedule".to_owned()).into_iter().collect();
    for binding in &agent.webhooks {
        let one = |field: &str| match binding.filters.get(field).map(Vec::as_slice) {
            Some([one]) => Some(one.clone()),
            _ => None,
        };
        let mut label = binding.source.clone();
        if let Some(event) = one("events") {
            label = format!("{label} {event}");
            if let Some(action) = one("actions") {
                label = format!("{label} {action}");
            }
        }
        labels.push(label);
    }
    labels
}

/// The word of `[harness] type`.
pub fn engine_name(kind: EngineKind) -> &'static str {
    match kind {
        EngineKind::Builtin => "builtin",
        EngineKind::Claude => "claude",
        EngineKind::Codex => "codex",
        EngineKind::Script => "script",
    }
}

/// The word of `[runtime] type`.
pub fn runtime_name(kind: RuntimeKind) -> &'static str {
    match kind {
        RuntimeKind::Container => "container",
        RuntimeKind::HostUser => "host-user",
        RuntimeKind::Process => "process",
    }
}
