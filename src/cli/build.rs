//! `al build`: the images of agents that run in containers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use serde_json::{Value, json};

use super::host::{self, Places};
use super::images::{recipes, words};
use super::paint::Tone;
use super::table::{Cell, Fit, Table};
use super::{Context, exec, output, start};
use crate::ambient;
use crate::docker::image::{BuildError, How, Image, Images, Progress};
use crate::failure::Failure;
use crate::project::{self, Agent, Project, RuntimeKind};

/// Build the images of agents that run in containers
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al build             what is not there or not up to date, of all agents
  al build dev         of this agent
  al build --offline   without asking a registry for anything

A scheduler does the same by itself when it starts and before a run. An image
is made from the project's files alone: when these are the same, so is the
image, and nothing is built.")]
pub struct BuildArgs {
    /// Only these agents
    #[arg(value_name = "AGENT")]
    pub agents: Vec<String>,

    /// Ask no registry for anything
    #[arg(long)]
    pub offline: bool,

    /// Build also what is up to date, without what the engine has kept of steps
    #[arg(long)]
    pub no_cache: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What became of one agent's image.
struct Outcome {
    agent: String,
    image: Result<Image, Failed>,
    took_ms: i64,
    remarks: Vec<String>,
}

/// Why there is none.
struct Failed {
    message: String,
    hint: Option<String>,
    output: Vec<String>,
}

impl From<BuildError> for Failed {
    fn from(error: BuildError) -> Self {
        Self { message: error.to_string(), hint: error.hint(), output: error.output }
    }
}

pub fn run(args: &BuildArgs, context: &Context) -> Result<(), Failure> {
    let (project, problems) = context.request(project::survey);
    let project = project.ok_or_else(|| context.project_failure(&problems))?;
    let agents = chosen(&project, &args.agents)?;
    let tokio = start::tokio()?;
    let outcomes = tokio.block_on(build(args, &project, &agents))?;
    tokio.shutdown_background();
    if args.json {
        output::print(&format!("{}\n", document(&outcomes)))?;
    } else {
        output::print(&table(&outcomes, context))?;
        for outcome in &outcomes {
            explain(outcome);
        }
    }
    match outcomes.iter().filter(|outcome| outcome.image.is_err()).count() {
        0 => Ok(()),
        1 => Err(Failure::nothing("build_failed", "one image could not be built")),
        n => Err(Failure::nothing("build_failed", format!("{n} images could not be built"))),
    }
}

/// The agents that are named, or all that run in containers.
fn chosen<'a>(project: &'a Project, names: &[String]) -> Result<Vec<&'a Agent>, Failure> {
    if names.is_empty() {
        let in_containers = |agent: &&Agent| agent.runtime.kind == RuntimeKind::Container;
        let all: Vec<&Agent> = project.agents.iter().filter(in_containers).collect();
        return match all.is_empty() {
            false => Ok(all),
            true => Err(Failure::nothing("no_containers", "no agent runs in a container")
                .hint("an agent does with [runtime] type = \"container\" in its config.toml")),
        };
    }
    let find = |name: &String| {
        project.agents.iter().find(|agent| agent.name == *name).ok_or_else(|| {
            Failure::user("unknown_agent", format!("the project has no agent {name}"))
                .hint("its agents: al stat")
        })
    };
    names.iter().map(find).collect()
}

async fn build(
    args: &BuildArgs,
    project: &Project,
    agents: &[&Agent],
) -> Result<Vec<Outcome>, Failure> {
    let docker = exec::engine()?;
    let binary = host::container_binary(&host::own_binary()?);
    let label = Places::of(&project.dir).label();
    let recipes = recipes(project, &binary, &label)
        .map_err(|message| Failure::config("bad_dockerfile", message))?;
    let failed = |e: BuildError| Failure::upstream("engine_fails", e.to_string());
    let images = Images::list(&docker, &recipes).await.map_err(failed)?;
    let how = How { offline: args.offline, fresh: args.no_cache };
    let told = Mutex::new(BTreeMap::<String, (String, u32)>::new());
    let watch = |progress: Progress| {
        let step = (progress.image.clone(), progress.step);
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(&progress.agent) != Some(&step) {
            output::remark(&format!("{}: {}\n", progress.agent, words(&progress)));
            told.insert(progress.agent, step);
        }
    };
    let one = async |agent: &Agent| {
        let began_ms = ambient::now_ms();
        let (image, remarks) = match recipes.of(agent) {
            Err(error) => {
                let hint = Some(error.hint().to_owned());
                let failed = Failed { message: error.to_string(), hint, output: Vec::new() };
                (Err(failed), Vec::new())
            }
            Ok(recipe) => {
                let image = images.ensure(&recipe, how, &watch).await.map_err(Failed::from);
                (image, recipe.remarks)
            }
        };
        let took_ms = ambient::now_ms() - began_ms;
        Outcome { agent: agent.name.clone(), image, took_ms, remarks }
    };
    Ok(futures_util::future::join_all(agents.iter().map(|agent| one(agent))).await)
}

fn table(outcomes: &[Outcome], context: &Context) -> String {
    let mut table = Table::new([
        ("AGENT", Fit::Middle),
        ("IMAGE", Fit::Keep),
        ("SIZE", Fit::Keep),
        ("TOOK", Fit::Keep),
        ("", Fit::Keep),
    ]);
    for outcome in outcomes {
        let took = format!("{:.1}s", outcome.took_ms as f64 / 1000.0);
        let (image, size, state) = match &outcome.image {
            Ok(image) => {
                let state = match image.built {
                    true => Cell::new(Tone::Good, "built"),
                    false => Cell::new(Tone::Plain, "up to date"),
                };
                (short_id(&image.id), format!("{} MB", image.bytes / 1_000_000), state)
            }
            Err(_) => ("-".to_owned(), "-".to_owned(), Cell::new(Tone::Bad, "failed")),
        };
        let agent = Cell::new(Tone::Strong, &outcome.agent);
        table.row([agent, image.into(), size.into(), took.into(), state]);
    }
    table.render(context.look.width, context.look.out)
}

/// What there is to say that fits no table.
fn explain(outcome: &Outcome) {
    for remark in &outcome.remarks {
        output::remark(&format!("{}: {remark}\n", outcome.agent));
    }
    let Err(failed) = &outcome.image else { return };
    let mut text = format!("\n{}: {}\n", outcome.agent, failed.message);
    for line in &failed.output {
        text.push_str(&format!("  | {}\n", super::paint::safe(line)));
    }
    if let Some(hint) = &failed.hint {
        text.push_str(&format!("  help: {hint}\n"));
    }
    output::insist(&text);
}

/// Twelve digits, as Docker shows them.
fn short_id(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(12).collect()
}

fn document(outcomes: &[Outcome]) -> Value {
    let outcomes = outcomes.iter().map(|outcome| match &outcome.image {
        Ok(image) => json!({
            "agent": outcome.agent,
            "image": image.id,
            "bytes": image.bytes,
            "built": image.built,
            "took_ms": outcome.took_ms,
        }),
        Err(failed) => json!({
            "agent": outcome.agent,
            "error": failed.message,
            "hint": failed.hint,
            "output": failed.output,
            "took_ms": outcome.took_ms,
        }),
    });
    json!({ "images": outcomes.collect::<Vec<_>>() })
}
