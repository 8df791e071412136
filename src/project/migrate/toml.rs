//! Small changes to TOML that keep what people wrote around it.

use toml_edit::{Decor, Item, Key, Table, TableLike};

/// A text without the mark that some editors put before it.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The text with the line ends of what it was made from.
pub fn with_ends_of(before: &str, after: String) -> String {
    match before.contains("\r\n") {
        true => after.replace("\r\n", "\n").replace('\n', "\r\n"),
        false => after,
    }
}

/// The strings of a list.
pub fn texts(item: Option<&Item>) -> Vec<String> {
    let list = item.and_then(Item::as_array);
    let texts = list.into_iter().flatten().filter_map(|value| value.as_str());
    texts.map(str::to_owned).collect()
}

/// Gives a key another name, where it stands. False when it is not there. Where the new name has a
/// value already, that one counts, and the old one goes.
pub fn rename(table: &mut dyn TableLike, old: &str, new: &str) -> bool {
    if !table.contains_key(old) {
        return false;
    }
    if table.contains_key(new) {
        table.remove(old);
        return true;
    }
    // Nothing renames, so everything is taken out and put back in order.
    let names: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let Some(key) = table.key(&name).cloned() else { continue };
        let Some(item) = table.remove(&name) else { continue };
        let key = match name == old {
            true => Key::new(new)
                .with_leaf_decor(key.leaf_decor().clone())
                .with_dotted_decor(key.dotted_decor().clone()),
            false => key,
        };
        table.entry_format(&key).or_insert(item);
    }
    true
}

/// The table of that name, made when it is not there; none when something else has the name.
pub fn table_of<'a>(
    parent: &'a mut Table,
    name: &str,
    implicit: bool,
) -> Option<&'a mut dyn TableLike> {
    let made = parent.entry(name).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(implicit);
        Item::Table(table)
    });
    made.as_table_like_mut()
}

/// The comment lines of what stands before something.
pub fn comments(decor: &Decor) -> Vec<String> {
    let text = decor.prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
    text.lines().map(str::trim).filter(|line| line.starts_with('#')).map(str::to_owned).collect()
}
