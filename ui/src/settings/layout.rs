//! `[layout]` of `console.toml`: which panes stand where, and from which size on.

use super::file::{Reader, Value};
use crate::layout::{Column, Part, Plan, Slot};
use crate::pane::Pane;
use crate::problem::nearest;
use toml::de::{DeTable, DeValue};

const KEYS: [&str; 8] = ["two", "three", "tabs", "strip", "table", "top", "left", "column"];
const COLUMN: [&str; 2] = ["share", "panes"];
const PLACE: [&str; 2] = ["pane", "share"];
/// Sizes of screens that make sense.
const SIZE: (u16, u16) = (0, 1_000);
/// Percent, or parts of what all have together.
const SHARE: (u16, u16) = (1, 99);
/// Of the parts that a screen is shared by, one keeps at least this much.
const PERCENT: (u16, u16) = (10, 90);
/// More columns than this fit on no screen.
const COLUMNS: usize = 6;

impl Reader<'_> {
    pub(super) fn layout(&mut self, table: &DeTable<'_>) {
        let mut plan = Plan::default();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "two" => self.number(value, "two", SIZE, &mut plan.two),
                "three" => self.number(value, "three", SIZE, &mut plan.three),
                "tabs" => self.number(value, "tabs", SIZE, &mut plan.tabs),
                "strip" => self.number(value, "strip", SIZE, &mut plan.strip),
                "table" => self.part(value, "table", &mut plan.table),
                "top" => self.part(value, "top", &mut plan.top),
                "left" => self.part(value, "left", &mut plan.left),
                "column" => plan.columns = self.columns(value),
                unknown => self.unknown(key.span().start, "key", unknown, &KEYS),
            }
        }
        if plan.two > plan.three {
            let what = "`two` columns of panes cannot need more room than `three`".to_owned();
            let at = table.iter().find(|(key, _)| matches!(&**key.get_ref(), "two" | "three"));
            if let Some((_, value)) = at {
                self.problem(value, what);
            }
            (plan.two, plan.three) = (Plan::default().two, Plan::default().three);
        }
        self.file.layout = plan;
    }

    fn number(&mut self, value: &Value<'_>, name: &str, range: (u16, u16), to: &mut u16) {
        let number = match value.get_ref() {
            DeValue::Integer(number) => u16::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number.filter(|number| (range.0..=range.1).contains(number)) {
            Some(number) => *to = number,
            None => {
                let what = format!("`{name}` is a number from {} to {}", range.0, range.1);
                self.problem(value, what);
            }
        }
    }

    fn part(&mut self, value: &Value<'_>, name: &str, to: &mut Part) {
        let mut percent = 0;
        self.number(value, name, PERCENT, &mut percent);
        if percent > 0 {
            *to = Part(percent, 100);
        }
    }

    /// A column with a mistake takes all of them away: half a layout is none.
    fn columns(&mut self, value: &Value<'_>) -> Vec<Column> {
        let before = self.file.problems.len();
        let DeValue::Array(tables) = value.get_ref() else {
            self.problem(value, "columns are written as [[layout.column]]".to_owned());
            return Vec::new();
        };
        let mut columns = Vec::new();
        let mut seen = Vec::new();
        for one in tables {
            match one.get_ref() {
                DeValue::Table(table) => columns.push(self.column(one, table, &mut seen)),
                _ => self.problem(one, "columns are written as [[layout.column]]".to_owned()),
            }
        }
        if tables.len() > COLUMNS {
            self.problem(value, format!("there are at most {COLUMNS} columns"));
        }
        if self.file.problems.len() > before { Vec::new() } else { columns }
    }

    fn column(&mut self, at: &Value<'_>, table: &DeTable<'_>, seen: &mut Vec<Slot>) -> Column {
        let mut column = Column { share: 1, panes: Vec::new() };
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("share", _) => self.number(value, "share", SHARE, &mut column.share),
                ("panes", DeValue::Array(panes)) => {
                    let panes = panes.iter().filter_map(|pane| self.place(pane, seen));
                    column.panes = panes.collect();
                }
                ("panes", _) => self.problem(value, "`panes` is a list of names".to_owned()),
                _ => {}
            }
        }
        self.known_keys(table, &COLUMN);
        if column.panes.is_empty() {
            self.problem(at, "a column needs `panes`".to_owned());
        }
        column
    }

    /// `"runs"`, or `{ pane = "runs", share = 2 }`.
    fn place(&mut self, value: &Value<'_>, seen: &mut Vec<Slot>) -> Option<(Slot, u16)> {
        let mut share = 1;
        let name = match value.get_ref() {
            DeValue::String(name) => Some(name.as_ref()),
            DeValue::Table(table) => {
                if let Some(value) = table.get("share") {
                    self.number(value, "share", SHARE, &mut share);
                }
                self.known_keys(table, &PLACE);
                table.get("pane").and_then(|name| name.get_ref().as_str())
            }
            _ => None,
        };
        let Some(name) = name else {
            self.problem(value, "a pane is a name, or { pane = \"...\", share = 1 }".to_owned());
            return None;
        };
        let Some(slot) = slot(name) else {
            let near = nearest(name, names().iter().map(String::as_str));
            self.problem(value, format!("no pane is called `{name}`{near}"));
            return None;
        };
        if seen.contains(&slot) {
            self.problem(value, format!("`{name}` has a place already"));
        }
        seen.push(slot);
        Some((slot, share))
    }
}

fn slot(name: &str) -> Option<Slot> {
    if name == "detail" {
        return Some(Slot::Detail);
    }
    let pane = Pane::ALL.into_iter().find(|pane| pane.title().eq_ignore_ascii_case(name))?;
    Some(Slot::Pane(pane))
}

fn names() -> Vec<String> {
    let panes = Pane::ALL.into_iter().map(|pane| pane.title().to_lowercase());
    panes.chain(["detail".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use crate::fixture::Desk;
    use crate::input::Input;
    use crate::layout::{Plan, Screen};
    use crate::pane::Pane;
    use crate::settings::file::read;

    fn plan(text: &str) -> (Plan, Vec<String>) {
        let file = read(text).unwrap();
        let problems = file.problems.iter().map(ToString::to_string);
        (file.layout, problems.collect())
    }

    /// `Agents 0,2 50x30` for each pane, where a screen of this size has the focus on Runs.
    fn places(text: &str, size: (u16, u16)) -> Vec<String> {
        let (plan, problems) = plan(text);
        assert_eq!(problems, [] as [String; 0], "{text}");
        let screen = Screen::of(size, &plan, Pane::Runs, Pane::Runs, false);
        let panes = screen.panes.iter().map(|(pane, rect)| (pane.title(), *rect));
        let all = panes.chain(screen.detail.map(|rect| ("Detail", rect)));
        let place = |(name, rect): (&str, ratatui::layout::Rect)| {
            format!("{name} {},{} {}x{}", rect.x, rect.y, rect.width, rect.height)
        };
        all.map(place).collect()
    }

    #[test]
    fn a_layout_of_ones_own_says_what_stands_where_and_how_large() {
        let check = |text: &str, size, expected: &[&str]| {
            assert_eq!(places(text, size), expected, "{text} {size:?}");
        };
        check("", (80, 24), &["Runs 0,2 80x12", "Logs 0,14 80x9"]);
        check("[layout]\ntable = 30", (80, 24), &["Runs 0,2 80x6", "Logs 0,8 80x15"]);
        check("[layout]\nstrip = 30\ntabs = 30", (80, 24), &["Runs 0,1 80x22"]);
        let two = ["Runs 0,2 44x9", "Logs 0,11 80x12", "Detail 44,2 36x9"];
        check("[layout]\ntwo = 80", (80, 24), &two);
        let two = ["Runs 0,2 24x10", "Logs 0,12 80x11", "Detail 24,2 56x10"];
        check("[layout]\ntwo = 80\ntop = 50\nleft = 30", (80, 24), &two);
        let own = "[layout]\nthree = 100
            [[layout.column]]\nshare = 1\npanes = [\"runs\", { pane = \"detail\", share = 2 }]
            [[layout.column]]\nshare = 3\npanes = [\"Logs\"]";
        let wide = ["Runs 0,2 30x12", "Logs 30,2 90x37", "Detail 0,14 30x25"];
        check(own, (120, 40), &wide);
        let low = ["Runs 0,1 30x10", "Logs 30,1 90x10"];
        check(own, (120, 12), &low);
        assert_eq!(places(own, (90, 40)), places("", (90, 40)), "that is for wide screens");
        let narrow = own.replace("share = 3", "share = 9");
        assert_eq!(places(&narrow, (160, 40)), places("", (160, 40)), "16 columns are none");
        let without = "[layout]\n[[layout.column]]\npanes = [\"agents\", \"alerts\"]";
        check(without, (200, 60), &["Runs 0,2 200x57"]);
    }

    #[test]
    fn a_layout_that_cannot_be_is_told_by_its_line() {
        let check = |text: &str, expected: &str| {
            let (plan, problems) = plan(&format!("[layout]\n{text}"));
            assert_eq!(problems.join("; "), expected, "{text}");
            assert_eq!(plan, Plan::default(), "{text}");
        };
        check("strp = 3", "line 2: unknown key `strp`, did you mean `strip`?");
        check("two = -3", "line 2: `two` is a number from 0 to 1000");
        check("two = \"wide\"", "line 2: `two` is a number from 0 to 1000");
        check("table = 95", "line 2: `table` is a number from 10 to 90");
        check("\ntwo = 300", "line 3: `two` columns of panes cannot need more room than `three`");
        check("column = 3", "line 2: columns are written as [[layout.column]]");
        check("[[layout.column]]", "line 2: a column needs `panes`");
        check(
            "[[layout.column]]\npanes = [\"run\"]",
            "line 2: a column needs `panes`; line 3: no pane is called `run`, did you mean `runs`?",
        );
        check(
            "[[layout.column]]\npanes = [\"runs\", \"runs\"]",
            "line 3: `runs` has a place already",
        );
        check(
            "[[layout.column]]\npanes = [{ pane = \"runs\", share = 0 }]",
            "line 3: `share` is a number from 1 to 99",
        );
    }

    #[test]
    fn a_layout_counts_when_it_is_saved_and_a_broken_file_changes_none() {
        let mut desk = Desk::at((120, 40), "terminal");
        let mut hand = |text: &str| {
            let console = Some(Ok(text.to_owned()));
            let files = crate::files::Files { console, ..crate::files::Files::default() };
            desk.give(Input::Files(Box::new(files)));
            (desk.ui.screen().panes.len(), desk.last_row())
        };
        assert_eq!(hand("").0, 2);
        assert_eq!(hand("[layout]\nthree = 120\n").0, 6);
        let (panes, said) = hand("[layout\n");
        assert_eq!(panes, 6, "as it was");
        assert!(said.starts_with("! console.toml, line 1: "), "{said}");
        let (panes, said) = hand("[layout]\nthree = 120\nleft = 0\n");
        assert_eq!(
            (panes, &*said),
            (6, "! console.toml, line 3: `left` is a number from 10 to 90")
        );
    }
}
