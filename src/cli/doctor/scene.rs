//! What the checks look at.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime as Tokio;

use super::containers;
use super::online::{self, Heard};
use crate::cli::paths::{shell_path, short};
use crate::cli::{Context, output};
use crate::docker::Info;
use crate::project::credentials::{self, CredentialError, Reference};
use crate::project::{Agent, EngineKind, Mend, Model, Named, Problem, Project, Written, listed};
use crate::scheduler::words::plural;
use crate::shell;

/// A project, its files and its surroundings.
pub struct Scene<'a> {
    pub project: &'a Project,
    pub context: &'a Context,
    pub tokio: &'a Tokio,
    pub progress: &'a Progress,
    /// The project's own files.
    pub files: Written,
    /// Those of each agent.
    pub agents: BTreeMap<&'a str, Written>,
    /// What the container engine said, once it was asked.
    engine: OnceCell<Result<Info, (String, String)>>,
    /// What the servers of models said, once they were.
    heard: OnceCell<Vec<Heard>>,
    /// Credentials that a check found missing.
    missing: RefCell<Vec<Reference>>,
}

/// A model that runs may ask, with the agents that name it.
pub struct Used<'a> {
    pub name: &'a str,
    pub model: &'a Model,
    pub agents: Vec<&'a Agent>,
}

impl<'a> Scene<'a> {
    pub fn new(
        project: &'a Project,
        context: &'a Context,
        tokio: &'a Tokio,
        progress: &'a Progress,
    ) -> Self {
        let agent = |name: &'a str| (name, Written::agent(&context.dir, name));
        Self {
            files: Written::project(&context.dir, &context.al_home, project),
            agents: project.agents.iter().map(|found| agent(&found.name)).collect(),
            project,
            context,
            tokio,
            progress,
            engine: OnceCell::new(),
            heard: OnceCell::new(),
            missing: RefCell::default(),
        }
    }

    /// What the container engine has; else why it says nothing, and what to do about it.
    pub fn container_engine(&self) -> Result<&Info, (&str, &str)> {
        let said = self.engine.get_or_init(|| containers::ask(self));
        said.as_ref().map_err(|(why, hint)| (why.as_str(), hint.as_str()))
    }

    /// What the servers of models say.
    pub fn heard(&self) -> &[Heard] {
        self.heard.get_or_init(|| online::ask(self))
    }

    /// Agents that are not switched off.
    pub fn active(&self) -> impl Iterator<Item = &'a Agent> {
        self.project.agents.iter().filter(|agent| agent.scale > 0)
    }

    /// Models of the agents that think, each once.
    pub fn models(&self) -> Vec<Used<'a>> {
        let users = |name: &str| -> Vec<&'a Agent> {
            let thinks = |agent: &&Agent| agent.engine.kind != EngineKind::Script;
            let names_it = |agent: &&Agent| agent.models.iter().any(|named| named == name);
            self.active().filter(thinks).filter(names_it).collect()
        };
        let all = self.project.config.models.iter();
        all.map(|(name, model)| Used { name, model, agents: users(name) })
            .filter(|used| !used.agents.is_empty())
            .collect()
    }

    /// A problem of something that is written in an agent's file.
    pub fn agent_error(&self, agent: &Agent, keys: &[&str], message: String) -> Problem {
        match self.agents.get(agent.name.as_str()) {
            Some(file) => file.error(keys, message),
            None => Problem::error(&Named::new(agent.dir.clone()), message),
        }
    }

    /// A problem of a key of a model, wherever the model is written.
    pub fn model_error(&self, used: &Used<'_>, key: &str, message: String) -> Problem {
        let own = used.agents.iter().find(|agent| used.name == format!("{}/model", agent.name));
        if let Some(agent) = own {
            return self.agent_error(agent, &["model", key], message);
        }
        match self.files.has(&["models", used.name]) {
            true => self.files.error(&["models", used.name, key], message),
            false => self.files.error(&["model", key], message),
        }
    }

    /// A file or folder of the project, as messages show it.
    pub fn file(&self, path: &str) -> Named {
        Named::project(&self.context.dir).join(path)
    }

    /// A problem that is mended by adding this credential.
    pub fn lacks(&self, reference: &Reference, problem: Problem) -> Problem {
        let mut missing = self.missing.borrow_mut();
        if !missing.contains(reference) {
            missing.push(reference.clone());
        }
        problem.fix(format!("al creds add {}", shell::word(&reference.to_string())))
    }

    /// What [`Self::lacks`] was told.
    pub fn missing(self) -> Vec<Reference> {
        self.missing.into_inner()
    }

    pub fn credentials(&self, reference: &Reference) -> PathBuf {
        credentials::folder(&self.context.al_home, reference)
    }
}

/// `agent `dev`` or `agents `dev` and `triage``.
pub fn agents_named(agents: &[&Agent]) -> String {
    let names = listed(agents.iter().map(|agent| agent.name.as_str()));
    format!("{} {names}", plural(agents.len(), "agent"))
}

/// A credential that cannot be used as it is.
pub fn unusable(scene: &Scene<'_>, error: &CredentialError) -> Problem {
    let at = |file: &Path, what: String| {
        let named = Named::shown_as(file.to_owned(), short(file));
        Problem::error(&named, what).code("credential_unreadable")
    };
    match error {
        CredentialError::Exposed { file, mode } => {
            at(file, format!("others can use this credential (mode {mode:04o})"))
                .code("credential_exposed")
                .hint("whoever could read it may have done so: a new one is safer")
                .fix(format!("chmod 600 {}", shell_path(file)))
                .mend(Some(Mend::Mode(0o600)))
        }
        CredentialError::Writable { folder, mode } => {
            at(folder, format!("others can change this folder of credentials (mode {mode:04o})"))
                .code("store_open")
                .fix(format!("chmod 700 {}", shell_path(folder)))
                .mend(Some(Mend::Mode(0o700)))
        }
        CredentialError::TooLarge(file) => {
            at(file, "this file is too large for a credential".to_owned())
        }
        CredentialError::NotText(file) => at(file, "this credential is not UTF-8 text".to_owned())
            .hint("write the value as text; keys in binary form as base64 or PEM"),
        CredentialError::Io { file, error } => {
            at(file, format!("this credential cannot be read: {error}"))
        }
        CredentialError::Settings { file, message } => at(file, message.clone()),
        CredentialError::Source { .. } | CredentialError::Unsure { .. } => {
            let settings = credentials::settings_file(&scene.context.al_home);
            let problem = at(&settings, error.to_string());
            if error.is_of_keyring() { problem.code("keyring_unusable") } else { problem }
        }
        CredentialError::BadName(_) | CredentialError::Exists(_) => {
            at(Path::new("."), error.to_string())
        }
    }
}

/// What is being done, for a person who waits.
pub struct Progress {
    watched: bool,
}

impl Progress {
    pub fn new(wanted: bool) -> Self {
        Self { watched: wanted && std::io::stderr().is_terminal() }
    }

    /// In place of what was said before.
    pub fn say(&self, what: &str) {
        if self.watched {
            output::remark(&format!("\r\x1b[2K{what} ..."));
        }
    }

    /// Leaves nothing behind.
    pub fn end(&self) {
        if self.watched {
            output::remark("\r\x1b[2K");
        }
    }
}
