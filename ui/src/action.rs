//! Everything a key can do: one table, from which the resolved keymap, and so dispatch, hint line,
//! help, menus and `al keys` come.

use crate::pane::Pane;
use serde::Serialize;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Help,
    Menu,
    Command,
    Go(Pane),
    NextPane,
    PreviousPane,
    Down,
    Up,
    HalfDown,
    HalfUp,
    PageDown,
    PageUp,
    Top,
    Bottom,
    Open,
    Leave,
    HistoryBack,
    HistoryForward,
    LastView,
    Quit,
    Cancel,
    Zoom,
    Freeze,
    Inspect,
    Alerts,
    Events,
    OpenLogs,
    Pager,
    Start,
    Pause,
    PauseAll,
    More,
    Fewer,
    Answer,
    Say,
    Shell,
    Rerun,
    Kill,
    Drop,
    CopyRow,
    CopyId,
    CopyJson,
    CopyCli,
    CopyLink,
    Mouse,
    Redraw,
    Suspend,
    Filter,
    NextBad,
    PreviousBad,
    Mark,
    MarkRange,
    MarkAll,
    Sort,
    Columns,
    WideColumns,
    Search,
    LogFilter,
    GoToTime,
    Write,
    Bookmark,
    NextBookmark,
    NextMatch,
    PreviousMatch,
    NextTurn,
    PreviousTurn,
    Fold,
    Level,
    Follow,
    Wrap,
    Time,
    ScrollLeft,
    ScrollRight,
    LineStart,
    LineEnd,
    Earlier,
    Later,
    PageEarlier,
    PageLater,
    Closer,
    Wider,
    NextRun,
    PreviousRun,
}

/// Where a key means what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    Everywhere,
    Tables,
    Logs,
    Pictures,
    Timeline,
}

impl Context {
    /// In the order in which help lists them.
    pub const ALL: [Self; 5] =
        [Self::Tables, Self::Logs, Self::Timeline, Self::Pictures, Self::Everywhere];

    /// True where `pane` has the focus.
    pub fn holds(self, pane: Pane) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Tables => pane.is_table(),
            Self::Logs => pane == Pane::Logs,
            Self::Pictures => pane.is_picture(),
            Self::Timeline => pane == Pane::Timeline,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Tables => "Tables",
            Self::Logs => "Logs",
            Self::Pictures => "Pictures",
            Self::Timeline => "Timeline",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Entry {
    pub action: Action,
    pub id: &'static str,
    pub keys: &'static [&'static str],
    pub context: Context,
    /// For help, where the scheduler is part of this process.
    pub title: &'static str,
    /// For the hint line; empty when it is not worth the room.
    pub hint: &'static str,
    /// Can lose work: on a capital letter, asks first, means one thing everywhere.
    pub danger: bool,
    /// Changes the scheduler; not there in read-only mode.
    pub changes: bool,
}

const fn entry(
    context: Context,
    action: Action,
    id: &'static str,
    keys: &'static [&'static str],
    title: &'static str,
    hint: &'static str,
) -> Entry {
    Entry { action, id, keys, context, title, hint, danger: false, changes: false }
}

impl Entry {
    const fn changing(mut self) -> Self {
        self.changes = true;
        self
    }

    const fn dangerous(mut self) -> Self {
        self.danger = true;
        self.changes = true;
        self
    }

    /// What help says: a scheduler elsewhere goes on when this process is suspended.
    pub fn title(&self, remote: bool) -> &'static str {
        match self.action {
            Action::Suspend if remote => "suspend to the shell",
            _ => self.title,
        }
    }
}

/// All actions, in the order in which help lists them.
#[rustfmt::skip]
pub const ACTIONS: &[Entry] = {
    use Action as A;
    use Context::{Everywhere as E, Logs as L, Pictures as P, Tables as T, Timeline as M};
    &[
        entry(E, A::Help, "help", &["?", "F1"], "help for this pane, searchable", "help"),
        entry(E, A::Menu, "menu", &["a"], "menu of what can be done with the selection", ""),
        entry(E, A::Command, "command", &[":"], "command line", "cmd"),
        entry(T, A::Filter, "filter", &["/"], "filter as you type: words, !word, state=, agent=", "filter"),
        entry(L, A::Search, "search", &["/"], "search, also what is not on the screen", "search"),
        entry(L, A::LogFilter, "log-filter", &["&"], "show only what says this; &!x: what does not; & alone: off, on", ""),
        entry(L, A::GoToTime, "go-to-time", &["@"], "go to a time: 14:03, -5m, 2026-11-27T14:03", ""),
        entry(E, A::Open, "open", &["Enter"], "open what is selected", "open"),
        entry(T, A::Open, "open-right", &["l", "Right"], "open what is selected", ""),
        entry(E, A::Leave, "leave", &["Esc"], "leave one layer", ""),
        entry(T, A::Leave, "leave-left", &["h", "Left"], "leave one layer", ""),
        entry(E, A::Start, "start", &["s"], "start a run: prompt, parameters, priority, when", "start").changing(),
        entry(E, A::Pause, "pause", &["p"], "pause or resume the agent", "pause").changing(),
        entry(E, A::Answer, "answer", &["A"], "answer the question of the waiting run", "").changing(),
        entry(E, A::Say, "say", &["m"], "say something to the run", "").changing(),
        entry(E, A::Shell, "shell", &["b"], "a shell where the run is; its end leads back", "").changing(),
        entry(E, A::Kill, "kill", &["X"], "kill the run, or every run of the agent", "kill").dangerous(),
        entry(E, A::Rerun, "rerun", &["R"], "run again; in Triggers, take the webhook again", "rerun").dangerous(),
        entry(E, A::Drop, "drop", &["D"], "drop the queued run, or all those of the agent", "drop").dangerous(),
        entry(E, A::PauseAll, "pause-all", &["P"], "pause or resume the whole scheduler", "").dangerous(),
        entry(E, A::More, "scale-up", &["+"], "one more run at once; Enter applies, Esc drops", "").changing(),
        entry(E, A::Fewer, "scale-down", &["-"], "one run less at once; Enter applies, Esc drops", "").changing(),
        entry(L, A::Follow, "follow", &["f"], "follow new records on or off", "follow"),
        entry(L, A::NextMatch, "next-match", &["n"], "next match", "next"),
        entry(L, A::PreviousMatch, "previous-match", &["N"], "previous match", ""),
        entry(L, A::NextBad, "next-error", &["e"], "next error", "error"),
        entry(L, A::PreviousBad, "previous-error", &["E"], "previous error", ""),
        entry(L, A::NextTurn, "next-turn", &["}"], "next turn of the model", ""),
        entry(L, A::PreviousTurn, "previous-turn", &["{"], "previous turn", ""),
        entry(L, A::Bookmark, "bookmark", &["Space"], "set a bookmark, or take it away", ""),
        entry(L, A::NextBookmark, "next-bookmark", &["'"], "next bookmark", ""),
        entry(L, A::Fold, "fold", &["c"], "unfold or fold what tools gave back", "unfold"),
        entry(L, A::Level, "level", &["v"], "lowest level shown: all, info, warn, error", "level"),
        entry(L, A::Wrap, "wrap", &["w"], "wrap long lines on or off", "wrap"),
        entry(L, A::Time, "time", &["t"], "time: local, UTC, since the record before, none", "time"),
        entry(L, A::ScrollLeft, "scroll-left", &["h", "Left"], "scroll sideways", ""),
        entry(L, A::ScrollRight, "scroll-right", &["l", "Right"], "scroll sideways", ""),
        entry(L, A::LineStart, "line-start", &["0"], "start of the lines", ""),
        entry(L, A::LineEnd, "line-end", &["$"], "end of the selected line", ""),
        entry(T, A::NextMatch, "next-row", &["n"], "next row of the filter", ""),
        entry(T, A::PreviousMatch, "previous-row", &["N"], "previous row of the filter", ""),
        entry(T, A::Mark, "mark", &["Space"], "mark the row; kill, drop, rerun and pause take all marked ones", ""),
        entry(T, A::MarkRange, "mark-range", &["V"], "mark a range: here and again at its end", ""),
        entry(T, A::MarkAll, "mark-all", &["*"], "mark all rows shown, or none", ""),
        entry(T, A::Sort, "sort", &["S"], "sort by a column", ""),
        entry(T, A::Columns, "columns", &["C"], "choose and order columns", ""),
        entry(T, A::WideColumns, "wide", &["w"], "columns as wide as what stands in them", ""),
        entry(T, A::NextBad, "next-failed", &["e"], "next failed row", ""),
        entry(T, A::PreviousBad, "previous-failed", &["E"], "previous failed row", ""),
        entry(E, A::OpenLogs, "logs", &["o"], "logs of the selection, full size", "logs"),
        entry(E, A::Inspect, "inspect", &["i"], "inspect: why it is so, and the raw row", "inspect"),
        entry(E, A::Alerts, "alerts", &["!"], "the oldest thing that needs you, then the next", ""),
        entry(E, A::Zoom, "zoom", &["z"], "zoom the pane", "zoom"),
        entry(E, A::Freeze, "freeze", &["F"], "freeze the picture; intake goes on", ""),
        entry(E, A::Go(Pane::Agents), "agents", &["1", "g a", "g h"], "go to Agents", ""),
        entry(E, A::Go(Pane::Runs), "runs", &["2", "g r"], "go to Runs", ""),
        entry(E, A::Go(Pane::Queues), "queues", &["3", "g q"], "go to Queues", ""),
        entry(E, A::Go(Pane::Triggers), "triggers", &["4", "g t"], "go to Triggers", ""),
        entry(E, A::Go(Pane::Logs), "log-pane", &["5", "g l"], "go to Logs", ""),
        entry(E, A::Go(Pane::Alerts), "alert-pane", &["6", "g !"], "go to Alerts", ""),
        entry(E, A::Events, "events", &["g e"], "events: who did what, and how it ended", ""),
        entry(E, A::Go(Pane::Stats), "stats", &["g s"], "go to Stats", ""),
        entry(E, A::Go(Pane::Timeline), "timeline", &["T", "g m"], "go to Timeline", ""),
        entry(M, A::Earlier, "earlier", &["h", "Left"], "a column earlier", "earlier"),
        entry(M, A::Later, "later", &["l", "Right"], "a column later", "later"),
        entry(M, A::PageEarlier, "page-earlier", &["("], "half a page earlier", ""),
        entry(M, A::PageLater, "page-later", &[")"], "half a page later", ""),
        entry(P, A::Closer, "closer", &[">"], "look closer: less time", "closer"),
        entry(P, A::Wider, "wider", &["<"], "look wider: more time", "wider"),
        entry(M, A::NextRun, "next-run", &["n"], "next run of the lane", "next"),
        entry(M, A::PreviousRun, "previous-run", &["N"], "previous run of the lane", "previous"),
        entry(M, A::NextBad, "next-failed-run", &["e"], "next run of the lane that failed", "failed"),
        entry(M, A::PreviousBad, "previous-failed-run", &["E"], "previous run of the lane that failed", ""),
        entry(E, A::NextPane, "next-pane", &["Tab"], "next pane", "pane"),
        entry(E, A::PreviousPane, "previous-pane", &["S-Tab"], "previous pane", ""),
        entry(E, A::Down, "down", &["j", "Down"], "down", ""),
        entry(E, A::Up, "up", &["k", "Up"], "up", ""),
        entry(E, A::HalfDown, "half-down", &["Ctrl-d"], "half a page down", ""),
        entry(E, A::HalfUp, "half-up", &["Ctrl-u"], "half a page up", ""),
        entry(E, A::PageDown, "page-down", &["PgDn"], "a page down", ""),
        entry(E, A::PageUp, "page-up", &["PgUp"], "a page up", ""),
        entry(E, A::Top, "top", &["g g", "Home"], "top", ""),
        entry(E, A::Bottom, "bottom", &["G", "End"], "bottom; in logs: follow", ""),
        entry(E, A::HistoryBack, "back", &["["], "back in history", ""),
        entry(E, A::HistoryForward, "forward", &["]"], "forward in history", ""),
        entry(E, A::LastView, "last-view", &["`"], "swap with the last view", ""),
        entry(E, A::CopyRow, "copy-row", &["y y"], "copy the row", ""),
        entry(E, A::CopyId, "copy-id", &["y i"], "copy the id", ""),
        entry(E, A::CopyJson, "copy-json", &["y j"], "copy the JSON", ""),
        entry(E, A::CopyCli, "copy-cli", &["y c"], "copy the shell command", ""),
        entry(E, A::CopyLink, "copy-link", &["y l"], "copy a link to it: its address at the gateway", ""),
        entry(E, A::Pager, "pager", &["O"], "open the text in $PAGER", ""),
        entry(E, A::Write, "write", &["W"], "write what is shown to a file", ""),
        entry(E, A::Mouse, "mouse", &["M"], "mouse on or off; off, the terminal selects text", ""),
        entry(E, A::Redraw, "redraw", &["Ctrl-l"], "draw everything again", ""),
        entry(E, A::Suspend, "suspend", &["Ctrl-z"], "suspend al, scheduler included", ""),
        entry(E, A::Cancel, "cancel", &["Ctrl-c"], "cancel; at rest: leave", ""),
        entry(E, A::Quit, "quit", &["q"], "back; at rest: leave", "back"),
    ]
};

#[cfg(test)]
mod tests;
