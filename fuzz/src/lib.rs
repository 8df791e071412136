//! What the targets share: a project with a source of every kind, and deliveries signed for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use action_llama::ambient::Millis;
use action_llama::project::{self, Checks, Loaded, Problem, Project, Request, providers};
use action_llama::triggers::{self, Fixture, Headers, Secrets, Sources, Unsignable};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// What every HMAC is made with.
const SECRET: &str = "a secret that no body knows";
/// The same for Standard Webhooks, which want base64.
const STANDARD_SECRET: &str = "whsec_YSBzZWNyZXQgdGhhdCBubyBib2R5IGtub3dz";
/// Discord's private key.
const SEED: [u8; 32] = [7; 32];

const GENERIC: &str = r#"
[gateway]
rateLimit = { perMinute = 0, burst = 1 }
[webhooks.hmac]
type = "generic"
credential = "hmac"
signature = { header = "x-signature", prefix = "sha512=", algorithm = "sha512", encoding = "base64" }
deliveryId = "data.id"
[webhooks.hmac.fields]
event = "data.kind"
number = "/data/n"
labels = "data.labels.*.name"
title = "header:x-title"
body = "data"
[webhooks.standard]
type = "generic"
credential = "standard"
signature = { scheme = "standard-webhooks" }
[webhooks.standard.fields]
event = "data.kind"
[webhooks.plain]
type = "generic"
allowUnsigned = true
[webhooks.plain.fields]
event = "data.*"
"#;

/// A project in a folder: a source of each provider, named like it, and agents that want all of it
/// and parts of it.
pub fn project(dir: &Path) -> Project {
    let mut config = GENERIC.to_owned();
    let mut agents = [String::from("scale = 2\n"), String::from("scale = 1\n")];
    for provider in own_kinds() {
        let kind = provider.kind;
        config.push_str(&format!("[webhooks.{kind}]\ntype = \"{kind}\"\n"));
        agents[0].push_str(&format!("[[webhooks]]\nsource = \"{kind}\"\n"));
        agents[1].push_str(&format!("[[webhooks]]\nsource = \"{kind}\"\n"));
        for field in provider.fields {
            let words = field.words();
            let value = if words.takes_text { "\"a\"" } else { "[\"a\", \"opened\"]" };
            agents[1].push_str(&format!("{} = {value}\n", words.names[0]));
        }
    }
    for source in ["hmac", "standard", "plain"] {
        agents[0].push_str(&format!("[[webhooks]]\nsource = \"{source}\"\n"));
    }
    write(dir, "config.toml", &config);
    for (name, text) in ["all", "some"].iter().zip(agents) {
        let harness =
            "[harness]\ntype = \"script\"\ncommand = \"true\"\n[runtime]\ntype = \"process\"\n";
        write(dir, &format!("agents/{name}/config.toml"), &format!("{text}{harness}"));
        write(dir, &format!("agents/{name}/SKILL.md"), "---\ndescription: plays\n---\nPlay.\n");
    }
    load(dir).unwrap_or_else(|problems| panic!("{problems:?}")).project
}

/// Reads the project of a folder.
pub fn load(dir: &Path) -> Result<Loaded, Vec<Problem>> {
    project::load(&Request {
        dir: dir.to_owned(),
        environment: None,
        al_env: None,
        al_home: dir.join("home"),
        strict: false,
        checks: Checks { schedule: &|_, _| Ok(()), template: &|_| Ok(()) },
    })
}

pub fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn own_kinds() -> impl Iterator<Item = &'static providers::Provider> {
    providers::PROVIDERS.iter().copied().filter(|provider| provider.kind != "generic")
}

/// The sources of that project, with a secret for each that has one.
pub fn sources(project: &Project) -> Sources {
    let of = |secret: &str| secret.as_bytes().to_vec();
    let mut secrets = Secrets::new();
    for provider in own_kinds().filter(|provider| provider.secret.is_some()) {
        let instance = ("default".to_owned(), of(&secret(provider.kind)));
        secrets.insert(provider.kind.to_owned(), BTreeMap::from([instance]));
    }
    let generic = [("hmac", SECRET), ("standard", STANDARD_SECRET)];
    let generic = generic.map(|(name, secret)| (name.to_owned(), of(secret)));
    secrets.insert("generic".to_owned(), BTreeMap::from(generic));
    let (sources, problems) = Sources::from_project(project, &secrets);
    assert_eq!(problems, []);
    sources
}

fn secret(kind: &str) -> String {
    match kind {
        "discord" => hex::encode(key().public_key()),
        "standard" => STANDARD_SECRET.to_owned(),
        _ => SECRET.to_owned(),
    }
}

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap()
}

/// An input as a request: a line with method and source, a line for each header, an empty line, the
/// body.
pub struct Input {
    pub is_get: bool,
    pub source: String,
    pub query: String,
    /// As they came, also when they are no text.
    pub raw: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Input {
    /// None when there is no source in it.
    pub fn read(data: &[u8]) -> Option<Self> {
        let mut lines = data.splitn(2, |b| *b == b'\n');
        let first = std::str::from_utf8(lines.next()?).ok()?;
        let mut rest = lines.next()?;
        let (is_get, target) = match first.strip_prefix("GET ") {
            Some(target) => (true, target),
            None => (false, first),
        };
        let (source, query) = target.split_once('?').unwrap_or((target, ""));
        let mut raw = Vec::new();
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|b| *b == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?.to_owned();
            raw.push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
        let (source, query) = (source.to_owned(), query.to_owned());
        Some(Self { is_get, source, query, raw, body: rest.to_vec() })
    }

    /// The same as its provider would send it now; unsigned where the project knows no such source.
    pub fn signed(&self, project: &Project, now_ms: Millis) -> Fixture {
        self.sent(project, now_ms, true)
    }

    /// Without anything that proves where it comes from.
    pub fn unsigned(&self, project: &Project, now_ms: Millis) -> Fixture {
        self.sent(project, now_ms, false)
    }

    fn sent(&self, project: &Project, now_ms: Millis, is_signed: bool) -> Fixture {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = self.raw.iter().map(|(name, value)| (name.clone(), text(value)));
        let fixture = Fixture { headers: headers.collect(), body: self.body.clone() };
        let Some(source) = project.config.webhooks.get(&self.source) else { return fixture };
        let provider = triggers::find(&source.kind).unwrap();
        let secret = secret(if source.generic.is_some() { &self.source } else { &source.kind });
        let secret = is_signed.then_some(secret.as_str());
        match triggers::signed(provider, source, &fixture, None, secret, now_ms) {
            Ok(signed) => signed,
            Err(Unsignable::PrivateKey) => {
                let plain = triggers::signed(provider, source, &fixture, None, None, now_ms);
                by_key(plain.unwrap(), now_ms)
            }
            Err(Unsignable::BadSecret) => panic!("the secret of {} is no key", self.source),
        }
    }

    /// Headers of a fixture, and behind them those that came, which need not be text.
    pub fn headers<'a>(&'a self, fixture: &'a Fixture) -> Headers<'a> {
        let signed = fixture.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let raw = self.raw.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        signed.chain(raw).collect()
    }
}

/// Signed as Discord does.
fn by_key(mut fixture: Fixture, now_ms: Millis) -> Fixture {
    let stamp = (now_ms / 1000).to_string();
    let signature = key().sign(&[stamp.as_bytes(), &fixture.body].concat());
    fixture.headers.push(("x-signature-timestamp".to_owned(), stamp));
    fixture.headers.push(("x-signature-ed25519".to_owned(), hex::encode(signature)));
    fixture
}

/// A folder for the time of the process, in memory where that is possible.
pub fn folder() -> tempfile::TempDir {
    let in_memory = Path::new("/dev/shm");
    let made = match in_memory.is_dir() {
        true => tempfile::tempdir_in(in_memory),
        false => tempfile::tempdir(),
    };
    made.unwrap()
}
