//! The panes and what can be in one.

use al_wire::query::View;

/// A part of the screen with a fixed number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    Agents,
    Runs,
    Queues,
    Triggers,
    Logs,
    Alerts,
    /// Numbers over time, over the whole screen.
    Stats,
    /// Runs over time, over the whole screen.
    Timeline,
}

impl Pane {
    pub const ALL: [Self; 6] =
        [Self::Agents, Self::Runs, Self::Queues, Self::Triggers, Self::Logs, Self::Alerts];
    /// Those without a number: each has the whole screen.
    pub const PICTURES: [Self; 2] = [Self::Stats, Self::Timeline];
    pub const TABLES: [Self; 5] =
        [Self::Agents, Self::Runs, Self::Queues, Self::Triggers, Self::Alerts];

    /// Everything that can have the focus.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain(Self::PICTURES)
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Agents => "Agents",
            Self::Runs => "Runs",
            Self::Queues => "Queues",
            Self::Triggers => "Triggers",
            Self::Logs => "Logs",
            Self::Alerts => "Alerts",
            Self::Stats => "Stats",
            Self::Timeline => "Timeline",
        }
    }

    /// Position in [`Pane::ALL`], where its key is one more; pictures stand behind.
    pub fn index(self) -> usize {
        match self {
            Self::Agents => 0,
            Self::Runs => 1,
            Self::Queues => 2,
            Self::Triggers => 3,
            Self::Logs => 4,
            Self::Alerts => 5,
            Self::Stats => 6,
            Self::Timeline => 7,
        }
    }

    /// Whose facts its filter knows.
    pub fn view(self) -> View {
        match self {
            Self::Agents => View::Agents,
            Self::Runs | Self::Logs | Self::Stats | Self::Timeline => View::Runs,
            Self::Queues => View::Queues,
            Self::Triggers => View::Triggers,
            Self::Alerts => View::Alerts,
        }
    }

    pub fn is_table(self) -> bool {
        Self::TABLES.contains(&self)
    }

    pub fn is_picture(self) -> bool {
        Self::PICTURES.contains(&self)
    }

    /// The pane `by` further on, around the end.
    pub fn step(self, by: usize) -> Self {
        let all = Self::ALL.len();
        // A picture stands between the last pane and the first one.
        let at = match (self.is_picture(), by) {
            (false, _) => self.index(),
            (true, 1) => all - 1,
            (true, _) => 0,
        };
        Self::ALL[(at + by) % all]
    }
}
