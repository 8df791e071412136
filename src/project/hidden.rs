//! What may be secret in a file of settings, kept out of what a person is shown.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::environment::login;
use super::schema::MODEL;
use super::source::Source;
use super::tree::{self, Node, Table, Tree};

/// What stands in the place of a value that may be secret.
pub const HIDDEN: &str = "(hidden)";

/// The same, for one that was not there before.
const NEW: &str = "(hidden, new)";

const MARK: char = '\u{feff}';

/// Two texts of a file without what may be secret in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    pub before: String,
    pub after: String,
    /// Values that may be secret anywhere, also in a text that they were written into.
    pub secrets: Vec<String>,
}

/// Covers both texts of a TOML file. A value that changes is still seen to change. Of a text that is
/// no TOML nothing stays, as it cannot be told what is secret in it.
pub fn covered(before: &str, after: &str) -> Covered {
    let (old, new) = (Text::read(before), Text::read(after));
    let known: BTreeSet<(&str, &str)> = old.spots.iter().map(Spot::moved).collect();
    // Values of one place, in the order in which they stand there.
    let at = |spots: &[Spot], path: &[String]| -> Vec<String> {
        let here = spots.iter().filter(|spot| spot.path == path);
        here.map(|spot| spot.written.clone()).collect()
    };
    let same = |spot: &Spot| match at(&old.spots, &spot.path) {
        // It may have come from elsewhere.
        before if before.is_empty() => known.contains(&spot.moved()),
        before => before == at(&new.spots, &spot.path),
    };
    let texts = old.spots.iter().chain(&new.spots).filter_map(|spot| spot.secret.clone());
    Covered {
        before: old.with(|spot| spot.shown.clone()),
        after: new.with(|spot| match same(spot) {
            true => spot.shown.clone(),
            false => spot.shown.replace(HIDDEN, NEW),
        }),
        secrets: texts.collect(),
    }
}

/// The text of a file as a line of it may be shown: every place in it stays where it is. One that is
/// no TOML is as it was written, as its person could not mend it otherwise, and so is a number.
pub fn veiled(source: &Source) -> Cow<'_, str> {
    let is_toml = source.path.extension().is_some_and(|extension| extension == "toml");
    let spots = if is_toml { Text::read(&source.text).spots } else { Vec::new() };
    if spots.is_empty() {
        return Cow::Borrowed(&source.text);
    }
    let mark = source.text.len() - source.text.trim_start_matches(MARK).len();
    let mut bytes = source.text.clone().into_bytes();
    for spot in spots.iter().filter(|spot| spot.written.contains(['"', '\''])) {
        let value = bytes.get_mut(mark + spot.span.start..mark + spot.span.end);
        let keep = |byte: u8| matches!(byte, b'"' | b'\'' | b'\n' | b'\r');
        value.into_iter().flatten().filter(|byte| !keep(**byte)).for_each(|byte| *byte = b'*');
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(HIDDEN), Cow::Owned)
}

/// A value as it may be shown, by the parts of its key.
pub fn shown(path: &mut Vec<String>, tree: &Tree) -> Value {
    match tree {
        Tree::Table(table) => {
            let mut inner = serde_json::Map::new();
            for entry in &table.entries {
                path.push(entry.key.clone());
                inner.insert(entry.key.clone(), shown(path, &entry.node.value));
                path.pop();
            }
            inner.into()
        }
        _ if may_be_secret(path) => json!(HIDDEN),
        Tree::Text(text) => json!(address(text).as_deref().unwrap_or(text)),
        Tree::List(list) => list.iter().map(|node| shown(path, &node.value)).collect(),
        Tree::Int(_) | Tree::Float(_) | Tree::Bool(_) | Tree::Time(_) | Tree::Bad => tree.to_json(),
    }
}

/// Headers carry keys, and so may what is not known of a model.
fn may_be_secret(path: &[String]) -> bool {
    is_of_headers(path)
        || match path {
            [models, _, key, ..] if models == "models" => MODEL.key(key).is_none(),
            [model, key, ..] if model == "model" => MODEL.key(key).is_none(),
            _ => false,
        }
}

fn is_of_headers(path: &[String]) -> bool {
    path.iter().any(|part| part == "headers")
}

/// An address without the password in it; none when there is nothing to leave out.
fn address(text: &str) -> Option<String> {
    let login = login(text).filter(|_| text.contains("://"))?;
    Some(format!("{}{HIDDEN}{}", &text[..login.start], &text[login.end..]))
}

/// A text, and what is not shown of it.
struct Text<'t> {
    /// What stands before the TOML.
    mark: &'t str,
    text: &'t str,
    spots: Vec<Spot>,
    is_toml: bool,
}

/// A value that is not shown as it is.
struct Spot {
    path: Vec<String>,
    span: Range<usize>,
    /// As it is written.
    written: String,
    /// What stands there instead.
    shown: String,
    secret: Option<String>,
}

impl Spot {
    /// One that has both is the same in another text where its place there is a new one.
    fn moved(&self) -> (&str, &str) {
        (self.path.last().map_or("", String::as_str), &self.written)
    }
}

impl<'t> Text<'t> {
    fn read(whole: &'t str) -> Self {
        let text = whole.strip_prefix(MARK).unwrap_or(whole);
        let mark = &whole[..whole.len() - text.len()];
        let source = Source { path: PathBuf::new(), shown: String::new(), text: text.to_owned() };
        let read = tree::parse(&Arc::new(source));
        let mut spots = Vec::new();
        if let Ok(table) = &read {
            in_table(table, text, &mut Vec::new(), &mut spots);
        }
        spots.sort_by_key(|spot| spot.span.start);
        Self { mark, text, spots, is_toml: read.is_ok() }
    }

    fn with(&self, shown: impl Fn(&Spot) -> String) -> String {
        if !self.is_toml {
            return format!("{HIDDEN}\n");
        }
        let (mut out, mut at) = (self.mark.to_owned(), 0);
        for spot in &self.spots {
            out.push_str(self.text.get(at..spot.span.start).unwrap_or_default());
            out.push_str(&shown(spot));
            at = spot.span.end;
        }
        out + self.text.get(at..).unwrap_or_default()
    }
}

fn in_table(table: &Table, text: &str, path: &mut Vec<String>, spots: &mut Vec<Spot>) {
    for entry in &table.entries {
        path.push(entry.key.clone());
        in_node(&entry.node, text, path, spots);
        path.pop();
    }
}

fn in_node(node: &Node, text: &str, path: &mut Vec<String>, spots: &mut Vec<Spot>) {
    let is_secret = may_be_secret(path);
    let said = match &node.value {
        Tree::Table(table) => return in_table(table, text, path, spots),
        Tree::List(list) if !is_secret || list.iter().any(is_table) => {
            return list.iter().for_each(|node| in_node(node, text, path, spots));
        }
        Tree::Text(said) => Some(said),
        _ => None,
    };
    let shown = match (is_secret, said.and_then(|said| address(said))) {
        (true, _) => HIDDEN.to_owned(),
        (false, Some(address)) => address,
        (false, None) => return,
    };
    spots.push(Spot {
        path: path.clone(),
        span: node.at.span.clone(),
        written: text.get(node.at.span.clone()).unwrap_or_default().to_owned(),
        shown: toml_edit::Value::from(shown).to_string(),
        secret: said.filter(|_| is_of_headers(path)).cloned(),
    });
}

fn is_table(node: &Node) -> bool {
    matches!(node.value, Tree::Table(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_without_what_may_be_secret_and_keeps_its_places() {
        let check = |file: &str, text: &str, expected: &str| {
            let text = text.to_owned();
            let source = Source { path: file.into(), shown: String::new(), text };
            assert_eq!(veiled(&source), expected);
        };
        let text = "\u{feff}[model]\nmodel = \"m\"\nmine = \"p\u{e4}ss\"\nheaders = { a = '''x\ny''', b = 12 }\n";
        let veiled = "\u{feff}[model]\nmodel = \"m\"\nmine = \"*****\"\nheaders = { a = '''*\n*''', b = 12 }\n";
        check("config.toml", text, veiled);
        check("SKILL.md", text, text);
        check("config.toml", "a = = 1\n", "a = = 1\n");
    }

    #[test]
    fn what_may_be_secret_is_covered_and_seen_to_change() {
        let check = |before: &str, after: &str, expected: (&str, &str)| {
            let covered = covered(before, after);
            assert_eq!((covered.before.as_str(), covered.after.as_str()), expected);
        };
        let old = "scale = 2 # two\n[models.m]\nmodel = \"m\"\nmine = \"one\"\n[models.m.headers]\n\
                   A = \"first\"\nB = \"second\"\n";
        let hidden = "scale = 2 # two\n[models.m]\nmodel = \"m\"\nmine = \"(hidden)\"\n\
                      [models.m.headers]\nA = \"(hidden)\"\nB = \"(hidden)\"\n";
        check(old, old, (hidden, hidden));
        // The values change places.
        let swapped = old.replace("first", "-").replace("second", "first").replace('-', "second");
        check(
            old,
            &swapped,
            (
                hidden,
                &hidden.replacen(
                    "ers]\nA = \"(hidden)\"\nB = \"(hidden)\"",
                    "ers]\nA = \"(hidden, new)\"\nB = \"(hidden, new)\"",
                    1,
                ),
            ),
        );
        // One model gets what another has.
        let two = "[models.a.headers]\nA = \"one\"\n[models.b.headers]\nA = \"two\"\n";
        let a_hidden = "[models.a.headers]\nA = \"(hidden)\"\n";
        let b_hidden = "[models.b.headers]\nA = \"(hidden)\"\n";
        let b_new = "[models.b.headers]\nA = \"(hidden, new)\"\n";
        let both = format!("{a_hidden}{b_hidden}");
        check(two, &two.replace("two", "one"), (&both, &format!("{a_hidden}{b_new}")));
        // It has another place.
        check(
            "[model.headers]\nA = \"one\"\n",
            "[models.a.headers]\nA = \"one\"\n",
            ("[model.headers]\nA = \"(hidden)\"\n", a_hidden),
        );
        // Wherever headers stand and whatever they are.
        check(
            "[[preflight]]\nparams = { headers = { K = 'x', L = { m = 1 } }, url = \"u\" }\n",
            "\u{feff}[model]\r\nheaders = [\"K: x\"] # mine\r\n",
            (
                "[[preflight]]\nparams = { headers = { K = \"(hidden)\", L = { m = \"(hidden)\" } }, url = \"u\" }\n",
                "\u{feff}[model]\r\nheaders = \"(hidden, new)\" # mine\r\n",
            ),
        );
        check(
            "url = \"https://ada:pass@host:1/x\"\nbroken = \"https://host/@\"\n",
            "a = [\"http://b@c\"]\n",
            (
                "url = \"https://(hidden)@host:1/x\"\nbroken = \"https://host/@\"\n",
                "a = [\"http://(hidden, new)@c\"]\n",
            ),
        );
        check("token = = x\n", "", ("(hidden)\n", ""));
    }
}
