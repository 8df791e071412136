//! Fetching for a person at the terminal: progress, Ctrl-C, and what a failure means for them.

use std::io::{IsTerminal as _, stderr};
use std::path::Path;
use std::sync::atomic::Ordering;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::ambient;
use crate::cli::output;
use crate::cli::paint::safe;
use crate::cli::table::{Fit, cut};
use crate::failure::Failure;
use crate::skills::{BASE, Limits, Origin, Repository, SkillError, Stop};

/// A flag that the first Ctrl-C sets; the second ends the program at once.
///
/// # Errors
/// When the system lets nobody know of signals.
pub fn stop() -> Result<Stop, Failure> {
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_shutdown(signal, 130, stop.clone())
            .and_then(|_| flag::register(signal, stop.clone()))
            .map_err(|e| Failure::upstream("signals", format!("no signals can be heard: {e}")))?;
    }
    Ok(stop)
}

/// # Errors
/// When a person ended it.
pub fn go_on(stop: &Stop) -> Result<(), Failure> {
    if stop.load(Ordering::Relaxed) { Err(Failure::interrupted()) } else { Ok(()) }
}

/// Reads what a person or a file names as a source.
///
/// # Errors
/// When it is none.
pub fn origin(text: &str, dir: &Path) -> Result<Origin, Failure> {
    let base = ambient::env("AL_GIT_BASE").filter(|base| !base.is_empty());
    Origin::parse(text, base.as_deref().unwrap_or(BASE), dir).map_err(failure)
}

/// Fetches, and says on stderr how far it is.
///
/// # Errors
/// When it cannot be had.
pub fn fetch(origin: &Origin, reference: Option<&str>, stop: &Stop) -> Result<Repository, Failure> {
    let watched = stderr().is_terminal() && origin.has_commits();
    let say = |what: &str| {
        if watched {
            let line = cut(&format!("fetching {}: {}", origin.shown(), safe(what)), 78, Fit::End);
            output::remark(&format!("\r\x1b[K{line}"));
        }
    };
    say("...");
    let fetched =
        Repository::fetch(origin, reference, Limits::default(), stop, &mut |line| say(line));
    if watched {
        output::remark("\r\x1b[K");
    }
    fetched.map_err(failure)
}

/// What a person is told of an error.
pub fn failure(error: SkillError) -> Failure {
    let message = safe(&error.to_string());
    match error {
        SkillError::Origin { hint, .. } => Failure::user("bad_source", message).hint(hint),
        SkillError::NoGit => Failure::upstream("no_git", message)
            .hint("install git, or name a folder: al add ./skills"),
        SkillError::Fetch { said, .. } => {
            let failure = Failure::upstream("fetch_failed", message);
            match said.contains("remote ref") {
                true => failure.hint("`--ref` names a branch, a tag, or the whole id of a commit"),
                false => failure
                    .hint("is the name right, and may you read it? git is never asked for a password here")
                    .hint("private ones need an ssh key or git's credential helper"),
            }
        }
        SkillError::TooSlow { .. } => Failure::upstream("fetch_failed", message),
        SkillError::TooLarge { .. } => Failure::user("skill_refused", message)
            .hint("clone it yourself, and name the folder of the skill: al add ./clone/skills/x"),
        SkillError::Interrupted => Failure::interrupted(),
        SkillError::Refused { .. } => Failure::user("skill_refused", message)
            .hint("nothing was written; whoever keeps the repository has to change that"),
        SkillError::Missing(_) => Failure::user("no_skill", message),
        SkillError::Garbled(_) | SkillError::Io { .. } => Failure::upstream("skill_files", message),
    }
}

/// The first digits of a commit, as people know them.
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
