//! Playing worlds: one seed, many seeds on all cores, and the shortest plan that still fails.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Mutex;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::disk::Disk;
use crate::mutants::{Faults, Place};
use crate::plan::{Plan, Step};
use crate::rules::Violation;
use crate::seed::Chooser;
use crate::world::{World, play};

/// A world that broke a rule.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub plan: Plan,
    pub violation: Violation,
}

thread_local! {
    /// A panic in a world is a finding, not a message.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic in it breaks a rule as well.
fn caught(work: impl FnOnce() -> Result<(), Violation>) -> Result<(), Violation> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        Err(Violation::new("nothing panics", text.to_owned()))
    })
}

/// Plays the world of a seed.
pub fn seed(seed: u64, disk: &Disk, mistake: Option<Place>) -> Result<(), Box<Failure>> {
    let (mut chooser, setup) = Chooser::new(seed);
    let mut plan = Plan { setup, steps: Vec::new() };
    let result = Place::with(mistake, |faults| {
        caught(|| {
            let mut world = World::new(plan.setup.clone(), disk, faults);
            while let Some(step) = chooser.next(&world) {
                plan.steps.push(step.clone());
                world.take(&step)?;
            }
            world.rest()
        })
    });
    result.map_err(|violation| Box::new(Failure { seed, plan, violation }))
}

/// Plays a plan without any mistake.
pub fn plan(plan: &Plan, disk: &Disk) -> Result<(), Violation> {
    caught(|| play(plan, disk, Faults::NONE))
}

/// The same failure with as few steps as leaving out gets to.
pub fn shrink(failure: &Failure, disk: &Disk) -> Failure {
    let mut plan = failure.plan.clone();
    let mut violation = failure.violation.clone();
    let mut fails = |steps: Vec<Step>| {
        let shorter = Plan { setup: plan.setup.clone(), steps };
        match self::plan(&shorter, disk) {
            Err(other) if other.rule == violation.rule => {
                violation = other;
                plan = shorter;
                true
            }
            _ => false,
        }
    };
    let mut steps = failure.plan.steps.clone();
    let mut size = steps.len() / 2;
    while size > 0 {
        let (mut at, mut shorter) = (0, false);
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(fewer.len()));
            if fails(fewer.clone()) {
                steps = fewer;
                shorter = true;
            } else {
                at += size;
            }
        }
        // Single steps are tried until none can go.
        size = if size == 1 && shorter { 1 } else { size / 2 };
    }
    Failure { seed: failure.seed, plan, violation }
}

/// Plays the seeds from `first` on all cores, while `more` says so of the next one, until one fails.
/// Returns how many were played and the failures.
pub fn many(
    first: u64,
    mistake: Option<Place>,
    more: impl Fn(u64) -> bool + Sync,
) -> (u64, Vec<Failure>) {
    let next = AtomicU64::new(0);
    // Seeds before one that failed are played all the same, so that it is the first that fails.
    let failed = AtomicU64::new(u64::MAX);
    let failures = Mutex::new(Vec::new());
    let played = AtomicU64::new(0);
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let disk = Disk::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n > failed.load(Ordering::Relaxed) || !more(n) {
                        return;
                    }
                    if let Err(failure) = seed(first + n, &disk, mistake) {
                        failed.fetch_min(n, Ordering::Relaxed);
                        failures.lock().unwrap().push(*failure);
                    }
                    played.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|failure| failure.seed);
    (played.into_inner(), failures)
}

/// As many seeds as fit into that time.
pub fn for_seconds(first: u64, seconds: u64) -> (u64, Vec<Failure>) {
    let began = Instant::now();
    many(first, None, |_| began.elapsed().as_secs() < seconds)
}

/// A failure as a person reads it, made short first.
pub fn report(failure: &Failure) -> String {
    let disk = Disk::new();
    let short = shrink(failure, &disk);
    let steps: Vec<String> = short.plan.steps.iter().map(|step| format!("  {step:?}")).collect();
    format!(
        "seed {} broke a rule\n  {}\n\nto see it again:\n  cargo al-sim --seed {}\n\n{} of its {} \
         steps are enough:\n  {:?}\n{}\n  {}\n\nthe line for tests/sim/regressions.txt:\n{}\n",
        failure.seed,
        failure.violation,
        failure.seed,
        short.plan.steps.len(),
        failure.plan.steps.len(),
        short.plan.setup,
        steps.join("\n"),
        short.violation,
        serde_json::to_string(&short.plan).unwrap_or_default(),
    )
}

/// Everything that was committed in the world of a seed, as text.
pub fn history(seed: u64, disk: &Disk) -> String {
    let (mut chooser, setup) = Chooser::new(seed);
    let mut world = World::new(setup, disk, Faults::NONE);
    world.keep_history();
    while let Some(step) = chooser.next(&world) {
        if world.take(&step).is_err() {
            break;
        }
    }
    let _ = world.rest();
    world.history()
}
