//! What the engine says of itself.

use std::path::PathBuf;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;

/// How long an engine may think about itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// NVIDIA's runtime, as its toolkit names it, and its devices, as engines without that have them.
const NVIDIA: (&str, &str) = ("nvidia", "nvidia.com/gpu");

/// What an engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// What it can start containers with, by name.
    pub runtimes: Vec<String>,
    /// It knows how containers get GPUs.
    pub gpus: bool,
    /// Where it keeps images and containers.
    pub root: Option<PathBuf>,
}

/// Asks the engine.
///
/// # Errors
/// When there is no answer in ten seconds, or none that makes sense.
pub async fn info(docker: &Docker) -> Result<Info, Error> {
    let answer = tokio::time::timeout(PATIENCE, docker.info()).await;
    let answer = answer.map_err(|_| Error::RequestTimeoutError)??;
    let mut runtimes: Vec<String> = answer.runtimes.unwrap_or_default().into_keys().collect();
    runtimes.sort_unstable();
    let devices = answer.discovered_devices.unwrap_or_default();
    let is_gpu = |id: &String| id.starts_with(NVIDIA.1);
    let gpus = runtimes.iter().any(|name| name == NVIDIA.0)
        || devices.iter().any(|device| device.id.as_ref().is_some_and(is_gpu));
    Ok(Info { runtimes, gpus, root: answer.docker_root_dir.map(PathBuf::from) })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::thread;

    use super::*;
    use crate::docker::connect;

    /// An engine that says this of itself.
    fn engine(listener: UnixListener, document: &'static str) {
        let answer = move |mut stream: UnixStream| {
            let mut lines =
                BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            // Whoever only knocks asks nothing.
            let Some(asked) = lines.next() else { return };
            assert_eq!(asked, "GET /info HTTP/1.1");
            let _ = lines.find(String::is_empty);
            let length = document.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n");
            let _ =
                stream.write_all(format!("{head}connection: close\r\n\r\n{document}").as_bytes());
        };
        thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(answer));
    }

    #[tokio::test]
    async fn an_engine_says_what_it_starts_containers_with() {
        for (document, runtimes, gpus) in [
            (
                r#"{"Runtimes":{"runsc":{"path":"runsc"},"runc":{"path":"runc"}}}"#,
                &["runc", "runsc"][..],
                false,
            ),
            (r#"{"Runtimes":{"nvidia":{"path":"n"}}}"#, &["nvidia"], true),
            (r#"{"DiscoveredDevices":[{"Source":"cdi","ID":"nvidia.com/gpu=0"}]}"#, &[], true),
            (r#"{"DiscoveredDevices":[{"Source":"cdi","ID":"acme.com/tpu=0"}]}"#, &[], false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let socket = dir.path().join("s");
            engine(UnixListener::bind(&socket).unwrap(), document);
            let host = format!("unix://{}", socket.display());
            let docker = connect(&|name| (name == "DOCKER_HOST").then(|| host.clone())).unwrap();
            let runtimes = runtimes.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(
                info(&docker).await.unwrap(),
                Info { runtimes, gpus, root: None },
                "{document}"
            );
        }
    }
}
