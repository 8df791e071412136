//! `` !`command` `` in the instructions of an agent: what the command prints stands in its place.

use std::time::Duration;

use serde_json::json;

use super::command::{self, Limits, Place};
use super::report;

/// What each command may take.
const LIMITS: Limits = Limits { time: Duration::from_secs(60), output: 64 * 1024 };
/// The longest complaint that stands in the place of output.
const ERROR_MAX: usize = 500;

/// The text with the output of its commands, which run one after the other. What goes wrong stands
/// in the text, where the agent reads it. What a command prints is text: no command in it is run.
pub async fn expand(text: &str) -> String {
    expand_at(&Place::here(), text, LIMITS).await
}

async fn expand_at(place: &Place, text: &str, limits: Limits) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, command, after)) = next(rest) {
        expanded.push_str(before);
        expanded.push_str(&output(place, command, limits).await);
        rest = after;
    }
    expanded.push_str(rest);
    expanded
}

/// The commands in a text, in their order: what [`expand`] would run.
pub fn commands(text: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((_, command, after)) = next(rest) {
        found.push(command);
        rest = after;
    }
    found
}

/// The text before the next command, the command, and the text after it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text[from..].find("!`")?;
        let inside = &text[start + 2..];
        let end = inside.find('`')?;
        // A fence of several backticks, in which there is no command.
        if end > 0 {
            return Some((&text[..start], &inside[..end], &inside[end + 1..]));
        }
        from = start + 2;
    }
}

async fn output(place: &Place, command: &str, limits: Limits) -> String {
    let shown = report::cut(command, report::CMD_MAX);
    let ran = command::run(place.shell(command), limits).await;
    let complaint = match &ran {
        Ok(ran) => ran.complaint(),
        Err(error) => Some(error.to_string()),
    };
    match (ran, complaint) {
        (Ok(ran), None) => {
            let took_ms = u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX);
            let fields = json!({"durationMs": took_ms, "resultLength": ran.stdout.len()});
            report::info(&format!("instructions: {shown}"), fields);
            ran.stdout.trim_end().to_owned()
        }
        (_, complaint) => {
            let complaint = complaint.unwrap_or_default();
            report::warn(&format!("instructions: {shown} failed"), json!({"error": complaint}));
            let complaint: String = complaint.chars().take(ERROR_MAX).collect();
            format!("[Error: {complaint}]")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(text: &str, want: &str) {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { dir: dir.path().to_owned(), env_file: None };
        let limits = Limits { time: Duration::from_secs(100), output: 20 };
        assert_eq!(expand_at(&place, text, limits).await, want, "{text}");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn output_stands_in_the_place_of_its_command() {
        check("nothing to do", "nothing to do").await;
        check("a !`echo b` c !`echo d; echo e`.", "a b c d\ne.").await;
        check("!`printf 'x \\n\\n'`|", "x|").await;
        check("!`true`", "").await;
        check("one\n!`echo 1\necho 2`\ntwo", "one\n1\n2\ntwo").await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_only_looks_like_a_command_stays() {
        check("wow! `ls` and !`open", "wow! `ls` and !`open").await;
        check("!``` fence ```", "!``` fence ```").await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn output_is_not_run() {
        check("!`printf '!\\140echo no\\140'`", "!`echo no`").await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn commands_run_in_order() {
        check("!`echo 1 > f` !`cat f`", " 1").await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_goes_wrong_stands_in_the_text() {
        check("a !`exit 3` b", "a [Error: exit code 3] b").await;
        check("!`echo out; echo bad >&2; exit 1`", "[Error: bad]").await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn long_output_is_cut_and_says_so() {
        check("!`seq -s '' 30`", "1234567891\n[32 bytes left out]\n627282930").await;
    }
}
