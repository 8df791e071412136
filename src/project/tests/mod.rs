//! What a person sees of a project: one folder of files in, a project or a list of problems out.

mod anything;
mod faults;
mod keys;
mod layering;
mod reloading;
mod shapes;
mod skills;

use std::fs;

use tempfile::TempDir;

use super::{Checks, Loaded, Problem, Request, load, render};

/// Writes files below a new folder, which is the project; `~/` is the home of environments.
pub fn project(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    fs::create_dir_all(root.path().join("project")).unwrap();
    for (path, text) in files {
        let file = match path.strip_prefix("~/") {
            Some(rest) => root.path().join("home").join(rest),
            None => root.path().join("project").join(path),
        };
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    root
}

/// Stands in for the scheduler's parser: five words are a schedule.
fn five_words(schedule: &str, _: Option<&str>) -> Result<(), String> {
    match schedule.split(' ').count() {
        5 => Ok(()),
        n => Err(format!("5 fields are needed, found {n}")),
    }
}

/// Stands in for the scheduler's templates: what opens is closed.
fn closed(template: &str) -> Result<(), String> {
    match template.matches('{').count() == template.matches('}').count() {
        true => Ok(()),
        false => Err("a brace is not closed".to_owned()),
    }
}

pub fn request(root: &TempDir) -> Request<'static> {
    Request {
        dir: root.path().join("project"),
        environment: None,
        al_env: None,
        al_home: root.path().join("home"),
        strict: false,
        checks: Checks { schedule: &five_words, template: &closed },
    }
}

pub fn try_load(files: &[(&str, &str)]) -> Result<Loaded, Vec<Problem>> {
    load(&request(&project(files)))
}

/// The rendered problems, warnings too, with the temporary folder cut off.
pub fn report(root: &TempDir, request: &Request<'_>) -> String {
    let problems = match load(request) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    let base = format!("{}/", root.path().display());
    render(&problems, false).replace(&base, "")
}

/// Loads files and compares what a person sees.
#[track_caller]
pub fn check(files: &[(&str, &str)], expected: &str) {
    let root = project(files);
    let found = report(&root, &request(&root));
    assert_eq!(found.trim_end(), expected.trim_matches('\n'), "\n{found}");
}
