//! Every pane and whatever stands in front of it, at the size of each layout: the text, which is the
//! same in every theme, and one letter per cell for how it looks in `terminal` and in `mono`.

use super::confirm;
use crate::fixture::{Desk, text};
use crate::input::Input;
use crate::view::buffer;
use al_wire::{Down, Level, Reply};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};
use std::fmt::Write;

const SIZES: [(u16, u16); 4] = [(60, 12), (80, 24), (120, 40), (200, 60)];

/// Text, then one letter per pair of styles of each cell, then what the letters mean.
fn twofold(terminal: &Buffer, mono: &Buffer) -> String {
    assert_eq!(text(terminal), text(mono), "a theme changes no text");
    let mut known = vec![(Style::reset(), Style::reset())];
    let mut map = String::new();
    for y in 0..terminal.area.height {
        let mut line = String::new();
        for x in 0..terminal.area.width {
            let pair = (plain(terminal[(x, y)].style()), plain(mono[(x, y)].style()));
            let at = known.iter().position(|seen| *seen == pair).unwrap_or_else(|| {
                known.push(pair);
                known.len() - 1
            });
            line.push(letter(at));
        }
        writeln!(map, "{}", line.trim_end_matches('.')).unwrap();
    }
    let mut legend = String::new();
    for (at, (terminal, mono)) in known.iter().enumerate().skip(1) {
        let (terminal, mono) = (said(*terminal), said(*mono));
        writeln!(legend, "{} {terminal:<28} mono: {mono}", letter(at)).unwrap();
    }
    format!("{}\n{map}\n{legend}", text(terminal))
}

fn letter(at: usize) -> char {
    match at {
        0 => '.',
        1..=26 => char::from(b'a' + u8::try_from(at - 1).unwrap()),
        _ => char::from(b'A' + u8::try_from(at - 27).unwrap()),
    }
}

/// No colour asked for and the colour of the terminal are the same.
fn plain(style: Style) -> Style {
    let looks_plain = style.fg == Some(Color::Reset)
        && style.bg == Some(Color::Reset)
        && style.add_modifier.is_empty();
    if looks_plain { Style::reset() } else { style }
}

fn said(style: Style) -> String {
    let colour = |color: Option<Color>| color.filter(|color| *color != Color::Reset);
    let mut words: Vec<String> = colour(style.fg).iter().map(|fg| format!("{fg:?}")).collect();
    words.extend(colour(style.bg).map(|bg| format!("on {bg:?}")));
    words.extend((!style.add_modifier.is_empty()).then(|| format!("{:?}", style.add_modifier)));
    if words.is_empty() { "plain".to_owned() } else { words.join(" ") }
}

/// What stands on the screen after these keys; `k` is a question about a kill.
fn desk(size: (u16, u16), theme: &str, keys: &str) -> Desk {
    let mut desk = Desk::at(size, theme);
    let (keys, asked) = match keys.strip_suffix(" ?kill") {
        Some(keys) => (keys, true),
        None => (keys, false),
    };
    desk.press(keys);
    if asked {
        desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm(Level::Wide)) });
    }
    desk
}

#[test]
fn every_pane_and_overlay_in_every_layout() {
    for (name, keys) in [
        ("runs", "2 j"),
        ("queues", "3"),
        ("triggers", "4"),
        ("logs", "5 k k / '403' Enter"),
        ("alerts", "6"),
        ("inspect", "2 i"),
        ("timeline", "T > h h"),
        ("stats", "g s j"),
        ("help", "?"),
        ("question", "X ?kill"),
        ("leave", "q"),
        ("run_form", "s 'fix it'"),
        ("themes", ": 'theme' Enter"),
        ("completion", ": 'kill ' Tab Tab"),
    ] {
        for size in SIZES {
            let mut shown = desk(size, "terminal", keys);
            let terminal = buffer(&shown.ui);
            shown.ui.theme = desk(size, "mono", "").ui.theme;
            let screen = twofold(&terminal, &buffer(&shown.ui));
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen);
        }
    }
}

/// Keys that change what stands on the screen.
const KEYS: [&str; 44] = [
    "j",
    "k",
    "G",
    "g g",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "T",
    "g s",
    "g e",
    "Tab",
    "S-Tab",
    "z",
    "w",
    "t",
    "v",
    "c",
    "e",
    "?",
    "i",
    "a",
    "Esc",
    "Enter",
    "/ 'de'",
    "/ 'x'",
    "+",
    "q",
    ": 'run '",
    ": 'kill ' Tab",
    ": 'theme' Enter",
    ": 'set' Enter",
    "s",
    "S",
    "C",
    "F",
    "Ctrl-d",
    "[",
    "X",
    "V",
    "y",
    "A",
];

/// A screen that can be worked with: all drawn inside, one pane or question whole, what helps last.
fn whole(desk: &Desk, after: &str) -> Result<(), TestCaseError> {
    let (width, height) = desk.ui.size;
    let drawn = buffer(&desk.ui);
    prop_assert_eq!((drawn.area.width, drawn.area.height), (width, height));
    for y in 0..height {
        let last = drawn[(width - 1, y)].symbol();
        let cells = unicode_width::UnicodeWidthStr::width(last);
        prop_assert!(cells <= 1, "half a character at the edge: {} {:?}", after, desk.ui.size);
    }
    if width < 60 || height < 12 {
        return Ok(());
    }
    let screen = desk.screen();
    // What is typed stands over the lowest line of the panes.
    let corners =
        if desk.ui.prompt.is_some() { &['╔', '╗'][..] } else { &['╔', '╗', '╚', '╝'] };
    for corner in corners {
        prop_assert!(screen.contains(*corner), "no {}: {}\n{}", corner, after, screen);
    }
    let last = desk.last_row();
    prop_assert!(!last.contains(['│', '║', '─', '═']), "{}\n{}", after, screen);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_keys_at_any_size_leave_a_whole_screen(
        steps in proptest::collection::vec(
            (proptest::sample::select(KEYS.to_vec()), 1..=300_u16, 1..=100_u16, any::<bool>()),
            1..10,
        ),
        mono: bool,
        question: bool,
    ) {
        let mut desk = Desk::at((80, 24), if mono { "mono" } else { "terminal" });
        let mut after = String::new();
        for (keys, width, height, turns) in steps {
            if turns {
                desk.give(Input::Resize(width, height));
            }
            desk.press(keys);
            after.push_str(&format!(" {keys} {width}x{height}"));
            whole(&desk, &after)?;
        }
        if question {
            desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm(Level::Wide)) });
            whole(&desk, &after)?;
        }
    }
}
