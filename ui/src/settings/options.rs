//! What `:set` and `[set]` can change: one table, from which completion, validation and the list of
//! settings come.

use super::restyle;
use crate::input::Out;
use crate::logs::TimeMode;
use crate::problem::nearest;
use crate::state::Ui;
use crate::theme::{GlyphSet, Glyphs};
use al_wire::LogLevel;

/// One thing that can be set.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub values: &'static [&'static str],
    pub what: &'static str,
    pub get: fn(&Ui) -> &'static str,
    put: fn(&mut Ui, &str, &mut Vec<Out>),
}

const SWITCH: &[&str] = &["on", "off"];

fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

pub const OPTIONS: [Setting; 8] = [
    Setting {
        name: "wrap",
        values: SWITCH,
        what: "wrap long lines of logs",
        get: |ui| switch(ui.log.wrap),
        put: |ui, value, _| {
            ui.log.wrap = value == "on";
            ui.log.left = 0;
        },
    },
    Setting {
        name: "level",
        values: &["all", "info", "warn", "error"],
        what: "lowest level of log records",
        get: |ui| match ui.log.level {
            LogLevel::Trace | LogLevel::Debug => "all",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        },
        put: |ui, value, out| {
            let level = match value {
                "info" => LogLevel::Info,
                "warn" => LogLevel::Warn,
                "error" => LogLevel::Error,
                _ => LogLevel::Trace,
            };
            ui.log.set_level(level);
            crate::update::logs::sift(ui, out);
        },
    },
    Setting {
        name: "time",
        values: &["local", "utc", "since", "none"],
        what: "time before log records",
        get: |ui| match ui.log.time {
            TimeMode::Local => "local",
            TimeMode::Utc => "utc",
            TimeMode::Since => "since",
            TimeMode::None => "none",
        },
        put: |ui, value, _| {
            ui.log.time = match value {
                "utc" => TimeMode::Utc,
                "since" => TimeMode::Since,
                "none" => TimeMode::None,
                _ => TimeMode::Local,
            };
        },
    },
    Setting {
        name: "unfold",
        values: SWITCH,
        what: "show what tools gave back",
        get: |ui| switch(ui.log.unfolded),
        put: |ui, value, _| ui.log.unfolded = value == "on",
    },
    Setting {
        name: "glyphs",
        values: &["theme", "unicode", "ascii", "nerd"],
        what: "signs and borders",
        get: |ui| match ui.settings.glyphs {
            None => "theme",
            Some(GlyphSet::Unicode) => "unicode",
            Some(GlyphSet::Ascii) => "ascii",
            Some(GlyphSet::Nerd) => "nerd",
        },
        put: |ui, value, out| {
            ui.settings.glyphs = GlyphSet::named(value);
            match ui.settings.glyphs {
                Some(set) => ui.theme.glyphs = Glyphs::of(set),
                None => restyle(ui, out),
            }
        },
    },
    Setting {
        name: "mouse",
        values: SWITCH,
        what: "clicks and the wheel; off, the terminal selects text",
        get: |ui| switch(ui.mouse),
        put: |ui, value, out| {
            ui.mouse = value == "on";
            out.push(Out::Mouse(ui.mouse));
        },
    },
    Setting {
        name: "bell",
        values: SWITCH,
        what: "ring once for each thing that needs a person",
        get: |ui| switch(ui.attention.bell),
        put: |ui, value, _| ui.attention.bell = value == "on",
    },
    Setting {
        name: "zoom",
        values: SWITCH,
        what: "the pane with the focus fills the screen",
        get: |ui| switch(ui.zoom),
        put: |ui, value, _| ui.zoom = value == "on",
    },
];

impl Setting {
    /// The value as the table has it.
    pub fn value(&self, word: &str) -> Result<&'static str, String> {
        self.values.iter().copied().find(|value| *value == word).ok_or_else(|| {
            let near = nearest(word, self.values.iter().copied());
            format!("`{}` is {}, not `{word}`{near}", self.name, self.values.join(", "))
        })
    }
}

/// Understands `wrap on`.
pub fn parse(rest: &str) -> Result<(&'static str, &'static str), String> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let [name, value] = words[..] else {
        return Err("`set` needs a name and a value".to_owned());
    };
    let option = OPTIONS.iter().find(|option| option.name == name).ok_or_else(|| {
        let near = nearest(name, OPTIONS.iter().map(|option| option.name));
        format!("nothing called `{name}` can be set{near}")
    })?;
    Ok((option.name, option.value(value)?))
}

/// Sets an option of the table.
pub fn put(ui: &mut Ui, name: &str, value: &str, out: &mut Vec<Out>) {
    if let Some(option) = OPTIONS.iter().find(|option| option.name == name) {
        (option.put)(ui, value, out);
    }
}
