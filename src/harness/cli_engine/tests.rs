use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Map, json};

use super::probe::probe_in;
use super::*;
use crate::harness::{Job, Thinker, claude, codex};
use crate::llm::{Auth, ModelSpec, Price};

/// A model `m` of a provider.
pub fn spec(provider: &str) -> ModelSpec {
    ModelSpec {
        name: "m".to_owned(),
        provider: provider.to_owned(),
        model: "big".to_owned(),
        base_url: None,
        auth: Auth::None,
        thinking: None,
        context_window: None,
        max_tokens: None,
        headers: Default::default(),
        slots: None,
        price: None,
        file: None,
    }
}

pub fn job(models: Vec<ModelSpec>) -> Job {
    Job {
        run: "dev-1a2b3c4d".to_owned(),
        attempt: 1,
        agent: "dev".to_owned(),
        engine: Thinker::Claude,
        place: crate::harness::Place::Process,
        skill: String::new(),
        agent_dir: PathBuf::new(),
        shared_dir: None,
        trigger: json!({}),
        params: Map::new(),
        credentials: Vec::new(),
        hooks_pre: Vec::new(),
        hooks_post: Vec::new(),
        preflight: Vec::new(),
        models,
        compact_at: 0.8,
        record: None,
        secrets: Vec::new(),
    }
}

/// A machine with a program of this name, which is a shell script.
struct Machine {
    dir: tempfile::TempDir,
    place: Place,
}

impl Machine {
    fn with(program: &str, script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let path = bin.join(program);
        // Written by another process: a file that this one had open for writing cannot be run while
        // a program that another test has just started still holds it.
        let mut writer = std::process::Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod +x \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        write!(writer.stdin.take().unwrap(), "#!/bin/sh\n{script}\n").unwrap();
        assert!(writer.wait().unwrap().success());
        let place =
            Place { path: Some(bin.into_os_string()), work_dir: Some(dir.path().to_owned()) };
        Self { dir, place }
    }

    fn left(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.dir.path().join(file)).ok()
    }

    /// What comes of a run of Claude Code with this script.
    async fn claude(&self, meter: &mut Meter) -> End {
        let model = ModelSpec { auth: Auth::Key("k".to_owned()), ..spec("anthropic") };
        let invocation = claude::invocation(&job(vec![model]), "system", "user").unwrap();
        run(&invocation, &mut claude::Claude::default(), &self.place, meter).await
    }

    async fn codex(&self, meter: &mut Meter) -> End {
        let price = Some(Price { input: 1.0, output: 10.0, cache_read: 0.1, cache_write: 0.0 });
        let model = ModelSpec { price, auth: Auth::Key("k".to_owned()), ..spec("openai") };
        let invocation = codex::invocation(&job(vec![model]), "system", "user").unwrap();
        run(&invocation, &mut codex::Codex::default(), &self.place, meter).await
    }
}

const CLAUDE: &str = r#"cat > prompt
printf '%s\n' "$@" > args
printf '%s' "$ANTHROPIC_API_KEY" > key
echo 'a warning' >&2
printf '{"type":"system","subtype":"init"}\n{"type":"assi'
printf 'stant","message":{"id":"m1","content":[{"type":"text","text":"H\303'
printf '\251llo"}],"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
echo 'this is no event'
printf '{"type":"result","subtype":"success","is_error":false,"result":"Héllo","total_cost_usd":0.25,"usage":{"input_tokens":10,"output_tokens":20}}'
"#;

#[tokio::test]
async fn prompt_goes_in_and_result_usage_and_cost_come_out() {
    let machine = Machine::with("claude", &format!("PATH=/usr/bin:/bin\n{CLAUDE}"));
    let mut meter = Meter::default();
    assert_eq!(machine.claude(&mut meter).await, End::with_text("Héllo".into()));
    let spent = meter.spent();
    assert_eq!(
        (spent.input_tokens, spent.output_tokens, spent.cost_micros, spent.turns),
        (10, 20, Some(250_000), 1)
    );
    assert_eq!(machine.left("prompt").as_deref(), Some("user"));
    assert_eq!(machine.left("key").as_deref(), Some("k"));
    let args = machine.left("args").unwrap();
    assert!(args.contains("--append-system-prompt\nsystem\n") && args.contains("--model\nbig\n"));
}

#[tokio::test]
async fn codex_is_priced_by_what_the_project_says() {
    let machine = Machine::with(
        "codex",
        r#"echo '{"type":"item.completed","item":{"id":"i","type":"agent_message","text":"ok"}}'
echo '{"type":"turn.completed","usage":{"input_tokens":1500,"cached_input_tokens":500,"output_tokens":100}}'"#,
    );
    let mut meter = Meter::default();
    assert_eq!(machine.codex(&mut meter).await, End::with_text("ok".into()));
    assert_eq!(meter.spent().cost_micros, Some(1000 + 1000 + 50));
}

#[tokio::test]
async fn however_it_ends_the_reason_is_said() {
    let failed = r#"echo '{"type":"result","subtype":"success","is_error":true,"result":"API Error: 529 x"}'; exit 1"#;
    let done = r#"echo '{"type":"result","subtype":"success","result":"ok"}'"#;
    for (script, code, why) in [
        (failed, 12, "claude cannot reach its model: API Error: 529 x"),
        (
            "echo 'no login' >&2; exit 3",
            1,
            "claude ended with exit code 3 before it had a result: no login",
        ),
        ("exit 0", 1, "claude ended with exit code 0 before it had a result"),
        ("kill -9 $$", 1, "claude was ended by signal 9 before it had a result"),
        (&format!("{done}; exit 2"), 1, "claude ended with exit code 2 after its result"),
        (
            r#"printf '{"type":"result","subtype":"succ'"#,
            1,
            "claude ended with exit code 0 before it had a result",
        ),
        (
            r#"echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":401,"result":"no"}'"#,
            1,
            "claude cannot sign in: no; check the credential of the model m",
        ),
    ] {
        let end = Machine::with("claude", script).claude(&mut Meter::default()).await;
        assert_eq!((end.code, end.why.as_deref()), (code, Some(why)), "{script}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_with_what_to_install() {
    let end = Machine::with("other", "").claude(&mut Meter::default()).await;
    let why = "there is no program claude on the PATH: npm install -g @anthropic-ai/claude-code";
    assert_eq!(end, End::aborted(why));
}

#[tokio::test]
async fn a_process_that_keeps_the_pipes_open_is_not_waited_for() {
    let script = r#"PATH=/usr/bin:/bin
sleep 1000 & echo $! > child
echo '{"type":"result","subtype":"success","result":"ok"}'"#;
    let machine = Machine::with("claude", script);
    assert_eq!(machine.claude(&mut Meter::default()).await.code, 0);
    let pid = machine.left("child").unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_huge_line_and_much_output_are_read() {
    let script = r#"PATH=/usr/bin:/bin
printf '{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"'
head -c 3000000 /dev/zero | tr '\0' x
printf '"}]}}\n'
i=0; while [ $i -lt 2000 ]; do echo '{"type":"noise","n":1}'; i=$((i+1)); done
echo '{"type":"result","subtype":"success","result":"ok"}'"#;
    let machine = Machine::with("claude", script);
    assert_eq!(machine.claude(&mut Meter::default()).await.code, 0);
}

#[tokio::test]
async fn what_can_be_told_of_an_engine_without_asking_anybody() {
    let machine = Machine::with("claude", "echo '2.1.0 (Claude Code)'");
    let home = machine.dir.path();
    let found = probe_in("claude", &machine.place, home, |_| false).await;
    assert_eq!(found.version.as_deref(), Ok("2.1.0 (Claude Code)"));
    assert_eq!(found.path, Some(home.join("bin/claude")));
    assert_eq!(found.sign_in, SignIn::Nothing);

    let file = home.join(".claude/.credentials.json");
    fs::create_dir(home.join(".claude")).unwrap();
    fs::write(&file, "{}").unwrap();
    let found = probe_in("claude", &machine.place, home, |_| false).await;
    assert_eq!(found.sign_in, SignIn::File(file));
    let found = probe_in("claude", &machine.place, home, |name| name == "ANTHROPIC_API_KEY").await;
    assert_eq!(found.sign_in, SignIn::Variable("ANTHROPIC_API_KEY"));

    let missing = probe_in("codex", &machine.place, home, |_| false).await;
    assert_eq!(missing.path, None);
    assert!(missing.version.unwrap_err().contains("on the PATH"));
    let broken = Machine::with("codex", "exit 1");
    assert!(probe_in("codex", &broken.place, home, |_| false).await.version.is_err());
}
