//! Which file has the last word.

use super::super::*;
use super::{check, project, request};

const AGENT: &str =
    "schedule = \"* * * * *\"\nharness = { type = \"script\", command = \"true\" }\n";

fn load_with(files: &[(&str, &str)], change: impl Fn(&mut Request<'_>)) -> Project {
    let mut files = files.to_vec();
    files.push(("agents/a/SKILL.md", ""));
    files.push(("agents/a/config.toml", AGENT));
    let root = project(&files);
    let mut request = request(&root);
    change(&mut request);
    load(&request).unwrap().project
}

#[test]
fn nothing_but_defaults() {
    let project = load_with(&[], |_| {});
    let agent = &project.agents[0];
    assert_eq!(
        project.config,
        Config {
            models: Default::default(),
            local: Local {
                enabled: true,
                image: None,
                memory: "4g".to_owned(),
                cpus: None,
                timeout_s: 900
            },
            gateway: Gateway::default(),
            webhooks: Default::default(),
            credentials: Default::default(),
            telemetry: Telemetry {
                enabled: false,
                provider: "none".to_owned(),
                endpoint: None,
                service_name: "action-llama".to_owned(),
                headers: Default::default(),
                sampling_rate: None,
            },
            max_reruns: 10,
            max_call_depth: 3,
            work_queue_size: 100,
            resource_lock_timeout_s: 1800,
            scale: None,
            default_agent_scale: 1,
            history_retention_days: 14,
            default_wait_timeout_s: 1800,
            harness: None,
            server: None,
            cloud: None,
        }
    );
    assert_eq!((agent.scale, agent.timeout_s, agent.wait_timeout_s), (1, 900, 1800));
    assert_eq!(agent.max_work_queue_size, 100);
    assert_eq!(agent.runtime.kind, RuntimeKind::Container);
}

#[test]
fn later_layers_win_and_tables_merge() {
    let files = [
        (
            "config.toml",
            "scale = 1\nmaxReruns = 1\nmaxCallDepth = 1\n[local]\nmemory = \"1g\"\ntimeout = 1\n",
        ),
        (
            ".env.toml",
            "environment = \"prod\"\nmaxReruns = 2\nmaxCallDepth = 2\n[local]\ntimeout = 2\n",
        ),
        ("~/environments/prod.toml", "maxCallDepth = 3\n[server]\nhost = \"h\"\n"),
    ];
    let project = load_with(&files, |_| {});
    let config = &project.config;
    assert_eq!((config.scale, config.max_reruns, config.max_call_depth), (Some(1), 2, 3));
    assert_eq!((config.local.memory.as_str(), config.local.timeout_s), ("1g", 2));
    assert_eq!(project.environment.as_deref(), Some("prod"));
    assert_eq!(config.server.as_ref().unwrap()["host"], "h");
    assert_eq!(project.agents[0].timeout_s, 2);
}

#[test]
fn the_flag_beats_the_variable_beats_the_file() {
    let files = [
        (".env.toml", "environment = \"file\"\n"),
        ("~/environments/file.toml", "scale = 1\n"),
        ("~/environments/variable.toml", "scale = 2\n"),
        ("~/environments/flag.toml", "scale = 3\n"),
    ];
    let scale = |flag: Option<&str>, variable: Option<&str>| {
        let project = load_with(&files, |r| {
            r.environment = flag.map(str::to_owned);
            r.al_env = variable.map(str::to_owned);
        });
        project.config.scale
    };
    assert_eq!(scale(None, None), Some(1));
    assert_eq!(scale(None, Some("variable")), Some(2));
    assert_eq!(scale(Some("flag"), Some("variable")), Some(3));
}

#[test]
fn project_name_of_the_checkout_wins() {
    let name = |env: &str, config: &str| {
        load_with(
            &[
                (".env.toml", env),
                ("config.toml", config),
                ("~/environments/e.toml", "projectName = \"third\"\n"),
            ],
            |r| r.environment = (!config.is_empty()).then(|| "e".to_owned()),
        )
        .name
    };
    assert_eq!(name("projectName = \"first\"", "projectName = \"second\""), "first");
    assert_eq!(name("", "projectName = \"second\""), "third");
    assert_eq!(name("", ""), "project");
}

#[test]
fn overrides_of_an_older_version_are_passed_over() {
    check(
        &[
            (".env.toml", "[agents.a]\nscale = 9\n"),
            ("agents/a/SKILL.md", ""),
            ("agents/a/config.toml", AGENT),
        ],
        "",
    );
    let project = load_with(&[(".env.toml", "[agents.a]\nscale = 9\n")], |_| {});
    assert_eq!(project.agents[0].scale, 1);
}

#[test]
fn a_problem_points_at_the_layer_that_has_it() {
    check(
        &[
            ("config.toml", "[webhooks.gh]\ntype = \"github\"\n"),
            (".env.toml", "# override\n[webhooks.gh]\ntype = \"gitub\"\n"),
            ("agents/a/SKILL.md", ""),
            ("agents/a/config.toml", AGENT),
        ],
        r#"
error: unknown webhook type `gitub`
 --> project/.env.toml:3:8
  |
3 | type = "gitub"
  |        ^^^^^^^
  |
  = help: did you mean `github`?
  = help: known types: `github`, `sentry`, `linear`, `mintlify`, `slack`,
          `discord`, `twitter`, `forgejo`, `gitea`, `gitlab`, `generic` and
          `test`

1 error
"#,
    );
}

#[test]
fn webhook_instance_named_by_its_credential_type_wins() {
    let config = "[webhooks.x]\ntype = \"twitter\"\ncredential = \"a\"\nx_twitter_api = \"Bot\"\n\
                  [webhooks.y]\ntype = \"github\"\ncredential = \"acme\"\nallowUnsigned = true\n";
    let project = load_with(&[("config.toml", config)], |_| {});
    let source = |name: &str| {
        let source = &project.config.webhooks[name];
        (source.kind.as_str(), source.credential.as_str(), source.allow_unsigned)
    };
    assert_eq!(source("x"), ("twitter", "Bot", false));
    assert_eq!(source("y"), ("github", "acme", true));
}

#[test]
fn messages_name_files_as_the_person_did() {
    // Relative to the current folder when the project was named so.
    let name = |dir: &str| {
        super::super::source::Named::shown_as(dir.into(), dir.to_owned()).join("config.toml").shown
    };
    assert_eq!(name("."), "config.toml");
    assert_eq!(name("../x"), "../x/config.toml");
    assert_eq!(name("/srv/x/"), "/srv/x/config.toml");
}
