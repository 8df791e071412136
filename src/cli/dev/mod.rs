//! `al dev`: for those who work on al itself, and for showing it. Nowhere else is anything not real.

mod feed;
mod fleet;

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use tempfile::TempDir;

use super::console::Draw;
use super::host::{Places, Plan};
use super::start::{self, Show};
use super::{Context, output};
use crate::failure::Failure;
use fleet::Fleet;

/// The most agents of a fleet.
const AGENTS_MAX: u32 = 2_000;

/// For demonstrations, and for work on al itself
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct DevArgs {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum What {
    FakeFleet(FleetArgs),
}

/// Run a made-up project, with the console
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al dev fake-fleet                 seven agents at work
  al dev fake-fleet --agents 500    many
  al dev fake-fleet --rate 4 -H     busier, without a console

Scheduler, database, gateway and console are the real ones, and so are the runs'
processes. Made up are the project, what triggers it, and its models: they say
what stands in a file. The project lives in a folder of its own that goes away
with it; its name is in the first line, so that nobody takes it for work.")]
pub struct FleetArgs {
    /// The same seed makes the same fleet
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// How many agents
    #[arg(long, value_name = "N", default_value_t = 7)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(AGENTS_MAX)))]
    pub agents: u32,

    /// How often things happen: 2 is twice as often, 0 never
    #[arg(long, value_name = "X", default_value_t = Rate(1.0), value_parser = rate)]
    pub rate: Rate,

    /// Port of the gateway [default: any that is free]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub port: u16,

    /// No console: print one readable line per event
    #[arg(short = 'H', long)]
    pub headless: bool,

    #[command(flatten)]
    pub draw: Draw,
}

/// How often things happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(pub f64);

impl Eq for Rate {}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn rate(text: &str) -> Result<Rate, String> {
    let rate: f64 = text.parse().unwrap_or(-1.0);
    match rate == 0.0 || (0.001..=1_000.0).contains(&rate) {
        true => Ok(Rate(rate)),
        false => Err("it is 0, or a number from 0.001 to 1000".to_owned()),
    }
}

/// Runs the fleet until somebody ends it, and takes its folder away.
///
/// # Errors
/// When the folder cannot be written, or the scheduler cannot be put together.
pub fn run(args: &DevArgs, context: &Context) -> Result<ExitCode, Failure> {
    let What::FakeFleet(args) = &args.what;
    let unwritable = |error: std::io::Error| {
        Failure::upstream("no_folder", format!("no folder for the fleet: {error}"))
    };
    let folder = TempDir::with_prefix("al-fake-fleet-").map_err(unwritable)?;
    let dir = folder.path().join("project");
    fs::create_dir(&dir).map_err(unwritable)?;
    let fleet = Fleet::new(args.seed, args.agents);
    fleet.write(&dir).map_err(unwritable)?;
    let context = Context { dir, environment: None, al_env: None, ..context.clone() };
    let project = start::load(&context)?;
    let plan = Plan {
        port: args.port,
        places: Places::of(&project.dir),
        project,
        expose: false,
        whole: true,
        record: None,
        offline: true,
    };
    output::remark(&format!("a fake fleet, seed {}: {}\n", args.seed, context.dir.display()));
    let show = Show { headless: args.headless, draw: &args.draw, fake: true };
    let beside = |tokio: &tokio::runtime::Runtime, engine: crate::engine::Handle| {
        tokio.spawn(feed::feed(engine, fleet, args.rate.0));
    };
    let ended = start::host(plan, &show, &context, beside);
    // What a killed run has left open goes with it in a moment.
    for _ in 0..50 {
        if fs::remove_dir_all(folder.path()).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    ended
}
