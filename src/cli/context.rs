//! What every command knows: which project, which environment, how to print.

use std::path::PathBuf;

use super::output::Look;
use super::{logs, times};
use crate::ambient::{self, Millis};
use crate::failure::Failure;
use crate::project::{self, Checks, Loaded, Problem};
use crate::scheduler::cron::Schedule;
use crate::scheduler::template::Template;

/// The surroundings of one call of `al`.
#[derive(Debug, Clone)]
pub struct Context {
    /// The project's folder, as given.
    pub dir: PathBuf,
    /// `-E`
    pub environment: Option<String>,
    /// `$AL_ENV`
    pub al_env: Option<String>,
    pub al_home: PathBuf,
    pub look: Look,
    /// When the command began.
    pub now_ms: Millis,
}

impl Context {
    /// The same for what a question is about, which goes to stderr with it.
    pub fn asking(&self) -> Self {
        Self { look: Look { out: self.look.err, ..self.look }, ..self.clone() }
    }

    /// Where the project keeps its history and its state.
    pub fn state_dir(&self) -> PathBuf {
        // Paths in messages are shorter without the `./`.
        self.dir.strip_prefix(".").unwrap_or(&self.dir).join(".al")
    }

    /// The environment that the command line or the shell names.
    pub fn named(&self) -> Option<&str> {
        let named = self.environment.as_deref().or(self.al_env.as_deref());
        named.filter(|name| !name.is_empty())
    }

    /// How log records are printed.
    pub fn log_style(&self) -> logs::Style {
        logs::Style {
            color: self.look.out.color,
            tty: self.look.tty,
            width: self.look.tty.then_some(self.look.width),
            zone: times::host_zone(),
        }
    }

    /// Reads the project.
    ///
    /// # Errors
    /// All problems of its files at once.
    pub fn load(&self) -> Result<Loaded, Failure> {
        self.request(project::load).map_err(|problems| self.project_failure(&problems))
    }

    /// Reads the project in some way.
    pub fn request<T>(&self, read: impl FnOnce(&project::Request<'_>) -> T) -> T {
        let zone = ambient::host_zone();
        let schedule = |expr: &str, tz: Option<&str>| {
            Schedule::parse(expr, tz.unwrap_or(&zone)).map(drop).map_err(|error| error.to_string())
        };
        read(&project::Request {
            dir: self.dir.clone(),
            environment: self.environment.clone(),
            al_env: self.al_env.clone(),
            al_home: self.al_home.clone(),
            strict: false,
            checks: Checks {
                schedule: &schedule,
                template: &|text| Template::parse(text).map(drop),
            },
        })
    }

    /// That the project cannot be used, and why.
    pub fn project_failure(&self, problems: &[Problem]) -> Failure {
        Failure::config("project_errors", "the project has errors")
            .report(project::render(problems, self.look.err.color))
    }

    /// Names of the project's agents, for suggestions; none when they cannot be listed.
    pub fn agent_names(&self) -> Vec<String> {
        project::discover(&self.dir).unwrap_or_default()
    }

    /// Whether the project has an agent of this name, valid or not.
    pub fn has_agent(&self, name: &str) -> bool {
        self.agent_names().iter().any(|known| known == name)
    }

    /// That the project has an agent of this name, valid or not.
    ///
    /// # Errors
    /// When it has none.
    pub fn must_have_agent(&self, name: &str) -> Result<(), Failure> {
        if self.has_agent(name) { Ok(()) } else { Err(self.unknown_agent(name)) }
    }

    /// Says that no agent has this name, and which one may be meant.
    pub fn unknown_agent(&self, name: &str) -> Failure {
        unknown_agent(name, &self.agent_names())
    }
}

fn unknown_agent(name: &str, known: &[String]) -> Failure {
    let failure = Failure::user("unknown_agent", format!("no agent is named '{name}'"));
    if known.iter().any(|known| known == name) {
        return failure.hint(format!("agents/{name} has no SKILL.md, which makes it an agent"));
    }
    match nearest(name, known.iter().map(String::as_str)) {
        Some(closest) => failure.hint(format!("did you mean '{closest}'?")),
        None if known.is_empty() => failure.hint("`-p <folder>` names the project"),
        None => failure.hint(format!("the project has {}", listed(known))),
    }
}

/// Which of these names somebody may have meant.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let far = |known: &&str| strsim::damerau_levenshtein(known, name);
    known.into_iter().min_by_key(far).filter(|nearest| far(nearest) <= 1 + name.len() / 4)
}

/// The first names of a list that may be long.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
