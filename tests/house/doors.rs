//! Names that a room passes on from its modules: `pub use model::*` in `src/project/mod.rs` makes
//! `project::Agent` another way to say `project::model::Agent`.

use std::collections::BTreeMap;

use crate::paths::{Mention, mentions};

/// `project::Agent` -> `project::model::Agent`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Doors(BTreeMap<String, String>);

impl Doors {
    /// Adds what the room's `mod.rs` passes on. `module` reads the source of one of its modules.
    pub fn add(&mut self, room: &str, source: &str, module: impl Fn(&str) -> String) {
        for statement in source.split("pub use ").skip(1) {
            let Some((tree, _)) = statement.split_once(';') else { continue };
            for found in mentions(&format!("use {tree};"), &[room]) {
                let path: Vec<&str> = found.path.iter().map(String::as_str).collect();
                // Modules are named with or without `self`.
                let inside = path.strip_prefix(&["crate", room]).unwrap_or(&path);
                match inside {
                    [from] if tree.trim_end().ends_with("::*") => {
                        for name in public_names(&module(from)) {
                            self.insert(room, from, &name);
                        }
                    }
                    [from, .., name] => self.insert(room, from, name),
                    _ => {}
                }
            }
        }
    }

    fn insert(&mut self, room: &str, from: &str, name: &str) {
        self.0.insert(format!("{room}::{name}"), format!("{room}::{from}::{name}"));
    }

    /// The mentions with each name said in full.
    pub fn through(&self, mut mentions: Vec<Mention>) -> Vec<Mention> {
        for mention in &mut mentions {
            let [_, room, name, rest @ ..] = mention.path.as_slice() else { continue };
            if let Some(full) = self.0.get(&format!("{room}::{name}")) {
                let root = mention.path[..1].iter().map(String::as_str);
                let path = root.chain(full.split("::")).chain(rest.iter().map(String::as_str));
                mention.path = path.map(str::to_owned).collect();
            }
        }
        mentions
    }
}

/// What a module makes public at its top level.
fn public_names(source: &str) -> Vec<String> {
    let kinds = ["struct", "enum", "fn", "type", "const", "static", "trait", "mod"];
    source
        .lines()
        .filter_map(|line| line.strip_prefix("pub "))
        .filter_map(|line| {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.find(|word| kinds.contains(word)).and_then(|_| words.next()).map(str::to_owned)
        })
        .collect()
}

#[test]
fn a_name_passed_on_counts_as_its_modules() {
    let mut doors = Doors::default();
    doors.add("project", "mod load;\npub use model::*;\npub use load::{load, Loaded};\n", |name| {
        assert_eq!(name, "model");
        "pub struct Agent {\n    pub name: String,\n}\npub fn all() {}\nstruct Own;".to_owned()
    });
    let check = |source: &str, expected: &str| {
        let found = doors.through(mentions(source, &["engine"]));
        assert_eq!(found[0].path.join("::"), expected, "{source}");
    };
    check("use crate::project::Agent;", "crate::project::model::Agent");
    check("crate::project::all()", "crate::project::model::all");
    check("use crate::project::load;", "crate::project::load::load");
    check("use crate::project::Loaded as L;", "crate::project::load::Loaded");
    check("use crate::project::Own;", "crate::project::Own");
    check("use crate::project::model::Agent;", "crate::project::model::Agent");
}
