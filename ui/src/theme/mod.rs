//! Themes: roles to styles, with inheritance.

mod appearance;
mod depth;
mod file;
mod glyphs;
mod lint;
mod role;

pub use appearance::{Appearance, MadeFor};
pub use depth::Depth;
pub use file::ansi;
pub use glyphs::{GlyphSet, Glyphs};
pub use lint::{Finding, Severity, check};
pub use role::Role;

use crate::files::Files;
use crate::problem::Problem;
use file::Sheet;
use ratatui::style::{Color, Style};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The themes that come with the program.
const SHIPPED: [(&str, &str); 6] = [
    ("terminal", include_str!("../../../themes/terminal.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
    ("harbor", include_str!("../../../themes/harbor.toml")),
    ("harbor-day", include_str!("../../../themes/harbor-day.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("deuteranopia", include_str!("../../../themes/deuteranopia.toml")),
];
/// Longest chain of `inherits`.
const DEEPEST: usize = 8;

/// Every role with its style.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    pub name: String,
    pub made_for: MadeFor,
    /// The theme that it inherits from.
    pub inherits: Option<String>,
    pub glyphs: Glyphs,
    /// True when no style of this theme has a colour; colours of log lines are left out too.
    pub colorless: bool,
    styles: BTreeMap<Role, Style>,
}

/// Why a theme cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThemeError {
    Unknown {
        name: String,
        known: Vec<String>,
    },
    Unreadable {
        name: String,
        why: String,
    },
    Broken {
        name: String,
        problem: Problem,
    },
    /// The names, the first one again at the end.
    Circle {
        names: Vec<String>,
    },
    TooDeep {
        name: String,
    },
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, known } => {
                write!(f, "no theme called `{name}`; there are {}", known.join(", "))
            }
            Self::Unreadable { name, why } => write!(f, "the file of theme {name} {why}"),
            Self::Broken { name, problem } => write!(f, "theme {name}, {problem}"),
            Self::Circle { names } => {
                write!(f, "themes inherit in a circle: {}", names.join(", "))
            }
            Self::TooDeep { name } => {
                write!(f, "theme {name} inherits from more than {DEEPEST} themes")
            }
        }
    }
}

impl std::error::Error for ThemeError {}

impl Theme {
    /// Loads `name` for a terminal with so many colours, from the user's files first, with what
    /// its file says that was ignored.
    pub fn load(
        name: &str,
        files: &Files,
        depth: Depth,
    ) -> Result<(Self, Vec<Problem>), ThemeError> {
        let mut chain: Vec<Sheet> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(current) = next.take() {
            let again = names.contains(&current);
            names.push(current.clone());
            if again {
                return Err(ThemeError::Circle { names });
            }
            if chain.len() == DEEPEST {
                return Err(ThemeError::TooDeep { name: name.to_owned() });
            }
            let text = text_of(&current, files)?;
            let sheet = file::read(&text)
                .map_err(|problem| ThemeError::Broken { name: current, problem })?;
            next.clone_from(&sheet.inherits);
            chain.push(sheet);
        }
        let problems = chain.first_mut().map(|sheet| std::mem::take(&mut sheet.problems));
        Ok((Self::of(name, &chain, depth), problems.unwrap_or_default()))
    }

    /// The theme that needs nothing: no file, no colour.
    pub fn plain() -> Self {
        Self::load("mono", &Files::default(), Depth::Mono)
            .map_or_else(|_| Self::of("mono", &[], Depth::Mono), |(theme, _)| theme)
    }

    fn of(name: &str, chain: &[Sheet], depth: Depth) -> Self {
        let styles: BTreeMap<Role, Style> = Role::ALL
            .iter()
            .map(|(role, key)| {
                let style = chain.iter().find_map(|sheet| sheet.style(key, depth));
                (*role, style.unwrap_or_default())
            })
            .collect();
        let none = |color: Option<Color>| color.is_none_or(|c| c == Color::Reset);
        Self {
            name: name.to_owned(),
            made_for: chain.iter().find_map(|sheet| sheet.made_for).unwrap_or_default(),
            inherits: chain.first().and_then(|sheet| sheet.inherits.clone()),
            glyphs: chain.iter().rev().fold(Glyphs::unicode(), |base, sheet| sheet.over(base)),
            colorless: styles.values().all(|style| none(style.fg) && none(style.bg)),
            styles,
        }
    }

    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// The colours of what says nothing else: foreground and background of `text`.
    pub fn ground(&self) -> (Option<Color>, Option<Color>) {
        let text = self.style(Role::Text);
        (text.fg, text.bg)
    }

    /// Names of all themes that can be loaded, sorted.
    pub fn names(files: &Files) -> Vec<String> {
        let mut names: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        names.extend(files.themes.keys().cloned());
        names.sort();
        names.dedup();
        names
    }
}

fn text_of(name: &str, files: &Files) -> Result<String, ThemeError> {
    match files.themes.get(name) {
        Some(Ok(text)) => return Ok(text.clone()),
        Some(Err(why)) => {
            return Err(ThemeError::Unreadable { name: name.to_owned(), why: why.clone() });
        }
        None => {}
    }
    SHIPPED
        .iter()
        .find(|(shipped, _)| *shipped == name)
        .map(|(_, text)| (*text).to_owned())
        .ok_or(ThemeError::Unknown { name: name.to_owned(), known: Theme::names(files) })
}

/// A theme in a list of them.
#[derive(Debug, Serialize)]
pub struct ThemeRow {
    pub name: String,
    /// `dark`, `light` or `any`.
    pub appearance: &'static str,
    pub inherits: Option<String>,
    /// It is a file of the user.
    pub own: bool,
    /// Why it cannot be used.
    pub broken: Option<String>,
}

/// All themes that a console with these files knows.
pub fn list(files: &Files) -> Vec<ThemeRow> {
    let row = |name: String| {
        let loaded = Theme::load(&name, files, Depth::True);
        let theme = loaded.as_ref().ok().map(|(theme, _)| theme);
        ThemeRow {
            appearance: theme.map_or("any", |theme| theme.made_for.word()),
            inherits: theme.and_then(|theme| theme.inherits.clone()),
            own: files.themes.contains_key(&name),
            broken: loaded.as_ref().err().map(ToString::to_string),
            name,
        }
    };
    Theme::names(files).into_iter().map(row).collect()
}

#[cfg(test)]
mod tests;
