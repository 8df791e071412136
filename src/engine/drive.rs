//! Carries effects out through the runtimes and brings back the news.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::runtime::Handle as Tokio;

use super::definitions::Definitions;
use super::equip::{self, Equipment, Wanted};
use super::handle::Handle;
use super::place;
use crate::ambient;
use crate::harness::{AGENT, CredentialNote, Job};
use crate::llm::ModelSpec;
use crate::log;
use crate::project::credentials::{self, Reference, Use};
use crate::project::kit::{self, Bearer, Kit};
use crate::project::{Agent, EngineKind, Project, RuntimeKind, ScriptCommand};
use crate::runtime::{self, Access, ExitWhy, GRACE, Place, Presence, Runtime, Spec, Stray, boxed};
use crate::scheduler::{
    Effect, EffectNews, Event, Exit, Millis, Payload, Report, Run, RunState, Spent, Verdict, View,
};
use crate::signal;
use crate::store::StoreError;

/// Makes the access of one attempt to the gateway: its address and a token for this run only.
pub type Grant = Arc<dyn Fn(&str, u32) -> Option<Access> + Send + Sync>;

/// Time between two tries to stop what has not started yet.
const AGAIN: Duration = Duration::from_millis(20);
/// Pauses between tries to learn what became of an attempt.
const INSIST: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
];

/// How often every attempt that should live is looked for.
const ROUND: Duration = Duration::from_secs(30);
/// An attempt that is still starting after this time is looked for, too.
const STARTS_WITHIN_MS: i64 = 120_000;

/// Run and number of an attempt.
type AttemptId = (String, u32);

/// Acts for the engine; clones act alike.
#[derive(Clone)]
pub struct Driver {
    engine: Handle,
    tokio: Tokio,
    process: Arc<dyn Runtime>,
    definitions: Arc<Definitions>,
    grant: Grant,
    logs: PathBuf,
    equipment: Arc<Equipment>,
    /// Attempts that a task looks after at present.
    tended: Arc<Mutex<BTreeSet<AttemptId>>>,
    /// The last use of a credential could not be noted, which was told.
    unnoted: Arc<AtomicBool>,
}

/// An attempt is looked after by one task at a time, for as long as this lives.
struct Tended {
    attempt: AttemptId,
    all: Arc<Mutex<BTreeSet<AttemptId>>>,
}

impl Drop for Tended {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.attempt);
    }
}

impl Driver {
    /// One that acts for this engine. `grant` makes what an attempt reaches the gateway with.
    pub fn new(
        engine: &Handle,
        tokio: Tokio,
        process: Arc<dyn Runtime>,
        definitions: Arc<Definitions>,
        grant: Grant,
        logs: PathBuf,
        equipment: Equipment,
    ) -> Self {
        Self {
            engine: engine.clone(),
            tokio,
            process,
            definitions,
            grant,
            logs,
            equipment: Arc::new(equipment),
            tended: Arc::default(),
            unnoted: Arc::default(),
        }
    }

    /// Looks after an attempt; none when somebody does already.
    fn tend(&self, run: &str, attempt: u32) -> Option<Tended> {
        let attempt = (run.to_owned(), attempt);
        let mut all = self.tended.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(attempt.clone()).then(|| Tended { attempt, all: Arc::clone(&self.tended) })
    }

    /// Compares what should live with what does, for as long as the engine works. News usually comes
    /// by itself; this finds what got lost on the way.
    pub(super) fn keep_rounds(&self) {
        let driver = self.clone();
        self.tokio.spawn(async move {
            loop {
                // Also at the start: what an earlier host left.
                driver.sweep_strays().await;
                tokio::time::sleep(ROUND).await;
                let Ok(alive) =
                    driver.engine.look(|view| should_live(view, ambient::now_ms())).await
                else {
                    return;
                };
                for (run, attempt) in alive {
                    driver.recover(Effect::Start { run, attempt });
                }
            }
        });
    }

    /// Takes away containers whose attempts are over.
    async fn sweep_strays(&self) {
        let found = match self.process.strays(&self.equipment.label).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(target: "engine", error = %error, "containers not looked at");
                return;
            }
        };
        if found.is_empty() {
            return;
        }
        // After that look: what has begun since is not among the found.
        let Ok(left) = self.engine.look(move |view| left_over(view, found)).await else { return };
        for stray in left {
            let name = stray.name.as_str();
            match self.process.discard(&stray).await {
                Ok(true) => tracing::info!(target: "engine", name, "container removed"),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(target: "engine", name, error = %error, "container not removed");
                }
            }
        }
    }

    /// Tells the engine what happened.
    pub(super) fn report(&self, event: Event) {
        self.engine.report(event);
    }

    /// Does what an effect says. Its beginning is on disk.
    pub(super) fn act(&self, effect: Effect) {
        let driver = self.clone();
        // Before the task has begun: a round that comes first must not fence its attempt off.
        let tended = match &effect {
            Effect::Start { run, attempt } => match self.tend(run, *attempt) {
                Some(tended) => Some(tended),
                None => return,
            },
            Effect::Stop { .. } | Effect::Suspend { .. } | Effect::Resume { .. } => None,
        };
        self.tokio.spawn(async move {
            let _tended = tended;
            match &effect {
                Effect::Start { run, attempt } => driver.start(&effect, run, *attempt).await,
                Effect::Stop { run, attempt } => driver.stop(&effect, run, *attempt).await,
                Effect::Suspend { run, attempt } => {
                    let told = driver.insist(|| driver.process.suspend(run, *attempt)).await;
                    driver.told(&effect, told);
                }
                Effect::Resume { run, attempt } => {
                    let told = driver.insist(|| driver.process.resume(run, *attempt)).await;
                    driver.told(&effect, told);
                }
            }
        });
    }

    /// Removes the files of an ended run.
    pub(super) fn sweep(&self, run: String) {
        let driver = self.clone();
        self.tokio.spawn(async move {
            if let Err(error) = driver.process.remove(&run).await {
                tracing::warn!(target: "engine", run, error = %error, "files not removed");
            }
        });
    }

    /// Removes what history no longer knows: log files from before `before`, and files of runs.
    pub(super) fn prune(&self, before: i64) {
        let driver = self.clone();
        self.tokio.spawn(async move {
            let logs = driver.logs.clone();
            let old = move || log::prune(&logs, 0, log::day_of(before));
            if let Ok(Err(error)) = tokio::task::spawn_blocking(old).await {
                tracing::warn!(target: "engine", error = %error, "old logs not removed");
            }
            match driver.process.leftovers(before).await {
                Ok(runs) => driver.sweep_forgotten(runs).await,
                Err(error) => {
                    tracing::warn!(target: "engine", error = %error, "old runs not removed");
                }
            }
        });
    }

    async fn sweep_forgotten(&self, runs: Vec<String>) {
        let reader = Arc::clone(self.engine.reader());
        let forgotten = move || -> Vec<String> {
            let unknown = |run: &String| matches!(reader.run(run), Ok(None));
            runs.into_iter().filter(unknown).collect()
        };
        for run in tokio::task::spawn_blocking(forgotten).await.unwrap_or_default() {
            self.sweep(run);
        }
    }

    /// Looks after an effect that was begun, by an earlier process or by a task that is gone.
    pub(super) fn recover(&self, effect: Effect) {
        match effect {
            // What has to be so is made so once more.
            Effect::Stop { .. } | Effect::Suspend { .. } | Effect::Resume { .. } => {
                self.act(effect);
            }
            Effect::Start { .. } => {
                let Some(tended) = self.tend(effect.run(), effect.attempt()) else { return };
                let driver = self.clone();
                self.tokio.spawn(async move {
                    let _tended = tended;
                    driver.find(&effect).await;
                });
            }
        }
    }

    async fn start(&self, effect: &Effect, run: &str, attempt: u32) {
        let spec = match self.spec(run, attempt, false).await {
            Ok(Some(spec)) => spec,
            Ok(None) => return,
            Err(message) => return self.news(effect, EffectNews::Failed { message }),
        };
        match self.process.start(spec).await {
            Ok(handle) => {
                self.news(effect, EffectNews::Done);
                self.watch(run, attempt, &handle).await;
            }
            Err(runtime::Error::Claimed { .. }) => self.find(effect).await,
            // It may have begun all the same; only a look at the claim tells.
            Err(error) => match self.process.inspect(run, attempt).await {
                Ok(Presence::Absent) => {
                    let message = error.to_string();
                    self.news(effect, EffectNews::Failed { message });
                }
                Ok(_) | Err(_) => self.find(effect).await,
            },
        }
    }

    async fn stop(&self, effect: &Effect, run: &str, attempt: u32) {
        loop {
            match self.process.stop(run, attempt, GRACE).await {
                // Its start is still on the way: there is nothing to stop yet, but there will be.
                Ok(false) if self.is_starting(run).await => tokio::time::sleep(AGAIN).await,
                Ok(_) => return self.news(effect, EffectNews::Done),
                Err(error) => {
                    let message = error.to_string();
                    return self.news(effect, EffectNews::Failed { message });
                }
            }
        }
    }

    /// The end of an attempt that is not there any more arrives by another way.
    fn told(&self, effect: &Effect, told: Result<bool, runtime::Error>) {
        let news = match told {
            Ok(_) => EffectNews::Done,
            Err(error) => EffectNews::Failed { message: error.to_string() },
        };
        self.news(effect, news);
    }

    async fn is_starting(&self, run: &str) -> bool {
        let run = run.to_owned();
        let starting = move |view: &View| {
            view.runs.get(&run).is_some_and(|run| run.state == RunState::Starting)
        };
        self.engine.look(starting).await.unwrap_or(false)
    }

    /// Finds out what became of an attempt, and stays with it when it lives. Who cannot look has seen
    /// nothing: the next round looks again, and until then the attempt counts as living.
    async fn find(&self, effect: &Effect) {
        let (run, attempt) = (effect.run(), effect.attempt());
        let presence = match self.insist(|| self.process.inspect(run, attempt)).await {
            Ok(presence) => presence,
            Err(error) => {
                tracing::error!(target: "engine", run, attempt, error = %error, "cannot be found");
                return;
            }
        };
        match found(presence) {
            Found::Living(handle) => {
                self.news(effect, EffectNews::Done);
                self.watch(run, attempt, &handle).await;
            }
            Found::Ended(exit) => self.exited(run, attempt, exit),
            Found::Orphaned => self.adopt(effect).await,
            Found::Gone(news) => self.news(effect, news),
        }
    }

    /// Asks again for a while when the answer is an error: a moment without free files or threads
    /// must not make a living run a lost one.
    async fn insist<'a, T>(
        &'a self,
        ask: impl Fn() -> runtime::Answer<'a, T>,
    ) -> Result<T, runtime::Error> {
        for pause in INSIST {
            match ask().await {
                Err(error) if !matches!(error, runtime::Error::Orphaned { .. }) => {
                    tracing::warn!(target: "engine", error = %error, "asked again");
                }
                answer => return answer,
            }
            tokio::time::sleep(pause).await;
        }
        ask().await
    }

    async fn watch(&self, run: &str, attempt: u32, handle: &runtime::Handle) {
        match self.insist(|| self.process.wait(handle)).await {
            Ok(exit) => self.exited(run, attempt, exit),
            Err(runtime::Error::Orphaned { .. }) => {
                self.adopt(&Effect::Start { run: run.to_owned(), attempt }).await;
            }
            // The next round looks again.
            Err(error) => {
                tracing::error!(target: "engine", run, attempt, error = %error, "end not seen");
            }
        }
    }

    /// Puts a new supervisor over a container that goes on without one.
    async fn adopt(&self, effect: &Effect) {
        let (run, attempt) = (effect.run(), effect.attempt());
        let started = match self.spec(run, attempt, true).await {
            Ok(Some(spec)) => self.process.start(spec).await,
            Ok(None) => return,
            Err(message) => {
                tracing::error!(target: "engine", run, attempt, message, "cannot be adopted");
                return self.news(effect, EffectNews::Lost);
            }
        };
        match started {
            Ok(handle) => {
                tracing::info!(target: "engine", run, attempt, "container adopted");
                self.news(effect, EffectNews::Done);
                Box::pin(self.watch(run, attempt, &handle)).await;
            }
            // Somebody else did, or the next round tries again.
            Err(error) => {
                tracing::warn!(target: "engine", run, attempt, error = %error, "not adopted yet");
            }
        }
    }

    fn exited(&self, run: &str, attempt: u32, exit: runtime::Exit) {
        self.report(exit_event(run, attempt, how_it_ended(exit)));
    }

    fn news(&self, effect: &Effect, news: EffectNews) {
        self.report(Event::Effect(effect.clone(), news));
    }

    /// Everything an attempt needs, or why it cannot be had; none when nobody wants it any more.
    async fn spec(&self, run: &str, attempt: u32, adopt: bool) -> Result<Option<Spec>, String> {
        let (row, payload) = self.record(run).await?;
        // What ended may have been swept away, and its fence with it.
        let wanted = match adopt {
            false => row.state == RunState::Starting,
            true => row.state.alive(),
        };
        if !wanted || row.attempt != attempt {
            return Ok(None);
        }
        let defined = self.definitions.get();
        let agent = defined.agent(&row.agent).ok_or("its agent is no longer in the project")?;
        let command = self.command(agent)?;
        let access = (self.grant)(run, attempt).filter(|_| place::has_gateway(agent));
        let (kit, models) = self.kit(&defined.project, agent).await?;
        let mut secrets = self.equipment.hidden.clone();
        secrets.extend(access.iter().map(|access| access.token.clone()));
        secrets.extend(kit.secrets);
        let trigger = trigger(&payload, &row.receipt);
        let params = params(agent, &payload);
        let wanted = Wanted {
            run,
            attempt,
            trigger: &trigger,
            params: params.clone(),
            credentials: kit.notes.into_iter().map(note).collect(),
            models,
            secrets: &secrets,
        };
        let job = equip::job(&defined.project, agent, &self.equipment, wanted)?;
        let keys: Vec<String> = job.iter().flat_map(Job::keys).map(str::to_owned).collect();
        self.equipment.redactor.learn(&keys);
        secrets.extend(keys);
        let place = match adopt {
            true => place::adopted(&defined.project, agent, &self.equipment),
            // Last, as an image may take long to build, and nothing else should be missing then.
            false => self.place(run, attempt, &defined.project, agent).await?,
        };
        Ok(Some(Spec {
            run: run.to_owned(),
            attempt,
            agent: agent.name.clone(),
            agent_dir: agent.dir.clone(),
            place,
            adopt,
            command,
            env: kit.env,
            files: kit.files,
            trigger,
            input: job
                .map(|job| serde_json::to_value(job).map_err(|e| e.to_string()))
                .transpose()?,
            params: Value::Object(params),
            timeout_s: agent.timeout_s,
            secrets,
            gateway: access,
        }))
    }

    /// What is written down of a run, and what it was started with.
    async fn record(&self, run: &str) -> Result<(Run, Payload), String> {
        let reader = Arc::clone(self.engine.reader());
        let id = run.to_owned();
        let stored = move || Ok::<_, StoreError>(reader.run(&id)?.zip(reader.payload(&id)?));
        let stored = tokio::task::spawn_blocking(stored).await.map_err(|e| e.to_string())?;
        stored.map_err(|e| e.to_string())?.ok_or_else(|| "its record is gone".to_owned())
    }

    /// Where it runs. While an image is built for it, its status says how far that is.
    async fn place(
        &self,
        run: &str,
        attempt: u32,
        project: &Project,
        agent: &Agent,
    ) -> Result<Place, String> {
        let (engine, run) = (self.engine.clone(), run.to_owned());
        let watch = move |text: String| {
            let (run, report) = (run.clone(), Report::Status(text));
            engine.report(Event::RunReported { run, attempt, report });
        };
        place::place(project, agent, &self.equipment, &watch).await
    }

    /// What to execute.
    fn command(&self, agent: &Agent) -> Result<ScriptCommand, String> {
        match (equip::thinker(agent.engine.kind), agent.engine.command.clone()) {
            (Some(_), _) => {
                let binary = match agent.runtime.kind {
                    RuntimeKind::Container => boxed::BINARY.to_owned(),
                    RuntimeKind::HostUser | RuntimeKind::Process => {
                        self.equipment.binary.to_string_lossy().into_owned()
                    }
                };
                Ok(ScriptCommand::Program(vec![binary, AGENT.to_owned()]))
            }
            (None, Some(command)) => Ok(command),
            (None, None) => Err("[harness] command is missing".to_owned()),
        }
    }

    /// The agent's credentials and the keys of its models as they are now: one that was replaced since
    /// the last attempt counts. Who keeps them may take its time, and nobody waits for that but this run.
    async fn kit(&self, project: &Project, agent: &Agent) -> Result<(Kit, Vec<ModelSpec>), String> {
        let (al_home, listed) = (self.equipment.al_home.clone(), agent.credentials.clone());
        let (types, bearer) = (project.config.credentials.clone(), bearer(agent));
        let keys = equip::keys(project, agent);
        let (models, runtime) = (equip::models(project, agent)?, agent.runtime.kind);
        let unnoted = Arc::clone(&self.unnoted);
        let (project, agent) = (project.name.clone(), agent.name.clone());
        let read = move || {
            let kit = kit::kit(&al_home, &types, &listed, bearer)
                .map_err(|lacks: Vec<kit::Lack>| kit::complaint(&lacks))?;
            let models = equip::signed_in(&models, runtime, &al_home)?;
            let used = Use { at: ambient::now_ms(), project, agent };
            let given = kit.notes.iter().map(|note| note.reference.as_str());
            let references = given.chain(keys).filter_map(|text| Reference::parse(text).ok());
            let note = |reference: Reference| {
                let noted = credentials::note_use(&al_home, &reference, &used);
                noted.err().map(|error| (reference, error))
            };
            // The others are noted all the same.
            let failed: Vec<_> = references.filter_map(note).collect();
            let was_told = unnoted.swap(!failed.is_empty(), Ordering::Relaxed);
            if let Some((reference, error)) = failed.first().filter(|_| !was_told) {
                tracing::warn!(target: "engine", %reference, %error, "uses are not noted");
            }
            Ok::<_, String>((kit, models))
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|e| e.to_string())?;
        let (kit, models) = read?;
        self.equipment.redactor.learn(&kit.secrets);
        Ok((kit, models))
    }
}

/// What a look at an attempt that was begun means.
#[derive(Debug)]
pub enum Found {
    Living(runtime::Handle),
    Ended(runtime::Exit),
    /// It goes on, and somebody has to stand over it.
    Orphaned,
    Gone(EffectNews),
}

/// Says what a look showed.
pub fn found(presence: Presence) -> Found {
    match presence {
        Presence::Running(handle) => Found::Living(handle),
        Presence::Exited(exit) => Found::Ended(exit),
        Presence::Orphaned { .. } => Found::Orphaned,
        Presence::Absent => Found::Gone(EffectNews::Absent),
        Presence::Lost => Found::Gone(EffectNews::Lost),
    }
}

/// Attempts that are in the world, unless they got lost.
pub fn should_live(view: &View, now: Millis) -> Vec<AttemptId> {
    let began = |run: &&Run| match run.state {
        RunState::Running | RunState::Waiting => true,
        RunState::Starting => run.started_at.is_some_and(|at| at + STARTS_WITHIN_MS < now),
        _ => false,
    };
    let mut alive: Vec<&Run> = view.runs.values().filter(began).collect();
    alive.sort_by_key(|run| run.seq);
    alive.into_iter().map(|run| (run.id.clone(), run.attempt)).collect()
}

/// Containers whose attempt is not in the world. Who is to be adopted is.
fn left_over(view: &View, found: Vec<Stray>) -> Vec<Stray> {
    let wanted = |run: &str, attempt| {
        view.runs.get(run).is_some_and(|known| known.state.alive() && known.attempt == attempt)
    };
    let over =
        |stray: &Stray| stray.attempt.as_ref().is_none_or(|(run, attempt)| !wanted(run, *attempt));
    found.into_iter().filter(over).collect()
}

fn exit_event(run: &str, attempt: u32, exit: Exit) -> Event {
    Event::RunExited { run: run.to_owned(), attempt, exit }
}

/// The scheduler's words for how an attempt ended.
pub fn how_it_ended(exit: runtime::Exit) -> Exit {
    let verdict = match exit.why {
        ExitWhy::Exited => match exit.signal {
            Some(signal) => Verdict::Signalled { signal },
            None => Verdict::Exited,
        },
        ExitWhy::TimedOut { after_s } => Verdict::TimedOut { after_s },
        ExitWhy::Stopped => Verdict::Stopped,
        ExitWhy::CannotExecute { message } => Verdict::CannotStart { message },
        ExitWhy::OutOfMemory { limit_bytes } => Verdict::OutOfMemory { limit_bytes },
        ExitWhy::Lost => Verdict::Lost,
    };
    Exit {
        verdict,
        code: exit.code,
        at: exit.ended_ms,
        return_value: exit.return_value,
        status: exit.status,
        wants_rerun: exit.rerun,
        chosen: exit.exit_signal,
        spent: exit.spent.map(spent),
    }
}

fn spent(spent: signal::Spent) -> Spent {
    let signal::Spent {
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, ..
    } = spent;
    Spent {
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_write_tokens,
        cost_micros: spent.cost_micros,
        turns: spent.turns,
    }
}

fn note(note: kit::Note) -> CredentialNote {
    let kit::Note { reference, variables, note } = note;
    CredentialNote { reference, variables, note }
}

/// Who has an agent's credentials in hand.
pub fn bearer(agent: &Agent) -> Bearer {
    match agent.engine.kind {
        EngineKind::Script => Bearer::Program,
        EngineKind::Builtin | EngineKind::Claude | EngineKind::Codex => Bearer::Thinker,
    }
}

/// The agent's parameters, and over them those that came with the trigger.
fn params(agent: &Agent, payload: &str) -> Map<String, Value> {
    let mut params = agent.params.clone();
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    let manual = payload.get("type").and_then(Value::as_str) == Some("manual");
    if let Some(Value::Object(given)) = payload.get("params").filter(|_| manual) {
        params.extend(given.clone());
    }
    params
}

/// The trigger as the run gets it: the stored payload and the receipt that it came with.
fn trigger(payload: &str, receipt: &str) -> Value {
    let mut trigger: Map<String, Value> = serde_json::from_str(payload).unwrap_or_default();
    trigger.insert("receiptId".to_owned(), receipt.into());
    Value::Object(trigger)
}
