//! `al creds types`: what kinds of credentials there are, and where to get one.

use serde_json::{Value, json};

use super::{known, own_types};
use crate::cli::paint::Tone;
use crate::cli::table::{Cell, Fit, Table};
use crate::cli::{Context, output};
use crate::failure::Failure;
use crate::project::credential_types::{CredentialType, Field, Owner, TYPES};

/// List the types of credentials, or tell all about one
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al creds types                 all types
  al creds types github_token    its fields, its variables, where to get one

A type of your own stands in the project's config.toml:
  [credentials.my_api]
  fields = [\"token\", \"url\"]
  env = { MY_API_TOKEN = \"token\", MY_API_URL = \"url\" }
  public = [\"url\"]              # no secret
  optional = [\"url\"]
  about = \"for the API of ours: `Authorization: Bearer $MY_API_TOKEN`\"")]
pub struct TypesArgs {
    /// One of them
    #[arg(value_name = "TYPE")]
    pub kind: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &TypesArgs, context: &Context) -> Result<(), Failure> {
    let own = own_types(context);
    let types: Vec<&CredentialType> = match &args.kind {
        Some(kind) => vec![known(&own, kind)?],
        None => TYPES.iter().chain(own.values()).collect(),
    };
    output::print(&match (args.json, &args.kind) {
        (true, _) => {
            let types: Vec<Value> = types.iter().map(|of| document(of)).collect();
            format!("{}\n", json!({"types": types}))
        }
        (false, Some(_)) => types.iter().map(|of| page(of, context)).collect(),
        (false, None) => table(&types, context),
    })
}

fn table(types: &[&CredentialType], context: &Context) -> String {
    let mut table = Table::new([
        ("TYPE", Fit::Keep),
        ("FOR", Fit::Keep),
        ("WHAT", Fit::End),
        ("FIELDS", Fit::End),
    ]);
    for of in types {
        let fields: Vec<&str> = of.asked().map(|field| &*field.name).collect();
        table.row([
            Cell::new(Tone::Strong, &of.kind),
            owner(of.owner).into(),
            (&*of.title).into(),
            fields.join(" ").into(),
        ]);
    }
    table.render(context.look.width, context.look.out)
}

fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Run => "runs",
        Owner::Models => "models",
        Owner::Gateway => "gateway",
    }
}

fn page(of: &CredentialType, context: &Context) -> String {
    let mut text = format!("{}  {}\n", context.look.out.on(Tone::Strong, &of.kind), of.title);
    if !of.from.is_empty() {
        text.push_str(&format!("get one:  {}\n", of.from));
    }
    text.push_str(&format!(
        "for:      {}\n",
        match of.owner {
            Owner::Run => "runs of agents that list it",
            Owner::Models => "asking models; the commands of an agent with a model never get it",
            Owner::Gateway => "the gateway; no run is given it",
        }
    ));
    text.push_str(&format!(
        "checked:  {}\n\n",
        match of.proofs {
            [] => "by its looks only",
            [proof, ..] => place(proof.base),
        }
    ));
    let width = of.asked().map(|field| field.name.len()).max().unwrap_or_default();
    for field in of.asked() {
        let kind = if field.is_secret { "secret" } else { "text" };
        let need = if field.optional { ", may be missing" } else { "" };
        let variables: Vec<String> = field.variables.iter().map(|v| format!("${v}")).collect();
        let variables = match variables.is_empty() {
            true => String::new(),
            false => format!("; in runs: {}", variables.join(" ")),
        };
        text.push_str(&format!("{:<width$}  {kind}{need}{variables}\n", field.name));
    }
    text
}

/// Where a proof is asked, unless a field says another place.
fn place(base: &str) -> &str {
    base.split_once('|').map_or(base, |(_, base)| base.trim_end_matches('}'))
}

fn document(of: &CredentialType) -> Value {
    let field = |field: &Field| {
        json!({
            "name": field.name,
            "secret": field.is_secret,
            "optional": field.optional,
            "variables": field.variables.iter().collect::<Vec<_>>(),
        })
    };
    json!({
        "type": of.kind,
        "title": of.title,
        "from": of.from,
        "for": owner(of.owner),
        "checkedOnline": !of.proofs.is_empty(),
        "fields": of.asked().map(field).collect::<Vec<_>>(),
    })
}
