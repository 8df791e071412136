//! Keys for ssh, made and looked at by `ssh-keygen`, in a folder of the store that goes away
//! again: places for temporary files may be on a disk that keeps what was deleted.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::failure::Failure;
use crate::project::credentials::{self, Secret};
use crate::project::edit;

/// A private key and its public half.
pub struct Pair {
    pub private: Secret,
    pub public: String,
}

/// Makes a new key without a passphrase: nobody would be there to type one.
///
/// # Errors
/// When there is no `ssh-keygen`, or it fails.
pub fn generate(al_home: &Path) -> Result<Pair, Failure> {
    let bench = credentials::bench(al_home).map_err(|error| failed(&error))?;
    let file = bench.path().join("key");
    let made = keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "action-llama", "-f"], &file);
    let made = made.map_err(|error| failed(&error))?;
    if !made.status.success() {
        return Err(Failure::upstream(
            "no_key_made",
            format!("ssh-keygen made no key: {}", made.status),
        ));
    }
    let private = fs::read_to_string(&file).map_err(|error| failed(&error))?;
    let public =
        fs::read_to_string(bench.path().join("key.pub")).map_err(|error| failed(&error))?;
    Ok(Pair { private: Secret::new(private.trim()), public: public.trim().to_owned() })
}

fn failed(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => {
            Failure::upstream("no_ssh_keygen", "there is no ssh-keygen on this machine")
                .hint("install OpenSSH, or bring a key: --field ...=@FILE")
        }
        _ => Failure::upstream("no_key_made", format!("no key can be made: {error}")),
    }
}

/// The public half of a private key; none when nobody can tell.
///
/// # Errors
/// Why it cannot be used by a run: it has a passphrase, or is damaged.
pub fn public(private: &Secret, al_home: &Path) -> Result<Option<String>, String> {
    // Without `ssh-keygen` nobody knows better.
    let Ok(said) = look(private, al_home) else { return Ok(None) };
    match said.status.success() {
        true => Ok(Some(String::from_utf8_lossy(&said.stdout).trim().to_owned())),
        false => Err("has a passphrase, or is damaged: ssh-keygen cannot read it".to_owned()),
    }
}

fn look(private: &Secret, al_home: &Path) -> io::Result<Output> {
    let bench = credentials::bench(al_home)?;
    let file = bench.path().join("key");
    edit::write_new(&file, format!("{}\n", private.reveal()).as_bytes(), 0o600)?;
    keygen(&["-y", "-P", "", "-f"], &file)
}

fn keygen(args: &[&str], file: &Path) -> io::Result<Output> {
    // What it says may quote the key.
    Command::new("ssh-keygen")
        .args(args)
        .arg(file)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
}
