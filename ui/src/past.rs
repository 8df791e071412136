//! Rows from before what the host told by itself, asked for page by page as somebody scrolls.

use al_wire::{Page, PageOf, PageQuery, RunRow, TriggerRow};
use std::collections::{HashMap, VecDeque};

/// Rows of a page.
pub const PAGE: u32 = 500;
/// Rows that are kept at most; what is older is found with a filter.
pub const MOST: usize = 50_000;

/// Pages without a row, one after the other, after which somebody has to want more.
const DRY: u8 = 4;

/// A row with a name.
pub trait Named {
    fn id(&self) -> &str;
}

impl Named for RunRow {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Named for TriggerRow {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Older rows of one table, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Past<R> {
    /// What the rows answer: agent and filter.
    asked: (Option<String>, String),
    rows: VecDeque<R>,
    /// Number of each row; that of the first one is `front`.
    numbers: HashMap<String, i64>,
    front: i64,
    next: Next,
    /// The question that is out.
    waits: Option<PageQuery>,
    /// Answers in a row that brought no row.
    dry: u8,
    /// All rows of the host, whatever passes.
    pub total: Option<u64>,
    /// Columns of the widest name.
    pub widest: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    /// Before the oldest row that the host told by itself.
    Begin,
    Before(String),
    End,
}

impl<R> Default for Past<R> {
    fn default() -> Self {
        Self {
            asked: (None, String::new()),
            rows: VecDeque::new(),
            numbers: HashMap::new(),
            front: 0,
            next: Next::Begin,
            waits: None,
            dry: 0,
            total: None,
            widest: 0,
        }
    }
}

impl<R: Named> Past<R> {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn get(&self, at: usize) -> Option<&R> {
        self.rows.get(at)
    }

    pub fn find(&self, id: &str) -> Option<&R> {
        let at = usize::try_from(self.numbers.get(id)? - self.front).ok()?;
        self.rows.get(at)
    }

    /// True when nothing is known to be older.
    pub fn at_end(&self) -> bool {
        self.next == Next::End
    }

    /// True when more would be kept than there is room for.
    pub fn full(&self) -> bool {
        self.rows.len() >= MOST
    }

    /// True while a page is awaited.
    pub fn waits(&self) -> bool {
        self.waits.is_some()
    }

    /// Turns to another question; its rows are others.
    pub fn turn_to(&mut self, agent: Option<&str>, filter: &str) {
        if self.asked.0.as_deref() != agent || self.asked.1 != filter {
            let total = self.total;
            *self = Self {
                asked: (agent.map(str::to_owned), filter.to_owned()),
                total,
                ..Self::default()
            };
        }
    }

    /// The question for the next page; none while one is out, and when there is none. `begin` is
    /// the oldest row that the host told by itself.
    pub fn ask(&mut self, of: PageOf, begin: Option<&str>) -> Option<PageQuery> {
        if self.waits() || self.full() || self.dry >= DRY {
            return None;
        }
        let before = match &self.next {
            Next::Begin => begin.map(str::to_owned),
            Next::Before(id) => Some(id.clone()),
            Next::End => return None,
        };
        let (agent, filter) = self.asked.clone();
        let query = PageQuery { of, agent, filter, before, limit: PAGE };
        self.waits = Some(query.clone());
        Some(query)
    }

    /// Takes an answer; one to another question is left. `known` tells what stands elsewhere.
    pub fn take(&mut self, page: &Page, rows: Vec<R>, known: impl Fn(&str) -> bool) {
        if self.waits.as_ref() != Some(&page.query) {
            return;
        }
        self.waits = None;
        self.total = page.total;
        self.dry = if rows.is_empty() { self.dry.saturating_add(1) } else { 0 };
        self.next = page.next.clone().map_or(Next::End, Next::Before);
        for row in rows {
            if known(row.id()) || self.numbers.contains_key(row.id()) {
                continue;
            }
            let number = self.front + i64::try_from(self.rows.len()).unwrap_or(i64::MAX);
            self.numbers.insert(row.id().to_owned(), number);
            self.widest = self.widest.max(unicode_width::UnicodeWidthStr::width(row.id()));
            self.rows.push_back(row);
        }
    }

    /// The answer does not come; the next key asks again.
    pub fn no_answer(&mut self, query: &PageQuery) {
        if self.waits.as_ref() == Some(query) {
            (self.waits, self.dry) = (None, DRY);
        }
    }

    /// Puts a row in front that is kept no longer elsewhere. Before the first page nothing has to
    /// be put: that begins behind it. Among rows that were chosen, nobody knows whether it belongs.
    pub fn inherit(&mut self, row: R) {
        if self.next != Next::Begin && self.asked == (None, String::new()) {
            self.front -= 1;
            self.numbers.insert(row.id().to_owned(), self.front);
            self.rows.push_front(row);
        }
    }

    /// Lets go of a row that is told anew elsewhere.
    pub fn forget(&mut self, id: &str) {
        if let Some(number) = self.numbers.remove(id) {
            let at = usize::try_from(number - self.front).unwrap_or(usize::MAX);
            self.rows.remove(at);
            for later in self.numbers.values_mut().filter(|later| **later > number) {
                *later -= 1;
            }
        }
    }

    /// A key was pressed: pages that may bring nothing are worth asking for again.
    pub fn hope(&mut self) {
        self.dry = 0;
    }

    /// The connection was new: an answer that was out does not come.
    pub fn start_over(&mut self) {
        *self = Self { asked: std::mem::take(&mut self.asked), ..Self::default() };
    }
}
