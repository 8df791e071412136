//! `al env check`: whether an environment can be used.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::client::Client;
use super::super::paint::Tone;
use super::super::{Context, environments, output, start};
use super::chosen;
use crate::ambient;
use crate::failure::{Failure, Kind};
use crate::http::{self, HttpError, Limits, Method};
use crate::project::{self, EnvironmentFile, render_each};
use crate::scheduler::words::counted;

/// Say whether an environment's file is right and its scheduler answers; ends with 3 when
/// something has to be mended here, with 4 when nobody answers
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CheckArgs {
    /// The environment [default: the one the project is bound to]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What came of one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Warning,
    /// To be mended on this machine.
    Bad,
    /// Somebody else does not answer.
    Silent,
    /// Not asked, because of what came before.
    Skipped,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "error",
            Self::Silent => "silent",
            Self::Skipped => "skipped",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Good => Tone::Good,
            Self::Warning => Tone::Warn,
            Self::Bad | Self::Silent => Tone::Bad,
            Self::Skipped => Tone::Dim,
        }
    }
}

struct Check {
    name: &'static str,
    state: State,
    message: String,
    hints: Vec<String>,
}

/// All that was looked at.
#[derive(Default)]
struct Report {
    checks: Vec<Check>,
    /// What is wrong in the file, with its lines.
    shown: String,
    latency_ms: Option<i64>,
    version: Option<String>,
}

impl Report {
    fn add(&mut self, name: &'static str, state: State, message: impl Into<String>) -> &mut Check {
        let at = self.checks.len();
        self.checks.push(Check { name, state, message: message.into(), hints: Vec::new() });
        &mut self.checks[at]
    }

    fn exit(&self) -> u8 {
        let has = |state| self.checks.iter().any(|check| check.state == state);
        match (has(State::Bad), has(State::Silent)) {
            (true, _) => Kind::Config.exit_code(),
            (false, true) => Kind::Upstream.exit_code(),
            (false, false) => 0,
        }
    }
}

pub fn run(args: &CheckArgs, context: &Context) -> Result<ExitCode, Failure> {
    let name = chosen(args.name.as_deref(), context)?;
    let mut report = Report::default();
    look(&name, context, &mut report)?;
    output::print(&match args.json {
        true => format!("{}\n", as_json(&name, &report, context)),
        false => words(&report, context),
    })?;
    Ok(ExitCode::from(report.exit()))
}

fn look(name: &str, context: &Context, report: &mut Report) -> Result<(), Failure> {
    let read = project::read_environment(&context.al_home, name);
    let said = match read {
        Ok(said) => said,
        Err(problem) => {
            report.shown = render_each(std::slice::from_ref(&problem), context.look.out.color);
            let sentence = problem.sentence();
            report.add("file", State::Bad, sentence).hints = problem.hints;
            for name in ["scheduler", "key"] {
                report.add(name, State::Skipped, "the file does not say where to ask");
            }
            return Ok(());
        }
    };
    in_file(name, &said, context, report);
    let Some(url) = &said.url else {
        let hint = "say it in its file: `url` in `[gateway]`".to_owned();
        report.add("scheduler", State::Warning, "it is not said where it answers").hints =
            vec![hint];
        report.add("key", State::Skipped, "there is nobody to ask");
        return Ok(());
    };
    if let Err(error) = http::check_url(url) {
        report.add("scheduler", State::Bad, error.to_string());
        return Ok(());
    }
    if answers(url, report)? {
        key(name, context, report);
    } else {
        report.add("key", State::Skipped, "nobody answers");
    }
    Ok(())
}

fn in_file(name: &str, said: &EnvironmentFile, context: &Context, report: &mut Report) {
    let path = project::environment_file(&context.al_home, name);
    report.shown = render_each(&said.problems, context.look.out.color);
    let count = said.problems.len();
    let problems = counted(count, "problem");
    match (said.is_valid(), count) {
        (_, 0) => report.add("file", State::Good, path.display().to_string()),
        (true, _) => report.add("file", State::Warning, format!("{}: {problems}", path.display())),
        (false, _) => report.add("file", State::Bad, format!("{}: {problems}", path.display())),
    };
    let mode =
        fs::metadata(&path).map(|meta| meta.permissions().mode() & 0o777).unwrap_or_default();
    if mode & 0o022 != 0 {
        let message = format!("others may change it: its mode is {mode:04o}");
        let hint = format!("chmod 600 {}", path.display());
        report.add("mode", State::Bad, message).hints = vec![hint];
    }
}

/// Whether the scheduler is there.
fn answers(url: &str, report: &mut Report) -> Result<bool, Failure> {
    let tokio = start::tokio()?;
    let began = ambient::now_ms();
    let url_of_health = format!("{url}/health");
    let request = http::request(Method::GET, &url_of_health, None, None, Limits::default());
    let reply = tokio.block_on(request);
    tokio.shutdown_background();
    let latency_ms = ambient::now_ms() - began;
    let is_ours = |body: &[u8]| {
        serde_json::from_slice::<Value>(body).is_ok_and(|value| value.get("status").is_some())
    };
    match reply {
        Ok(reply) if reply.status == 200 && is_ours(&reply.body) => {
            report.latency_ms = Some(latency_ms);
            report.add("scheduler", State::Good, format!("answers at {url} in {latency_ms} ms"));
            Ok(true)
        }
        Ok(reply) => {
            let message = format!("what answers at {url} is no scheduler: status {}", reply.status);
            report.add("scheduler", State::Silent, message);
            Ok(false)
        }
        Err(HttpError::Connect(why)) if why.contains("certificate") => {
            let hint = "the certificate has to be for this name, from an authority that is known";
            report.add("scheduler", State::Silent, format!("{url}: {why}")).hints =
                vec![hint.to_owned()];
            Ok(false)
        }
        Err(error) => {
            let hint = "is it started there, and can this machine reach it?";
            report.add("scheduler", State::Silent, format!("{url}: {error}")).hints =
                vec![hint.to_owned()];
            Ok(false)
        }
    }
}

fn key(name: &str, context: &Context, report: &mut Report) {
    let asked = environments::place(name, context).and_then(|place| {
        let place = place.ok_or_else(|| Failure::config("environment", "it has no gateway.url"))?;
        Client::at(place, context)?.get("/control/status")
    });
    match asked {
        Ok(status) => {
            let version = status.pointer("/scheduler/version");
            report.version = version.and_then(Value::as_str).map(str::to_owned);
            let here = env!("CARGO_PKG_VERSION");
            report.add("key", State::Good, "is the right one");
            match report.version.clone() {
                Some(there) if there == here => {
                    report.add("version", State::Good, format!("{there}, as here"));
                }
                Some(there) => {
                    report.add("version", State::Warning, format!("{there} there, {here} here"));
                }
                None => {
                    report.add("version", State::Warning, "is not said");
                }
            }
        }
        Err(failure) => {
            let state = match failure.kind {
                Kind::Upstream => State::Silent,
                _ => State::Bad,
            };
            let check = report.add("key", state, failure.message);
            check.hints = failure.hints;
            if failure.code == "unauthorized" {
                check.hints = vec![format!(
                    "the key there has to be kept here as the credential gateway_api_key/{name}"
                )];
            }
        }
    }
}

fn words(report: &Report, context: &Context) -> String {
    let paint = context.look.out;
    let mut text = String::new();
    for check in &report.checks {
        let word = format!("{:<8}", check.state.word());
        let word = paint.on(check.state.tone(), &word);
        text.push_str(&format!("{word} {:<10} {}\n", check.name, check.message));
        for hint in &check.hints {
            text.push_str(&format!("{:<20}{hint}\n", ""));
        }
    }
    if !report.shown.is_empty() {
        text.push_str(&format!("\n{}\n", report.shown.trim_end()));
    }
    text
}

fn as_json(name: &str, report: &Report, context: &Context) -> Value {
    let checks: Vec<Value> = report
        .checks
        .iter()
        .map(|check| {
            json!({
                "check": check.name,
                "state": check.state.word(),
                "message": check.message,
                "hints": check.hints,
            })
        })
        .collect();
    json!({
        "name": name,
        "file": project::environment_file(&context.al_home, name),
        "ok": report.exit() == 0,
        "checks": checks,
        "latencyMs": report.latency_ms,
        "version": report.version,
    })
}
