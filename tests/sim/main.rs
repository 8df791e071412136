//! The deterministic simulation: the real rules and the real database in a world made of dice.
//!
//! `engine::turn` with the real `scheduler` and the real `store` (SQLite) is driven through worlds
//! in which everything goes wrong that can go wrong, and after every step the rules in [`rules`] are
//! checked. A world depends on its seed and on nothing else: no clock, no thread and no hash order
//! has a say, so a seed that fails fails again.
//!
//! What is simulated:
//!
//! * the host's loop around the turn (`engine::writer`, in [`world`]'s `turn`) and the futures that
//!   carry effects out (`engine::drive`, in `driver`), with crash points between any two of their
//!   steps: within a turn, after the commit and between the answers and acts that follow, after
//!   `begun` and before the act, after the act and before the news; and the driver's rounds;
//! * processes: slow to start, refused, there already, vanishing, deaf to a stop, ending in every
//!   way, standing still when told and going on when told, and talking through the gateway long
//!   after their end: they take locks in circles, call one another, back to where the call came
//!   from, and wait for deliveries, calls and answers;
//! * senders that send again until they get a 2xx, twice, or out of order; operators whose commands
//!   are late, double or about what is gone, and who say yes to old questions; who order runs for
//!   later, hold agents for a while, answer, unlock and kill what a run called;
//! * the project's files: agents come, go and change while the host runs, and it reads them late;
//! * the clock: it passes, it is set forwards and back, and it begins near clock changes in the
//!   zones of the agents' schedules;
//! * disasters: the host is killed, the machine is switched off, the disk is full at any write.
//!
//! What is not: threads and channels of the host, the bytes of HTTP and of log files, a real kernel
//! (`tests/crash` kills the real binary), two schedulers at once (a file lock keeps them apart), a host
//! that was started for one run only, a row that cannot be written while others can, and SQLite's own
//! recovery: the database lives in memory, where a lost host is a transaction rolled back.
//!
//! ```text
//! cargo test --test sim         regressions, mutants, and the first seeds
//! cargo al-sim 60               new seeds for a minute
//! cargo al-sim --seed 123       one seed, as often as you like
//! cargo al-sim mutants          which rule notices which mistake
//! ```
//!
//! To add a kind of event: a variant of [`plan::Step`], its weight in [`seed`], its effect in
//! [`world`]. To add a rule: a row in one of the tables in [`rules`]. To add a mutant: a variant of
//! `scheduler::mutant::Mutant` with the place where it does harm, and a row in [`mutants`].
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]
// The switches for full disks and mutants are in builds with debug assertions only.
#![cfg_attr(not(debug_assertions), allow(unused))]

#[cfg(debug_assertions)]
mod disk;
#[cfg(debug_assertions)]
mod ledger;
#[cfg(debug_assertions)]
mod mutants;
#[cfg(debug_assertions)]
mod plan;
#[cfg(debug_assertions)]
mod play;
#[cfg(debug_assertions)]
mod rng;
#[cfg(debug_assertions)]
mod rules;
#[cfg(debug_assertions)]
mod seed;
#[cfg(debug_assertions)]
mod tests;
#[cfg(debug_assertions)]
mod watcher;
#[cfg(debug_assertions)]
mod world;

use std::process::ExitCode;

#[cfg(debug_assertions)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--seed", seed] => match seed.parse() {
            Ok(seed) => tests::one(seed),
            Err(_) => usage(),
        },
        ["mutants"] => tests::show_mutants(),
        [seconds] if seconds.parse::<u64>().is_ok() => {
            tests::new_seeds(seconds.parse().unwrap_or_default())
        }
        [seconds, "--from", first] => match (seconds.parse(), first.parse()) {
            (Ok(seconds), Ok(first)) => tests::seeds_from(first, seconds),
            _ => usage(),
        },
        _ => tests::harness(),
    }
}

#[cfg(debug_assertions)]
fn usage() -> ExitCode {
    eprintln!("usage: cargo al-sim <seconds> [--from <seed>] | --seed <seed> | mutants");
    ExitCode::FAILURE
}

#[cfg(not(debug_assertions))]
fn main() -> ExitCode {
    println!("the simulation needs a build with debug assertions");
    ExitCode::SUCCESS
}
