//! Theme files: TOML, with every problem named by its line.

use super::glyphs::NAMES;
use super::{Glyphs, Role};
use crate::problem::{Problem, line_of, nearest};
use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What one file says, before inheritance.
#[derive(Debug, Default)]
pub struct Sheet {
    pub inherits: Option<String>,
    pub roles: BTreeMap<&'static str, Style>,
    /// `unicode` or `ascii`.
    pub glyph_set: Option<String>,
    pub glyphs: Vec<(&'static str, String)>,
    pub problems: Vec<Problem>,
}

/// Reads a file. An error means that it is no TOML at all.
pub fn read(text: &str) -> Result<Sheet, Problem> {
    let table = DeTable::parse(text).map_err(|error| Problem::no_toml(text, &error))?;
    let mut reader = Reader { text, palette: BTreeMap::new(), sheet: Sheet::default() };
    reader.root(table.get_ref());
    reader.sheet.problems.sort_by_key(|problem| problem.line);
    Ok(reader.sheet)
}

struct Reader<'a> {
    text: &'a str,
    palette: BTreeMap<String, Color>,
    sheet: Sheet,
}

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) {
        if let Some(palette) = root.get("palette").and_then(|value| value.get_ref().as_table()) {
            for (name, value) in palette {
                if let Some(color) = self.color(value) {
                    self.palette.insert(name.get_ref().to_string(), color);
                }
            }
        }
        for (key, value) in root {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("inherits", DeValue::String(name)) => self.sheet.inherits = Some(name.to_string()),
                ("palette", DeValue::Table(_)) => {}
                ("roles", DeValue::Table(roles)) => self.roles(roles),
                ("glyphs", DeValue::Table(glyphs)) => self.glyphs(glyphs),
                (known @ ("inherits" | "palette" | "roles" | "glyphs"), other) => {
                    let what = format!("`{known}` cannot be a {}", other.type_str());
                    self.problem(value.span().start, what);
                }
                (unknown, _) => {
                    let known = ["inherits", "palette", "roles", "glyphs"];
                    self.unknown(key.span().start, "key", unknown, &known);
                }
            }
        }
    }

    fn roles(&mut self, roles: &DeTable<'_>) {
        let known: Vec<&'static str> = Role::ALL.iter().map(|(_, name)| *name).collect();
        for (key, value) in roles {
            let name = key.get_ref().as_ref();
            let Some(role) = known.iter().copied().find(|role| *role == name) else {
                self.unknown(key.span().start, "role", name, &known);
                continue;
            };
            match value.get_ref() {
                DeValue::Table(attributes) => {
                    let style = self.style(attributes);
                    self.sheet.roles.insert(role, style);
                }
                other => {
                    let what = format!("role `{name}` is a {}, not a table", other.type_str());
                    self.problem(value.span().start, what);
                }
            }
        }
    }

    fn style(&mut self, attributes: &DeTable<'_>) -> Style {
        const FLAGS: [(&str, Modifier); 5] = [
            ("bold", Modifier::BOLD),
            ("dim", Modifier::DIM),
            ("italic", Modifier::ITALIC),
            ("underline", Modifier::UNDERLINED),
            ("reverse", Modifier::REVERSED),
        ];
        let mut style = Style::default();
        for (key, value) in attributes {
            let name = key.get_ref().as_ref();
            let flag = FLAGS.iter().find(|(known, _)| *known == name);
            match (name, flag, value.get_ref()) {
                (_, Some((_, modifier)), DeValue::Boolean(true)) => {
                    style = style.add_modifier(*modifier);
                }
                (_, Some((_, modifier)), DeValue::Boolean(false)) => {
                    style = style.remove_modifier(*modifier);
                }
                ("fg", ..) => style.fg = self.color(value).or(style.fg),
                ("bg", ..) => style.bg = self.color(value).or(style.bg),
                (_, Some(_), _) => {
                    self.problem(value.span().start, format!("`{name}` is true or false"));
                }
                _ => {
                    let known = ["fg", "bg", "bold", "dim", "italic", "underline", "reverse"];
                    self.unknown(key.span().start, "attribute", name, &known);
                }
            }
        }
        style
    }

    /// `default`, `ansi:0` to `ansi:15`, `indexed:0` to `indexed:255`, `#rrggbb` or a palette name.
    fn color(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Color> {
        let at = value.span().start;
        let Some(text) = value.get_ref().as_str() else {
            self.problem(at, "a colour is a string".to_owned());
            return None;
        };
        let found = match text.split_once(':') {
            Some(("ansi", n)) => n.parse().ok().filter(|n| *n < 16).map(ansi),
            Some(("indexed", n)) => n.parse().ok().map(Color::Indexed),
            _ if text == "default" => Some(Color::Reset),
            _ if text.starts_with('#') => rgb(text),
            _ => self.palette.get(text).copied(),
        };
        if found.is_none() {
            self.problem(
                at,
                format!(
                    "`{text}` is no colour; use default, ansi:0..15, indexed:0..255, #rrggbb or a name from [palette]"
                ),
            );
        }
        found
    }

    fn glyphs(&mut self, glyphs: &DeTable<'_>) {
        for (key, value) in glyphs {
            let name = key.get_ref().as_ref();
            let text = value.get_ref().as_str();
            match (name, NAMES.iter().copied().find(|known| *known == name), text) {
                ("set", _, Some(set @ ("unicode" | "ascii"))) => {
                    self.sheet.glyph_set = Some(set.to_owned());
                }
                ("set", ..) => {
                    self.problem(value.span().start, "`set` is unicode or ascii".to_owned());
                }
                (_, Some(known), Some(glyph)) if fits(known, glyph) => {
                    self.sheet.glyphs.push((known, glyph.to_owned()));
                }
                (_, Some(known), _) => {
                    self.problem(
                        value.span().start,
                        format!("glyph `{known}` is one character, one column wide"),
                    );
                }
                _ => self.unknown(key.span().start, "glyph", name, &NAMES),
            }
        }
    }

    fn unknown(&mut self, at: usize, kind: &str, name: &str, known: &[&str]) {
        let near = nearest(name, known.iter().copied());
        self.problem(at, format!("unknown {kind} `{name}`{near}"));
    }

    fn problem(&mut self, at: usize, what: String) {
        self.sheet.problems.push(Problem { line: line_of(self.text, at), what });
    }
}

fn fits(name: &str, glyph: &str) -> bool {
    let width = unicode_width::UnicodeWidthStr::width(glyph);
    let widest = if name == "ellipsis" { 3 } else { 1 };
    (1..=widest).contains(&width) && !glyph.chars().any(char::is_control)
}

fn rgb(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = value.to_be_bytes();
    Some(Color::Rgb(r, g, b))
}

/// One of the sixteen colours that the user's terminal defines.
pub fn ansi(n: u8) -> Color {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    NAMED[usize::from(n % 16)]
}

impl Sheet {
    /// Lays this file's glyphs over those of the theme it inherits from.
    pub(super) fn over(&self, base: Glyphs) -> Glyphs {
        let mut glyphs = match self.glyph_set.as_deref() {
            Some("ascii") => Glyphs::ascii(),
            Some(_) => Glyphs::unicode(),
            None => base,
        };
        for (name, glyph) in &self.glyphs {
            if let Some(slot) = glyphs.slot(name) {
                slot.clone_from(glyph);
            }
        }
        glyphs
    }
}
