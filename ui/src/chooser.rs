//! Lists to choose from: actions, themes, settings.

use crate::action::Action;
use crate::keymap::Bound;
use crate::offer;
use crate::settings::options::OPTIONS;
use crate::state::Ui;
use crate::theme::Theme;
use tui_input::Input as TextInput;

/// An open list.
#[derive(Debug, Clone)]
pub struct Chooser {
    pub of: Of,
    pub at: usize,
    /// What the items shown contain.
    pub search: TextInput,
    pub typing: bool,
}

/// What the list is of.
#[derive(Debug, Clone)]
pub enum Of {
    /// What can be done with the selection.
    Actions,
    /// The theme that comes back when nothing is chosen.
    Themes {
        before: Box<Theme>,
    },
    Settings,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub does: Does,
    /// In front: the key, or a mark.
    pub key: String,
    pub name: String,
    pub note: String,
    pub danger: bool,
}

/// What choosing an item does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    Act(Action),
    Theme(String),
    /// The next value of a setting.
    Set(&'static str),
}

impl Chooser {
    pub fn new(of: Of) -> Self {
        Self { of, at: 0, search: TextInput::default(), typing: false }
    }

    pub fn title(&self, ui: &Ui) -> String {
        match self.of {
            Of::Actions => {
                let name = match ui.selected(ui.focus()) {
                    crate::state::Subject::Agent(name) => name,
                    crate::state::Subject::Run(id) | crate::state::Subject::Trigger(id) => id,
                    _ => ui.focus().title().to_owned(),
                };
                format!("Actions for {}", crate::text::line(&name))
            }
            Of::Themes { .. } => "Themes".to_owned(),
            Of::Settings => "Settings".to_owned(),
        }
    }

    /// The items that contain what was typed.
    pub fn items(&self, ui: &Ui) -> Vec<Item> {
        let wanted = self.search.value().to_lowercase();
        let all = match &self.of {
            Of::Actions => actions(ui),
            Of::Themes { before } => themes(ui, &before.name),
            Of::Settings => settings(ui),
        };
        let fits = |item: &Item| {
            item.name.to_lowercase().contains(&wanted) || item.note.to_lowercase().contains(&wanted)
        };
        all.into_iter().filter(fits).collect()
    }
}

/// Each action once, with the first of its keys.
fn actions(ui: &Ui) -> Vec<Item> {
    let offered = ui.settings.keymap.offered(ui.focus(), ui.setup.read_only);
    let applies = |row: &&Bound| {
        offer::on_selection(row.entry.action) && offer::applies(ui, row.entry.action)
    };
    let mut items: Vec<Item> = Vec::new();
    for row in offered.filter(applies) {
        let does = Does::Act(row.entry.action);
        if items.iter().all(|item| item.does != does) {
            items.push(Item {
                does,
                key: row.bindings.first().map(crate::keymap::Binding::shown).unwrap_or_default(),
                name: row.entry.title(ui.setup.remote).to_owned(),
                note: String::new(),
                danger: row.entry.danger,
            });
        }
    }
    items
}

fn themes(ui: &Ui, before: &str) -> Vec<Item> {
    let files = &ui.settings.files;
    let item = |row: crate::theme::ThemeRow| Item {
        key: if row.name == before { "*".to_owned() } else { String::new() },
        note: match (&row.broken, row.own) {
            (Some(why), _) => why.clone(),
            (None, true) => format!("{}, your own", row.appearance),
            (None, false) => row.appearance.to_owned(),
        },
        danger: row.broken.is_some(),
        does: Does::Theme(row.name.clone()),
        name: row.name,
    };
    crate::theme::list(files).into_iter().map(item).collect()
}

fn settings(ui: &Ui) -> Vec<Item> {
    let item = |option: &crate::settings::options::Setting| Item {
        does: Does::Set(option.name),
        key: option.name.to_owned(),
        name: (option.get)(ui).to_owned(),
        note: format!("{} ({})", option.what, option.values.join(", ")),
        danger: false,
    };
    OPTIONS.iter().map(item).collect()
}
