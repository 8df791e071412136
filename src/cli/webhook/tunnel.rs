//! `al webhook tunnel-help`: how providers out there reach a gateway on this machine.

use std::fmt::Write as _;

use super::super::paint::Tone;
use super::super::{Context, output, running};
use super::places;
use crate::failure::Failure;
use crate::project::{Project, WebhookSource};

/// Tell how providers can reach the gateway on this machine
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct TunnelArgs {}

pub fn run(_: &TunnelArgs, context: &Context) -> Result<(), Failure> {
    let project = context.load()?.project;
    output::print(&page(&project, context))
}

/// What stands for the address outside, as long as nobody has said it.
const OUTSIDE: &str = "https://<outside>";

fn page(project: &Project, context: &Context) -> String {
    let title = |text: &str| format!("{}\n", context.look.out.on(Tone::Strong, text));
    let port = port(project, context);
    let local = format!("127.0.0.1:{port}");
    let outside = project.config.gateway.url.as_deref().map_or(OUTSIDE, |url| url);
    let outside = outside.trim_end_matches('/');
    let first = project.config.webhooks.keys().next().map_or("<source>", String::as_str);

    let mut text = title(&format!("1. A way in. The gateway listens on {local}"));
    let _ = write!(
        text,
        "  cloudflared tunnel --url http://{local}
  ngrok http {port}
  ssh -N -R 8080:{local} you@server.example
      and a web server there with a certificate that passes on to its port 8080
  npx smee-client -u https://smee.io/<channel> \\
      -t http://{local}/webhooks/{first}
      for trials only: whoever knows the channel reads along, and bodies are
      written anew, which breaks the signature of some
  Of the first three pass on /webhooks/ and /health only, where you can choose.

"
    );
    text.push_str(&title("2. What to paste where"));
    if outside == OUTSIDE {
        let _ = writeln!(text, "  {OUTSIDE} is the address that step 1 gives you.");
    }
    if project.config.webhooks.is_empty() {
        text.push_str(
            "  The project has no source yet: add `[webhooks.<name>]` to its config.toml\n",
        );
    }
    for (name, source) in &project.config.webhooks {
        text.push_str(&paste(name, source, outside));
    }
    text.push('\n');
    text.push_str(&title("3. What to check after"));
    let _ = write!(
        text,
        "  curl {outside}/health
      answers {{\"status\":\"ok\"}}; if not, the way in is not there
  al webhook ls
      every source has its secret
  al triggers
      a delivery of the provider's test button is listed; if not, its answer
      at the provider says why: 401 is a wrong secret, 404 a wrong URL
"
    );
    if outside == OUTSIDE {
        text.push_str("  [gateway] url = \"...\" in config.toml keeps the address for next time\n");
    }
    text
}

fn paste(name: &str, source: &WebhookSource, outside: &str) -> String {
    let mut text = format!("  {name} ({})\n      {outside}/webhooks/{name}\n", source.kind);
    if let Some(place) = places::of(&source.kind) {
        let _ = write!(text, "      {}\n      {}\n", place.settings, place.then);
    }
    text
}

/// Where the gateway listens now, else where it will.
fn port(project: &Project, context: &Context) -> u16 {
    let url = running::running(&context.state_dir()).and_then(|running| running.url);
    let port = url.and_then(|url| url.rsplit_once(':')?.1.parse().ok());
    port.unwrap_or(project.config.gateway.port)
}
