//! `al add`: skills of a repository as agents of this project.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use toml_edit::{Array, DocumentMut, value};

use super::brings::Brings;
use super::fetching::{self, failure, short};
use crate::cli::paint::{Tone, safe};
use crate::cli::prompt::{Choice, Prompt, Question};
use crate::cli::running::running;
use crate::cli::table::{Fit, cut};
use crate::cli::{Context, output};
use crate::failure::Failure;
use crate::project::{self, names};
use crate::skills::{
    Base, Bundle, File, Found, Origin, Record, Repository, SkillError, Stop, find, install,
    prepare, read_bundle,
};

/// Take skills of a repository or folder into the project, as agents
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al add acme/skills                      asks which of its skills to take
  al add acme/skills --skill reviewer     that one, after a question
  al add git@host:team/agents.git --ref v2 --all
  al add ./skills/reviewer --dry-run      what a folder would bring

Skills are looked for at the top, in skills/* and in agents/*. What one brings
is shown before anything is written: files, commands, credentials, where it
runs. Nothing of it is run. A skill without a config.toml gets one with
`scale = 0`, so that it is off until you say when it starts.

AL_GIT_BASE is what author/repo is below, https://github.com if unset.

Exit codes: 0 added, 2 wrong use or refused, 3 the project has errors, 4 it
cannot be fetched, 130 interrupted")]
pub struct AddArgs {
    /// author/repo, a URL for git, or a path
    #[arg(value_name = "REPO")]
    pub source: String,

    /// Take this skill, by its name or folder; may be repeated
    #[arg(short, long, value_name = "NAME")]
    pub skill: Vec<String>,

    /// Take all of them
    #[arg(long, conflicts_with = "skill")]
    pub all: bool,

    /// Name of the agent, instead of the skill's
    #[arg(short, long)]
    pub name: Option<String>,

    /// Branch, tag or whole commit id
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,

    /// Model of this project to use, instead of those the skill names
    #[arg(short, long, value_name = "MODEL")]
    pub model: Vec<String>,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,

    /// Only show what would come
    #[arg(long)]
    pub dry_run: bool,

    /// Print JSON; needs --yes or --dry-run
    #[arg(long)]
    pub json: bool,
}

/// A skill on its way in.
struct Coming {
    agent: String,
    path: String,
    bundle: Bundle,
    /// As it came, for later updates.
    base: Base,
    brings: Brings,
}

pub fn run(args: &AddArgs, context: &Context) -> Result<ExitCode, Failure> {
    if args.json && !args.yes && !args.dry_run {
        return Err(Failure::user("not_confirmed", "--json needs --yes or --dry-run"));
    }
    must_be_project(context)?;
    let models = models(args, context)?;
    let origin = fetching::origin(&args.source, Path::new(""))?;
    let stop = fetching::stop()?;
    let repository = fetching::fetch(&origin, args.reference.as_deref(), &stop)?;
    let found = chosen(find(&repository).map_err(failure)?, &origin, args, context)?;
    let mut coming = Vec::new();
    for one in &found {
        coming.push(read(one, &origin, &repository, &models, args, context)?);
    }
    must_differ(&coming)?;
    let asks = !args.yes && !args.dry_run;
    if asks {
        output::insist(&shown(&coming, &origin, &repository, &context.asking()));
    } else if !args.json {
        output::print(&shown(&coming, &origin, &repository, context))?;
    }
    let goes = !args.dry_run && (args.yes || agreed(&coming, context)?);
    fetching::go_on(&stop)?;
    if goes {
        write(&coming, &stop, context)?;
    }
    if args.json {
        output::print(&format!("{}\n", document(&coming, &origin, &repository, goes)))?;
    } else if goes {
        output::print(&next_steps(&coming, context))?;
    } else if !args.dry_run {
        output::print("nothing was added\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn must_be_project(context: &Context) -> Result<(), Failure> {
    let dir = &context.dir;
    if dir.join("SKILL.md").exists() {
        return Err(Failure::user("not_a_project", "this folder is an agent, not a project")
            .hint("`-p` with the folder above `agents/` names the project"));
    }
    if dir.join("config.toml").exists() || dir.join("agents").is_dir() {
        return Ok(());
    }
    let shown = safe(&dir.display().to_string());
    Err(Failure::user("not_a_project", format!("{shown} is no project: it has no config.toml"))
        .hint("`-p <folder>` names the project"))
}

/// The models of the project, and those of `--model` checked against them.
fn models(args: &AddArgs, context: &Context) -> Result<Vec<String>, Failure> {
    let (project, _) = context.request(project::survey);
    let known: Vec<String> =
        project.iter().flat_map(|project| project.config.own_models().cloned()).collect();
    if let Some(unknown) = args.model.iter().find(|name| !known.contains(name)) {
        let message = format!("no model of this project is called '{}'", safe(unknown));
        let failure = Failure::user("unknown_model", message);
        return Err(match known.is_empty() {
            true => failure.hint("it has none; add `[models.<name>]` to its config.toml"),
            false => failure.hint(format!("it has {}", known.join(", "))),
        });
    }
    Ok(known)
}

/// Those that are meant.
fn chosen(
    found: Vec<Found>,
    origin: &Origin,
    args: &AddArgs,
    context: &Context,
) -> Result<Vec<Found>, Failure> {
    if found.is_empty() {
        let message = format!("{} has no skills", safe(origin.shown()));
        return Err(Failure::user("no_skill", message)
            .hint("a skill is a folder with SKILL.md: at the top, in skills/* or in agents/*"));
    }
    for wanted in &args.skill {
        if !found.iter().any(|one| one.is_called(wanted)) {
            let message = format!("{} has no skill '{}'", safe(origin.shown()), safe(wanted));
            return Err(Failure::user("no_skill", message)
                .hint(format!("it has {}", listed(&found, origin))));
        }
    }
    if !args.skill.is_empty() {
        let wanted = |one: &Found| args.skill.iter().any(|name| one.is_called(name));
        return one_name(found.into_iter().filter(wanted).collect(), args);
    }
    if args.all || found.len() == 1 {
        return one_name(found, args);
    }
    let chosen = ask(&found, origin, context)?;
    one_name(chosen, args)
}

/// The titles of the first of them.
fn listed(found: &[Found], origin: &Origin) -> String {
    const SHOWN: usize = 12;
    let names = found.iter().take(SHOWN).map(|one| safe(title(one, origin)));
    let names = names.collect::<Vec<_>>().join(", ");
    match found.len().saturating_sub(SHOWN) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Which of several.
fn ask(found: &[Found], origin: &Origin, context: &Context) -> Result<Vec<Found>, Failure> {
    let choices: Vec<Choice> = found
        .iter()
        .map(|one| {
            let about = safe(one.description.as_deref().unwrap_or_default());
            Choice::new(safe(title(one, origin)), cut(&about, 55, Fit::End))
        })
        .collect();
    let text = format!("{} has {} skills. Which ones", safe(origin.shown()), found.len());
    let question = Question {
        text: &text,
        flag: "--skill NAME, or --all",
        help: "space marks one, enter goes on",
    };
    let marked =
        prompt(context).several(&question, &choices, &[]).map_err(|failure| {
            match failure.code {
                "nobody_to_ask" => failure.hint(format!("it has {}", listed(found, origin))),
                _ => failure,
            }
        })?;
    if marked.is_empty() {
        return Err(Failure::nothing("which_skill", "nothing was chosen, and nothing added"));
    }
    Ok(marked.into_iter().filter_map(|at| found.get(at).cloned()).collect())
}

fn one_name(found: Vec<Found>, args: &AddArgs) -> Result<Vec<Found>, Failure> {
    if args.name.is_some() && found.len() > 1 {
        return Err(Failure::user(
            "several_skills",
            "--name is for one skill, and these are several",
        )
        .hint("--skill NAME takes one"));
    }
    Ok(found)
}

fn title<'a>(found: &'a Found, origin: &'a Origin) -> &'a str {
    found.folder().or(found.name.as_deref()).unwrap_or_else(|| origin.name())
}

fn prompt(context: &Context) -> Prompt {
    Prompt::new(context.look.err)
}

/// Reads one skill, and makes an agent of this project of it.
fn read(
    found: &Found,
    origin: &Origin,
    repository: &Repository,
    models: &[String],
    args: &AddArgs,
    context: &Context,
) -> Result<Coming, Failure> {
    let agent = agent_name(found, origin, args, context)?;
    must_be_new(&agent, origin, context)?;
    let mut bundle = read_bundle(repository, &found.path).map_err(failure)?;
    let commit = repository.commit.as_deref();
    let base = Base::of(&bundle, commit);
    let record = Record {
        source: origin.text.clone(),
        path: Some(found.path.clone()),
        reference: args.reference.clone(),
        commit: commit.map(str::to_owned),
    };
    configure(&mut bundle, &record, &args.model, models)?;
    let mut brings = Brings::of(&bundle, &agent, context);
    if brings.foreign_models && args.model.is_empty() && !models.is_empty() {
        if args.yes || args.dry_run || args.json {
            let hint = format!("--model NAME uses one of this project: {}", models.join(", "));
            brings.problems.push(hint);
        } else {
            let model = ask_model(&agent, models, context)?;
            configure(&mut bundle, &record, &[model], models)?;
            brings = Brings::of(&bundle, &agent, context);
        }
    }
    Ok(Coming { agent, path: found.path.clone(), bundle, base, brings })
}

fn agent_name(
    found: &Found,
    origin: &Origin,
    args: &AddArgs,
    context: &Context,
) -> Result<String, Failure> {
    if let Some(name) = &args.name {
        return names::check_agent(name).map(|()| name.clone()).map_err(|why| {
            let failure = Failure::user("bad_name", format!("the name '{}' {why}", safe(name)));
            match names::suggest_agent(name) {
                Some(near) => failure.hint(format!("--name {near}")),
                None => failure,
            }
        });
    }
    let told = [found.name.as_deref(), found.folder(), Some(origin.name())];
    let told: Vec<&str> = told.into_iter().flatten().collect();
    let valid = told.iter().find(|name| names::check_agent(name).is_ok());
    if let Some(name) = valid {
        return Ok((*name).to_owned());
    }
    if let Some(name) = told.iter().find_map(|name| names::suggest_agent(name)) {
        return Ok(name);
    }
    let question = Question { text: "Name of the agent", flag: "--name NAME", help: "" };
    prompt(context).text(&question, None, names::check_agent)
}

fn must_be_new(agent: &str, origin: &Origin, context: &Context) -> Result<(), Failure> {
    let folder = context.dir.join("agents").join(agent);
    if std::fs::symlink_metadata(&folder).is_err() {
        return Ok(());
    }
    let failure =
        Failure::user("agent_exists", format!("there is an agent '{agent}' in this project"))
            .hint("--name NAME gives the new one another name");
    let config = project::edit::text(&project::edit::config_file(&folder)).unwrap_or_default();
    match Record::read(&config) {
        Ok(Some(record)) if record.source == origin.text => {
            Err(failure.hint(format!("it is from the same place: al update {agent}")))
        }
        _ => Err(failure),
    }
}

/// Gives the skill the settings it has here.
fn configure(
    bundle: &mut Bundle,
    record: &Record,
    chosen: &[String],
    models: &[String],
) -> Result<(), Failure> {
    let text = match bundle.text("config.toml") {
        Some(text) => text.to_owned(),
        None => {
            let mut text = "# It is off until it has a `schedule` or `[[webhooks]]`; then take \
                            `scale` out.\nscale = 0\n"
                .to_owned();
            if let Some(first) = models.first() {
                text.push_str(&format!("models = [{first:?}]\n"));
            }
            text
        }
    };
    let broken = |why: String| {
        Failure::user("skill_refused", format!("its config.toml is not valid TOML: {}", safe(&why)))
    };
    let mut text = record.write(&text).map_err(broken)?;
    if !chosen.is_empty() {
        let mut document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| broken(error.to_string()))?;
        document.remove("model");
        document["models"] = value(chosen.iter().map(String::as_str).collect::<Array>());
        text = document.to_string();
    }
    let file = File { executable: false, bytes: text.into_bytes() };
    bundle.files.insert("config.toml".to_owned(), file);
    Ok(())
}

fn ask_model(agent: &str, models: &[String], context: &Context) -> Result<String, Failure> {
    let text = format!("The models of {agent} are not in this project. Which one instead");
    let question = Question { text: &text, flag: "--model NAME", help: "" };
    let choices: Vec<Choice> = models.iter().map(|name| Choice::new(name, "")).collect();
    let at = prompt(context).one(&question, &choices, 0)?;
    Ok(models.get(at).cloned().unwrap_or_default())
}

fn must_differ(coming: &[Coming]) -> Result<(), Failure> {
    let mut names = BTreeSet::new();
    match coming.iter().find(|one| !names.insert(&one.agent)) {
        None => Ok(()),
        Some(one) => Err(Failure::user(
            "agent_exists",
            format!("two of these skills would be the agent '{}'", one.agent),
        )
        .hint("take them one by one: --skill FOLDER --name NAME")),
    }
}

fn shown(coming: &[Coming], origin: &Origin, repository: &Repository, context: &Context) -> String {
    let paint = context.look.out;
    let mut text = paint.on(Tone::Strong, &safe(origin.shown()));
    if let Some(commit) = &repository.commit {
        text.push_str(&format!(" at {}", short(commit)));
    }
    text.push('\n');
    for one in coming {
        let from = if one.path.is_empty() { "the whole of it" } else { &one.path };
        let title = format!("agents/{} from {from}", one.agent);
        text.push('\n');
        text.push_str(&one.brings.text(&title, context));
    }
    if running(&context.state_dir()).is_some() {
        let what = "a scheduler runs here: it takes in what is added at once";
        text.push_str(&format!("\n{} {what}\n", paint.on(Tone::Warn, "note:")));
    }
    text
}

fn agreed(coming: &[Coming], context: &Context) -> Result<bool, Failure> {
    let text = match coming {
        [one] => format!("Add it as agents/{}", one.agent),
        many => format!("Add these {} agents", many.len()),
    };
    let warned = coming.iter().any(|one| !one.brings.warnings.is_empty());
    let help = if warned { "read the warnings above first" } else { "" };
    let text = format!("{text}?");
    let question = Question { text: &text, flag: "--yes", help };
    prompt(context).yes(&question, !warned)
}

fn write(coming: &[Coming], stop: &Stop, context: &Context) -> Result<(), Failure> {
    let agents = context.dir.join("agents");
    let ready = coming.iter().map(|one| prepare(&agents, &one.agent, &one.bundle));
    let ready = ready.collect::<Result<Vec<_>, SkillError>>().map_err(failure)?;
    fetching::go_on(stop)?;
    install(ready).map_err(failure)?;
    for one in coming {
        // Without it an update asks upstream what came.
        if let Err(error) = one.base.write(&context.state_dir(), &one.agent) {
            output::remark(&format!("warning: .al/upstream cannot be written: {error}\n"));
        }
    }
    Ok(())
}

fn next_steps(coming: &[Coming], context: &Context) -> String {
    let paint = context.look.out;
    let mut text = String::new();
    for one in coming {
        text.push_str(&format!("{} agents/{}\n", paint.on(Tone::Good, "added"), one.agent));
    }
    let missing: BTreeSet<&str> = coming
        .iter()
        .flat_map(|one| &one.brings.credentials)
        .filter(|(_, here)| !here)
        .map(|(reference, _)| reference.as_str())
        .collect();
    let next = paint.on(Tone::Live, "next:");
    for reference in missing {
        text.push_str(&format!("{next} al creds add {reference}\n"));
    }
    for one in coming.iter().filter(|one| !one.brings.problems.is_empty()) {
        text.push_str(&format!("{next} mend what is named above in agents/{}\n", one.agent));
    }
    for one in coming.iter().filter(|one| one.brings.starts.iter().any(|s| s.contains("scale"))) {
        let file = format!("agents/{}/config.toml", one.agent);
        text.push_str(&format!("{next} say in {file} when it starts\n"));
    }
    text.push_str(&format!("{next} al doctor\n"));
    text
}

fn document(coming: &[Coming], origin: &Origin, repository: &Repository, added: bool) -> Value {
    let skills = coming.iter().map(|one| {
        let mut skill = json!({"agent": one.agent, "path": one.path, "added": added});
        if let (Some(skill), Value::Object(brings)) = (skill.as_object_mut(), one.brings.json()) {
            skill.extend(brings);
        }
        skill
    });
    json!({
        "source": origin.text,
        "commit": repository.commit,
        "skills": skills.collect::<Vec<_>>(),
    })
}
