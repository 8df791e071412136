//! What schedulers and runs left behind.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::scene::Scene;
use crate::cli::paths::short;
use crate::cli::{Context, gc, history, running};
use crate::project::{Mend, Named, Problem, environments_dir};
use crate::scheduler::Lock;

/// Where a scheduler listened that did not end in order. Nobody believes the file, but people look.
pub fn scheduler(scene: &Scene<'_>) -> Vec<Problem> {
    let file = scene.file(".al").join(running::FILE);
    if !file.path.exists() || running::running(&scene.context.state_dir()).is_some() {
        return Vec::new();
    }
    let message = "the last scheduler did not end in order; runs of it may still go on";
    let problem = Problem::error(&file, message).code("scheduler_died").warning();
    vec![problem.hint("al start takes them over").mend(Some(Mend::Remove))]
}

/// Locks that nobody can want any more, while no scheduler is there to free them.
pub fn locks(scene: &Scene<'_>) -> Vec<Problem> {
    let file = scene.file(".al").join(crate::store::FILE);
    let problem = |lock: Lock, why: &str| {
        let message = format!("run {} still holds the lock {}: {why}", lock.run, lock.key);
        Problem::error(&file, message)
            .code("lock_stale")
            .warning()
            .hint("al start frees it")
            .mend(Some(Mend::Apart))
    };
    stale_locks(scene.context).into_iter().map(|(lock, why)| problem(lock, why)).collect()
}

/// Those locks, and why each is one.
pub fn stale_locks(context: &Context) -> Vec<(Lock, &'static str)> {
    if running::running(&context.state_dir()).is_some() {
        return Vec::new();
    }
    // A history that cannot be read is told of elsewhere.
    let Ok(Some(reader)) = history::reader(context) else { return Vec::new() };
    let now = context.now_ms;
    let stale = |lock: Lock| {
        let run = reader.run(&lock.run).ok()?;
        let alive = run.as_ref().is_some_and(|r| !r.state.ended() && r.attempt == lock.attempt);
        match alive {
            false => Some((lock, "it is over")),
            true if lock.until <= now => Some((lock, "its time is up")),
            true => None,
        }
    };
    reader.locks().unwrap_or_default().into_iter().filter_map(stale).collect()
}

/// Files and folders that a command was writing when it was killed. Nobody reads them, and the one
/// that they were to replace is as it was.
pub fn half_written(scene: &Scene<'_>) -> Vec<Problem> {
    let agents = scene.file("agents");
    let environments = environments_dir(&scene.context.al_home);
    let mut folders = vec![scene.file("."), agents.clone()];
    folders.extend(scene.project.agents.iter().map(|agent| agents.join(&agent.name)));
    folders.push(Named::shown_as(environments.clone(), short(&environments)));
    folders.iter().flat_map(half_written_in).collect()
}

fn half_written_in(folder: &Named) -> Vec<Problem> {
    let entries = fs::read_dir(&folder.path).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| writer(name).is_some_and(is_gone));
    names.sort_unstable();
    let problem = |name: &String| {
        let message = "a command that was killed was writing this, and nothing needs it";
        Problem::error(&folder.join(name), message)
            .code("half_written")
            .warning()
            .mend(Some(if name.ends_with(FOLDER) { Mend::RemoveFolder } else { Mend::Remove }))
    };
    names.iter().map(problem).collect()
}

/// How the name of a folder that is being written ends.
const FOLDER: &str = ".new";

/// The process that writes something of this name: `.config.toml.123-0.tmp` of `edit::temporary`, or
/// `.dev.123.new` of `edit::temporary_folder`.
fn writer(name: &str) -> Option<Pid> {
    let name = name.strip_prefix('.')?;
    let number = |text: &str| text.parse::<i32>().ok().filter(|n| *n > 0);
    let (stem, pid) = match name.strip_suffix(".tmp") {
        Some(name) => {
            let (stem, numbers) = name.rsplit_once('.')?;
            let (pid, count) = numbers.split_once('-')?;
            count.parse::<u64>().ok()?;
            (stem, pid)
        }
        None => name.strip_suffix(FOLDER)?.rsplit_once('.')?,
    };
    Pid::from_raw(number(pid).filter(|_| !stem.is_empty())?)
}

fn is_gone(pid: Pid) -> bool {
    test_kill_process(pid) == Err(Errno::SRCH)
}

/// Containers, files and shells of runs that are over.
pub fn left_over(scene: &Scene<'_>) -> Vec<Problem> {
    if !scene.file(".al").path.is_dir() {
        return Vec::new();
    }
    scene.progress.say("looking for what runs left over");
    let Ok(left) = gc::look(scene.tokio, scene.context) else { return Vec::new() };
    let Some(first) = left.first() else { return Vec::new() };
    let more = match left.len() - 1 {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let message = format!("left over: {} {}{more}", first.word(), first.name);
    let problem = Problem::error(&scene.file(".al"), message).code("left_over").warning();
    vec![problem.hint("al gc shows all of it, and removes it").mend(Some(Mend::Apart))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::stage::Staged;
    use crate::project::edit;
    use crate::skills;

    #[test]
    fn who_was_writing_stands_in_the_name() {
        let check = |name: &str, expected: Option<i32>| {
            assert_eq!(writer(name).map(|pid| pid.as_raw_nonzero().get()), expected, "{name}");
        };
        check(".config.toml.123-0.tmp", Some(123));
        check("..env.toml.7-12.tmp", Some(7));
        check(".dev.42.new", Some(42));
        check(".al-new.42.new", Some(42));
        check("config.toml.123-0.tmp", None);
        check(".config.toml.123.tmp", None);
        check(".notes.new", None);
        check(".42.new", None);
        check(".dev.-1.new", None);
        check(".dev.0.new", None);
    }

    #[test]
    fn what_this_process_writes_is_known_to_be_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let _new = Staged::write(dir.path(), "dev", &[]).unwrap();
        let _added = skills::prepare(dir.path(), "nice", &skills::Bundle::default()).unwrap();
        fs::write(edit::temporary(&dir.path().join("config.toml")), "").unwrap();
        let entries = fs::read_dir(dir.path()).unwrap();
        let names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(names.len(), 3);
        for name in names {
            assert_eq!(writer(&name), Some(rustix::process::getpid()), "{name}");
        }
    }
}
