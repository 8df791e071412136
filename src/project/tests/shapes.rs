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
        let config = format!("[webhooks.here]\ntype = \"{}\"\n", provider.kind);
        let filters: String =
            provider.filters.iter().map(|f| format!("{f} = [\"{f} value\"]\n")).collect();
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
        let mut expected = provider.filters.to_vec();
        expected.sort_unstable();
        assert_eq!(kept, expected, "{}", provider.kind);
    }
}
