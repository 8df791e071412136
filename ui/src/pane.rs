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
}

impl Pane {
    pub const ALL: [Self; 6] =
        [Self::Agents, Self::Runs, Self::Queues, Self::Triggers, Self::Logs, Self::Alerts];
    pub const TABLES: [Self; 5] =
        [Self::Agents, Self::Runs, Self::Queues, Self::Triggers, Self::Alerts];

    pub fn title(self) -> &'static str {
        match self {
            Self::Agents => "Agents",
            Self::Runs => "Runs",
            Self::Queues => "Queues",
            Self::Triggers => "Triggers",
            Self::Logs => "Logs",
            Self::Alerts => "Alerts",
        }
    }

    /// Position in [`Pane::ALL`]; its key is one more.
    pub fn index(self) -> usize {
        match self {
            Self::Agents => 0,
            Self::Runs => 1,
            Self::Queues => 2,
            Self::Triggers => 3,
            Self::Logs => 4,
            Self::Alerts => 5,
        }
    }

    /// Whose facts its filter knows.
    pub fn view(self) -> View {
        match self {
            Self::Agents => View::Agents,
            Self::Runs | Self::Logs => View::Runs,
            Self::Queues => View::Queues,
            Self::Triggers => View::Triggers,
            Self::Alerts => View::Alerts,
        }
    }

    pub fn is_table(self) -> bool {
        self != Self::Logs
    }

    /// The pane `by` further on, around the end.
    pub fn step(self, by: usize) -> Self {
        Self::ALL[(self.index() + by) % Self::ALL.len()]
    }
}
