//! What the user has set: `console.toml`, themes, and everything that follows from them.

pub mod file;
mod layout;
pub mod options;

use crate::files::{CONSOLE, Files};
use crate::input::Out;
use crate::keymap::{KeyRow, Keymap};
use crate::problem::{Problem, first_of};
use crate::state::Ui;
use crate::theme::{Appearance, Depth, GlyphSet, Glyphs, Theme, ThemeError};
use file::{ConsoleFile, ContextRules};

/// The user's files and what they mean.
#[derive(Debug, Default)]
pub struct Settings {
    pub files: Files,
    pub keymap: Keymap,
    /// What `console.toml` said when it last made sense.
    pub file: ConsoleFile,
    /// It is there and has not made sense yet: nobody knows what it protects.
    pub unread: bool,
    /// The theme of the command line or of `:theme`, before any of the file.
    pub chosen: Option<String>,
    /// A set of glyphs in place of the theme's.
    pub glyphs: Option<GlyphSet>,
    pub depth: Depth,
    /// Whether the terminal is dark or light, as far as it has said.
    pub appearance: Option<Appearance>,
    /// The terminal was asked.
    pub asked: bool,
    /// Name of the environment that is shown.
    pub context: Option<String>,
}

impl Settings {
    /// The rules of the environment that is shown.
    pub fn rules(&self) -> Option<&ContextRules> {
        self.file.contexts.get(self.context.as_deref()?)
    }

    /// The word that everything which changes something has to be confirmed with.
    pub fn protected(&self) -> Option<&str> {
        let protected = self.unread || self.rules().is_some_and(|rules| rules.protected);
        self.context.as_deref().filter(|_| protected)
    }

    /// The theme that is wanted: chosen by hand, then by the environment, then by the file.
    fn wanted(&self) -> Option<&str> {
        let forced = || self.rules().and_then(|rules| rules.theme.as_deref());
        let usual = || {
            let choice = self.file.theme.as_ref()?;
            Some(match self.appearance.unwrap_or_default() {
                Appearance::Dark => choice.dark.as_str(),
                Appearance::Light => choice.light.as_str(),
            })
        };
        self.chosen.as_deref().or_else(forced).or_else(usual)
    }
}

/// Takes new files in. What is wrong is told, and leaves in force what was.
pub fn take(ui: &mut Ui, files: Files, out: &mut Vec<Out>) {
    let mut wrong: Vec<String> = Vec::new();
    let mut set = Vec::new();
    if files.console != ui.settings.files.console {
        let (file, map, problems) = understand(&files);
        wrong.extend(problems.iter().map(|problem| format!("{CONSOLE}, {problem}")));
        if let Some(map) = map {
            ui.settings.keymap = map;
        }
        let first = ui.settings.files.console.is_none() || ui.settings.unread;
        ui.settings.unread = first && file.is_none();
        if let Some(file) = file {
            let before = std::mem::replace(&mut ui.settings.file, file);
            set.clone_from(&ui.settings.file.set);
            set.retain(|pair| !before.set.contains(pair));
        }
    }
    ui.settings.files = files;
    set_all(ui, set, out);
    wrong.extend(styled(ui));
    ask_background(ui, out);
    if let Some(wrong) = first_of(&wrong) {
        ui.complain(wrong);
    }
}

/// The terminal said whether it is dark or light.
pub fn background(ui: &mut Ui, appearance: Appearance) {
    ui.settings.appearance = Some(appearance);
    if let Some(wrong) = first_of(&styled(ui)) {
        ui.complain(wrong);
    }
}

/// Another environment is shown, by a console that has only just begun to.
pub fn enter(ui: &mut Ui, environment: &str, out: &mut Vec<Out>) {
    ui.settings.context = Some(environment.to_owned());
    let set = ui.settings.file.set.clone();
    set_all(ui, set, out);
    restyle(ui, out);
}

/// Sets what the file says, where the command line has not said better.
fn set_all(ui: &mut Ui, set: Vec<(&'static str, &'static str)>, out: &mut Vec<Out>) {
    for (name, value) in set {
        let said = match name {
            "glyphs" => ui.setup.ascii,
            "bell" => ui.setup.quiet,
            _ => false,
        };
        if !said {
            options::put(ui, name, value, out);
        }
    }
}

/// Draws with the theme that is wanted now.
pub fn restyle(ui: &mut Ui, out: &mut Vec<Out>) {
    let wrong = styled(ui);
    ask_background(ui, out);
    if let Some(wrong) = first_of(&wrong) {
        ui.complain(wrong);
    }
}

/// The terminal is asked for its background once, when that decides something.
fn ask_background(ui: &mut Ui, out: &mut Vec<Out>) {
    let choice = ui.settings.file.theme.as_ref();
    let matters = choice.is_some_and(|choice| choice.dark != choice.light);
    if matters && !ui.settings.asked && !ui.setup.no_color {
        ui.settings.asked = true;
        out.push(Out::AskBackground);
    }
}

/// Loads the wanted theme. What is wrong with it comes back, and the theme stays as it was when it
/// cannot be used.
fn styled(ui: &mut Ui) -> Vec<String> {
    let standard = if ui.setup.no_color { "mono" } else { "terminal" };
    let name = ui.settings.wanted().unwrap_or(standard).to_owned();
    match load(ui, &name) {
        Ok((theme, problems)) if theme.colorless || !ui.setup.no_color => {
            ui.theme = theme;
            problems.iter().map(|problem| format!("theme {name}, {problem}")).collect()
        }
        Ok(_) => Vec::new(),
        Err(error) => vec![error.to_string()],
    }
}

/// A theme as it would look here.
pub fn load(ui: &Ui, name: &str) -> Result<(Theme, Vec<Problem>), ThemeError> {
    let (mut theme, problems) = Theme::load(name, &ui.settings.files, ui.settings.depth)?;
    if let Some(set) = ui.settings.glyphs {
        theme.glyphs = Glyphs::of(set);
    }
    Ok((theme, problems))
}

/// What `console.toml` says; the keymap is none when its keys clash.
fn understand(files: &Files) -> (Option<ConsoleFile>, Option<Keymap>, Vec<Problem>) {
    let mut file = match &files.console {
        None => ConsoleFile::default(),
        Some(Err(why)) => return (None, None, vec![Problem { line: 1, what: why.clone() }]),
        Some(Ok(text)) => match file::read(text) {
            Ok(file) => file,
            Err(problem) => return (None, None, vec![problem]),
        },
    };
    let mut problems = std::mem::take(&mut file.problems);
    let map = match Keymap::with(&file.wishes) {
        Ok((map, more)) => {
            problems.extend(more);
            Some(map)
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    problems.sort_by_key(|problem| problem.line);
    (Some(file), map, problems)
}

/// Every key of a console with these files, and what is wrong in `console.toml`.
pub fn keys(files: &Files) -> (Vec<KeyRow>, Vec<Problem>) {
    let (_, map, problems) = understand(files);
    (map.unwrap_or_default().list(&files.console_path()), problems)
}
