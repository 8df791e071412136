//! `al creds ls`: what there is, and what is missing.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::unreadable;
use super::wants::{self, Wants};
use crate::cli::paint::Tone;
use crate::cli::table::{Cell, Fit, Table};
use crate::cli::{Context, output, times};
use crate::failure::Failure;
use crate::project;
use crate::project::credential_types::{self, OwnTypes};
use crate::project::credentials::{self, CredentialError, Reference, Secret, Use};

/// List credentials, with their age, their last use, and what is missing
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "STATE: ok, missing (something here wants it), incomplete (a field is
missing), unsafe (others can read or change it; al doctor --fix), or unread
(who keeps it does not hand it out: a keyring that is locked, say).
FROM: who has it: file, env (AL_SECRET_*), or keyring and command, when
credentials.toml names them.
AGE: since its newest field was written. USED: since a run was given it last.

Exit codes: 0 all is well, 1 something is missing or cannot be used")]
pub struct LsArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How it is with a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Sound,
    Missing,
    Incomplete(String),
    Unusable(String),
    /// Who keeps it does not hand it out now.
    Unread(String),
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            Self::Sound => "ok",
            Self::Missing => "missing",
            Self::Incomplete(_) => "incomplete",
            Self::Unusable(_) => "unsafe",
            Self::Unread(_) => "unread",
        }
    }

    fn tone(&self) -> Tone {
        match self {
            Self::Sound => Tone::Good,
            Self::Missing | Self::Incomplete(_) | Self::Unusable(_) | Self::Unread(_) => Tone::Bad,
        }
    }

    fn why(&self) -> Option<&str> {
        match self {
            Self::Sound | Self::Missing => None,
            Self::Incomplete(why) | Self::Unusable(why) | Self::Unread(why) => Some(why),
        }
    }
}

struct Row {
    reference: Reference,
    state: State,
    origin: Option<String>,
    written_ms: Option<i64>,
    used: Option<Use>,
    wanted_by: Vec<String>,
}

pub fn run(args: &LsArgs, context: &Context) -> Result<ExitCode, Failure> {
    let (project, _) = context.request(project::survey);
    let wanted = project.as_ref().map(wants::of_project).unwrap_or_default();
    let own = project.map(|project| project.config.credentials).unwrap_or_default();
    let (stored, errors) = credentials::list(&context.al_home);
    if let (true, Some(error)) = (stored.is_empty(), errors.first()) {
        return Err(unreadable(error));
    }
    let errors: BTreeSet<String> = errors.iter().map(ToString::to_string).collect();
    let all: BTreeSet<&Reference> = stored.iter().chain(wanted.all()).collect();
    let rows: Vec<Row> = all.into_iter().map(|of| row(of, &own, &wanted, context)).collect();
    if args.json {
        let rows: Vec<Value> = rows.iter().map(document).collect();
        output::print(&format!("{}\n", json!({"credentials": rows})))?;
    } else if rows.is_empty() {
        output::print("there are no credentials yet; al creds add stores one\n")?;
    } else {
        output::print(&table(&rows, &errors, context))?;
    }
    for error in &errors {
        output::remark(&format!("warning: {error}\n"));
    }
    let well = rows.iter().all(|row| row.state == State::Sound) && errors.is_empty();
    Ok(ExitCode::from(u8::from(!well)))
}

fn row(reference: &Reference, own: &OwnTypes, wanted: &Wants, context: &Context) -> Row {
    let home = &context.al_home;
    Row {
        reference: reference.clone(),
        state: state(reference, own, context),
        origin: credentials::origin(home, reference).ok().flatten(),
        written_ms: credentials::written_ms(home, reference),
        used: credentials::last_use(home, reference),
        wanted_by: wanted.by(reference),
    }
}

fn state(reference: &Reference, own: &OwnTypes, context: &Context) -> State {
    let of = credential_types::find(own, &reference.kind);
    let names: Vec<&str> = of.iter().flat_map(|of| of.fields.iter()).map(|f| &*f.name).collect();
    match credentials::fields(&context.al_home, reference, &names) {
        Err(error @ (CredentialError::Source { .. } | CredentialError::Unsure { .. })) => {
            State::Unread(error.to_string())
        }
        Err(error) => State::Unusable(error.to_string()),
        Ok(fields) if fields.is_empty() => State::Missing,
        Ok(fields) => {
            match of.and_then(|of| of.lack(|name| fields.get(name).map(Secret::reveal))) {
                Some(why) => State::Incomplete(why),
                None => State::Sound,
            }
        }
    }
}

/// Reasons that are `told` elsewhere are not repeated.
fn table(rows: &[Row], told: &BTreeSet<String>, context: &Context) -> String {
    let mut table = Table::new([
        ("CREDENTIAL", Fit::Middle),
        ("STATE", Fit::Keep),
        ("FROM", Fit::Keep),
        ("AGE", Fit::Keep),
        ("USED", Fit::Keep),
        ("WANTED BY", Fit::End),
    ]);
    let ago = |at: Option<i64>| {
        at.map_or_else(|| "-".to_owned(), |at| times::short_span(context.now_ms.saturating_sub(at)))
    };
    for row in rows {
        let origin = row.origin.as_deref().unwrap_or("-");
        let wanted =
            if row.wanted_by.is_empty() { "-".to_owned() } else { row.wanted_by.join(" ") };
        table.row([
            Cell::new(Tone::Strong, row.reference.to_string()),
            Cell::new(row.state.tone(), row.state.word()),
            origin.into(),
            ago(row.written_ms.filter(|_| origin == "file")).into(),
            ago(row.used.as_ref().map(|used| used.at)).into(),
            wanted.into(),
        ]);
    }
    let mut text = table.render(context.look.width, context.look.out);
    let mut todo = String::new();
    for row in rows {
        match row.state {
            State::Missing => todo.push_str(&format!("  al creds add {}\n", row.reference)),
            State::Incomplete(_) => {
                todo.push_str(&format!("  al creds rotate {}\n", row.reference))
            }
            State::Sound | State::Unusable(_) | State::Unread(_) => {}
        }
    }
    for row in rows {
        // What is said of who keeps it is said of all of them at once, as a warning.
        let why = row.state.why().filter(|why| !told.contains(*why));
        if let Some(why) = why {
            text.push_str(&format!("\n{}: {why}\n", row.reference));
        }
    }
    if !todo.is_empty() {
        text.push_str(&format!("\nto mend it:\n{todo}"));
    }
    text
}

fn document(row: &Row) -> Value {
    json!({
        "type": row.reference.kind,
        "instance": row.reference.instance,
        "state": row.state.word(),
        "problem": row.state.why(),
        "source": row.origin,
        "writtenMs": row.written_ms,
        "lastUse": row.used,
        "wantedBy": row.wanted_by,
    })
}
