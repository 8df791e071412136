use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;

fn changed(plan: &Plan) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        let was = change.was.as_ref().map(|was| format!(" (was {was})")).unwrap_or_default();
        text.push_str(&format!("== {}{was}\n", change.file));
        text.extend(change.what.iter().map(|what| format!("-- {what}\n")));
        text.push_str(&change.after);
    }
    text.extend(plan.retired.iter().map(|file| format!("== {file} is put away\n")));
    for note in &plan.notes {
        text.push_str(&format!("!! {}: {}\n", note.file, note.what));
        if !note.hint.is_empty() {
            text.push_str(&format!("   {}\n", note.hint));
        }
    }
    text
}

fn agent_with(agent_config: &str) -> AgentFiles {
    AgentFiles {
        name: "dev".to_owned(),
        agent_config: Some(agent_config.to_owned()),
        actions: Some("Do it.\n".to_owned()),
        ..AgentFiles::default()
    }
}

/// The hook that the only step of an agent becomes.
fn hook(step: &str) -> String {
    let mut plan = Plan::default();
    agent(&agent_with(&format!("[[preflight]]\n{step}\n")), None, &mut plan);
    let document: DocumentMut = plan.changes[0].after.parse().unwrap();
    assert!(!document.contains_key("preflight"), "{:?}", plan.notes);
    document["hooks"]["pre"][0].as_str().unwrap().to_owned()
}

#[test]
fn an_agent_of_the_older_generation() {
    let mut plan = Plan::default();
    let config = "\
# The agent that writes code.
credentials = [\"github_token\"]
schedule = \"*/5 * * * *\" # often

# It needs the repository.
[[preflight]]
provider = \"git-clone\"
# shallow
params = { repo = \"acme/app\", dest = \"app\", depth = 1 }

[[preflight]]
provider = \"shell\"
required = false
[preflight.params]
command = \"cat 'a b'\"

[params]
x = 1 # one
";
    agent(&agent_with(config), None, &mut plan);
    insta::assert_snapshot!(changed(&plan));
}

#[test]
fn hooks_stand_behind_the_steps_that_came_before_them() {
    let mut plan = Plan::default();
    let files = AgentFiles {
        name: "dev".to_owned(),
        config: Some(
            "hooks.pre = [\"echo 2\"] # two\n[[preflight]]\nprovider = \"shell\"\nparams.command = \"echo 1\"\n"
                .to_owned(),
        ),
        skill: Some(String::new()),
        ..AgentFiles::default()
    };
    agent(&files, None, &mut plan);
    insta::assert_snapshot!(changed(&plan));
}

#[test]
fn steps_that_no_hook_can_stand_for_stay() {
    let check = |step: &str, why: &str| {
        let mut plan = Plan::default();
        agent(&agent_with(&format!("[[preflight]]\n{step}\n")), None, &mut plan);
        assert!(plan.changes[0].after.contains(step), "{}", plan.changes[0].after);
        assert!(plan.notes[0].what.ends_with(why), "{:?}", plan.notes);
    };
    check("provider = \"ftp\"", "there is no provider \"ftp\"");
    check("required = true", "it has no `provider`");
    check("provider = \"shell\"", "`command` is missing in its params");
    check("provider = \"http\"\nparams = { url = \"x\" }", "`output` is missing in its params");
    check("provider = \"shell\"\nparams = 1", "its `params` are no table");
    check("provider = \"shell\"\nparams = { command = [] }", "`command` must be a text");
}

/// Runs hooks as a run does, with a curl that tells what it was given.
fn run(hook: &str, env: &[(&str, &str)]) -> (Option<i32>, String, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let curl = dir.path().join("bin/curl");
    fs::create_dir(dir.path().join("bin")).unwrap();
    let script = "#!/bin/sh\nfor word; do case $word in\n@/dev/fd/3) cat /dev/fd/3;;\n\
                  /dev/fd/4) cat /dev/fd/4;;\n@-) cat; echo;;\n*) echo \"[$word]\";; esac; done\n";
    fs::write(&curl, script).unwrap();
    fs::set_permissions(&curl, fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(&curl, dir.path().join("bin/git")).unwrap();
    let path = crate::ambient::env("PATH").unwrap();
    let path = format!("{}:{path}", dir.path().join("bin").display());
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(hook).current_dir(dir.path()).env("PATH", path);
    let output = command.envs(env.iter().copied()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), said, dir)
}

#[test]
fn commands_see_variables_where_the_steps_did() {
    let check = |command: &str, said: &str| {
        let step = format!("provider = \"shell\"\nparams.command = '''{command}'''");
        let (code, found, _dir) = run(&hook(&step), &[("WHO", "it's me")]);
        assert_eq!((code, found.as_str()), (Some(0), said), "{command}");
    };
    check("echo ${WHO}", "it's me\n");
    check("printf '%s\\n' 'a ${WHO} b'", "a it's me b\n");
    check("echo 'a ${NOBODY} b'", "a ${NOBODY} b\n");
    check("echo \"it's ${WHO}\" # done", "it's it's me\n");
    check("echo $((1+1)) '$WHO' \"`echo x`\"", "2 $WHO x\n");
}

#[test]
fn output_goes_to_its_file() {
    let check = |params: &str, file: &str, expected: Option<&str>, done: bool| {
        let step = format!("provider = \"shell\"\n{params}");
        let (found, _, dir) = run(&hook(&step), &[("DEEP", "x/y")]);
        let text = fs::read_to_string(dir.path().join(file)).ok();
        assert_eq!((text.as_deref(), found == Some(0)), (expected, done), "{params}");
    };
    check(
        "params = { command = 'echo hi', output = 'a b/c/out.txt' }",
        "a b/c/out.txt",
        Some("hi\n"),
        true,
    );
    check("params = { command = 'echo hi # x', output = '${DEEP}' }", "x/y", Some("hi\n"), true);
    check("params = { command = 'echo hi', output = '${NOBODY}' }", "x", None, false);
    check("required = false\nparams = { command = 'false', output = 'o' }", "o", None, true);
    check("required = false\nparams = { command = 'exit 3', output = 'o' }", "o", None, true);
    check("params = { command = 'exit 3', output = 'o' }", "o", Some(""), false);
}

#[test]
fn requests_are_as_they_were_and_secrets_are_no_arguments() {
    let check = |step: &str, said: &str| {
        let (code, found, _dir) =
            run(&hook(&format!("provider = \"http\"\n{step}")), &[("TOKEN", "s\"3\\c$r`t")]);
        assert_eq!((code, found.as_str()), (Some(0), said), "{step}");
    };
    let begin = "[-fsSL]\n[--create-dirs]\n[-o]\n";
    check(
        "params = { url = 'https://x.test/a?b=1&c=2', output = 'o/p.json' }",
        &format!("{begin}[o/p.json]\n[--url]\n[https://x.test/a?b=1&c=2]\n"),
    );
    check(
        "params = { url = 'https://x.test', output = 'o', method = 'POST', body = \"it's\", \
         headers = { accept = 'a/b', Authorization = 'Bearer ${TOKEN} $x' } }",
        &format!(
            "{begin}[o]\n[-X]\n[POST]\n[-H]\n[accept: a/b]\n[-H]\n\
             [content-type: text/plain;charset=UTF-8]\n[-H]\nAuthorization: Bearer s\"3\\c$r`t $x\n\
             [--url]\n[https://x.test]\n[--data-raw]\n[it's]\n"
        ),
    );
    check(
        "required = false\nparams = { url = 'https://x.test/${TOKEN}', output = 'o', method = 'PUT', \
         body = '{\"t\": \"${TOKEN}\"}', headers = { Content-Type = 'application/json' } }",
        &format!(
            "{begin}[o]\n[-X]\n[PUT]\n[-H]\n[Content-Type: application/json]\n[-K]\n\
             url = \"https://x.test/s\"3\\c$r`t\"\n[--data-binary]\n{{\"t\": \"s\"3\\c$r`t\"}}\n"
        ),
    );
    // A variable that is not set fails the step.
    let step =
        "provider = \"http\"\nparams = { url = 'u', output = 'o', headers = { a = '${NOBODY}' } }";
    assert_ne!(run(&hook(step), &[]).0, Some(0));
    assert_eq!(run(&hook(&format!("required = false\n{step}")), &[]).0, Some(0));
}

#[test]
fn repositories_are_cloned_as_the_credentials_allow() {
    let check = |credentials: &str, repo: &str, address: &str| {
        let config = format!(
            "credentials = [{credentials}]\n[[preflight]]\nprovider = \"git-clone\"\n\
             params = {{ repo = '{repo}', dest = 'd', branch = 'b' }}\n"
        );
        let mut plan = Plan::default();
        agent(&agent_with(&config), None, &mut plan);
        let document: DocumentMut = plan.changes[0].after.parse().unwrap();
        let hook = document["hooks"]["pre"][0].as_str().unwrap();
        let (code, found, _dir) = run(hook, &[("REPO", "acme/app"), ("NAME", "app")]);
        let said = format!("[clone]\n[--branch]\n[b]\n[--]\n[{address}]\n[d]\n");
        assert_eq!((code, found), (Some(0), said), "{repo}");
    };
    check("", "acme/app", "git@github.com:acme/app.git");
    check("'github_token'", "acme/app", "https://github.com/acme/app.git");
    check("'github_token', 'git_ssh:bot'", "acme/app", "git@github.com:acme/app.git");
    check("'github_token'", "acme/${NAME}", "https://github.com/acme/app.git");
    check("'github_token'", "${REPO}", "https://github.com/acme/app.git");
    check("", "https://x.test/${NAME}.git", "https://x.test/app.git");
    check("", "/srv/app", "/srv/app");
}

#[test]
fn a_project_of_the_older_generation() {
    let files = ProjectFiles {
        config: Some(
            "# Ours.\nmaxTriggerDepth = 4 # deep\n\n# The model for all.\n[model]\nprovider = \"anthropic\"\n\
             model = \"claude-sonnet-4\" # good\n\n[gateway]\nlockTimeout = 60\n\n[webhooks.github]\ntype = \"github\"\n"
                .to_owned(),
        ),
        env: Some(
            "# mine\nprojectName = \"acme\"\n\n[agents.dev]\nscale = 3\n\n[cloud]\nprovider = \"cloud-run\"\n\
             artifactRegistry = \"r\" # images\n"
                .to_owned(),
        ),
        environments: vec![(
            "prod".to_owned(),
            "[cloud]\nprovider = \"vps\" # rented\nhost = \"h.test\"\nsshUser = \"ops\" # not root\n".to_owned(),
        )],
        agents: vec![
            agent_with("schedule = \"* * * * *\"\n\n# cheap\n[model]\nprovider = \"openai\"\nmodel = \"gpt-5.4-mini\"\n"),
            AgentFiles {
                name: "review".to_owned(),
                agent_config: Some("[params]\nx = 1\n\n[[webhooks]]\nsource = \"github\"\n".to_owned()),
                actions: Some("---\nReview.\n".to_owned()),
                ..AgentFiles::default()
            },
            AgentFiles {
                name: "same".to_owned(),
                agent_config: Some(
                    "[model]\nmodel = \"claude-sonnet-4\"\nprovider = \"anthropic\"\n".to_owned(),
                ),
                actions: Some(String::new()),
                ..AgentFiles::default()
            },
        ],
        package: Some(
            "{\"name\": \"acme\", \"private\": true, \"dependencies\": {\"@action-llama/action-llama\": \"^0.13\"}}"
                .to_owned(),
        ),
        gitignore: Some("node_modules\n.env.toml".to_owned()),
        mcp: Some("{\"mcpServers\": {\"action-llama\": {}}}".to_owned()),
        has_history: false,
        leftovers: vec!["package-lock.json".to_owned(), "node_modules".to_owned()],
    };
    let plan = project(&files);
    insta::assert_snapshot!(changed(&plan));
}

#[test]
fn a_project_that_is_present_has_no_plan() {
    let files = ProjectFiles {
        config: Some("workQueueSize = 20\n[local]\ntimeout = 3600\n[models.m]\nprovider = \"x\"\nmodel = \"y\"\n".to_owned()),
        env: Some("environment = \"prod\"\n".to_owned()),
        environments: vec![("prod".to_owned(), "[server]\nhost = \"h\"\n".to_owned())],
        agents: vec![AgentFiles {
            name: "dev".to_owned(),
            config: Some("models = [\"m\"]\n".to_owned()),
            skill: Some(String::new()),
            ..AgentFiles::default()
        }],
        package: Some("{\"dependencies\": {\"left-pad\": \"1\"}}".to_owned()),
        gitignore: Some("/.al/\n.env.toml\n".to_owned()),
        ..ProjectFiles::default()
    };
    assert_eq!(project(&files), Plan::default());
}

#[test]
fn what_is_different_is_told_of_projects_that_come_from_there() {
    let check = |env: Option<&str>, has_history: bool, wanted: &[&str]| {
        let files = ProjectFiles {
            config: Some("workQueueSize = 20\n".to_owned()),
            env: env.map(str::to_owned),
            agents: vec![AgentFiles {
                name: "dev".to_owned(),
                config: Some("models = []\n".to_owned()),
                skill: Some(String::new()),
                ..AgentFiles::default()
            }],
            has_history,
            ..ProjectFiles::default()
        };
        let plan = project(&files);
        let said: Vec<&str> = plan.notes.iter().map(|note| note.what.as_str()).collect();
        assert_eq!(said, wanted);
    };
    let time = "runs without a `timeout` end after 900 s here, 3600 s there";
    check(None, true, &[time]);
    check(Some("[local]\ntimeout = 60\n"), true, &[]);
    check(None, false, &[]);
}

#[test]
fn what_is_not_toml_is_left_alone() {
    let mut files = agent_with("credentials = [\n");
    let mut plan = Plan::default();
    agent(&files, None, &mut plan);
    assert_eq!(plan.changes[0].after, "credentials = [\n", "under its present name");
    files.config = Some("also = = broken".to_owned());
    plan = Plan::default();
    agent(&files, None, &mut plan);
    assert_eq!(plan.changes.len(), 1, "only the instructions: {plan:?}");
    let broken = ProjectFiles {
        config: Some("model = = 1".to_owned()),
        env: Some("[agents".to_owned()),
        package: Some("{".to_owned()),
        ..ProjectFiles::default()
    };
    assert_eq!(project(&broken), Plan::default());
}

#[test]
fn files_of_other_systems_keep_their_line_ends() {
    let mut plan = Plan::default();
    let config =
        "\u{feff}# one\r\n[[preflight]]\r\nprovider = \"shell\"\r\nparams.command = \"ls\"\r\n";
    agent(&agent_with(config), None, &mut plan);
    let after = &plan.changes[0].after;
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{after:?}");
    assert!(after.contains("\"ls\",\r\n]"), "{after:?}");
}
