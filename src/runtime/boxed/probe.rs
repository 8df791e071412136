//! A look from inside a container: is the gateway to be reached as runs reach it?

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::SOCKET;

/// An answer takes no time, as nothing is looked up for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Exits with 0 when the gateway answers, else with 1 and the reason on stderr.
pub fn main() -> ExitCode {
    match ask(Path::new(SOCKET)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn ask(socket: &Path) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream.take(1024)).read_line(&mut line)?;
    match line.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(io::Error::other(format!("the gateway answers {:?}", line.trim_end()))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_gateway_is_there_or_it_is_said_why_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        assert_eq!(ask(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        let listener = UnixListener::bind(&path).unwrap();
        let answers = ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 503 Busy\r\n\r\n"];
        let serving = std::thread::spawn(move || {
            for (answer, stream) in answers.iter().zip(listener.incoming().flatten()) {
                let (mut stream, mut asked) = (stream, [0; 64]);
                assert!(stream.read(&mut asked).unwrap() > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        assert!(ask(&path).is_ok());
        assert!(ask(&path).unwrap_err().to_string().contains("503 Busy"));
        serving.join().unwrap();
    }
}
