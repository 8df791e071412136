//! Text from agents made safe to show: it can be coloured, it cannot drive the terminal.

use crate::theme::ansi;
use al_wire::{csi, escape};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const TAB: usize = 4;

/// Spans of `raw` with colours kept, every other escape sequence dropped, tabs expanded and
/// control characters shown as `^X`. Newlines stay, for the caller to break at.
pub fn safe(raw: &str, base: Style, colorless: bool) -> Vec<Span<'static>> {
    let mut pen = Pen { spans: Vec::new(), text: String::new(), base, style: base, column: 0 };
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                if let Some(parameters) = escape(&mut chars) {
                    pen.switch(sgr(pen.style, base, &parameters, colorless));
                }
            }
            // The one-character form of ESC [.
            '\u{9b}' => {
                if let Some(parameters) = csi(&mut chars) {
                    pen.switch(sgr(pen.style, base, &parameters, colorless));
                }
            }
            '\t' => {
                for _ in 0..TAB - pen.column % TAB {
                    pen.put(' ');
                }
            }
            '\n' => {
                pen.text.push('\n');
                pen.column = 0;
            }
            // A carriage return before a newline is a line end, not content.
            '\r' if chars.as_str().starts_with('\n') || chars.as_str().is_empty() => {}
            c if c.is_ascii_control() => {
                pen.put('^');
                pen.put(char::from((c as u8) ^ 0x40));
            }
            c if c.is_control() || al_wire::reorders(c) => {
                for c in format!("<{:04X}>", c as u32).chars() {
                    pen.put(c);
                }
            }
            c => pen.put(c),
        }
    }
    pen.switch(base);
    pen.spans
}

/// [`safe`] without colours and on one line: for names, sentences and titles.
pub use al_wire::line;

struct Pen {
    spans: Vec<Span<'static>>,
    text: String,
    base: Style,
    style: Style,
    column: usize,
}

impl Pen {
    fn put(&mut self, c: char) {
        self.text.push(c);
        self.column += c.width().unwrap_or(0);
    }

    fn switch(&mut self, style: Style) {
        if style == self.style && style != self.base {
            return;
        }
        if !self.text.is_empty() {
            self.spans.push(Span::styled(std::mem::take(&mut self.text), self.style));
        }
        self.style = style;
    }
}

/// The style after a "select graphic rendition" sequence.
fn sgr(mut style: Style, base: Style, parameters: &str, colorless: bool) -> Style {
    let mut numbers = parameters
        .split([';', ':'])
        .map(|n| if n.is_empty() { 0 } else { n.parse().unwrap_or(u16::MAX) });
    while let Some(number) = numbers.next() {
        style = match number {
            0 => base,
            1 => style.add_modifier(Modifier::BOLD),
            2 => style.add_modifier(Modifier::DIM),
            3 => style.add_modifier(Modifier::ITALIC),
            4 => style.add_modifier(Modifier::UNDERLINED),
            7 => style.add_modifier(Modifier::REVERSED),
            9 => style.add_modifier(Modifier::CROSSED_OUT),
            22 => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
            23 => style.remove_modifier(Modifier::ITALIC),
            24 => style.remove_modifier(Modifier::UNDERLINED),
            27 => style.remove_modifier(Modifier::REVERSED),
            29 => style.remove_modifier(Modifier::CROSSED_OUT),
            30..=37 | 38 | 39 | 90..=97 => {
                let color = color(number, 30, base.fg, &mut numbers);
                if colorless { style } else { Style { fg: color, ..style } }
            }
            40..=47 | 48 | 49 | 100..=107 => {
                let color = color(number, 40, base.bg, &mut numbers);
                if colorless { style } else { Style { bg: color, ..style } }
            }
            _ => style,
        };
    }
    style
}

fn color(
    number: u16,
    first: u16,
    base: Option<Color>,
    rest: &mut impl Iterator<Item = u16>,
) -> Option<Color> {
    let mut byte = || rest.next().and_then(|n| u8::try_from(n).ok());
    match number - first {
        n @ 0..=7 => u8::try_from(n).ok().map(ansi),
        n @ 60..=67 => u8::try_from(n - 52).ok().map(ansi),
        8 => match byte() {
            Some(5) => byte().map(Color::Indexed),
            Some(2) => Some(Color::Rgb(byte()?, byte()?, byte()?)),
            _ => base,
        },
        _ => base,
    }
}

/// `text` in at most `width` columns, the middle cut out: both ends of a name tell things apart.
pub fn cut_middle(text: &str, width: usize, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(ellipsis.width());
    if room < 2 {
        return take_width(text.chars(), width);
    }
    let front = take_width(text.chars(), room.div_ceil(2));
    let back: String = take_width(text.chars().rev(), room - front.width()).chars().rev().collect();
    format!("{front}{ellipsis}{back}")
}

/// `text` in at most `width` columns, the end cut off.
pub fn cut_end(text: &str, width: usize, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(ellipsis.width());
    let kept = take_width(text.chars(), if room == 0 { width } else { room });
    if room == 0 { kept } else { kept + ellipsis }
}

/// Lines of at most `width` cells that end between words; a word that is longer is cut.
pub fn by_words(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word;
        while let Some(line) = lines.last_mut() {
            let blank = usize::from(!line.is_empty());
            if line.width() + blank + word.width() <= width {
                line.push_str(if blank == 1 { " " } else { "" });
                line.push_str(word);
                break;
            }
            if blank == 1 {
                lines.push(String::new());
                continue;
            }
            let kept = take_width(word.chars(), width);
            // A character that is wider than a line is left out.
            let kept_or_one = kept.len().max(word.chars().next().map_or(0, char::len_utf8));
            line.push_str(&kept);
            word = &word[kept_or_one..];
            lines.push(String::new());
        }
    }
    lines
}

fn take_width(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

/// Where `needle` stands in `text` without regard to case, as byte ranges.
pub fn find(text: &str, needle: &str) -> Vec<(usize, usize)> {
    let needle: Vec<char> = needle.chars().flat_map(char::to_lowercase).collect();
    let mut found = Vec::new();
    if needle.is_empty() {
        return found;
    }
    let mut from = 0;
    while let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) {
        let mut wanted = needle.iter();
        let mut end = from;
        for c in rest.chars() {
            if wanted.as_slice().is_empty()
                || !c.to_lowercase().all(|lower| wanted.next() == Some(&lower))
            {
                break;
            }
            end += c.len_utf8();
            if wanted.as_slice().is_empty() {
                found.push((from, end));
                break;
            }
        }
        let matched = found.last().is_some_and(|(start, _)| *start == from);
        from = if matched { end } else { from + rest.chars().next().map_or(1, char::len_utf8) };
    }
    found
}

/// Spans broken into rows of `width` columns, at newlines and where a row is full.
pub fn wrap(spans: Vec<Span<'static>>, width: usize, indent: usize) -> Vec<Vec<Span<'static>>> {
    let indent = if indent * 2 < width { indent } else { 0 };
    let mut rows = vec![Vec::new()];
    let mut column = 0;
    for span in spans {
        let mut text = String::new();
        for c in span.content.chars() {
            let wide = c.width().unwrap_or(0);
            if c == '\n' || column + wide > width {
                flush(&mut rows, &mut text, span.style);
                rows.push(vec![Span::raw(" ".repeat(indent))]);
                column = indent;
            }
            if c != '\n' {
                text.push(c);
                column += wide;
            }
        }
        flush(&mut rows, &mut text, span.style);
    }
    rows
}

fn flush(rows: &mut [Vec<Span<'static>>], text: &mut String, style: Style) {
    if let Some(row) = rows.last_mut().filter(|_| !text.is_empty()) {
        row.push(Span::styled(std::mem::take(text), style));
    }
}

#[cfg(test)]
mod tests;
