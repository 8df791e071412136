//! Environments: their files, and which one a project is bound to.

use std::ops::Range;
use std::path::Path;

use super::check::check;
use super::layers::{environment_file, environments, environments_dir};
use super::load::Request;
use super::names;
use super::problem::{Problem, Problems, Severity, did_you_mean, listed, quoted};
use super::schema::File;
use super::source::Named;
use super::tree::{self, Table};

/// What the file of an environment says about it.
#[derive(Debug)]
pub struct EnvironmentFile {
    /// Where its scheduler answers, without a slash at the end.
    pub url: Option<String>,
    /// The key may go there in the clear.
    pub insecure: bool,
    /// `server.host`
    pub host: Option<String>,
    /// What is wrong in it, but for its syntax.
    pub problems: Vec<Problem>,
}

/// Reads the file of an environment of this machine.
///
/// # Errors
/// When the name is none, there is no such file, or it cannot be read.
pub fn read_environment(al_home: &Path, name: &str) -> Result<EnvironmentFile, Problem> {
    if let Err(why) = names::check_environment(name) {
        let message = format!("the name {} of the environment {why}", quoted(name));
        return Err(Problem::error(&Named::new(environments_dir(al_home)), message));
    }
    let file = Named::new(environment_file(al_home, name));
    let Some(source) = file.read()? else {
        let known = environments(al_home);
        let names = || known.iter().map(String::as_str);
        return Err(Problem::error(&file, format!("environment {} does not exist", quoted(name)))
            .maybe_hint(did_you_mean(name, names()))
            .hint(format!("there are {}; to make it: al env init {name}", listed(names()))));
    };
    let mut table = tree::parse(&source)?;
    let mut problems = Problems::default();
    check(&mut table, File::Environment, &mut problems);
    super::config::check_server(&table, &mut problems);
    let empty = Table::default();
    let gateway = table.table("gateway").unwrap_or(&empty);
    if gateway.is_bad("url")
        && let Some(at) = gateway.node("url").map(|node| &node.at)
    {
        return Err(Problem::error_at(at, "`gateway.url` must be a string"));
    }
    if let Some((url, at)) = gateway.text("url").zip(gateway.node("url").map(|node| &node.at))
        && holds_login(url)
    {
        // The line is named and not shown.
        let message = "`gateway.url` holds a name or a password";
        return Err(Problem::error(&file, message)
            .on_line(at.line())
            .hint(format!("the key there is a credential: al creds add gateway_api_key:{name}")));
    }
    Ok(EnvironmentFile {
        url: gateway.text("url").map(|url| url.trim_end_matches('/').to_owned()),
        insecure: gateway.bool("insecure").unwrap_or(false),
        host: table.table("server").and_then(|server| server.text("host")).map(str::to_owned),
        problems: problems.into_sorted(),
    })
}

/// Whether a URL brings a name or a password with it, which would be shown wherever the URL is.
pub fn holds_login(url: &str) -> bool {
    login(url).is_some()
}

/// Where in a URL the name and the password stand, without the `@` behind them.
pub(super) fn login(url: &str) -> Option<Range<usize>> {
    let begin = url.find("://").map_or(0, |at| at + "://".len());
    let authority = url[begin..].split(['/', '?', '#']).next()?;
    authority.rfind('@').map(|at| begin..begin + at)
}

impl EnvironmentFile {
    /// Whether a scheduler could start with it.
    pub fn is_valid(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity == Severity::Warning)
    }
}

/// The environment that a project is used with, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub name: String,
    pub by: By,
}

/// What names an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// `-E`
    Flag,
    /// `$AL_ENV`
    Variable,
    /// `environment` in `.env.toml`.
    File { shown: String, line: usize },
}

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("-E"),
            Self::Variable => f.write_str("$AL_ENV"),
            Self::File { shown, line } => write!(f, "{shown}:{line}"),
        }
    }
}

/// Which environment a project is used with; none is none.
///
/// # Errors
/// When `.env.toml` would have to say so and cannot be read.
pub fn bound(request: &Request<'_>) -> Result<Option<Bound>, Problem> {
    let named = |name: &str, by: By| Ok(Some(Bound { name: name.to_owned(), by }));
    match (request.environment.as_deref(), request.al_env.as_deref()) {
        (Some(name), _) => named(name, By::Flag),
        (None, Some(name)) => named(name, By::Variable),
        (None, None) => {
            let file = Named::project(&request.dir).join(".env.toml");
            let Some(source) = file.read()? else { return Ok(None) };
            let table = tree::parse(&source)?;
            let (Some(entry), Some(name)) = (table.entry("environment"), table.text("environment"))
            else {
                return Ok(None);
            };
            named(name, By::File { shown: file.shown, line: entry.key_at.line() })
        }
    }
}
