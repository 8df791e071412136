//! The arrows between rooms, read from the tables in `src/ARCHITECTURE.md`, so that the text and
//! the rule are one thing.

use std::collections::BTreeMap;

use crate::paths::Mention;

/// What the tables say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Room or root module -> what of `crate::` it may use; `*` is everything.
    arrows: BTreeMap<String, Vec<String>>,
    /// Crate or path -> the only rooms that may name it.
    homes: BTreeMap<String, Vec<String>>,
    /// Room -> paths that it must not name.
    absences: BTreeMap<String, Vec<String>>,
}

impl Rules {
    /// Reads the three tables by their headings.
    pub fn parse(architecture: &str) -> Self {
        Self {
            arrows: table(architecture, "### Arrows"),
            homes: table(architecture, "### Crates with one home"),
            absences: table(architecture, "### Absences"),
        }
    }

    pub fn knows(&self, room: &str) -> bool {
        self.arrows.contains_key(room)
    }

    /// What is wrong with the paths of one file of `room`, a message each.
    pub fn complaints(&self, room: &str, file: &str, mentions: &[Mention]) -> Vec<String> {
        mentions.iter().filter_map(|mention| self.complaint(room, file, mention)).collect()
    }

    fn complaint(&self, room: &str, file: &str, mention: &Mention) -> Option<String> {
        let path: Vec<&str> = mention.path.iter().map(String::as_str).collect();
        let place = format!("{file}:{}", mention.line);
        if let [root, target, ..] = path[..]
            && (root == "crate" || root == "action_llama")
            && target != room
            && self.knows(target)
            && !self.arrow(room, &path[1..])
        {
            return Some(format!(
                "{place}: {room} -> {}\n    {room} may use: {}\n    Move the code to the room that \
                 owns it, or pass a value in. If the arrow belongs there, it goes into the table \
                 \"Arrows\" of src/ARCHITECTURE.md, with its reason.",
                path[1..].join("::"),
                self.arrows.get(room).map_or_else(|| "nothing".to_owned(), |may| list(may)),
            ));
        }
        let text = path.join("::");
        if let Some((name, rooms)) = self.homes.iter().find(|(name, _)| under(&text, name))
            && !rooms.iter().any(|home| home == room)
        {
            return Some(format!(
                "{place}: {room} -> {name}\n    {name} is used only in: {}\n    Ask that room for \
                 what is needed, in its own types.",
                list(rooms),
            ));
        }
        let absences = self.absences.get(room)?;
        let never = absences.iter().find(|never| under(&text, never))?;
        Some(format!(
            "{place}: {room} -> {never}\n    {room} must not know {never} (src/ARCHITECTURE.md, \
             \"Absences\"). Let the caller do it and pass the result in.",
        ))
    }

    /// Arrows that none of the mentions follow, as `room -> what`; each mention comes with its room.
    pub fn unused(&self, mentions: &[(&str, &Mention)]) -> Vec<String> {
        let used = |room: &str, to: &str| {
            mentions.iter().any(|(from, mention)| {
                let Some((root, path)) = mention.path.split_first() else { return false };
                let rooted = matches!(root.as_str(), "crate" | "action_llama");
                *from == room && rooted && under(&path.join("::"), to)
            })
        };
        let arrows =
            self.arrows.iter().flat_map(|(room, may)| may.iter().map(move |to| (room, to)));
        arrows
            .filter(|(room, to)| *to != "*" && !used(room, to))
            .map(|(room, to)| format!("{room} -> {to}"))
            .collect()
    }

    fn arrow(&self, room: &str, path: &[&str]) -> bool {
        let text = path.join("::");
        self.arrows.get(room).is_some_and(|may| may.iter().any(|to| to == "*" || under(&text, to)))
    }
}

fn under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// The first two columns of the table under a heading. Names stand in backticks; a row may name
/// several things on its left.
fn table(text: &str, heading: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let section = text
        .lines()
        .skip_while(|line| line.trim() != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('#'));
    for line in section.filter(|line| line.starts_with('|')) {
        let mut cells = line.trim_matches('|').split('|');
        let (left, right) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
        for name in ticked(left) {
            rows.entry(name).or_default().extend(ticked(right));
        }
    }
    assert!(!rows.is_empty(), "there is no table under the heading \"{heading}\"");
    rows
}

fn ticked(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
