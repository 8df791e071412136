//! `al cron`: a schedule in words and its next firing times.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::json;

use crate::ambient::Millis;
use crate::failure::Failure;
use crate::scheduler::cron::{CronError, Schedule, Subject};

/// Show when a cron schedule fires
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CronArgs {
    /// The schedule: 5 fields, 6 with seconds first, or a nickname such as @daily
    #[arg(value_name = "EXPR")]
    pub expr: String,

    /// IANA time zone, such as Europe/Berlin [default: the host's]
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,

    /// Show what fires after this moment, such as 2026-03-29T00:00:00+01:00 [default: now]
    #[arg(long, value_name = "RFC3339")]
    pub from: Option<String>,

    /// How many firing times to show
    #[arg(short = 'n', value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub count: u32,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What `al cron` prints, with a newline at its end.
///
/// # Errors
/// When the expression, the zone or the moment is not understood.
pub fn render(args: &CronArgs, now_ms: Millis, host_zone: &str) -> Result<String, Failure> {
    let zone = args.tz.as_deref().unwrap_or(host_zone);
    let schedule = Schedule::parse(&args.expr, zone).map_err(|error| {
        let failure = failure(&args.expr, zone, &error);
        match (error.subject, &args.tz) {
            (Subject::Zone, None) => {
                failure.hint("it is this machine's zone; name another with --tz")
            }
            _ => failure,
        }
    })?;
    let from_ms = match &args.from {
        Some(text) => moment_ms(text)?,
        None => now_ms,
    };
    let times: Vec<DateTime<Utc>> =
        std::iter::successors(schedule.next(from_ms), |&at_ms| schedule.next(at_ms))
            .take(args.count as usize)
            .filter_map(DateTime::from_timestamp_millis)
            .collect();
    Ok(if args.json { as_json(&schedule, &times) } else { as_text(&schedule, &times) })
}

fn moment_ms(text: &str) -> Result<Millis, Failure> {
    DateTime::parse_from_rfc3339(text).map(|t| t.timestamp_millis()).map_err(|_| {
        Failure::user("bad_time", format!("--from '{text}' is not a moment in RFC 3339"))
            .hint("write it like 2026-03-29T00:00:00Z or 2026-03-29T00:00:00+01:00")
    })
}

fn as_json(schedule: &Schedule, times: &[DateTime<Utc>]) -> String {
    let next: Vec<String> = times.iter().map(in_utc).collect();
    let object = json!({
        "expr": schedule.expr(),
        "tz": schedule.zone(),
        "words": schedule.words(),
        "next": next,
    });
    format!("{object}\n")
}

fn as_text(schedule: &Schedule, times: &[DateTime<Utc>]) -> String {
    let mut text = format!("{}\n\n", schedule.words());
    let zone = schedule.zone().parse().unwrap_or(Tz::UTC);
    for time in times {
        let local = time.with_timezone(&zone).format("%a %Y-%m-%d %H:%M:%S %:z");
        let _ = writeln!(text, "  {local}   {}", in_utc(time));
    }
    if times.is_empty() {
        text.push_str("  never again\n");
    }
    text
}

fn in_utc(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The refused text with a caret under what is wrong.
fn failure(expr: &str, zone: &str, error: &CronError) -> Failure {
    // codes: bad_cron, bad_zone
    let (code, text) = match error.subject {
        Subject::Expression => ("bad_cron", expr),
        Subject::Zone => ("bad_zone", zone),
    };
    let failure = Failure::user(code, &error.message).report(format!(
        "{}\n\n  {}\n  {}\n",
        error.message,
        printable(text),
        carets(text, error)
    ));
    match &error.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Control characters would move the cursor away from the caret.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn carets(text: &str, error: &CronError) -> String {
    let width = |bytes: &str| bytes.chars().count();
    let before = text.get(..error.span.start).map_or(0, width);
    let marked = text.get(error.span.clone()).map_or(0, width);
    format!("{}{}", " ".repeat(before), "^".repeat(marked.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: Millis = 1_774_746_000_123; // 2026-03-29T01:00:00.123Z, Berlin's spring gap begins

    fn run(line: &[&str]) -> String {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: CronArgs,
        }
        let line = ["al"].iter().chain(line);
        let args = match <Line as clap::Parser>::try_parse_from(line) {
            Ok(line) => line.args,
            Err(error) => return error.to_string(),
        };
        match render(&args, NOW_MS, "Europe/Berlin") {
            Ok(text) => text,
            Err(failure) => {
                let text = failure.report.unwrap_or(failure.message);
                let hints: String = failure.hints.iter().map(|h| format!("hint: {h}\n")).collect();
                format!("exit code {}\n{text}\n{hints}", failure.kind.exit_code())
            }
        }
    }

    #[test]
    fn words_come_first_and_then_each_time_in_the_zone_and_in_utc() {
        insta::assert_snapshot!(run(&["30 2 * * *", "-n", "3", "--from", "2026-03-28T00:00:00+01:00"]), @r#"
        at 02:30, Europe/Berlin

          Sat 2026-03-28 02:30:00 +01:00   2026-03-28T01:30:00Z
          Sun 2026-03-29 03:00:00 +02:00   2026-03-29T01:00:00Z
          Mon 2026-03-30 02:30:00 +02:00   2026-03-30T00:30:00Z
        "#);
    }

    #[test]
    fn json_has_the_times_in_utc() {
        insta::assert_snapshot!(run(&["0 */3 * * *", "--json", "-n2", "--tz", "UTC"]), @r#"{"expr":"0 */3 * * *","tz":"UTC","words":"at minute 0 past every 3rd hour, UTC","next":["2026-03-29T03:00:00Z","2026-03-29T06:00:00Z"]}"#);
    }

    #[test]
    fn five_times_in_the_hosts_zone_are_the_default() {
        insta::assert_snapshot!(run(&["@hourly"]), @r#"
        at minute 0 past every hour, Europe/Berlin

          Sun 2026-03-29 04:00:00 +02:00   2026-03-29T02:00:00Z
          Sun 2026-03-29 05:00:00 +02:00   2026-03-29T03:00:00Z
          Sun 2026-03-29 06:00:00 +02:00   2026-03-29T04:00:00Z
          Sun 2026-03-29 07:00:00 +02:00   2026-03-29T05:00:00Z
          Sun 2026-03-29 08:00:00 +02:00   2026-03-29T06:00:00Z
        "#);
    }

    #[test]
    fn a_schedule_of_the_past_says_that_it_is_over() {
        insta::assert_snapshot!(run(&["0 0 12 1 1 * 2020"]), @r#"
        at 12:00 on day 1 of the month in January in 2020, Europe/Berlin

          never again
        "#);
    }

    #[test]
    fn a_caret_stands_under_the_wrong_part() {
        insta::assert_snapshot!(run(&["0 0 9,61,ü * *"]), @r#"
        exit code 2
        day of month '61' is not in 1-31

          0 0 9,61,ü * *
                ^^
        "#);
    }

    #[test]
    fn a_wrong_zone_is_shown_itself() {
        insta::assert_snapshot!(run(&["0 0 * * *", "--tz", "Europe/Berlim"]), @r#"
        exit code 2
        time zone 'Europe/Berlim' is not known

          Europe/Berlim
          ^^^^^^^^^^^^^

        hint: did you mean 'Europe/Berlin'?
        "#);
    }

    #[test]
    fn a_host_with_an_unknown_zone_is_told_about_the_option() {
        let expr = "0 0 * * *".to_owned();
        let args = CronArgs { expr, tz: None, from: None, count: 1, json: false };
        let failure = render(&args, NOW_MS, "Local/Time").unwrap_err();
        assert_eq!(
            failure.hints.last().unwrap(),
            "it is this machine's zone; name another with --tz"
        );
    }

    #[test]
    fn a_wrong_moment_says_how_to_write_one() {
        insta::assert_snapshot!(run(&["0 0 * * *", "--from", "tomorrow"]), @r#"
        exit code 2
        --from 'tomorrow' is not a moment in RFC 3339
        hint: write it like 2026-03-29T00:00:00Z or 2026-03-29T00:00:00+01:00
        "#);
    }

    #[test]
    fn nobody_asks_for_no_times() {
        insta::assert_snapshot!(run(&["0 0 * * *", "-n0"]), @r#"
        error: invalid value '0' for '-n <N>': 0 is not in 1..=10000

        For more information, try '--help'.
        "#);
    }
}
