//! A project in a temporary directory, with its engine and gateway.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use action_llama::agent;
use action_llama::engine::{
    self, Defined, Definitions, Driver, Equipment, Facts, Handle, Host, Session,
};
use action_llama::gateway::{self, ApiKey, App, LiveSources, Pair, Setup, Tls};
use action_llama::log::LearningRedactor;
use action_llama::project::{self, Checks, Project, Request};
use action_llama::runtime::{self, Access, Process, Runtime};
use action_llama::scheduler::{Alert, Run, RunState, Who};
use action_llama::store::{FILE, Keys, Store};
use action_llama::triggers::{PROVIDERS, Secrets, Sources};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::{self, Answer, Headers};
use crate::providers::fixtures::Secret;
use crate::stage::Stage;

pub const SECRET: &str = "the secret of the default instance";
pub const OTHER_SECRET: &str = "the secret of another instance";
pub const API_KEY: &str = "a-key-of-the-operator";
/// A value that no record may hold.
pub const PLANTED: &str = "planted-secret-value";
const TOKEN_KEY: [u8; 32] = [9; 32];
/// Nothing here takes this long unless it hangs.
const HANGS: Duration = Duration::from_secs(50);

const CONFIG: &str = r#"
[webhooks.hub]
type = "github"

[webhooks.partner]
type = "github"
credential = "other"
"#;

/// Agents: `one` runs one at a time, `off` is disabled, `idle` wants nothing.
pub const AGENTS: [(&str, &str); 4] = [
    ("one", "scale = 1\n[[webhooks]]\nsource = \"hub\"\nevents = [\"issues\"]\n"),
    ("off", "scale = 0\n[[webhooks]]\nsource = \"hub\"\nevents = [\"issues\"]\n"),
    ("idle", "schedule = \"0 0 1 1 *\"\n"),
    ("partner", "scale = 4\n[[webhooks]]\nsource = \"partner\"\n"),
];

pub struct World {
    dir: TempDir,
    pub stage: Arc<Stage>,
    pub engine: Handle,
    pub addr: SocketAddr,
    pub stop: watch::Sender<bool>,
    pub gateway: JoinHandle<()>,
    pub app: Arc<App>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(tempfile::tempdir().unwrap(), &AGENTS).await
    }

    /// With these agents: name and `config.toml`.
    pub async fn with(dir: TempDir, agents: &[(&str, &str)]) -> Self {
        let agents: Vec<_> = agents.iter().map(|(name, config)| (*name, *config, "true")).collect();
        write_project(dir.path(), &agents);
        let stage = Arc::new(Stage::default());
        Self::start(dir, Arc::clone(&stage), stage).await
    }

    /// With this `config.toml` of the project, too.
    pub async fn with_config(config: &str, agents: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let agents: Vec<_> = agents.iter().map(|(name, config)| (*name, *config, "true")).collect();
        write_project(dir.path(), &agents);
        fs::write(dir.path().join("config.toml"), config).unwrap();
        let stage = Arc::new(Stage::default());
        Self::start(dir, Arc::clone(&stage), stage).await
    }

    /// The same, and with a model that so many runs may ask at once.
    pub async fn with_models(
        dir: TempDir,
        agents: &[(&str, &str)],
        model: &str,
        slots: u32,
    ) -> Self {
        let agents: Vec<_> = agents.iter().map(|(name, config)| (*name, *config, "true")).collect();
        write_project(dir.path(), &agents);
        let model =
            format!("[models.{model}]\nprovider = \"anthropic\"\nmodel = \"m\"\nslots = {slots}\n");
        fs::write(dir.path().join("config.toml"), format!("{CONFIG}{model}")).unwrap();
        let stage = Arc::new(Stage::default());
        Self::start(dir, Arc::clone(&stage), stage).await
    }

    /// With these lines in the project's `config.toml` besides.
    pub async fn with_settings(lines: &str) -> Self {
        Self::with_settings_in(tempfile::tempdir().unwrap(), &AGENTS, lines).await
    }

    /// The same with these agents, in a folder that may have something in it already.
    pub async fn with_settings_in(dir: TempDir, agents: &[(&str, &str)], lines: &str) -> Self {
        let agents: Vec<_> = agents.iter().map(|(name, config)| (*name, *config, "true")).collect();
        write_project(dir.path(), &agents);
        fs::write(dir.path().join("config.toml"), format!("{CONFIG}{lines}")).unwrap();
        let stage = Arc::new(Stage::default());
        Self::start(dir, Arc::clone(&stage), stage).await
    }

    /// With agents that really run: name, `config.toml` and a line for the shell.
    pub async fn of_programs(agents: &[(&str, &str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_project(dir.path(), agents);
        let (al, binary) = (dir.path().join(".al"), PathBuf::from(env!("CARGO_BIN_EXE_al")));
        runtime::install_tools(&al.join("bin"), &binary, &agent::COMMANDS).unwrap();
        let processes = Process::new(&al, &al.join("logs"), binary, &[]).unwrap();
        Self::start(dir, Arc::default(), Arc::new(processes)).await
    }

    /// With secrets that are read again like this.
    pub async fn reading(load: impl Fn() -> Option<Sources> + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let agents: Vec<_> = AGENTS.iter().map(|(name, config)| (*name, *config, "true")).collect();
        write_project(dir.path(), &agents);
        let stage = Arc::new(Stage::default());
        Self::start_with(dir, Arc::clone(&stage), stage, Box::new(load)).await
    }

    async fn start(dir: TempDir, stage: Arc<Stage>, runtime: Arc<dyn Runtime>) -> Self {
        Self::start_with(dir, stage, runtime, Box::new(|| None)).await
    }

    async fn start_with(
        dir: TempDir,
        stage: Arc<Stage>,
        runtime: Arc<dyn Runtime>,
        again: Box<dyn Fn() -> Option<Sources> + Send + Sync>,
    ) -> Self {
        let project = &load(dir.path());
        let listener = gateway::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let addr = listener.local_addr().unwrap();
        let defined = Defined { project: project.clone(), facts: facts(project, addr) };
        let definitions = Arc::new(Definitions::new(defined));
        let engine = start_engine(dir.path(), &definitions, runtime, addr);
        let redactor = LearningRedactor::default();
        redactor.learn(&[PLANTED.to_owned()]);
        let console = Session {
            engine: engine.clone(),
            definitions: Arc::clone(&definitions),
            logs: dir.path().join(".al/logs"),
            by: Who::console(""),
            keep_scale: Arc::new(|_, _| Ok(())),
            again: Arc::new(|_, _| Err("nothing is kept here".to_owned())),
            redactor: redactor.clone(),
            loads: Arc::new(runtime::Loads::new(&dir.path().join(".al"))),
        };
        let tls = project.config.gateway.tls.as_ref().map(|tls| {
            let (cert, key) = (dir.path().join(&tls.cert), dir.path().join(&tls.key));
            Arc::new(Tls::load(Pair { cert, key }).unwrap())
        });
        let app = Arc::new(App::new(Setup {
            engine: engine.clone(),
            definitions,
            sources: Arc::new(LiveSources::new(sources(project), again)),
            api_key: ApiKey::new(&dir.path().join("home")),
            token_key: TOKEN_KEY,
            project_dir: dir.path().to_owned(),
            redactor,
            console,
        }));
        let (stop, on_stop) = watch::channel(false);
        let gateway = tokio::spawn(gateway::serve(listener, tls, Arc::clone(&app), on_stop));
        Self { dir, stage, engine, addr, stop, gateway, app }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn key_file(&self) -> PathBuf {
        key_file(self.path())
    }

    // --- requests -------------------------------------------------------------------------------

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> Answer {
        let sent = client::send(self.addr, method, path, headers, body);
        tokio::time::timeout(HANGS, sent).await.expect("an answer")
    }

    /// With the operator's key.
    pub async fn control(&self, method: &str, path: &str, body: &str) -> Answer {
        let key = format!("Bearer {API_KEY}");
        let path = format!("/control/{path}");
        self.send(method, &path, &[("Authorization", &key)], body.as_bytes()).await
    }

    pub async fn order(&self, path: &str) -> Answer {
        self.control("POST", path, "").await
    }

    pub async fn deliver(&self, id: &str, body: &[u8]) -> Answer {
        self.deliver_signed(id, body, &sign(SECRET, body)).await
    }

    pub async fn deliver_signed(&self, id: &str, body: &[u8], signature: &str) -> Answer {
        let headers = github_headers(id, signature);
        self.send("POST", "/webhooks/github", &headers, body).await
    }

    /// A signal of the newest attempt of a run.
    pub async fn signal(&self, path: &str, run: &str, mut fields: Value) -> Answer {
        fields["secret"] = self.token(run).into();
        self.send("POST", path, &[], fields.to_string().as_bytes()).await
    }

    // --- what there is ----------------------------------------------------------------------------

    /// The token that a run was given.
    pub fn token(&self, run: &str) -> String {
        self.stage.spec(run).unwrap().gateway.unwrap().token
    }

    /// Starts an agent and waits until its program runs.
    pub async fn running(&self, agent: &str) -> String {
        let answer = self.order(&format!("trigger/{agent}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let run = answer.body["instanceId"].as_str().unwrap().to_owned();
        self.until(&run, |run| run.state == RunState::Running).await;
        run
    }

    /// Waits until the record of a run is as wanted.
    pub async fn until(&self, id: &str, wanted: impl Fn(&Run) -> bool) -> Run {
        let mut watch = self.engine.watch().await.unwrap();
        let waiting = async {
            loop {
                let run = self.engine.reader().run(id).unwrap().unwrap();
                if wanted(&run) {
                    return run;
                }
                watch.commits.recv().await.unwrap();
            }
        };
        tokio::time::timeout(HANGS, waiting).await.expect("the run to get there")
    }

    /// Waits until there is an alert with this key, or none any more; yields what it says.
    pub async fn until_alert(&self, key: &str, there: bool) -> Option<String> {
        let mut watch = self.engine.watch().await.unwrap();
        let says = |alert: &Alert| alert.fault.sentence();
        let mut now = watch.view.alerts.get(key).map(says);
        let waiting = async {
            while now.is_some() != there {
                watch.commits.recv().await.unwrap();
                now = self.engine.watch().await.unwrap().view.alerts.get(key).map(says);
            }
        };
        tokio::time::timeout(HANGS, waiting).await.expect("the alert to come or go");
        now
    }

    /// Waits until so many locks are held.
    pub async fn until_locks(&self, count: usize) {
        let mut watch = self.engine.watch().await.unwrap();
        let waiting = async {
            while self.engine.reader().locks().unwrap().len() != count {
                watch.commits.recv().await.unwrap();
            }
        };
        tokio::time::timeout(HANGS, waiting).await.expect("the locks to be as many");
    }

    /// A number from the history, through a connection of its own.
    pub fn count(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join(".al").join(FILE)).unwrap()
    }

    /// Receipts of deliveries that were taken.
    pub fn receipts(&self) -> i64 {
        self.count("SELECT count(*) FROM receipts WHERE outcome <> 'refused'")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.engine.leave();
    }
}

pub fn key_file(dir: &Path) -> PathBuf {
    dir.join("home/credentials/gateway_api_key/default/key")
}

/// A key as people write it: a file of its own, moved into place.
pub fn write_key(file: &Path, key: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let beside = file.with_extension("new");
    fs::write(&beside, format!("{key}\n")).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&beside, file).unwrap();
}

fn write_project(dir: &Path, agents: &[(&str, &str, &str)]) {
    fs::write(dir.join("config.toml"), CONFIG).unwrap();
    for (name, config, line) in agents {
        let agent = dir.join("agents").join(name);
        fs::create_dir_all(&agent).unwrap();
        fs::write(agent.join("SKILL.md"), "---\ndescription: plays\n---\nPlay.\n").unwrap();
        let run = format!(
            "[harness]\ntype = \"script\"\ncommand = '''{line}'''\n[runtime]\ntype = \"process\"\n"
        );
        fs::write(agent.join("config.toml"), format!("{config}{run}")).unwrap();
    }
    fs::create_dir_all(dir.join(".al")).unwrap();
    write_key(&key_file(dir), API_KEY);
}

fn load(dir: &Path) -> Project {
    let request = Request {
        dir: dir.to_owned(),
        environment: None,
        al_env: None,
        al_home: dir.join("home"),
        strict: true,
        checks: Checks { schedule: &|_, _| Ok(()), template: &|_| Ok(()) },
    };
    project::load(&request).unwrap().project
}

fn sources(project: &Project) -> Sources {
    let secret = |text: &str| text.as_bytes().to_vec();
    let github = BTreeMap::from([
        ("default".to_owned(), secret(SECRET)),
        ("other".to_owned(), secret(OTHER_SECRET)),
    ]);
    let mut secrets = Secrets::from([("github".to_owned(), github)]);
    for provider in PROVIDERS.iter().filter(|provider| provider.kind() != "github") {
        let Some(scheme) = &provider.signature else { continue };
        let stored = Secret(1).stored(scheme.algorithm);
        let instances = BTreeMap::from([("default".to_owned(), stored)]);
        secrets.insert(provider.kind().to_owned(), instances);
    }
    let (sources, problems) = Sources::from_project(project, &secrets);
    assert_eq!(problems, []);
    sources
}

fn facts(project: &Project, addr: SocketAddr) -> Facts {
    let agents = project.agents.iter();
    Facts {
        project: "played".to_owned(),
        environment: None,
        gateway: Some(format!("http://{addr}")),
        version: "1.2.3".to_owned(),
        pid: 4711,
        started_ms: 0,
        webhooks: vec!["github".to_owned()],
        agents: agents.map(|a| (a.name.clone(), engine::agent_facts(a, "UTC"))).collect(),
    }
}

fn start_engine(
    dir: &Path,
    definitions: &Arc<Definitions>,
    runtime: Arc<dyn Runtime>,
    addr: SocketAddr,
) -> Handle {
    let (definitions, defined) = (Arc::clone(definitions), definitions.get());
    let project = &defined.project;
    let store = Store::open(&dir.join(".al")).unwrap();
    let keys = store.keys(Keys { id_key: 5, token_key: TOKEN_KEY }).unwrap();
    let rules: Vec<_> = project
        .agents
        .iter()
        .map(|agent| (agent.name.clone(), engine::agent_rules(agent, "UTC").unwrap()))
        .collect();
    let view = store.load(&engine::project_rules(project, keys.id_key), &rules).unwrap();
    let grant = move |run: &str, attempt: u32| {
        let token = gateway::token(&TOKEN_KEY, run, attempt);
        Some(Access { url: format!("http://{addr}"), token })
    };
    let tokio = tokio::runtime::Handle::current();
    let logs = dir.join(".al/logs");
    let equipment = Equipment { al_home: dir.join("home"), ..Equipment::default() };
    let driver = |engine: &Handle| {
        Driver::new(engine, tokio, runtime, definitions, Arc::new(grant), logs, equipment)
    };
    engine::start(Host::new(store, view), driver).unwrap().0
}

// --- deliveries -----------------------------------------------------------------------------------

pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

pub fn github_headers<'a>(id: &'a str, signature: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("Content-Type", "application/json"),
        ("X-GitHub-Event", "issues"),
        ("X-GitHub-Delivery", id),
        ("X-Hub-Signature-256", signature),
    ]
}

/// An issue that `one` and `off` want.
pub fn issue() -> Vec<u8> {
    json!({
        "action": "opened",
        "repository": {"full_name": "acme/api", "owner": {"login": "acme"}},
        "issue": {"number": 12, "title": "It broke", "user": {"login": "eve"}},
        "sender": {"login": "eve"},
    })
    .to_string()
    .into_bytes()
}
