//! Sizes of files, and no trace of the machine that somebody wrote them on.

use crate::{files, none, root, rust_files};

/// Longer than this and nobody reads it whole.
const LINES_MAX: usize = 700;

#[test]
fn no_source_file_is_too_long_to_read() {
    let complaints: Vec<String> = ["src", "ui/src", "ui/wire/src"]
        .iter()
        .flat_map(|dir| rust_files(dir))
        .filter_map(|path| {
            let lines = crate::read(&path).lines().count();
            (lines > LINES_MAX).then(|| {
                format!(
                    "{}: {lines} lines, {LINES_MAX} is the limit\n    Split it along what it does.",
                    path.display()
                )
            })
        })
        .collect();
    none(&complaints);
}

/// Where people's machines keep things. Each is put together here so that this file does not
/// contain it.
fn machine_places() -> Vec<String> {
    [["/work", "/"], ["/root", "/"], ["/Users", "/"], ["/tmp", "/wt/"], ["/tmp", "/al-target"]]
        .iter()
        .map(|parts| parts.concat())
        .collect()
}

/// The first machine path in `line`. A place is only one at the start of a path.
fn machine_path(line: &str, places: &[String]) -> Option<String> {
    places.iter().find_map(|place| {
        line.match_indices(place.as_str())
            .find(|(at, _)| {
                !line[..*at].ends_with(|c: char| c.is_alphanumeric() || "_.-~$}/>".contains(c))
            })
            .map(|_| place.clone())
    })
}

#[test]
fn nothing_names_a_path_of_somebodys_machine() {
    let places = machine_places();
    let mut complaints = Vec::new();
    for path in files(".") {
        // What is not text names no paths.
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for (index, line) in text.lines().enumerate() {
            if let Some(place) = machine_path(line, &places) {
                complaints.push(format!(
                    "{}:{}: {place}...\n    Name it relative to the repository, or by a variable.",
                    path.display(),
                    index + 1
                ));
            }
        }
    }
    none(&complaints);
}

#[test]
fn a_path_counts_only_where_it_starts() {
    let places = vec!["/ho".to_owned() + "me/"];
    let check = |line: &str, expected: bool| {
        assert_eq!(machine_path(line, &places).is_some(), expected, "{line}");
    };
    check(&["see `/ho", "me/ann/al`"].concat(), true);
    check(&["$BASE/ho", "me/ann"].concat(), false);
    check("nothing here", false);
}
