//! The command line. [`Verb`] is the one list of commands: help, completions and dispatch come
//! from it.

mod agent;
mod alerts;
mod answer;
mod ask;
mod attach;
mod audit;
mod build;
mod carrier;
mod client;
mod complete;
mod completions;
mod config;
mod console;
mod context;
mod control;
pub mod creds;
pub mod cron;
mod dev;
mod diff;
pub mod doctor;
mod env;
mod environments;
mod exec;
pub mod explain;
mod gc;
pub mod help;
mod history;
mod hold;
mod host;
mod images;
mod keys;
mod kill;
mod later;
mod lines;
mod live;
mod locks;
pub mod logs;
mod man;
mod migrate;
mod models;
mod new;
mod offer;
mod output;
mod pager;
mod paint;
mod paths;
mod prompt;
mod prose;
mod providers;
mod ps;
mod record;
mod reload;
mod replay;
pub mod run;
mod running;
mod say;
mod shell;
mod skills;
mod stage;
pub mod start;
mod stat;
mod stats;
mod table;
mod terminal;
mod test;
mod theme;
mod times;
mod told;
mod triggers;
mod version;
mod webhook;
mod why;
mod wizard;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

pub use context::Context;
use output::Manners;
pub use output::{ColorWhen, Look};
pub use paint::{Paint, Tone};

use crate::ambient;
use crate::failure::Failure;

/// Runs autonomous agents on cron schedules, webhooks and calls, with a live console
#[derive(Debug, Parser)]
#[command(name = "al", bin_name = "al", version, max_term_width = 80, styles = STYLES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "Examples:
  al start                     run the project in this folder, with the console
  al run dev \"fix the tests\"   run one agent once and see what it does
  al logs dev -f               follow what an agent writes
  al stat -p ~/agents          what goes on in another project

Exit codes: 0 done, 1 the run failed or there is nothing to show, 2 wrong use,
3 the project has errors, 4 something does not answer, 70 a bug of al,
130 interrupted

Guides: getting-started, console, themes, agents, webhooks, credentials,
models, runtimes, operations, security

`al help <guide>` prints one, `al <command> --help` says more about a command.")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// The project's folder
    #[arg(short, long, value_name = "DIR", default_value = ".", global = true)]
    #[arg(env = "AL_PROJECT", hide_env_values = true)]
    pub project: PathBuf,

    /// The environment to use, instead of the one the project is bound to [env: AL_ENV]
    #[arg(short = 'E', long, value_name = "NAME", global = true)]
    pub env: Option<String>,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    #[arg(
        hide_possible_values = true,
        help = "Colours: auto, always or never (NO_COLOR is respected)"
    )]
    pub color: ColorWhen,

    /// Print results and errors, and no remarks
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Show long output without a pager [env: AL_PAGER, PAGER]
    #[arg(long, global = true)]
    pub no_pager: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    Start(start::StartArgs),
    Attach(attach::AttachArgs),
    Record(record::RecordArgs),
    Replay(replay::ReplayArgs),
    Dev(dev::DevArgs),
    Run(run::RunArgs),
    Test(test::TestArgs),
    Stop(hold::StopArgs),
    #[command(visible_alias = "status")]
    Stat(stat::StatArgs),
    Alerts(alerts::AlertsArgs),
    Logs(logs::LogsArgs),
    Runs(history::RunsArgs),
    Triggers(triggers::TriggersArgs),
    Webhook(webhook::WebhookArgs),
    Why(why::WhyArgs),
    Stats(stats::StatsArgs),
    Audit(audit::AuditArgs),
    Cron(cron::CronArgs),
    Locks(locks::LocksArgs),
    Pause(hold::PauseArgs),
    Drain(hold::DrainArgs),
    Resume(hold::ResumeArgs),
    Kill(kill::KillArgs),
    Answer(answer::AnswerArgs),
    Say(say::SayArgs),
    Scale(control::ScaleArgs),
    Ps(ps::PsArgs),
    Exec(exec::ExecArgs),
    Shell(shell::ShellArgs),
    Gc(gc::GcArgs),
    Doctor(doctor::DoctorArgs),
    New(Box<new::NewProjectArgs>),
    Agent(agent::AgentArgs),
    Config(config::ConfigArgs),
    Add(skills::add::AddArgs),
    Update(skills::update::UpdateArgs),
    Creds(creds::CredsArgs),
    Build(build::BuildArgs),
    Models(models::ModelsArgs),
    Env(env::EnvArgs),
    Migrate(migrate::MigrateArgs),
    Keys(keys::KeysArgs),
    Help(help::HelpArgs),
    Explain(explain::ExplainArgs),
    Theme(theme::ThemeArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Version(version::VersionArgs),
}

/// The commands by what a person wants to do; every one is in exactly one group.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Run", &["start", "attach", "run", "test", "stop"]),
    (
        "Look",
        &[
            "stat", "alerts", "ps", "logs", "runs", "triggers", "why", "stats", "audit", "locks",
            "cron", "record", "replay",
        ],
    ),
    ("Steer", &["pause", "drain", "resume", "kill", "answer", "say", "scale"]),
    ("Get in", &["exec", "shell"]),
    (
        "Set up",
        &[
            "new",
            "agent",
            "config",
            "doctor",
            "add",
            "update",
            "creds",
            "webhook",
            "build",
            "gc",
            "models",
            "env",
            "migrate",
            "theme",
            "completions",
            "man",
            "dev",
            "version",
        ],
    ),
    ("Learn", &["help", "explain", "keys"]),
];

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::BrightWhite.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::BrightWhite.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Green.on_default());

/// The parser, with its commands in groups.
pub fn command() -> clap::Command {
    let command = Cli::command();
    let help = grouped_help(&command);
    command.help_template(help)
}

fn grouped_help(command: &clap::Command) -> String {
    let header = STYLES.get_header();
    let literal = STYLES.get_literal();
    let mut text = "{about}\n\n{usage-heading} {usage}\n".to_owned();
    for (title, names) in GROUPS {
        text.push_str(&format!("\n{header}{title}:{header:#}\n"));
        for name in names {
            let Some(verb) = command.find_subcommand(name) else { continue };
            let mut about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            for alias in verb.get_visible_aliases() {
                about.push_str(&format!(" (or: {alias})"));
            }
            let about = prose::hanging(&about, 15);
            text.push_str(&format!("  {literal}{name:<13}{literal:#}{about}\n"));
        }
    }
    text.push_str(&format!("\n{header}Options:{header:#}\n{{options}}{{after-help}}"));
    text
}

/// Runs the command that the arguments of this process name.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if complete::answer(&args) {
        return ExitCode::SUCCESS;
    }
    let plain = ambient::env_os("NO_COLOR").is_some()
        || ambient::env("TERM").is_some_and(|terminal| terminal == "dumb");
    let cli = match parse(&args, plain) {
        Ok(cli) => cli,
        Err(error) => {
            // Help on stdout, complaints on stderr; a closed pipe is no reason for more of them.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    output::behave(Manners {
        quiet: cli.global.quiet,
        pager: !cli.global.no_pager && !wants_json(&args),
    });
    let context = Context {
        dir: cli.global.project,
        environment: cli.global.env,
        al_env: ambient::env("AL_ENV"),
        al_home: ambient::al_home(),
        look: Look::new(cli.global.color, plain),
        now_ms: ambient::now_ms(),
    };
    dispatch(&cli.verb, &context).unwrap_or_else(|failure| {
        output::failure(&failure, context.look.err);
        ExitCode::from(failure.kind.exit_code())
    })
}

fn parse(args: &[OsString], plain: bool) -> Result<Cli, clap::Error> {
    let color = match asked_color(args) {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ if plain => ColorChoice::Never,
        _ => ColorChoice::Auto,
    };
    let mut command = command().color(color);
    let matches = command.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The value of `--color` before the arguments are understood, for the help and the complaints.
fn asked_color(args: &[OsString]) -> Option<&str> {
    let mut args = args.iter().filter_map(|arg| arg.to_str());
    while let Some(arg) = args.next() {
        match arg.strip_prefix("--color") {
            Some("") => return args.next(),
            Some(value) => return value.strip_prefix('='),
            None if arg == "--" => return None,
            None => {}
        }
    }
    None
}

/// Whether it is for a program, which turns no pages.
fn wants_json(args: &[OsString]) -> bool {
    let words = args.iter().take_while(|arg| *arg != "--");
    words.into_iter().any(|arg| arg == "--json" || arg == "--raw")
}

fn dispatch(verb: &Verb, context: &Context) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Start(args) => return start::run(args, context),
        Verb::Attach(args) => return attach::run(args, context),
        Verb::Record(args) => return record::run(args, context),
        Verb::Replay(args) => return replay::run(args, context),
        Verb::Dev(args) => return dev::run(args, context),
        Verb::Run(args) => return run::run(args, context),
        Verb::Doctor(args) => return doctor::run(args, context),
        Verb::Add(args) => return skills::add::run(args, context),
        Verb::Update(args) => return skills::update::run(args, context),
        Verb::Creds(args) => return creds::run(args, context),
        Verb::Test(args) => return test::run(args, context),
        Verb::Exec(args) => return exec::run(args, context),
        Verb::Shell(args) => return shell::run(args, context),
        Verb::New(args) => new::run(args, context),
        Verb::Agent(args) => return agent::run(args, context),
        Verb::Config(args) => return config::run(args, context),
        Verb::Webhook(args) => return webhook::run(args, context),
        Verb::Alerts(args) => return alerts::run(args, context),
        Verb::Ps(args) => ps::run(args, context),
        Verb::Gc(args) => gc::run(args, context),
        Verb::Stop(args) => hold::stop(args, context),
        Verb::Stat(args) => return stat::run(args, context),
        Verb::Logs(args) => logs(args, context),
        Verb::Runs(args) => history::runs(args, context),
        Verb::Triggers(args) => triggers::run(args, context),
        Verb::Why(args) => why::run(args, context),
        Verb::Stats(args) => stats::run(args, context),
        Verb::Audit(args) => audit::run(args, context),
        Verb::Cron(args) => cron::render(args, context.now_ms, &ambient::host_zone())
            .and_then(|t| output::print(&t)),
        Verb::Locks(args) => locks::run(args, context),
        Verb::Pause(args) => hold::pause(args, context),
        Verb::Drain(args) => hold::drain(args, context),
        Verb::Resume(args) => hold::resume(args, context),
        Verb::Kill(args) => kill::run(args, context),
        Verb::Answer(args) => answer::run(args, context),
        Verb::Say(args) => say::run(args, context),
        Verb::Scale(args) => control::scale(args, context),
        Verb::Build(args) => build::run(args, context),
        Verb::Models(args) => models::run(args, context),
        Verb::Keys(args) => keys::run(args, context),
        Verb::Help(args) => help::run(args, context),
        Verb::Explain(args) => explain::run(args, context),
        Verb::Env(args) => return env::run(args, context),
        Verb::Migrate(args) => return migrate::run(args, context),
        Verb::Theme(args) => return theme::run(args, context),
        Verb::Completions(args) => completions::run(args),
        Verb::Man(args) => man::run(args),
        Verb::Version(args) => version::run(args),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn logs(args: &logs::LogsArgs, context: &Context) -> Result<(), Failure> {
    client::must_be_here(context)?;
    if args.follow {
        return logs::run(args, &context.dir, &mut output::stdout(), context.log_style());
    }
    let mut pages = output::pages();
    let outcome = logs::run(args, &context.dir, &mut pages, context.log_style());
    output::turned(pages.finish()).and(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_makes_sense() {
        command().debug_assert();
    }

    #[test]
    fn every_command_is_in_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let command = command();
        let mut all: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        grouped.sort_unstable();
        all.sort_unstable();
        assert_eq!(grouped, all);
    }

    #[test]
    fn the_colours_of_complaints_are_those_that_were_asked_for() {
        let check = |line: &str, expected: Option<&str>| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(asked_color(&args), expected, "{line}");
        };
        check("al stat --color never", Some("never"));
        check("al --color=always stat", Some("always"));
        check("al run dev -- --color never", None);
        check("al stat --color", None);
    }
}
