//! Which part of the screen shows what. A pure function of size, focus and zoom, used for drawing,
//! for paging and for the mouse.

use crate::pane::Pane;
use ratatui::layout::Rect;

/// The smallest screen that is drawn in full.
pub const SMALLEST: (u16, u16) = (60, 12);
/// Columns from which on two and three columns of panes fit.
const TWO: u16 = 100;
const THREE: u16 = 160;
/// Rows below which the tab line and the log strip go.
const TABS: u16 = 16;
const STRIP: u16 = 20;
/// Rows of a column that has room for three panes.
const TALL: u16 = 24;

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
    pub fn of(size: (u16, u16), focus: Pane, table: Pane, zoom: bool) -> Self {
        let (width, height) = size;
        let all = Rect::new(0, 0, width, height);
        if width < SMALLEST.0 || height < SMALLEST.1 {
            return Self { body: all, too_small: true, ..Self::default() };
        }
        let tabs = (height >= TABS).then(|| Rect::new(0, 1, width, 1));
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
        } else if width < TWO {
            screen.one_column(focus, height);
        } else if width < THREE {
            screen.two_columns(table);
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

    fn one_column(&mut self, focus: Pane, height: u16) {
        if focus == Pane::Logs || height < STRIP {
            self.panes.push((focus, self.body));
            return;
        }
        let (table, log) = cut(self.body, self.body.height * 4 / 7);
        self.panes.extend([(focus, table), (Pane::Logs, log)]);
    }

    fn two_columns(&mut self, table: Pane) {
        let (top, log) = cut(self.body, self.body.height * 9 / 20);
        let (left, right) = split(top, top.width * 11 / 20);
        self.panes.extend([(table, left), (Pane::Logs, log)]);
        self.detail = Some(right);
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

fn cut(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

fn split(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    (Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area })
}
