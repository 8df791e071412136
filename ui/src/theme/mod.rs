//! Themes: roles to styles, with inheritance.

mod file;
mod glyphs;
mod role;

pub use file::ansi;
pub use glyphs::Glyphs;
pub use role::Role;

use crate::problem::Problem;
use file::Sheet;
use ratatui::style::{Color, Style};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The themes that come with the program.
const SHIPPED: [(&str, &str); 2] = [
    ("terminal", include_str!("../../../themes/terminal.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];
/// Longest chain of `inherits`.
const DEEPEST: usize = 8;

/// Every role with its style.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    pub name: String,
    pub glyphs: Glyphs,
    /// True when no style of this theme has a colour; colours of log lines are left out too.
    pub colorless: bool,
    styles: BTreeMap<Role, Style>,
}

/// Why a theme cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThemeError {
    Unknown { name: String, known: Vec<String> },
    Unreadable { path: PathBuf, why: String },
    Broken { name: String, problem: Problem },
    TooDeep { name: String },
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, known } => {
                write!(f, "no theme called `{name}`; there are {}", known.join(", "))
            }
            Self::Unreadable { path, why } => write!(f, "cannot read {}: {why}", path.display()),
            Self::Broken { name, problem } => write!(f, "theme {name}, {problem}"),
            Self::TooDeep { name } => {
                write!(f, "theme {name} inherits from itself or from more than {DEEPEST} themes")
            }
        }
    }
}

impl std::error::Error for ThemeError {}

impl Theme {
    /// Loads `name`, from `<config_dir>/themes` first, with what its files say that was ignored.
    pub fn load(name: &str, config_dir: Option<&Path>) -> Result<(Self, Vec<Problem>), ThemeError> {
        let mut chain: Vec<Sheet> = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(current) = next.take() {
            if chain.len() == DEEPEST {
                return Err(ThemeError::TooDeep { name: name.to_owned() });
            }
            let text = text_of(&current, config_dir)?;
            let sheet = file::read(&text)
                .map_err(|problem| ThemeError::Broken { name: current.clone(), problem })?;
            next.clone_from(&sheet.inherits);
            chain.push(sheet);
        }
        let problems = chain.first_mut().map(|sheet| std::mem::take(&mut sheet.problems));
        Ok((Self::of(name, &chain), problems.unwrap_or_default()))
    }

    /// The theme that needs nothing: no file, no colour.
    pub fn plain() -> Self {
        Self::load("mono", None).map_or_else(|_| Self::of("mono", &[]), |(theme, _)| theme)
    }

    fn of(name: &str, chain: &[Sheet]) -> Self {
        let styles: BTreeMap<Role, Style> = Role::ALL
            .iter()
            .map(|(role, key)| (*role, lookup(key, chain).unwrap_or_default()))
            .collect();
        let none = |color: Option<Color>| color.is_none_or(|c| c == Color::Reset);
        Self {
            name: name.to_owned(),
            glyphs: chain.iter().rev().fold(Glyphs::unicode(), |base, sheet| sheet.over(base)),
            colorless: styles.values().all(|style| none(style.fg) && none(style.bg)),
            styles,
        }
    }

    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// Names of all themes that can be loaded, sorted.
    pub fn names(config_dir: Option<&Path>) -> Vec<String> {
        let mut names: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        let files = config_dir.and_then(|dir| std::fs::read_dir(dir.join("themes")).ok());
        for entry in files.into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
            }
        }
        names.sort();
        names.dedup();
        names
    }
}

/// In each file of the chain, the role itself and then its parent before the dot.
fn lookup(key: &str, chain: &[Sheet]) -> Option<Style> {
    let parent = key.split_once('.').map(|(parent, _)| parent);
    chain
        .iter()
        .find_map(|sheet| sheet.roles.get(key).or_else(|| sheet.roles.get(parent?)).copied())
}

fn text_of(name: &str, config_dir: Option<&Path>) -> Result<String, ThemeError> {
    let plain_name = !name.contains(['/', '\\']) && !name.starts_with('.');
    if let Some(dir) = config_dir.filter(|_| plain_name) {
        let path = dir.join("themes").join(format!("{name}.toml"));
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(ThemeError::Unreadable { path, why: error.to_string() }),
        }
    }
    SHIPPED
        .iter()
        .find(|(shipped, _)| *shipped == name)
        .map(|(_, text)| (*text).to_owned())
        .ok_or(ThemeError::Unknown { name: name.to_owned(), known: Theme::names(config_dir) })
}

#[cfg(test)]
mod tests;
