//! What senders sign with and the key of the API, as a host needs them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Plan, cannot_start};
use crate::cli::client::key_failure;
use crate::cli::{Context, output};
use crate::engine::{self, Definitions};
use crate::failure::Failure;
use crate::gateway::LiveSources;
use crate::log::LearningRedactor;
use crate::project;
use crate::project::credentials::{self, CredentialError};
use crate::project::kit::{self, Kits};
use crate::triggers::{self, Sources};

/// Secrets that the host itself needs.
pub struct Secrets {
    pub sources: Sources,
    /// What senders sign with.
    pub of_senders: triggers::Secrets,
    /// Everything that must never be seen in a log.
    pub known: Vec<String>,
    /// Knows those of runs too.
    pub redactor: LearningRedactor,
}

impl Secrets {
    /// Reads them, and warns of what they leave open.
    ///
    /// # Errors
    /// When a key is unreadable, or open to others.
    pub fn load(plan: &Plan, context: &Context) -> Result<Self, Failure> {
        let failed = |e: CredentialError| Failure::config("credential_unreadable", e.to_string());
        let key = credentials::ensure_gateway_key(&context.al_home)
            .map_err(|error| key_failure("credential_unreadable", &error))?;
        let (secrets, unread) = webhook_secrets(&context.al_home).map_err(failed)?;
        if let Some(error) = unread {
            warn(&format!("secrets of webhooks are missing until it is mended: {error}"));
        }
        let mut known = vec![key.reveal().to_owned()];
        known.extend(texts(&secrets));
        let redactor = LearningRedactor::default();
        redactor.learn(&known);
        // Runs that were started before this host may still speak.
        let types = &plan.project.config.credentials;
        let mut kits = Kits::new(&context.al_home, types);
        let mut lacks = Vec::new();
        for agent in &plan.project.agents {
            let kit = kits.kit(&agent.credentials, engine::bearer(agent));
            lacks.push(kit.as_ref().err().map(|lacks| kit::complaint(lacks)));
            redactor.learn(&kit.unwrap_or_default().secrets);
        }
        if !plan.whole {
            let sources = Sources::default();
            return Ok(Self { sources, of_senders: secrets, known, redactor });
        }
        let (sources, problems) = Sources::from_project(&plan.project, &secrets);
        for problem in problems {
            warn(&problem.to_string());
        }
        if plan.expose {
            warn(exposed(&plan.project.config.gateway));
        }
        for (agent, lacks) in plan.project.agents.iter().zip(lacks) {
            if let Some(why) = cannot_start(agent).or(lacks) {
                warn(&format!("runs of {} will fail: {why}", agent.name));
            }
        }
        for (name, why) in sources.unsigned() {
            warn(&format!("[webhooks.{name}] accepts deliveries of anybody ({why})"));
        }
        Ok(Self { sources, of_senders: secrets, known, redactor })
    }
}

/// What `--expose` means with these settings.
fn exposed(gateway: &project::Gateway) -> &'static str {
    match (gateway.tls.is_some(), gateway.api) {
        (true, false) => "webhooks are taken on every address of this machine (--expose)",
        (true, true) => {
            "webhooks are taken, and the API answers, on every address of this machine (--expose)"
        }
        (false, false) => {
            "webhooks are taken on every address of this machine, unencrypted (--expose without \
             [gateway.tls])"
        }
        (false, true) => {
            "the API answers on every address of this machine, unencrypted: its key can be read on \
             the way (--expose and `gateway.api` without [gateway.tls])"
        }
    }
}

fn warn(what: &str) {
    output::remark(&format!("warning: {what}\n"));
}

/// What senders sign with, by provider and instance.
///
/// Those that the keyring does not hand out now are missing, which is no reason not to start; the second
/// half says why.
fn webhook_secrets(
    al_home: &Path,
) -> Result<(triggers::Secrets, Option<CredentialError>), CredentialError> {
    let (mut secrets, mut unread) = (triggers::Secrets::new(), None);
    let sealed = project::providers::PROVIDERS.iter();
    let sealed = sealed.filter_map(|of| Some((of.kind, of.secret.as_ref()?)));
    let wanted: Vec<_> = sealed.clone().map(|(_, of)| (of.credential, of.field)).collect();
    let all = credentials::instances(al_home, &wanted)?;
    for ((kind, _), found) in sealed.zip(all) {
        let values = found.values.into_iter().map(|(name, s)| (name, s.reveal().into()));
        secrets.insert(kind.to_owned(), values.collect());
        unread = unread.or(found.unread);
    }
    Ok((secrets, unread))
}

fn texts(secrets: &triggers::Secrets) -> Vec<String> {
    let values = secrets.values().flat_map(|instances| instances.values());
    values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

/// Bindings of the project as it is defined now, with the secrets there are now. When those cannot
/// be read, the last ones count.
pub fn live_sources(
    sources: Sources,
    secrets: triggers::Secrets,
    redactor: LearningRedactor,
    definitions: &Arc<Definitions>,
    context: &Context,
) -> LiveSources {
    let (definitions, al_home) = (Arc::clone(definitions), context.al_home.clone());
    // The start has told of these.
    let (_, told) = bindings(&definitions, &secrets);
    let known = Mutex::new((secrets, told));
    let load = move || {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        read_again(&mut known.0, &al_home, &redactor);
        let (sources, problems) = bindings(&definitions, &known.0);
        for problem in problems.iter().filter(|problem| !known.1.contains(problem)) {
            tracing::warn!(target: "host", "{problem}");
        }
        known.1 = problems;
        Some(sources)
    };
    LiveSources::new(sources, Box::new(load))
}

/// Takes over what senders sign with now, as far as it can be read; the redactor knows it before it
/// counts.
fn read_again(known: &mut triggers::Secrets, al_home: &Path, redactor: &LearningRedactor) {
    match webhook_secrets(al_home) {
        Ok((secrets, None)) => *known = secrets,
        Ok((secrets, Some(error))) => {
            for (kind, fresh) in secrets {
                known.entry(kind).or_default().extend(fresh);
            }
            tracing::warn!(target: "host", error = %error, "webhook secrets are not all read");
        }
        Err(error) => {
            tracing::warn!(target: "host", error = %error, "webhook secrets cannot be read");
        }
    }
    redactor.learn(&texts(known));
}

fn bindings(
    definitions: &Definitions,
    secrets: &triggers::Secrets,
) -> (Sources, Vec<triggers::Problem>) {
    Sources::from_project(&definitions.get().project, secrets)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, DirBuilder, Permissions};
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    use super::*;

    #[test]
    fn what_senders_sign_with_is_never_logged_also_when_it_is_new() {
        let home = tempfile::tempdir().unwrap();
        let redactor = LearningRedactor::default();
        let mut known = triggers::Secrets::new();
        read_again(&mut known, home.path(), &redactor);
        let folder = home.path().join("credentials/github_webhook_secret/default");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).unwrap();
        let file = folder.join("secret");
        for secret in ["0123456789abcdef", "fedcba9876543210"] {
            fs::write(&file, secret).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
            read_again(&mut known, home.path(), &redactor);
            assert_eq!(*known["github"]["default"], *secret.as_bytes());
            let said = redactor.text(&format!("signed with {secret}"));
            assert!(!said.contains(secret), "{said}");
        }
    }
}
