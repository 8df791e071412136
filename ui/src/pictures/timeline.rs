//! The timeline: which stretch of time is in view, and what happened in it. A lane for each agent, a
//! column for each step of time.

use crate::fleet::{Fleet, bad};
use al_wire::{RunRow, RunState};
use std::collections::BTreeMap;

/// Time that a column stands for, from the closest look to the widest.
const STEPS_MS: [i64; 10] =
    [5_000, 15_000, 30_000, 60_000, 120_000, 300_000, 900_000, 1_800_000, 3_600_000, 10_800_000];
const FIRST_STEP: usize = 4;
/// Columns right of now.
const AHEAD: i64 = 2;
/// Runs that an answer of the host may have.
pub const LIMIT: u32 = 1_000;

/// Where the timeline is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    step: usize,
    /// The left edge; none while the right one follows the time.
    from_ms: Option<i64>,
    /// The instant under the cursor; none is now.
    at_ms: Option<i64>,
    pub past: Past,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { step: FIRST_STEP, from_ms: None, at_ms: None, past: Past::default() }
    }
}

/// Which older runs the host was asked for and told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    asked: Option<(i64, i64)>,
    told: Option<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    from_ms: i64,
    to_ms: i64,
    /// It reached up to the moment, and what came since was told by itself.
    live: bool,
    whole: bool,
}

/// The stretch of time in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from_ms: i64,
    pub step_ms: i64,
    pub columns: usize,
    pub now_ms: i64,
    /// Column of the cursor.
    pub cursor: usize,
    /// The right edge follows the time.
    pub follows: bool,
}

impl Window {
    pub fn end_ms(&self) -> i64 {
        self.start_of(self.columns)
    }

    /// When a column begins.
    pub fn start_of(&self, column: usize) -> i64 {
        self.from_ms.saturating_add(self.step_ms.saturating_mul(column as i64))
    }

    /// The column of an instant, also one that is not in view.
    fn place(&self, at_ms: i64) -> i64 {
        at_ms.saturating_sub(self.from_ms).div_euclid(self.step_ms)
    }

    /// The column of an instant in view.
    pub fn column(&self, at_ms: i64) -> Option<usize> {
        usize::try_from(self.place(at_ms)).ok().filter(|column| *column < self.columns)
    }
}

impl Timeline {
    pub fn window(&self, columns: usize, now_ms: i64) -> Window {
        let columns = columns.max(1);
        let step_ms = STEPS_MS.get(self.step).copied().unwrap_or(STEPS_MS[FIRST_STEP]);
        let floor = |at_ms: i64| at_ms.div_euclid(step_ms) * step_ms;
        let ahead = AHEAD.min(columns as i64 - 1);
        let follow_ms = floor(now_ms) - (columns as i64 - 1 - ahead) * step_ms;
        let from_ms = self.from_ms.map_or(follow_ms, floor).min(follow_ms);
        let mut window =
            Window { from_ms, step_ms, columns, now_ms, cursor: 0, follows: from_ms == follow_ms };
        let last = columns - 1;
        let at = window.place(self.at_ms.unwrap_or(now_ms)).max(0);
        window.cursor = usize::try_from(at).unwrap_or(last).min(last);
        window
    }

    /// Moves the cursor by columns, and the view with it where it would leave it.
    pub fn step(&mut self, by: i64, columns: usize, now_ms: i64) {
        let window = self.window(columns, now_ms);
        let at_ms =
            window.start_of(window.cursor).saturating_add(by.saturating_mul(window.step_ms));
        self.go(at_ms, columns, now_ms);
    }

    /// Moves cursor and view by columns.
    pub fn pan(&mut self, by: i64, columns: usize, now_ms: i64) {
        let window = self.window(columns, now_ms);
        let by_ms = by.saturating_mul(window.step_ms);
        let at_ms = window.start_of(window.cursor).saturating_add(by_ms);
        self.from_ms = Some(window.from_ms.saturating_add(by_ms));
        self.go(at_ms, columns, now_ms);
    }

    /// Puts the cursor on an instant. At now it stays with the time.
    pub fn go(&mut self, at_ms: i64, columns: usize, now_ms: i64) {
        let window = self.window(columns, now_ms);
        if at_ms >= now_ms.div_euclid(window.step_ms) * window.step_ms {
            return self.go_to_now();
        }
        // Nobody ran anything before there were computers.
        let at_ms = at_ms.max(0);
        self.at_ms = Some(at_ms);
        let place = window.place(at_ms);
        let last = columns.max(1) as i64 - 1;
        if place < 0 {
            self.from_ms = Some(window.start_of(0).saturating_add(place * window.step_ms));
        } else if place > last {
            self.from_ms = Some(window.from_ms.saturating_add((place - last) * window.step_ms));
        }
        let moved = self.window(columns, now_ms);
        if moved.follows {
            self.from_ms = None;
        }
    }

    pub fn go_to_now(&mut self) {
        (self.at_ms, self.from_ms) = (None, None);
    }

    /// Looks closer or at more time; the cursor stays at its instant, and where it stands.
    pub fn zoom(&mut self, closer: bool, columns: usize, now_ms: i64) -> bool {
        let next = if closer { self.step.checked_sub(1) } else { self.step.checked_add(1) };
        let Some(step) = next.filter(|step| *step < STEPS_MS.len()) else { return false };
        let before = self.window(columns, now_ms);
        self.step = step;
        if let Some(at_ms) = self.at_ms {
            let left = STEPS_MS[step].saturating_mul(before.cursor as i64);
            self.from_ms = Some(at_ms.saturating_sub(left));
            self.go(at_ms, columns, now_ms);
        }
        true
    }

    /// When the picture moves by itself.
    pub fn due_ms(&self, now_ms: i64) -> Option<i64> {
        let step_ms = STEPS_MS.get(self.step).copied().unwrap_or(STEPS_MS[FIRST_STEP]);
        Some((now_ms.div_euclid(step_ms) + 1) * step_ms)
    }
}

impl Past {
    /// The bounds to ask for so that all of `window` is known: a window more on each side.
    pub fn ask(&mut self, window: &Window) -> Option<(i64, i64)> {
        let (from_ms, to_ms) = (window.from_ms, window.end_ms().min(window.now_ms));
        let width = window.end_ms().saturating_sub(window.from_ms);
        let known = self.told.as_ref().is_some_and(|told| {
            let closer = !told.whole && (told.to_ms - told.from_ms) / 4 > width;
            told.from_ms <= from_ms && (told.live || to_ms <= told.to_ms) && !closer
        });
        if known || self.asked.is_some() {
            return None;
        }
        let bounds = (from_ms.saturating_sub(width), to_ms.saturating_add(width));
        self.asked = Some(bounds);
        self.asked
    }

    /// True when this is the answer that is waited for.
    pub fn take(&mut self, bounds: (i64, i64), whole: bool, now_ms: i64) -> bool {
        let asked = self.asked == Some(bounds);
        if asked {
            let (from_ms, to_ms) = bounds;
            self.told = Some(Told { from_ms, to_ms, live: to_ms >= now_ms, whole });
            self.asked = None;
        }
        asked
    }

    /// False when the host left out older runs of what is in view.
    pub fn whole(&self) -> bool {
        self.told.as_ref().is_none_or(|told| told.whole)
    }

    pub fn waits(&self) -> bool {
        self.asked.is_some()
    }
}

/// What a column of a lane shows, in rising order of what hides what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Nothing,
    /// It waits for its turn.
    Queued,
    Runs,
    /// It left the queue.
    Dropped,
    Well,
    Killed,
    /// It waits for somebody now.
    Waits,
    /// It is running now.
    Lives,
    Badly,
}

/// A column of a lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot<'a> {
    pub mark: Mark,
    /// Runs in progress.
    pub at_once: usize,
    /// The run that the mark is of.
    pub run: Option<&'a RunRow>,
    /// Runs that the column has something of.
    pub runs: usize,
}

const EMPTY: Spot<'static> = Spot { mark: Mark::Nothing, at_once: 0, run: None, runs: 0 };

/// The runs of each agent, as far as they are known.
pub fn by_agent(fleet: &Fleet) -> BTreeMap<&str, Vec<&RunRow>> {
    let mut lanes: BTreeMap<&str, Vec<&RunRow>> = BTreeMap::new();
    for run in fleet.known_runs() {
        lanes.entry(&run.agent).or_default().push(run);
    }
    lanes
}

/// A lane with these runs.
pub fn lane<'a>(runs: &[&'a RunRow], window: &Window) -> Vec<Spot<'a>> {
    let mut spots: Vec<Spot<'a>> = vec![EMPTY; window.columns];
    for run in runs.iter().copied() {
        let queued = window.place(run.queued_ms);
        let end_ms = run.ended_ms.unwrap_or(window.now_ms).max(run.queued_ms);
        let end = window.place(end_ms);
        let begun = run.started_ms.filter(|_| run.state != RunState::Queued);
        let started = begun.map_or(i64::MAX, |at_ms| window.place(at_ms));
        let (first, last) = (queued.max(0), end.min(window.columns as i64 - 1));
        for column in first..=last {
            let Some(spot) = usize::try_from(column).ok().and_then(|at| spots.get_mut(at)) else {
                continue;
            };
            let mark = match column {
                _ if column == end => tip(run),
                _ if column >= started => Mark::Runs,
                _ => Mark::Queued,
            };
            spot.runs += 1;
            spot.at_once += usize::from(column >= started);
            if mark > spot.mark {
                (spot.mark, spot.run) = (mark, Some(run));
            }
        }
    }
    spots
}

fn tip(run: &RunRow) -> Mark {
    match run.state {
        RunState::Queued => Mark::Queued,
        RunState::Waiting => Mark::Waits,
        RunState::Starting | RunState::Running | RunState::Unknown => Mark::Lives,
        RunState::Succeeded => Mark::Well,
        RunState::Failed | RunState::TimedOut => Mark::Badly,
        RunState::Killed => Mark::Killed,
        RunState::Dropped => Mark::Dropped,
    }
}

/// The instant at which a run is found: its end, or now.
pub fn end_of(run: &RunRow, now_ms: i64) -> i64 {
    run.ended_ms.unwrap_or(now_ms)
}

/// The end of the next run before or after an instant, of those that went wrong alone or of all.
pub fn next_end(runs: &[&RunRow], window: &Window, forward: bool, only_bad: bool) -> Option<i64> {
    let column = |run: &&RunRow| window.place(end_of(run, window.now_ms));
    let here = window.place(window.start_of(window.cursor));
    let fits = runs.iter().filter(|run| !only_bad || bad(run.state));
    let next = if forward {
        fits.filter(|run| column(run) > here).min_by_key(|run| column(run))
    } else {
        fits.filter(|run| column(run) < here).max_by_key(|run| column(run))
    };
    next.map(|run| end_of(run, window.now_ms))
}

#[cfg(test)]
mod tests;
