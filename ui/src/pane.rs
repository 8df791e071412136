//! The panes and what can be in one.

/// A part of the screen with a fixed number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    Agents,
    Runs,
    Queues,
    Triggers,
    Logs,
}

impl Pane {
    pub const ALL: [Self; 5] = [Self::Agents, Self::Runs, Self::Queues, Self::Triggers, Self::Logs];
    pub const TABLES: [Self; 4] = [Self::Agents, Self::Runs, Self::Queues, Self::Triggers];

    pub fn title(self) -> &'static str {
        match self {
            Self::Agents => "Agents",
            Self::Runs => "Runs",
            Self::Queues => "Queues",
            Self::Triggers => "Triggers",
            Self::Logs => "Logs",
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
