//! The key of the gateway's API, replaced.

use crate::ambient;
use crate::cli::client::{Client, Place, key_failure};
use crate::cli::paths::short;
use crate::cli::running::{Running, running};
use crate::cli::{Context, output};
use crate::failure::Failure;
use crate::project::credentials;
use crate::scheduler::{Decision, Deed, DeedKind, Ending, Who};
use crate::store::{FILE, Lock, Store};

/// Replaces the key. A scheduler that runs takes the new one with its next request, and the old one
/// and all sessions end there.
///
/// # Errors
/// When the new one cannot be written; then the old one still counts.
pub fn rotate(context: &Context) -> Result<(), Failure> {
    let file = credentials::rotate_gateway_key(&context.al_home)
        .map_err(|error| key_failure("key_not_written", &error))?;
    let recorded = match running(&context.state_dir()) {
        Some(Running { url: Some(url), .. }) => tell(url, context),
        Some(Running { url: None, .. }) => {
            Err(Failure::upstream("starting", "the scheduler does not listen yet"))
        }
        None => record(context),
    };
    // The key is another one, whatever else went wrong.
    if let Err(failure) = recorded {
        output::remark(&format!("warning: al audit will not show it: {}\n", failure.message));
    }
    output::print(&format!(
        "there is a new API key; the old one opens nothing any more, and sessions that it\n\
         opened have ended. It is in\n\
         \x20 {}\n\
         where al on this machine finds it. Who has to know: scripts that send it, what\n\
         reads /metrics, and al on other machines.\n",
        short(&file)
    ))
}

/// Lets the scheduler end what the old key had opened, and record who replaced it.
fn tell(url: String, context: &Context) -> Result<(), Failure> {
    let client = Client::at(Place::near(url), context)?;
    client.post("/api/auth/revoke", &serde_json::json!({"rotated": true})).map(drop)
}

/// Records it in a history that nobody else writes now. Where nothing ever ran there is none.
fn record(context: &Context) -> Result<(), Failure> {
    let dir = context.state_dir();
    if !dir.join(FILE).exists() {
        return Ok(());
    }
    let failed = |error: std::io::Error| Failure::upstream("al_unwritable", error.to_string());
    let taken = Lock::take(&dir, std::process::id()).map_err(failed)?;
    let _lock =
        taken.map_err(|_| Failure::upstream("already_running", "a scheduler started meanwhile"))?;
    let by = Who::shell(&ambient::user());
    let deed = Box::new(Deed::of(by, DeedKind::RotateKey, Ending::Done, ""));
    let store = Store::open(&dir)?;
    store.begin()?;
    store.apply(&Decision::Audited { deed, at: ambient::now_ms() })?;
    store.commit()?;
    store.close();
    Ok(())
}
