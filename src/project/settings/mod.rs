//! Single keys of a person's TOML file, read and changed by the names that the [`schema`] knows.
//! Comments and formatting stay, and so do line endings and a byte order mark.

mod endings;
mod slot;

use std::fmt;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Key, Table, TableLike, Value};

pub use slot::{Slot, slot};

use super::hidden;
use super::schema::{File, Kind};
use super::source::MAX_BYTES;

/// One change, as a person orders it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `key` is a path with dots, `value` what the person wrote: quotes are not needed.
    Set {
        key: String,
        value: String,
    },
    Unset {
        key: String,
    },
}

impl Change {
    pub fn key(&self) -> &str {
        match self {
            Self::Set { key, .. } | Self::Unset { key } => key,
        }
    }
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// One sentence without a full stop.
    pub message: String,
    pub hint: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Refused {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// A file's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    file: File,
    /// As it was read.
    original: String,
    document: DocumentMut,
}

impl Settings {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// With the parser's words when it is not TOML.
    pub fn parse(file: File, text: &str) -> Result<Self, String> {
        let document = endings::plain(text).parse::<DocumentMut>().map_err(|e| e.to_string())?;
        Ok(Self { file, original: text.to_owned(), document })
    }

    /// The text with all changes.
    pub fn text(&self) -> String {
        endings::like(&self.original, &self.document.to_string())
    }

    /// Makes one change.
    ///
    /// # Errors
    /// When the key is not one, or what is written there is in the way. Whether the value is
    /// right is for the loader to say.
    pub fn change(&mut self, change: &Change) -> Result<(), Refused> {
        let parts = parts(change.key())?;
        let slot = slot(self.file, &parts)?;
        match change {
            Change::Set { value, .. } => self.set(&parts, written(slot, change.key(), value)?)?,
            Change::Unset { key } => self.unset(&parts, key)?,
        }
        if endings::plain(&self.document.to_string()).len() as u64 > MAX_BYTES {
            return Err(Refused::new(format!("the file would have more than {MAX_BYTES} bytes")));
        }
        Ok(())
    }

    /// What is written under a key, as TOML.
    pub fn get(&self, parts: &[String]) -> Option<String> {
        let item = self.item(parts)?;
        let text = match item.as_value() {
            Some(value) => value.clone().decorated("", "").to_string(),
            None => item.to_string(),
        };
        Some(text.trim().to_owned())
    }

    /// The same, as it may be shown: without what may be secret in it.
    pub fn shown(&self, parts: &[String]) -> Option<String> {
        let text = hidden::covered(&self.document.to_string(), "").before;
        Self::parse(self.file, &text).ok()?.get(parts)
    }

    /// A string that is written under a key.
    pub fn text_of(&self, parts: &[String]) -> Option<String> {
        self.item(parts)?.as_str().map(str::to_owned)
    }

    /// The strings of a list that is written under a key.
    pub fn texts_of(&self, parts: &[String]) -> Vec<String> {
        let list = self.item(parts).and_then(Item::as_array);
        list.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    }

    /// The keys of a table, or the places of a list, that are written under a key.
    pub fn keys_of(&self, parts: &[String]) -> Vec<String> {
        let Some(item) = self.item(parts) else { return Vec::new() };
        if let Some(table) = item.as_table_like() {
            return table.iter().map(|(key, _)| key.to_owned()).collect();
        }
        let length = match item {
            Item::ArrayOfTables(list) => list.len(),
            Item::Value(Value::Array(list)) => list.len(),
            _ => 0,
        };
        (0..length).map(|place| place.to_string()).collect()
    }

    /// The words of the comment behind a value at the top of the file.
    pub fn comment_of(&self, key: &str) -> Option<String> {
        let suffix = self.document.get(key)?.as_value()?.decor().suffix()?.as_str()?;
        Some(suffix.trim().trim_start_matches('#').trim().to_owned())
    }

    /// Sets that comment, or takes it away with no words; nothing without the value.
    pub fn set_comment(&mut self, key: &str, words: &str) {
        let suffix = if words.is_empty() { String::new() } else { format!(" # {words}") };
        if let Some(value) = self.document.get_mut(key).and_then(Item::as_value_mut) {
            value.decor_mut().set_suffix(suffix);
        }
    }

    fn item(&self, parts: &[String]) -> Option<&Item> {
        let mut item = self.document.as_item();
        for part in parts {
            item = match item {
                Item::ArrayOfTables(_) | Item::Value(Value::Array(_)) => {
                    // An item of a list is no `Item`; whoever asks goes on with its keys.
                    return self.in_list(parts);
                }
                item => item.get(part.as_str())?,
            };
        }
        Some(item)
    }

    /// Below `webhooks.0`.
    fn in_list(&self, parts: &[String]) -> Option<&Item> {
        let (list, rest) = parts.split_first()?;
        let (place, rest) = rest.split_first()?;
        let list = self.document.get(list)?.as_array_of_tables()?;
        let table = list.get(place.parse().ok()?)?;
        let (first, rest) = rest.split_first()?;
        rest.iter().try_fold(table.get(first)?, |item, part| item.get(part.as_str()))
    }

    fn set(&mut self, parts: &[String], value: Value) -> Result<(), Refused> {
        let is_new_root = parts.len() == 1 && !self.document.contains_key(&parts[0]);
        let lead = if is_new_root { self.take_lead() } else { String::new() };
        put(self.file, self.document.as_item_mut(), parts, 0, value)?;
        if !lead.is_empty()
            && let Some(mut key) = self.document.key_mut(&parts[0])
        {
            key.leaf_decor_mut().set_prefix(lead);
        }
        Ok(())
    }

    /// Comments at the top of a file without keys of its own: a key that comes first goes below
    /// them.
    fn take_lead(&mut self) -> String {
        let has_values = self.document.iter().any(|(_, item)| item.is_value());
        if has_values {
            return String::new();
        }
        if self.document.is_empty() {
            let lead = self.document.trailing().as_str().unwrap_or_default().to_owned();
            self.document.set_trailing("");
            return lead;
        }
        let Some(table) = first_table(self.document.as_table_mut()) else { return String::new() };
        let prefix = table.decor().prefix().and_then(|p| p.as_str()).unwrap_or_default().to_owned();
        // What stands right above the table is about the table.
        let Some(end) = prefix.rfind("\n\n") else { return String::new() };
        table.decor_mut().set_prefix(&prefix[end + 1..]);
        prefix[..end + 1].to_owned()
    }

    fn unset(&mut self, parts: &[String], key: &str) -> Result<(), Refused> {
        let before = self.document.to_string();
        take(self.document.as_item_mut(), parts)
            .ok_or_else(|| Refused::new(format!("`{key}` is not set")))?;
        let kept = endings::keep_lead(&before, &self.document.to_string());
        if let Ok(document) = kept.parse() {
            self.document = document;
        }
        Ok(())
    }
}

/// The parts of a path with dots; a part with a dot in it is written between quotes.
///
/// # Errors
/// When it is no such path.
pub fn parts(key: &str) -> Result<Vec<String>, Refused> {
    let parsed = Key::parse(key).map_err(|_| {
        Refused::new(format!("`{key}` is no name of a setting"))
            .hint("names have dots between their parts: `models.sonnet.provider`")
    })?;
    Ok(parsed.into_iter().map(|part| part.get().to_owned()).collect())
}

/// A path with dots of these parts.
pub fn path(parts: &[String]) -> String {
    let quoted = |part: &String| Key::new(part.as_str()).display_repr().into_owned();
    parts.iter().map(quoted).collect::<Vec<_>>().join(".")
}

fn first_table(root: &mut Table) -> Option<&mut Table> {
    let (_, item) = root.iter_mut().next()?;
    match item {
        Item::Table(table) => {
            if table.is_implicit() {
                return first_table(table);
            }
            Some(table)
        }
        Item::ArrayOfTables(list) => list.get_mut(0),
        Item::None | Item::Value(_) => None,
    }
}

/// What a person wrote, as the value that the key takes. What does not fit stays a string, and the
/// loader says what is expected.
fn written(slot: Slot, key: &str, text: &str) -> Result<Value, Refused> {
    let text = text.trim();
    let parsed = || text.parse::<Value>().ok();
    let string = || match parsed() {
        Some(Value::String(quoted)) => Value::from(quoted.value().as_str()),
        _ => Value::from(text),
    };
    let list = || match parsed() {
        Some(Value::Array(list)) => Value::Array(list),
        _ => Value::Array(words(text)),
    };
    let kind = match slot {
        Slot::Any => return Ok(parsed().unwrap_or_else(|| Value::from(text))),
        Slot::Filter => return Ok(list()),
        Slot::Known(kind) => kind,
    };
    Ok(match kind {
        Kind::Text | Kind::OneOf(_) | Kind::Span(..) | Kind::Id => string(),
        Kind::Bool
        | Kind::Int(..)
        | Kind::Number(..)
        | Kind::Share
        | Kind::Money(..)
        | Kind::Dollars => match parsed() {
            Some(value @ (Value::Boolean(_) | Value::Integer(_) | Value::Float(_))) => value,
            _ => string(),
        },
        Kind::Texts | Kind::SomeOf(_) => list(),
        Kind::TextOrTexts => match parsed() {
            Some(value @ Value::Array(_)) => value,
            _ => string(),
        },
        Kind::Table(_) | Kind::Named(_) | Kind::Pairs | Kind::Free => match parsed() {
            Some(value @ Value::InlineTable(_)) => value,
            _ => {
                let hint = format!("one of its keys: `{key}.<key>`, or the whole: `{{ a = 1 }}`");
                return Err(Refused::new(format!("`{key}` is a table")).hint(hint));
            }
        },
        Kind::Tables(_) | Kind::Bindings => {
            let hint = format!("name one of its keys: `{key}.0.<key>`");
            return Err(Refused::new(format!("`{key}` is a list of tables")).hint(hint));
        }
    })
}

/// `a,b` is two, `make all, now` one: commas are no separators in sentences.
fn words(text: &str) -> Array {
    let pieces: Vec<&str> = text.split(',').map(str::trim).filter(|p| !p.is_empty()).collect();
    if pieces.iter().any(|piece| piece.contains(char::is_whitespace)) {
        return Array::from_iter([text]);
    }
    Array::from_iter(pieces)
}

/// Puts a value where `parts[at..]` lead from `item`, which is what `parts[..at]` lead to.
fn put(
    file: File,
    item: &mut Item,
    parts: &[String],
    at: usize,
    value: Value,
) -> Result<(), Refused> {
    let here = || path(&parts[..at]);
    match item {
        Item::ArrayOfTables(list) => {
            let place = place(&parts[at], list.len(), &here())?;
            if place == list.len() {
                list.push(Table::new());
            }
            let Some(table) = list.get_mut(place) else { return Ok(()) };
            match value {
                Value::InlineTable(whole) if at + 1 == parts.len() => {
                    let mut whole = whole.into_table();
                    *whole.decor_mut() = table.decor().clone();
                    *table = whole;
                    Ok(())
                }
                value => put_in(file, table, parts, at + 1, value),
            }
        }
        Item::Value(Value::Array(list)) => {
            let place = place(&parts[at], list.len(), &here())?;
            if at + 1 == parts.len() {
                match list.get_mut(place) {
                    Some(old) => *old = value,
                    None => list.push(value),
                }
                return Ok(());
            }
            if place == list.len() {
                list.push(InlineTable::new());
            }
            match list.get_mut(place) {
                Some(Value::InlineTable(table)) => put_in(file, table, parts, at + 1, value),
                _ => Err(Refused::new(format!("`{}` is no table", path(&parts[..=at])))),
            }
        }
        item => match item.as_table_like_mut() {
            Some(table) => put_in(file, table, parts, at, value),
            None => Err(Refused::new(format!("`{}` is no table in this file", here()))
                .hint(format!("take it out first: --unset {}", here()))),
        },
    }
}

fn put_in(
    file: File,
    table: &mut dyn TableLike,
    parts: &[String],
    at: usize,
    value: Value,
) -> Result<(), Refused> {
    let name = &parts[at];
    if at + 1 < parts.len() {
        if !table.contains_key(name) {
            table.insert(name, container(file, &parts[..=at]));
        }
        return match table.get_mut(name) {
            Some(item) => put(file, item, parts, at + 1, value),
            None => Ok(()),
        };
    }
    // `[models.x]` reads better than `x = { ... }` below `[models]`.
    let is_named = at > 0 && matches!(slot(file, &parts[..at]), Ok(Slot::Known(Kind::Named(_))));
    match value {
        Value::InlineTable(whole) if is_named => {
            table.insert(name, Item::Table(whole.into_table()));
        }
        mut value => {
            if let Some(old) = table.get(name).and_then(Item::as_value) {
                // What stands around the value is mostly a comment.
                *value.decor_mut() = old.decor().clone();
            } else {
                value.decor_mut().clear();
            }
            match table.get_mut(name) {
                Some(item) => *item = Item::Value(value),
                None => {
                    table.insert(name, Item::Value(value));
                }
            }
        }
    }
    Ok(())
}

/// What holds the keys below this one, which is not there yet.
fn container(file: File, parts: &[String]) -> Item {
    match slot(file, parts) {
        Ok(Slot::Known(Kind::Tables(_) | Kind::Bindings)) => {
            Item::ArrayOfTables(Default::default())
        }
        _ => {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        }
    }
}

fn place(text: &str, length: usize, list: &str) -> Result<usize, Refused> {
    let place: usize = text.parse().map_err(|_| {
        Refused::new(format!("`{list}` is a list, and `{text}` no place in it"))
            .hint(format!("the first is `{list}.0`"))
    })?;
    if place <= length {
        return Ok(place);
    }
    Err(Refused::new(format!("`{list}` has {length} entries"))
        .hint(format!("the next one is `{list}.{length}`")))
}

/// Takes out what the parts lead to.
fn take(item: &mut Item, parts: &[String]) -> Option<()> {
    let (first, rest) = parts.split_first()?;
    match item {
        Item::ArrayOfTables(list) => {
            let place = first.parse().ok().filter(|place| *place < list.len())?;
            if rest.is_empty() {
                list.remove(place);
                return Some(());
            }
            take_in(list.get_mut(place)?, rest)
        }
        Item::Value(Value::Array(list)) => {
            let place = first.parse().ok().filter(|place| *place < list.len())?;
            if rest.is_empty() {
                list.remove(place);
                return Some(());
            }
            take_in(list.get_mut(place)?.as_inline_table_mut()?, rest)
        }
        item => take_in(item.as_table_like_mut()?, parts),
    }
}

fn take_in(table: &mut dyn TableLike, parts: &[String]) -> Option<()> {
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        return table.remove(first).map(drop);
    }
    take(table.get_mut(first)?, rest)
}

#[cfg(test)]
mod tests;
