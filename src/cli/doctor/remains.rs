//! What schedulers and runs left behind.

use super::scene::Scene;
use crate::cli::{Context, gc, history, running};
use crate::project::{Mend, Problem};
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
