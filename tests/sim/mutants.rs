//! Deliberate faults. Each must be noticed by some rule in some world; one that survives shows what
//! the simulation does not look at.

use action_llama::scheduler::mutant::{Mutant, set_mutant};

/// Mistakes of a host around the rules, made by the simulated driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Senders are answered before the commit.
    AnswerBeforeCommit,
    /// The act comes before its `begun` is on disk.
    ActBeforeBegun,
    /// Effects are todo or done, without a `begun` between.
    TwoStates,
    /// What was begun before a crash is not looked after.
    NoReconcile,
    /// Processes have names that the next host cannot know.
    RandomNames,
    /// An attempt that is not there is tried again without fencing off the first one.
    NoFence,
    /// A supervisor that comes late makes the folder that it misses.
    OwnFolder,
    /// A start goes on although its run has ended, and a round looks for what is just being started.
    Untended,
    /// A run goes on before it is on disk that it does.
    ResumeTooEarly,
}

/// What is wrong in one world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults(Option<Fault>);

impl Faults {
    pub const NONE: Self = Self(None);

    pub fn has(self, fault: Fault) -> bool {
        self.0 == Some(fault)
    }
}

/// Where a mistake is made.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// In the real code, in builds that have the switch.
    Inside(Mutant),
    /// In the simulated driver.
    Around(Fault),
}

impl Place {
    /// Makes the mistake in this thread while `work` goes on.
    pub fn with<T>(this: Option<Self>, work: impl FnOnce(Faults) -> T) -> T {
        let (inside, around) = match this {
            None => (None, None),
            Some(Self::Inside(mutant)) => (Some(mutant), None),
            Some(Self::Around(fault)) => (None, Some(fault)),
        };
        set_mutant(inside);
        let result = work(Faults(around));
        set_mutant(None);
        result
    }
}

use Place::{Around, Inside};

/// All of them, each with its name in the table that the test prints.
pub const MUTANTS: &[(&str, Place)] = &[
    ("no dedupe", Inside(Mutant::NoDedupe)),
    ("receipts forget their key", Inside(Mutant::KeyForgotten)),
    ("duplicates are not counted", Inside(Mutant::RepeatForgotten)),
    ("answer before commit", Around(Fault::AnswerBeforeCommit)),
    ("act before begun is on disk", Around(Fault::ActBeforeBegun)),
    ("effects of two states", Around(Fault::TwoStates)),
    ("no reconcile at start", Around(Fault::NoReconcile)),
    ("random process names", Around(Fault::RandomNames)),
    ("a lost attempt is not fenced", Around(Fault::NoFence)),
    ("a late supervisor makes its own folder", Around(Fault::OwnFolder)),
    ("a round meets a start", Around(Fault::Untended)),
    ("late news of an old attempt counts", Inside(Mutant::LateNews)),
    ("a lost attempt is started again", Inside(Mutant::LostAgain)),
    ("the next attempt has the same number", Inside(Mutant::SameAttempt)),
    ("queue bound off by one", Inside(Mutant::QueueBound)),
    ("scale ignored", Inside(Mutant::ScaleIgnored)),
    ("project cap ignored", Inside(Mutant::CapIgnored)),
    ("pause ignored", Inside(Mutant::PauseIgnored)),
    ("drain ignored", Inside(Mutant::DrainIgnored)),
    ("newest first", Inside(Mutant::NewestFirst)),
    ("a tick waits for a slot", Inside(Mutant::TickWaits)),
    ("ticks are made up for", Inside(Mutant::TickBurst)),
    ("schedules trust a clock that was wrong", Inside(Mutant::ClockIgnored)),
    ("an effect is forgotten", Inside(Mutant::EffectForgotten)),
    ("effects outlive their run", Inside(Mutant::EffectKept)),
    ("slot not freed at the end", Inside(Mutant::SlotKept)),
    ("kill forgets the process", Inside(Mutant::KillForgets)),
    ("rerun after failure", Inside(Mutant::RerunAfterFailure)),
    ("reruns without a limit", Inside(Mutant::RerunsForever)),
    ("an order leaves no record", Inside(Mutant::OrderUnrecorded)),
    ("a dropped run leaves no row", Inside(Mutant::SilentDrop)),
    ("timers in memory only", Inside(Mutant::TimersInMemory)),
    ("pauses in memory only", Inside(Mutant::PausesInMemory)),
    ("pruning takes what waits", Inside(Mutant::PruneTakesLive)),
    ("view ahead after a failed commit", Inside(Mutant::StaleView)),
    ("watchers miss a resume", Inside(Mutant::ResumeUntold)),
    ("a run goes on before that is on disk", Around(Fault::ResumeTooEarly)),
    ("a lock outlives its attempt", Inside(Mutant::LockKept)),
    ("a lock is given twice", Inside(Mutant::LockGivenTwice)),
    ("an expired lock is kept", Inside(Mutant::LockExpiredKept)),
    ("the timer of a lock is forgotten", Inside(Mutant::LockTimerForgotten)),
    ("deadlocks go unseen", Inside(Mutant::DeadlockUnseen)),
    ("retries forget their bound", Inside(Mutant::RetryUnbounded)),
    ("retry after success", Inside(Mutant::RetryAfterSuccess)),
    ("what was killed is tried again", Inside(Mutant::RetryStopped)),
    ("backoff ignored", Inside(Mutant::BackoffIgnored)),
    ("a wait keeps its slot", Inside(Mutant::WaitKeepsSlot)),
    ("the timer of a wait is forgotten", Inside(Mutant::WaitTimerForgotten)),
    ("a wake is lost over a restart", Inside(Mutant::WakeForgotten)),
    ("what wakes a run starts one too", Inside(Mutant::WakeStartsToo)),
    ("a wake says not with what", Inside(Mutant::WakeEmpty)),
    ("a run goes on and nobody tells it", Inside(Mutant::ResumeForgotten)),
    ("a run waits and nobody tells it", Inside(Mutant::SuspendForgotten)),
    ("lane ignored", Inside(Mutant::LaneIgnored)),
    ("keep = latest keeps both", Inside(Mutant::LatestKeepsBoth)),
    ("priority ignored", Inside(Mutant::PriorityIgnored)),
    ("waiting makes nothing more urgent", Inside(Mutant::AgeIgnored)),
    ("fairness ignored", Inside(Mutant::FairnessIgnored)),
    ("a run for later starts at once", Inside(Mutant::DelayIgnored)),
    ("the timer of a run for later is forgotten", Inside(Mutant::ReadyForgotten)),
    ("dedupe of calls ignored", Inside(Mutant::CallTwice)),
    ("dedupe of orders ignored", Inside(Mutant::OrderTwice)),
    ("the depth of calls is not counted", Inside(Mutant::DepthForgotten)),
    ("a run calls its own agent", Inside(Mutant::SelfCall)),
    ("a killed tree keeps its branches", Inside(Mutant::TreeSpared)),
    ("the end of a pause is forgotten", Inside(Mutant::UnpauseForgotten)),
    ("drain ignored for webhooks", Inside(Mutant::HoldIgnored)),
    ("a removed agent ticks", Inside(Mutant::GoneAgentTicks)),
    ("an added agent does not tick", Inside(Mutant::NewAgentSilent)),
    ("a reload resets the running count", Inside(Mutant::CountReset)),
    ("missed ticks run although skipped", Inside(Mutant::MissedAgain)),
    ("a model has one slot more", Inside(Mutant::SlotTooMany)),
    ("a slot of a model outlives its attempt", Inside(Mutant::ModelSlotKept)),
    ("the newest gets the slot of a model", Inside(Mutant::SlotNewestFirst)),
    ("a free slot of a model is given to nobody", Inside(Mutant::SlotNotGiven)),
    ("what was used shrinks", Inside(Mutant::UsageShrinks)),
    ("what earlier attempts used is forgotten", Inside(Mutant::UsageOfLastAttempt)),
    ("what was used last is not counted", Inside(Mutant::UsageAtEndIgnored)),
    ("budget ignored", Inside(Mutant::BudgetIgnored)),
    ("the budget of a day counts one run", Inside(Mutant::DayOfOneRun)),
    ("a raised limit is none", Inside(Mutant::RaisedForEver)),
    ("what was said is gone when it was read", Inside(Mutant::SaidOnce)),
    ("a text with a key is said twice", Inside(Mutant::SaidTwice)),
];
