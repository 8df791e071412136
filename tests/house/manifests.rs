//! Each dependency has a line that says what it is for.

use crate::{none, read};

/// Names of the dependencies without a comment on their line, above it, or above their group of
/// lines.
fn without_reason(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_dependencies = false;
    let mut group_has_reason = false;
    for (index, line) in manifest.lines().enumerate() {
        let text = line.trim();
        if text.starts_with('[') {
            in_dependencies = text.trim_end_matches(']').ends_with("dependencies");
            group_has_reason = false;
        } else if text.is_empty() {
            group_has_reason = false;
        } else if text.starts_with('#') {
            group_has_reason = true;
        } else if in_dependencies && !group_has_reason && !text.contains(" # ") {
            found.push((index + 1, text.split_whitespace().next().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let complaints: Vec<String> = [
        "Cargo.toml",
        "ui/Cargo.toml",
        "ui/wire/Cargo.toml",
        "tests/support/Cargo.toml",
    ]
    .iter()
    .flat_map(|file| without_reason(&read(file)).into_iter().map(move |found| (file, found)))
    .map(|(file, (line, name))| {
        format!(
            "{file}:{line}: {name} has no reason\n    Say behind it, after a #, what it is for."
        )
    })
    .collect();
    none(&complaints);
}

#[test]
fn a_dependency_without_a_comment_is_found() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# time\na = \"1\"\nb = \"1\"\n\n\
                    c = \"1\" # colours\nd = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\ne = \"1\"\n";
    assert_eq!(without_reason(manifest), [(9, "d".to_owned()), (11, "e".to_owned())]);
}
