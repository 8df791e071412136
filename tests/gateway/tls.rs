//! The gateway with a certificate.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use action_llama::gateway::{Pair, Tls};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::{AGENTS, World};

const TLS: &str = "[gateway.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];
const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Writes a new pair, each file whole.
fn write_pair(dir: &Path) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    put(dir, "cert.pem", &cert.pem());
    put(dir, "key.pem", &signing_key.serialize_pem());
}

fn put(dir: &Path, name: &str, text: &str) {
    let beside = dir.join("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, dir.join(name)).unwrap();
}

async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    write_pair(dir.path());
    World::with_settings_in(dir, &AGENTS, TLS).await
}

/// A connection to whoever has the certificate that lies there now.
async fn connect(
    world: &World,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let pem = world.path().join("cert.pem");
    roots.add(CertificateDer::from_pem_file(pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(world.addr).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn healthy(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin) -> String {
    stream.write_all(HEALTH).await.unwrap();
    let mut answer = Vec::new();
    // Some end without a last word.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap().lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_speaks_both_versions_of_tls() {
    let world = world().await;
    for (version, expected) in [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let stream = connect(&world, &[version]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
        assert_eq!(healthy(stream).await, "HTTP/1.1 200 OK");
    }
}

/// Runs and the command line know the gateway by the same address as ever.
#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_understood_without_tls_too() {
    let world = world().await;
    let stream = TcpStream::connect(world.addr).await.unwrap();
    assert_eq!(healthy(stream).await, "HTTP/1.1 200 OK");
    let run = world.running("partner").await;
    let said = world.signal("/signals/status", &run, serde_json::json!({"text": "here"})).await;
    assert_eq!(said.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_counts_without_a_restart() {
    let world = world().await;
    assert_eq!(healthy(connect(&world, BOTH).await.unwrap()).await, "HTTP/1.1 200 OK");
    write_pair(world.path());
    // Until then the old one is shown, which is not the one that lies there.
    while connect(&world, BOTH).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_that_cannot_be_used_is_an_alert_and_the_old_one_goes_on() {
    let world = world().await;
    let old = fs::read_to_string(world.path().join("cert.pem")).unwrap();
    put(world.path(), "cert.pem", "rubbish");
    let alert = world.until_alert("tls", true).await.unwrap();
    assert!(alert.contains("cert.pem holds no certificate"), "{alert}");
    put(world.path(), "cert.pem", &old);
    world.until_alert("tls", false).await;
    assert_eq!(healthy(connect(&world, BOTH).await.unwrap()).await, "HTTP/1.1 200 OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_in_the_middle_of_a_handshake_keeps_nobody_waiting() {
    let world = world().await;
    let mut hanging = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(world.addr).await.unwrap();
        stream.write_all(&[0x16, 0x03, 0x01, 0x02]).await.unwrap();
        hanging.push(stream);
        hanging.push(TcpStream::connect(world.addr).await.unwrap());
    }
    let mut rubbish = TcpStream::connect(world.addr).await.unwrap();
    rubbish.write_all(&[0x16; 64]).await.unwrap();
    let mut left = Vec::new();
    let _ = rubbish.read_to_end(&mut left).await;
    assert!(!left.starts_with(b"HTTP"), "{left:?}");
    assert_eq!(healthy(connect(&world, BOTH).await.unwrap()).await, "HTTP/1.1 200 OK");
    assert_eq!(hanging.len(), 200);
}

#[track_caller]
fn check_refused(cert: &Path, key: &Path, expected: &str) {
    let pair = Pair { cert: cert.to_owned(), key: key.to_owned() };
    let failure = Tls::load(pair).unwrap_err();
    assert_eq!(failure.code, "tls_unusable");
    assert!(failure.message.ends_with(expected), "{}", failure.message);
}

#[test]
fn files_that_are_no_pair_are_refused_with_their_reason() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_pair(one.path());
    write_pair(other.path());
    let (cert, key) = (one.path().join("cert.pem"), one.path().join("key.pem"));
    let other_key = other.path().join("key.pem");
    let nowhere = one.path().join("nowhere.pem");
    Tls::load(Pair { cert: cert.clone(), key: key.clone() }).unwrap();
    check_refused(&nowhere, &key, "nowhere.pem: No such file or directory (os error 2)");
    check_refused(&cert, &nowhere, "nowhere.pem: No such file or directory (os error 2)");
    check_refused(&key, &key, "key.pem holds no certificate");
    check_refused(&cert, &cert, "cert.pem: it holds nothing of that kind in PEM");
    let expected = format!("{} is not the key of {}", other_key.display(), cert.display());
    check_refused(&cert, &other_key, &expected);
}
