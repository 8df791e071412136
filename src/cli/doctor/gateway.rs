//! What the gateway shows to others.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::scene::Scene;
use crate::gateway::Pair;
use crate::project::Problem;
use crate::shell;

/// The certificate: can it be used, and who can read its key?
pub fn certificate(scene: &Scene<'_>) -> Vec<Problem> {
    let Some(tls) = &scene.project.config.gateway.tls else { return Vec::new() };
    let dir = &scene.project.dir;
    let pair = Pair { cert: dir.join(&tls.cert), key: dir.join(&tls.key) };
    let at = |key: &str, message: String| scene.files.error(&["gateway", "tls", key], message);
    let mut problems = Vec::new();
    if let Err(why) = pair.read() {
        let problem = at("cert", format!("the certificate cannot be used: {why}"));
        problems.push(problem.code("tls_unusable").hint(
            "`cert` is a PEM file with the certificate and those that vouch for it, `key` one with \
             its private key",
        ));
    }
    let mode = fs::metadata(&pair.key).map_or(0, |meta| meta.permissions().mode());
    let readers = match (mode & 0o007 != 0, mode & 0o070 != 0) {
        (true, _) => Some("every user of this machine"),
        (false, true) => Some("the group of its file"),
        (false, false) => None,
    };
    if let Some(readers) = readers {
        let shown = pair.key.display().to_string();
        let problem = at("key", format!("[SECURITY] {readers} may use the private key {shown}"));
        // A group may be meant, as Debian's `ssl-cert` is.
        let problem = if mode & 0o007 == 0 { problem.warning() } else { problem };
        let problem = problem.code("tls_key_exposed");
        problems.push(problem.fix(format!("chmod 600 {}", shell::word(&shown))));
    }
    problems
}
