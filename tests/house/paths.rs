//! The paths that a Rust source names, found without compiling it.
//!
//! A small reader: comments and literals are blanked, the rest is cut into words, `::` and single
//! signs, and paths are put together from them with `use` groups spread out. `self` and `super`
//! are resolved, so a path never hides where it leads.

/// A path and the line it stands on: `crate::engine::Turn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub line: usize,
    pub path: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Colons,
    Sign(char),
}

/// Every path in `source`, a file of the module `module` (`["engine", "writer"]`).
pub fn mentions(source: &str, module: &[&str]) -> Vec<Mention> {
    let tokens = tokens(&blank(source));
    let mut found = Vec::new();
    // The modules written inline that surround the current place, with the depth they opened at.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at].1 {
            Token::Sign('{') => {
                depth += 1;
                if let [.., (_, Token::Word(key)), (_, Token::Word(name))] = &tokens[..at]
                    && key == "mod"
                {
                    inline.push((name.clone(), depth));
                }
                at += 1;
            }
            Token::Sign('}') => {
                inline.pop_if(|(_, opened)| *opened == depth);
                depth = depth.saturating_sub(1);
                at += 1;
            }
            Token::Word(word) => {
                let in_use = word == "use";
                let start = if in_use { at + 1 } else { at };
                let here: Vec<&str> =
                    module.iter().copied().chain(inline.iter().map(|(n, _)| n.as_str())).collect();
                at = tree(&tokens, start, &[], in_use, &mut |line, path| {
                    if in_use || path.len() > 1 {
                        found.push(Mention { line, path: resolve(path, &here) });
                    }
                })
                .max(at + 1);
            }
            _ => at += 1,
        }
    }
    found
}

/// Reads one path, or in a `use` one tree of paths, and returns where it ends.
fn tree(
    tokens: &[(usize, Token)],
    mut at: usize,
    prefix: &[String],
    in_use: bool,
    emit: &mut dyn FnMut(usize, &[String]),
) -> usize {
    let mut path = prefix.to_vec();
    let mut line = tokens.get(at).map_or(0, |t| t.0);
    if tokens.get(at).is_some_and(|t| t.1 == Token::Colons) {
        at += 1;
    }
    loop {
        match tokens.get(at).map(|t| &t.1) {
            Some(Token::Word(word)) => {
                line = tokens[at].0;
                path.push(word.trim_start_matches("r#").to_owned());
                at += 1;
            }
            Some(Token::Sign('{')) if in_use => return group(tokens, at + 1, &path, emit),
            Some(Token::Sign('*')) if in_use => at += 1,
            _ => break,
        }
        if tokens.get(at).is_some_and(|t| t.1 == Token::Colons) {
            at += 1;
        } else {
            break;
        }
    }
    if path.len() > prefix.len() || in_use {
        emit(line, &path);
    }
    at
}

/// Reads `a, b::{c, d}}` behind an opening brace and returns the place behind its closing one.
fn group(
    tokens: &[(usize, Token)],
    mut at: usize,
    prefix: &[String],
    emit: &mut dyn FnMut(usize, &[String]),
) -> usize {
    loop {
        match tokens.get(at).map(|t| &t.1) {
            None => return at,
            Some(Token::Sign('}')) => return at + 1,
            Some(Token::Sign(',')) => at += 1,
            Some(_) => {
                at = tree(tokens, at, prefix, true, emit).max(at + 1);
                // `as other`
                while matches!(tokens.get(at), Some((_, Token::Word(_)))) {
                    at += 1;
                }
            }
        }
    }
}

/// `self` and `super` replaced by what they stand for.
fn resolve(path: &[String], here: &[&str]) -> Vec<String> {
    let ups = path.iter().take_while(|word| *word == "super").count();
    let selves = usize::from(ups == 0 && path.first().is_some_and(|word| word == "self"));
    if ups + selves == 0 {
        return path.to_vec();
    }
    // `use self::...` and `self::f` are paths; `self.x` has one word and is never asked for.
    let stays = &here[..here.len().saturating_sub(ups)];
    std::iter::once("crate")
        .chain(stays.iter().copied())
        .chain(path[ups + selves..].iter().map(String::as_str))
        .map(str::to_owned)
        .collect()
}

/// The words and signs of a source without comments and literals, each with its line.
fn tokens(source: &str) -> Vec<(usize, Token)> {
    let mut found = Vec::new();
    for (index, text) in source.lines().enumerate() {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !is_word(c) && c != '#').unwrap_or(rest.len());
            let (token, length) = if is_word(first) {
                let raw = rest.starts_with("r#");
                let end = if raw { word } else { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) };
                (Some(Token::Word(rest[..end].to_owned())), end)
            } else if rest.starts_with("::") {
                (Some(Token::Colons), 2)
            } else if first.is_whitespace() {
                (None, first.len_utf8())
            } else {
                (Some(Token::Sign(first)), first.len_utf8())
            };
            found.extend(token.map(|token| (index + 1, token)));
            rest = &rest[length..];
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// The source with comments, strings and characters replaced by blanks; lines stay where they are.
fn blank(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let word_before = out.chars().next_back().is_some_and(is_word);
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if first == '"' {
            string(rest)
        } else if !word_before && let Some(length) = raw_string(rest) {
            length
        } else if first == '\'' {
            character(rest)
        } else {
            0
        };
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.push(' ');
            out.extend(rest[..length].chars().filter(|c| *c == '\n'));
            rest = &rest[length..];
        }
    }
    out
}

/// Length of the block comment, nested ones included.
fn block_comment(text: &str) -> usize {
    let mut open = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            open += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            open -= 1;
            at += 2;
            if open == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// Length of the string literal that starts with a quote.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of `r"..."`, `r#"..."#`, `br"..."` and the like.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].strip_prefix('"')?;
    let body = text.len() - after.len() + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(text[body..].find(&close).map_or(text.len(), |at| body + at + close.len()))
}

/// Length of a character literal; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            text[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 3)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}
