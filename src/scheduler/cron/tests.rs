//! Tables of what is accepted, refused and answered.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{CronError, Schedule};

fn ms(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

fn text(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms).unwrap().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The first firing times after `from`, in local time of the zone.
fn fires(expr: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(expr, zone).unwrap_or_else(|e| panic!("{expr}: {e}"));
    let tz: chrono_tz::Tz = zone.parse().unwrap();
    std::iter::successors(schedule.next(ms(from)), |&at| schedule.next(at))
        .take(count)
        .map(|at| {
            let local = DateTime::<Utc>::from_timestamp_millis(at).unwrap().with_timezone(&tz);
            local.format("%Y-%m-%d %H:%M:%S %:z").to_string()
        })
        .collect()
}

fn check(expr: &str, zone: &str, from: &str, expected: &[&str]) {
    assert_eq!(fires(expr, zone, from, expected.len()), expected, "{expr} in {zone} from {from}");
}

/// In UTC, times without their zone.
fn check_utc(expr: &str, from: &str, expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|t| format!("{t} +00:00")).collect();
    assert_eq!(fires(expr, "UTC", from, expected.len()), expected, "{expr} from {from}");
}

#[test]
fn plain_schedules() {
    let from = "2026-11-20T12:34:56.789Z"; // a Friday
    check_utc("* * * * *", from, &["2026-11-20 12:35:00", "2026-11-20 12:36:00"]);
    check_utc("*/15 * * * *", from, &["2026-11-20 12:45:00", "2026-11-20 13:00:00"]);
    check_utc("5-59/15 * * * *", from, &["2026-11-20 12:35:00", "2026-11-20 12:50:00"]);
    check_utc("0 9 * * 1-5", from, &["2026-11-23 09:00:00", "2026-11-24 09:00:00"]);
    check_utc("0 9 * * MON-fri", from, &["2026-11-23 09:00:00"]);
    check_utc("0 0 1 JAN *", from, &["2027-01-01 00:00:00", "2028-01-01 00:00:00"]);
    check_utc("0 0 29 2 *", from, &["2028-02-29 00:00:00", "2032-02-29 00:00:00"]);
    check_utc("0,30 8,20 * * *", from, &["2026-11-20 20:00:00", "2026-11-20 20:30:00"]);
    check_utc("*/90 * * * *", from, &["2026-11-20 13:00:00"]);
    check_utc("0 0 ? * 1", from, &["2026-11-23 00:00:00", "2026-11-30 00:00:00"]);
    check_utc("  0   0\t* * *  ", from, &["2026-11-21 00:00:00"]);
}

#[test]
fn seconds_come_first_and_a_year_last() {
    let from = "2026-11-20T12:34:56.789Z";
    check_utc("*/2 * * * * *", from, &["2026-11-20 12:34:58", "2026-11-20 12:35:00"]);
    check_utc("30 0 9 * * *", from, &["2026-11-21 09:00:30"]);
    check_utc(
        "0 0 0 1 1 * 2030,2040-2041",
        from,
        &["2030-01-01 00:00:00", "2040-01-01 00:00:00", "2041-01-01 00:00:00"],
    );
}

#[test]
fn sunday_is_0_and_7() {
    let from = "2026-11-20T00:00:00Z";
    for expr in ["0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "@weekly"] {
        check_utc(expr, from, &["2026-11-22 00:00:00", "2026-11-29 00:00:00"]);
    }
    for expr in ["0 0 * * FRI-SUN", "0 0 * * 5-7", "0 0 * * 0,5,6"] {
        check_utc(
            expr,
            from,
            &["2026-11-21 00:00:00", "2026-11-22 00:00:00", "2026-11-27 00:00:00"],
        );
    }
    check_utc("0 0 * * SUN-MON", from, &["2026-11-22 00:00:00", "2026-11-23 00:00:00"]);
}

#[test]
fn either_day_field_is_enough_when_both_are_set() {
    let from = "2026-11-20T00:00:00Z";
    check_utc(
        "0 0 13 * FRI",
        from,
        &[
            "2026-11-27 00:00:00",
            "2026-12-04 00:00:00",
            "2026-12-11 00:00:00",
            "2026-12-13 00:00:00",
        ],
    );
    // Only a lone star stands back.
    check_utc("0 0 */1 * MON", from, &["2026-11-21 00:00:00", "2026-11-22 00:00:00"]);
    check_utc("0 0 13 * +FRI", from, &["2027-08-13 00:00:00", "2028-10-13 00:00:00"]);
}

#[test]
fn days_that_depend_on_the_month() {
    let from = "2026-01-01T00:00:00Z";
    check_utc(
        "0 0 L * *",
        from,
        &["2026-01-31 00:00:00", "2026-02-28 00:00:00", "2026-03-31 00:00:00"],
    );
    check_utc("0 0 L 2 *", "2027-03-01T00:00:00Z", &["2028-02-29 00:00:00", "2029-02-28 00:00:00"]);
    check_utc(
        "0 0 15,L * *",
        from,
        &["2026-01-15 00:00:00", "2026-01-31 00:00:00", "2026-02-15 00:00:00"],
    );
    check_utc(
        "0 0 LW * *",
        from,
        &["2026-01-30 00:00:00", "2026-02-27 00:00:00", "2026-03-31 00:00:00"],
    );
    check_utc(
        "0 0 15W * *",
        from,
        &["2026-01-15 00:00:00", "2026-02-16 00:00:00", "2026-03-16 00:00:00"],
    );
    // Saturday 1 August moves to Monday, Sunday 31 May to Friday.
    check_utc("0 0 1W 8 *", from, &["2026-08-03 00:00:00"]);
    check_utc("0 0 31W 5 *", from, &["2026-05-29 00:00:00"]);
    check_utc(
        "0 0 31W * *",
        "2026-02-01T00:00:00Z",
        &["2026-03-31 00:00:00", "2026-05-29 00:00:00"],
    );
    check_utc("0 0 * * FRI#2", from, &["2026-01-09 00:00:00", "2026-02-13 00:00:00"]);
    check_utc("0 0 * * 5#5", from, &["2026-01-30 00:00:00", "2026-05-29 00:00:00"]);
    for expr in ["0 0 * * FRI#L", "0 0 * * 5#L", "0 0 * * 5L", "0 0 * * fril"] {
        check_utc(expr, from, &["2026-01-30 00:00:00", "2026-02-27 00:00:00"]);
    }
    check_utc("0 0 * * 7#1", from, &["2026-01-04 00:00:00", "2026-02-01 00:00:00"]);
    check_utc(
        "0 0 * * MON-TUE#1,WED",
        from,
        &[
            "2026-01-05 00:00:00",
            "2026-01-06 00:00:00",
            "2026-01-07 00:00:00",
            "2026-01-14 00:00:00",
        ],
    );
    check_utc(
        "0 0 L * FRI#1",
        from,
        &["2026-01-02 00:00:00", "2026-01-31 00:00:00", "2026-02-06 00:00:00"],
    );
    check_utc("0 0 L * +FRI", from, &["2026-07-31 00:00:00"]);
}

#[test]
fn nicknames() {
    let from = "2026-11-20T12:34:56Z";
    check_utc("@yearly", from, &["2027-01-01 00:00:00"]);
    check_utc("@Annually", from, &["2027-01-01 00:00:00"]);
    check_utc("@monthly", from, &["2026-12-01 00:00:00"]);
    check_utc("@daily", from, &["2026-11-21 00:00:00"]);
    check_utc("@midnight", from, &["2026-11-21 00:00:00"]);
    check_utc(" @hourly ", from, &["2026-11-20 13:00:00"]);
}

#[test]
fn a_time_of_day_in_the_skipped_hour_runs_once_at_its_end() {
    check(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        &["2026-03-29 03:00:00 +02:00", "2026-03-30 02:30:00 +02:00"],
    );
    check(
        "0,15,30 2,3 * * *",
        "America/New_York",
        "2026-03-08T00:00:00Z",
        &[
            "2026-03-08 03:00:00 -04:00",
            "2026-03-08 03:15:00 -04:00",
            "2026-03-08 03:30:00 -04:00",
            "2026-03-09 02:00:00 -04:00",
        ],
    );
    // Chile's clock skips midnight, Samoa's skipped a day.
    check(
        "0 0 * * *",
        "America/Santiago",
        "2026-09-05T12:00:00Z",
        &["2026-09-06 01:00:00 -03:00", "2026-09-07 00:00:00 -03:00"],
    );
    check(
        "0 12 * * *",
        "Pacific/Apia",
        "2011-12-29T12:00:00Z",
        &["2011-12-29 12:00:00 -10:00", "2011-12-31 00:00:00 +14:00", "2011-12-31 12:00:00 +14:00"],
    );
    check(
        "30 1 * * *",
        "America/New_York",
        "2026-03-08T00:00:00Z",
        &["2026-03-08 01:30:00 -05:00", "2026-03-09 01:30:00 -04:00"],
    );
}

#[test]
fn a_time_of_day_in_the_repeated_hour_runs_the_first_time_only() {
    check(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        &["2026-10-25 02:30:00 +02:00", "2026-10-26 02:30:00 +01:00"],
    );
    // Asked in the second pass.
    check("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", &["2026-10-26 02:30:00 +01:00"]);
    check(
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-04T12:00:00Z",
        &["2026-04-05 01:45:00 +11:00", "2026-04-06 01:45:00 +10:30"],
    );
}

#[test]
fn intervals_run_through_both_passes_and_not_in_the_gap() {
    check(
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-10-25T00:00:00Z",
        &[
            "2026-10-25 02:30:00 +02:00",
            "2026-10-25 02:00:00 +01:00",
            "2026-10-25 02:30:00 +01:00",
            "2026-10-25 03:00:00 +01:00",
        ],
    );
    check(
        "30 * * * *",
        "Europe/Berlin",
        "2026-03-29T00:00:00Z",
        &["2026-03-29 01:30:00 +01:00", "2026-03-29 03:30:00 +02:00"],
    );
    check(
        "*/20 2 * * *",
        "America/New_York",
        "2026-03-08T00:00:00Z",
        &["2026-03-09 02:00:00 -04:00"],
    );
}

#[test]
fn time_ends_with_the_year_2100() {
    let schedule = Schedule::parse("0 0 1 1 *", "UTC").unwrap();
    assert_eq!(
        schedule.next(ms("2099-06-01T00:00:00Z")).map(text).as_deref(),
        Some("2100-01-01T00:00:00Z")
    );
    assert_eq!(schedule.next(ms("2100-01-01T00:00:00Z")), None);
    for (zone, expr) in
        [("UTC", "* * * * * *"), ("Pacific/Kiritimati", "0 * * * *"), ("Etc/GMT+12", "0 12 * * *")]
    {
        let schedule = Schedule::parse(expr, zone).unwrap();
        assert_eq!(schedule.next(ms("2101-01-02T00:00:00Z")), None);
        assert_eq!(schedule.next(i64::MAX), None);
        assert!(schedule.next(i64::MIN).is_some());
    }
}

#[test]
fn a_moment_that_matches_is_not_its_own_next() {
    let schedule = Schedule::parse("0 12 * * *", "UTC").unwrap();
    let noon = ms("2026-11-20T12:00:00Z");
    assert_eq!(schedule.next(noon - 1), Some(noon));
    assert_eq!(schedule.next(noon), Some(noon + 86_400_000));
    assert_eq!(schedule.next(noon + 1), Some(noon + 86_400_000));
}

/// The expression with its wrong part between `>` and `<`, the message and the hint.
fn refusal(expr: &str, zone: &str) -> String {
    match Schedule::parse(expr, zone) {
        Ok(schedule) => format!("accepted {expr}: {}", schedule.words()),
        Err(CronError { subject, message, span, hint }) => {
            let text = if subject == super::Subject::Expression { expr } else { zone };
            let (a, b, c) = (&text[..span.start], &text[span.clone()], &text[span.end..]);
            format!("{a}>{b}<{c}\n  {message}\n  {}", hint.unwrap_or_default())
        }
    }
}

#[test]
fn what_is_refused_names_the_field_and_the_fix() {
    let expressions = [
        "",
        "   ",
        "* * * *",
        "* * * * * * * *",
        "every day",
        "5/15 * * * *",
        "MON/2 * * * *",
        "0 0 * * MON/2",
        "*/0 * * * *",
        "*/x * * * *",
        "0-10/ * * * *",
        "60 * * * *",
        "-1 * * * *",
        "+5 * * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 32 * *",
        "0 0 * 13 *",
        "0 0 * * 8",
        "99999999999 * * * *",
        "0 22-6 * * *",
        "0 0 * * FRI-MON",
        "0 0 * * 5-0",
        "0 0 * NOV-FEB *",
        "1,,2 * * * *",
        ",1 * * * *",
        "1, * * * *",
        "1, 2 * * * *",
        "0 0 * JANUARY *",
        "0 0 * * WEDNESDAY",
        "0 0 * * XXX",
        "a * * * *",
        "0 0 * * +",
        "1-2-3 * * * *",
        "*-5 * * * *",
        "L * * * *",
        "0 15W * * *",
        "0 0 * L *",
        "0 0 * 5#2 *",
        "0 0 * * L",
        "0 0 * * 5#6",
        "0 0 * * 5#0",
        "0 0 * * 5#",
        "0 0 * * #2",
        "0 0 * * 15W",
        "0 0 * * 9#2",
        "0 0 L-3 * *",
        "0 0 0W * *",
        "0 0 W * *",
        "0 0 32W * *",
        "0 0 WED * *",
        "0 0 ü * *",
        "0 0 15ẞW * *",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 31W 2 *",
        "0 0 0 29 2 * 2027",
        "0 0 L * +XXX",
        "0 0 1 1 * 1969",
        "0 0 0 1 1 * 2101",
        "@reboot",
        "@every 5m",
        "@dayly",
        "@daily UTC",
        "2026-11-20T12:00:00",
    ];
    let zones = ["Europe/Berlim", "europe/berlin", "Mars", "", "+01:00"];
    let shown: Vec<String> = expressions
        .iter()
        .map(|expr| refusal(expr, "UTC"))
        .chain(zones.iter().map(|zone| refusal("* * * * *", zone)))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn an_endless_expression_is_refused_unread() {
    let error = Schedule::parse(&"1,".repeat(5000), "UTC").unwrap_err();
    assert_eq!(error.message, "the schedule is longer than 1024 bytes");
}

#[test]
fn schedules_in_words() {
    let expressions = [
        "* * * * *",
        "*/15 * * * *",
        "*/7 * * * *",
        "0 * * * *",
        "5,35 * * * *",
        "@hourly",
        "@daily",
        "@weekly",
        "@monthly",
        "@yearly",
        "0 */3 * * *",
        "0 9 * * MON-FRI",
        "30 9,17 * * *",
        "*/10 9-17 * * 1-5",
        "* 9 * * *",
        "*/5 0,12 * * *",
        "*/5 */2 * * *",
        "0 9-17/2 * * *",
        "0-10 * * * *",
        "0,10,20,30 1,2,3 * * *",
        "0 0 1,15 * *",
        "0 0 1-7 * *",
        "0 0 */2 * *",
        "0 0 1-15/3 * *",
        "0 0 13 * FRI",
        "0 0 1 * +MON",
        "0 0 L * *",
        "0 0 LW * *",
        "0 0 15W * *",
        "0 0 1,15,L * *",
        "0 0 * * 0",
        "0 0 * * 1,3,5",
        "0 0 * * FRI-SUN",
        "0 0 * * */2",
        "0 0 * * FRI#2",
        "0 0 * * FRI#L",
        "0 0 * * MON-TUE#1",
        "0 0 1 1 *",
        "0 0 1 */3 *",
        "0 0 * JUN-AUG *",
        "0 0 * * * *",
        "*/2 * * * * *",
        "* * * * * *",
        "30 * * * * *",
        "30 0 9 * * *",
        "*/10 0-5 8 * * *",
        "*/10 * 8-9 * * *",
        "0,30 */2 * * * *",
        "0 0 12 1 1 * 2030",
        "0 0 12 1 1 * 2030-2040",
        "0 0 12 1 1 * 2030-2040/2",
        "0 0 12 1 1 * 2030,2032",
    ];
    let shown: Vec<String> = expressions
        .iter()
        .map(|expr| {
            format!("{expr:<24} {}", Schedule::parse(expr, "Europe/Berlin").unwrap().words())
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_schedule_gives_back_what_it_was_made_from() {
    let schedule = Schedule::parse("0 9 * * 1-5", "Europe/Berlin").unwrap();
    assert_eq!((schedule.expr(), schedule.zone()), ("0 9 * * 1-5", "Europe/Berlin"));
    assert_eq!(schedule, Schedule::parse("0 9 * * mon-fri", "Europe/Berlin").unwrap());
}
