//! How things stand, from the project's files and its store. The store is written before anybody
//! is answered, so it is as good as asking the scheduler, and it answers without one.

use std::collections::HashMap;

use al_wire::{AgentRow, AlertRow, PauseRow, RunRow, RunState};
use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;

use super::asked::Asked;
use crate::ambient::{self, Millis};
use crate::cli::client::{Client, Place, place};
use crate::cli::running::{Running, running};
use crate::cli::{Context, history};
use crate::engine::{self, Mirror, Repeats};
use crate::failure::Failure;
use crate::project::reload::agent_of;
use crate::project::{self, Agent, Loaded, Problem, Project, Severity};
use crate::scheduler::cron::Schedule;
use crate::scheduler::{Run, Scope, Timer, View};

/// Firing times that an agent's page shows.
const NEXT_TIMES: usize = 3;

/// The project at one moment.
#[derive(Debug)]
pub struct Picture {
    pub project: Project,
    /// Errors too, when the scheduler goes on in spite of them.
    pub problems: Vec<Problem>,
    /// None when no scheduler runs.
    pub running: Option<Running>,
    /// Runs in flight finish, then the scheduler ends.
    pub stopping: bool,
    /// The scheduler is on another machine, and its history too.
    pub remote: bool,
    /// Why the running scheduler could not be asked.
    pub silent: Option<Failure>,
    pub paused: Option<PauseRow>,
    /// What the running scheduler wants to be mended, newest first.
    pub alerts: Vec<AlertRow>,
    pub agents: Vec<AgentRow>,
    /// Runs that have not ended, oldest first. A scheduler elsewhere does not send all that wait.
    pub runs: Vec<RunRow>,
    pub counts: Counts,
    host_zone: String,
}

/// How many runs there are, listed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Those that hold a slot.
    pub live: usize,
    /// Those that gave up their slot until something happens.
    pub waiting: usize,
    pub queued: usize,
}

impl Picture {
    /// # Errors
    /// When the project or its history cannot be read, or a scheduler elsewhere does not answer.
    pub fn take(context: &Context) -> Result<Self, Failure> {
        let running = running(&context.state_dir());
        let (project, problems) = read(context, running.is_some())?;
        let place = place(&project, running.as_ref(), context)?;
        let mut picture = Self {
            paused: None,
            alerts: Vec::new(),
            agents: Vec::new(),
            runs: Vec::new(),
            counts: Counts::default(),
            stopping: false,
            remote: false,
            silent: None,
            running,
            project,
            problems,
            host_zone: ambient::host_zone(),
        };
        let asked = place.as_ref().map(|place| ask(place.clone(), context));
        match (place, asked) {
            (Some(place), Some(asked)) if place.remote => picture.be_told(&place.url, &asked?),
            (_, asked) => {
                picture.look(context)?;
                match asked.transpose() {
                    Ok(asked) => asked.iter().for_each(|asked| picture.refine(asked)),
                    Err(failure) => picture.silent = Some(failure),
                }
            }
        }
        Ok(picture)
    }

    /// Takes everything from a scheduler elsewhere.
    fn be_told(&mut self, url: &str, asked: &Asked) {
        self.remote = true;
        self.running = Some(Running {
            pid: asked.scheduler.pid,
            url: Some(url.to_owned()),
            environment: self.project.environment.clone(),
            since_ms: asked.started_ms(),
        });
        self.stopping = asked.scheduler.stopping;
        self.paused = asked.scheduler.pause.clone();
        self.agents = asked.agent_rows();
        self.runs = asked.run_rows();
        self.counts = asked.counts();
        self.alerts = asked.scheduler.alerts.clone();
    }

    /// Whether the scheduler goes on with what files said before they had errors.
    pub fn is_broken(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Reads the store.
    fn look(&mut self, context: &Context) -> Result<(), Failure> {
        let project = &self.project;
        let (mut view, last) = state(project, &self.host_zone, context)?;
        if let Some(reader) = history::reader(context)?.filter(|_| self.running.is_some()) {
            let alerts = reader.alerts()?;
            self.alerts = alerts.iter().rev().map(engine::alert_row).collect();
            view.alerts = alerts.into_iter().map(|a| (a.fault.key.clone(), a)).collect();
        }
        let mirror = Mirror { seq: 0, view, last };
        let facts = |agent: &Agent| engine::agent_facts(agent, &self.host_zone);
        let agents = project.agents.iter();
        self.agents =
            agents.filter_map(|a| engine::agent_row(&mirror, &a.name, &facts(a))).collect();
        let mut live: Vec<&Run> = mirror.view.runs.values().collect();
        live.sort_unstable_by_key(|run| run.seq);
        let row = |run: &&Run| engine::run_row(run, Repeats::of(&mirror.view, &run.agent));
        self.runs = live.iter().map(row).collect();
        let count = |state| self.runs.iter().filter(|run| run.state == state).count();
        let (queued, waiting) = (count(RunState::Queued), count(RunState::Waiting));
        self.counts = Counts { live: self.runs.len() - queued - waiting, waiting, queued };
        self.paused = mirror.view.pauses.get(&Scope::Project).map(engine::pause_row);
        Ok(())
    }

    /// Adds what only the running scheduler knows: the files may have changed since it started.
    fn refine(&mut self, asked: &Asked) {
        self.stopping = asked.scheduler.stopping;
        self.alerts = asked.scheduler.alerts.clone();
        if self.is_broken() {
            // It has agents whose files say nothing now.
            self.agents = asked.agent_rows();
        }
        if let Some(running) = &mut self.running {
            running.since_ms = asked.started_ms().or(running.since_ms);
        }
        for row in &mut self.agents {
            if let Some((next_ms, scale)) = asked.next_and_scale(&row.name) {
                (row.next_ms, row.scale) = (next_ms, scale);
            }
        }
    }

    /// The agent's schedule in its zone.
    pub fn schedule(&self, agent: &Agent) -> Option<Schedule> {
        let zone = agent.timezone.as_deref().unwrap_or(&self.host_zone);
        Schedule::parse(agent.schedule.as_deref()?, zone).ok()
    }

    /// When the agent's schedule fires next, in its own zone.
    pub fn next_times(&self, agent: &Agent, now_ms: Millis) -> Vec<String> {
        let Some(schedule) = self.schedule(agent) else { return Vec::new() };
        let zone: Tz = schedule.zone().parse().unwrap_or(Tz::UTC);
        std::iter::successors(schedule.next(now_ms), |&at_ms| schedule.next(at_ms))
            .take(NEXT_TIMES)
            .filter_map(DateTime::from_timestamp_millis)
            .map(|time| time.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true))
            .collect()
    }
}

/// The project and what is wrong with it. Errors are only suffered when a scheduler runs, which
/// goes on with what it had.
fn read(context: &Context, is_running: bool) -> Result<(Project, Vec<Problem>), Failure> {
    let failure = match context.request(project::load) {
        Ok(Loaded { project, warnings }) => return Ok((project, warnings)),
        Err(problems) => context.project_failure(&problems),
    };
    match context.request(project::survey) {
        (Some(mut project), problems) if is_running => {
            let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
            let faulty: Vec<&str> = errors.filter_map(|p| agent_of(p, &project)).collect();
            let agents = std::mem::take(&mut project.agents).into_iter();
            project.agents = agents.filter(|a| !faulty.contains(&a.name.as_str())).collect();
            Ok((project, problems))
        }
        _ => Err(failure),
    }
}

fn ask(place: Place, context: &Context) -> Result<Asked, Failure> {
    Asked::read(Client::at(place, context)?.get("/control/status")?)
}

/// Live state as the scheduler has it, and each agent's newest ended run.
fn state(
    project: &Project,
    host_zone: &str,
    context: &Context,
) -> Result<(View, HashMap<String, Run>), Failure> {
    let mut view = View::new(engine::project_rules(project, 0));
    for agent in &project.agents {
        let rules = engine::agent_rules(agent, host_zone)
            .map_err(|error| Failure::config("bad_cron", format!("{}: {error}", agent.name)))?;
        let next = rules.schedule.as_ref().and_then(|schedule| schedule.next(context.now_ms, None));
        if let Some(next) = next.filter(|_| rules.scale > 0) {
            view.timers.insert(Timer::Cron(agent.name.clone()), next);
        }
        view.add_agent(&agent.name, rules);
    }
    let mut last = HashMap::new();
    if let Some(reader) = history::reader(context)? {
        for run in reader.live_runs()? {
            view.adopt(run);
        }
        view.pauses.extend(reader.pauses()?);
        last = reader.last_runs(project.agents.iter().map(|agent| &agent.name))?;
    }
    Ok((view, last))
}
