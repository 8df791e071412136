//! One `config.toml` that is edited: reading it, judging an edit with the loader, writing it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::paint::Paint;
use crate::cli::running::running;
use crate::cli::{Context, output};
use crate::failure::Failure;
use crate::project::settings::{Change, Refused, Settings, parts};
use crate::project::{self, Draft, File, Named, Problem, Project, Severity, edit};

/// The settings of a project or of an agent.
#[derive(Debug)]
pub struct Target<'a> {
    context: &'a Context,
    kind: File,
    agent: Option<String>,
    file: Named,
}

/// An edit that was judged: what the file says, and what it would say.
#[derive(Debug)]
pub struct Plan {
    pub old: String,
    pub new: String,
    /// Errors that the project has with it and did not have without.
    pub introduced: Vec<Problem>,
    /// Errors that it has with it.
    pub errors: Vec<Problem>,
    /// The project with it, as far as it can be read.
    pub project: Option<Project>,
}

impl<'a> Target<'a> {
    /// The project's own `config.toml`.
    ///
    /// # Errors
    /// When the folder is no project.
    pub fn project(context: &'a Context) -> Result<Self, Failure> {
        must_be_project(context)?;
        let file = Named::project(&context.dir).join("config.toml");
        Ok(Self { context, kind: File::Project, agent: None, file })
    }

    /// The `config.toml` of an agent, also of one that is invalid.
    ///
    /// # Errors
    /// When there is no such agent.
    pub fn agent(context: &'a Context, name: &str) -> Result<Self, Failure> {
        must_be_project(context)?;
        context.must_have_agent(name)?;
        let file = Named::agent_config(&context.dir, name);
        Ok(Self { context, kind: File::Agent, agent: Some(name.to_owned()), file })
    }

    pub fn context(&self) -> &'a Context {
        self.context
    }

    pub fn kind(&self) -> File {
        self.kind
    }

    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The file as messages call it.
    pub fn shown(&self) -> &str {
        &self.file.shown
    }

    /// What edits it on the command line.
    pub fn command(&self) -> String {
        match &self.agent {
            Some(agent) => format!("al agent config {agent}"),
            None => "al config".to_owned(),
        }
    }

    /// What the file says now; nothing when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> Result<String, Failure> {
        match self.file.read() {
            Ok(source) => Ok(source.map(|source| source.text.clone()).unwrap_or_default()),
            Err(problem) => Err(self.context.project_failure(&[problem])),
        }
    }

    /// The settings in a text of the file.
    ///
    /// # Errors
    /// When it is not TOML: then there is nothing that could be changed without loss.
    pub fn settings(&self, text: &str) -> Result<Settings, Failure> {
        Settings::parse(self.kind, text).map_err(|error| self.not_toml(&error))
    }

    fn not_toml(&self, error: &str) -> Failure {
        // The loader shows the line.
        let (_, problems) = self.context.request(project::survey);
        let mine: Vec<Problem> =
            problems.into_iter().filter(|problem| problem.file == self.file.path).collect();
        let failure = match mine.is_empty() {
            true => {
                let message = format!("{} is not valid TOML: {}", self.shown(), error.trim_end());
                Failure::config("not_toml", message)
            }
            false => self.context.project_failure(&mine),
        };
        failure.hint("mend that line in an editor first: what cannot be read cannot be changed")
    }

    /// What is wrong in the project now.
    pub fn problems(&self) -> Vec<Problem> {
        self.context.request(project::survey).1
    }

    /// What these changes would make of the file. That they are no good is no error here.
    ///
    /// # Errors
    /// When the file cannot be read, or a change cannot be made at all.
    pub fn plan(&self, changes: &[Change]) -> Result<Plan, Failure> {
        let old = self.read()?;
        let mut settings = self.settings(&old)?;
        for change in changes {
            settings.change(change).map_err(|refused| refusal(&refused))?;
        }
        Ok(self.judge(old, settings.text()))
    }

    /// Holds a text of the file against the rest of the project.
    pub fn judge(&self, old: String, new: String) -> Plan {
        let before = self.context.request(project::survey).1;
        let draft = Draft::of(&self.file.path, &new);
        let (project, after) = self.context.request(|request| project::preview(request, draft));
        let errors = |problems: Vec<Problem>| -> Vec<Problem> {
            problems.into_iter().filter(|p| p.severity == Severity::Error).collect()
        };
        let (before, after) = (errors(before), errors(after));
        let introduced = introduced(&before, &after, &self.file.path, &old, &new);
        Plan { old, new, introduced, errors: after, project }
    }

    /// Makes the changes, unless they would do harm. Whoever saw the file before says what it was:
    /// one that is another by now is left alone.
    ///
    /// # Errors
    /// When the project would have errors that it has not, or the file cannot be written. It is as
    /// it was then.
    pub fn save(&self, changes: &[Change], seen: Option<&str>) -> Result<Plan, Failure> {
        let folder = self.file.path.parent().unwrap_or(Path::new("/"));
        let cannot = |error: std::io::Error| cannot_write(self.shown(), &error);
        let _lock = edit::lock(folder).map_err(cannot)?;
        let plan = self.plan(changes)?;
        if seen.is_some_and(|seen| seen != plan.old) {
            let message = format!("{} was changed by somebody else meanwhile", self.shown());
            return Err(Failure::user("changed_meanwhile", message));
        }
        plan.accepted(self.context.look.err, self.shown())?;
        if plan.old != plan.new {
            edit::replace(&self.file.path, &plan.new).map_err(cannot)?;
        }
        Ok(plan)
    }

    /// That it was written, and when it counts.
    pub fn said(&self, changes: &[Change]) -> String {
        let mut text = format!("{}: written\n", self.shown());
        text.push_str(&match changes.iter().any(needs_start) {
            true => at_next_start(self.context),
            false => counts_when(self.context),
        });
        text.push_str(&self.overridden(changes));
        text
    }

    /// Settings that another layer says otherwise, so that what was set does not count here.
    fn overridden(&self, changes: &[Change]) -> String {
        if self.kind != File::Project {
            return String::new();
        }
        let file = Named::project(&self.context.dir).join(".env.toml");
        let source = file.read().ok().flatten();
        let Some(above) = source.and_then(|s| Settings::parse(File::Env, &s.text).ok()) else {
            return String::new();
        };
        let mut text = String::new();
        for change in changes {
            let value = parts(change.key()).ok().and_then(|parts| above.shown(&parts));
            if let Some(value) = value {
                let key = change.key();
                text.push_str(&format!("note: {} wins here with {key} = {value}\n", file.shown));
            }
        }
        text
    }
}

impl Plan {
    /// # Errors
    /// When the project would have errors that it has not.
    fn accepted(&self, paint: Paint, file: &str) -> Result<(), Failure> {
        if self.introduced.is_empty() {
            return Ok(());
        }
        Err(Failure::config("refused_edit", "the project would have errors")
            .report(project::render(&self.introduced, paint.color))
            .hint(format!("nothing was written: {file} is as it was")))
    }
}

/// Errors that an edit brings. In a project that has errors, one may come to light as another is
/// mended; it is the edit's when it stands where the edit was, or when its file has more of them.
fn introduced(
    before: &[Problem],
    after: &[Problem],
    file: &Path,
    old: &str,
    new: &str,
) -> Vec<Problem> {
    let count = |problems: &[Problem]| {
        let mut count: BTreeMap<PathBuf, usize> = BTreeMap::new();
        problems.iter().for_each(|p| *count.entry(p.file.clone()).or_default() += 1);
        count
    };
    let (were, are) = (count(before), count(after));
    let grew = |file: &Path| are.get(file) > were.get(file);
    let lines = changed_lines(old, new);
    let is_old = |p: &&Problem| before.iter().any(|b| b.file == p.file && b.message == p.message);
    let is_mine = |p: &&Problem| {
        let here = p.file == file && p.place().is_some_and(|place| lines.contains(&place.line));
        here || grew(&p.file)
    };
    after.iter().filter(|p| !is_old(p)).filter(is_mine).cloned().collect()
}

/// Lines of the new text that are not in the old one, from 1.
fn changed_lines(old: &str, new: &str) -> std::ops::Range<usize> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail =
        old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    head + 1..new.len() - tail + 1
}

/// That there is something to edit here.
///
/// # Errors
/// When the folder is no project.
pub fn must_be_project(context: &Context) -> Result<(), Failure> {
    let has = |name: &str| context.dir.join(name).exists();
    if has("SKILL.md") || !context.dir.is_dir() {
        let (_, problems) = context.request(project::survey);
        return Err(context.project_failure(&problems));
    }
    if has("config.toml") || has("agents") || has(".env.toml") {
        return Ok(());
    }
    let shown = match context.dir.as_os_str().to_str() {
        Some(".") => "this folder".to_owned(),
        _ => context.dir.display().to_string(),
    };
    let message = format!("{shown} is no project: it has no config.toml");
    Err(Failure::user("no_project", message)
        .hint("a new one: al new")
        .hint("another folder: -p DIR"))
}

/// When an edit of the files counts.
pub fn counts_when(context: &Context) -> String {
    match running(&context.state_dir()) {
        Some(_) => "the running scheduler takes it over by itself\n".to_owned(),
        None => String::new(),
    }
}

/// Whether a running scheduler cannot take the change over: it listens already.
fn needs_start(change: &Change) -> bool {
    let parts = parts(change.key()).unwrap_or_default();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    matches!(&parts[..], ["gateway"] | ["gateway", "port" | "tls", ..])
}

/// When an edit of where and how the gateway listens counts.
fn at_next_start(context: &Context) -> String {
    match running(&context.state_dir()) {
        Some(_) => {
            "port and [gateway.tls] count from the next start: al stop, then al start\n".to_owned()
        }
        None => String::new(),
    }
}

pub fn refusal(refused: &Refused) -> Failure {
    let failure = Failure::user("no_setting", refused.message.clone());
    match &refused.hint {
        Some(hint) => failure.hint(hint.clone()),
        None => failure,
    }
}

/// That a file of the project cannot be written; it is as it was.
pub fn cannot_write(shown: &str, error: &std::io::Error) -> Failure {
    let failure = Failure::upstream("cannot_write", format!("{shown} cannot be written: {error}"));
    let hint = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "make room",
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "the folder has to be writable"
        }
        _ => return failure.hint("nothing was changed"),
    };
    failure.hint(format!("{hint}; nothing was changed"))
}

/// Says on stderr what is wrong, before a menu goes on.
pub fn show(problems: &[Problem], context: &Context) {
    output::remark(&project::render(problems, context.look.err.color));
}
