//! Texts of ours, written in Markdown, for a terminal: headings bold, code indented, paragraphs as
//! wide as there is room. Only what our own texts use is understood.

use unicode_width::UnicodeWidthStr;

use super::paint::{Paint, Tone};

/// Longer lines are no pleasure to read.
const WIDEST: usize = 80;
/// In front of code.
const INDENT: &str = "    ";

/// A whole text.
pub fn page(text: &str, width: usize, paint: Paint) -> String {
    let width = width.min(WIDEST);
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            for code in lines.by_ref().take_while(|line| !line.starts_with("```")) {
                out.push_str(format!("{INDENT}{}", code_line(code, paint)).trim_end());
                out.push('\n');
            }
        } else if let Some(title) = line.strip_prefix('#') {
            let title = title.trim_start_matches('#').trim();
            out.push_str(&format!("{}\n", paint.on(Tone::Strong, title)));
        } else if line.is_empty() {
            out.push('\n');
        } else if line.starts_with('|') {
            out.push_str(&format!("{}\n", inline(line, paint)));
        } else {
            let mut block = line.to_owned();
            while let Some(more) = lines.next_if(|next| goes_on(next)) {
                block.push(' ');
                block.push_str(more.trim_start());
            }
            out.push_str(&paragraph(&block, width, paint));
        }
    }
    out
}

/// Whether a line belongs to the paragraph or the point above it.
fn goes_on(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(['#', '|', '`', '*', '-'])
        || line.starts_with("**")
        || line.starts_with('`') && !line.starts_with("```")
}

/// A paragraph, or a point of a list, with its lines broken.
pub fn paragraph(text: &str, width: usize, paint: Paint) -> String {
    let width = width.min(WIDEST);
    let hanging = if text.starts_with("* ") || text.starts_with("- ") { 2 } else { 0 };
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines
            .last_mut()
            .filter(|line| line.trim().is_empty() || line.width() + 1 + word.width() <= width);
        match line {
            Some(line) if line.trim().is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(format!("{}{word}", " ".repeat(hanging))),
        }
    }
    format!("{}\n", inline(&lines.join("\n"), paint))
}

/// Words behind something that is this wide, with the further lines below them.
pub fn hanging(text: &str, indent: usize) -> String {
    let broken = paragraph(text, WIDEST - indent, Paint::new(false));
    broken.trim_end().replace('\n', &format!("\n{}", " ".repeat(indent)))
}

/// Comments of a shell beside the point.
fn code_line(code: &str, paint: Paint) -> String {
    match code.find("# ").filter(|at| *at == 0 || code[..*at].ends_with(' ')) {
        Some(at) => {
            format!("{}{}", paint.on(Tone::Live, &code[..at]), paint.on(Tone::Dim, &code[at..]))
        }
        None => paint.on(Tone::Live, code),
    }
}

/// What stands in backticks in another colour, what stands in `**` bold. Without colours, backticks
/// say the same.
fn inline(text: &str, paint: Paint) -> String {
    let mut out = String::new();
    for (index, part) in text.split('`').enumerate() {
        match (index % 2 == 1, paint.color) {
            (false, _) => {
                for (index, part) in part.split("**").enumerate() {
                    let tone = if index % 2 == 1 { Tone::Strong } else { Tone::Plain };
                    out.push_str(&each_line(part, tone, paint));
                }
            }
            (true, true) => out.push_str(&each_line(part, Tone::Live, paint)),
            (true, false) => out.push_str(&format!("`{part}`")),
        }
    }
    out
}

fn each_line(text: &str, tone: Tone, paint: Paint) -> String {
    text.split('\n').map(|line| paint.on(tone, line)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A title\n\nSome words that are long enough to be `broken in two` \
        lines\nand **go on** here.\n\n* a point\n  of two lines\n* another\n\n```sh\nal stat   # looks\n\
        ```\n\n| a | `b` |\n";

    #[test]
    fn a_text_is_broken_and_painted() {
        insta::assert_snapshot!(page(TEXT, 40, Paint::new(false)));
        let colored = page(TEXT, 40, Paint::new(true));
        insta::assert_snapshot!(colored.replace('\x1b', "^"));
    }

    #[test]
    fn lines_are_never_wider_than_the_room() {
        let plain = page(&TEXT.repeat(3), 30, Paint::new(false));
        assert!(plain.lines().all(|line| line.width() <= 30), "{plain}");
    }
}
