//! `al update`: what is new upstream for agents that were added.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::brings::in_instructions;
use super::fetching::{self, short};
use super::plan::{self, Guest, Plan, Update};
use crate::cli::diff::between;
use crate::cli::paint::{Paint, Tone, safe, visible};
use crate::cli::prompt::{Prompt, Question};
use crate::cli::{Context, output};
use crate::failure::{Failure, Kind};
use crate::project::{self, edit};
use crate::skills::{Change, Repository, Stop};

/// Take what is new upstream for agents that were added
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al update                  every agent with a `source`, each after a question
  al update reviewer --yes   SKILL.md of one agent, without a question
  al update --dry-run        what there is; ends with 1 when there is something

Only SKILL.md is taken, and a Dockerfile when you say so; other files that
changed there are named. What you edited is kept: upstream's changes are merged
into it. Where both changed the same lines nothing is written, unless you say
--conflicts or --theirs.

Exit codes: 0 up to date or updated, 1 there are updates (--dry-run), 2 wrong
use or refused, 3 changes that cannot be merged, 4 it cannot be fetched,
130 interrupted")]
pub struct UpdateArgs {
    /// The agents; without any, all that have a `source`
    #[arg(value_name = "AGENT")]
    pub agents: Vec<String>,

    /// Take changes of SKILL.md without a question
    #[arg(short, long)]
    pub yes: bool,

    /// Take changes of the Dockerfile without a question, too
    #[arg(long)]
    pub dockerfile: bool,

    /// Where both sides changed the same lines, write both with marks around them
    #[arg(long, conflicts_with = "theirs")]
    pub conflicts: bool,

    /// Where the two cannot be merged, take upstream's file in place of yours
    #[arg(long)]
    pub theirs: bool,

    /// Only show what there is
    #[arg(long)]
    pub dry_run: bool,

    /// Print JSON; needs --yes or --dry-run
    #[arg(long)]
    pub json: bool,
}

/// What became of one agent.
#[derive(Debug)]
enum Outcome {
    UpToDate,
    Planned(Box<Planned>),
    Failed(Failure),
}

#[derive(Debug)]
struct Planned {
    plan: Plan,
    /// For each file of the plan, what is to be written.
    writes: Vec<Option<String>>,
}

pub fn run(args: &UpdateArgs, context: &Context) -> Result<ExitCode, Failure> {
    if args.json && !args.yes && !args.dry_run {
        return Err(Failure::user("not_confirmed", "--json needs --yes or --dry-run"));
    }
    let guests = plan::guests(&args.agents, context)?;
    let stop = fetching::stop()?;
    let mut outcomes = plans(&guests, &stop, context)?;
    for (guest, outcome) in guests.iter().zip(&mut outcomes) {
        if !args.json && !args.yes && !args.dry_run {
            output::insist(&told(guest, outcome, &context.asking()));
        } else if !args.json {
            output::print(&told(guest, outcome, context))?;
        }
        if let Outcome::Planned(planned) = outcome
            && !args.dry_run
        {
            planned.writes = asked(&planned.plan, args, context)?;
        }
    }
    // Everything was asked; nothing was written until here.
    fetching::go_on(&stop)?;
    if !args.dry_run {
        for outcome in &mut outcomes {
            if let Outcome::Planned(planned) = outcome
                && let Err(failure) = write(planned, context)
            {
                *outcome = Outcome::Failed(failure);
            }
        }
    }
    if args.json {
        output::print(&format!("{}\n", document(&guests, &outcomes, args)))?;
    } else {
        output::print(&summary(&guests, &outcomes, args, context))?;
    }
    Ok(ExitCode::from(exit_code(&outcomes, args)))
}

/// Fetches each place once.
fn plans(guests: &[Guest], stop: &Stop, context: &Context) -> Result<Vec<Outcome>, Failure> {
    let mut fetched: BTreeMap<(String, Option<String>), Result<Repository, Failure>> =
        BTreeMap::new();
    let mut outcomes = Vec::new();
    for guest in guests {
        let record = &guest.record;
        let key = (record.source.clone(), record.reference.clone());
        let repository = fetched.entry(key).or_insert_with(|| {
            let origin = fetching::origin(&record.source, &context.dir)?;
            fetching::fetch(&origin, record.reference.as_deref(), stop)
        });
        fetching::go_on(stop)?;
        let plan = match repository {
            Ok(repository) => Plan::of(guest, repository, context),
            Err(failure) => Err(failure.clone()),
        };
        outcomes.push(match plan {
            Ok(None) => Outcome::UpToDate,
            Ok(Some(plan)) => Outcome::Planned(Box::new(Planned { plan, writes: Vec::new() })),
            Err(failure) => Outcome::Failed(failure),
        });
    }
    Ok(outcomes)
}

/// What a person sees of it before they are asked.
fn told(guest: &Guest, outcome: &Outcome, context: &Context) -> String {
    let paint = context.look.out;
    let title = paint.on(Tone::Strong, &guest.agent);
    let Outcome::Planned(planned) = outcome else { return String::new() };
    let plan = &planned.plan;
    let from = guest.record.commit.as_deref().map_or("?", short);
    let to = plan.record.commit.as_deref().map_or("its files", short);
    let mut text =
        format!("{title}  {} {} -> {to}\n", visible(&guest.record.source), visible(from));
    for update in &plan.files {
        text.push_str(&described(guest, plan, update, context));
    }
    if !plan.others.is_empty() {
        let others = visible(&plan.others.join(", "));
        text.push_str(&format!(
            "{} {others}\n",
            paint.on(Tone::Dim, "also changed there, and not taken:")
        ));
    }
    text
}

fn described(guest: &Guest, plan: &Plan, update: &Update, context: &Context) -> String {
    let paint = context.look.out;
    let mine = update.mine.as_deref().unwrap_or_default();
    let new = new_text(update);
    let remark = match &update.change {
        Change::Same => return String::new(),
        Change::Take(_) => None,
        Change::Merge(_) => Some("upstream's changes are merged into yours".to_owned()),
        Change::Replace(_) => {
            Some("what was edited here since it came is not known: this replaces it".to_owned())
        }
        Change::Conflict { lines, .. } => {
            Some(format!("both sides changed the same lines, in {}", places(lines)))
        }
        Change::Unfinished { line } => {
            Some(format!("line {line} here still has the mark of an earlier conflict"))
        }
        Change::TooLong => Some("it is too long to be compared".to_owned()),
    };
    let here = format!("agents/{}/{}", guest.agent, update.name);
    let path = plan.record.path.as_deref().filter(|path| !path.is_empty());
    let there = match path {
        Some(path) => format!("{} {path}/{}", guest.record.source, update.name),
        None => format!("{} {}", guest.record.source, update.name),
    };
    let mut text = between((&here, mine), (&there, new), paint);
    if let Some(remark) = remark {
        text.push_str(&format!("{} {remark}\n", paint.on(Tone::Warn, "note:")));
    }
    for command in new_commands(update.name, mine, new) {
        let command = visible(&command);
        text.push_str(&format!(
            "{} it runs this command when it is read: {command}\n",
            paint.on(Tone::Bad, "WARNING:")
        ));
    }
    text
}

/// The text that an update means: what would be written, or where that is not clear what is there.
fn new_text(update: &Update) -> &str {
    match &update.change {
        Change::Take(text) | Change::Merge(text) | Change::Replace(text) => text,
        Change::Same | Change::Conflict { .. } | Change::Unfinished { .. } | Change::TooLong => {
            &update.theirs
        }
    }
}

fn places(lines: &[usize]) -> String {
    match lines.len() {
        1 => "one place".to_owned(),
        n => format!("{n} places"),
    }
}

/// Commands in the new instructions that the old ones do not have.
fn new_commands(name: &str, mine: &str, new: &str) -> Vec<String> {
    if name != "SKILL.md" {
        return Vec::new();
    }
    let of = |text: &str| in_instructions(&project::read_skill(text).body);
    let old = of(mine);
    of(new).into_iter().filter(|one| !old.contains(one)).map(|(_, command)| command).collect()
}

/// What is to be written of each file.
fn asked(
    plan: &Plan,
    args: &UpdateArgs,
    context: &Context,
) -> Result<Vec<Option<String>>, Failure> {
    plan.files.iter().map(|update| wanted(plan, update, args, context)).collect()
}

fn wanted(
    plan: &Plan,
    update: &Update,
    args: &UpdateArgs,
    context: &Context,
) -> Result<Option<String>, Failure> {
    let (text, is_loss) = match &update.change {
        Change::Take(text) | Change::Merge(text) => (text, false),
        Change::Replace(text) => (text, true),
        Change::Conflict { marked, .. } if args.conflicts => (marked, true),
        Change::Conflict { .. } | Change::TooLong if args.theirs => (&update.theirs, true),
        Change::Same | Change::Conflict { .. } | Change::Unfinished { .. } | Change::TooLong => {
            return Ok(None);
        }
    };
    let is_docker = update.name == "Dockerfile";
    let granted = if is_docker { args.dockerfile } else { args.yes };
    let may_lose = args.theirs || matches!(update.change, Change::Conflict { .. });
    if granted && (!is_loss || may_lose) {
        return Ok(Some(text.clone()));
    }
    // Without questions only what was said is taken.
    if args.yes {
        return Ok(None);
    }
    let what = format!("Take this {} for {}?", update.name, plan.guest.agent);
    let flag = if is_docker { "--dockerfile" } else { "--yes" };
    let question = Question { text: &what, flag, help: "" };
    let yes = Prompt::new(context.look.err).yes(&question, !is_loss && !is_docker)?;
    Ok(yes.then(|| text.clone()))
}

/// Writes what is to be written. What was not taken is offered again: then the agent stays at its
/// commit, and only what came of the files that were taken is kept anew.
fn write(planned: &Planned, context: &Context) -> Result<(), Failure> {
    let plan = &planned.plan;
    let guest = &plan.guest;
    let failed = |error: std::io::Error| {
        Failure::upstream("not_written", format!("agents/{}: {error}", guest.agent))
    };
    let _lock = edit::lock(&guest.folder).map_err(failed)?;
    let mut base = plan.was.clone();
    for (update, text) in plan.files.iter().zip(&planned.writes) {
        let Some(text) = text else { continue };
        let file = guest.folder.join(update.name);
        if plan::read(&file)? != update.mine {
            let message = format!("{} changed meanwhile", file.display());
            return Err(Failure::user("file_changed", message).hint("run al update again"));
        }
        edit::replace(&file, text).map_err(failed)?;
        if let Some(base) = &mut base {
            base.texts.insert(update.name.to_owned(), update.theirs.clone());
        }
    }
    if planned.writes.iter().all(Option::is_some) {
        let config = plan::read(&guest.config)?.unwrap_or_default();
        let config = plan.record.write(&config).map_err(|why| {
            let message = format!("{} is not valid TOML: {}", guest.config.display(), safe(&why));
            Failure::config("project_errors", message)
        })?;
        edit::replace(&guest.config, &config).map_err(failed)?;
        base = Some(plan.base.clone());
    }
    if let Some(base) = base.filter(|base| plan.was.as_ref() != Some(base))
        && let Err(error) = base.write(&context.state_dir(), &guest.agent)
    {
        output::remark(&format!("warning: .al/upstream cannot be written: {error}\n"));
    }
    Ok(())
}

/// One word for scripts.
fn state(outcome: &Outcome, args: &UpdateArgs) -> &'static str {
    let planned = match outcome {
        Outcome::UpToDate => return "up_to_date",
        Outcome::Failed(_) => return "failed",
        Outcome::Planned(planned) => planned,
    };
    let files = &planned.plan.files;
    if files.is_empty() {
        return if args.dry_run { "up_to_date" } else { "noted" };
    }
    if args.dry_run {
        return "available";
    }
    let is_stuck = |(update, write): (&Update, &Option<String>)| {
        let stuck = matches!(
            update.change,
            Change::Conflict { .. } | Change::Unfinished { .. } | Change::TooLong
        ) || (args.yes && matches!(update.change, Change::Replace(_)));
        stuck && write.is_none() && update.name == "SKILL.md"
    };
    let marked = |(update, write): (&Update, &Option<String>)| {
        matches!(update.change, Change::Conflict { .. }) && write.is_some() && args.conflicts
    };
    let mut pairs = files.iter().zip(&planned.writes);
    if pairs.clone().any(is_stuck) || pairs.clone().any(marked) {
        return "conflict";
    }
    if pairs.any(|(_, write)| write.is_some()) { "updated" } else { "left" }
}

fn summary(guests: &[Guest], outcomes: &[Outcome], args: &UpdateArgs, context: &Context) -> String {
    let paint = context.look.out;
    if guests.is_empty() {
        return "no agent has a `source`, so nothing can be new\n".to_owned();
    }
    let mut text = String::new();
    for (guest, outcome) in guests.iter().zip(outcomes) {
        let (tone, word) = match state(outcome, args) {
            "up_to_date" => (Tone::Dim, "up to date".to_owned()),
            "noted" => (Tone::Dim, "up to date, its commit noted".to_owned()),
            "available" => (Tone::Live, "there is something new".to_owned()),
            "updated" => (Tone::Good, "updated".to_owned()),
            "left" => (Tone::Dim, "left as it was".to_owned()),
            "conflict" => (Tone::Bad, conflict(guest, outcome, args)),
            _ => (Tone::Bad, failed(outcome)),
        };
        text.push_str(&format!("{}: {}\n", guest.agent, paint.on(tone, &word)));
        if args.yes && waits(outcome) {
            let hint = paint.on(Tone::Live, "hint:");
            text.push_str(&format!("  {hint} its Dockerfile is new too: --dockerfile takes it\n"));
        }
        if let Outcome::Failed(failure) = outcome {
            for hint in &failure.hints {
                text.push_str(&format!("  {} {hint}\n", paint.on(Tone::Live, "hint:")));
            }
        }
    }
    text
}

/// Whether a Dockerfile could have been taken, and was not.
fn waits(outcome: &Outcome) -> bool {
    let Outcome::Planned(planned) = outcome else { return false };
    let mut pairs = planned.plan.files.iter().zip(&planned.writes);
    pairs.any(|(update, write)| update.name == "Dockerfile" && write.is_none())
}

fn failed(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(failure) => format!("failed: {}", failure.message),
        Outcome::UpToDate | Outcome::Planned(_) => String::new(),
    }
}

fn conflict(guest: &Guest, outcome: &Outcome, args: &UpdateArgs) -> String {
    let Outcome::Planned(planned) = outcome else { return String::new() };
    let lines = planned.plan.files.iter().find_map(|update| match &update.change {
        Change::Conflict { lines, .. } => Some(lines),
        _ => None,
    });
    match lines {
        Some(lines) if args.conflicts => {
            let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
            let file = format!("agents/{}/SKILL.md", guest.agent);
            format!("written with marks: decide in {file}, line {}", lines.join(", "))
        }
        Some(_) => "nothing was written: both sides changed the same lines\n  \
                    --conflicts writes both with marks, --theirs takes upstream's"
            .to_owned(),
        None => "nothing was written: --theirs takes upstream's in place of yours".to_owned(),
    }
}

fn exit_code(outcomes: &[Outcome], args: &UpdateArgs) -> u8 {
    let failed: Vec<Kind> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Failed(failure) => Some(failure.kind),
            Outcome::UpToDate | Outcome::Planned(_) => None,
        })
        .collect();
    let states: Vec<&str> = outcomes.iter().map(|outcome| state(outcome, args)).collect();
    if let Some(worst) = failed.iter().map(|kind| kind.exit_code()).max() {
        return worst;
    }
    if states.contains(&"conflict") {
        return Kind::Config.exit_code();
    }
    u8::from(states.contains(&"available"))
}

fn document(guests: &[Guest], outcomes: &[Outcome], args: &UpdateArgs) -> Value {
    let agents = guests.iter().zip(outcomes).map(|(guest, outcome)| {
        let mut agent = json!({
            "agent": guest.agent,
            "source": guest.record.source,
            "from": guest.record.commit,
            "state": state(outcome, args),
        });
        match outcome {
            Outcome::UpToDate => agent["to"] = json!(guest.record.commit),
            Outcome::Failed(failure) => {
                agent["error"] = json!({"code": failure.code, "message": failure.message});
            }
            Outcome::Planned(planned) => {
                let plan = &planned.plan;
                agent["to"] = json!(plan.record.commit);
                agent["notTaken"] = json!(plan.others);
                let writes = planned.writes.iter().chain(std::iter::repeat(&None));
                let files = plan.files.iter().zip(writes);
                let files: Vec<Value> = files
                    .map(|(update, write)| {
                        json!({
                            "file": update.name,
                            "change": word(&update.change),
                            "lines": conflict_lines(&update.change),
                            "diff": between(
                                ("here", update.mine.as_deref().unwrap_or_default()),
                                ("there", new_text(update)),
                                Paint::new(false),
                            ),
                            "written": write.is_some(),
                        })
                    })
                    .collect();
                agent["files"] = json!(files);
            }
        }
        agent
    });
    json!({"agents": agents.collect::<Vec<_>>()})
}

fn word(change: &Change) -> &'static str {
    match change {
        Change::Same => "same",
        Change::Take(_) => "new",
        Change::Merge(_) => "merged",
        Change::Replace(_) => "replaces",
        Change::Conflict { .. } => "conflict",
        Change::Unfinished { .. } => "unfinished",
        Change::TooLong => "too_long",
    }
}

fn conflict_lines(change: &Change) -> &[usize] {
    match change {
        Change::Conflict { lines, .. } => lines,
        _ => &[],
    }
}
