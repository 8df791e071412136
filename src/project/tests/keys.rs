//! No key is known without being read: each one changes what a project says.

use std::fmt::Write;

use super::super::*;
use super::{project, request};

const BASE: &str = r#"
[models.sample]
provider = "openai"
model = "gpt-5.4"
[models.other]
provider = "openai"
model = "gpt-5.4"
[webhooks.sample]
type = "github"
"#;

/// A source that says itself how it is read.
const GENERIC: &str =
    "[webhooks.sample]\ntype = \"generic\"\n[webhooks.sample.signature]\nheader = \"x-one\"\n";

const AGENT: &str = r#"
models = ["sample"]
schedule = "* * * * *"
lane = "{repo}"
keep = "latest"
[harness]
type = "script"
command = "true"
[[webhooks]]
source = "sample"
[[preflight]]
provider = "shell"
"#;

/// The parts of a key's path as TOML writes them, for the table `sample`.
fn header(path: &str) -> (String, &str) {
    let path = path.rsplit_once('.').map_or(("", path), |(table, key)| (table, key));
    (path.0.replace("<name>", "sample"), path.1)
}

/// Values that differ from the default, of which at least one suits the project above.
fn samples(path: &str, kind: Kind) -> Vec<String> {
    match path {
        "timezone" => return vec!["\"Europe/Berlin\"".to_owned()],
        "schedule" => return vec!["\"1 2 3 4 5\"".to_owned()],
        "local.memory" | "runtime.memory" => return vec!["\"512m\"".to_owned()],
        "runtime.mounts" => return vec!["[\"/other:/other\"]".to_owned()],
        "runtime.pids" => return vec!["64".to_owned()],
        "runtime.run_as" => return vec!["\"other\"".to_owned()],
        "webhooks.<name>.signature.header" => return vec!["\"x-other\"".to_owned()],
        "webhooks.<name>.type" => return vec!["\"linear\"".to_owned()],
        _ => {}
    }
    match kind {
        Kind::Text | Kind::Id => vec!["\"/other\"".to_owned()],
        Kind::Bool => vec!["true".to_owned(), "false".to_owned()],
        Kind::Int(..) => vec!["7".to_owned()],
        Kind::Number(..) | Kind::Share | Kind::Money(..) => vec!["0.5".to_owned()],
        Kind::Dollars => vec!["0.5".to_owned(), "\"$2\"".to_owned()],
        Kind::Span(..) => vec!["\"7s\"".to_owned()],
        Kind::SomeOf(words) => words.iter().map(|w| format!("[{w:?}]")).collect(),
        Kind::OneOf(words) => words.iter().map(|w| format!("{w:?}")).collect(),
        Kind::Texts | Kind::TextOrTexts => vec!["[\"other\"]".to_owned()],
        Kind::Pairs | Kind::Free => vec!["{ other = \"x\" }".to_owned()],
        Kind::Bindings => vec!["[]".to_owned()],
        // Told by what they hold.
        Kind::Table(_) | Kind::Named(_) | Kind::Tables(_) => Vec::new(),
    }
}

/// A text with one key set to a value, replacing what is there.
fn with(base: &str, path: &str, value: &str) -> String {
    let (table, key) = header(path);
    let mut document: toml_edit::DocumentMut = base.parse().unwrap();
    let mut at: &mut toml_edit::Item = document.as_item_mut();
    for part in table.split('.').filter(|p| !p.is_empty()) {
        at = &mut at[part];
        if at.is_none() {
            *at = toml_edit::table();
        }
        if at.is_array_of_tables() {
            at = &mut at[0];
        }
    }
    at[key] = toml_edit::Item::Value(value.parse().unwrap());
    document.to_string()
}

fn read(file: File, config: &str, other: &str) -> Option<Project> {
    let agent = if file == File::Agent { config } else { AGENT };
    let mut files = vec![
        ("agents/a/SKILL.md", ""),
        ("agents/a/config.toml", agent),
        ("config.toml", BASE),
        ("~/environments/bound.toml", ""),
    ];
    match file {
        File::Project => files[2].1 = config,
        File::Env => files.push((".env.toml", config)),
        File::Environment => files[3].1 = config,
        File::Agent => {}
    }
    let root = project(&files);
    let mut request = request(&root);
    request.environment = (file == File::Environment).then(|| other.to_owned());
    let mut project = load(&request).ok()?.project;
    project.dir = Default::default();
    project.agents.iter_mut().for_each(|a| a.dir = Default::default());
    Some(project)
}

#[test]
fn every_known_key_changes_the_project() {
    // An override of an older version that is accepted and not used, and what `al update` alone reads.
    let unused = ["agents", "sourcePath", "sourceRef", "sourceCommit"];
    let mut idle = String::new();
    for file in [File::Project, File::Env, File::Environment, File::Agent] {
        let base = match file {
            File::Project => BASE,
            File::Agent => AGENT,
            File::Env => "",
            // A server needs a host.
            File::Environment => "[server]\nhost = \"h\"\n",
        };
        for info in find_key_table(file) {
            let path = info.path.as_str();
            let base = match path {
                // Instead of a schedule.
                "every" => &base.replace("schedule = ", "timezone = \"UTC\" # "),
                // One file is of no use without the other.
                _ if path.starts_with("gateway.tls.") => {
                    &format!("{base}\n[gateway.tls]\ncert = \"c\"\nkey = \"k\"\n")
                }
                // A type needs fields.
                _ if path.starts_with("credentials.") => {
                    &format!("{base}\n[credentials.sample]\nfields = [\"other\", \"x\"]\n")
                }
                _ if path.starts_with("server.") && file == File::Env => "[server]\nhost = \"h\"\n",
                _ => base,
            };
            let of_generic = ["signature.", "fields.", "deliveryId"]
                .iter()
                .any(|key| path.starts_with(&format!("webhooks.<name>.{key}")));
            let base = match (of_generic, file) {
                (false, _) => base,
                (true, File::Project) => {
                    &base.replace("[webhooks.sample]\ntype = \"github\"\n", GENERIC)
                }
                (true, _) => GENERIC,
            };
            let before = read(file, base, "bound").unwrap();
            let values = match path {
                "environment" => vec!["\"bound\"".to_owned()],
                _ => samples(path, info.key.kind),
            };
            let skip = values.is_empty() || unused.contains(&path) || path.starts_with("model.");
            let changes = |value: &String| {
                read(file, &with(base, path, value), "bound").is_some_and(|after| after != before)
            };
            if !skip && !values.iter().any(changes) {
                writeln!(idle, "{} {path}", file.name()).unwrap();
            }
        }
    }
    assert_eq!(idle, "");
}

#[test]
fn older_spellings_set_the_same_key() {
    for file in [File::Project, File::Agent] {
        for info in find_key_table(file) {
            for old in info.key.was {
                let value = &samples(&info.path, info.key.kind)[0];
                assert_eq!(
                    read(file, &with(BASE, old, value), ""),
                    read(file, &with(BASE, &info.path, value), ""),
                    "{old}"
                );
            }
        }
    }
    assert_eq!(
        read(File::Project, &with(BASE, "gateway.lockTimeout", "7"), ""),
        read(File::Project, &with(BASE, "resourceLockTimeout", "7"), ""),
    );
}

#[test]
fn every_key_says_what_it_is_for() {
    for file in [File::Project, File::Env, File::Environment, File::Agent] {
        for info in find_key_table(file) {
            assert!(info.key.about.ends_with('.'), "{}: {}", info.path, info.key.about);
        }
    }
}
