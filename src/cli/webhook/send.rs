//! `al webhook send`: a fixture, signed as its provider signs, to the running gateway.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::client;
use super::super::paint::safe;
use super::super::{Context, output, running};
use super::{fixture, replay};
use crate::ambient;
use crate::failure::Failure;
use crate::http::{self, HttpError, Limits, Written};
use crate::project::credentials::{self, Reference, Secret};
use crate::project::{Project, WebhookSource, providers};
use crate::scheduler::words::counted;
use crate::triggers::{self, Fixture, Provider, Unexplained, Unsignable};

/// How much of an answer is shown that is not ours.
const EXCERPT: usize = 200;

/// Sign a delivery and post it to the running gateway
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al webhook send issue.json
  al webhook send issue.json --source hub              with this source's secret
  al webhook send issue.json --url https://al.acme.io  on the way from outside

It is signed now with the stored secret, in the way of the provider, and has a
new delivery id, so it counts as another delivery each time. Deliveries of
Discord cannot be sent: only Discord has the key that they are signed with.")]
pub struct SendArgs {
    /// The delivery: a JSON file with `headers` and `body`, or - for stdin
    #[arg(value_name = "FIXTURE")]
    pub fixture: PathBuf,

    /// The source of the project to send it as; without, the headers tell
    #[arg(short, long, value_name = "NAME")]
    pub source: Option<String>,

    /// Where the gateway is, instead of where it runs
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// Keep the delivery id of the fixture: sent again it is a duplicate
    #[arg(long)]
    pub keep_id: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &SendArgs, context: &Context) -> Result<(), Failure> {
    let fixture = fixture::read(&args.fixture)?;
    let project = context.load()?.project;
    let (name, source, provider) = source(args, &project, &fixture)?;
    let url = format!("{}/webhooks/{name}", base(args, &project, context)?);
    let id = (!args.keep_id).then(ambient::new_uuid);
    let secret = secret(source, context)?;
    if secret.is_none() && !source.allow_unsigned && provider.table.secret.is_some() {
        return Err(no_secret(name, source, context));
    }
    let secret = secret.as_ref().map(Secret::reveal);
    let fixture =
        triggers::signed(provider, source, &fixture, id.as_deref(), secret, context.now_ms)
            .map_err(|why| unsignable(why, provider))?;
    let body = String::from_utf8_lossy(&fixture.body);
    let (status, bytes) = post(&url, &fixture.headers, &body, args.url.is_some())?;
    told(args, &url, status, &bytes)
}

type Configured<'a> = (&'a str, &'a WebhookSource, &'static Provider);

/// The source to send it as: the one that is named, else the only one of the provider.
fn source<'a>(
    args: &SendArgs,
    project: &'a Project,
    fixture: &Fixture,
) -> Result<Configured<'a>, Failure> {
    let all = &project.config.webhooks;
    let known = |(name, source): (&'a String, &'a WebhookSource)| {
        let kind = &source.kind;
        let unknown = || Failure::user("unsendable", format!("deliveries of {kind} are not taken"));
        Ok((name.as_str(), source, triggers::find(kind).ok_or_else(unknown)?))
    };
    if let Some(named) = args.source.as_ref().and_then(|name| all.get_key_value(name)) {
        return known(named);
    }
    let provider = match &args.source {
        Some(name) => triggers::find(name).ok_or_else(|| {
            replay::failure(&Unexplained::NoSuchSource { name: name.clone() }, project)
        })?,
        None => triggers::detect(fixture)
            .ok_or_else(|| replay::failure(&Unexplained::UnknownSender, project))?,
    };
    let kind = provider.kind();
    let mut of_kind = all.iter().filter(|(_, source)| source.kind == kind);
    match (of_kind.next(), of_kind.next()) {
        (Some(only), None) => known(only),
        (None, _) => {
            Err(Failure::user("no_source", format!("the project has no source of {kind}")).hint(
                format!("add `[webhooks.<name>]` with `type = \"{kind}\"` to its config.toml"),
            ))
        }
        (Some((one, _)), Some((two, _))) => Err(Failure::user(
            "ambiguous_source",
            format!("the project has several sources of {kind}"),
        )
        .hint(format!("name one: --source {one}, or --source {two}"))),
    }
}

fn base(args: &SendArgs, project: &Project, context: &Context) -> Result<String, Failure> {
    if let Some(url) = &args.url {
        http::check_url(url).map_err(|e| Failure::user("bad_url", e.to_string()))?;
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let here = running::running(&context.state_dir());
    let place = client::place(project, here.as_ref(), context)?;
    place.map(|place| place.url).ok_or_else(|| client::not_running(here.as_ref()))
}

fn secret(source: &WebhookSource, context: &Context) -> Result<Option<Secret>, Failure> {
    let Some(secret) = providers::provider(&source.kind).and_then(|p| p.secret) else {
        return Ok(None);
    };
    let (kind, instance) = (secret.credential, &source.credential);
    let found = credentials::field(&context.al_home, kind, instance, secret.field);
    let found = found.map_err(|e| Failure::config("credential_unreadable", e.to_string()))?;
    Ok(found.filter(|value| !value.reveal().is_empty()))
}

fn no_secret(name: &str, source: &WebhookSource, context: &Context) -> Failure {
    let failure = Failure::config("no_secret", format!("[webhooks.{name}] has no secret yet"));
    let Some(secret) = providers::provider(&source.kind).and_then(|p| p.secret) else {
        return failure.hint("`allowUnsigned = true` takes deliveries of anybody");
    };
    let (kind, instance) = (secret.credential.to_owned(), source.credential.clone());
    let folder = credentials::folder(&context.al_home, &Reference { kind, instance });
    failure.hint(format!("write it to {}", folder.join(secret.field).display()))
}

fn unsignable(why: Unsignable, provider: &Provider) -> Failure {
    let kind = provider.kind();
    match why {
        Unsignable::PrivateKey => {
            let message = format!("a delivery of {kind} can be signed by its sender only");
            Failure::user("cannot_sign", message)
                .hint("the stored public key checks signatures; the private one is not ours")
                .hint("`al webhook replay <fixture> --run` starts the runs without a signature")
        }
        Unsignable::BadSecret => {
            let message = format!("nothing can be signed for {kind}: {why}");
            Failure::config("bad_secret", message).hint("`al doctor` says what is wrong with it")
        }
    }
}

fn post(
    url: &str,
    headers: &[(String, String)],
    body: &str,
    is_given: bool,
) -> Result<(u16, Vec<u8>), Failure> {
    let written = Written { method: "POST", url, headers, body: Some(body) };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::internal("runtime", format!("cannot wait for answers: {e}")))?;
    let reply = runtime.block_on(http::fetch(written, Limits::default()));
    runtime.shutdown_background();
    let reply = reply.map_err(|error| match error {
        HttpError::Connect(why) => {
            let hint =
                if is_given { "look at --url, and at the gateway there" } else { "al start" };
            client::unreachable(format!("nobody answers at {url}"), &why, hint)
        }
        other => Failure::upstream("gateway", format!("{url}: {other}")),
    })?;
    Ok((reply.status, reply.body.to_vec()))
}

/// Shows the answer; an answer that is no yes is a failure.
fn told(args: &SendArgs, url: &str, status: u16, bytes: &[u8]) -> Result<(), Failure> {
    let answer: Option<Value> = serde_json::from_slice(bytes).ok();
    let excerpt = || String::from_utf8_lossy(bytes).chars().take(EXCERPT).collect::<String>();
    if args.json {
        let answer = answer.clone().unwrap_or_else(|| Value::String(excerpt()));
        let line = json!({"url": url, "status": status, "answer": answer});
        output::print(&format!("{line}\n"))?;
    }
    if (200..300).contains(&status) {
        return match (args.json, &answer) {
            (true, _) => Ok(()),
            (false, Some(answer)) => output::print(&taken(status, answer)),
            (false, None) => output::print(&format!("{status} {}\n", safe(&excerpt()))),
        };
    }
    let said = answer.as_ref().and_then(|answer| answer.get("error")?.as_str().map(safe));
    let message = format!("{url} answered {status}: {}", said.unwrap_or_else(|| safe(&excerpt())));
    Err(match status {
        401 => Failure::user("unauthorized", message)
            .hint("the gateway has another secret for this source: al doctor"),
        404 => Failure::user("not_found", message)
            .hint("the scheduler there knows no such source: al webhook ls"),
        400..=499 => Failure::user("refused", message),
        _ => Failure::upstream("gateway", message),
    })
}

/// `200: 1 run accepted, 0 skipped, receipt 5f0c...`
fn taken(status: u16, answer: &Value) -> String {
    let receipt = answer.get("receiptId").and_then(Value::as_str).map(safe);
    let receipt = receipt.map_or_else(String::new, |id| format!(", receipt {id}"));
    if answer.get("duplicate") == Some(&Value::Bool(true)) {
        return format!("{status}: taken before{receipt}\n");
    }
    match (answer.get("matched").and_then(Value::as_u64), answer.get("skipped")) {
        (Some(matched), Some(skipped)) => {
            let runs = counted(matched as usize, "run");
            format!("{status}: {runs} accepted, {skipped} skipped{receipt}\n")
        }
        _ => format!("{status} {}\n", safe(&answer.to_string())),
    }
}
