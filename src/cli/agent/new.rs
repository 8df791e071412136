//! `al agent new`: a new agent from a template.

use std::collections::BTreeMap;

use super::template::{Plan, TEMPLATES, Template, Thinker, is_span, template};
use crate::ambient;
use crate::cli::config::target::{Target, cannot_write, counts_when, must_be_project};
use crate::cli::offer::{self, Offer};
use crate::cli::prompt::{Choice, Prompt, Question};
use crate::cli::stage::Staged;
use crate::cli::wizard::{Wizard, one_line};
use crate::cli::{Context, output};
use crate::docker;
use crate::duration;
use crate::failure::Failure;
use crate::project::credential_types::{OwnTypes, of_runs};
use crate::project::credentials::Reference;
use crate::project::kit::{Bearer, kit};
use crate::project::names::{check_agent, suggest_agent};
use crate::project::{self, Draft, Model, Problem, Project, Severity, edit};
use crate::scheduler::cron::Schedule;

/// Make a new agent from a template
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al agent new                              asks everything
  al agent new dev --template dev           asks the rest
  al agent new hello --script --yes         a program that runs at once, no model
  al agent new watch --template devops --model sonnet --schedule 15m --yes
  al agent new dev --provider openai --model gpt-5   a model that is not there yet

Every question has a flag, and --yes takes what is proposed for the others.
Nothing is written before all is answered.")]
pub struct NewArgs {
    /// What it is called: its folder in agents/
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// dev, reviewer, devops, triage or custom
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,

    /// What it is for, in a sentence
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// A model of the project; several are tried in turn
    #[arg(long, value_name = "NAME", conflicts_with = "script")]
    pub model: Vec<String>,

    /// Add a model to the project: who offers it; --model is what they call it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["script", "engine"])]
    pub provider: Option<String>,

    /// Address of its server, if it is one of your own
    #[arg(long, value_name = "URL", requires = "provider")]
    pub base_url: Option<String>,

    /// A program thinks, not a model
    #[arg(long)]
    pub script: bool,

    /// Another engine: claude or codex
    #[arg(long, value_name = "NAME", conflicts_with = "script")]
    #[arg(value_parser = ["claude", "codex"])]
    pub engine: Option<String>,

    /// Where it runs: container, process or host-user
    #[arg(long, value_name = "TYPE")]
    pub runtime: Option<String>,

    /// When it starts by itself: a cron expression, a span like 15m, or none
    #[arg(long, value_name = "CRON")]
    pub schedule: Option<String>,

    /// Deliveries that start it: a source of the project, and events if only some
    #[arg(long, value_name = "SOURCE[:EVENT,...]")]
    pub webhook: Vec<String>,

    /// What its runs are given; `none` for nothing
    #[arg(long, value_name = "TYPE[:INSTANCE]")]
    pub credential: Vec<String>,

    /// A value for its prompt
    #[arg(long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,

    /// Take what is proposed instead of asking
    #[arg(short, long)]
    pub yes: bool,
}

pub fn run(args: &NewArgs, context: &Context) -> Result<(), Failure> {
    must_be_project(context)?;
    let (project, _) = context.request(project::survey);
    let wizard = Wizard { prompt: Prompt::new(context.look.err), yes: args.yes };
    let plan = ask(args, wizard, &Known::of(project.as_ref(), context))?;
    write(&plan, context)?;
    output::print(&next_steps(&plan, context))
}

/// What a new agent can name.
#[derive(Debug, Default)]
pub struct Known {
    pub agents: Vec<String>,
    pub models: Vec<String>,
    /// What these models are, by name.
    pub offers: Vec<(String, Model)>,
    pub sources: Vec<String>,
}

impl Known {
    fn of(project: Option<&Project>, context: &Context) -> Self {
        let config = project.map(|project| &project.config);
        let own = config.into_iter().flat_map(|config| {
            let model = |name: &String| Some((name.clone(), config.models.get(name)?.clone()));
            config.own_models().filter_map(model)
        });
        let offers: Vec<(String, Model)> = own.collect();
        Self {
            agents: context.agent_names(),
            models: offers.iter().map(|(name, _)| name.clone()).collect(),
            offers,
            sources: project.into_iter().flat_map(|p| p.config.webhooks.keys().cloned()).collect(),
        }
    }
}

/// Asks what was not said.
///
/// # Errors
/// When something that was said cannot be, somebody interrupts, or nobody is there.
pub fn ask(args: &NewArgs, wizard: Wizard, known: &Known) -> Result<Plan, Failure> {
    // What was said is looked at before anything is asked.
    let said = args.template.as_deref().map(known_template).transpose()?;
    if let Some(name) = &args.name {
        free_name(name, &known.agents).map_err(|why| bad_name(name, &why))?;
    }
    let template = match said {
        Some(template) => template,
        None if args.script => template("custom").unwrap_or(&TEMPLATES[0]),
        None => ask_template(wizard)?,
    };
    let name = match &args.name {
        Some(name) => name.clone(),
        None => ask_name(wizard, template, known)?,
    };
    let question = Question {
        text: "What it is for",
        flag: "--description TEXT",
        help: "a sentence for whoever lists the agents",
    };
    let description = wizard.text(
        args.description.as_deref(),
        &question,
        Some(template.description),
        one_line,
    )?;
    let (thinker, offer) = thinker(args, wizard, known)?;
    let runtime = runtime(args.runtime.as_deref(), wizard, thinker == Thinker::Script)?;
    let schedule = schedule(args.schedule.as_deref(), wizard, template)?;
    let webhooks = webhooks(args, wizard, known)?;
    let is_script = thinker == Thinker::Script;
    let credentials = credentials(args, wizard, template, is_script)?;
    let params = params(&args.param, wizard, template, is_script)?;
    Ok(Plan {
        name,
        description,
        template,
        thinker,
        offer,
        runtime,
        schedule,
        webhooks,
        credentials,
        params,
    })
}

fn ask_template(wizard: Wizard) -> Result<&'static Template, Failure> {
    let choices: Vec<Choice> = TEMPLATES.iter().map(|t| Choice::new(t.word, t.about)).collect();
    let question = Question {
        text: "Template",
        flag: "--template NAME",
        help: "what it does can be rewritten in SKILL.md at any time",
    };
    Ok(&TEMPLATES[wizard.one(None, &question, &choices, 0)?])
}

fn ask_name(wizard: Wizard, template: &Template, known: &Known) -> Result<String, Failure> {
    let agents = known.agents.clone();
    let check = move |name: &str| free_name(name, &agents);
    let proposed = Some(template.word).filter(|word| *word != "custom");
    let proposed = proposed.filter(|word| free_name(word, &known.agents).is_ok());
    let question = Question {
        text: "Name of the agent",
        flag: "NAME, the first argument",
        help: "letters a to z, digits and hyphens",
    };
    wizard.text(None, &question, proposed, check)
}

fn known_template(word: &str) -> Result<&'static Template, Failure> {
    template(word).ok_or_else(|| {
        let words: Vec<&str> = TEMPLATES.iter().map(|template| template.word).collect();
        Failure::user("bad_answer", format!("there is no template '{word}'"))
            .hint(format!("it is one of {}", words.join(", ")))
    })
}

fn free_name(name: &str, agents: &[String]) -> Result<(), String> {
    check_agent(name).map_err(|why| format!("this name {why}"))?;
    match agents.iter().any(|known| known == name) {
        true => Err("there is an agent of this name already".to_owned()),
        false => Ok(()),
    }
}

pub fn bad_name(name: &str, why: &str) -> Failure {
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let failure = Failure::user("bad_name", format!("'{name}' cannot be an agent: {why}"));
    match suggest_agent(&name).filter(|near| *near != name) {
        Some(near) => failure.hint(format!("what about {near}?")),
        None => failure,
    }
}

/// Who thinks, and the model that the project gets for it.
fn thinker(
    args: &NewArgs,
    wizard: Wizard,
    known: &Known,
) -> Result<(Thinker, Option<Offer>), Failure> {
    if args.provider.is_some() {
        return offered(args, wizard, known);
    }
    match known_thinker(args, wizard, known)? {
        Some(thinker) => Ok((thinker, None)),
        None => offered(args, wizard, known),
    }
}

/// A model that the project does not have yet.
fn offered(
    args: &NewArgs,
    wizard: Wizard,
    known: &Known,
) -> Result<(Thinker, Option<Offer>), Failure> {
    if args.model.len() > 1 {
        let message = "--provider adds one model, and there are several --model";
        return Err(Failure::user("bad_answer", message)
            .hint("more can be added to `models` of the agent: al agent config NAME"));
    }
    let said = offer::Said {
        provider: args.provider.as_deref(),
        model: args.model.first().map(String::as_str),
        base_url: args.base_url.as_deref(),
    };
    let Some(offer) = offer::ask(said, wizard, None)? else { return Ok((Thinker::Script, None)) };
    let same = known.offers.iter().find(|(_, there)| offer.is_as(there));
    if let Some((name, _)) = same {
        return Ok((Thinker::Models(vec![name.clone()]), None));
    }
    let offer = offer.renamed(&known.models);
    Ok((Thinker::Models(vec![offer.name.clone()]), Some(offer)))
}

/// Who thinks of those that are there; none when it is to be a new model.
fn known_thinker(
    args: &NewArgs,
    wizard: Wizard,
    known: &Known,
) -> Result<Option<Thinker>, Failure> {
    if args.script {
        return Ok(Some(Thinker::Script));
    }
    for model in &args.model {
        if !known.models.contains(model) {
            let failure =
                Failure::user("bad_answer", format!("the project has no model '{model}'"));
            let failure = match known.models.is_empty() {
                true => failure,
                false => failure.hint(format!("it has {}", known.models.join(", "))),
            };
            return Err(failure
                .hint("to add one: --provider anthropic, with --model as the provider calls it"));
        }
    }
    let engine = |word: &str| if word == "codex" { "codex" } else { "claude" };
    if let Some(word) = &args.engine {
        return Ok(Some(Thinker::Engine(engine(word), args.model.clone())));
    }
    if !args.model.is_empty() {
        return Ok(Some(Thinker::Models(args.model.clone())));
    }
    let mut choices: Vec<Choice> =
        known.models.iter().map(|name| Choice::new(name, "a model of this project")).collect();
    let models = choices.len();
    choices.push(Choice::new("script", "a program, no model: runs at once"));
    choices.push(Choice::new("claude", "Claude Code, if it is installed"));
    choices.push(Choice::new("codex", "Codex, if it is installed"));
    choices.push(Choice::new("another model", "one that the project does not have yet"));
    let question = Question {
        text: "Who thinks",
        flag: "--model NAME, --provider NAME or --script",
        help: "",
    };
    let chosen = wizard.one(None, &question, &choices, 0)?;
    let word = choices[chosen].word.as_str();
    Ok(match chosen.checked_sub(models) {
        None => Some(Thinker::Models(vec![word.to_owned()])),
        Some(0) => Some(Thinker::Script),
        Some(1 | 2) => Some(Thinker::Engine(engine(word), Vec::new())),
        Some(_) => None,
    })
}

/// Where it runs.
///
/// # Errors
/// As [`ask`].
pub fn runtime(said: Option<&str>, wizard: Wizard, is_script: bool) -> Result<String, Failure> {
    let choices = [
        Choice::new("container", "apart from this machine, in a container"),
        Choice::new("process", "here, as you: for trying things, and for what you trust"),
        Choice::new("host-user", "here, as a user of its own (al doctor --fix makes it)"),
    ];
    let engine = || docker::connect(&ambient::env).is_ok();
    let proposed = usize::from(is_script || said.is_none() && !engine());
    let question = Question { text: "Where it runs", flag: "--runtime TYPE", help: "" };
    Ok(choices[wizard.one(said, &question, &choices, proposed)?].word.clone())
}

const NONE: &str = "none";

fn schedule(
    said: Option<&str>,
    wizard: Wizard,
    template: &Template,
) -> Result<Option<String>, Failure> {
    let zone = ambient::host_zone();
    let check = move |text: &str| check_schedule(text, &zone);
    let question = Question {
        text: "When it starts by itself",
        flag: "--schedule CRON",
        help: "a cron expression, a span like 15m, or none",
    };
    let text = wizard.text(said, &question, Some(template.schedule), check)?;
    Ok(Some(text).filter(|text| text != NONE))
}

fn check_schedule(text: &str, zone: &str) -> Result<(), String> {
    if text == NONE {
        return Ok(());
    }
    if !text.is_empty() && is_span(text) {
        return match duration::parse_ms(text) {
            Ok(ms) if ms >= 1000 => Ok(()),
            Ok(_) => Err("that is less than a second".to_owned()),
            Err(_) => Err("it is neither a cron expression nor a span like 15m".to_owned()),
        };
    }
    Schedule::parse(text, zone).map(drop).map_err(|error| error.to_string())
}

fn webhooks(
    args: &NewArgs,
    wizard: Wizard,
    known: &Known,
) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let mut webhooks = Vec::new();
    for said in &args.webhook {
        let (source, events) = said.split_once(':').unwrap_or((said, ""));
        if !known.sources.iter().any(|known| known == source) {
            let message = format!("the project has no webhook source '{source}'");
            let failure = Failure::user("bad_answer", message);
            return Err(match known.sources.is_empty() {
                true => failure.hint(format!("al config --set webhooks.{source}.type=github")),
                false => failure.hint(format!("it has {}", known.sources.join(", "))),
            });
        }
        let events = events.split(',').map(str::trim).filter(|event| !event.is_empty());
        webhooks.push((source.to_owned(), events.map(str::to_owned).collect()));
    }
    if !webhooks.is_empty() || known.sources.is_empty() {
        return Ok(webhooks);
    }
    let choices: Vec<Choice> = known.sources.iter().map(|name| Choice::new(name, "")).collect();
    let question = Question {
        text: "Deliveries that start it",
        flag: "--webhook SOURCE",
        help: "filters can be added later",
    };
    let chosen = wizard.several(&question, &choices, &[])?;
    Ok(chosen.into_iter().map(|n| (known.sources[n].clone(), Vec::new())).collect())
}

fn credentials(
    args: &NewArgs,
    wizard: Wizard,
    template: &Template,
    is_script: bool,
) -> Result<Vec<String>, Failure> {
    if !args.credential.is_empty() {
        let said = args.credential.iter().filter(|said| *said != NONE);
        for said in said.clone() {
            Reference::parse(said).map_err(|error| {
                Failure::user("bad_answer", error.to_string())
                    .hint("a credential is `type` or `type:instance`")
            })?;
        }
        return Ok(said.cloned().collect());
    }
    let wanted: &[&str] = if is_script { &[] } else { template.credentials };
    let kinds: Vec<&str> = of_runs().map(|known| &*known.kind).collect();
    let choices: Vec<Choice> = kinds.iter().map(|kind| Choice::new(*kind, "")).collect();
    let marked: Vec<usize> = kinds
        .iter()
        .enumerate()
        .filter(|(_, kind)| wanted.contains(kind))
        .map(|(n, _)| n)
        .collect();
    let question = Question {
        text: "What its runs are given",
        flag: "--credential TYPE, or --credential none",
        help: "",
    };
    let chosen = wizard.several(&question, &choices, &marked)?;
    Ok(chosen.into_iter().map(|n| kinds[n].to_owned()).collect())
}

fn params(
    said: &[String],
    wizard: Wizard,
    template: &Template,
    is_script: bool,
) -> Result<Vec<(String, String)>, Failure> {
    let mut given = BTreeMap::new();
    let mut order = Vec::new();
    for text in said {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Failure::user("bad_answer", format!("'{text}' is no parameter"))
                .hint("write it as --param NAME=VALUE"));
        };
        one_line(value).map_err(|why| Failure::user("bad_answer", format!("'{name}': {why}")))?;
        order.push(name);
        given.insert(name, value);
    }
    let asked: &[_] = if is_script { &[] } else { template.params };
    let mut params = Vec::new();
    for (name, text, proposed) in asked {
        let flag = format!("--param {name}=VALUE");
        let question = Question { text, flag: &flag, help: "stands in its prompt" };
        let value = wizard.text(given.remove(name), &question, Some(proposed), one_line)?;
        params.push(((*name).to_owned(), value));
    }
    for name in order {
        params.extend(given.remove(name).map(|value| (name.to_owned(), value.to_owned())));
    }
    Ok(params)
}

/// Writes the folder of an agent and the model that it brings, after the loader has had a look at both.
fn write(plan: &Plan, context: &Context) -> Result<(), Failure> {
    let target = Target::project(context)?;
    let changes = plan.offer.as_ref().map(Offer::changes);
    let edit = changes.as_ref().map(|changes| target.plan(changes)).transpose()?;
    let folder = context.dir.join("agents").join(&plan.name);
    let absolute = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
    let files = plan.files();
    let draft = files.iter().map(|file| (absolute.join(&file.path), Some(file.text.clone())));
    let config = edit.as_ref().map(|edit| (target.path().to_owned(), Some(edit.new.clone())));
    let draft = Draft(draft.chain(config).collect());
    let (_, problems) = context.request(|request| project::preview(request, draft));
    let mine = |problem: &Problem| problem.file.starts_with(&absolute);
    let problems: Vec<Problem> = problems.into_iter().filter(mine).collect();
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(context.project_failure(&problems).hint("nothing was written"));
    }
    let agents = context.dir.join("agents");
    let shown = format!("agents/{}", plan.name);
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::user("exists", format!("{shown} is there already")).hint("nothing was written")
        }
        _ => cannot_write(&shown, &error),
    };
    std::fs::create_dir_all(&agents).map_err(cannot)?;
    let _lock = edit::lock(&agents).map_err(cannot)?;
    let staged = Staged::write(&agents, &plan.name, &files).map_err(cannot)?;
    // The model first: an agent without its model would be an error of the project.
    if let Some((changes, edit)) = changes.zip(edit) {
        target.save(&changes, Some(&edit.old))?;
    }
    staged.put(&folder).map_err(|error| {
        if let Some(offer) = &plan.offer {
            // What it was made for is not there. Who changed the file meanwhile keeps that.
            let _ = target.save(&[offer.undo()], None);
        }
        cannot(error)
    })
}

fn next_steps(plan: &Plan, context: &Context) -> String {
    let name = &plan.name;
    let mut text = format!("agents/{name} is there:\n");
    for file in plan.files() {
        let about = match file.path.as_str() {
            "SKILL.md" => "what it does",
            "config.toml" => "when and how it runs",
            _ => "the program",
        };
        text.push_str(&format!("  {:<13} {about}\n", file.path));
    }
    if let Some(offer) = &plan.offer {
        text.push_str(&format!("its model is new in config.toml: [models.{}]\n", offer.name));
    }
    text.push_str("next:\n");
    let key = plan.offer.as_ref().and_then(Offer::key).map(str::to_owned);
    for credential in key.iter().chain(&plan.credentials) {
        if is_missing(credential, context) {
            text.push_str(&format!("  al creds add {credential}\n"));
        }
    }
    text.push_str(&format!("  al doctor\n  al run {name}\n"));
    text.push_str(&counts_when(context));
    text
}

fn is_missing(credential: &str, context: &Context) -> bool {
    let wanted = [credential.to_owned()];
    kit(&context.al_home, &OwnTypes::new(), &wanted, Bearer::Program).is_err()
}
