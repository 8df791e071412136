//! What the user has set: `console.toml` and everything that follows from it.

pub mod file;

use crate::files::{CONSOLE, Files};
use crate::keymap::{KeyRow, Keymap};
use crate::problem::{Problem, first_of};
use crate::state::Ui;
use file::ConsoleFile;

/// The user's files and what they mean.
#[derive(Debug, Default)]
pub struct Settings {
    pub files: Files,
    pub keymap: Keymap,
}

/// Takes new files in. What is wrong is told, and leaves in force what was.
pub fn take(ui: &mut Ui, files: Files) {
    let mut wrong: Vec<String> = Vec::new();
    if files.console != ui.settings.files.console {
        let (map, problems) = keymap(&files);
        wrong.extend(problems.iter().map(|problem| format!("{CONSOLE}, {problem}")));
        if let Some(map) = map {
            ui.settings.keymap = map;
        }
    }
    ui.settings.files = files;
    if let Some(wrong) = first_of(&wrong) {
        ui.complain(wrong);
    }
}

/// The file as far as it can be read, and what is wrong with it.
fn console(files: &Files) -> (Option<ConsoleFile>, Vec<Problem>) {
    match &files.console {
        None => (Some(ConsoleFile::default()), Vec::new()),
        Some(Err(why)) => (None, vec![Problem { line: 1, what: why.clone() }]),
        Some(Ok(text)) => match file::read(text) {
            Ok(mut file) => {
                let problems = std::mem::take(&mut file.problems);
                (Some(file), problems)
            }
            Err(problem) => (None, vec![problem]),
        },
    }
}

/// The keymap that the files ask for, none when they ask for what cannot be, and their problems.
fn keymap(files: &Files) -> (Option<Keymap>, Vec<Problem>) {
    let (file, mut problems) = console(files);
    let Some(file) = file else { return (None, problems) };
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
    (map, problems)
}

/// Every key of a console with these files, and what is wrong in `console.toml`.
pub fn keys(files: &Files) -> (Vec<KeyRow>, Vec<Problem>) {
    let (map, problems) = keymap(files);
    (map.unwrap_or_default().list(&files.console_path()), problems)
}
