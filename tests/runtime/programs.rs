//! What a program is, what it gets, and what a person reads when it does not start.

use std::os::unix::fs::PermissionsExt;

use action_llama::project::ScriptCommand;
use action_llama::runtime::{Access, Error, Exit, ExitWhy, Runtime};
use serde_json::json;

use crate::world::{World, exited, timeless};

fn program(words: &[&str]) -> ScriptCommand {
    ScriptCommand::Program(words.iter().map(|word| (*word).to_owned()).collect())
}

#[tokio::test]
async fn a_program_is_found_in_the_agents_folder_then_on_the_path() {
    let world = World::new();
    world.file("run.sh", 0o755, "#!/bin/sh\necho mine \"$@\"\n");
    for (command, want) in [
        (program(&["run.sh", "a b", "$HOME"]), "mine a b $HOME"),
        (program(&["./run.sh"]), "mine"),
        (program(&["echo", "from the path"]), "from the path"),
        (program(&["/bin/echo", "absolute"]), "absolute"),
        (ScriptCommand::Line("echo $((1 + 1))".to_owned()), "2"),
    ] {
        let mut spec = world.spec(command);
        spec.run = format!("a-{}", want.len());
        world.run(spec).await;
        assert_eq!(world.output().last().unwrap().trim_end(), want);
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_executed_says_what_to_do() {
    let world = World::new();
    world.file("plain.sh", 0o644, "#!/bin/sh\n");
    world.file("lost.sh", 0o755, "#!/no/such/interpreter -x\n");
    world.file("dos.sh", 0o755, "#!/bin/sh\r\necho\r\n");
    world.file("text", 0o755, "just words\n");
    std::fs::create_dir(world.path().join("agents/a/folder")).unwrap();
    for (number, (command, code, want)) in [
        (program(&["gone.sh"]), 127, r#"no program "gone.sh": it is neither in agents/a nor on PATH"#),
        (program(&["./gone.sh"]), 127, "no such file: agents/a/./gone.sh"),
        (program(&["/gone.sh"]), 127, "no such file: /gone.sh"),
        (program(&[]), 127, "the agent's command is empty"),
        (program(&["plain.sh"]), 126, "not executable: run `chmod +x agents/a/plain.sh`"),
        (
            program(&["lost.sh"]),
            126,
            "the interpreter of agents/a/lost.sh does not exist: its first line says \
             `#!/no/such/interpreter -x`",
        ),
        (
            program(&["dos.sh"]),
            126,
            "agents/a/dos.sh has Windows line endings: remove the carriage returns (its first line \
             is \"/bin/sh\\r\")",
        ),
        (
            program(&["text"]),
            126,
            "agents/a/text is no program: put its interpreter into the first line, as in `#!/bin/sh`",
        ),
        (program(&["./folder"]), 126, "agents/a/./folder is a directory, not a program"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut spec = world.spec(command);
        spec.attempt = number as u32 + 1;
        let exit = timeless(world.run(spec).await);
        let why = ExitWhy::CannotExecute { message: want.to_owned() };
        assert_eq!(exit, Exit { why, ..exited(code) });
        assert_eq!(world.messages().last().unwrap(), &format!("run could not start: {want}"));
    }
}

#[tokio::test]
async fn the_environment_is_the_runs_own() {
    let world = World::new();
    let mut spec = world.line("env");
    spec.env = vec![("TOKEN".to_owned(), "visible".to_owned())];
    spec.gateway = Some(Access { url: "http://localhost:1".into(), token: "t0ken-of-run".into() });
    world.run(spec).await;
    let dir = world.path().to_str().unwrap();
    let mut got: Vec<String> = world
        .output()
        .iter()
        .map(|line| line.replace(dir, "<project>"))
        // What a shell sets by itself, and what this machine passes on.
        .filter(|line| !["PWD=", "SHLVL=", "_=", "OLDPWD="].iter().any(|own| line.starts_with(own)))
        .filter(|line| !["TZ=", "LANG", "LC_", "TMPDIR="].iter().any(|own| line.starts_with(own)))
        .collect();
    got.sort();
    let path = action_llama::ambient::env("PATH").unwrap();
    let secret = got.iter().find(|line| line.starts_with("SHUTDOWN_SECRET=")).unwrap().clone();
    assert!(!secret.contains("t0ken-of-run"), "a log never shows the token");
    let want = [
        "AL_AGENT=a".to_owned(),
        "AL_AGENT_DIR=<project>/agents/a".to_owned(),
        "AL_ENV_FILE=<project>/.al/runs/a-1/1/env.sh".to_owned(),
        "AL_INSTANCE_ID=a-1".to_owned(),
        "AL_PARAMS_FILE=<project>/.al/runs/a-1/1/params.json".to_owned(),
        "AL_SIGNAL_DIR=<project>/.al/runs/a-1/1/signals".to_owned(),
        "AL_TRIGGER_FILE=<project>/.al/runs/a-1/1/trigger.json".to_owned(),
        "AL_WORK_DIR=<project>/.al/runs/a-1/work".to_owned(),
        "GATEWAY_URL=http://localhost:1".to_owned(),
        "HOME=<project>/.al/runs/a-1/work".to_owned(),
        format!("PATH=<project>/.al/bin:{path}"),
        secret,
        "TOKEN=visible".to_owned(),
    ];
    assert_eq!(got, want);
}

#[tokio::test]
async fn trigger_and_params_arrive_and_nobody_else_can_read_them() {
    let world = World::new();
    let mut spec = world.line(r#"cat; cat "$AL_TRIGGER_FILE"; echo; cat "$AL_PARAMS_FILE"; pwd"#);
    spec.trigger = json!({"type": "webhook", "source": "github", "event": "issues", "action": "opened", "title": "ü\n"});
    spec.params = json!({"z": 1, "a": [true]});
    world.run(spec).await;
    let trigger =
        r#"{"type":"webhook","source":"github","event":"issues","action":"opened","title":"ü\n"}"#;
    let work = world.attempt().work();
    let params = format!(r#"{{"z":1,"a":[true]}}{}"#, work.display());
    assert_eq!(world.output(), [trigger, trigger, &params]);
    assert_eq!(world.messages()[0], "run started (github issues opened)");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let attempt = world.attempt();
    assert_eq!(
        [
            &attempt.trigger(),
            &attempt.params(),
            &attempt.claim(),
            &attempt.exit(),
            &attempt.env_file()
        ]
        .map(|p| mode(p)),
        [0o600; 5]
    );
    assert_eq!([attempt.dir(), &work, &attempt.signals()].map(mode), [0o700; 3]);
}

#[tokio::test]
async fn a_run_id_never_leaves_the_directory_of_runs() {
    let world = World::new();
    for run in ["", ".", "..", "../x", "a/b", "a b", ".hidden"] {
        let mut spec = world.line("true");
        spec.run = run.to_owned();
        let error = world.runtime.start(spec).await.unwrap_err();
        assert!(matches!(error, Error::BadRunId(_)), "{error}");
    }
}
