//! The console on this terminal, whatever host it shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind};

use super::{Context, start, times};
use crate::ambient;
use crate::failure::Failure;
use crate::shell;

/// How the console is drawn.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Draw {
    /// Colours of the console, of those that `al theme ls` lists
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,

    /// Draw the console with ASCII characters alone
    #[arg(long)]
    pub ascii: bool,

    /// Never ring the terminal's bell for what needs a person
    #[arg(long)]
    pub no_bell: bool,
}

/// What holds for every console on this terminal.
pub fn options(draw: &Draw, context: &Context) -> al_ui::Options {
    al_ui::Options {
        theme: draw.theme.clone(),
        no_color: !context.look.out.color,
        ascii: draw.ascii,
        config_dir: Some(context.al_home.clone()),
        terminal: al_ui::Surroundings {
            term: ambient::env("TERM"),
            colorterm: ambient::env("COLORTERM"),
            colorfgbg: ambient::env("COLORFGBG"),
        },
        context: context.environment.clone().or_else(|| context.al_env.clone()),
        project: String::new(),
        shell_suffix: shell_suffix(context),
        zone_offset: times::offset_s,
        now_ms: ambient::now_ms,
        pager: ambient::env("PAGER"),
        enter: Vec::new(),
        bell: !draw.no_bell,
        remote: false,
        debug: false,
        environments: Vec::new(),
        read_only: false,
    }
}

/// What makes a copied command mean this project wherever the shell stands.
pub fn shell_suffix(context: &Context) -> String {
    let dir = context.dir.display().to_string();
    match dir.as_str() {
        "." => String::new(),
        dir => format!(" -p {}", shell::word(dir)),
    }
}

pub fn no_terminal(error: &al_ui::UiError) -> Failure {
    Failure::upstream("no_terminal", format!("the console cannot use this terminal: {error}"))
}

/// A flag that SIGTERM and SIGHUP set, which closes a console that has nothing else to end.
///
/// # Errors
/// When this process cannot learn of signals.
pub fn closed_by_signals(tokio: &Runtime) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    tokio.block_on(async {
        let terminate = start::listen(SignalKind::terminate())?;
        close_on_signals(terminate, &stop)
    })?;
    Ok(stop)
}

/// SIGTERM and SIGHUP close the console, which then gives the terminal back. The flag says whether
/// the terminal hung up.
///
/// # Errors
/// When this process cannot learn of signals.
pub fn close_on_signals(
    mut terminate: Signal,
    stop: &Arc<AtomicBool>,
) -> Result<Arc<AtomicBool>, Failure> {
    let mut hang_up = start::listen(SignalKind::hangup())?;
    let hung_up = Arc::new(AtomicBool::new(false));
    let (stop, hung) = (Arc::clone(stop), Arc::clone(&hung_up));
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hang_up.recv() => hung.store(true, Ordering::Relaxed),
        }
        stop.store(true, Ordering::Relaxed);
    });
    Ok(hung_up)
}
