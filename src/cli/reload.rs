//! Hot reload: edits of the project's files take effect while the scheduler runs.
//!
//! The files are read by the same loader as at the start. What they say replaces the
//! [`Definitions`] and then goes to the scheduler as one event, so that the next attempt is the
//! new one and what runs is not touched.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::Context;
use super::host::{cannot_run, rules_of};
use crate::engine::{Defined, Definitions, EngineError, Handle};
use crate::gateway::LiveSources;
use crate::project::kit::Kits;
use crate::project::reload::{Reloaded, agent_of, reload};
use crate::project::watch::{Fingerprint, Watch};
use crate::project::{Problem, Project, Severity, environments_dir};
use crate::scheduler::{Event, Fault, NewConfig, Scope};

/// Nothing is read before the last edit is this old: a save is many events.
const QUIET: Duration = Duration::from_millis(300);
/// Edits without a pause are read after this.
const LONGEST: Duration = Duration::from_secs(3);
/// How long an edit goes unnoticed where the file system does not tell (a network mount).
const SAFETY: Duration = Duration::from_secs(30);
/// The same when nothing tells at all.
const POLL: Duration = Duration::from_secs(2);
/// Pause before an event that was not accepted is sent again.
const AGAIN: Duration = Duration::from_secs(1);

/// What a reload works on.
pub(super) struct Reload {
    pub engine: Handle,
    pub definitions: Arc<Definitions>,
    pub sources: Arc<LiveSources>,
    pub context: Context,
    pub zone: String,
    /// See [`crate::scheduler::ProjectRules::id_key`].
    pub id_key: u32,
}

/// What the files said last, and what the scheduler knows of it.
struct Known {
    files: Option<Fingerprint>,
    defined: Arc<Defined>,
    problems: Vec<Problem>,
    faults: Vec<Fault>,
    /// Why edits may go unnoticed, when they may.
    trouble: Option<String>,
}

impl Reload {
    /// Follows the project until the scheduler has ended.
    pub(super) async fn run(self) {
        let woken = Arc::new(Notify::new());
        let project = self.definitions.get().project.dir.clone();
        let environments = environments_dir(&self.context.al_home);
        let wake = Arc::clone(&woken);
        let watch = Watch::new(project, environments, move || wake.notify_one());
        let watch = Arc::new(Mutex::new(watch));
        let mut known = Known {
            files: None,
            defined: self.definitions.get(),
            problems: Vec::new(),
            faults: Vec::new(),
            trouble: None,
        };
        loop {
            let look = self.look(&watch, &mut known).await;
            let pause = match look {
                Err(EngineError::Ended) => return,
                Err(_) => AGAIN,
                Ok(()) if known.trouble.is_some() => POLL,
                Ok(()) => SAFETY,
            };
            tokio::select! {
                () = self.engine.ended() => return,
                () = until_quiet(&woken, pause) => {}
            }
        }
    }

    /// Reads the files when they are others than before, and makes them count.
    async fn look(&self, watch: &Arc<Mutex<Watch>>, known: &mut Known) -> Result<(), EngineError> {
        let _changing = self.definitions.changing().await;
        loop {
            let Some((files, trouble)) = fingerprint(watch).await else { return Ok(()) };
            // What changes while the files are read makes another fingerprint.
            if known.files.as_ref() == Some(&files) && known.trouble == trouble {
                return Ok(());
            }
            let Some(new) = self.read(Arc::clone(&known.defined)).await else { return Ok(()) };
            self.take_over(new, trouble.as_deref(), known).await?;
            (known.files, known.trouble) = (Some(files), trouble);
        }
    }

    async fn read(&self, old: Arc<Defined>) -> Option<Reloaded> {
        let context = self.context.clone();
        let read = move || context.request(|request| reload(request, &old.project));
        tokio::task::spawn_blocking(read).await.ok()
    }

    async fn take_over(
        &self,
        new: Reloaded,
        trouble: Option<&str>,
        known: &mut Known,
    ) -> Result<(), EngineError> {
        let Reloaded { project, problems } = new;
        let old = &known.defined.project;
        let mut faults = faults(&problems, &project, old);
        faults.extend(trouble.map(blind));
        tell_warnings(&problems, &known.problems);
        if project == *old && faults == known.faults {
            known.problems = problems;
            return Ok(());
        }
        let Ok((rules, agents)) = rules_of(&project, self.id_key, &self.zone, true) else {
            return Ok(()); // the loader has checked what rules are made of
        };
        let redefined = redefined(old, &project);
        // Nothing waits for what it finds: whoever keeps credentials may take its time.
        let (seen, changed) = (project.clone(), redefined.clone());
        let al_home = self.context.al_home.clone();
        drop(tokio::task::spawn_blocking(move || tell_what_cannot_run(&seen, &changed, &al_home)));
        let (now, before) = (&project.config.gateway, &old.config.gateway);
        if (now.port, &now.tls) != (before.port, &before.tls) {
            tracing::warn!(target: "reload", "port and [gateway.tls] take effect at the next start");
        }
        let facts = known.defined.facts.clone().of_project(&project, &self.zone);
        self.definitions.replace(Defined { project, facts });
        let sources = Arc::clone(&self.sources);
        let _ = tokio::task::spawn_blocking(move || sources.read_again()).await;
        let config = NewConfig { rules, agents, redefined, faults: faults.clone() };
        self.engine.submit(Event::ConfigChanged(Box::new(config))).await?;
        known.defined = self.definitions.get();
        (known.problems, known.faults) = (problems, faults);
        Ok(())
    }
}

/// Waits for an edit and then until nothing is edited any more, but no longer than `pause` for the
/// first.
async fn until_quiet(woken: &Notify, pause: Duration) {
    if timeout(pause, woken.notified()).await.is_err() {
        return;
    }
    let first = Instant::now();
    while first.elapsed() < LONGEST && timeout(QUIET, woken.notified()).await.is_ok() {}
}

/// Watches what there is now, and then looks at it. The second value says why edits may go
/// unnoticed.
async fn fingerprint(watch: &Arc<Mutex<Watch>>) -> Option<(Fingerprint, Option<String>)> {
    let watch = Arc::clone(watch);
    let look = move || {
        let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = watch.follow().err();
        (watch.fingerprint(), trouble)
    };
    tokio::task::spawn_blocking(look).await.ok()
}

/// That nobody tells of edits.
fn blind(why: &str) -> Fault {
    Fault {
        key: Fault::config_key("watch"),
        agent: None,
        message: format!("edits are noticed every {} s only: {why}", POLL.as_secs()),
        hint: None,
        file: None,
        line: None,
    }
}

/// What somebody should know, but need not mend: once each.
fn tell_warnings(problems: &[Problem], told: &[Problem]) {
    let new = problems.iter().filter(|problem| !told.contains(problem));
    for warning in new.filter(|problem| problem.severity == Severity::Warning) {
        let line = warning.place().map(|place| place.line);
        let file = warning.file.display();
        tracing::warn!(target: "reload", %file, line, "{}", warning.message);
    }
}

fn tell_what_cannot_run(project: &Project, redefined: &BTreeSet<Scope>, al_home: &Path) {
    let changed = |name: &str| redefined.contains(&Scope::Agent(name.to_owned()));
    let mut kits = Kits::new(al_home, &project.config.credentials);
    for agent in project.agents.iter().filter(|agent| changed(&agent.name)) {
        if let Some(why) = cannot_run(agent, &mut kits) {
            tracing::warn!(target: "reload", "runs of {} will fail: {why}", agent.name);
        }
    }
}

/// Whose definition is another one. A scale is a rule, and may be what an operator has set.
fn redefined(old: &Project, new: &Project) -> BTreeSet<Scope> {
    let mut redefined = BTreeSet::new();
    for agent in &new.agents {
        let same = old.agents.iter().find(|known| known.name == agent.name).is_some_and(|known| {
            let mut known = known.clone();
            known.scale = agent.scale;
            known == *agent
        });
        if !same {
            redefined.insert(Scope::Agent(agent.name.clone()));
        }
    }
    if (&old.name, &old.environment) != (&new.name, &new.environment) {
        redefined.insert(Scope::Project);
    }
    redefined
}

/// One fault for each file with errors: the first that has a line, and how many more there are.
fn faults(problems: &[Problem], now: &Project, old: &Project) -> Vec<Fault> {
    let errors: Vec<&Problem> =
        problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    let mut files: Vec<&PathBuf> = Vec::new();
    for error in &errors {
        if !files.contains(&&error.file) {
            files.push(&error.file);
        }
    }
    files
        .into_iter()
        .map(|path| {
            let of_file: Vec<&&Problem> = errors.iter().filter(|e| e.file == *path).collect();
            let first = of_file.iter().find(|e| e.place().is_some()).unwrap_or(&of_file[0]);
            fault(first, of_file.len() - 1, now, old)
        })
        .collect()
}

fn fault(problem: &Problem, more: usize, now: &Project, old: &Project) -> Fault {
    let file = problem.file.strip_prefix(&old.dir).unwrap_or(&problem.file).display().to_string();
    let agent = agent_of(problem, old).map(str::to_owned);
    let known = |name: &String| now.agents.iter().any(|agent| agent.name == *name);
    let until_then = match &agent {
        Some(name) if known(name) => format!("{name} goes on as it was"),
        Some(name) => format!("{name} is not started"),
        None => "the project goes on as it was".to_owned(),
    };
    let more = match more {
        0 => String::new(),
        1 => " (and 1 more error)".to_owned(),
        n => format!(" (and {n} more errors)"),
    };
    Fault {
        key: Fault::config_key(&file),
        agent,
        message: format!("{}{more}; {until_then}", problem.message),
        hint: problem.hints.first().cloned(),
        line: problem.place().and_then(|place| u32::try_from(place.line).ok()),
        file: Some(file),
    }
}
