//! The files of a project: read, and written so that all of them change or none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::super::Context;
use super::history;
use crate::failure::Failure;
use crate::project::migrate::{AgentFiles, Home, LEFTOVERS, Plan, ProjectFiles};
use crate::project::{self, Draft, Named, discover, edit, environments_dir, names, render};

/// Where what was there is kept, below the project.
const KEPT: &str = ".al/before-migration";

/// The files as they are.
pub fn read(context: &Context) -> Result<ProjectFiles, Failure> {
    let folder = Named::project(&context.dir);
    if !folder.path.is_dir() {
        let message = match folder.path.exists() {
            true => format!("{} is no folder", context.dir.display()),
            false => format!("there is no folder {}", context.dir.display()),
        };
        return Err(Failure::user("no_folder", message).hint("al migrate DIR names the project"));
    }
    let text = |file: &Named| match file.read() {
        Ok(source) => Ok(source.map(|source| source.text.clone())),
        Err(problem) => Err(Failure::config("project_errors", problem.sentence())
            .report(render(&[problem], context.look.err.color))),
    };
    let listed = discover(&context.dir).map_err(|error| {
        Failure::upstream("no_folder", format!("agents cannot be listed: {error}"))
    })?;
    let mut agents = Vec::new();
    for name in listed {
        let dir = folder.join("agents").join(&name);
        let files = AgentFiles {
            config: text(&dir.join("config.toml"))?,
            agent_config: text(&dir.join("agent-config.toml"))?,
            skill: text(&dir.join("SKILL.md"))?,
            actions: text(&dir.join("ACTIONS.md"))?,
            name,
        };
        // A folder of notes is no agent.
        if files.config.is_some() || files.agent_config.is_some() || files.skill.is_some() {
            agents.push(files);
        }
    }
    let mut known = Vec::new();
    for name in project::environments(&context.al_home) {
        let file = Named::new(project::environment_file(&context.al_home, &name));
        // One that cannot be read is another command's business.
        if names::check_environment(&name).is_ok()
            && let Ok(Some(source)) = file.read()
        {
            known.push((name, source.text.clone()));
        }
    }
    let there = |name: &&str| fs::symlink_metadata(folder.path.join(name)).is_ok();
    Ok(ProjectFiles {
        config: text(&folder.join("config.toml"))?,
        env: text(&folder.join(".env.toml"))?,
        environments: known,
        agents,
        package: text(&folder.join("package.json"))?,
        gitignore: text(&folder.join(".gitignore"))?,
        mcp: text(&folder.join(".mcp.json"))?,
        has_history: history::file(context).is_some(),
        leftovers: LEFTOVERS.iter().filter(|name| there(name)).map(|n| (*n).to_owned()).collect(),
    })
}

/// The files as they will be, for a look at the project they make.
pub fn draft(plan: &Plan, context: &Context) -> Draft {
    let folder = Named::project(&context.dir).path;
    let mut texts = BTreeMap::new();
    for change in &plan.changes {
        let home = match change.home {
            Home::Project => &folder,
            Home::Environments => &context.al_home,
        };
        texts.insert(home.join(&change.file), Some(change.after.clone()));
        texts.extend(change.was.iter().map(|was| (home.join(was), None)));
    }
    texts.extend(plan.retired.iter().map(|file| (folder.join(file), None)));
    Draft(texts)
}

/// Keeps others who edit these files waiting until it is dropped. They are still what they were when
/// they were read. The folder of the agents comes first, as for `al agent rename`: whoever takes
/// several in one order waits for nobody who waits for them.
///
/// # Errors
/// When somebody has changed one of them meanwhile, or a folder cannot be opened.
pub fn alone(found: &ProjectFiles, context: &Context) -> Result<Vec<File>, Failure> {
    let agents = context.dir.join("agents");
    let mut folders = vec![agents.clone(), context.dir.clone(), environments_dir(&context.al_home)];
    folders.extend(found.agents.iter().map(|agent| agents.join(&agent.name)));
    folders.retain(|folder| folder.is_dir());
    let locked = folders.iter().map(|folder| {
        edit::lock(folder).map_err(|error| {
            let message = format!("{} cannot be opened: {error}", folder.display());
            Failure::upstream("not_written", message)
        })
    });
    let locks = locked.collect::<Result<Vec<_>, _>>()?;
    if read(context)? != *found {
        let message = "the project was changed by somebody else meanwhile";
        return Err(Failure::user("changed_meanwhile", message)
            .hint("look at what is left to do: al migrate"));
    }
    Ok(locks)
}

/// What was done, to be undone when something after it fails.
enum Done {
    Wrote { file: PathBuf, before: Option<String>, after: String },
    Removed { file: PathBuf, kept: PathBuf },
}

/// Carries a plan out: copies of what was there first, then the new files, then old names go.
/// Yields the folder with the copies.
///
/// # Errors
/// When something cannot be written; then all files are as they were.
pub fn write(plan: &Plan, context: &Context) -> Result<PathBuf, Failure> {
    let kept = free(&context.dir.join(KEPT));
    let mut done = Vec::new();
    let result = keep(plan, context, &kept).and_then(|()| change(plan, context, &kept, &mut done));
    let Err((file, error)) = result else { return Ok(kept) };
    // Nothing more can be done about one that fails: the copies are there.
    done.into_iter().rev().for_each(|step| drop(undo(step)));
    let message = format!("{} cannot be written: {error}", file.display());
    Err(Failure::upstream("not_written", message).hint("the files are as they were"))
}

/// Takes back what this command wrote; what somebody else has written there since stays.
fn undo(step: Done) -> io::Result<()> {
    match step {
        Done::Wrote { file, after, .. } if edit::text(&file)? != after => Ok(()),
        Done::Wrote { file, before: Some(before), .. } => edit::replace(&file, &before),
        Done::Wrote { file, before: None, .. } => fs::remove_file(file),
        Done::Removed { file, .. } if fs::symlink_metadata(&file).is_ok() => Ok(()),
        Done::Removed { file, kept } => fs::copy(kept, file).map(drop),
    }
}

type Written = Result<(), (PathBuf, io::Error)>;

fn home(home: Home, context: &Context) -> &Path {
    match home {
        Home::Project => &context.dir,
        Home::Environments => &context.al_home,
    }
}

fn keep(plan: &Plan, context: &Context, kept: &Path) -> Written {
    let mut copies: Vec<(Home, &str)> = Vec::new();
    for change in &plan.changes {
        if change.before.is_some() {
            copies.push((change.home, change.was.as_deref().unwrap_or(&change.file)));
        }
    }
    copies.extend(plan.retired.iter().map(|file| (Home::Project, file.as_str())));
    for (at, file) in copies {
        let to = kept.join(file);
        let copied = fs::create_dir_all(to.parent().unwrap_or(kept))
            .and_then(|()| fs::copy(home(at, context).join(file), &to));
        copied.map_err(|error| (to, error))?;
    }
    Ok(())
}

fn change(plan: &Plan, context: &Context, kept: &Path, done: &mut Vec<Done>) -> Written {
    for change in &plan.changes {
        let file = home(change.home, context).join(&change.file);
        let older = change.was.as_ref().map_or_else(|| file.clone(), |was| context.dir.join(was));
        let written = edit::replace_as(&file, &change.after, &older);
        written.map_err(|error| (file.clone(), error))?;
        let before = change.before.clone().filter(|_| change.was.is_none());
        done.push(Done::Wrote { file, before, after: change.after.clone() });
    }
    let older = plan.changes.iter().filter_map(|change| change.was.as_ref());
    for name in older.chain(&plan.retired) {
        let file = context.dir.join(name);
        fs::remove_file(&file).map_err(|error| (file.clone(), error))?;
        done.push(Done::Removed { file, kept: kept.join(name) });
    }
    Ok(())
}

/// The folder, or one beside it that is not there yet.
fn free(folder: &Path) -> PathBuf {
    let numbered = |n: u32| PathBuf::from(format!("{}-{n}", folder.display()));
    match folder.exists() {
        false => folder.to_owned(),
        true => (2..).map(numbered).find(|f| !f.exists()).unwrap_or_else(|| folder.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undo_takes_back_no_text_of_somebody_else() {
        let dir = tempfile::tempdir().unwrap();
        let (file, kept) = (dir.path().join("config.toml"), dir.path().join("kept"));
        fs::write(&kept, "old").unwrap();
        let wrote = |before: Option<&str>| Done::Wrote {
            file: file.clone(),
            before: before.map(str::to_owned),
            after: "ours".to_owned(),
        };
        let removed = || Done::Removed { file: file.clone(), kept: kept.clone() };
        let check = |now: Option<&str>, step: Done, then: Option<&str>| {
            let _ = fs::remove_file(&file);
            now.iter().for_each(|now| fs::write(&file, now).unwrap());
            undo(step).unwrap();
            assert_eq!(fs::read_to_string(&file).ok().as_deref(), then);
        };
        check(Some("ours"), wrote(Some("old")), Some("old"));
        check(Some("theirs"), wrote(Some("old")), Some("theirs"));
        check(Some("ours"), wrote(None), None);
        check(Some("theirs"), wrote(None), Some("theirs"));
        check(None, removed(), Some("old"));
        check(Some("theirs"), removed(), Some("theirs"));
    }
}
