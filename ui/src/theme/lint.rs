//! What is wrong with a theme file beyond its grammar.

use super::file::{self, Sheet};
use super::{Role, Theme, ThemeError};
use crate::files::Files;
use crate::problem::Problem;
use ratatui::style::{Color, Style};
use serde::Serialize;

/// Least contrast of text on its background.
const LEAST: f64 = 4.5;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Error,
    Warning,
}

/// Something to mend in a theme file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    #[serde(flatten)]
    pub problem: Problem,
}

/// Everything there is to say about a theme file, by line.
pub fn check(name: &str, text: &str, files: &Files) -> Vec<Finding> {
    let error = |problem| Finding { severity: Severity::Error, problem };
    let sheet = match file::read(text) {
        Ok(sheet) => sheet,
        Err(problem) => return vec![error(problem)],
    };
    let mut found: Vec<Finding> = sheet.problems.iter().cloned().map(error).collect();
    found.extend(
        sheet
            .unused
            .iter()
            .cloned()
            .map(|problem| Finding { severity: Severity::Warning, problem }),
    );
    let mut files = files.clone();
    files.themes.insert(name.to_owned(), Ok(text.to_owned()));
    match Theme::load(name, &files, super::Depth::True) {
        Ok((theme, _)) => found.extend(look(&theme, &sheet)),
        Err(ThemeError::Broken { name: other, .. }) if other == name => {}
        Err(why) => {
            let line = sheet.inherits_line;
            found.push(error(Problem { line, what: why.to_string() }));
        }
    }
    found.sort_by_key(|finding| (finding.problem.line, finding.severity));
    found
}

/// What cannot be read, or says something by colour alone.
fn look(theme: &Theme, sheet: &Sheet) -> Vec<Finding> {
    let mut found = Vec::new();
    let base = theme.style(Role::Text);
    for (role, name) in Role::ALL {
        let style = theme.style(role);
        // What was inherited is told at the first line that made it so.
        let parent = name.split_once('.').map_or(name, |(parent, _)| parent);
        let places = [name, parent, "text"].into_iter();
        let line = places.filter_map(|role| sheet.lines.get(role)).copied().next().unwrap_or(1);
        let mut tell = |severity, what| {
            found.push(Finding { severity, problem: Problem { line, what } });
        };
        let pair = (style.fg.or(base.fg), style.bg.or(base.bg));
        if let (Some(Color::Rgb(r, g, b)), Some(Color::Rgb(x, y, z))) = pair {
            let contrast = contrast((r, g, b), (x, y, z));
            if contrast < LEAST {
                let what = format!("`{name}` has a contrast of {contrast:.1}:1, below {LEAST}:1");
                tell(Severity::Error, what);
            }
        }
        let bare = Style { fg: None, ..style } == Style::default();
        if matches!(role, Role::Selection | Role::SelectionBlur) {
            if bare {
                let what = format!("`{name}` needs an attribute or a background to be seen");
                tell(Severity::Error, what);
            }
        } else if bare && style.fg.is_some() && style.fg != base.fg && !role.carried() {
            let what = format!("`{name}` differs from `text` by its colour alone");
            tell(Severity::Warning, what);
        }
    }
    found
}

/// The ratio of WCAG: 1 for the same colour, 21 for black on white.
pub fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |part: u8| {
        let share = f64::from(part) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}
