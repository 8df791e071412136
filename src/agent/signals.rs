//! `al-status`, `al-return`, `al-exit`, `al-rerun`: a file first, then the gateway.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::usage::Misuse;
use super::{FAILED, Input, Place, Reply, gateway, words};
use crate::signal::{EXIT_DEFAULT, RETURN_MAX};

pub(super) fn status(place: &Place, args: &[OsString], _: Input) -> Result<Reply, Misuse> {
    let text = words(args);
    if text.is_empty() {
        return Err(Misuse::Form);
    }
    Ok(leave(place, "status", &text, Some(("/signals/status", json!({"text": text})))))
}

pub(super) fn result(place: &Place, args: &[OsString], input: Input) -> Result<Reply, Misuse> {
    let value = if args.is_empty() { input.read(RETURN_MAX) } else { Ok(words(args)) };
    match value {
        Ok(value) if value.len() > RETURN_MAX => {
            Err(Misuse::Says(format!("the value is longer than {RETURN_MAX} bytes")))
        }
        Ok(value) => {
            Ok(leave(place, "return", &value, Some(("/signals/return", json!({"value": value})))))
        }
        Err(error) => {
            Ok(Reply::error(&format!("cannot read the value from stdin: {error}"), FAILED))
        }
    }
}

pub(super) fn exit(place: &Place, args: &[OsString], _: Input) -> Result<Reply, Misuse> {
    let code: u8 = match args {
        [] => EXIT_DEFAULT,
        [code] => code.to_str().and_then(|code| code.parse().ok()).ok_or(Misuse::Form)?,
        _ => return Err(Misuse::Form),
    };
    Ok(leave(place, "exit", &code.to_string(), None))
}

pub(super) fn rerun(place: &Place, _: &[OsString], _: Input) -> Result<Reply, Misuse> {
    Ok(leave(place, "rerun", "", Some(("/signals/rerun", json!({})))))
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
