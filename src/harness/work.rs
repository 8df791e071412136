//! From the job on stdin to the exit code: everything around the thinking.

use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::tools::Workshop;
use super::turns::{self, Turns};
use super::{
    End, Job, Meter, Thinker, claude, codex, hooks, inject, last_words, preflight, prompt, report,
};
use crate::ambient;

/// A job is at most this large; a webhook's body is 10 MiB.
const JOB_LIMIT: u64 = 64 * 1024 * 1024;
/// Exit code when there is no job to do.
const NO_JOB: u8 = 2;

/// `al __agent`: does the job that is written to its stdin.
pub fn main() -> ExitCode {
    let job = match read_job() {
        Ok(job) => job,
        Err(why) => {
            report::error(&why, json!({}));
            return ExitCode::from(NO_JOB);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let end = match runtime {
        Ok(runtime) => {
            let end = runtime.block_on(work(&job));
            // A tool that still hangs in a system call must not keep the run from its end.
            runtime.shutdown_background();
            end
        }
        Err(error) => End::aborted(format!("the agent cannot start: {error}")),
    };
    if let Some(why) = &end.why {
        report::error(why, json!({"exitCode": end.code}));
    }
    ExitCode::from(end.code)
}

fn read_job() -> Result<Job, String> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(
            "`al __agent` is started by the scheduler; to run an agent: al run <agent>".into()
        );
    }
    let mut text = Vec::new();
    stdin.take(JOB_LIMIT).read_to_end(&mut text).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| format!("unreadable job: {error}"))
}

async fn work(job: &Job) -> End {
    let models: Vec<String> =
        job.models.iter().map(|spec| format!("{}/{}", spec.provider, spec.model)).collect();
    report::starting(&job.agent, job.engine.name(), &models);
    let mut meter = Meter::here();
    let end = match prepare(job).await {
        Ok(skill) => {
            let end = think(job, &skill, &mut meter).await;
            hooks::post(&job.hooks_post).await;
            end
        }
        Err(why) => End::aborted(why),
    };
    let signals = ambient::env_os("AL_SIGNAL_DIR").map(PathBuf::from);
    if let (0, Some(text), Some(dir)) = (end.code, &end.text, signals) {
        last_words::keep(&dir, text);
    }
    meter.report();
    end
}

/// Everything before the first word to a model. Yields the text of the agent's instructions.
async fn prepare(job: &Job) -> Result<String, String> {
    preflight::run(&job.preflight).await?;
    hooks::pre(&job.hooks_pre).await?;
    Ok(inject::expand(&job.skill).await)
}

async fn think(job: &Job, skill: &str, meter: &mut Meter) -> End {
    let (system, user) = (prompt::system(job, skill), prompt::user(job));
    match job.engine {
        Thinker::Builtin => {
            let minds = match turns::minds(job) {
                Ok(minds) => minds,
                Err(fault) => return End::aborted(fault.to_string()),
            };
            let shop = Workshop::here();
            Turns::new(job, minds, &shop, meter, system, user).run().await
        }
        Thinker::Claude => claude::run(job, &system, &user, meter).await,
        Thinker::Codex => codex::run(job, &system, &user, meter).await,
    }
}
