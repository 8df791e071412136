//! Rooms and arrows: who may use whom.

use std::path::Path;

use crate::doors::Doors;
use crate::paths::{Mention, mentions};
use crate::rules::Rules;
use crate::{none, read, root, rust_files};

/// `src/engine/writer.rs` is the module `engine::writer`.
fn module_of(path: &Path) -> Vec<String> {
    let inside = path.strip_prefix("src").unwrap().with_extension("");
    let mut module: Vec<String> =
        inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    module.pop_if(|last| *last == "mod");
    module
}

/// What the rooms pass on from their modules.
fn doors() -> Doors {
    let mut doors = Doors::default();
    for path in rust_files("src").iter().filter(|path| path.ends_with("mod.rs")) {
        let [room] = &module_of(path)[..] else { continue };
        doors.add(room, &read(path), |module| {
            let file = path.with_file_name(format!("{module}.rs"));
            let folder = path.with_file_name(module).join("mod.rs");
            read(if root().join(&file).exists() { file } else { folder })
        });
    }
    doors
}

/// A file of a room, and what it names.
struct Page {
    room: String,
    file: String,
    mentions: Vec<Mention>,
}

fn pages() -> Vec<Page> {
    let doors = doors();
    let files = rust_files("src").into_iter().filter(|path| !path.ends_with("lib.rs"));
    files
        .map(|path| {
            let module = module_of(&path);
            let names: Vec<&str> = module.iter().map(String::as_str).collect();
            let mentions = doors.through(mentions(&read(&path), &names));
            Page { room: module[0].clone(), file: path.display().to_string(), mentions }
        })
        .collect()
}

#[test]
fn the_rooms_use_only_what_their_arrows_allow() {
    let rules = Rules::parse(&read("src/ARCHITECTURE.md"));
    let mut complaints = Vec::new();
    for Page { room, file, mentions } in pages() {
        if !rules.knows(&room) {
            complaints.push(format!(
                "{file}: the room `{room}` has no row in the table \"Arrows\" of \
                 src/ARCHITECTURE.md\n    Add one that says what it may use, and what it is for."
            ));
        }
        complaints.extend(rules.complaints(&room, &file, &mentions));
    }
    none(&complaints);
}

#[test]
fn every_arrow_in_the_table_is_followed_by_some_code() {
    let rules = Rules::parse(&read("src/ARCHITECTURE.md"));
    let pages = pages();
    let mentions = pages.iter().flat_map(|page| page.mentions.iter().map(|m| (&*page.room, m)));
    let complaints: Vec<String> = rules
        .unused(&mentions.collect::<Vec<_>>())
        .into_iter()
        .map(|arrow| {
            format!(
                "{arrow}: no code follows this arrow\n    Take it out of the table \"Arrows\" of \
                 src/ARCHITECTURE.md."
            )
        })
        .collect();
    none(&complaints);
}

#[test]
fn an_arrow_that_nobody_uses_is_found() {
    let unused = |source: &str| {
        let found = mentions(source, &["engine", "part"]);
        let found: Vec<(&str, &Mention)> = found.iter().map(|found| ("engine", found)).collect();
        Rules::parse(TABLES).unused(&found)
    };
    assert_eq!(
        unused("use crate::{store::Rows, project::model::Agent}; fn f() { crate::ambient::now() }"),
        Vec::<String>::new()
    );
    let left = ["engine -> project::model", "engine -> ambient"];
    assert_eq!(unused("use crate::store; use crate::project::load;"), left);
}

const TABLES: &str = "
### Arrows
| Room | may use |
|---|---|
| `cli` | `*` |
| `engine` | `store`, `project::model`, `ambient` |
| `ambient` | |
| `store` `project` `scheduler` | |
### Crates with one home
| Crate | only in |
|---|---|
| `rusqlite` | `store` |
### Absences
| Room | never names |
|---|---|
| `scheduler` | `std::fs`, `std::time::SystemTime` |
";

/// What the rules say about one line in a file of `room`.
fn check(room: &str, source: &str, expected: &[&str]) {
    let found = Rules::parse(TABLES).complaints(room, "f.rs", &mentions(source, &[room, "part"]));
    let arrows: Vec<&str> = found.iter().filter_map(|text| text.lines().next()).collect();
    assert_eq!(arrows, expected, "{room}: {source}");
}

#[test]
fn an_arrow_that_is_not_in_the_table_is_named_with_its_place() {
    check("engine", "use crate::store::{Rows, self};", &[]);
    check("engine", "use crate::project::model::Agent;", &[]);
    check(
        "engine",
        "\nuse crate::project::credentials::read;",
        &["f.rs:2: engine -> project::credentials::read"],
    );
    check("cli", "use crate::{engine, store, project};", &[]);
    check(
        "store",
        "fn f() -> crate::engine::Turn { crate::engine::turn() }",
        &["f.rs:1: store -> engine::Turn", "f.rs:1: store -> engine::turn"],
    );
    check(
        "store",
        "use crate::{\n    store::Rows,\n    engine::{Turn as T, writer::*},\n};",
        &["f.rs:3: store -> engine::Turn", "f.rs:3: store -> engine::writer"],
    );
    check("store", "use super::super::engine;", &["f.rs:1: store -> engine"]);
    check("store", "mod tests { use super::super::super::engine; }", &["f.rs:1: store -> engine"]);
    check("store", "mod tests { use super::super::engine; }", &[]);
    check("store", "mod tests {} use super::super::engine;", &["f.rs:1: store -> engine"]);
    check(
        "store",
        "// crate::engine\n/* use crate::engine; */ const S: &str = \"crate::engine\";",
        &[],
    );
    check(
        "store",
        "fn f<'a>(c: char) -> bool { c == '\"' } use crate::engine;",
        &["f.rs:1: store -> engine"],
    );
    check(
        "store",
        "const S: &str = r#\"a \" crate::engine \"#; use ::action_llama::engine;",
        &["f.rs:1: store -> engine"],
    );
}

#[test]
fn a_crate_with_one_home_stays_there() {
    check("store", "use rusqlite::Connection;", &[]);
    check("engine", "fn f(c: &rusqlite::Connection) {}", &["f.rs:1: engine -> rusqlite"]);
    check("engine", "use rusqlite_extras::x;", &[]);
}

#[test]
fn what_a_room_must_not_know_is_found_in_groups_too() {
    check(
        "scheduler",
        "use std::{fmt, fs::File, time::{Duration, SystemTime}};",
        &["f.rs:1: scheduler -> std::fs", "f.rs:1: scheduler -> std::time::SystemTime"],
    );
    check("store", "use std::fs;", &[]);
}

#[test]
fn a_complaint_says_what_to_do() {
    let mention = Mention { line: 7, path: vec!["crate".into(), "engine".into(), "Turn".into()] };
    let found =
        Rules::parse(TABLES).complaints("engine", "src/x.rs", std::slice::from_ref(&mention));
    assert_eq!(found, Vec::<String>::new(), "a room may use itself");
    let found = Rules::parse(TABLES).complaints("project", "src/project/x.rs", &[mention]);
    assert_eq!(
        found,
        [
            "src/project/x.rs:7: project -> engine::Turn\n    project may use: nothing\n    Move the \
         code to the room that owns it, or pass a value in. If the arrow belongs there, it goes \
         into the table \"Arrows\" of src/ARCHITECTURE.md, with its reason.",
        ]
    );
}
