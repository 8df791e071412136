//! `[model]` becomes a model with a name.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, value};

use super::toml;

/// What a model's keys say, in order of the keys.
type Meaning = Vec<(String, String)>;

/// The models of a project: those that have a name, and those that get one.
#[derive(Debug, Clone, Default)]
pub struct Models {
    named: Vec<(String, Meaning)>,
    /// The name that the project's `[model]` has now: what agents use that name none.
    pub(super) only: Option<String>,
    /// What is to be added to the project's `[models]`.
    added: Vec<(String, Table)>,
}

impl Models {
    /// The models of a project's `config.toml`, where `[model]` gets a name.
    pub(super) fn of_project(document: &mut DocumentMut, what: &mut Vec<String>) -> Self {
        let mut models = Self::default();
        let named = document.get("models").and_then(Item::as_table_like);
        for (name, item) in named.into_iter().flat_map(TableLike::iter) {
            let meaning = item.as_table_like().map(meaning).unwrap_or_default();
            models.named.push((name.to_owned(), meaning));
        }
        if let Some(table) = take_model(document) {
            let (name, is_new) = models.name_for(&table);
            what.push(format!("`[model]` is now `[models.{name}]`"));
            if is_new {
                add(document, &name, table);
            }
            models.only = Some(name);
        }
        models
    }

    /// Gives an agent's own `[model]` a name, or makes it name the one that it used silently.
    pub(super) fn of_agent(
        &mut self,
        document: &mut DocumentMut,
        agent: &str,
        what: &mut Vec<String>,
    ) {
        let name = if let Some(mut table) = take_model(document) {
            let (name, is_new) = self.name_for(&table);
            what.push(format!("`[model]` is now `[models.{name}]` of the project"));
            if is_new {
                let above: String = toml::comments(table.decor())
                    .iter()
                    .map(|comment| format!("{comment}\n"))
                    .collect();
                table
                    .decor_mut()
                    .set_prefix(format!("\n# was `[model]` of agents/{agent}\n{above}"));
                table.set_position(None);
                self.added.push((name.clone(), table));
            }
            name
        } else {
            match &self.only {
                Some(only) if !document.contains_key("models") && thinks(document) => {
                    what.push(format!("it names the project's model, `{only}`"));
                    only.clone()
                }
                _ => return,
            }
        };
        // Where both stand, `models` was not known to who read `[model]`, and is what counts now.
        if !document.contains_key("models") {
            let is_alone = !document.iter().any(|(_, item)| item.is_value());
            let mut list = value(Array::from_iter([name]));
            if let Some(list) = list.as_value_mut().filter(|_| is_alone && !document.is_empty()) {
                list.decor_mut().set_suffix("\n");
            }
            document.insert("models", list);
        }
    }

    /// Adds what agents brought to the project's configuration.
    pub(super) fn finish(&mut self, document: &mut DocumentMut, what: &mut Vec<String>) {
        for (name, table) in std::mem::take(&mut self.added) {
            what.push(format!("`[models.{name}]` is new, from an agent"));
            add(document, &name, table);
        }
    }

    /// A name for a model, and whether nobody has it yet: one that is the same has one.
    fn name_for(&mut self, table: &Table) -> (String, bool) {
        let meaning = meaning(table);
        if let Some((name, _)) = self.named.iter().find(|(_, other)| *other == meaning) {
            return (name.clone(), false);
        }
        let said = table.get("model").and_then(Item::as_str).unwrap_or("default");
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let base: String = said.chars().map(plain).collect();
        let taken = |name: &str| self.named.iter().any(|(other, _)| other == name);
        let name = match taken(&base) {
            false => base,
            true => (2..).map(|n| format!("{base}-{n}")).find(|n| !taken(n)).unwrap_or(base),
        };
        self.named.push((name.clone(), meaning));
        (name, true)
    }
}

fn take_model(document: &mut DocumentMut) -> Option<Table> {
    document.get("model").filter(|item| item.is_table_like())?;
    document.remove("model")?.into_table().ok()
}

fn add(document: &mut DocumentMut, name: &str, table: Table) {
    if let Some(models) = toml::table_of(document.as_table_mut(), "models", true) {
        models.insert(name, Item::Table(table));
    }
}

/// Whether an agent asks a model itself.
fn thinks(document: &DocumentMut) -> bool {
    let harness = document.get("harness").and_then(Item::as_table_like);
    let kind = harness.and_then(|harness| harness.get("type")?.as_str());
    matches!(kind, None | Some("pi" | "builtin"))
}

fn meaning(table: &(impl TableLike + ?Sized)) -> Meaning {
    let said = |item: &Item| match item.as_value().cloned() {
        Some(mut value) => {
            value.decor_mut().clear();
            value.to_string()
        }
        None => item.to_string().trim().to_owned(),
    };
    let mut meaning: Meaning =
        table.iter().map(|(key, item)| (key.to_owned(), said(item))).collect();
    meaning.sort_unstable();
    meaning
}
