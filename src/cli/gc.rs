//! `al gc`: what is left over, and taking it away.

use std::fs;
use std::path::{Path, PathBuf};

use al_wire::size;
use serde_json::{Value, json};
use tokio::runtime::Runtime as Tokio;

use super::host::Places;
use super::table::{Fit, Table};
use super::{Context, ask, history, output, running, start};
use crate::ambient;
use crate::docker::list::{self, Image, Ours, Phase};
use crate::docker::{self, Docker, container};
use crate::failure::Failure;
use crate::runtime::{self, Process, Runtime as _};
use crate::scheduler::Run;
use crate::store::Reader;

/// Files of a run are left over only when nobody has changed them for as long.
const SETTLED_MS: i64 = 60_000;

/// Show what runs and shells left behind, and remove it
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al gc                 what is left over; removed when you say yes
  al gc --dry-run       only show it
  al gc --images -y     replaced images too, without a question

Containers of runs that are over, of shells whose terminal is gone, and files of
runs that the history does not know. Only what carries this project's labels is
looked at. A scheduler at work does most of this itself.")]
pub struct GcArgs {
    /// Only show what would be removed
    #[arg(long)]
    pub dry_run: bool,

    /// Images that newer ones have replaced, too
    #[arg(long)]
    pub images: bool,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,

    /// Print JSON; needs --yes or --dry-run
    #[arg(long)]
    pub json: bool,
}

/// Something that is left over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Left {
    what: What,
    pub name: String,
    size_bytes: Option<u64>,
    why: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// Id of a container.
    Container(String),
    /// Files of the run of this id.
    Run(String),
    /// Folder of a shell.
    Shell(PathBuf),
    /// Id of an image.
    Image(String),
}

impl Left {
    /// `container`, `run files`
    pub fn word(&self) -> &'static str {
        self.what.word()
    }
}

impl What {
    fn word(&self) -> &'static str {
        match self {
            Self::Container(_) => "container",
            Self::Run(_) => "run files",
            Self::Shell(_) => "shell files",
            Self::Image(_) => "image",
        }
    }
}

/// What there is of images that are ours.
#[derive(Debug, Default)]
struct Images {
    /// Of this project, and those that all projects share.
    own: Vec<Image>,
    size_bytes: u64,
}

/// Shows and removes.
///
/// # Errors
/// When the history cannot be read, nobody can be asked, or something cannot be removed.
pub fn run(args: &GcArgs, context: &Context) -> Result<(), Failure> {
    let places = Places::at(context.state_dir());
    let acts = !args.dry_run;
    if acts && !args.yes && (args.json || !ask::somebody_there()) {
        return Err(Failure::user(
            "not_confirmed",
            "removing what is left over has to be confirmed",
        )
        .hint("al gc --dry-run shows it; al gc --yes removes it"));
    }
    let tokio = start::tokio()?;
    let docker = docker::connect(&ambient::env);
    let mut left = Vec::new();
    let mut images = Images::default();
    match &docker {
        Ok(docker) => {
            let (found, known) =
                tokio.block_on(of_engine(docker, args.images, &places, context))?;
            left.extend(found);
            images = known;
        }
        Err(trouble) => output::remark(&format!("{trouble}: only files are looked at\n")),
    }
    left.extend(files(&tokio, &places, context)?);
    if !args.json {
        show(&left, &images, args, context)?;
    }
    let goes = acts && !left.is_empty() && (args.yes || ask::yes("Remove all of it?"));
    let removed: Vec<Result<(), String>> = match goes {
        true => left.iter().map(|one| remove(&tokio, docker.as_ref().ok(), &places, one)).collect(),
        false => Vec::new(),
    };
    if args.json {
        output::print(&format!("{}\n", document(&left, &images, &removed)))?;
    }
    told(&left, &removed, args.json)
}

/// What is left over, as far as it can be seen: images are not looked at.
///
/// # Errors
/// When the history or the runs' files cannot be read.
pub(super) fn look(tokio: &Tokio, context: &Context) -> Result<Vec<Left>, Failure> {
    let places = Places::at(context.state_dir());
    let mut left = Vec::new();
    if let Ok(docker) = docker::connect(&ambient::env) {
        // An engine that does not answer is told of elsewhere.
        let seen = tokio.block_on(of_engine(&docker, false, &places, context));
        left.extend(seen.map(|(left, _)| left).unwrap_or_default());
    }
    left.extend(files(tokio, &places, context)?);
    Ok(left)
}

/// Removes one of them.
///
/// # Errors
/// Why it is still there.
pub(super) fn clear(tokio: &Tokio, context: &Context, left: &Left) -> Result<(), String> {
    let docker = docker::connect(&ambient::env);
    remove(tokio, docker.as_ref().ok(), &Places::at(context.state_dir()), left)
}

async fn of_engine(
    docker: &Docker,
    with_images: bool,
    places: &Places,
    context: &Context,
) -> Result<(Vec<Left>, Images), Failure> {
    let label = places.label();
    let failed = |error: docker::Error| {
        Failure::upstream("engine", format!("the container engine: {}", container::words(&error)))
    };
    let strays = runtime::strays(docker, &places.al, &label).await.map_err(failed)?;
    let reader = history::reader(context)?;
    let owned = running::running(&places.al).is_some();
    let mut left = Vec::new();
    for stray in strays {
        let run = match &stray.attempt {
            Some((run, _)) => known(reader.as_ref(), run)?,
            None => None,
        };
        if let Some(why) = why_stray(&stray, run.as_ref(), owned) {
            let what = What::Container(stray.id);
            left.push(Left { what, name: stray.name, size_bytes: None, why });
        }
    }
    let mut own = list::images(docker).await.map_err(failed)?;
    own.retain(|image| image.project.as_ref().is_none_or(|project| *project == label));
    if with_images {
        left.extend(replaced(&own).map(|image| Left {
            what: What::Image(image.id.clone()),
            name: image.agent.clone().unwrap_or_else(|| short(&image.id).to_owned()),
            size_bytes: Some(image.size_bytes),
            why: "a newer one has replaced it".to_owned(),
        }));
    }
    let size_bytes = own.iter().map(|image| image.size_bytes).sum();
    Ok((left, Images { own, size_bytes }))
}

fn known(reader: Option<&Reader>, run: &str) -> Result<Option<Run>, Failure> {
    Ok(reader.map(|reader| reader.run(run)).transpose()?.flatten())
}

/// Why a container without a supervisor is left over; none when somebody may still want it.
fn why_stray(stray: &Ours, run: Option<&Run>, owned: bool) -> Option<String> {
    let Some((_, attempt)) = &stray.attempt else {
        return Some("its shell is gone".to_owned());
    };
    // What runs is the scheduler's business while there is one: it may be about to adopt it.
    if owned && stray.phase != Phase::Still {
        return None;
    }
    match run {
        None => Some("the history does not know its run".to_owned()),
        Some(run) if run.state.ended() => Some("its run is over".to_owned()),
        Some(run) if run.attempt != *attempt || !run.state.alive() => {
            Some("its attempt is over".to_owned())
        }
        Some(_) => None,
    }
}

/// Images without a name that are not the newest of their kind: another project may have taken the
/// name of one that is wanted.
fn replaced(images: &[Image]) -> impl Iterator<Item = &Image> {
    images.iter().filter(|image| {
        let newer = |other: &&Image| {
            (&other.project, &other.agent) == (&image.project, &image.agent)
                && (other.created_s, &other.id) > (image.created_s, &image.id)
        };
        image.names.is_empty() && images.iter().any(|other| newer(&other))
    })
}

/// The part of an image's id that people read.
fn short(id: &str) -> &str {
    let hex = id.strip_prefix("sha256:").unwrap_or(id);
    hex.get(..12).unwrap_or(hex)
}

/// What is left over on disk.
fn files(tokio: &Tokio, places: &Places, context: &Context) -> Result<Vec<Left>, Failure> {
    let reader = history::reader(context)?;
    let process = process(places)?;
    let before = context.now_ms - SETTLED_MS;
    let runs = tokio.block_on(process.leftovers(before)).map_err(unreadable)?;
    let mut left = Vec::new();
    for id in runs {
        let why = match known(reader.as_ref(), &id)? {
            None => "the history does not know it",
            Some(run) if run.state.ended() => "it is over",
            Some(_) => continue,
        };
        let size_bytes = Some(size_of(&places.al.join("runs").join(&id)));
        let name = id.clone();
        left.push(Left { what: What::Run(id), name, size_bytes, why: why.to_owned() });
    }
    for folder in runtime::dead_lodgings(&places.al) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let size_bytes = Some(size_of(&folder));
        let why = "its shell is gone".to_owned();
        left.push(Left { what: What::Shell(folder), name, size_bytes, why });
    }
    Ok(left)
}

fn process(places: &Places) -> Result<Process, Failure> {
    Process::new(&places.al, &places.logs, PathBuf::from("/proc/self/exe"), &[]).map_err(unreadable)
}

fn unreadable(error: runtime::Error) -> Failure {
    Failure::upstream("runs_unreadable", error.to_string())
}

/// Bytes of all files in a folder; links are not followed.
fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size_of(&entry.path()),
            Ok(_) => entry.metadata().map_or(0, |meta| meta.len()),
            Err(_) => 0,
        })
        .sum()
}

fn show(left: &[Left], images: &Images, args: &GcArgs, context: &Context) -> Result<(), Failure> {
    let mut text = String::new();
    if left.is_empty() {
        text.push_str("nothing is left over\n");
    } else {
        let mut table = Table::new([
            ("WHAT", Fit::Keep),
            ("NAME", Fit::Middle),
            ("SIZE", Fit::Keep),
            ("WHY", Fit::End),
        ]);
        for one in left {
            let size = one.size_bytes.map_or_else(|| "-".to_owned(), size);
            table.row([one.what.word().into(), (&one.name).into(), size.into(), (&one.why).into()]);
        }
        text.push_str(&table.render(context.look.width, context.look.out));
    }
    if !images.own.is_empty() {
        let all = size(images.size_bytes);
        let count = images.own.len();
        text.push_str(&format!("images: {count}, {all} at most, as they share layers"));
        let old = replaced(&images.own).count();
        if old > 0 && !args.images {
            text.push_str(&format!("; {old} replaced by newer ones: al gc --images"));
        }
        text.push('\n');
    }
    output::print(&text)
}

fn remove(
    tokio: &Tokio,
    docker: Option<&Docker>,
    places: &Places,
    left: &Left,
) -> Result<(), String> {
    let engine = || docker.ok_or_else(|| "there is no container engine".to_owned());
    let words = |error: docker::Error| container::words(&error);
    let kept = |removed: bool, why: &str| if removed { Ok(()) } else { Err(why.to_owned()) };
    match &left.what {
        What::Container(id) => tokio.block_on(container::remove(engine()?, id)).map_err(words),
        What::Image(id) => {
            let removed = tokio.block_on(list::remove_image(engine()?, id)).map_err(words)?;
            kept(removed, "something uses it")
        }
        What::Run(run) => {
            let process = process(places).map_err(|failure| failure.message)?;
            let removed = tokio.block_on(process.remove(run)).map_err(|e| e.to_string())?;
            kept(removed, "it still runs")
        }
        What::Shell(folder) => runtime::remove_lodging(folder).map_err(|e| e.to_string()),
    }
}

fn document(left: &[Left], images: &Images, removed: &[Result<(), String>]) -> Value {
    let rows: Vec<Value> = left
        .iter()
        .enumerate()
        .map(|(at, one)| {
            let done = removed.get(at);
            json!({
                "what": one.what.word(),
                "name": one.name,
                "sizeBytes": one.size_bytes,
                "why": one.why,
                "removed": done.is_some_and(Result::is_ok),
                "error": done.and_then(|done| done.as_ref().err()),
            })
        })
        .collect();
    json!({
        "leftOver": rows,
        "images": { "count": images.own.len(), "sizeBytesAtMost": images.size_bytes },
    })
}

/// Says what was removed, and fails when something was not.
fn told(left: &[Left], removed: &[Result<(), String>], quiet: bool) -> Result<(), Failure> {
    let mut failed = 0;
    for (one, done) in left.iter().zip(removed) {
        if let Err(why) = done {
            output::insist(&format!("{} {} is kept: {why}\n", one.what.word(), one.name));
            failed += 1;
        }
    }
    let done = removed.len() - failed;
    if done > 0 && !quiet {
        output::print(&format!("removed: {done}\n"))?;
    }
    match failed {
        0 => Ok(()),
        n => {
            Err(Failure::upstream("not_removed", format!("{n} of {} are still there", left.len())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::{RunState, Trigger, TriggerKind};

    fn stray(attempt: Option<u32>, phase: Phase) -> Ours {
        Ours {
            id: "1f".into(),
            name: "al-dev-1-1".into(),
            project: "/p/.al".into(),
            agent: Some("dev".into()),
            attempt: attempt.map(|attempt| ("dev-1".to_owned(), attempt)),
            shell: None,
            phase,
            created_s: 0,
            image: String::new(),
        }
    }

    fn run(state: RunState, attempt: u32) -> Run {
        let (source, summary) = (String::new(), String::new());
        let trigger = Trigger { kind: TriggerKind::Manual, source, summary };
        Run { state, attempt, ..Run::accepted(1, "dev-1".into(), "dev", trigger, 0) }
    }

    #[test]
    fn a_container_is_left_over_when_nobody_can_want_it_any_more() {
        let check = |stray: Ours, run: Option<Run>, owned, want: Option<&str>| {
            assert_eq!(why_stray(&stray, run.as_ref(), owned).as_deref(), want);
        };
        let (running, still) = (Phase::Running, Phase::Still);
        check(stray(None, running), None, true, Some("its shell is gone"));
        check(stray(Some(1), running), None, true, None);
        check(stray(Some(1), still), None, true, Some("the history does not know its run"));
        check(stray(Some(1), running), None, false, Some("the history does not know its run"));
        let over = run(RunState::Failed, 1);
        check(stray(Some(1), running), Some(over), false, Some("its run is over"));
        // The next scheduler adopts it.
        check(stray(Some(2), running), Some(run(RunState::Running, 2)), false, None);
        check(stray(Some(2), still), Some(run(RunState::Waiting, 2)), false, None);
        let again = run(RunState::Running, 2);
        check(stray(Some(1), running), Some(again), false, Some("its attempt is over"));
        let queued = run(RunState::Queued, 1);
        check(stray(Some(1), still), Some(queued), false, Some("its attempt is over"));
    }

    #[test]
    fn an_image_is_replaced_when_it_lost_its_name_to_a_newer_one_of_its_own() {
        let image = |id: &str, name: Option<&str>, project: &str, created_s| Image {
            id: id.into(),
            names: name.into_iter().map(str::to_owned).collect(),
            project: Some(project.into()),
            agent: Some("dev".into()),
            size_bytes: 1,
            created_s,
        };
        let all = [
            image("a", None, "/p", 1),
            image("b", Some("al-dev:latest"), "/p", 2),
            // Its name went to another project, but it is what that project uses.
            image("c", None, "/q", 1),
        ];
        let found: Vec<&str> = replaced(&all).map(|image| image.id.as_str()).collect();
        assert_eq!(found, ["a"]);
    }
}
