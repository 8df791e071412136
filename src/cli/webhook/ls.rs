//! `al webhook ls`: where deliveries come from, and who listens.

use serde::Serialize;
use serde_json::json;

use super::super::paint::Tone;
use super::super::table::{Cell, Fit, Table};
use super::super::{Context, output};
use super::public_url;
use crate::failure::Failure;
use crate::project::credentials::{self, Reference};
use crate::project::{Project, WebhookBinding, WebhookSource, providers};

/// List the sources of deliveries, and who listens to them
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct LsArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    url: String,
    /// None for a provider that signs nothing.
    credential: Option<Credential>,
    allow_unsigned: bool,
    bindings: Vec<Listener<'a>>,
}

#[derive(Debug, Serialize)]
struct Credential {
    #[serde(rename = "type")]
    kind: &'static str,
    instance: String,
    field: &'static str,
    present: bool,
}

#[derive(Debug, Serialize)]
struct Listener<'a> {
    agent: &'a str,
    filters: &'a std::collections::BTreeMap<String, Vec<String>>,
}

pub fn run(args: &LsArgs, context: &Context) -> Result<(), Failure> {
    let project = context.load()?.project;
    let base = public_url(&project, context);
    let sources = project.config.webhooks.iter();
    let rows: Vec<Row<'_>> = sources
        .map(|(name, source)| Row {
            name,
            kind: &source.kind,
            url: format!("{base}/webhooks/{name}"),
            credential: credential(source, context),
            allow_unsigned: source.allow_unsigned,
            bindings: listeners(&project, name),
        })
        .collect();
    if args.json {
        return output::print(&format!("{}\n", json!({"sources": rows})));
    }
    if rows.is_empty() {
        let hint = "the project has no webhook sources; add `[webhooks.<name>]` to its config.toml";
        return output::print(&format!("{hint}\n"));
    }
    output::print(&page(&rows, context))
}

fn credential(source: &WebhookSource, context: &Context) -> Option<Credential> {
    let secret = providers::provider(&source.kind)?.secret?;
    let (kind, field, instance) = (secret.credential, secret.field, source.credential.clone());
    // One that cannot be read is of no use either; `al doctor` says why.
    let found = credentials::field(&context.al_home, kind, &instance, field).ok().flatten();
    let present = found.is_some_and(|value| !value.reveal().is_empty());
    Some(Credential { kind, instance, field, present })
}

fn listeners<'a>(project: &'a Project, source: &str) -> Vec<Listener<'a>> {
    let bindings = project.agents.iter().flat_map(|agent| {
        agent.webhooks.iter().map(move |binding: &WebhookBinding| (agent, binding))
    });
    bindings
        .filter(|(_, binding)| binding.source == source)
        .map(|(agent, binding)| Listener { agent: &agent.name, filters: &binding.filters })
        .collect()
}

fn page(rows: &[Row<'_>], context: &Context) -> String {
    let (width, paint) = (context.look.width, context.look.out);
    let mut table = Table::new([
        ("SOURCE", Fit::Middle),
        ("TYPE", Fit::Keep),
        ("SECRET", Fit::Keep),
        ("AGENTS", Fit::End),
    ]);
    for row in rows {
        let mut agents: Vec<&str> = row.bindings.iter().map(|b| b.agent).collect();
        agents.dedup();
        let agents = if agents.is_empty() { "-".to_owned() } else { agents.join(", ") };
        table.row([row.name.into(), row.kind.into(), secret(row), agents.into()]);
    }
    let mut text = table.render(width, paint);
    text.push('\n');
    for row in rows {
        text.push_str(&format!("{}\n", row.url));
    }
    for row in rows {
        if let Some(credential) = row.credential.as_ref().filter(|_| lacks_secret(row)) {
            let (kind, instance) = (credential.kind.to_owned(), credential.instance.clone());
            let folder = credentials::folder(&context.al_home, &Reference { kind, instance });
            let file = folder.join(credential.field);
            text.push_str(&format!("\n{} needs a secret, in\n  {}\n", row.name, file.display()));
        }
    }
    text
}

fn lacks_secret(row: &Row<'_>) -> bool {
    !row.allow_unsigned && row.credential.as_ref().is_some_and(|credential| !credential.present)
}

fn secret(row: &Row<'_>) -> Cell {
    match &row.credential {
        Some(credential) if credential.present => Cell::new(Tone::Good, "present"),
        _ if row.allow_unsigned => Cell::new(Tone::Warn, "unsigned"),
        Some(_) => Cell::new(Tone::Bad, "missing"),
        None => "none".into(),
    }
}
