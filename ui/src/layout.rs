//! Which part of the screen shows what. A pure function of size, focus and zoom, used for drawing,
//! for paging and for the mouse.

use crate::pane::Pane;
use ratatui::layout::Rect;

/// The smallest screen that is drawn in full.
pub const SMALLEST: (u16, u16) = (60, 12);
/// Rows of a column that has room for three panes.
const TALL: u16 = 24;
/// The least that a column of panes and a pane in it are drawn with, where the user has chosen them.
const NARROWEST: u16 = 24;
const LOWEST: u16 = 4;

/// A part of a length: so many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part(pub u16, pub u16);

impl Part {
    fn of(self, length: u16) -> u16 {
        let part = u32::from(length) * u32::from(self.0) / u32::from(self.1.max(1));
        u16::try_from(part).unwrap_or(length)
    }
}

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Pane(Pane),
    /// Facts about the selected row.
    Detail,
}

/// Panes one above the other, each with its share of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Of the columns of the screen, beside the shares of the others.
    pub share: u16,
    pub panes: Vec<(Slot, u16)>,
}

/// Which layout at which size, and how it is shared out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Columns of the screen from which on two and three columns of panes are drawn.
    pub two: u16,
    pub three: u16,
    /// Rows of the screen below which the tab line and the log strip go.
    pub tabs: u16,
    pub strip: u16,
    /// Rows of the table where the log stands under it.
    pub table: Part,
    /// Rows of table and facts with two columns, and columns of the table.
    pub top: Part,
    pub left: Part,
    /// In place of the three columns; none are those that there always are.
    pub columns: Vec<Column>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            two: 100,
            three: 160,
            tabs: 16,
            strip: 20,
            table: Part(4, 7),
            top: Part(9, 20),
            left: Part(11, 20),
            columns: Vec::new(),
        }
    }
}

/// Where things are. Rectangles never reach over the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Screen {
    pub header: Rect,
    pub tabs: Option<Rect>,
    pub panes: Vec<(Pane, Rect)>,
    /// Facts about the selected row.
    pub detail: Option<Rect>,
    /// Everything between tabs and hint line.
    pub body: Rect,
    pub hint: Rect,
    pub too_small: bool,
}

impl Screen {
    /// Lays out `size`. `table` is the table that has or last had the focus.
    pub fn of(size: (u16, u16), plan: &Plan, focus: Pane, table: Pane, zoom: bool) -> Self {
        let (width, height) = size;
        let all = Rect::new(0, 0, width, height);
        if width < SMALLEST.0 || height < SMALLEST.1 {
            return Self { body: all, too_small: true, ..Self::default() };
        }
        let tabs = (height >= plan.tabs).then(|| Rect::new(0, 1, width, 1));
        let top = 1 + u16::from(tabs.is_some());
        let body = Rect::new(0, top, width, height - top - 1);
        let mut screen = Self {
            header: Rect::new(0, 0, width, 1),
            tabs,
            body,
            hint: Rect::new(0, height - 1, width, 1),
            ..Self::default()
        };
        if zoom || focus.is_picture() {
            screen.panes.push((focus, body));
        } else if width < plan.two {
            screen.one_column(plan, focus, height);
        } else if width < plan.three {
            screen.two_columns(plan, table);
        } else if screen.fits(&plan.columns) {
            screen.own_columns(&plan.columns, focus);
        } else {
            screen.three_columns(focus);
        }
        // Whatever the layout has no place for is full size while it has the focus.
        if screen.rect(focus).is_none() {
            screen.panes = vec![(focus, body)];
            screen.detail = None;
        }
        screen
    }

    fn one_column(&mut self, plan: &Plan, focus: Pane, height: u16) {
        if focus == Pane::Logs || height < plan.strip {
            self.panes.push((focus, self.body));
            return;
        }
        let (table, log) = cut(self.body, plan.table.of(self.body.height));
        self.panes.extend([(focus, table), (Pane::Logs, log)]);
    }

    fn two_columns(&mut self, plan: &Plan, table: Pane) {
        let (top, log) = cut(self.body, plan.top.of(self.body.height));
        let (left, right) = split(top, plan.left.of(top.width));
        self.panes.extend([(table, left), (Pane::Logs, log)]);
        self.detail = Some(right);
    }

    /// Whether the user has chosen columns, and each would be wide enough.
    fn fits(&self, columns: &[Column]) -> bool {
        let widths = shared(self.body.width, columns.iter().map(|column| column.share));
        !columns.is_empty() && widths.iter().all(|width| *width >= NARROWEST)
    }

    /// What has no room in its column is left out from below, but for what has the focus.
    fn own_columns(&mut self, columns: &[Column], focus: Pane) {
        let widths = shared(self.body.width, columns.iter().map(|column| column.share));
        let mut rest = self.body;
        for (column, width) in columns.iter().zip(widths) {
            let (mut left, right) = split(rest, width);
            rest = right;
            let mut panes = column.panes.clone();
            let heights = loop {
                let heights = shared(left.height, panes.iter().map(|(_, share)| *share));
                if panes.len() < 2 || heights.iter().all(|height| *height >= LOWEST) {
                    break heights;
                }
                let last = panes.iter().rposition(|(slot, _)| *slot != Slot::Pane(focus));
                panes.remove(last.unwrap_or(0));
            };
            for ((slot, _), height) in panes.into_iter().zip(heights) {
                let (upper, lower) = cut(left, height);
                left = lower;
                match slot {
                    Slot::Pane(pane) => self.panes.push((pane, upper)),
                    Slot::Detail => self.detail = Some(upper),
                }
            }
        }
    }

    fn three_columns(&mut self, focus: Pane) {
        let (left, rest) = split(self.body, self.body.width * 34 / 100);
        let (middle, right) = split(rest, self.body.width * 42 / 100);
        // With few rows the lower place is for one of them.
        let (agents, queues, alerts) = if left.height < TALL {
            let (agents, lower) = cut(left, left.height * 3 / 5);
            match focus {
                Pane::Alerts => (agents, None, Some(lower)),
                _ => (agents, Some(lower), None),
            }
        } else {
            let (agents, rest) = cut(left, left.height * 9 / 20);
            let (queues, alerts) = cut(rest, rest.height * 11 / 20);
            (agents, Some(queues), Some(alerts))
        };
        let (runs, log) = cut(middle, middle.height * 2 / 5);
        let (triggers, detail) = cut(right, right.height / 2);
        self.panes.extend([
            (Pane::Agents, agents),
            (Pane::Runs, runs),
            (Pane::Triggers, triggers),
            (Pane::Logs, log),
        ]);
        self.panes.extend(queues.map(|rect| (Pane::Queues, rect)));
        self.panes.extend(alerts.map(|rect| (Pane::Alerts, rect)));
        self.detail = Some(detail);
    }

    pub fn rect(&self, pane: Pane) -> Option<Rect> {
        self.panes.iter().find(|(shown, _)| *shown == pane).map(|(_, rect)| *rect)
    }

    /// The pane under a cell.
    pub fn at(&self, x: u16, y: u16) -> Option<(Pane, Rect)> {
        self.panes.iter().copied().find(|(_, rect)| rect.contains((x, y).into()))
    }
}

/// Rows of a pane between its borders.
pub fn inside(rect: Rect) -> Rect {
    Rect::new(
        rect.x.saturating_add(1),
        rect.y.saturating_add(1),
        rect.width.saturating_sub(2),
        rect.height.saturating_sub(2),
    )
}

/// Rows of a table: inside the borders, below the column titles.
pub fn table_rows(rect: Rect) -> Rect {
    let inside = inside(rect);
    Rect { y: inside.y.saturating_add(1), height: inside.height.saturating_sub(1), ..inside }
}

/// A box of about this size in the middle of `area`.
pub fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height)
}

/// A length shared out; what does not come out even goes to the last.
fn shared(length: u16, shares: impl Iterator<Item = u16>) -> Vec<u16> {
    let shares: Vec<u16> = shares.collect();
    let all = shares.iter().fold(0_u16, |sum, share| sum.saturating_add(*share));
    let mut lengths: Vec<u16> = shares.iter().map(|share| Part(*share, all).of(length)).collect();
    let used: u16 = lengths.iter().sum();
    if let Some(last) = lengths.last_mut() {
        *last += length.saturating_sub(used);
    }
    lengths
}

fn cut(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

fn split(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    (Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area })
}
