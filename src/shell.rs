//! Text as a shell reads it: words for commands that are copied, variables, and quotes.

/// A text as one word of a command.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+~@:=,%".contains(c);
    // At the front, `~` and `=` mean something.
    match !text.is_empty() && text.chars().all(plain) && !text.starts_with(['~', '=']) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The text before the next `${NAME}`, the name, and the text after it.
pub fn variable(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find("${")?;
        if let Some((name, after)) = text[start + 2..].split_once('}')
            && is_name(name)
        {
            return Some((&text[..start], name, after));
        }
        from = start + 2;
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A line in which `${NAME}` means the variable between single quotes too, where a shell leaves it
/// alone: the quotes are closed around it. `inside` says what stands there instead, between double
/// quotes; without that it stays as it is.
pub fn open_quotes(line: &str, inside: impl Fn(&str) -> Option<String>) -> String {
    let mut open = String::with_capacity(line.len());
    let (mut single, mut double) = (false, false);
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if single
            && let Some(("", name, after)) = variable(rest)
            && let Some(inside) = inside(name)
        {
            open.push_str(&format!("'\"{inside}\"'"));
            rest = after;
            continue;
        }
        let mut taken = c.len_utf8();
        match c {
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '\\' if !single => taken += rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => {}
        }
        open.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_more_into_it() {
        let check = |text: &str, expected: &str| assert_eq!(word(text), expected);
        check("git_ssh:bot", "git_ssh:bot");
        check("../a-b/c.toml", "../a-b/c.toml");
        check("two words", "'two words'");
        check("it's", r"'it'\''s'");
        check("$HOME", "'$HOME'");
        check("~", "'~'");
        check("a~b", "a~b");
        check("=ls", "'=ls'");
        check("", "''");
    }

    #[test]
    fn the_next_variable_is_found() {
        let check = |text, expected| assert_eq!(variable(text), expected, "{text}");
        check("a ${B} c", Some(("a ", "B", " c")));
        check("${1} ${} ${a b} ${_x}", Some(("${1} ${} ${a b} ", "_x", "")));
        check("$B ${B", None);
    }
}
