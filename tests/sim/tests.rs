//! What the test binary can be asked for.

use std::process::ExitCode;
use std::time::Instant;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::disk::Disk;
use crate::mutants::{MUTANTS, Place};
use crate::plan::Plan;
use crate::play::{self, Failure};

/// Seeds that every test run plays.
const FIRST_SEEDS: u64 = 1_500;
/// A mutant that is not noticed by then has survived.
const SEEDS_MAX: u64 = 5_000;

const REGRESSIONS: &str = include_str!("regressions.txt");

/// As `cargo test` and nextest call it.
pub fn harness() -> ExitCode {
    let trials = vec![
        Trial::test("what_failed_once_works", regressions),
        Trial::test("the_first_seeds_keep_the_rules", first_seeds),
        Trial::test("the_same_seed_is_the_same_world", the_same_twice),
        Trial::test("the_first_seeds_see_everything_there_is", the_first_seeds_see_it_all),
        Trial::test("every_mutant_is_noticed", || table().map(|_| ())),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn told(failure: &Failure) -> Failed {
    Failed::from(play::report(failure))
}

/// Each line is a seed or a plan, and what it was about stands above it after a `#`.
fn regressions() -> Result<(), Failed> {
    let disk = Disk::new();
    let lines = REGRESSIONS.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.parse::<u64>() {
            Ok(seed) => play::seed(seed, &disk, None).map_err(|failure| told(&failure))?,
            Err(_) => {
                let plan: Plan = serde_json::from_str(line)?;
                play::plan(&plan, &disk).map_err(|v| format!("{line}\n  {v}"))?;
            }
        }
    }
    Ok(())
}

fn first_seeds() -> Result<(), Failed> {
    let (_, failures) = play::many(0, None, |n| n < FIRST_SEEDS);
    failures.first().map_or(Ok(()), |failure| Err(told(failure)))
}

fn the_same_twice() -> Result<(), Failed> {
    let disk = Disk::new();
    for seed in 0..50 {
        let history = || play::history(seed, &disk);
        let (first, second) = (history(), history());
        if first != second {
            return Err(format!("seed {seed} has two histories").into());
        }
    }
    Ok(())
}

/// What the first seeds have to meet, as the histories of worlds spell it: a rule about something
/// that never happens holds for nothing.
const SIGHTS: &[&str] = &[
    // reasons
    "AgentBusy {",
    "ProjectBusy {",
    "QueueAhead {",
    "Paused {",
    "Disabled",
    "UnknownAgent",
    "why: Exited {",
    "why: AgentExit {",
    "why: Signalled {",
    "why: TimedOut {",
    "why: KilledBy {",
    "why: DroppedBy {",
    "why: QueueFull {",
    "why: StoppedBy {",
    "why: CannotStart {",
    "why: Lost",
    "LaneBusy {",
    "NotBefore {",
    "why: Retry {",
    "LaterFull {",
    "why: Replaced {",
    "Missed {",
    "AgentGone",
    "TimedOut, payload: None",
    "by: Answer {",
    "CannotContinue {",
    "SelfCall",
    "CallDepth {",
    "CallCycle {",
    "CallersTakeAll {",
    "NoSuchChoice {",
    "WaitsAlready",
    "RerunLimit {",
    "outcome: NoMatch",
    // effects
    "}, Begun)",
    "}, Done)",
    "}, Absent)",
    "}, Lost)",
    "}, Failed {",
    "attempt: 2",
    "Sweep {",
    "Paced {",
    "Continue {",
    "Requeue {",
    // events
    "kind: Rerun",
    "RunReported {",
    "TimerDue(Prune)",
    "ClockSetBack",
    "TimerDue(Unpause(",
    "TimerDue(Ready(",
    "TimerDue(Wait(",
    "TimerDue(Lock(",
    "RemoveAgent {",
    "Raise {",
    "Clear {",
    // answers
    "Answer(Duplicate(",
    "Answer(Refused(Stopping))",
    "Answer(ToRun(Called {",
    "Answer(ToRun(HeldBy {",
    "Answer(ToRun(Deadlock {",
    "Answer(ToRun(NotLocked {",
    "Answer(ToRun(Waits {",
    "Answer(NotFound {",
    "Confirm {",
    "Stale {",
    "Quit",
];

fn the_first_seeds_see_it_all() -> Result<(), Failed> {
    let disk = Disk::new();
    let mut missing = SIGHTS.to_vec();
    for seed in 0..SEEDS_MAX {
        if missing.is_empty() {
            return Ok(());
        }
        let history = play::history(seed, &disk);
        missing.retain(|sight| !history.contains(sight));
    }
    Err(format!("no world saw: {}", missing.join(", ")).into())
}

/// Mutant, seed and rule, a line each.
fn table() -> Result<String, Failed> {
    let mut lines = String::new();
    let mut survivors = Vec::new();
    for (name, mistake) in MUTANTS {
        let (_, failures) = play::many(0, Some(*mistake), |n| n < SEEDS_MAX);
        match failures.first() {
            Some(failure) => {
                let rule = failure.violation.rule;
                let line = format!("{name:<40} seed {:<5} {rule}", failure.seed);
                println!("{line}");
                lines.push_str(&line);
            }
            None => survivors.push(*name),
        }
    }
    if survivors.is_empty() {
        return Ok(lines);
    }
    Err(format!("nothing notices: {}", survivors.join(", ")).into())
}

pub fn show_mutants() -> ExitCode {
    match table() {
        Ok(_) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("{}", failed.message().unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

pub fn one(seed: u64) -> ExitCode {
    match play::seed(seed, &Disk::new(), None::<Place>) {
        Ok(()) => {
            println!("seed {seed} keeps the rules");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{}", play::report(&failure));
            ExitCode::FAILURE
        }
    }
}

/// Seeds that nobody played before, most likely.
pub fn new_seeds(seconds: u64) -> ExitCode {
    let first = u64::try_from(action_llama::ambient::now_ms()).unwrap_or_default() * 1000;
    seeds_from(first, seconds)
}

pub fn seeds_from(first: u64, seconds: u64) -> ExitCode {
    println!("seeds from {first}, for {seconds} s");
    let began = Instant::now();
    let (played, failures) = play::for_seconds(first, seconds);
    let rate = played as f64 / began.elapsed().as_secs_f64();
    println!("{played} seeds, {rate:.0} a second, {} failed", failures.len());
    failures.iter().for_each(|failure| println!("\n{}", play::report(failure)));
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
