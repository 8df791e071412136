//! TLS: the certificate of the gateway, read again when its files change.
//!
//! The port speaks TLS to everybody. From this machine it also understands plain HTTP, which is told
//! by the first byte: what runs and the command line say does not leave the machine, and the address
//! they know stays good whether there is a certificate or not.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::key::Stamp;
use super::serve::{Duplex, stopped};
use crate::engine::Handle;
use crate::failure::Failure;
use crate::scheduler::{Event, Fault};

/// From the connection to the end of the handshake.
const HANDSHAKE_IN: Duration = Duration::from_secs(10);
/// How often somebody looks whether the files have changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The first byte of a handshake; no request of HTTP begins with it.
const HANDSHAKE: u8 = 0x16;

/// Said to another machine that speaks plain HTTP.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\
Connection: close\r\nContent-Length: 41\r\n\r\n{\"error\":\"this port speaks TLS: use https\"}";

/// A certificate and its private key, as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// What the gateway proves itself with.
#[derive(Debug)]
pub struct Tls {
    pair: Pair,
    current: RwLock<Arc<ServerConfig>>,
    seen: Mutex<Seen>,
}

/// What was last seen of the files.
#[derive(Debug)]
struct Seen {
    stamps: Stamps,
    /// They are in use, or somebody was told why not.
    judged: bool,
}

type Stamps = [Option<Stamp>; 2];

/// What a look at the files has shown.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    Same,
    Changed,
    /// Why they cannot be used.
    Bad(String),
}

impl Pair {
    fn stamps(&self) -> Stamps {
        [Stamp::of(&self.cert), Stamp::of(&self.key)]
    }

    /// Reads both files.
    ///
    /// # Errors
    /// What is wrong, with the file.
    pub fn read(&self) -> Result<Arc<ServerConfig>, String> {
        let in_file = |path: &Path, error: rustls::pki_types::pem::Error| {
            format!("{}: {}", path.display(), pem_words(&error))
        };
        let certs = CertificateDer::pem_file_iter(&self.cert)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| in_file(&self.cert, error))?;
        if certs.is_empty() {
            return Err(format!("{} holds no certificate", self.cert.display()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| in_file(&self.key, e))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(certs, key);
        let mut config = config.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("{} is not the key of {}", self.key.display(), self.cert.display())
            }
            other => format!("{}: {other}", self.cert.display()),
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Not the words of the library, which show how it is built.
fn pem_words(error: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error;
    match error {
        Error::Io(error) => error.to_string(),
        Error::NoItemsFound => "it holds nothing of that kind in PEM".to_owned(),
        _ => "it is damaged: a part of it is no PEM".to_owned(),
    }
}

impl Tls {
    /// Reads the pair for the first time.
    ///
    /// # Errors
    /// When it cannot be used: a gateway that should be encrypted does not start without.
    pub fn load(pair: Pair) -> Result<Self, Failure> {
        let stamps = pair.stamps();
        let config = pair.read().map_err(|why| {
            Failure::config("tls_unusable", format!("the certificate cannot be used: {why}"))
                .hint("`[gateway.tls]` in config.toml names its files; al doctor looks at them")
        })?;
        let seen = Mutex::new(Seen { stamps, judged: true });
        Ok(Self { pair, current: RwLock::new(config), seen })
    }

    fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }

    /// Takes over a new pair until `stop`. One that cannot be used is an alert, and the old one goes
    /// on.
    pub(super) async fn follow(self: Arc<Self>, engine: &Handle, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = sleep(LOOK_EVERY) => {}
            }
            let this = Arc::clone(&self);
            let Ok(look) = tokio::task::spawn_blocking(move || this.look()).await else { return };
            let fault = match look {
                Look::Same => continue,
                Look::Changed => {
                    tracing::info!(target: "gateway", "a new certificate is in use");
                    None
                }
                Look::Bad(why) => {
                    tracing::warn!(target: "gateway", why, "the new certificate is not used");
                    Some(why)
                }
            };
            let fault = fault.map(|why| Box::new(fault_of(&why)));
            engine.report(Event::Noticed { key: Fault::TLS.to_owned(), fault });
        }
    }

    /// The two files are replaced one after the other: what does not fit is looked at once more
    /// before anybody is told.
    fn look(&self) -> Look {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = self.pair.stamps();
        let is_settled = seen.stamps == stamps;
        if is_settled && seen.judged {
            return Look::Same;
        }
        *seen = Seen { stamps, judged: true };
        match self.pair.read() {
            Ok(config) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                Look::Changed
            }
            Err(why) if is_settled => Look::Bad(why),
            Err(_) => {
                seen.judged = false;
                Look::Same
            }
        }
    }
}

fn fault_of(why: &str) -> Fault {
    Fault {
        key: Fault::TLS.to_owned(),
        agent: None,
        message: format!("the new certificate is not used: {why}"),
        hint: Some("the gateway goes on with the one before; al doctor looks at the files".into()),
        file: None,
        line: None,
    }
}

/// Finds out what the other side speaks, and agrees on keys when it is TLS.
pub(super) async fn agree(
    tls: &Tls,
    mut stream: TcpStream,
    from: IpAddr,
) -> Option<Box<dyn Duplex>> {
    let hello = async {
        let mut first = [0];
        if stream.peek(&mut first).await.ok()? == 0 {
            return None;
        }
        if first == [HANDSHAKE] {
            let secured = tls.acceptor().accept(stream).await.ok()?;
            return Some(Box::new(secured) as Box<dyn Duplex>);
        }
        if from.is_loopback() {
            return Some(Box::new(stream) as Box<dyn Duplex>);
        }
        let _ = stream.write_all(PLAIN).await;
        let _ = stream.shutdown().await;
        None
    };
    timeout(HANDSHAKE_IN, hello).await.ok().flatten()
}
