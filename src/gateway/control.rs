//! `/control/*`: what the operator may order, with the API key.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::admit::record;
use super::reply::{Answered, Problem, ok};
use super::routes::Name;
use super::who::Caller;
use super::{App, body, clean};
use crate::ambient::{self, Millis};
use crate::duration;
use crate::engine::{self, Confirmation, Outcome};
use crate::project::edit::{config_file, set_scale};
use crate::scheduler::words::scope_name;
use crate::scheduler::{Answer, Command, Deed, DeedKind, Ending, Hold, Scope, Target, Who};

/// The largest body: a prompt.
const BODY_MAX: usize = 1024 * 1024;
/// The longest reason of a pause, in characters.
const WHY_MAX: usize = 500;

/// One order: who gives it, whether to ask back first, and its optional JSON body.
pub(super) struct Order<T> {
    pub given: Given,
    pub body: T,
}

/// Around an order.
pub(super) struct Given {
    pub(super) who: Who,
    confirm: Confirmation,
}

impl<T: DeserializeOwned + Default> Order<T> {
    pub async fn read(app: &App, caller: &Caller, body: Body) -> Result<Self, Problem> {
        let Caller { who, headers } = caller;
        let body = body::read_json(headers, body, BODY_MAX, &app.large_orders).await?;
        Ok(Self { given: Given { who: who.clone(), confirm: confirmation(headers) }, body })
    }
}

/// `X-AL-Confirm: ask` wants to hear first what the order loses: the answer is 428 with a token,
/// and the order with that token is carried out as long as nothing has changed.
fn confirmation(headers: &HeaderMap) -> Confirmation {
    match headers.get("x-al-confirm").and_then(|value| value.to_str().ok()) {
        None => Confirmation::NotNeeded,
        Some("ask") => Confirmation::Wanted,
        Some(token) => Confirmation::Given(token.to_owned()),
    }
}

/// What was done, and the runs that it touched or started.
pub(super) struct Done {
    pub sentence: String,
    pub runs: Vec<String>,
    /// The same order came before, and this is what came of it.
    pub duplicate: bool,
}

pub(super) async fn order(app: &App, command: Command, given: Given) -> Result<Done, Problem> {
    let answer = match app.engine().command(command, &given.who, given.confirm).await? {
        Outcome::Answer(answer) => answer,
        Outcome::Confirm { impact, token } => {
            return Err(Problem::asks(engine::confirm(&impact, &token)));
        }
        Outcome::Stale { impact } => {
            let now = impact.lines.join("; ");
            let text = format!("things have changed: {now}");
            return Err(Problem::new(StatusCode::CONFLICT, text));
        }
    };
    let started = |runs, duplicate| Ok(Done { sentence: String::new(), runs, duplicate });
    match answer {
        Answer::Done { done, runs } => Ok(Done { sentence: done, runs, duplicate: false }),
        Answer::Fired { runs, .. } => started(runs, false),
        Answer::Duplicate(known) => started(known.runs, true),
        Answer::NotFound { what } => Err(Problem::not_found(format!("{what} not found"))),
        Answer::Refused(why) => Err(Problem::refused(&why)),
        Answer::ToRun(_) => Err(Problem::internal()),
    }
}

pub(super) fn success(message: &str, done: &Done) -> Response {
    ok(&json!({"success": true, "message": message, "done": done.sentence, "runs": done.runs}))
}

// --- pause, resume, stop --------------------------------------------------------------------------

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseBody {
    /// Shown to whoever asks why nothing starts.
    why: Option<String>,
    /// How long, as people write spans; none is until somebody resumes it.
    #[serde(rename = "for")]
    lasts: Option<String>,
}

impl PauseBody {
    fn command(self, app: &App, scope: Scope, hold: Hold, kill: bool) -> Result<Command, Problem> {
        let plain = |why: String| {
            let why = clean::text(app, &why);
            why.chars().filter(|c| !c.is_control()).take(WHY_MAX).collect()
        };
        let until = match self.lasts {
            Some(span) => Some(ambient::now_ms() + span_ms("for", &span)?),
            None => None,
        };
        Ok(Command::Pause { scope, why: self.why.map(plain), hold, until, kill })
    }
}

/// A span of some length in milliseconds.
pub(super) fn span_ms(field: &str, text: &str) -> Result<Millis, Problem> {
    match duration::parse_ms(text) {
        Ok(0) => Err(Problem::bad_request(format!("{field}: {text:?} is no time at all"))),
        Ok(ms) => Ok(ms),
        Err(error) => Err(Problem::bad_request(format!("{field}: {error}"))),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StopAgentBody {
    why: Option<String>,
    #[serde(rename = "for")]
    lasts: Option<String>,
    /// Kill what runs, too.
    #[serde(default)]
    now: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResumeBody {
    /// Drop what was collected during the pause, instead of running it.
    #[serde(default)]
    drop_held: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StopBody {
    /// Kill what runs, instead of waiting for it.
    #[serde(default)]
    now: bool,
}

async fn hold_scope(
    app: &App,
    scope: Scope,
    hold: Hold,
    caller: &Caller,
    body: Body,
) -> Result<Done, Problem> {
    let Order { given, body } = Order::<PauseBody>::read(app, caller, body).await?;
    order(app, body.command(app, scope, hold, false)?, given).await
}

async fn resume_scope(
    app: &App,
    scope: Scope,
    caller: &Caller,
    body: Body,
) -> Result<Done, Problem> {
    let Order { given, body } = Order::<ResumeBody>::read(app, caller, body).await?;
    order(app, Command::Resume { scope, drop_held: body.drop_held }, given).await
}

pub async fn pause(State(app): State<Arc<App>>, caller: Caller, body: Body) -> Answered {
    let done = hold_scope(&app, Scope::Project, Hold::Pause, &caller, body).await?;
    Ok(success("Scheduler paused", &done))
}

pub async fn resume(State(app): State<Arc<App>>, caller: Caller, body: Body) -> Answered {
    let done = resume_scope(&app, Scope::Project, &caller, body).await?;
    Ok(success("Scheduler resumed", &done))
}

pub async fn stop(State(app): State<Arc<App>>, caller: Caller, body: Body) -> Answered {
    let Order { given, body } = Order::<StopBody>::read(&app, &caller, body).await?;
    let command = Command::Stop { clear_queues: true, kill: body.now };
    let done = order(&app, command, given).await?;
    Ok(success("Scheduler stopping", &done))
}

pub async fn pause_agent(
    State(app): State<Arc<App>>,
    Name(name): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let scope = Scope::Agent(name.clone());
    let done = hold_scope(&app, scope, Hold::Pause, &caller, body).await?;
    Ok(success(&format!("Agent {name} paused"), &done))
}

pub async fn drain(State(app): State<Arc<App>>, caller: Caller, body: Body) -> Answered {
    let done = hold_scope(&app, Scope::Project, Hold::Drain, &caller, body).await?;
    Ok(success("Scheduler draining", &done))
}

pub async fn drain_agent(
    State(app): State<Arc<App>>,
    Name(name): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let scope = Scope::Agent(name.clone());
    let done = hold_scope(&app, scope, Hold::Drain, &caller, body).await?;
    Ok(success(&format!("Agent {name} draining"), &done))
}

pub async fn stop_agent(
    State(app): State<Arc<App>>,
    Name(name): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let Order { given, body } = Order::<StopAgentBody>::read(&app, &caller, body).await?;
    let StopAgentBody { why, lasts, now } = body;
    let scope = Scope::Agent(name.clone());
    let command = PauseBody { why, lasts }.command(&app, scope, Hold::Stop, now)?;
    let done = order(&app, command, given).await?;
    Ok(success(&format!("Agent {name} stopped"), &done))
}

pub async fn resume_agent(
    State(app): State<Arc<App>>,
    Name(name): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let done = resume_scope(&app, Scope::Agent(name.clone()), &caller, body).await?;
    Ok(success(&format!("Agent {name} resumed"), &done))
}

// --- runs -----------------------------------------------------------------------------------------

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct KillBody {
    /// The runs that they called, too.
    #[serde(default)]
    tree: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub async fn kill(
    State(app): State<Arc<App>>,
    Name(run): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let Order { given, body } = Order::<KillBody>::read(&app, &caller, body).await?;
    let command = Command::Kill { target: Target::Runs(vec![run.clone()]), tree: body.tree };
    let done = order(&app, command, given).await.map_err(|problem| match problem.status {
        StatusCode::NOT_FOUND => Problem::not_found(format!("Instance {run} not found")),
        _ => problem,
    })?;
    Ok(success(&format!("Instance {run} killed"), &done))
}

pub async fn drop_run(
    State(app): State<Arc<App>>,
    Name(run): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let Order { given, .. } = Order::<Nothing>::read(&app, &caller, body).await?;
    let done = order(&app, Command::Drop { runs: vec![run.clone()] }, given).await?;
    Ok(success(&format!("{run} dropped"), &done))
}

pub async fn kill_agent(
    State(app): State<Arc<App>>,
    Name(agent): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let Order { given, body } = Order::<KillBody>::read(&app, &caller, body).await?;
    let command = Command::Kill { target: Target::Agent(agent), tree: body.tree };
    let done = order(&app, command, given).await?;
    let killed = done.runs.len();
    Ok(ok(&json!({"success": true, "message": done.sentence, "killed": killed, "runs": done.runs})))
}

// --- questions and locks ---------------------------------------------------------------------------

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    text: Option<String>,
}

pub async fn answer(
    State(app): State<Arc<App>>,
    Name(run): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let Order { given, body } = Order::<AnswerBody>::read(&app, &caller, body).await?;
    let text = text_of("text", body.text, "what the run is told")?;
    let done = order(&app, Command::Answer { run: run.clone(), text }, given).await?;
    Ok(success(&format!("{run} answered"), &done))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReleaseBody {
    resource_key: Option<String>,
}

pub async fn release(State(app): State<Arc<App>>, caller: Caller, body: Body) -> Answered {
    let Order { given, body } = Order::<ReleaseBody>::read(&app, &caller, body).await?;
    let key = text_of("resourceKey", body.resource_key, "the key of the lock")?;
    let done = order(&app, Command::Unlock { key: key.clone() }, given).await?;
    Ok(success(&format!("Lock {key} released"), &done))
}

/// A text that has to be there.
pub(super) fn text_of(field: &str, text: Option<String>, what: &str) -> Result<String, Problem> {
    text.filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Problem::bad_request(format!("{field} must be {what}, a text")))
}

// --- scale ----------------------------------------------------------------------------------------

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleBody {
    scale: Option<u32>,
}

impl ScaleBody {
    fn at_least(&self, least: u32) -> Result<u32, Problem> {
        self.scale.filter(|scale| *scale >= least).ok_or_else(|| {
            Problem::bad_request(format!("scale must be a whole number, {least} or more"))
        })
    }
}

/// Takes effect as any edit of the file does, a moment later.
pub async fn scale_project(State(app): State<Arc<App>>, caller: Caller, body: Body) -> Answered {
    let Order { given, body } = Order::<ScaleBody>::read(&app, &caller, body).await?;
    let scale = body.at_least(1)?;
    let _changing = app.setup.definitions.changing().await;
    let written = write_scale(app.setup.project_dir.join("config.toml"), scale).await;
    let message = format!("Project scale set to {scale}");
    let (ending, detail) = match &written {
        Ok(()) => (Ending::Done, &message),
        Err(problem) => (Ending::Refused, &problem.text),
    };
    let deed = Deed::of(given.who, DeedKind::Scale, ending, detail);
    record(&app, Deed { on: Some(scope_name(&Scope::Project).to_owned()), ..deed }).await?;
    written?;
    Ok(ok(&json!({"success": true, "message": message})))
}

/// Takes effect at once, and is kept in the agent's file so that it holds after the next start. The
/// order comes first, as in a console: a file that cannot be written does not undo it, it is told.
pub async fn scale_agent(
    State(app): State<Arc<App>>,
    Name(agent): Name,
    caller: Caller,
    body: Body,
) -> Answered {
    let Order { given, body } = Order::<ScaleBody>::read(&app, &caller, body).await?;
    let scale = body.at_least(0)?;
    let _changing = app.setup.definitions.changing().await;
    // Only names of agents become paths.
    let defined = app.setup.definitions.get();
    let Some(known) = defined.agent(&agent) else {
        return Err(Problem::not_found(format!("agent {agent} not found")));
    };
    let file = config_file(&known.dir);
    let mut done = order(&app, Command::Scale { agent: agent.clone(), scale }, given).await?;
    let mut message = format!("Agent {agent} scaled to {scale}");
    if let Err(problem) = write_scale(file, scale).await {
        let only = format!(", until the files are read again: {}", problem.text);
        message.push_str(&only);
        done.sentence.push_str(&only);
    }
    Ok(success(&message, &done))
}

async fn write_scale(file: PathBuf, scale: u32) -> Result<(), Problem> {
    let written = tokio::task::spawn_blocking(move || set_scale(&file, Some(scale))).await;
    written.map_err(|_| Problem::internal())?.map_err(|error| {
        tracing::error!(target: "gateway", error = %error, "scale not written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    })
}
