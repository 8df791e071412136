//! `al new`: a project in a folder, with a first agent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use toml_edit::Value;

use super::agent::new::{NewArgs, bad_name, runtime};
use super::agent::template::{Plan, TEMPLATES, Thinker, template};
use super::config::target::cannot_write;
use super::offer::{self, Offer};
use super::prompt::{Choice, Prompt, Question};
use super::stage::{NewFile, Staged};
use super::wizard::{Wizard, one_line};
use super::{Context, output};
use crate::failure::Failure;
use crate::project::names::check_agent;
use crate::project::{self, edit, render};
use crate::shell;

/// Make a new project in a folder, with a first agent
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al new                           asks everything
  al new shop --provider anthropic asks the rest
  al new shop --yes                a program as first agent: no key, no container
  al new . --provider none --git --yes

Every question has a flag, and --yes takes what is proposed for the others.
Nothing is written before all is answered, and a folder with something in it is
left alone.")]
pub struct NewProjectArgs {
    /// The folder; it must not be there, or be empty
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// What the project is called
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,

    /// Who offers the model: anthropic, openai and others, or none
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,

    /// The provider's name of the model
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,

    /// Where requests go, for a server of your own
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,

    /// Where runs are: container, process or host-user
    #[arg(long, value_name = "TYPE")]
    pub runtime: Option<String>,

    /// The first agent: dev, reviewer, devops, triage or custom
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,

    /// What the first agent is called
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,

    /// A value for the prompt of the first agent
    #[arg(long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,

    /// Begin a Git repository
    #[arg(long, overrides_with = "no_git")]
    pub git: bool,

    /// Begin none
    #[arg(long)]
    pub no_git: bool,

    /// Take what is proposed instead of asking
    #[arg(short, long, visible_alias = "no-interactive")]
    pub yes: bool,
}

/// The template of a program.
const SCRIPTED: &str = "custom";
/// A provider without a name: no model.
const NONE: &str = "none";
/// What stands in a project's folder that is made last, and makes it one.
const CONFIG: &str = "config.toml";

/// Everything that was answered.
struct Answers {
    dir: PathBuf,
    name: String,
    model: Option<Offer>,
    agent: Plan,
    git: bool,
}

pub fn run(args: &NewProjectArgs, context: &Context) -> Result<(), Failure> {
    let wizard = Wizard { prompt: Prompt::new(context.look.err), yes: args.yes };
    let answers = ask(args, wizard)?;
    write(&answers, context)?;
    output::print(&next_steps(&answers))
}

fn ask(args: &NewProjectArgs, wizard: Wizard) -> Result<Answers, Failure> {
    let dir = folder(args, wizard)?;
    if let Some(agent) = &args.agent {
        check_agent(agent).map_err(|why| bad_name(agent, &format!("this name {why}")))?;
    }
    let question = Question { text: "Name of the project", flag: "--name TEXT", help: "" };
    let called = folder_name(&dir);
    let name = wizard.text(args.name.as_deref(), &question, called.as_deref(), one_line)?;
    let said = offer::Said {
        provider: args.provider.as_deref(),
        model: args.model.as_deref(),
        base_url: args.base_url.as_deref(),
    };
    let none = Choice::new(NONE, "no model: a program is the first agent, and runs at once");
    let model = offer::ask(said, wizard, Some(none))?;
    if model.is_none() {
        without_model(args)?;
    }
    let agent = first_agent(args, wizard, model.as_ref())?;
    let git = git(args, wizard, &dir)?;
    Ok(Answers { dir, name, model, agent, git })
}

/// What the folder is called; none when that is no text.
fn folder_name(dir: &Path) -> Option<String> {
    let dir = std::path::absolute(dir).ok()?;
    let name = dir.components().next_back()?.as_os_str().to_str()?.to_owned();
    one_line(&name).is_ok().then_some(name)
}

fn folder(args: &NewProjectArgs, wizard: Wizard) -> Result<PathBuf, Failure> {
    if let Some(dir) = &args.dir {
        is_free(dir).map(|()| dir.clone())
    } else {
        let here = Path::new(".");
        let proposed = if is_free(here).is_ok() { "." } else { "my-agents" };
        let question = Question {
            text: "Folder of the project",
            flag: "DIR, the first argument",
            help: ". is this folder",
        };
        let check = |text: &str| match text {
            "" => Err("something has to stand here".to_owned()),
            text => is_free(Path::new(text)).map_err(|failure| failure.message),
        };
        // Where it goes is never taken for granted.
        let asked = Wizard { yes: false, ..wizard };
        asked.text(None, &question, Some(proposed), check).map(PathBuf::from)
    }
}

/// # Errors
/// When there is something in the folder already.
fn is_free(dir: &Path) -> Result<(), Failure> {
    let shown = dir.display();
    let list = match fs::read_dir(dir) {
        Ok(list) => list,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
            return match parent {
                Some(parent) if !parent.is_dir() => {
                    let message = format!("there is no folder {}", parent.display());
                    Err(Failure::user("no_parent", message)
                        .hint(format!("mkdir -p {}", parent.display())))
                }
                _ => Ok(()),
            };
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(Failure::user("exists", format!("{shown} is a file")));
        }
        Err(error) => {
            let message = format!("{shown} cannot be looked into: {error}");
            return Err(Failure::upstream("cannot_read", message));
        }
    };
    let mut names: Vec<String> =
        list.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != ".git");
    names.sort();
    if names.iter().any(|name| name == CONFIG || name == "agents") {
        return Err(Failure::user("exists", format!("{shown} is a project already"))
            .hint("another agent in it: al agent new")
            .hint("its settings: al config"));
    }
    match &names[..] {
        [] => Ok(()),
        names => {
            let some: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
            let more = if names.len() > 3 { " and more" } else { "" };
            let message = format!("{shown} is not empty: it has {}{more}", some.join(", "));
            Err(Failure::user("exists", message).hint("name a new folder: al new my-agents"))
        }
    }
}

/// # Errors
/// When something was said that only an agent with a model has.
fn without_model(args: &NewProjectArgs) -> Result<(), Failure> {
    let template = args.template.as_deref().filter(|template| *template != SCRIPTED);
    let said = [
        ("--model", args.model.as_deref()),
        ("--base-url", args.base_url.as_deref()),
        ("--template", template),
    ];
    let Some((flag, said)) = said.into_iter().find_map(|(flag, said)| Some((flag, said?))) else {
        return Ok(());
    };
    let message = format!("{flag} {said} needs a model, and without a provider there is none");
    Err(Failure::user("bad_answer", message)
        .hint("say who offers the model: --provider anthropic")
        .hint(format!("or leave {flag} out: the first agent is a program then")))
}

fn first_agent(
    args: &NewProjectArgs,
    wizard: Wizard,
    model: Option<&Offer>,
) -> Result<Plan, Failure> {
    let is_script = model.is_none();
    let template = match (&args.template, is_script) {
        (None, true) => template(SCRIPTED).unwrap_or(&TEMPLATES[0]),
        (said, _) => {
            let choices: Vec<Choice> =
                TEMPLATES.iter().map(|t| Choice::new(t.word, t.about)).collect();
            let question = Question { text: "First agent", flag: "--template NAME", help: "" };
            &TEMPLATES[wizard.one(said.as_deref(), &question, &choices, 0)?]
        }
    };
    let question = Question {
        text: "What it is called",
        flag: "--agent NAME",
        help: "letters a to z, digits and hyphens",
    };
    let word = if is_script { "hello" } else { template.word };
    let check = |name: &str| check_agent(name).map_err(|why| format!("this name {why}"));
    let name = wizard.text(args.agent.as_deref(), &question, Some(word), check)?;
    let runtime = runtime(args.runtime.as_deref(), wizard, is_script)?;
    // The rest is what the template proposes, and can be changed.
    let rest = NewArgs {
        name: Some(name),
        template: Some(template.word.to_owned()),
        description: is_script.then(|| "Says how much room there is on the disk".to_owned()),
        script: is_script,
        model: model.map(|model| model.name.clone()).into_iter().collect(),
        runtime: Some(runtime),
        schedule: is_script.then(|| "5m".to_owned()),
        param: args.param.clone(),
        yes: true,
        ..NewArgs::default()
    };
    let known = super::agent::new::Known {
        models: model.map(|model| model.name.clone()).into_iter().collect(),
        ..Default::default()
    };
    let mut plan = super::agent::new::ask(&rest, wizard.proposing(), &known)?;
    for (name, text, proposed) in template.params {
        let said = args.param.iter().any(|said| said.starts_with(&format!("{name}=")));
        let Some(param) = plan.params.iter_mut().find(|(known, _)| known == name) else { continue };
        if !said {
            let flag = format!("--param {name}=VALUE");
            let question = Question { text, flag: &flag, help: "stands in its prompt" };
            param.1 = wizard.text(None, &question, Some(proposed), one_line)?;
        }
    }
    Ok(plan)
}

fn git(args: &NewProjectArgs, wizard: Wizard, dir: &Path) -> Result<bool, Failure> {
    let said = if args.git { Some(true) } else { args.no_git.then_some(false) };
    if dir.join(".git").exists() {
        return Ok(false);
    }
    if !has_git() {
        return match said {
            Some(true) => Err(Failure::user("no_git", "git is not installed here")
                .hint("without a repository: --no-git")),
            _ => Ok(false),
        };
    }
    let question =
        Question { text: "Begin a Git repository?", flag: "--git or --no-git", help: "" };
    wizard.yes(said, &question, true)
}

/// Variables by which whoever calls, a hook for one, says which repository is meant. It is not the
/// new one.
const OF_A_REPOSITORY: [&str; 5] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"];

fn quiet_git() -> Command {
    let mut command = Command::new("git");
    for name in OF_A_REPOSITORY {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn has_git() -> bool {
    quiet_git().arg("--version").status().is_ok_and(|status| status.success())
}

fn write(answers: &Answers, context: &Context) -> Result<(), Failure> {
    let dir = &answers.dir;
    let shown = dir.display().to_string();
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::user("exists", format!("{shown} was filled by somebody else meanwhile"))
                .hint("nothing was changed")
        }
        _ => cannot_write(&shown, &error),
    };
    let absolute = std::path::absolute(dir).map_err(cannot)?;
    let is_there = absolute.is_dir();
    let parent = if is_there { Some(&*absolute) } else { absolute.parent() };
    let parent = parent.unwrap_or(Path::new("/"));
    let _lock = edit::lock(parent).map_err(cannot)?;
    is_free(dir)?;
    let staged = Staged::write(parent, "al-new", &files(answers)).map_err(cannot)?;
    valid(staged.folder(), context)?;
    if answers.git {
        let done = quiet_git().args(["init", "-q"]).arg(staged.folder()).status();
        if !done.is_ok_and(|status| status.success()) {
            return Err(Failure::upstream("no_git", "git init failed; nothing was written")
                .hint("without a repository: --no-git"));
        }
    }
    if is_there { staged.pour(&absolute, CONFIG) } else { staged.put(&absolute) }.map_err(cannot)
}

/// The loader has the last word, also about what we write ourselves.
fn valid(folder: &Path, context: &Context) -> Result<(), Failure> {
    let context =
        Context { dir: folder.to_owned(), environment: None, al_env: None, ..context.clone() };
    match context.request(project::load) {
        Ok(_) => Ok(()),
        Err(problems) => {
            Err(Failure::config("project_errors", "the new project would have errors")
                .report(render(&problems, context.look.err.color))
                .hint("nothing was written"))
        }
    }
}

fn files(answers: &Answers) -> Vec<NewFile> {
    let agent = &answers.agent.name;
    let mut files: Vec<NewFile> = answers
        .agent
        .files()
        .into_iter()
        .map(|file| NewFile { path: format!("agents/{agent}/{}", file.path), ..file })
        .collect();
    files.push(NewFile::new(".gitignore", GITIGNORE));
    files.push(NewFile::new("AGENTS.md", AGENTS.replace("{{name}}", &answers.name)));
    files.push(NewFile::new(CONFIG, config(answers)));
    files
}

const GITIGNORE: &str = include_str!("new/gitignore");
const AGENTS: &str = include_str!("new/AGENTS.md");
const SETTINGS: &str = include_str!("new/config.toml");

fn config(answers: &Answers) -> String {
    let string = |text: &str| Value::from(text).to_string();
    let model = match &answers.model {
        None => "# [models.sonnet]\n# provider = \"anthropic\"\n# model = \"claude-sonnet-4-5\"\n"
            .to_owned(),
        Some(model) => model.table(),
    };
    SETTINGS.replace("{{name}}", &string(&answers.name)).replace("# {{model}}\n", &model)
}

fn next_steps(answers: &Answers) -> String {
    let agent = &answers.agent;
    let dir = answers.dir.display().to_string();
    let mut text = format!("{} is there:\n", answers.name);
    let rows = [
        ("config.toml", "models, webhooks and limits of all agents".to_owned()),
        ("AGENTS.md", "what an assistant should know that works on it".to_owned()),
    ];
    let own = (format!("agents/{}/", agent.name), agent.description.clone());
    text.push_str(&format!("  {:<20} {}\n", own.0, own.1));
    for (file, about) in rows {
        text.push_str(&format!("  {file:<20} {about}\n"));
    }
    text.push_str("next:\n");
    if dir != "." {
        text.push_str(&format!("  cd {}\n", shell::word(&dir)));
    }
    let key = answers.model.as_ref().and_then(Offer::key);
    for credential in key.into_iter().chain(agent.credentials.iter().map(String::as_str)) {
        text.push_str(&format!("  al creds add {credential}\n"));
    }
    let doctor = "al doctor";
    text.push_str(&format!("  {doctor:<20} what is missing\n"));
    text.push_str(&format!("  {:<20} one run, with its log\n", format!("al run {}", agent.name)));
    if agent.thinker == Thinker::Script {
        let edit = format!("agents/{}/run.sh", agent.name);
        text.push_str(&format!("  {edit:<20} is yours to change\n"));
    }
    text.push_str(&format!("  {:<20} all agents, with the console\n", "al start"));
    text
}
