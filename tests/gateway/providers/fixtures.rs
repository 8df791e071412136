//! Deliveries from files, signed as their senders do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use action_llama::project::{WebhookBinding, WebhookSource};
use action_llama::triggers::{
    self, Algorithm, Delivery, Digits, Headers, Provider, Received, Refusal, Scheme, Secrets,
    Signed, Sources,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::Value;
use sha2::Sha256;

/// 2026-11-20T12:34:56.789Z
pub const NOW_MS: i64 = 1_795_178_096_789;

/// What a sender signs with; for Discord, what its pair of keys is made from.
#[derive(Debug, Clone, Copy)]
pub struct Secret(pub u8);

impl Secret {
    fn pair(self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[self.0; 32]).unwrap()
    }

    /// What stands in the credential.
    pub fn stored(self, algorithm: Algorithm) -> Vec<u8> {
        match algorithm {
            Algorithm::HmacSha256 | Algorithm::Token => {
                format!("the secret {}", self.0).into_bytes()
            }
            Algorithm::StandardWebhooks => {
                format!("whsec_{}", BASE64_STANDARD.encode([self.0; 32])).into_bytes()
            }
            Algorithm::Ed25519 => hex::encode(self.pair().public_key().as_ref()).into_bytes(),
        }
    }

    /// The headers that prove a body.
    pub fn sign(self, scheme: &Scheme, body: &[u8], at_s: i64) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let mut signed = body.to_vec();
        match scheme.signed {
            Signed::Body => {}
            Signed::Timestamped { header, before, after, .. } => {
                headers.push((header.to_owned(), at_s.to_string()));
                signed = [format!("{before}{at_s}{after}").as_bytes(), body].concat();
            }
            Signed::Identified { id, header, .. } => {
                headers.push((id.to_owned(), "msg_1".to_owned()));
                headers.push((header.to_owned(), at_s.to_string()));
                signed = [format!("msg_1.{at_s}.").as_bytes(), body].concat();
            }
        }
        let bytes = match scheme.algorithm {
            Algorithm::HmacSha256 => {
                let mac = Hmac::<Sha256>::new_from_slice(&self.stored(scheme.algorithm)).unwrap();
                mac.chain_update(&signed).finalize().into_bytes().to_vec()
            }
            Algorithm::StandardWebhooks => {
                let mac = Hmac::<Sha256>::new_from_slice(&[self.0; 32]).unwrap();
                mac.chain_update(&signed).finalize().into_bytes().to_vec()
            }
            Algorithm::Token => self.stored(scheme.algorithm),
            Algorithm::Ed25519 => self.pair().sign(&signed).as_ref().to_vec(),
        };
        let digits = match scheme.digits {
            Digits::Hex => hex::encode(bytes),
            Digits::Base64 | Digits::Base64List => BASE64_STANDARD.encode(bytes),
            Digits::Plain => String::from_utf8(bytes).unwrap(),
        };
        headers.push((scheme.headers[0].to_owned(), format!("{}{digits}", scheme.prefix)));
        headers
    }
}

/// A delivery, not signed.
#[derive(Debug, Clone)]
pub struct Fixture {
    pub provider: &'static Provider,
    /// `issues`
    pub name: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Fixture {
    pub fn read(provider: &'static Provider, name: &str) -> Self {
        let path = folder(provider).join(format!("{name}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let value: Value = serde_json::from_str(&text).unwrap();
        let headers: BTreeMap<String, String> =
            serde_json::from_value(value["headers"].clone()).unwrap();
        assert!(headers.keys().all(|name| *name == name.to_lowercase()), "{}", path.display());
        assert!(value["body"].is_object(), "{}", path.display());
        Self {
            provider,
            name: name.to_owned(),
            headers: headers.into_iter().collect(),
            body: value["body"].to_string().into_bytes(),
        }
    }

    /// Those of one provider, by name.
    pub fn all(provider: &'static Provider) -> Vec<Self> {
        let entries = fs::read_dir(folder(provider)).unwrap();
        let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> =
            files.map(|file| file.strip_suffix(".json").unwrap().to_owned()).collect();
        names.sort();
        names.iter().map(|name| Self::read(provider, name)).collect()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As the provider sends it now.
    pub fn signed(self, secret: Secret) -> Self {
        self.signed_at(secret, NOW_MS / 1000)
    }

    pub fn signed_at(mut self, secret: Secret, at_s: i64) -> Self {
        if let Some(scheme) = &self.provider.signature {
            self.headers.extend(secret.sign(scheme, &self.body, at_s));
        }
        self
    }

    pub fn send(&self, sources: &Sources) -> Result<Received, Refusal> {
        let headers: Headers<'_> =
            self.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        triggers::receive(sources, self.provider.kind(), &headers, &self.body, NOW_MS)
    }

    /// What it means, when it is no handshake.
    pub fn delivery(&self, sources: &Sources) -> Option<Delivery> {
        match self.send(sources).unwrap_or_else(|why| panic!("{}: {why}", self.name)) {
            Received::Delivery(delivery) => Some(*delivery),
            Received::Handshake(_) => None,
        }
    }
}

fn folder(provider: &Provider) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/webhooks").join(provider.kind())
}

/// A source `one` with the secret 1, a source `two` with the secret 2, and an agent for each that
/// wants what the filters say.
pub fn sources(provider: &'static Provider, filters: &[(&str, &str)]) -> Sources {
    let algorithm = provider.signature.as_ref().map(|scheme| scheme.algorithm);
    let secrets = algorithm.into_iter().map(|algorithm| {
        let stored = |n| Secret(n).stored(algorithm);
        let instances = [("first".to_owned(), stored(1)), ("second".to_owned(), stored(2))];
        (provider.kind().to_owned(), BTreeMap::from(instances))
    });
    let secrets: Secrets = secrets.collect();
    let table = |credential: &str| WebhookSource {
        kind: provider.kind().to_owned(),
        credential: credential.to_owned(),
        allow_unsigned: false,
        generic: None,
    };
    let tables =
        BTreeMap::from([("one".to_owned(), table("first")), ("two".to_owned(), table("second"))]);
    let written =
        filters.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]));
    let filters: BTreeMap<_, _> = written.collect();
    let binding =
        |source: &str| WebhookBinding { source: source.to_owned(), filters: filters.clone() };
    let bindings = [binding("one"), binding("two")];
    let agents = [("agent-one", 0, &bindings[0]), ("agent-two", 0, &bindings[1])];
    let (sources, problems) = Sources::new(&tables, agents, &secrets);
    assert_eq!(problems, [], "{}", provider.kind());
    sources
}
