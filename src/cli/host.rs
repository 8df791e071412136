//! Puts a scheduler together: the only place where all rooms meet.

mod secrets;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime as Tokio;
use tokio::sync::watch;
use tracing_subscriber::layer::SubscriberExt as _;

use secrets::{Secrets, live_sources};

use super::images::Builder;
use super::reload::Reload;
use super::{Context, running};
use crate::agent;
use crate::ambient;
use crate::docker;
use crate::docker::image::How;
use crate::engine::{
    self, Again, Defined, Definitions, Driver, Equipment, Facts, Grant, Handle, Host, KeepScale,
    Session,
};
use crate::failure::Failure;
use crate::gateway::{self, LiveSources};
use crate::log::{EventLog, Guard, Redactor, SCHEDULER};
use crate::project::kit::{self, Kits};
use crate::project::{self, Agent, Project, RuntimeKind};
use crate::runtime::{self, Access, Loads, Process};
use crate::scheduler::{AgentRules, ProjectRules, Who};
use crate::store::{Keys, Lock, Store};

/// Where in a project the scheduler keeps what is its own.
#[derive(Debug, Clone)]
pub struct Places {
    pub al: PathBuf,
    pub logs: PathBuf,
}

impl Places {
    pub fn of(project_dir: &Path) -> Self {
        Self::at(project_dir.join(".al"))
    }

    /// Everything of a scheduler in this folder.
    pub fn at(al: PathBuf) -> Self {
        Self { logs: al.join("logs"), al }
    }

    /// What the project's containers are labelled with: the same by whatever way somebody came.
    pub fn label(&self) -> String {
        let al = fs::canonicalize(&self.al).or_else(|_| std::path::absolute(&self.al));
        al.unwrap_or_else(|_| self.al.clone()).display().to_string()
    }

    /// The file that says where a running scheduler listens.
    pub fn gateway(&self) -> PathBuf {
        self.al.join(running::FILE)
    }
}

/// How a host is to be put together.
pub struct Plan {
    pub project: Project,
    pub places: Places,
    pub port: u16,
    pub expose: bool,
    /// Schedules fire and webhooks are taken; without it only what is asked for runs.
    pub whole: bool,
    /// Where the traffic of runs with their models is kept.
    pub record: Option<PathBuf>,
    /// No registry is asked for images.
    pub offline: bool,
}

impl Plan {
    /// A host for single runs, which only this process knows of.
    pub fn single(project: Project, places: Places) -> Self {
        Self { project, places, port: 0, expose: false, whole: false, record: None, offline: false }
    }
}

/// A running scheduler.
pub struct Hosted {
    pub engine: Handle,
    pub definitions: Arc<Definitions>,
    pub places: Places,
    session: Session,
    builder: Arc<Builder>,
    gateway_stop: watch::Sender<bool>,
    gateway: tokio::task::JoinHandle<((), ())>,
    writer: JoinHandle<io::Result<()>>,
    _log: Option<Guard>,
    _lock: Lock,
}

impl Hosted {
    /// Puts a scheduler together and starts it.
    ///
    /// # Errors
    /// When another one owns the project, the port is taken, or `.al` cannot be used.
    pub fn start(tokio: &Tokio, plan: Plan, context: &Context) -> Result<Self, Failure> {
        let places = plan.places.clone();
        make_dirs(&places)?;
        let lock = lock(&places)?;
        let door = Door::open(tokio, &plan)?;
        let url = door.url.clone();
        let secrets = Secrets::load(&plan, context)?;
        let log = start_log(&places, &secrets);
        let zone = ambient::host_zone();
        let (host, keys) = history(&plan, &zone)?;

        let binary = own_binary()?;
        let process = process(&places, &binary)?;
        let how = How { offline: plan.offline, fresh: false };
        let builder = Arc::new(Builder::new(container_binary(&binary), places.label(), how));
        let equipment = Equipment {
            al_home: context.al_home.clone(),
            binary,
            record: plan.record,
            images: Some(builder.clone()),
            label: places.label(),
            hidden: secrets.known.clone(),
            redactor: secrets.redactor.clone(),
        };
        let facts = facts(&plan.project, &url, &zone);
        let defined = Defined { project: plan.project, facts };
        let definitions = Arc::new(Definitions::new(defined));
        let grant = grant(url.clone(), keys.token_key);
        let driver = |engine: &Handle| {
            let tokio = tokio.handle().clone();
            let logs = places.logs.clone();
            let definitions = Arc::clone(&definitions);
            Driver::new(engine, tokio, Arc::new(process), definitions, grant, logs, equipment)
        };
        let (engine, writer) = engine::start(host, driver)?;

        let live = Arc::new(if plan.whole {
            let redactor = secrets.redactor.clone();
            live_sources(secrets.sources, secrets.of_senders, redactor, &definitions, context)
        } else {
            LiveSources::fixed(secrets.sources)
        });
        let session = Session {
            engine: engine.clone(),
            definitions: Arc::clone(&definitions),
            logs: places.logs.clone(),
            by: Who::console(&ambient::user()),
            keep_scale: keep_scale(&definitions),
            again: again(&engine, &live),
            redactor: secrets.redactor.clone(),
            loads: Arc::new(Loads::new(&places.al)),
        };
        let (gateway_stop, stopped) = watch::channel(false);
        let app = Arc::new(gateway::App::new(gateway::Setup {
            engine: engine.clone(),
            definitions: Arc::clone(&definitions),
            sources: Arc::clone(&live),
            api_key: gateway::ApiKey::new(&context.al_home),
            token_key: keys.token_key,
            project_dir: definitions.get().project.dir.clone(),
            redactor: secrets.redactor,
            console: session.clone(),
        }));
        let gateway = door.serve(tokio, app, stopped, &places)?;
        write_gateway_file(&places, &url, definitions.get().project.environment.as_deref())?;
        let agents = definitions.get().project.agents.len();
        tracing::info!(target: "host", %url, agents, "scheduler started");
        let hosted = Self {
            engine,
            definitions,
            places,
            session,
            builder,
            gateway_stop,
            gateway,
            writer,
            _log: log,
            _lock: lock,
        };
        if plan.whole {
            hosted.follow_project(tokio, live, context.clone(), zone, keys.id_key);
        }
        Ok(hosted)
    }

    /// Builds the images that the project needs, and takes over what is edited in it.
    fn follow_project(
        &self,
        tokio: &Tokio,
        sources: Arc<LiveSources>,
        context: Context,
        zone: String,
        id_key: u32,
    ) {
        let (engine, definitions) = (self.engine.clone(), Arc::clone(&self.definitions));
        let build = Arc::clone(&self.builder).build_all(engine.clone(), Arc::clone(&definitions));
        tokio.spawn(build);
        tokio.spawn(Reload { engine, definitions, sources, context, zone, id_key }.run());
    }

    /// Whom to tell how far builds of images are.
    pub fn tell_builds(&self, hear: super::images::Hear) {
        self.builder.tell(hear);
    }

    /// A console's way in.
    pub fn session(&self) -> Session {
        self.session.clone()
    }

    /// Ends what still runs of the host. Runs in flight go on; the next start adopts them.
    ///
    /// # Errors
    /// When the scheduler had ended before, because the disk failed or by a bug.
    pub fn end(self, tokio: &Tokio) -> Result<(), Failure> {
        let _ = fs::remove_file(self.places.gateway());
        // First the gateway: what it has accepted is answered while somebody can write it down.
        let _ = self.gateway_stop.send(true);
        let _ = tokio.block_on(self.gateway);
        self.engine.leave();
        let ended = self.writer.join();
        tracing::info!(target: "host", "scheduler ended");
        let again = "start it again: runs in flight went on and are adopted";
        let kept = ended.map_err(|_| {
            Failure::internal("writer_died", "the scheduler broke down; nothing on disk is lost")
                .hint(again)
        })?;
        kept.map_err(|error| {
            let message = format!("the scheduler ended, because its disk keeps nothing: {error}");
            Failure::upstream("disk_failed", message)
                .hint("look at the disk that the project is on (`dmesg`) before the next start")
                .hint(again)
        })
    }
}

/// Where the gateway listens to the world, before anybody is answered.
struct Door {
    listener: TcpListener,
    tls: Option<Arc<gateway::Tls>>,
    /// Where commands on this machine find it.
    url: String,
}

impl Door {
    fn open(tokio: &Tokio, plan: &Plan) -> Result<Self, Failure> {
        let addr = SocketAddr::new(address(plan.expose), plan.port);
        let listener = tokio.block_on(async { gateway::bind(addr) })?;
        let local = listener.local_addr().map_err(|e| {
            Failure::upstream("port_unknown", format!("the gateway's port cannot be told: {e}"))
        })?;
        let url = format!("http://127.0.0.1:{}", local.port());
        Ok(Self { listener, tls: certificate(&plan.project)?, url })
    }

    /// Answers whoever comes, and on a socket of their own the runs in containers, until it is
    /// stopped.
    fn serve(
        self,
        tokio: &Tokio,
        app: Arc<gateway::App>,
        stopped: watch::Receiver<bool>,
        places: &Places,
    ) -> Result<tokio::task::JoinHandle<((), ())>, Failure> {
        let folder = places.al.join(runtime::BOX_DIR);
        let socket = {
            let _context = tokio.enter();
            gateway::bind_socket(&folder, runtime::BOX_SOCKET)
                .map_err(|e| unwritable(places, &folder, &e))?
        };
        let inside = gateway::serve_containers(socket, Arc::clone(&app), stopped.clone());
        let outside = gateway::serve(self.listener, self.tls, app, stopped);
        Ok(tokio.spawn(async { tokio::join!(inside, outside) }))
    }
}

/// What is kept of the project, with the rules that go on with it.
fn history(plan: &Plan, zone: &str) -> Result<(Host, Keys), Failure> {
    let store = Store::open(&plan.places.al)?;
    let keys = store.keys(Keys { id_key: u32::from_be_bytes(random()?), token_key: random()? })?;
    let (rules, agents) = rules_of(&plan.project, keys.id_key, zone, plan.whole)
        .map_err(|why| Failure::config("bad_schedule", why))?;
    let mut view = store.load(&rules, &agents)?;
    if !plan.whole {
        view.from_seq = view.next_run;
    }
    Ok((Host::new(store, view), keys))
}

/// What starts runs on this machine, with the commands that they find there.
fn process(places: &Places, binary: &Path) -> Result<Process, Failure> {
    let process = Process::new(&places.al, &places.logs, binary.to_owned(), &agent::COMMANDS)
        .map_err(runtime)?;
    runtime::install_tools(&places.al.join("bin"), binary, &agent::COMMANDS).map_err(runtime)?;
    Ok(process)
}

/// Why every run of this agent would fail, as far as that can be told.
pub(super) fn cannot_run(agent: &Agent, kits: &mut Kits<'_>) -> Option<String> {
    let lacks = || {
        let kit = kits.kit(&agent.credentials, engine::bearer(agent));
        kit.err().map(|lacks| kit::complaint(&lacks))
    };
    cannot_start(agent).or_else(lacks)
}

/// Why no run of this agent could start, whatever credentials there are.
pub(super) fn cannot_start(agent: &Agent) -> Option<String> {
    match agent.runtime.kind {
        RuntimeKind::Process => {
            runtime::missing_program(agent.engine.command.as_ref()?, &agent.dir)
        }
        // What is there is up to the image, or to the user.
        RuntimeKind::HostUser => None,
        RuntimeKind::Container => Some(docker::connect(&ambient::env).err()?.advice()),
    }
}

fn make_dirs(places: &Places) -> Result<(), Failure> {
    for dir in [&places.al, &places.logs] {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|e| unwritable(places, dir, &e))?;
    }
    Ok(())
}

/// What to do about a file of ours that cannot be written.
fn unwritable(places: &Places, file: &Path, error: &io::Error) -> Failure {
    let al = places.al.display();
    let failure = Failure::upstream(
        "al_unwritable",
        format!("{} cannot be written: {error}", file.display()),
    );
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failure.hint(format!("free some space there: df -h {al}"))
        }
        io::ErrorKind::ReadOnlyFilesystem => failure
            .hint("a scheduler needs a disk that can be written: history and logs are there")
            .hint(format!("which disk that is: df {al}")),
        _ => failure
            .hint(format!("{al} has to be a directory that you own"))
            .hint(format!("look at it: ls -ld {al}")),
    }
}

fn lock(places: &Places) -> Result<Lock, Failure> {
    let taken = Lock::take(&places.al, std::process::id())
        .map_err(|e| unwritable(places, &places.al.join("lock"), &e))?;
    taken.map_err(|taken| {
        let who = taken.pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
        Failure::upstream("already_running", format!("a scheduler owns this project already{who}"))
            .hint("look at it: al stat")
            .hint("end it: al stop")
    })
}

/// What the gateway proves itself with, as the project says.
fn certificate(project: &Project) -> Result<Option<Arc<gateway::Tls>>, Failure> {
    let Some(tls) = &project.config.gateway.tls else { return Ok(None) };
    let pair = gateway::Pair { cert: project.dir.join(&tls.cert), key: project.dir.join(&tls.key) };
    Ok(Some(Arc::new(gateway::Tls::load(pair)?)))
}

fn address(expose: bool) -> IpAddr {
    if expose { Ipv4Addr::UNSPECIFIED.into() } else { Ipv4Addr::LOCALHOST.into() }
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    ambient::random()
        .map_err(|e| Failure::upstream("no_randomness", format!("no random numbers: {e}")))
}

fn runtime(error: runtime::Error) -> Failure {
    Failure::upstream("runtime_unusable", error.to_string())
}

/// The al that goes into images: this one, unless a variable names one for the images' system, as on
/// a Mac or for a base with another C library.
pub(super) fn container_binary(own: &Path) -> PathBuf {
    ambient::env_os("AL_CONTAINER_BINARY").map_or_else(|| own.to_owned(), PathBuf::from)
}

/// This program itself.
pub(super) fn own_binary() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|e: io::Error| {
        Failure::upstream("own_binary_unknown", format!("the path of al cannot be told: {e}"))
    })
}

/// The scheduler's own log; without one the scheduler still runs.
fn start_log(places: &Places, secrets: &Secrets) -> Option<Guard> {
    let redactor = Redactor::new(secrets.known.iter().cloned());
    let (layer, guard) = EventLog::open(&places.logs, SCHEDULER, redactor, ambient::now_ms).ok()?;
    let level = ambient::env("AL_LOG").unwrap_or_else(|| "info".to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(level)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let all = tracing_subscriber::registry().with(filter).with(layer);
    // A second host in one process (a test) logs to the first one's file.
    let _ = tracing::subscriber::set_global_default(all);
    Some(guard)
}

/// What the scheduler decides by. Without `whole` no schedule fires.
///
/// # Errors
/// When a schedule is wrong, which loading the project has ruled out.
pub(super) fn rules_of(
    project: &Project,
    id_key: u32,
    zone: &str,
    whole: bool,
) -> Result<(ProjectRules, Vec<(String, AgentRules)>), String> {
    let rules = |agent: &Agent| {
        let mut rules =
            engine::agent_rules(agent, zone).map_err(|error| format!("{}: {error}", agent.name))?;
        if !whole {
            rules.schedule = None;
        }
        Ok((agent.name.clone(), rules))
    };
    let agents: Result<Vec<_>, String> = project.agents.iter().map(rules).collect();
    Ok((engine::project_rules(project, id_key), agents?))
}

fn facts(project: &Project, url: &str, zone: &str) -> Facts {
    let facts = Facts {
        project: String::new(),
        environment: None,
        gateway: Some(url.to_owned()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started_ms: ambient::now_ms(),
        webhooks: Vec::new(),
        agents: BTreeMap::new(),
    };
    facts.of_project(project, zone)
}

fn grant(url: String, token_key: [u8; 32]) -> Grant {
    Arc::new(move |run, attempt| {
        let token = gateway::token(&token_key, run, attempt);
        Some(Access { url: url.clone(), token })
    })
}

fn keep_scale(definitions: &Arc<Definitions>) -> KeepScale {
    let definitions = Arc::clone(definitions);
    Arc::new(move |agent, scale| {
        let defined = definitions.get();
        let known = defined.agent(agent).ok_or_else(|| format!("no agent {agent}"))?;
        let file = project::edit::config_file(&known.dir);
        project::edit::set_scale(&file, Some(scale)).map_err(|e| e.to_string())
    })
}

/// What a replay of a stored delivery amounts to.
fn again(engine: &Handle, sources: &Arc<LiveSources>) -> Again {
    let (engine, sources) = (engine.clone(), Arc::clone(sources));
    Arc::new(move |receipt, by| {
        gateway::replay(&engine, &sources, receipt, by).map_err(|why| why.to_string())
    })
}

/// Tells other commands where this scheduler listens.
fn write_gateway_file(
    places: &Places,
    url: &str,
    environment: Option<&str>,
) -> Result<(), Failure> {
    let file = places.gateway();
    let text = json!({ "url": url, "pid": std::process::id(), "environment": environment });
    project::edit::replace(&file, &text.to_string()).map_err(|e| unwritable(places, &file, &e))
}
