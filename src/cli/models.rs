//! `al models`: what the project's agents can ask.

use serde_json::{Value, json};

use super::paint::Tone;
use super::providers::{self, KeyNeed};
use super::table::{Cell, Fit, Table};
use super::{Context, output};
use crate::failure::Failure;
use crate::llm::Price;
use crate::project::credentials;
use crate::project::{self, AuthType, Model, Project, Severity};

/// List the project's models and who uses them
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al models            every model, whether its key is there, and who uses it
  al models --json     for scripts

KEY: yes, missing, unsafe (others can read it), pi (pi keeps it), or - where
none is needed. WINDOW: tokens of a request and its reply. PRICE: US dollars per
million tokens read and written.")]
pub struct ModelsArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How it is with a model's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyState {
    Stored,
    Missing,
    /// It is there, and cannot be used as it is.
    Unusable,
    /// pi keeps it.
    Elsewhere,
    NotNeeded,
}

impl KeyState {
    fn of(model: &Model, context: &Context) -> Self {
        let need = providers::key_need(model);
        if need == KeyNeed::None {
            return match model.auth_type {
                AuthType::PiAuth if model.provider != providers::REPLAY => Self::Elsewhere,
                AuthType::PiAuth | AuthType::ApiKey | AuthType::OauthToken => Self::NotNeeded,
            };
        }
        let kind = providers::key_credential(model);
        match credentials::field(&context.al_home, &kind, "default", "token") {
            Err(_) => Self::Unusable,
            Ok(Some(key)) if !key.reveal().is_empty() => Self::Stored,
            Ok(_) if need == KeyNeed::Optional => Self::NotNeeded,
            Ok(_) => Self::Missing,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Stored => "yes",
            Self::Missing => "missing",
            Self::Unusable => "unsafe",
            Self::Elsewhere => "pi",
            Self::NotNeeded => "-",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Stored => Tone::Good,
            Self::Missing | Self::Unusable => Tone::Bad,
            Self::Elsewhere | Self::NotNeeded => Tone::Plain,
        }
    }
}

pub fn run(args: &ModelsArgs, context: &Context) -> Result<(), Failure> {
    let (project, problems) = context.request(project::survey);
    let project = project.ok_or_else(|| context.project_failure(&problems))?;
    if args.json {
        return output::print(&format!("{}\n", document(&project, context)));
    }
    if project.config.models.is_empty() {
        return Err(Failure::nothing("no_models", "the project has no models")
            .hint("add `[models.<name>]` with `provider` and `model` to its config.toml"));
    }
    output::print(&table(&project, context))?;
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        output::remark("\nthe project has errors: al doctor\n");
    }
    Ok(())
}

fn table(project: &Project, context: &Context) -> String {
    let mut table = Table::new([
        ("MODEL", Fit::Middle),
        ("PROVIDER", Fit::Keep),
        ("ASKS FOR", Fit::Middle),
        ("KEY", Fit::Keep),
        ("WINDOW", Fit::Keep),
        ("PRICE", Fit::Keep),
        ("USED BY", Fit::End),
    ]);
    for (name, model) in &project.config.models {
        let key = KeyState::of(model, context);
        let window = providers::context_window(model);
        table.row([
            Cell::new(Tone::Strong, name),
            (&model.provider).into(),
            (&model.model).into(),
            Cell::new(key.tone(), key.word()),
            window.map_or_else(|| "-".to_owned(), tokens).into(),
            providers::price(model).map_or_else(|| "-".to_owned(), dollars).into(),
            users(project, name).join(" ").into(),
        ]);
    }
    table.render(context.look.width, context.look.out)
}

/// `200k`, `1M`
fn tokens(n: u32) -> String {
    match n {
        1_000_000.. if n.is_multiple_of(1_000_000) => format!("{}M", n / 1_000_000),
        1_000.. => format!("{}k", n / 1_000),
        _ => n.to_string(),
    }
}

fn dollars(price: Price) -> String {
    format!("${}/${}", price.input, price.output)
}

fn users<'a>(project: &'a Project, model: &str) -> Vec<&'a str> {
    let names_it = |agent: &&project::Agent| agent.models.iter().any(|named| named == model);
    project.agents.iter().filter(names_it).map(|agent| agent.name.as_str()).collect()
}

fn document(project: &Project, context: &Context) -> Value {
    let models = project.config.models.iter();
    let models = models.map(|(name, model)| {
        json!({
            "name": name,
            "provider": model.provider,
            "model": model.model,
            "base_url": providers::base_url(model),
            "key": match KeyState::of(model, context) {
                KeyState::Stored => "stored",
                KeyState::Missing => "missing",
                KeyState::Unusable => "unusable",
                KeyState::Elsewhere => "pi",
                KeyState::NotNeeded => "not_needed",
            },
            "context_window": providers::context_window(model),
            "max_tokens": model.max_tokens,
            "slots": model.slots,
            "price": providers::price(model).map(|price| json!({
                "input": price.input,
                "output": price.output,
                "cache_read": price.cache_read,
                "cache_write": price.cache_write,
            })),
            "agents": users(project, name),
        })
    });
    json!({ "project": project.name, "models": models.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let check = |n: u32, expected: &str| assert_eq!(tokens(n), expected);
        check(512, "512");
        check(8_192, "8k");
        check(200_000, "200k");
        check(1_000_000, "1M");
        check(1_048_576, "1048k");
    }
}
