//! Theme files: TOML, with every problem named by its line.

use super::appearance::{Appearance, MadeFor};
use super::glyphs::NAMES;
use super::{Depth, GlyphSet, Glyphs, Role};
use crate::problem::{Problem, line_of, nearest};
use ratatui::style::{Color, Modifier, Style};
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What one file says, before inheritance.
#[derive(Debug, Default)]
pub struct Sheet {
    pub inherits: Option<String>,
    pub inherits_line: usize,
    pub made_for: Option<MadeFor>,
    pub roles: BTreeMap<&'static str, Style>,
    /// Where each role stands.
    pub lines: BTreeMap<&'static str, usize>,
    /// In place of roles where a terminal has sixteen, or 256 colours.
    pub ansi16: BTreeMap<&'static str, Style>,
    pub ansi256: BTreeMap<&'static str, Style>,
    pub glyph_set: Option<GlyphSet>,
    pub glyphs: Vec<(&'static str, String)>,
    pub problems: Vec<Problem>,
    /// Names of the palette that nothing uses.
    pub unused: Vec<Problem>,
}

impl Sheet {
    /// The style that this file gives to a role: its own before that of its parent, what is said
    /// for fewer colours before what is said for all.
    pub fn style(&self, key: &str, depth: Depth) -> Option<Style> {
        let fallback = match depth {
            Depth::Ansi16 => Some(&self.ansi16),
            Depth::Ansi256 => Some(&self.ansi256),
            Depth::Mono | Depth::True => None,
        };
        let said = |key: &str| {
            let fewer = fallback.and_then(|fallback| fallback.get(key));
            fewer.or_else(|| self.roles.get(key)).copied()
        };
        said(key).or_else(|| said(key.split_once('.')?.0))
    }
}

/// Reads a file. An error means that it is no TOML at all.
pub fn read(text: &str) -> Result<Sheet, Problem> {
    let table = DeTable::parse(text).map_err(|error| Problem::no_toml(text, &error))?;
    let sheet = Sheet { inherits_line: 1, ..Sheet::default() };
    let mut reader = Reader { text, palette: BTreeMap::new(), used: BTreeSet::new(), sheet };
    reader.root(table.get_ref());
    reader.sheet.problems.sort_by_key(|problem| problem.line);
    Ok(reader.sheet)
}

struct Reader<'a> {
    text: &'a str,
    /// Colours by name.
    palette: BTreeMap<String, Color>,
    used: BTreeSet<String>,
    sheet: Sheet,
}

const KEYS: [&str; 6] = ["inherits", "appearance", "palette", "roles", "glyphs", "fallback"];

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) {
        let mut named = Vec::new();
        if let Some(palette) = root.get("palette").and_then(|value| value.get_ref().as_table()) {
            for (name, value) in palette {
                if let Some(color) = self.color(value) {
                    self.palette.insert(name.get_ref().to_string(), color);
                    named.push((name.get_ref().to_string(), name.span().start));
                }
            }
        }
        for (key, value) in root {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("inherits", DeValue::String(name)) => {
                    self.sheet.inherits = Some(name.to_string());
                    self.sheet.inherits_line = line_of(self.text, key.span().start);
                }
                ("appearance", DeValue::String(word)) => self.appearance(value, word),
                ("palette", DeValue::Table(_)) => {}
                ("roles", DeValue::Table(roles)) => {
                    for (role, line, style) in self.roles(roles) {
                        self.sheet.roles.insert(role, style);
                        self.sheet.lines.insert(role, line);
                    }
                }
                ("glyphs", DeValue::Table(glyphs)) => self.glyphs(glyphs),
                ("fallback", DeValue::Table(fallback)) => self.fallback(fallback),
                (known, other) if KEYS.contains(&known) => {
                    let what = format!("`{known}` cannot be a {}", other.type_str());
                    self.problem(value.span().start, what);
                }
                (unknown, _) => self.unknown(key.span().start, "key", unknown, &KEYS),
            }
        }
        for (name, at) in named.into_iter().filter(|(name, _)| !self.used.contains(name)) {
            let line = line_of(self.text, at);
            let what = format!("nothing uses `{name}` of [palette]");
            self.sheet.unused.push(Problem { line, what });
        }
    }

    fn appearance(&mut self, value: &Spanned<DeValue<'_>>, word: &str) {
        let known =
            [MadeFor::Any, MadeFor::Only(Appearance::Dark), MadeFor::Only(Appearance::Light)];
        self.sheet.made_for = known.into_iter().find(|made_for| made_for.word() == word);
        if self.sheet.made_for.is_none() {
            self.problem(value.span().start, "`appearance` is dark, light or any".to_owned());
        }
    }

    fn fallback(&mut self, fallback: &DeTable<'_>) {
        for (key, value) in fallback {
            match (key.get_ref().as_ref(), value.get_ref()) {
                (depth @ ("ansi16" | "ansi256"), DeValue::Table(roles)) => {
                    let styles =
                        self.roles(roles).into_iter().map(|(role, _, style)| (role, style));
                    match depth {
                        "ansi16" => self.sheet.ansi16 = styles.collect(),
                        _ => self.sheet.ansi256 = styles.collect(),
                    }
                }
                (depth @ ("ansi16" | "ansi256"), other) => {
                    let what = format!("`{depth}` is a table of roles, not a {}", other.type_str());
                    self.problem(value.span().start, what);
                }
                (unknown, _) => {
                    self.unknown(key.span().start, "fallback", unknown, &["ansi16", "ansi256"]);
                }
            }
        }
    }

    fn roles(&mut self, roles: &DeTable<'_>) -> Vec<(&'static str, usize, Style)> {
        let known: Vec<&'static str> = Role::ALL.iter().map(|(_, name)| *name).collect();
        let mut found = Vec::new();
        for (key, value) in roles {
            let name = key.get_ref().as_ref();
            let Some(role) = known.iter().copied().find(|role| *role == name) else {
                self.unknown(key.span().start, "role", name, &known);
                continue;
            };
            match value.get_ref() {
                DeValue::Table(attributes) => {
                    let line = line_of(self.text, key.span().start);
                    found.push((role, line, self.style(attributes)));
                }
                other => {
                    let what = format!("role `{name}` is a {}, not a table", other.type_str());
                    self.problem(value.span().start, what);
                }
            }
        }
        found
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
            _ => {
                self.used.insert(text.to_owned());
                self.palette.get(text).copied()
            }
        };
        if found.is_none() {
            let near = nearest(text, self.palette.keys().map(String::as_str));
            let what = format!(
                "`{text}` is no colour{near}; use default, ansi:0..15, indexed:0..255, #rrggbb or a name from [palette]"
            );
            self.problem(at, what);
        }
        found
    }

    fn glyphs(&mut self, glyphs: &DeTable<'_>) {
        for (key, value) in glyphs {
            let name = key.get_ref().as_ref();
            let text = value.get_ref().as_str();
            match (name, NAMES.iter().copied().find(|known| *known == name), text) {
                ("set", ..) => {
                    self.sheet.glyph_set = text.and_then(GlyphSet::named);
                    if self.sheet.glyph_set.is_none() {
                        let what = "`set` is unicode, ascii or nerd".to_owned();
                        self.problem(value.span().start, what);
                    }
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
        let mut glyphs = self.glyph_set.map_or(base, Glyphs::of);
        for (name, glyph) in &self.glyphs {
            if let Some(slot) = glyphs.slot(name) {
                slot.clone_from(glyph);
            }
        }
        glyphs
    }
}
