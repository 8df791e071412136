//! `al stat`.

use action_llama::scheduler::model::ReceiptOutcome;
use action_llama::scheduler::{Decision, Pause, Receipt, RunState, Scope, TriggerKind, Why};

use crate::world::{Gateway, World, ago_s, enqueue, receipt, start, trigger, write};

const SCRIPT: &str = "schedule = \"@yearly\"\n[harness]\ntype = \"script\"\ncommand = \"true\"\n";
const REVIEWER: &str = "reviewer-of-everything-that-comes-in-from-outside";

/// A project in the middle of its work.
pub fn busy() -> World {
    let world = World::shop();
    let issue = || trigger(TriggerKind::Webhook, "github", "issues labeled acme/shop#12");
    let pull = || trigger(TriggerKind::Webhook, "github", "pull_request opened acme/shop#13");
    let tick = || trigger(TriggerKind::Schedule, "@hourly", "@hourly");
    let reviewer = format!("{REVIEWER}-00000005");
    let mut decisions = vec![
        Decision::Receipt(Box::new(Receipt {
            runs: vec!["dev-00000001".to_owned()],
            ..receipt("r1", 7 * 3600, tick(), ReceiptOutcome::Accepted)
        })),
        Decision::Receipt(Box::new(Receipt {
            skipped: vec![("dev".to_owned(), Why::AgentBusy { running: 2, scale: 2 })],
            ..receipt("r2", 1900, tick(), ReceiptOutcome::Skipped)
        })),
        Decision::Receipt(Box::new(receipt("r3", 95, issue(), ReceiptOutcome::NoMatch))),
        enqueue(1, "dev-00000001", tick(), 7 * 3600 + 60),
        enqueue(2, "dev-00000002", issue(), 2000),
        enqueue(3, "dev-00000003", trigger(TriggerKind::Manual, "ann", "by ann"), 260),
        enqueue(4, "dev-00000004", issue(), 200),
        enqueue(5, &reviewer, pull(), 3700),
    ];
    decisions.extend(start("dev-00000001", 7 * 3600 + 50));
    decisions.extend(start("dev-00000003", 250));
    decisions.extend(start("dev-00000002", 1990));
    decisions.extend(start(&reviewer, 3690));
    decisions.push(Decision::Report {
        run: "dev-00000003".to_owned(),
        status: Some("reading the issue and everything that is linked from it".to_owned()),
        return_value: None,
        rerun: false,
    });
    decisions.push(Decision::Finish {
        run: "dev-00000001".to_owned(),
        state: RunState::Succeeded,
        why: Why::Exited { code: 0 },
        exit_code: Some(0),
        at: ago_s(7 * 3600 - 200),
    });
    decisions.push(Decision::Finish {
        run: reviewer,
        state: RunState::TimedOut,
        why: Why::TimedOut { after_s: 900 },
        exit_code: Some(124),
        at: ago_s(2790),
    });
    world.history(&decisions);
    world
}

fn paused(world: &World, scope: Scope, why: Option<&str>) {
    let pause = Pause::begin("ann", ago_s(750), why.map(str::to_owned));
    world.history(&[Decision::Pause { scope, pause }]);
}

#[test]
fn a_project_that_never_ran_is_shown_from_its_files() {
    let world = World::shop();
    insta::assert_snapshot!(world.shown(&["stat"]));
    assert!(!world.project().join(".al").exists(), "looking leaves nothing behind");
}

#[test]
fn the_short_name_and_the_long_one_are_the_same() {
    let world = World::shop();
    assert_eq!(world.shown(&["status"]), world.shown(&["stat"]));
}

#[test]
fn what_goes_on_fits_80_columns() {
    let page = busy().shown(&["stat"]);
    let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());
    insta::assert_snapshot!(page);
}

#[test]
fn colours_say_what_the_words_say() {
    let world = busy();
    let page = world.shown(&["stat", "--color", "always"]);
    let styled = regex::Regex::new("\x1b\\[([0-9;]+)m(.*?)\x1b\\[0m").unwrap();
    insta::assert_snapshot!(styled.replace_all(&page, "<$1:$2>"));
    let bare = styled.replace_all(&page, "$2").into_owned();
    assert_eq!(bare, world.shown(&["stat"]));
}

#[test]
fn a_damaged_history_says_what_to_do() {
    let world = World::shop();
    write(&world.project().join(".al/al.db"), &"not a database ".repeat(100));
    insta::assert_snapshot!(world.shown(&["stat"]));
}

#[test]
fn a_history_that_is_just_being_created_is_an_empty_one() {
    let world = World::shop();
    let expected = world.shown(&["stat"]);
    write(&world.project().join(".al/al.db"), "");
    assert_eq!(world.shown(&["stat"]), expected);
    assert_eq!(
        world.shown(&["runs"]),
        "exit code 0\n--- stdout\nno runs yet; `al run <agent>` starts one\n"
    );
}

#[test]
fn a_pause_says_who_since_when_and_why() {
    let world = World::shop();
    paused(&world, Scope::Project, Some("the database moves"));
    insta::assert_snapshot!(world.shown(&["stat"]));
    let world = World::shop();
    paused(&world, Scope::Agent("dev".to_owned()), None);
    insta::assert_snapshot!(world.shown(&["stat", "dev"]));
}

#[test]
fn everything_about_one_agent_is_on_its_page() {
    insta::assert_snapshot!(busy().shown(&["stat", "dev"]));
    insta::assert_snapshot!(World::shop().shown(&["stat", "odd"]));
}

#[test]
fn the_page_of_an_agent_says_what_its_container_may_use() {
    let page = |local: &str, runtime: &str| {
        let world = World::new(&[
            ("config.toml", &format!("[local]\n{local}")),
            ("agents/dev/SKILL.md", "Work.\n"),
            ("agents/dev/config.toml", &format!("{SCRIPT}[runtime]\n{runtime}")),
        ]);
        let shown = world.shown(&["stat", "dev"]);
        let below =
            |line: &&str| ["  runtime ", "  mount ", "      "].iter().any(|s| line.starts_with(s));
        shown.lines().filter(below).map(|line| format!("{line}\n")).collect::<String>()
    };
    insta::assert_snapshot!(
        [
            page("", ""),
            page("memory = \"2g\"\ncpus = 1.5\n", "network = \"none\"\npids = 64\n"),
            page(
                "",
                "network = \"gateway\"\nmemory = \"512m\"\ncpus = 8\ngpus = \"device=0,1\"\n\
             runtime = \"runsc\"\nmounts = [\"/data:/data\", \"/cache:/var/cache:rw\"]\n",
            ),
        ]
        .join("--\n")
    );
}

#[test]
fn scripts_get_one_document() {
    let world = busy();
    insta::assert_snapshot!(world.json(&["stat", "--json"]));
    insta::assert_snapshot!(world.json(&["stat", "dev", "--json"]));
}

#[test]
fn nothing_shows_what_is_secret() {
    let world = World::shop();
    for line in [&["stat", "--json"][..], &["stat", "dev", "--json"], &["stat", "dev"]] {
        let text = world.shown(line);
        assert!(!text.contains("planted-secret"), "{text}");
    }
}

#[test]
fn the_running_scheduler_knows_better_than_the_files() {
    let world = busy();
    let status = serde_json::json!({
        "scheduler": {"startedAt": iso(ago_s(11_100)), "stopping": true, "pid": 4242},
        "agents": [{"name": "dev", "scale": 9, "nextRunAt": iso(ago_s(-605))}],
    });
    let gateway = Gateway::answering(&world, 200, &status.to_string());
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    insta::assert_snapshot!(port.replace_all(&world.shown(&["stat"]), "[gateway]"));
    assert_eq!(gateway.asked(), ["GET /control/status HTTP/1.1 |  | ann | "]);
}

#[test]
fn a_scheduler_that_gives_no_answer_does_not_hide_the_rest() {
    let world = World::shop();
    let _gateway = Gateway::answering(&world, 401, r#"{"error":"Unauthorized"}"#);
    let shown = world.shown(&["stat"]);
    let since = regex::Regex::new(r"127\.0\.0\.1:\d+  up \d+s").unwrap();
    insta::assert_snapshot!(since.replace_all(&shown, "[gateway]  up [span]"));
}

#[test]
fn a_deployed_project_is_shown_as_its_scheduler_has_it() {
    let here = busy();
    let there = World::shop();
    let status = serde_json::json!({
        "scheduler": {
            "startedAt": iso(ago_s(11_100)),
            "pause": {"by": "bob", "since_ms": ago_s(200), "why": "a deploy"},
        },
        "agents": [{
            "name": "dev", "enabled": true, "scale": 2, "runningCount": 1, "queuedWebhooks": 1,
            "queueBound": 7, "triggers": ["schedule", "github issues"], "schedule": "@hourly",
            "nextRunAt": iso(ago_s(-605)),
        }],
        "instances": [{
            "id": "dev-0000000a", "agentName": "dev", "state": "running", "attempt": 1,
            "startedAt": iso(ago_s(95)), "trigger": "schedule", "statusText": "testing",
        }],
        "queue": [{
            "id": "dev-0000000b", "agentName": "dev", "queuedAt": iso(ago_s(31)),
            "trigger": "webhook:github", "why": "held",
        }],
    });
    let gateway = Gateway::answering(&there, 200, &status.to_string());
    let environment = format!("[gateway]\nurl = \"{}\"\n[server]\nhost = \"h\"\n", gateway.url);
    write(&here.environment("prod"), &environment);
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    let shown = here.shown(&["stat", "-E", "prod"]);
    insta::assert_snapshot!(port.replace_all(&shown, "[gateway]"));
}

fn iso(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).unwrap().to_rfc3339()
}
