//! Hooks: shell commands of the agent's own, before its work and after it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::command::{self, Limits, Place};
use super::report;

/// What each hook may take.
const LIMITS: Limits = Limits { time: Duration::from_secs(300), output: 16 * 1024 };

/// Runs the hooks before the work, one after the other, until one fails. A variable that one sets
/// with `setenv` is there in the next, and in the commands of the work.
///
/// # Errors
/// Which one failed, and why: the work is not to begin.
pub async fn pre(hooks: &[String]) -> Result<(), String> {
    pre_at(&Place::here(), hooks).await
}

/// Runs the hooks after the work, also when one of them fails, which is recorded: the work is done
/// and stays done.
pub async fn post(hooks: &[String]) {
    post_at(&Place::here(), hooks).await;
}

async fn pre_at(place: &Place, hooks: &[String]) -> Result<(), String> {
    let round = Round::begin("pre", hooks);
    for (index, hook) in hooks.iter().enumerate() {
        round.one(place, index, hook).await?;
    }
    round.end();
    Ok(())
}

async fn post_at(place: &Place, hooks: &[String]) -> usize {
    let round = Round::begin("post", hooks);
    let mut failed = 0;
    for (index, hook) in hooks.iter().enumerate() {
        if round.one(place, index, hook).await.is_err() {
            failed += 1;
        }
    }
    round.end();
    failed
}

/// All hooks of one moment.
struct Round {
    name: &'static str,
    count: usize,
    began: Instant,
}

impl Round {
    fn begin(name: &'static str, hooks: &[String]) -> Self {
        let round = Self { name, count: hooks.len(), began: Instant::now() };
        if round.count > 0 {
            report::info(&format!("hooks.{name} starting"), json!({"count": round.count}));
        }
        round
    }

    async fn one(&self, place: &Place, index: usize, hook: &str) -> Result<(), String> {
        let which = format!("hooks.{} [{}/{}]", self.name, index + 1, self.count);
        report::info(&format!("{which}: {}", report::cut(hook, report::CMD_MAX)), json!({}));
        let problem = match command::run(place.shell(hook), LIMITS).await {
            Ok(ran) => {
                command::tell(&which, &ran);
                ran.failure().map(|how| match ran.complaint() {
                    Some(said) if said != how => format!("{how}: {said}"),
                    Some(_) | None => how,
                })
            }
            Err(error) => Some(format!("it cannot be run: {error}")),
        };
        let Some(problem) = problem else { return Ok(()) };
        report::error(&format!("{which} failed"), json!({"error": problem}));
        let hook = report::cut(hook, report::CMD_MAX);
        Err(format!(
            "{}-hook {} of {} failed ({hook}): {problem}",
            self.name,
            index + 1,
            self.count
        ))
    }

    fn end(&self) {
        if self.count > 0 {
            let took_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            report::info(&format!("hooks.{} complete", self.name), json!({"durationMs": took_ms}));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hooks(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    fn place() -> (tempfile::TempDir, Place) {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { dir: dir.path().to_owned(), env_file: Some(dir.path().join("env.sh")) };
        (dir, place)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn hooks_run_in_order_in_the_work_folder_and_pass_variables_on() {
        let (dir, place) = place();
        let lines = ["echo \"export REPO=acme\" >> \"$AL_ENV_FILE\"", "echo \"$REPO\" > seen"];
        assert_eq!(pre_at(&place, &hooks(&lines)).await, Ok(()));
        assert_eq!(std::fs::read_to_string(dir.path().join("seen")).unwrap(), "acme\n");
        assert_eq!(pre_at(&place, &[]).await, Ok(()));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_first_hook_that_fails_before_the_work_ends_the_run() {
        let (dir, place) = place();
        let lines = ["true", "echo no route >&2; exit 7", "touch never"];
        assert_eq!(
            pre_at(&place, &hooks(&lines)).await.unwrap_err(),
            "pre-hook 2 of 3 failed (echo no route >&2; exit 7): exit code 7: no route"
        );
        assert!(!dir.path().join("never").exists());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn hooks_after_the_work_all_run() {
        let (dir, place) = place();
        assert_eq!(post_at(&place, &hooks(&["exit 1", "touch done"])).await, 1);
        assert!(dir.path().join("done").exists());
    }
}
