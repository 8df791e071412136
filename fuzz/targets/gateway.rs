//! The whole route of webhooks: limits, signature, parser, rules, database, answer.

#![no_main]

use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use action_llama::ambient;
use action_llama::engine::{self, Defined, Definitions, Driver, Equipment, Facts, Host, Session};
use action_llama::gateway::{self, ApiKey, App, LiveSources, Peer, Setup};
use action_llama::log::LearningRedactor;
use action_llama::project::Project;
use action_llama::runtime::{Answer, Exit, ExitWhy, Handle, Loads, Presence, Runtime, Spec};
use action_llama::scheduler::Who;
use action_llama::store::{Keys, Store};
use al_fuzz::Input;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use tower::ServiceExt as _;

const TOKEN_KEY: [u8; 32] = [9; 32];

struct World {
    project: Project,
    tokio: tokio::runtime::Runtime,
    routes: Router,
    _dir: tempfile::TempDir,
}

fuzz_target!(|data: &[u8]| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(world);
    let Some(input) = Input::read(data) else { return };
    let Some(request) = request(&input, &world.project) else { return };
    world.tokio.block_on(async {
        let Ok(answer) = world.routes.clone().oneshot(request).await;
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert!(status < 500, "{status} {}", String::from_utf8_lossy(&body));
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok(), "{body:?}");
    });
});

/// None when a server would not have taken it for a request.
fn request(input: &Input, project: &Project) -> Option<Request<Body>> {
    let signed = input.signed(project, ambient::now_ms());
    let method = if input.is_get { "GET" } else { "POST" };
    let uri = format!("/webhooks/{}?{}", input.source, input.query);
    let mut request = Request::builder().method(method).uri(uri);
    let signed_headers =
        signed.headers.iter().map(|(name, value)| (name, value.as_bytes().to_vec()));
    let raw = input.raw.iter().map(|(name, value)| (name, value.clone()));
    for (name, value) in signed_headers.chain(raw) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        request = request.header(name, HeaderValue::from_bytes(&value).ok()?);
    }
    let mut request = request.body(Body::from(signed.body)).ok()?;
    // From this machine; without limits of rate, see the project.
    request.extensions_mut().insert(Peer(Ipv4Addr::LOCALHOST.into()));
    Some(request)
}

fn world() -> World {
    let dir = al_fuzz::folder();
    let project = al_fuzz::project(dir.path());
    let tokio = tokio::runtime::Builder::new_multi_thread();
    let tokio = { tokio }.worker_threads(1).enable_all().build().unwrap();
    let facts = Facts {
        project: "fuzzed".to_owned(),
        environment: None,
        gateway: None,
        version: "0".to_owned(),
        pid: 1,
        started_ms: 0,
        webhooks: Vec::new(),
        agents: Default::default(),
    };
    let facts = facts.of_project(&project, "UTC");
    let definitions = Arc::new(Definitions::new(Defined { project: project.clone(), facts }));
    let al = dir.path().join(".al");
    std::fs::create_dir_all(&al).unwrap();
    let store = Store::open(&al).unwrap();
    let keys = store.keys(Keys { id_key: 5, token_key: TOKEN_KEY }).unwrap();
    let agents = project.agents.iter();
    let rules: Vec<_> =
        agents.map(|a| (a.name.clone(), engine::agent_rules(a, "UTC").unwrap())).collect();
    let view = store.load(&engine::project_rules(&project, keys.id_key), &rules).unwrap();
    let equipment = Equipment { al_home: dir.path().join("home"), ..Equipment::default() };
    let (handle, defined, logs) =
        (tokio.handle().clone(), Arc::clone(&definitions), al.join("logs"));
    let driver = |engine: &engine::Handle| {
        let grant = Arc::new(|_: &str, _: u32| None);
        Driver::new(engine, handle, Arc::new(Done), defined, grant, logs, equipment)
    };
    let (engine, _writer) = engine::start(Host::new(store, view), driver).unwrap();
    let console = Session {
        engine: engine.clone(),
        definitions: Arc::clone(&definitions),
        logs: al.join("logs"),
        by: Who::console(""),
        keep_scale: Arc::new(|_, _| Ok(())),
        again: Arc::new(|_, _| Err(String::new())),
        redactor: LearningRedactor::default(),
        loads: Arc::new(Loads::new(&al)),
    };
    let app = App::new(Setup {
        console,
        engine,
        definitions,
        sources: Arc::new(LiveSources::fixed(al_fuzz::sources(&project))),
        api_key: ApiKey::new(&dir.path().join("home")),
        token_key: TOKEN_KEY,
        project_dir: dir.path().to_owned(),
        redactor: LearningRedactor::default(),
    });
    World { project, tokio, routes: gateway::router(Arc::new(app)), _dir: dir }
}

/// A runtime whose programs are done at once.
struct Done;

impl Runtime for Done {
    fn start(&self, spec: Spec) -> Answer<'_, Handle> {
        Box::pin(async move { Ok(Handle { run: spec.run, attempt: spec.attempt, pid: 1 }) })
    }

    fn stop<'a>(&'a self, _: &'a str, _: u32, _: Duration) -> Answer<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn suspend<'a>(&'a self, _: &'a str, _: u32) -> Answer<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn resume<'a>(&'a self, _: &'a str, _: u32) -> Answer<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn inspect<'a>(&'a self, _: &'a str, _: u32) -> Answer<'a, Presence> {
        Box::pin(async { Ok(Presence::Absent) })
    }

    fn wait<'a>(&'a self, _: &'a Handle) -> Answer<'a, Exit> {
        Box::pin(async {
            Ok(Exit {
                code: Some(0),
                signal: None,
                why: ExitWhy::Exited,
                started_ms: 1,
                ended_ms: 2,
                return_value: None,
                rerun: false,
                exit_signal: None,
                status: None,
                spent: None,
                lines: 0,
                dropped_lines: 0,
            })
        })
    }

    fn remove<'a>(&'a self, _: &'a str) -> Answer<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn leftovers(&self, _: i64) -> Answer<'_, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
