//! `al env init`: a new environment.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::super::prompt::{Prompt, Question};
use super::super::{Context, ask, environments, output};
use crate::failure::Failure;
use crate::http;
use crate::project::{edit, environment_file, environments_dir};

/// Make an environment; asks what is not said
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct InitArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Where its scheduler answers
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// Let the API key go to a plain http:// URL on another machine
    #[arg(long)]
    pub insecure: bool,

    /// The host that deployment goes to
    #[arg(long, value_name = "HOST")]
    pub server: Option<String>,

    /// User to sign in there as [default: root]
    #[arg(long, value_name = "USER", requires = "server")]
    pub user: Option<String>,

    /// Port of ssh there [default: 22]
    #[arg(long, value_name = "PORT", requires = "server")]
    pub ssh_port: Option<u16>,

    /// Private key to sign in with [default: that of the ssh agent]
    #[arg(long, value_name = "FILE", requires = "server")]
    pub key_path: Option<String>,

    /// Folder on the host [default: /opt/action-llama]
    #[arg(long, value_name = "DIR", requires = "server")]
    pub base_path: Option<String>,

    /// Ask nothing, and write only what it may hold, as comments
    #[arg(long, conflicts_with_all = ["url", "server"])]
    pub empty: bool,
}

/// What the file will say.
#[derive(Debug, Default)]
struct Said {
    url: Option<String>,
    insecure: bool,
    host: Option<String>,
    user: Option<String>,
    port: Option<u16>,
    key_path: Option<String>,
    base_path: Option<String>,
}

pub fn run(args: &InitArgs, context: &Context) -> Result<(), Failure> {
    environments::check_name(&args.name)?;
    let file = environment_file(&context.al_home, &args.name);
    if fs::symlink_metadata(&file).is_ok() {
        return Err(exists(&args.name, &file));
    }
    let said = answers(args, context)?;
    check(&said)?;
    let folder = environments_dir(&context.al_home);
    let unwritable = |error: std::io::Error| {
        Failure::upstream("not_written", format!("{} cannot be written: {error}", file.display()))
    };
    // It may name hosts and users that are nobody's business.
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(unwritable)?;
    let text = text(&args.name, &said);
    edit::write_new(&file, text.as_bytes(), 0o600).map_err(|error| match error.kind() {
        // Somebody made it while the questions were answered.
        ErrorKind::AlreadyExists => exists(&args.name, &file),
        _ => unwritable(error),
    })?;
    output::print(&format!("{}\n", file.display()))?;
    let name = &args.name;
    output::remark(&match said.url {
        Some(_) => format!("does its scheduler answer? al env check {name}\n"),
        None => "say where its scheduler answers: `url` in `[gateway]` of that file\n".to_owned(),
    });
    output::remark(&format!("for the project here: al env set {name}\n"));
    Ok(())
}

fn exists(name: &str, file: &Path) -> Failure {
    let message = format!("environment `{name}` exists already: {}", file.display());
    Failure::user("file_exists", message).hint(format!("what it says: al env show {name}"))
}

fn answers(args: &InitArgs, context: &Context) -> Result<Said, Failure> {
    let mut said = Said {
        url: args.url.clone(),
        insecure: args.insecure,
        host: args.server.clone(),
        user: args.user.clone(),
        port: args.ssh_port,
        key_path: args.key_path.clone(),
        base_path: args.base_path.clone(),
    };
    let told = args.empty || args.url.is_some() || args.server.is_some();
    if told {
        return Ok(said);
    }
    if !ask::somebody_there() {
        return Err(ask::nobody("answer: where it is")
            .hint("say it with --url URL, --server HOST, or --empty for a file to fill in"));
    }
    let prompt = Prompt::new(context.look.err);
    ask_gateway(prompt, &mut said)?;
    ask_server(prompt, &mut said)?;
    Ok(said)
}

/// Where its scheduler answers.
fn ask_gateway(prompt: Prompt, said: &mut Said) -> Result<(), Failure> {
    let url = Question {
        text: "Where its scheduler answers",
        flag: "--url URL",
        help: "https://al.example.org; empty when it is not known yet",
    };
    let fits = |text: &str| match text {
        "" => Ok(()),
        url => environments::check_url(url).map_err(|failure| failure.message),
    };
    said.url = some(prompt.text(&url, Some(""), fits)?);
    if said.url.as_deref().is_some_and(http::in_the_clear) {
        let question = Question {
            text: "The API key would go there unencrypted. Allow it",
            flag: "--insecure",
            help: "",
        };
        said.insecure = prompt.yes(&question, false)?;
    }
    Ok(())
}

/// Where it is deployed to, if it is.
fn ask_server(prompt: Prompt, said: &mut Said) -> Result<(), Failure> {
    let host = Question {
        text: "Host that deployment goes to",
        flag: "--server HOST",
        help: "empty when nothing is deployed",
    };
    said.host = some(prompt.text(&host, Some(""), |_| Ok(()))?);
    if said.host.is_none() {
        return Ok(());
    }
    let user = Question { text: "User to sign in there as", flag: "--user USER", help: "" };
    said.user = some(prompt.text(&user, Some("root"), |_| Ok(()))?);
    let port = Question { text: "Port of ssh", flag: "--ssh-port PORT", help: "" };
    let number = |text: &str| match text.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err("a port is a number from 1 to 65535".to_owned()),
    };
    said.port = prompt.text(&port, Some("22"), number)?.parse().ok();
    let key = Question {
        text: "Private key to sign in with",
        flag: "--key-path FILE",
        help: "empty for that of the ssh agent",
    };
    said.key_path = some(prompt.text(&key, Some(""), |_| Ok(()))?);
    let base = Question { text: "Folder on the host", flag: "--base-path DIR", help: "" };
    said.base_path = some(prompt.text(&base, Some("/opt/action-llama"), absolute)?);
    Ok(())
}

/// What was typed; none for an empty line.
fn some(typed: String) -> Option<String> {
    (!typed.is_empty()).then_some(typed)
}

fn absolute(path: &str) -> Result<(), String> {
    match path.starts_with('/') {
        true => Ok(()),
        false => Err("it must start with `/`".to_owned()),
    }
}

fn check(said: &Said) -> Result<(), Failure> {
    if let Some(url) = &said.url {
        environments::check_url(url)?;
        if http::in_the_clear(url) && !said.insecure {
            return Err(super::super::client::in_the_clear(url));
        }
    }
    if said.host.as_deref().is_some_and(|host| host.trim().is_empty()) {
        return Err(Failure::user("environment", "--server needs the name of a host"));
    }
    if said.port == Some(0) {
        return Err(Failure::user("environment", "`server.port` must be between 1 and 65535"));
    }
    if let Some(path) = &said.base_path {
        absolute(path)
            .map_err(|why| Failure::user("environment", format!("`server.basePath`: {why}")))?;
    }
    Ok(())
}

/// The file: what was said, and the rest of what it may hold as comments.
fn text(name: &str, said: &Said) -> String {
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    let line = |key: &str, value: Option<String>, example: &str, about: &str| match value {
        Some(value) => format!("{key} = {value}\n"),
        None => format!("# {:<34} # {about}\n", format!("{key} = {example}")),
    };
    let mut text = format!(
        "# The environment `{name}`: al -E {name} <command>, or al env set {name} in a project.\n\
         # What stands here is laid over config.toml and .env.toml of the project.\n\n"
    );
    text.push_str(if said.url.is_some() { "[gateway]\n" } else { "# [gateway]\n" });
    let url = said.url.as_deref().map(|url| quoted(url.trim_end_matches('/')));
    text.push_str(&line("url", url, "\"https://al.example.org\"", "where its scheduler answers"));
    if said.insecure {
        text.push_str("insecure = true\n");
    }
    text.push_str(&format!(
        "# Its key, where that is not the one of this machine, is the credential\n\
         # gateway_api_key/{name}, and no setting.\n\n"
    ));
    let host = said.host.as_deref().map(quoted);
    text.push_str(if host.is_some() { "[server]\n" } else { "# [server]\n" });
    text.push_str(&line("host", host, "\"vps1.example.org\"", "where it is deployed"));
    let user = said.user.as_deref().map(quoted);
    text.push_str(&line("user", user, "\"root\"", "who signs in there"));
    text.push_str(&line("port", said.port.map(|n| n.to_string()), "22", "of ssh"));
    let key = said.key_path.as_deref().map(quoted);
    text.push_str(&line("keyPath", key, "\"~/.ssh/id_ed25519\"", "instead of the ssh agent"));
    let base = said.base_path.as_deref().map(quoted);
    text.push_str(&line("basePath", base, "\"/opt/action-llama\"", "folder on the host"));
    text.push_str(&line("expose", None, "true", "reachable from outside"));
    text
}
