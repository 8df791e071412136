//! The machine's processes, as `/proc` shows them, and ending those of an attempt.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_process, kill_process_group, waitid,
};

use super::claim::{boot_id, pid};
use super::layout::Attempt;

/// Between two looks at processes that are about to end.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// A killed process that is not gone by then hangs in the kernel.
const GIVE_UP: Duration = Duration::from_secs(5);
/// A process that was told to stop does so the next time it gets the CPU.
const STAND_STILL: Duration = Duration::from_secs(1);

/// One line of `/proc/<pid>/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub pid: u32,
    pub parent: u32,
    pub group: u32,
    /// Ended, but its parent did not ask how.
    pub zombie: bool,
    /// Uses no CPU and will not before something else happens: it is stopped, has ended, or waits
    /// inside the kernel where no signal reaches it.
    pub still: bool,
    /// When it started, in clock ticks since the machine did; with the pid it names one process.
    pub started_ticks: u64,
    /// CPU time so far.
    pub cpu_ticks: u64,
    /// Memory in use.
    pub memory_pages: u64,
    pub threads: u64,
}

/// One process; none when there is none.
pub(super) fn look(pid: u32) -> Option<Process> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// All processes.
pub(super) fn all() -> Vec<Process> {
    pids().filter_map(look).collect()
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// `pid (name) state ppid pgrp session ...`; the name may hold anything, also `) `.
fn parse(stat: &str) -> Option<Process> {
    let pid = stat.split(' ').next()?.parse().ok()?;
    let rest: Vec<&str> = stat.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
    Some(Process {
        pid,
        zombie: matches!(*rest.first()?, "Z" | "X"),
        still: matches!(*rest.first()?, "T" | "t" | "D" | "Z" | "X"),
        parent: rest.get(1)?.parse().ok()?,
        group: rest.get(2)?.parse().ok()?,
        started_ticks: rest.get(19)?.parse().ok()?,
        cpu_ticks: rest.get(11)?.parse::<u64>().ok()? + rest.get(12)?.parse::<u64>().ok()?,
        memory_pages: rest.get(21)?.parse().ok()?,
        threads: rest.get(17)?.parse().ok()?,
    })
}

/// Sends a signal to a whole group; it may be gone already.
pub(super) fn signal_group(leader: Pid, signal: Signal) {
    let _ = kill_process_group(leader, signal);
}

/// Blocks until the leader has ended, and leaves it unburied, so that its number stays its own.
/// Orphans that end before it are buried: a run may take days, and their numbers are limited.
pub(super) fn await_leader(leader: Pid) {
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::All, ended) {
            Err(Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        match waitid(WaitId::Pid(leader), ended | WaitIdOptions::NOHANG) {
            Ok(None) => bury_orphans(leader),
            Ok(Some(_)) | Err(_) => return,
        }
    }
}

fn bury_orphans(leader: Pid) {
    let me = std::process::id();
    for orphan in all().iter().filter(|p| p.zombie && p.parent == me) {
        if let Some(pid) = pid(orphan.pid).filter(|pid| *pid != leader) {
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
    }
}

/// Waits until the group of an ended leader has no other living member, at most until then.
pub(super) fn await_group(leader: u32, until: Instant) {
    let living = || all().iter().any(|p| p.group == leader && p.pid != leader && !p.zombie);
    while Instant::now() < until && living() {
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Suspends a program with all it started, and waits until all of it stands still.
pub(super) fn suspend_family(leader: Pid) {
    // Whoever still moves then has the signal all the same.
    let until = Instant::now() + STAND_STILL;
    loop {
        // Again each time: a group may just have been made.
        signal_family(leader, Signal::STOP);
        if family().iter().all(|p| p.still) || Instant::now() >= until {
            return;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Sends a signal to a program's group and to those that its descendants made for themselves, as
/// shells and agents do for the commands they run.
pub(super) fn signal_family(leader: Pid, signal: Signal) {
    signal_group(leader, signal);
    let groups: BTreeSet<u32> = family().iter().map(|p| p.group).collect();
    for group in groups.into_iter().filter_map(pid).filter(|group| *group != leader) {
        signal_group(group, signal);
    }
}

/// The descendants of this process that are in no group with it.
fn family() -> Vec<Process> {
    let mut others = all();
    let own = getpgrp().as_raw_nonzero().get() as u32;
    let mut parents = BTreeSet::from([std::process::id()]);
    let mut family = Vec::new();
    loop {
        let (found, rest): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|p| parents.contains(&p.parent));
        if found.is_empty() {
            return family;
        }
        parents.extend(found.iter().map(|p| p.pid));
        family.extend(found.into_iter().filter(|p| p.group != own));
        others = rest;
    }
}

/// Ends everything a program left behind: its group, and whatever became a child of this process
/// because its own parent ended (this process is a sub-reaper, so daemons land here too). The leader
/// must have ended and not been waited for, which keeps its number from being given to another.
pub(super) fn end_family(leader: Pid) {
    let me = std::process::id();
    let raw_leader = leader.as_raw_nonzero().get() as u32;
    // The usual end: whatever else there was would be a child of this process by now, or have an
    // ancestor that is. It spares a look at every process of the machine.
    if children().is_some_and(|children| children.iter().all(|child| *child == raw_leader)) {
        return;
    }
    let give_up = Instant::now() + GIVE_UP;
    // A process may change its parent while the list is read; two empty looks are needed.
    let mut empty_looks = 0;
    while empty_looks < 2 && Instant::now() < give_up {
        signal_group(leader, Signal::KILL);
        let mut living = 0;
        for process in all() {
            let mine = process.parent == me;
            if process.pid == raw_leader || !(mine || process.group == raw_leader) {
                continue;
            }
            let Some(pid) = pid(process.pid) else { continue };
            if mine && process.zombie {
                let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
                let _ = waitid(WaitId::Pid(pid), ended);
            } else if !process.zombie {
                living += 1;
                if mine {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
        }
        if living == 0 {
            empty_looks += 1;
        } else {
            empty_looks = 0;
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

/// Children of this process; none when the kernel does not list them.
fn children() -> Option<Vec<u32>> {
    let mut children = Vec::new();
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let listed = fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
        children.extend(listed.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Some(children)
}

/// What the supervisor notes about the program it started.
pub(super) fn note(pid: u32) -> String {
    let ticks = look(pid).map_or(0, |p| p.started_ticks);
    format!("{pid} {ticks}\n")
}

/// Ends the processes of an attempt whose supervisor was killed: the program's group, when the
/// program is still the one that was started, and every process that carries the attempt's signal
/// directory in its environment.
pub(super) fn end_abandoned(attempt: &Attempt, boot: &str) {
    if boot != boot_id() {
        return; // the machine was started anew since, and nothing of it lives
    }
    let noted = fs::read_to_string(attempt.program()).unwrap_or_default();
    let mut words = noted.split_whitespace().map(str::parse::<u64>);
    if let (Some(Ok(leader)), Some(Ok(ticks))) = (words.next(), words.next())
        && let Ok(leader) = u32::try_from(leader)
        && look(leader).is_some_and(|p| p.started_ticks == ticks)
        && let Some(leader) = pid(leader)
    {
        signal_group(leader, Signal::KILL);
    }
    let mark = format!("AL_SIGNAL_DIR={}", attempt.signals().display());
    let give_up = Instant::now() + GIVE_UP;
    while Instant::now() < give_up {
        let marked: Vec<Pid> = pids()
            .filter(|raw| *raw != std::process::id() && carries(*raw, mark.as_bytes()))
            .filter_map(pid)
            .collect();
        if marked.is_empty() {
            return;
        }
        for pid in marked {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// What a process was started with; nothing of one that is gone or that is another user's.
pub(super) fn environ(pid: u32) -> Vec<(String, String)> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let pair = |one: &str| one.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
    text.split('\0').filter_map(pair).collect()
}

/// Whether a living process was started with this variable.
fn carries(pid: u32, variable: &[u8]) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|all| all.split(|b| *b == 0).any(|one| one == variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let rest = "S 7 42 42 0 -1 4194304 1 0 0 0 30 4 0 0 20 0 5 0 99887 1 2";
        let want = Process {
            pid: 42,
            parent: 7,
            group: 42,
            zombie: false,
            still: false,
            started_ticks: 99887,
            cpu_ticks: 34,
            memory_pages: 2,
            threads: 5,
        };
        for name in ["sh", "a b", ") Z 1 1", "(x)"] {
            assert_eq!(parse(&format!("42 ({name}) {rest}")), Some(want));
        }
        let stopped = parse(&format!("42 (sh) {}", rest.replacen('S', "T", 1)));
        assert_eq!(stopped, Some(Process { still: true, ..want }));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn this_process_is_listed() {
        let me = std::process::id();
        assert_eq!(look(me).map(|p| (p.pid, p.zombie)), Some((me, false)));
        assert!(all().iter().any(|p| p.pid == me));
    }
}
