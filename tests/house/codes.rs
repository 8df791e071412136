//! Every code of an error can be explained, and nothing is explained that there is not.

use std::collections::{BTreeMap, BTreeSet};

use action_llama::cli::explain;
use regex::Regex;

use crate::{none, read, rust_files};

/// The codes in the sources, each with the place of one failure that has it, and what was no
/// literal without saying which codes it may be.
fn codes() -> (BTreeMap<String, String>, Vec<String>) {
    let call = Regex::new(
        r#"Failure::(?:nothing|user|config|upstream|internal|new\(\s*(?:Kind|Self)::\w+,)[(\s]\s*("?[^",\s]+)"?,"#,
    )
    .unwrap();
    let noted = Regex::new(r"// codes: ([a-z_, ]+)").unwrap();
    let (mut found, mut complaints) = (BTreeMap::new(), Vec::new());
    for path in rust_files("src") {
        let text = read(&path);
        // What tests make up is no code of a user's.
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let notes: BTreeSet<&str> = noted
            .captures_iter(text)
            .flat_map(|note| note.get(1).unwrap().as_str().split(','))
            .map(str::trim)
            .collect();
        for call in call.captures_iter(text) {
            let code = call.get(1).unwrap();
            let line = text[..code.start()].lines().count();
            let place = format!("{}:{line}", path.display());
            match code.as_str().strip_prefix('"') {
                Some(literal) => drop(found.entry(literal.to_owned()).or_insert(place)),
                None if notes.is_empty() => complaints.push(format!(
                    "{place}: the code `{}` is no literal\n    Say what it may be in a comment of \
                     this file: // codes: one, another",
                    code.as_str()
                )),
                None => {}
            }
        }
        for note in notes {
            found.entry(note.to_owned()).or_insert_with(|| path.display().to_string());
        }
    }
    (found, complaints)
}

#[test]
fn every_code_of_an_error_can_be_explained() {
    let (codes, mut complaints) = codes();
    assert!(codes.contains_key("port_in_use"), "the failures are not found any more");
    let explained: BTreeSet<&str> = explain::entries().iter().map(|entry| entry.code).collect();
    for (code, place) in &codes {
        if !explained.contains(code.as_str()) {
            complaints.push(format!(
                "{place}: nothing is said about the code `{code}`\n    Add it to docs/errors.md, in \
                 the order of the alphabet: a heading \"## `{code}`\", what happened, an empty line, \
                 what to do. Or use a code that is there."
            ));
        }
    }
    for code in explained {
        if !codes.contains_key(code) {
            complaints.push(format!(
                "docs/errors.md: no failure has the code `{code}`\n    Remove its entry."
            ));
        }
    }
    none(&complaints);
}

/// One style for what to do: a part of a sentence, without a capital at its beginning or a full stop
/// at its end.
#[test]
fn hints_are_written_alike() {
    let hint = Regex::new(r#"\.hint\((?:format!\()?\s*"((?:[^"\\]|\\.)*)""#).unwrap();
    let mut complaints = Vec::new();
    for path in rust_files("src") {
        let text = read(&path);
        for found in hint.captures_iter(&text) {
            let said = found.get(1).unwrap();
            let mut signs = said.as_str().chars();
            let is_sentence = signs.next().is_some_and(char::is_uppercase)
                && signs.next().is_some_and(char::is_lowercase);
            if is_sentence || said.as_str().ends_with('.') && !said.as_str().ends_with("..") {
                complaints.push(format!(
                    "{}:{}: {}\n    A hint is part of a sentence: no capital, no full stop.",
                    path.display(),
                    text[..said.start()].lines().count(),
                    said.as_str()
                ));
            }
        }
    }
    none(&complaints);
}
