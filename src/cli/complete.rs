//! What a shell asks while somebody types: agents, runs, receipts, environments, sources.
//!
//! The scripts that `al completions` prints start `al` with [`ASKED`] set. The answer comes from the
//! files of the project and from its history, read only; no scheduler and no network is asked, and
//! what cannot be read is not offered. Which argument wants what is told by its name in the help:
//! an argument `AGENT` gets agents, so a new command is completed without a word about it here.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, Command, ValueHint};
use clap_complete::CompleteEnv;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter,
};

use super::{explain, help, times};
use crate::ambient;
use crate::project::{self, credential_types};
use crate::scheduler::{Millis, Run};
use crate::shell;
use crate::store::{FILE, Reader, RunsQuery};

/// The variable that says which shell asks.
pub const ASKED: &str = "AL_COMPLETE";

/// Ended runs and receipts that are offered.
const SHOWN: u32 = 30;

/// Commands for runs that have not ended.
const FOR_LIVE: [&str; 5] = ["answer", "say", "kill", "exec", "shell"];

/// Answers a shell, when one asks. True when it did.
pub fn answer(args: &[OsString]) -> bool {
    if ambient::env_os(ASKED).is_none_or(|shell| shell.is_empty()) {
        return false;
    }
    let scene = Arc::new(Scene::of(args));
    let complete = CompleteEnv::with_factory(|| equipped(super::command(), "", &scene));
    let complete = complete.var(ASKED).bin("al").completer("al");
    // Nobody reads complaints in the middle of a line.
    let _ = complete.try_complete(args, std::env::current_dir().ok().as_deref());
    true
}

/// Where to look.
#[derive(Debug)]
struct Scene {
    dir: PathBuf,
    al_home: PathBuf,
    /// An environment is named, so runs may be those of another machine.
    elsewhere: bool,
    now_ms: Millis,
}

/// What an argument wants.
type Look = fn(&Scene, &str) -> Vec<CompletionCandidate>;

/// By a part of the argument's name in the help, with what it wants. `al help` shows these names.
const KINDS: [(&str, Look); 11] = [
    ("AGENT", agents),
    ("RUN", runs),
    ("RECEIPT", receipts),
    ("ENV", environments),
    ("SOURCE", sources),
    ("CREDENTIAL", credentials),
    ("TYPE:INSTANCE", credentials),
    ("LOCK", locks),
    ("MODEL", models),
    ("CODE", codes),
    ("TOPIC", topics),
];

impl Scene {
    /// From the words that are typed so far.
    fn of(args: &[OsString]) -> Self {
        let typed = words(args);
        let project = value(&typed, "-p", "--project");
        let dir = project.map(PathBuf::from).or_else(|| ambient::env("AL_PROJECT").map(Into::into));
        let named = value(&typed, "-E", "--env").map(str::to_owned);
        let named = named.or_else(|| ambient::env("AL_ENV"));
        Self {
            dir: dir.unwrap_or_else(|| ".".into()),
            al_home: ambient::al_home(),
            elsewhere: named.is_some_and(|name| !name.is_empty()),
            now_ms: ambient::now_ms(),
        }
    }

    fn reader(&self) -> Option<Reader> {
        if self.elsewhere {
            return None;
        }
        Reader::existing(self.dir.join(".al").join(FILE)).ok().flatten()
    }
}

/// The command line in it, behind `al --`.
fn words(args: &[OsString]) -> Vec<&str> {
    let start = args.iter().position(|arg| arg == "--").map_or(args.len(), |at| at + 1);
    args[start..].iter().filter_map(|arg| arg.to_str()).collect()
}

/// `-p DIR`, `-pDIR`, `--project DIR` and `--project=DIR`.
fn value<'a>(words: &[&'a str], short: &str, long: &str) -> Option<&'a str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if *word == short || *word == long {
            return words.next().copied();
        }
        if let Some(value) = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value);
        }
        if let Some(value) = word.strip_prefix(short).filter(|rest| !rest.is_empty()) {
            return Some(value);
        }
    }
    None
}

/// The parser, whose arguments know what they may be.
fn equipped(command: Command, above: &str, scene: &Arc<Scene>) -> Command {
    let name = command.get_name().to_owned();
    command
        .mut_args(|arg| argument(arg, &name, above, scene))
        .mut_subcommands(|command| equipped(command, &name, scene))
}

fn argument(arg: Arg, command: &str, above: &str, scene: &Arc<Scene>) -> Arg {
    if !arg.get_action().takes_values() || !arg.get_possible_values().is_empty() {
        return arg;
    }
    let names = arg.get_value_names().unwrap_or_default();
    let Some(name) = names.first().map(ToString::to_string) else { return arg };
    // Some are called by what they are beside their command or option.
    let name = match (arg.get_id().as_str(), above, name.as_str()) {
        ("env", ..) | (_, "env", "NAME") if command != "init" => "ENV".to_owned(),
        ("source", ..) => "SOURCE".to_owned(),
        (_, "locks", "KEY") => "LOCK".to_owned(),
        // `TYPE[:INSTANCE]`: the brackets say that it may be left out.
        _ => name.replace(['[', ']'], ""),
    };
    match name.as_str() {
        "DIR" | "FOLDER" => return arg.add(ArgValueCompleter::new(PathCompleter::dir())),
        "FILE" | "FIXTURE" | "PATH" => {
            return arg.add(ArgValueCompleter::new(PathCompleter::file()));
        }
        "COMMAND" => return arg.value_hint(ValueHint::CommandWithArguments),
        _ => {}
    }
    let looks: Vec<Look> = KINDS
        .iter()
        .filter(|(kind, _)| name.split('|').any(|part| part == *kind))
        .map(|(_, look)| *look)
        .collect();
    if looks.is_empty() {
        return arg;
    }
    let (scene, command) = (Arc::clone(scene), command.to_owned());
    arg.add(ArgValueCandidates::new(move || {
        looks.iter().flat_map(|look| look(&scene, &command)).filter(is_one_word).collect()
    }))
}

/// Runs choose the names of locks, and a shell puts what is offered into the line as it is.
fn is_one_word(candidate: &CompletionCandidate) -> bool {
    candidate.get_value().to_str().is_some_and(|text| shell::word(text) == text)
}

fn candidate(value: impl AsRef<OsStr>, about: &str) -> CompletionCandidate {
    let about = (!about.is_empty()).then(|| about.to_owned().into());
    CompletionCandidate::new(value.as_ref()).help(about)
}

fn plain(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(|name| candidate(name, "")).collect()
}

fn agents(scene: &Scene, command: &str) -> Vec<CompletionCandidate> {
    let mut names = project::discover(&scene.dir).unwrap_or_default();
    if command == "logs" {
        names.push(crate::log::SCHEDULER.to_owned());
    }
    plain(names)
}

fn runs(scene: &Scene, command: &str) -> Vec<CompletionCandidate> {
    let Some(reader) = scene.reader() else { return Vec::new() };
    let runs = if FOR_LIVE.contains(&command) {
        reader.live_runs()
    } else {
        reader.runs(&RunsQuery { limit: SHOWN, ..RunsQuery::default() })
    };
    let about = |run: &Run| {
        let age = times::short_span(scene.now_ms - run.queued_at);
        format!("{}, {age} old", run.state.name())
    };
    runs.unwrap_or_default().iter().map(|run| candidate(&run.id, &about(run))).collect()
}

fn receipts(scene: &Scene, _: &str) -> Vec<CompletionCandidate> {
    let Some(reader) = scene.reader() else { return Vec::new() };
    plain(reader.receipt_ids("", SHOWN).unwrap_or_default())
}

fn environments(scene: &Scene, _: &str) -> Vec<CompletionCandidate> {
    plain(project::environments(&scene.al_home))
}

/// Tables of the project's `config.toml` below a name; a file with errors has none.
fn tables(scene: &Scene, name: &str) -> Vec<CompletionCandidate> {
    let text = project::edit::text(&scene.dir.join("config.toml")).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap_or_default();
    let names = table.get(name).and_then(toml::Value::as_table);
    plain(names.into_iter().flat_map(|table| table.keys().cloned()))
}

fn sources(scene: &Scene, _: &str) -> Vec<CompletionCandidate> {
    tables(scene, "webhooks")
}

fn models(scene: &Scene, _: &str) -> Vec<CompletionCandidate> {
    tables(scene, "models")
}

/// Keys of locks that are held.
fn locks(scene: &Scene, _: &str) -> Vec<CompletionCandidate> {
    let held = scene.reader().and_then(|reader| reader.locks().ok()).unwrap_or_default();
    held.iter().map(|lock| candidate(&lock.key, &lock.run)).collect()
}

/// `type` where there is one instance that needs no name, else `type:instance`. Only names are
/// read. One that is to be added may be of any type.
fn credentials(scene: &Scene, command: &str) -> Vec<CompletionCandidate> {
    if command == "add" {
        return plain(credential_types::TYPES.iter().map(|known| known.kind.to_string()));
    }
    let store = scene.al_home.join("credentials");
    let mut found = Vec::new();
    for kind in folders(&store) {
        for instance in folders(&store.join(&kind)) {
            found.push(match instance.as_str() {
                "default" => kind.clone(),
                instance => format!("{kind}:{instance}"),
            });
        }
    }
    plain(found)
}

fn folders(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> =
        folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    names
}

fn codes(_: &Scene, _: &str) -> Vec<CompletionCandidate> {
    explain::all().iter().map(|entry| candidate(entry.code, "")).collect()
}

fn topics(_: &Scene, _: &str) -> Vec<CompletionCandidate> {
    let guides = help::GUIDES.iter().map(|guide| candidate(guide.name, guide.about()));
    let command = super::command();
    let commands = command.get_subcommands().map(|verb| {
        candidate(verb.get_name(), &verb.get_about().map(ToString::to_string).unwrap_or_default())
    });
    guides.chain(commands).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_the_one_of_the_line_that_is_typed() {
        let check = |line: &[&str], expected: Option<&str>| {
            assert_eq!(value(line, "-p", "--project"), expected, "{line:?}");
        };
        check(&["al", "logs"], None);
        check(&["al", "-p", "shop", "logs"], Some("shop"));
        check(&["al", "logs", "-pshop"], Some("shop"));
        check(&["al", "logs", "--project=shop"], Some("shop"));
        check(&["al", "logs", "--project", "shop"], Some("shop"));
        check(&["al", "logs", "-p"], None);
        let args: Vec<OsString> = ["al", "--", "al", "-p", "x"].map(OsString::from).to_vec();
        assert_eq!(words(&args), ["al", "-p", "x"]);
    }
}
