//! `al agent rename`: another name for the same agent.

use std::fs;
use std::path::Path;

use super::new::bad_name;
use crate::cli::config::Target;
use crate::cli::config::target::{cannot_write, counts_when, must_be_project};
use crate::cli::paint::safe;
use crate::cli::{Context, history, output};
use crate::failure::Failure;
use crate::project::names::check_agent;
use crate::project::settings::{Change, path};
use crate::project::{Named, edit};

/// Give an agent another name
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al agent rename dev builder

Its folder gets the new name, and so does the name in its SKILL.md when it was
the old one. Paths in the project's config.toml follow. Where other agents name
it is listed, for you to change. Its history stays under the old name, and it
must have no runs that live or wait.")]
pub struct RenameArgs {
    /// The agent
    #[arg(value_name = "AGENT")]
    pub agent: String,

    /// What it is to be called
    #[arg(value_name = "NAME")]
    pub name: String,
}

pub fn run(args: &RenameArgs, context: &Context) -> Result<(), Failure> {
    must_be_project(context)?;
    let (old, new) = (args.agent.as_str(), args.name.as_str());
    context.must_have_agent(old)?;
    check_agent(new).map_err(|why| bad_name(new, &format!("this name {why}")))?;
    nothing_lives(old, context)?;
    let agents = context.dir.join("agents");
    let cannot = |error: std::io::Error| cannot_write("agents", &error);
    let lock = edit::lock(&agents).map_err(cannot)?;
    let (from, to) = (agents.join(old), agents.join(new));
    if fs::symlink_metadata(&to).is_ok() {
        let message = format!("agents/{new} is there already");
        return Err(Failure::user("exists", message).hint("nothing was changed"));
    }
    fs::rename(&from, &to).map_err(cannot)?;
    if let Err(failure) = follow(old, new, context) {
        // The folder goes back: a name that half of the project does not know is no name.
        fs::rename(&to, &from).map_err(cannot)?;
        return Err(failure);
    }
    drop(lock);
    output::print(&said(old, new, context))
}

/// # Errors
/// When runs of the agent have not ended: their folder would move away under them.
fn nothing_lives(agent: &str, context: &Context) -> Result<(), Failure> {
    let Some(reader) = history::reader(context)? else { return Ok(()) };
    let mut runs = reader.live_runs()?;
    runs.retain(|run| run.agent == agent);
    if runs.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = runs.iter().take(3).map(|run| run.id.as_str()).collect();
    let noun = if runs.len() == 1 { "run has" } else { "runs have" };
    let message = format!("{} {noun} not ended: {}", runs.len(), ids.join(", "));
    Err(Failure::user("runs_live", message)
        .hint(format!("let them end, and nothing new begin: al stop {agent}"))
        .hint(format!("end them now: al kill {agent}")))
}

/// Changes what names the agent and is sure to mean it.
///
/// # Errors
/// When a file cannot be changed; then all of them are as they were.
fn follow(old: &str, new: &str, context: &Context) -> Result<(), Failure> {
    let (before, after) = (format!("agents/{old}/"), format!("agents/{new}/"));
    let target = Target::project(context)?;
    let settings = target.settings(&target.read()?)?;
    let models = ["models".to_owned()];
    let file = |model: &String| [models[0].clone(), model.clone(), "file".to_owned()];
    let changes: Vec<Change> = settings
        .keys_of(&models)
        .iter()
        .filter_map(|model| {
            let key = file(model);
            let value = settings.text_of(&key)?;
            let value = value.contains(&before).then(|| value.replace(&before, &after))?;
            Some(Change::Set { key: path(&key), value })
        })
        .collect();
    let skill = Named::project(&context.dir).join("agents").join(new).join("SKILL.md");
    let renamed = match skill.read() {
        Ok(Some(source)) => renamed(&source.text, old, new).map(|text| (source, text)),
        // What cannot be read is not its old name either.
        Ok(None) | Err(_) => None,
    };
    if let Some((_, text)) = &renamed {
        edit::replace(&skill.path, text).map_err(|error| cannot_write(&skill.shown, &error))?;
    }
    let saved = match changes.is_empty() {
        true => Ok(()),
        false => target.save(&changes, None).map(drop),
    };
    if let (Err(_), Some((source, _))) = (&saved, &renamed) {
        // The failure that is told is the first one.
        let _ = edit::replace(&skill.path, &source.text);
    }
    saved
}

/// The instructions with the new name in their front matter; none when the old one is not there.
fn renamed(text: &str, old: &str, new: &str) -> Option<String> {
    const KEY: &str = "name:";
    let mut out = String::with_capacity(text.len());
    let (mut fences, mut found) = (0, false);
    for line in text.split_inclusive('\n') {
        fences += usize::from(line.trim_start_matches('\u{feff}').trim_end() == "---");
        let is_old = |value: &&str| value.trim().trim_matches(['"', '\'']) == old;
        match line.strip_prefix(KEY).filter(is_old) {
            Some(value) if fences == 1 && !found => {
                found = true;
                out.push_str(KEY);
                out.push_str(&value.replacen(old, new, 1));
            }
            _ => out.push_str(line),
        }
    }
    found.then_some(out)
}

fn said(old: &str, new: &str, context: &Context) -> String {
    // The folder may have had any name.
    let shown = safe(old);
    let mut text = format!("{shown} is {new} now; its history stays under {shown}\n");
    let places = mentions(old, &context.dir);
    if !places.is_empty() {
        text.push_str(&format!("these may still mean {shown}:\n"));
        places.iter().take(SHOWN).for_each(|place| text.push_str(&format!("  {}\n", safe(place))));
        if places.len() > SHOWN {
            text.push_str(&format!("  and {} more\n", places.len() - SHOWN));
        }
    }
    text + &counts_when(context)
}

const SHOWN: usize = 10;
/// Words beside which the name of an agent stands.
const BESIDE: [&str; 6] =
    ["al-call", "al-subagent", "al-wait-for", "call_agent", "agent", "al run"];

/// Lines of the project's files that may name the agent: `agents/boss/SKILL.md:12`.
fn mentions(name: &str, dir: &Path) -> Vec<String> {
    let project = Named::project(dir);
    let agents = crate::project::discover(dir).unwrap_or_default();
    let of_agents = agents.iter().flat_map(|agent| {
        let folder = project.join("agents").join(agent);
        ["SKILL.md", "config.toml"].map(|file| folder.join(file))
    });
    let own = ["config.toml", "AGENTS.md"].map(|file| project.join(file));
    let mut places = Vec::new();
    for file in own.into_iter().chain(of_agents) {
        let Ok(Some(source)) = file.read() else { continue };
        for (n, line) in source.text.lines().enumerate() {
            if BESIDE.iter().any(|word| line.contains(word)) && names(line, name) {
                places.push(format!("{}:{}", file.shown, n + 1));
            }
        }
    }
    places
}

/// Whether the name stands in the line as a word of its own.
fn names(line: &str, name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    line.match_indices(name).any(|(at, _)| {
        !line[..at].ends_with(inside) && !line[at + name.len()..].starts_with(inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_word_of_its_own() {
        let check = |line: &str, expected: bool| assert_eq!(names(line, "dev"), expected, "{line}");
        check("al-call dev", true);
        check("`dev`, then", true);
        check("devops", false);
        check("my-dev", false);
        check("agents/dev/x", true);
    }

    #[test]
    fn the_name_in_the_instructions_follows_when_it_was_the_old_one() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(renamed(text, "dev", "builder").as_deref(), expected);
        };
        // Agents whose names are a part of the key.
        for old in ["name", "a", "me"] {
            let text = format!("---\nname: '{old}'\n---\n");
            let expected = "---\nname: 'builder'\n---\n";
            assert_eq!(renamed(&text, old, "builder").as_deref(), Some(expected));
        }
        check(
            "---\r\nname: dev\r\n---\r\nname: dev\r\n",
            Some("---\r\nname: builder\r\n---\r\nname: dev\r\n"),
        );
        check("---\nname: \"dev\"\n---\n", Some("---\nname: \"builder\"\n---\n"));
        check("---\nname: Developer\n---\n", None);
        check("name: dev\n", None);
    }
}
