//! Projects with faults, and what their owner reads.

use std::fs;
use std::os::unix::fs::symlink;

use insta::assert_snapshot;

use super::{project, report, request};
use crate::project::providers::{self, Provider};
use crate::project::render;
use crate::project::source::reason;

/// An agent without a fault.
const WELL: &str =
    "schedule = \"* * * * *\"\nharness = { type = \"script\", command = \"true\" }\n";

/// What is printed for these files beside an agent without a fault.
fn printed(files: &[(&str, &str)]) -> String {
    let mut files = files.to_vec();
    files.push(("agents/well/SKILL.md", "Do it."));
    files.push(("agents/well/config.toml", WELL));
    let root = project(&files);
    report(&root, &request(&root))
}

/// What is printed for an agent's `config.toml`, in a project with one model and one source.
fn printed_agent(config: &str) -> String {
    printed(&[
        (
            "config.toml",
            "[models.gpt]\nprovider = \"openai\"\nmodel = \"gpt-5.4\"\n[webhooks.github]\ntype = \"github\"\n",
        ),
        ("agents/a/SKILL.md", "Do it."),
        ("agents/a/config.toml", config),
    ])
}

#[test]
fn several_faults_print_all_at_once() {
    assert_snapshot!(printed(&[
        ("config.toml", "maxReruns = \"ten\"\n[webhooks.gh]\ntype = \"githib\"\n"),
        ("agents/a/SKILL.md", "---\nname: [\n---\n"),
        ("agents/a/config.toml", "schedule = \"often\"\nmodels = [\"gpt\"]\n"),
        ("agents/B/SKILL.md", "B"),
        ("agents/B/config.toml", "scale = 0\nharness = { type = \"script\" }\n"),
    ]));
}

#[test]
fn malformed_toml_names_the_file_and_the_place() {
    assert_snapshot!(printed(&[
        ("config.toml", "scale = 2\n[models.gpt\nprovider = \"openai\"\n"),
        (".env.toml", "environment = prod\n"),
        ("agents/a/SKILL.md", "Do it."),
        ("agents/a/config.toml", "timeout = 5\ntimeout = 6\n"),
        // What the broken files would have said is not missed.
        ("agents/b/SKILL.md", "Do it."),
        ("agents/b/config.toml", "models = [\"gpt\"]\n[[webhooks]]\nsource = \"github\"\n"),
    ]));
}

#[test]
fn wrong_types_of_the_project() {
    assert_snapshot!(printed(&[(
        "config.toml",
        r#"
scale = -1
maxCallDepth = 2.5
defaultAgentScale = "2"
historyRetentionDays = 99999999999
models = "gpt"

[local]
timeout = "fast"
cpus = 0
enabled = "true"
memory = 4

[gateway]
port = 70000

[telemetry]
samplingRate = 1.5
provider = "otle"
headers = { a = 1 }

[webhooks]
github = "x"

[harness]
type = "clade"
"#
    )]));
}

#[test]
fn wrong_types_of_an_agent() {
    assert_snapshot!(printed_agent(
        r#"
models = "gpt"
credentials = ["github_token", 7]
schedule = 5
timeout = 0
scale = -2
params = 3
hooks = ["ls"]

[webhooks]
source = "github"

[runtime]
type = "docker"
groups = "docker"
"#
    ));
}

#[test]
fn what_a_container_cannot_be_given() {
    assert_snapshot!(printed_agent(&format!(
        r#"{WELL}
[runtime]
network = "internet"
memory = "4 gigs"
cpus = 0
pids = 0
gpus = 2
mounts = ["/data", "/data:data", "./cache:/app/cache", "/run/docker.sock:/engine.sock", 7]
"#
    )));
    assert_snapshot!(printed_agent(&format!(
        "{WELL}[runtime]\nmemory = \"1m\"\nnetwrok = \"none\"\n"
    )));
}

#[test]
fn users_that_runs_cannot_execute_as() {
    let runtime = "[runtime]\ntype = \"host-user\"\n";
    assert_snapshot!(printed_agent(&format!("{WELL}{runtime}run_as = \"root\"\n")));
    assert_snapshot!(printed_agent(&format!(
        "{WELL}{runtime}run_as = \"-u\"\ngroups = [\"docker\", \"a b\", \"\"]\n"
    )));
}

#[test]
fn unknown_keys_are_warnings_with_a_suggestion() {
    assert_snapshot!(printed(&[
        (
            "config.toml",
            "max_reruns = 3\ntimeout = 60\ncolour = 1\n[server]\nhost = \"h\"\n[webhooks.github]\ntype = \"github\"\nallowUnsinged = true\n"
        ),
        ("agents/a/SKILL.md", "---\ndescripton: x\nallowed-tools: [a]\n---\n"),
        ("agents/a/config.toml", &format!("{WELL}shedule = 1\n[hooks]\nprae = []\nscale = 3\n")),
    ]));
}

#[test]
fn unknown_keys_are_errors_when_strict() {
    let root = project(&[
        ("config.toml", "max_reruns = 3\n"),
        ("agents/well/SKILL.md", ""),
        ("agents/well/config.toml", WELL),
    ]);
    let mut request = request(&root);
    request.strict = true;
    assert_snapshot!(report(&root, &request));
}

#[test]
fn older_names_are_read_with_a_hint() {
    assert_snapshot!(printed(&[
        (
            "config.toml",
            "maxTriggerDepth = 5\nwebhookQueueSize = 9\n[model]\nprovider = \"openai\"\nmodel = \"gpt-5\"\nauthType = \"api_key\"\n"
        ),
        ("agents/a/ACTIONS.md", "Do it."),
        ("agents/a/agent-config.toml", "schedule = \"* * * * *\"\n"),
        ("agents/b/ACTIONS.md", "Do it."),
        (
            "agents/b/agent-config.toml",
            "schedule = \"* * * * *\"\n[model]\nprovider = \"openai\"\nmodel = \"gpt-5\"\n"
        ),
    ]));
}

#[test]
fn schedule_is_underlined_where_it_is_written() {
    assert_snapshot!(printed_agent(
        "models = [\"gpt\"]\ntimezone = \"Europe/Berln\"\nschedule = \"every 5'\" # often\n"
    ));
    assert_snapshot!(printed_agent(
        "models = [\"gpt\"]\ntimezone = \"berlin\"\nschedule = \"* * * * *\"\n"
    ));
}

#[test]
fn an_agent_needs_something_that_starts_it_and_someone_who_thinks() {
    assert_snapshot!(printed_agent("credentials = []\n"));
    assert_snapshot!(printed(&[("agents/a/SKILL.md", "Do it.")]));
}

#[test]
fn models_must_exist() {
    assert_snapshot!(printed_agent("schedule = \"* * * * *\"\nmodels = [\"gtp\", \"opus\"]\n"));
}

#[test]
fn script_needs_a_command() {
    assert_snapshot!(printed_agent("scale = 0\n[harness]\ntype = \"script\"\ncommand = \" \"\n"));
    assert_snapshot!(printed_agent("scale = 0\n[harness]\ntype = \"script\"\ncommand = []\n"));
    assert_snapshot!(printed_agent("scale = 0\n[harness]\ntype = \"script\"\ncommand = 1\n"));
    assert_snapshot!(printed_agent("scale = 0\nmodels = [\"gpt\"]\n[harness]\ncommand = \"ls\"\n"));
}

#[test]
fn webhooks_name_a_source_and_its_filters() {
    assert_snapshot!(printed_agent(
        r#"
models = ["gpt"]

[[webhooks]]
events = ["push"]

[[webhooks]]
source = "githb"

[[webhooks]]
source = "github"
repository = ["acme/app"]
events = "push"
labels = [1]
author = "octocat"
guilds = ["x"]
schedule = "* * * * *"
"#
    ));
}

/// What a binding of this provider is told that filters by `name`.
fn told_of_filter(provider: &Provider, name: &str) -> String {
    let config = format!("[webhooks.here]\ntype = \"{}\"\n", provider.kind);
    let agent = format!(
        "harness = {{ type = \"script\", command = \"true\" }}\n[[webhooks]]\nsource = \"here\"\n\
         {name} = [\"x\"]\n"
    );
    let files = [
        ("config.toml", config.as_str()),
        ("agents/a/config.toml", agent.as_str()),
        ("agents/a/SKILL.md", "Do it.\n"),
    ];
    printed(&files)
}

#[test]
fn a_filter_that_is_none_is_told_with_those_of_its_provider() {
    for provider in providers::PROVIDERS {
        let told = told_of_filter(provider, "nonsense");
        let names: Vec<_> = provider.names().map(|name| format!("`{name}`")).collect();
        assert!(told.contains(&format!("{} has no filter `nonsense`", provider.kind)), "{told}");
        assert!(names.iter().all(|name| told.contains(name.as_str())), "{told}");
    }
    let table = [
        (&providers::GITHUB, "organization", "orgs"),
        (&providers::LINEAR, "organization", "organizations"),
        (&providers::SENTRY, "events", "resources"),
        (&providers::MINTLIFY, "repository", "projects"),
        (&providers::SLACK, "channel", "channels"),
        (&providers::SLACK, "team", "team_ids"),
        (&providers::DISCORD, "guild", "guilds"),
        (&providers::DISCORD, "command", "commands"),
        (&providers::TWITTER, "user", "users"),
    ];
    for (provider, written, meant) in table {
        let told = told_of_filter(provider, written);
        assert!(told.contains(&format!("did you mean `{meant}`?")), "{told}");
    }
}

#[test]
fn generic_senders_say_how_they_sign_and_where_things_stand() {
    assert_snapshot!(printed(&[
        (
            "config.toml",
            r#"
[webhooks.unsigned]
type = "generic"

[webhooks.odd]
type = "generic"
deliveryId = "data..id"
signature = { header = "x sig", algorithm = "sha265", encodng = "hex" }
fields = { event = "header:", repo = "/a~b", titel = "x", number = 7 }

[webhooks.headless]
type = "generic"
signature = { prefix = "sha256=" }

[webhooks.standard]
type = "generic"
signature = { scheme = "standard-webhooks", header = "x" }

[webhooks.hub]
type = "github"
fields = { event = "x" }

[webhooks.shop]
type = "generic"
signature = { header = "x-sig" }
fields = { event = "type" }
"#,
        ),
        ("agents/a/SKILL.md", "Do it."),
        (
            "agents/a/config.toml",
            &format!(
                "{WELL}[[webhooks]]\nsource = \"shop\"\nevents = [\"paid\"]\nlabels = [\"eu\"]\n"
            ),
        ),
    ]));
}

#[test]
fn retries_have_bounds_and_known_ends() {
    assert_snapshot!(printed_agent(
        r#"
models = ["gpt"]
schedule = "* * * * *"

[retry]
attempts = 0
backoff = "2h"
on = ["lost", "timout", "success", 5]
attempt = 3
"#
    ));
    let retry = |value: &str| format!("{WELL}retry = {value}\n");
    assert_snapshot!(printed_agent(&retry("{ attempts = 21, backoff = 10, on = \"error\" }")));
    assert_snapshot!(printed_agent(&retry("{ attempts = \"3\", backoff = \"soon\" }")));
    assert_snapshot!(printed_agent(&retry("3")));
    // Below `[harness]`, or at the top of the file.
    assert_snapshot!(printed_agent(&format!("backoff = \"1s\"\n{WELL}[runtime]\nlane = \"x\"\n")));
}

#[test]
fn rules_of_an_agent_are_some_of_a_few_words() {
    assert_snapshot!(printed_agent(
        r#"
models = ["gpt"]
schedule = "* * * * *"
priority = "hihg"
keep = "last"
key = "{repo}"
missed = true
overlap = "replace"
lane = 5
"#
    ));
}

#[test]
fn spans_between_starts_have_a_unit_and_bounds() {
    let every = |value: &str| {
        let well = WELL.replace("schedule = \"* * * * *\"\n", "");
        printed_agent(&format!("every = {value}\n{well}"))
    };
    for value in ["\"999ms\"", "\"366d1ms\"", "300", "\"300\"", "\"often\"", "\"101w 5y\""] {
        assert_snapshot!(every(value));
    }
}

#[test]
fn an_agent_has_a_schedule_or_an_interval() {
    assert_snapshot!(printed_agent(&format!(
        "every = \"5m\"\ntimeout = 1\nscale = 1\nparams = {{}}\n{WELL}"
    )));
}

#[test]
fn keys_about_ticks_need_a_schedule() {
    assert_snapshot!(printed_agent(
        r#"
models = ["gpt"]
missed = "once"
overlap = "queue"

[[webhooks]]
source = "github"
"#
    ));
}

#[test]
fn the_latest_of_runs_needs_a_key_and_a_key_needs_the_latest() {
    assert_snapshot!(printed_agent(&format!("keep = \"latest\"\n{WELL}")));
    assert_snapshot!(printed_agent(&format!("key = \"{{repo}}\"\n{WELL}")));
    assert_snapshot!(printed_agent(&format!("keep = \"all\"\nkey = \"{{repo}}\"\n{WELL}")));
}

#[test]
fn templates_are_underlined_where_they_are_written() {
    assert_snapshot!(printed_agent(&format!(
        "lane = \"{{repo\" # one at a time\nkeep = \"latest\"\nkey = \"repo}}\"\n{WELL}"
    )));
}

#[test]
fn missing_instructions_are_a_warning() {
    assert_snapshot!(printed(&[("agents/a/config.toml", WELL)]));
}

#[test]
fn addresses_and_references_that_lead_nowhere() {
    assert_snapshot!(printed(&[
        ("config.toml", "[gateway]\nurl = \"http://0.0.0.0:8080\"\n"),
        ("agents/a/SKILL.md", "Do it."),
        (
            "agents/a/config.toml",
            &format!("credentials = [\"git_ssh: bot\", \"../x\", \"a:\"]\n{WELL}")
        ),
    ]));
}

#[test]
fn an_address_of_the_gateway_that_is_no_url() {
    assert_snapshot!(printed(&[
        ("config.toml", "[gateway]\nurl = \"al.example.com\"\n"),
        ("agents/a/SKILL.md", "Do it."),
        ("agents/a/config.toml", WELL),
    ]));
}

#[test]
fn what_the_system_refuses_is_said_in_words() {
    let said = |code| reason(&std::io::Error::from_raw_os_error(code));
    assert_eq!(said(13), "permission denied");
    assert_eq!(said(40), "its symbolic links go round in a circle");
}

#[test]
fn problems_come_in_the_order_of_the_files() {
    let root = project(&[
        ("agents/b/SKILL.md", "---\nx: 1\n---\n"),
        ("agents/b/config.toml", "y = 1\nscale = -1\nmodels = 1\nx = 1\n"),
        ("agents/a/SKILL.md", ""),
        (".env.toml", "z = 1\n"),
        ("config.toml", "b = 1\na = 1\n"),
    ]);
    let problems = crate::project::load(&request(&root)).unwrap_err();
    let base = root.path().join("project");
    let places: Vec<String> = problems
        .iter()
        .map(|p| {
            let file = p.file.strip_prefix(&base).unwrap().display();
            format!("{file}:{}", p.place().map_or(0, |place| place.line))
        })
        .collect();
    assert_eq!(
        places,
        [
            "config.toml:1",
            "config.toml:2",
            ".env.toml:1",
            "agents/a/config.toml:0",
            "agents/a/config.toml:0",
            "agents/b/SKILL.md:2",
            // That it has neither schedule nor webhooks is a matter of the whole file.
            "agents/b/config.toml:0",
            "agents/b/config.toml:1",
            "agents/b/config.toml:2",
            "agents/b/config.toml:3",
            "agents/b/config.toml:4",
        ]
    );
}

#[test]
fn names_that_break_the_rules() {
    let long = format!("agents/{}/SKILL.md", "x".repeat(65));
    let mut files: Vec<(&str, &str)> = Vec::new();
    for name in ["My Agent", "a--b", "-a", "a-", "default", "scheduler", "über"] {
        files.push((Box::leak(format!("agents/{name}/SKILL.md").into_boxed_str()), "Do it."));
        files.push((Box::leak(format!("agents/{name}/config.toml").into_boxed_str()), WELL));
    }
    files.push((&long, "Do it."));
    assert_snapshot!(printed(&files));
}

#[test]
fn a_folder_without_agents() {
    let root = project(&[("config.toml", "")]);
    assert_snapshot!(report(&root, &request(&root)));
}

#[test]
fn a_folder_that_is_an_agent() {
    let root = project(&[("SKILL.md", ""), ("config.toml", WELL)]);
    assert_snapshot!(report(&root, &request(&root)));
}

#[test]
fn a_folder_that_is_not_there() {
    let root = project(&[]);
    let mut request = request(&root);
    request.dir = root.path().join("nowhere");
    assert_snapshot!(report(&root, &request));
}

#[test]
fn environments_that_do_not_exist() {
    let files = [
        (".env.toml", "environment = \"prodd\"\n"),
        ("~/environments/prod.toml", ""),
        ("~/environments/staging.toml", ""),
        ("agents/well/SKILL.md", ""),
        ("agents/well/config.toml", WELL),
    ];
    let root = project(&files);
    let mut request = request(&root);
    assert_snapshot!(report(&root, &request));
    request.al_env = Some("../x".to_owned());
    assert_snapshot!(report(&root, &request));
    request.environment = Some("test".to_owned());
    assert_snapshot!(report(&root, &request));
}

#[test]
fn server_of_an_environment_is_checked() {
    let root = project(&[
        (".env.toml", "environment = \"prod\"\n"),
        ("~/environments/prod.toml", "[server]\nport = 0\nbasePath = \"opt\"\nexpose = 1\n"),
        ("agents/well/SKILL.md", ""),
        ("agents/well/config.toml", WELL),
    ]);
    assert_snapshot!(report(&root, &request(&root)));
}

#[test]
fn files_that_cannot_be_text() {
    let root = project(&[
        ("agents/large/SKILL.md", &"x".repeat(1024 * 1024 + 1)),
        ("agents/large/config.toml", WELL),
        ("agents/latin/config.toml", WELL),
        ("agents/loop/config.toml", WELL),
        ("agents/folder/SKILL.md/x", ""),
        ("agents/well/SKILL.md", ""),
        ("agents/well/config.toml", WELL),
    ]);
    let agents = root.path().join("project/agents");
    fs::write(agents.join("latin/SKILL.md"), b"one\ntwo \xe4\n").unwrap();
    symlink("SKILL.md", agents.join("loop/SKILL.md")).unwrap();
    symlink("../agents", agents.join("again")).unwrap();
    symlink("self", agents.join("self")).unwrap();
    assert_snapshot!(report(&root, &request(&root)));
}

#[test]
fn a_pipe_in_place_of_a_file_does_not_hang() {
    let root = project(&[("agents/well/SKILL.md", ""), ("agents/well/config.toml", WELL)]);
    let pipe = root.path().join("project/config.toml");
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert_snapshot!(report(&root, &request(&root)));
}

#[test]
fn long_lines_are_cut_around_the_fault() {
    let text = printed_agent(&format!(
        "models = [\"gpt\"]\nschedule = \"* * * * *\"\nhooks = {{ pre = [\"{}\", 7, \"{}\"] }}\n",
        "a ".repeat(200),
        "b ".repeat(200),
    ));
    assert_snapshot!(text);
}

#[test]
fn front_matter_that_is_not_what_it_seems() {
    assert_snapshot!(printed(&[
        ("agents/a/config.toml", WELL),
        ("agents/a/SKILL.md", "---\nname: a\nname: b\n---\n"),
        ("agents/b/config.toml", WELL),
        ("agents/b/SKILL.md", "---\ndescription: note: this\n---\n"),
        ("agents/c/config.toml", WELL),
        ("agents/c/SKILL.md", "---\nname: &a [*a, *a]\n---\n"),
        ("agents/d/config.toml", WELL),
        ("agents/d/SKILL.md", "---\nname: 5\ndescription: [a]\n---\n"),
    ]));
}

#[test]
fn nothing_is_wider_than_80_columns_that_can_be_broken() {
    let text = printed_agent(
        "schedule = \"* * * * *\"\nmodels = [\"gtp\"]\n[[webhooks]]\nsource = \"github\"\nx = 1\n",
    );
    assert_eq!(text.lines().filter(|l| l.chars().count() > 80).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let text = printed(&[
        ("config.toml", "[webhooks.\"\\u001b[31m\"]\ntype = 5\n[models.x]\nprovider = 1\n"),
        ("agents/a\u{1b}[5mb/SKILL.md", "---\n\"\\e[1m\": x\n---\n\u{1b}[2J"),
        (
            "agents/a\u{1b}[5mb/config.toml",
            "\"\\u001b[2J\" = 1\nschedule = \"\\u001b[H\"\nmodels = [\"\\u001b[31m\"]\n",
        ),
    ]);
    assert!(text.contains("a\u{fffd}[5mb") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn colour_is_added_and_nothing_else() {
    let root = project(&[("config.toml", "scale = \"x\"\n")]);
    let problems = crate::project::load(&request(&root)).unwrap_err();
    let colored = render(&problems, true);
    assert!(colored.contains("\u{1b}["), "{colored:?}");
    let mut plain = String::new();
    let mut parts = colored.split("\u{1b}[");
    plain.push_str(parts.next().unwrap());
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    assert_eq!(plain, render(&problems, false));
}

#[test]
fn types_of_credentials_of_ones_own_have_fields_and_names_of_their_own() {
    assert_snapshot!(printed(&[(
        "config.toml",
        r#"[credentials.github_token]
fields = ["token"]

[credentials.empty]
about = "nothing"

[credentials."my/api"]
fields = ["token", "../x", "token"]

[credentials.jira]
fields = ["token", "url"]
env = { JIRA_TOKEN = "tokn", PATH = "url", "A-B" = "url", JIRA_URL = 1 }
optional = ["ulr"]
public = "url"
filds = ["x"]
"#,
    )]));
}
