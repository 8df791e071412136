//! Deliberate faults, one at a time, for the simulation (`tests/sim`) which has to notice each.
//!
//! They exist where debug assertions do, so never in a release: there [`mutant`] is a constant
//! `false` and the compiler removes what stands behind it. Nothing but a test can turn one on, and
//! only for its own thread.

/// What can be wrong on purpose, in the order of a run's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// A key that was seen before starts work again.
    NoDedupe,
    /// Receipts forget the key they came with.
    KeyForgotten,
    /// A duplicate is not counted.
    RepeatForgotten,
    /// A queue holds one more than its bound.
    QueueBound,
    /// An agent's scale is no limit.
    ScaleIgnored,
    /// The project's scale is no limit.
    CapIgnored,
    /// What is paused starts all the same.
    PauseIgnored,
    /// A draining scheduler starts work.
    DrainIgnored,
    /// The newest run of a queue starts first.
    NewestFirst,
    /// A tick waits for a slot instead of being skipped.
    TickWaits,
    /// After a jump of the clock every tick that was missed is made up for.
    TickBurst,
    /// Schedules wait for the time that a wrong clock promised.
    ClockIgnored,
    /// An effect is forgotten when it is decided.
    EffectForgotten,
    /// An attempt that never began is tried again under its old number.
    SameAttempt,
    /// News of an old attempt counts for the newest.
    LateNews,
    /// An attempt that was lost is started once more in its place.
    LostAgain,
    /// A kill is written down, and nobody stops the process.
    KillForgets,
    /// A run ends and keeps its slot.
    SlotKept,
    /// A run ends and its effects stay.
    EffectKept,
    /// A failed run that asked for it is rerun.
    RerunAfterFailure,
    /// Reruns have no limit.
    RerunsForever,
    /// An order leaves no record of who gave it.
    OrderUnrecorded,
    /// A dropped run leaves no row.
    SilentDrop,
    /// Timers are in memory only.
    TimersInMemory,
    /// Pauses are in memory only.
    PausesInMemory,
    /// Pruning history takes what still waits.
    PruneTakesLive,
    /// After a commit that failed, the view stays ahead of the rows.
    StaleView,
    /// Watchers are not told of resumed pauses.
    ResumeUntold,
    /// An attempt ends and keeps its locks.
    LockKept,
    /// A lock that somebody holds is given to the next one.
    LockGivenTwice,
    /// A lock that nobody renewed stays.
    LockExpiredKept,
    /// A lock never expires by itself.
    LockTimerForgotten,
    /// Who would wait in a circle is not told.
    DeadlockUnseen,
    /// Retries have no limit.
    RetryUnbounded,
    /// A run that succeeded is tried again.
    RetryAfterSuccess,
    /// A run that somebody ended is tried again.
    RetryStopped,
    /// A retry follows at once.
    BackoffIgnored,
    /// A run that waits keeps its slot.
    WaitKeepsSlot,
    /// A wait has no end.
    WaitTimerForgotten,
    /// That a run was woken is in memory only.
    WakeForgotten,
    /// What wakes a run starts another one as well.
    WakeStartsToo,
    /// A run is woken and not told with what.
    WakeEmpty,
    /// A run goes on, and nobody tells its processes.
    ResumeForgotten,
    /// A run waits, and nobody tells its processes.
    SuspendForgotten,
    /// Runs of one lane run together.
    LaneIgnored,
    /// A newer run with the same key does not replace the older.
    LatestKeepsBoth,
    /// Priorities are no order.
    PriorityIgnored,
    /// Waiting makes no run more urgent.
    AgeIgnored,
    /// Whose agent runs least has no say.
    FairnessIgnored,
    /// A run for later starts at once.
    DelayIgnored,
    /// Nobody looks when the time of a run has come.
    ReadyForgotten,
    /// The same call again is another run.
    CallTwice,
    /// The same order again is another run.
    OrderTwice,
    /// Calls are not counted.
    DepthForgotten,
    /// A run may call its own agent.
    SelfCall,
    /// A tree is killed without its branches.
    TreeSpared,
    /// A pause has no end.
    UnpauseForgotten,
    /// A drained agent takes webhooks.
    HoldIgnored,
    /// The schedule of a removed agent goes on.
    GoneAgentTicks,
    /// The schedule of an added agent waits for the next start.
    NewAgentSilent,
    /// A reload forgets what runs.
    CountReset,
    /// Missed ticks are run although they are to be skipped.
    MissedAgain,
    /// A model has one slot more than it has.
    SlotTooMany,
    /// An attempt ends and keeps its slot of a model.
    ModelSlotKept,
    /// The newest that waits for a slot of a model gets it.
    SlotNewestFirst,
    /// A free slot of a model is given to nobody who waits for it.
    SlotNotGiven,
    /// An attempt that tells less than before has used less.
    UsageShrinks,
    /// What an earlier attempt used is forgotten.
    UsageOfLastAttempt,
    /// What an attempt used is not counted when it ends.
    UsageAtEndIgnored,
    /// Budgets are no limit.
    BudgetIgnored,
    /// The budget of a day counts one run.
    DayOfOneRun,
    /// A run over its budget may go on for ever when that is allowed once.
    RaisedForEver,
    /// What was said is gone when it was read.
    SaidOnce,
    /// The same text with the same key is said twice.
    SaidTwice,
}

#[cfg(debug_assertions)]
mod switch {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Whether this thread is to make that mistake.
    pub fn mutant(which: Mutant) -> bool {
        ON.get() == Some(which)
    }

    /// Makes this thread make one mistake, or none.
    pub fn set_mutant(which: Option<Mutant>) {
        ON.set(which);
    }
}

#[cfg(debug_assertions)]
pub use switch::{mutant, set_mutant};

/// Whether this thread is to make that mistake: never.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub const fn mutant(_: Mutant) -> bool {
    false
}
