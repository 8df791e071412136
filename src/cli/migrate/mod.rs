//! `al migrate`: a project of Action Llama becomes one of ours, with its history.

mod files;
mod history;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::paint::Tone;
use super::{Context, ask, diff, output};
use crate::failure::{Failure, Kind};
use crate::project::migrate::{Change, Home, Note, Plan};
use crate::project::{self, Problem};
use history::Found;

/// Take a project of Action Llama over, with its history: shows first what it would do
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al migrate              what would change in the project here
  al migrate --write      change it, after a question
  al migrate ~/agents --write --yes

Files of both generations are read: agent-config.toml with ACTIONS.md, and
config.toml with SKILL.md. What was there is kept in .al/before-migration, and
the database of Action Llama is only read. A second time there is nothing to do.
Its logs are where ours are and are read as they are: al logs <agent>. The exit
code is 3 when a file is no TOML, so that nothing of it could be taken over.")]
pub struct MigrateArgs {
    /// The project's folder [default: that of -p]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Make the changes
    #[arg(long)]
    pub write: bool,

    /// Ask nothing
    #[arg(short, long, requires = "write")]
    pub yes: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &MigrateArgs, context: &Context) -> Result<ExitCode, Failure> {
    let context =
        Context { dir: args.dir.clone().unwrap_or_else(|| context.dir.clone()), ..context.clone() };
    let found = files::read(&context)?;
    let plan = project::migrate::project(&found);
    let left =
        context.request(|request| project::preview(request, files::draft(&plan, &context)).1);
    let histories = history::find(&context)?;
    let news = histories.iter().any(|history| !history.stock.is_empty());
    let nothing = plan.changes.is_empty() && plan.retired.is_empty() && !news;
    if !args.json {
        output::print(&shown(&plan, &histories, &left, nothing, &context))?;
    }
    let mut backup = None;
    if args.write && !nothing {
        agreed(args)?;
        let _locks = files::alone(&found, &context)?;
        // First what can be refused as a whole, then the files.
        if news {
            let added = history::import(&histories, &context)?;
            output::remark(&format!("{}\n", history::words(&added)));
        }
        if !plan.changes.is_empty() || !plan.retired.is_empty() {
            let kept = files::write(&plan, &context)?;
            output::remark(&format!("what was there is kept in {}\n", kept.display()));
            backup = Some(kept);
        }
        output::remark("look at it with al doctor, then al start\n");
    } else if !nothing && !args.json {
        output::remark("nothing was changed; to do it: al migrate --write\n");
    }
    if args.json {
        let written = args.write && !nothing;
        let text = as_json(&plan, &histories, &left);
        let text = json!({"plan": text, "written": written, "backup": backup});
        output::print(&format!("{text}\n"))?;
    }
    // What is no TOML could not be taken over, whatever else was done.
    let unread = left.iter().any(|problem| problem.more.code == "toml_bad");
    Ok(if unread { ExitCode::from(Kind::Config.exit_code()) } else { ExitCode::SUCCESS })
}

fn agreed(args: &MigrateArgs) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    if !ask::somebody_there() {
        return Err(ask::nobody("agree to the changes")
            .hint("without a question: al migrate --write --yes"));
    }
    match ask::yes("Make these changes?") {
        true => Ok(()),
        false => Err(Failure::user("not_confirmed", "nothing was changed")),
    }
}

fn shown(
    plan: &Plan,
    histories: &[Found],
    left: &[Problem],
    nothing: bool,
    context: &Context,
) -> String {
    let paint = context.look.out;
    let mut text = String::new();
    for change in &plan.changes {
        let title = match &change.was {
            Some(was) => format!("{} (was {was})", place(change)),
            None => place(change),
        };
        text.push_str(&format!("{}\n", paint.on(Tone::Strong, &title)));
        text.extend(change.what.iter().map(|what| format!("  {what}\n")));
        let before = change.before.as_deref().unwrap_or_default();
        text.push_str(&diff::unified(&change.file, before, &change.after, paint));
        text.push('\n');
    }
    for file in &plan.retired {
        text.push_str(&format!("{file}\n  nothing needs it any more; it is put away\n\n"));
    }
    text.extend(histories.iter().map(|history| format!("{}\n\n", history.words(context))));
    if nothing {
        text.push_str("nothing to migrate\n");
    }
    if !plan.notes.is_empty() {
        text.push_str(&format!("{}\n", paint.on(Tone::Strong, "Stays with you:")));
        text.extend(plan.notes.iter().map(note));
    }
    if !left.is_empty() {
        text.push_str(&format!("\n{}\n", paint.on(Tone::Strong, "To be mended afterwards:")));
        text.push_str(&project::render(left, paint.color));
    }
    text
}

fn place(change: &Change) -> String {
    match change.home {
        Home::Project => change.file.clone(),
        Home::Environments => format!("$AL_HOME/{}", change.file),
    }
}

fn note(note: &Note) -> String {
    let hint = match note.hint.as_str() {
        "" => String::new(),
        hint => format!("    {hint}\n"),
    };
    format!("  {}: {}\n{hint}", note.file, note.what)
}

fn as_json(plan: &Plan, histories: &[Found], left: &[Problem]) -> Value {
    let changes: Vec<Value> = plan
        .changes
        .iter()
        .map(|change| {
            let old = change.before.as_deref().unwrap_or_default();
            let (before, after) = diff::without_secrets(&change.file, old, &change.after);
            json!({
                "file": place(change),
                "was": change.was,
                "what": change.what,
                "before": change.before.as_ref().map(|_| before),
                "after": after,
            })
        })
        .collect();
    let notes: Vec<Value> = plan
        .notes
        .iter()
        .map(|note| json!({"file": note.file, "what": note.what, "hint": note.hint}))
        .collect();
    let left: Vec<String> = left.iter().map(Problem::sentence).collect();
    let histories: Vec<Value> = histories.iter().map(Found::as_json).collect();
    json!({
        "changes": changes,
        "retired": plan.retired,
        "notes": notes,
        "problems": left,
        "histories": histories,
    })
}
