//! Pictures of time: numbers by the minute or hour, and the timeline of runs.

pub mod counts;
pub mod spark;
pub mod timeline;

pub use counts::{Counts, Span};
pub use timeline::Timeline;

use crate::state::Ui;
use al_wire::Measure;
use spark::Join;

/// What the pictures remember.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    pub counts: Counts,
    pub timeline: Timeline,
    /// The agent that the pictures are about; none is all of them.
    pub lane: Option<String>,
    /// Position of the first lane in view.
    pub top: usize,
}

/// The runs of an agent that ended in the last hour, as bars that are at most so wide, and whether one
/// of them failed. A sign stands where one did, whatever the height.
pub fn hour(ui: &Ui, agent: &str, width: usize) -> (String, bool) {
    let glyphs = &ui.theme.glyphs;
    let Some(series) = ui.pictures.counts.series(Span::Hour) else { return (String::new(), false) };
    let of = |measure| counts::values(series, Some(agent), measure).values;
    let bars = spark::line(&of(Measure::Ended), width, Join::Sum, glyphs);
    let failed = spark::line(&of(Measure::Failed), width, Join::Sum, glyphs);
    let bad = |c: char| c != ' ' && c != spark::UNKNOWN;
    let sign = glyphs.failed.chars().next().unwrap_or('x');
    let mixed = bars.chars().zip(failed.chars());
    let mixed = mixed.map(|(bar, failed)| if bad(failed) { sign } else { bar }).collect();
    (mixed, failed.chars().any(bad))
}
