//! `al-status`, `al-return`, `al-exit`, `al-rerun`: a file first, then the gateway.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use serde_json::{Value, json};

use super::{FAILED, Place, Reply, USAGE, gateway, words};
use crate::signal::{EXIT_DEFAULT, RETURN_MAX};

pub(super) fn status(place: &Place, text: &str) -> Reply {
    if text.is_empty() {
        return Reply::error(r#"usage: al-status "<text>""#, USAGE);
    }
    leave(place, "status", text, Some(("/signals/status", json!({"text": text}))))
}

pub(super) fn result(place: &Place, args: &[OsString]) -> Reply {
    let value = if args.is_empty() { piped() } else { Ok(words(args)) };
    match value {
        Ok(value) if value.len() > RETURN_MAX => {
            Reply::error(&format!("the value is longer than {RETURN_MAX} bytes"), USAGE)
        }
        Ok(value) => {
            leave(place, "return", &value, Some(("/signals/return", json!({"value": value}))))
        }
        Err(error) => Reply::error(&format!("cannot read the value from stdin: {error}"), FAILED),
    }
}

pub(super) fn exit(place: &Place, args: &[OsString]) -> Reply {
    let code = match args {
        [] => Some(EXIT_DEFAULT),
        [code] => code.to_str().and_then(|code| code.parse().ok()),
        _ => None,
    };
    match code {
        Some(code) => leave(place, "exit", &code.to_string(), None),
        None => Reply::error("usage: al-exit [<code from 0 to 255>]", USAGE),
    }
}

pub(super) fn rerun(place: &Place) -> Reply {
    leave(place, "rerun", "", Some(("/signals/rerun", json!({}))))
}

/// All of stdin without the newlines at its end, as `$(cat)` would have it.
fn piped() -> io::Result<String> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    stdin.take(2 * RETURN_MAX as u64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
}

/// Leaves a signal. Telling the gateway may fail, losing the signal may not.
fn leave(place: &Place, name: &str, text: &str, post: Option<(&str, Value)>) -> Reply {
    if let Some(dir) = &place.signal_dir
        && let Err(error) = write(dir, name, text)
    {
        return Reply::error(
            &format!("cannot write {}: {error}", dir.join(name).display()),
            FAILED,
        );
    }
    if let Some((path, body)) = post {
        gateway::tell(place, path, body);
    }
    Reply::ok()
}

/// The whole text or what stood there before, never a part.
fn write(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    let temporary = dir.join(format!(".{name}.{}", std::process::id()));
    let done = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, dir.join(name)));
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done
}
