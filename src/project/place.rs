//! Where something is written, for whoever finds it wrong after the project was read.

use std::path::Path;

use super::layers::environment_file;
use super::model::Project;
use super::problem::Problem;
use super::source::{At, Named};
use super::tree::{self, Table, Tree};

/// Files that say something together: what a later one says counts.
#[derive(Debug)]
pub struct Written {
    /// The file that is meant where none says it.
    main: Named,
    tables: Vec<Table>,
}

impl Written {
    /// `config.toml`, `.env.toml` and the environment's file of a project that was read from `dir`.
    pub fn project(dir: &Path, al_home: &Path, project: &Project) -> Self {
        let folder = Named::project(dir);
        let mut files = vec![folder.join("config.toml"), folder.join(".env.toml")];
        if let Some(name) = &project.environment {
            files.push(Named::new(environment_file(al_home, name)));
        }
        Self::read(&files, folder.join("config.toml"))
    }

    /// The settings of one agent.
    pub fn agent(dir: &Path, name: &str) -> Self {
        let file = Named::agent_config(dir, name);
        Self::read(std::slice::from_ref(&file), file.clone())
    }

    /// What cannot be read says nothing; that it is so was found when the project was read.
    fn read(files: &[Named], main: Named) -> Self {
        let table = |file: &Named| tree::parse(&file.read().ok()??).ok();
        Self { main, tables: files.iter().filter_map(table).collect() }
    }

    /// A problem of the place that these keys lead to, as far as they are written; of the file as a
    /// whole when not even the first one is. A text of a list counts as a key.
    pub fn error(&self, keys: &[&str], message: impl Into<String>) -> Problem {
        let written = (1..=keys.len()).rev().find_map(|n| self.find(&keys[..n]));
        match written {
            Some(at) => Problem::error_at(&at, message),
            None => Problem::error(&self.main, message),
        }
    }

    /// Whether these keys are written in one of the files.
    pub fn has(&self, keys: &[&str]) -> bool {
        self.find(keys).is_some()
    }

    fn find(&self, keys: &[&str]) -> Option<At> {
        self.tables.iter().rev().find_map(|table| place(table, keys))
    }
}

fn place(table: &Table, keys: &[&str]) -> Option<At> {
    let (first, rest) = keys.split_first()?;
    let entry = table.entry(first)?;
    match (&entry.node.value, rest) {
        (Tree::Table(_), []) => Some(entry.key_at.clone()),
        (_, []) => Some(entry.node.at.clone()),
        (Tree::Table(inner), rest) => place(inner, rest),
        (Tree::List(list), [item]) => {
            let is_it = |text: &str| text == *item;
            list.iter()
                .find(|node| matches!(&node.value, Tree::Text(text) if is_it(text)))
                .map(|node| node.at.clone())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_place_is_that_of_the_file_that_counts() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        put("config.toml", "x = 1\n[models.fast]\nprovider = \"openai\"\nmodel = \"m\"\n");
        put(".env.toml", "list = [\"a\",\n\"b\"]\n[models.fast]\nprovider = \"groq\"\n");
        let named = Named::new(dir.path().to_owned());
        let files = [named.join("config.toml"), named.join(".env.toml")];
        let written = Written::read(&files, files[0].clone());
        let check = |keys: &[&str], file: &str, line: Option<usize>| {
            let problem = written.error(keys, "wrong");
            let found = problem.file.file_name().unwrap().to_str().unwrap().to_owned();
            assert_eq!((found.as_str(), problem.place().map(|p| p.line)), (file, line), "{keys:?}");
        };
        check(&["models", "fast", "provider"], ".env.toml", Some(4));
        check(&["models", "fast", "model"], "config.toml", Some(4));
        check(&["models", "fast", "baseUrl"], ".env.toml", Some(3));
        check(&["list", "b"], ".env.toml", Some(2));
        check(&["list", "c"], ".env.toml", Some(1));
        check(&["gateway", "port"], "config.toml", None);
        assert!(written.has(&["x"]) && !written.has(&["y"]));
    }
}
