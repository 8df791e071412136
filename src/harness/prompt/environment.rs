//! `<environment>`: where the run executes, and what is there.

use super::by_engine;
use super::surroundings::{SharedFile, Surroundings};
use crate::harness::job::{Job, Place};

/// Shared files that are listed; the others are counted.
const LISTED_MAX: usize = 100;

const CONTAINER: &str = "\
You are in a container of this run's own. Its file system is read-only except for `/tmp` and your \
working directory, you are an ordinary user, and nothing that you install or leave behind outlives \
the run. Your changes last only where you send them: push commits, call APIs.";

const HOST_USER: &str = "\
You are on a machine that others use too, as an ordinary user that is made for agents. You can read \
what everybody can read, and write into your working directory and into temporary files; there is no \
`sudo`. The working directory is removed after the run.";

const PROCESS: &str = "\
You are on the operator's own machine, with the rights of the operator: nothing holds you back but \
your instructions. Stay in your working directory, and leave everything outside of it as it is unless \
your instructions say otherwise. The working directory is removed after the run.";

const SETENV_TOOLS: &str = "\
Each `bash` call is a shell of its own. `setenv NAME VALUE` sets a variable for all later calls; \
`export` is over with its call. The working directory of every call is the one above.";

const SETENV_SHELL: &str = "\
`setenv NAME VALUE` keeps a variable in `$AL_ENV_FILE`; begin a command with `. \"$AL_ENV_FILE\"` to \
have what was set so far, also by the agent's hooks.";

pub(super) fn text(job: &Job, around: &Surroundings) -> String {
    let place = match job.place {
        Place::Container => CONTAINER,
        Place::HostUser => HOST_USER,
        Place::Process => PROCESS,
    };
    let mut text = format!("{place}\n\n");
    text.push_str(&format!("* Working directory and home: `{}`\n", around.work_dir.display()));
    text.push_str(&format!(
        "* The agent's own files, to be read only: `{}` (`$AL_AGENT_DIR`)\n",
        job.agent_dir.display()
    ));
    text.push_str(
        "* The trigger as JSON: `$AL_TRIGGER_FILE`; the configuration: `$AL_PARAMS_FILE`\n",
    );
    text.push_str(&format!("\n{}", by_engine(job, SETENV_TOOLS, SETENV_SHELL)));
    if let Some(dir) = job.shared_dir.as_ref().filter(|_| !around.shared.is_empty()) {
        text.push_str(&format!(
            "\n\nFiles that the agents of this project share, to be read only, in `{}`:\n\n{}",
            dir.display(),
            list(&around.shared)
        ));
    }
    text
}

fn list(files: &[SharedFile]) -> String {
    let mut lines: Vec<String> = files
        .iter()
        .take(LISTED_MAX)
        .map(|file| format!("* {} ({})", file.path, size(file.bytes)))
        .collect();
    if files.len() > LISTED_MAX {
        lines.push(format!("* and {} more", files.len() - LISTED_MAX));
    }
    lines.join("\n")
}

fn size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}
