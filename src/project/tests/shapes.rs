//! Projects that load.

use super::super::*;
use super::{check, project, request, try_load};

const CONFIG: &str = r#"
scale = 20

[models.gpt]
provider = "openai"
model = "gpt-5.4"
authType = "api_key"

[models.mini]
provider = "openai"
model = "gpt-5.4-mini"
authType = "api_key"

[models.nano]
provider = "openai"
model = "gpt-5.4-nano"
thinkingLevel = "low"
authType = "api_key"

[webhooks.github]
type = "github"
credential = "default"
"#;

const DEVELOPER: &str = r#"
models = ["gpt", "mini"]
credentials = ["github_token", "git_ssh:bot"]
schedule = "0 */3 * * *"
timeout = 3600
scale = 5
maxWorkQueueSize = 1

[[webhooks]]
source = "github"
orgs = ["acme"]
events = ["issues"]
actions = ["labeled"]
labels = ["ready"]
author = "octocat"

[[webhooks]]
source = "github"
orgs = ["acme"]
events = ["deployment_status", "check_suite", "workflow_run"]
branches = ["main"]
conclusions = ["failure"]

[params]
repos = ["acme/app"]
limits = { files = 20 }
"#;

fn existing() -> Vec<(&'static str, &'static str)> {
    vec![
        ("config.toml", CONFIG),
        ("agents/developer/config.toml", DEVELOPER),
        ("agents/developer/SKILL.md", "---\ndescription: Writes code\n---\n\nDo it.\n"),
        ("agents/developer/Dockerfile", "FROM al-agent:latest\n"),
        ("agents/reviewer/config.toml", "models = [\"nano\"]\nschedule = \"*/5 * * * *\"\n"),
        ("agents/reviewer/SKILL.md", "Review.\n"),
        ("agents/.hidden/SKILL.md", "no agent"),
        ("agents/node_modules/SKILL.md", "no agent"),
        ("agents/notes.md", "no agent"),
    ]
}

#[test]
fn existing_project_loads_without_a_complaint() {
    check(&existing(), "");
}

#[test]
fn existing_project_means_what_it_says() {
    let loaded = try_load(&existing()).unwrap();
    let project = loaded.project;
    assert_eq!(project.name, "project");
    assert_eq!(project.config.scale, Some(20));
    assert_eq!(project.config.models.keys().collect::<Vec<_>>(), ["gpt", "mini", "nano"]);
    let names: Vec<_> = project.agents.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["developer", "reviewer"]);
    let developer = &project.agents[0];
    assert_eq!(developer.skill.description.as_deref(), Some("Writes code"));
    assert_eq!(developer.skill.body, "Do it.\n");
    assert_eq!((developer.timeout_s, developer.scale, developer.max_work_queue_size), (3600, 5, 1));
    assert_eq!(developer.webhooks[0].filters["author"], ["octocat"]);
    assert_eq!(developer.webhooks[1].filters["conclusions"], ["failure"]);
    let reviewer = &project.agents[1];
    assert_eq!((reviewer.timeout_s, reviewer.scale, reviewer.max_work_queue_size), (900, 1, 100));
}

#[test]
fn every_filter_of_every_provider_is_kept() {
    for provider in providers::PROVIDERS {
        let mut config = format!("[webhooks.here]\ntype = \"{}\"\n", provider.kind);
        if provider.kind == "generic" {
            config.push_str("signature = { header = \"x\" }\n[webhooks.here.fields]\n");
            config.extend(Mapped::ALL.map(|field| format!("{} = \"x\"\n", field.name())));
        }
        let filters: String =
            provider.names().map(|f| format!("{f} = [\"{f} value\"]\n")).collect();
        let agent = format!(
            "harness = {{ type = \"script\", command = \"true\" }}\n[[webhooks]]\nsource = \"here\"\n{filters}"
        );
        let root = project(&[
            ("config.toml", &config),
            ("agents/a/config.toml", &agent),
            ("agents/a/SKILL.md", ""),
        ]);
        let loaded = load(&request(&root)).unwrap();
        let kept: Vec<_> = loaded.project.agents[0].webhooks[0].filters.keys().collect();
        let mut expected: Vec<_> = provider.names().collect();
        expected.sort_unstable();
        assert_eq!(kept, expected, "{}", provider.kind);
    }
}

#[test]
fn older_project_means_the_same() {
    let model = |model: &str| format!("[model]\nprovider = \"openai\"\nmodel = \"{model}\"\n");
    let agent = "schedule = \"* * * * *\"\n";
    let step =
        "[[preflight]]\nprovider = \"shell\"\nrequired = false\nparams = { command = \"ls\" }\n";
    let loaded = try_load(&[
        ("config.toml", &model("gpt-5")),
        ("agents/a/agent-config.toml", &format!("{agent}{}", model("gpt-5-mini"))),
        ("agents/a/ACTIONS.md", "Do a."),
        ("agents/b/agent-config.toml", &format!("{agent}{step}")),
        ("agents/b/ACTIONS.md", "Do b."),
    ])
    .unwrap();
    let project = loaded.project;
    let name = |agent: &Agent| project.config.models[&agent.models[0]].model.clone();
    let [a, b] = &project.agents[..] else { panic!("{:?}", project.agents) };
    assert_eq!((name(a), name(b)), ("gpt-5-mini".to_owned(), "gpt-5".to_owned()));
    assert_eq!((a.skill.body.as_str(), b.skill.body.as_str()), ("Do a.", "Do b."));
    let params = serde_json::json!({ "command": "ls" }).as_object().unwrap().clone();
    let provider = "shell".to_owned();
    assert_eq!(b.preflight, [Preflight { provider, required: false, params }]);
}

#[test]
fn params_keep_their_types_and_order() {
    let loaded = try_load(&[
        ("agents/a/SKILL.md", ""),
        (
            "agents/a/config.toml",
            "scale = 0\nharness = { type = \"script\", command = [\"./run\", \"-v\"] }\n\
             [params]\nz = 1\na = [1.5, true, \"x\"]\nday = 2026-01-02\nbig = 0x7f\nnan = nan\n",
        ),
    ])
    .unwrap();
    let agent = &loaded.project.agents[0];
    let json = serde_json::to_string(&agent.params).unwrap();
    assert_eq!(json, r#"{"z":1,"a":[1.5,true,"x"],"day":"2026-01-02","big":127,"nan":null}"#);
    let words = ["./run", "-v"].map(str::to_owned).to_vec();
    assert_eq!(agent.engine.command, Some(ScriptCommand::Program(words)));
}

/// The only agent of a project with this configuration, which has no fault.
fn agent(config: &str) -> Agent {
    let program = "[harness]\ntype = \"script\"\ncommand = \"true\"\n";
    let config = format!("{config}{program}");
    let loaded = try_load(&[("agents/a/SKILL.md", ""), ("agents/a/config.toml", &config)]);
    let loaded = loaded.unwrap();
    assert_eq!(loaded.warnings, [], "{config}");
    loaded.project.agents[0].clone()
}

#[test]
fn rules_that_are_not_written_are_the_gentle_ones() {
    let agent = agent("schedule = \"* * * * *\"\n");
    let lost_once = Retry { attempts: 2, backoff_ms: 0, on: vec![RetryOn::Lost] };
    assert_eq!(agent.retry, lost_once);
    assert_eq!((agent.priority, agent.lane, agent.keep_latest), (Priority::Normal, None, None));
    assert_eq!((agent.every_ms, agent.missed, agent.overlap), (None, Missed::Skip, Overlap::Skip));
}

#[test]
fn retries_mean_what_they_say() {
    use RetryOn::*;
    let check = |written: &str, attempts: u32, backoff_ms: u64, on: &[RetryOn]| {
        let agent = agent(&format!("schedule = \"* * * * *\"\n{written}\n"));
        assert_eq!(agent.retry, Retry { attempts, backoff_ms, on: on.to_vec() }, "{written}");
    };
    check("retry = {}", 2, 0, &[Lost]);
    check("retry = { attempts = 1 }", 1, 0, &[Lost]);
    check("retry = { on = [] }", 2, 0, &[]);
    check("retry = { attempts = 20, backoff = \"1h\" }", 20, 3_600_000, &[Lost]);
    check(
        "[retry]\nbackoff = \"1m30s\"\non = [\"error\", \"lost\", \"timeout\", \"error\"]",
        2,
        90_000,
        &[Error, Lost, Timeout],
    );
}

#[test]
fn priorities_are_in_order() {
    let priority = |written: &str| {
        agent(&format!("schedule = \"* * * * *\"\npriority = \"{written}\"\n")).priority
    };
    let all = ["low", "normal", "high"].map(priority);
    assert_eq!(all, [Priority::Low, Priority::Normal, Priority::High]);
    assert!(all.is_sorted());
}

#[test]
fn the_latest_is_kept_by_key_or_else_by_lane() {
    let check = |written: &str, lane: Option<&str>, keep_latest: Option<&str>| {
        let agent = agent(&format!("schedule = \"* * * * *\"\n{written}\n"));
        let found = (agent.lane.as_deref(), agent.keep_latest.as_deref());
        assert_eq!(found, (lane, keep_latest), "{written}");
    };
    check("lane = \"{repo}#{number}\"", Some("{repo}#{number}"), None);
    check("keep = \"all\"", None, None);
    check("keep = \"latest\"\nkey = \"{branch}\"", None, Some("{branch}"));
    check("keep = \"latest\"\nlane = \"{repo}\"", Some("{repo}"), Some("{repo}"));
    check(
        "keep = \"latest\"\nlane = \"{repo}\"\nkey = \"{branch}\"",
        Some("{repo}"),
        Some("{branch}"),
    );
}

#[test]
fn an_interval_is_a_schedule() {
    let check = |written: &str, ms: u64| {
        let agent = agent(&format!("every = \"{written}\"\n"));
        assert_eq!((agent.schedule, agent.every_ms), (None, Some(ms)), "{written}");
    };
    check("1s", 1000);
    check("305s", 305_000);
    check("1h30m", 5_400_000);
    check("366d", 31_622_400_000);
}

#[test]
fn ticks_can_be_made_up_for_and_wait() {
    for schedule in ["schedule = \"* * * * *\"", "every = \"5m\""] {
        let agent = agent(&format!("{schedule}\nmissed = \"once\"\noverlap = \"queue\"\n"));
        assert_eq!((agent.missed, agent.overlap), (Missed::Once, Overlap::Queue), "{schedule}");
        let agent = self::agent(&format!("{schedule}\nmissed = \"skip\"\noverlap = \"skip\"\n"));
        assert_eq!((agent.missed, agent.overlap), (Missed::Skip, Overlap::Skip), "{schedule}");
    }
}
