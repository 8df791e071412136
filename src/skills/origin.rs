//! Where skills come from, as a person writes it: `author/repo`, a URL for git, or a path.
//!
//! Git would take much more for a URL, programs among it. What is not one of the few shapes below
//! never reaches it.

use std::path::{Path, PathBuf};

use super::error::SkillError;

/// What `author/repo` is below, unless somebody says otherwise.
pub const BASE: &str = "https://github.com";

const SHAPES: &str =
    "write `author/repo`, `https://host/repo.git`, `git@host:repo.git` or a path like `./skills`";

/// A place to take skills from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// How it is written down for the next time, without anything secret.
    pub text: String,
    pub place: Place,
}

/// What has to be done to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Git fetches it, by this protocol and no other.
    Remote { url: String, protocol: &'static str },
    /// Git fetches it from a repository of this machine.
    Local(PathBuf),
    /// A folder without a history.
    Folder(PathBuf),
}

impl Origin {
    /// Reads what a person wrote. `author/repo` is below `base`, a relative path below `dir`.
    ///
    /// # Errors
    /// When it is none of the known shapes, has a password in it, or there is no such folder.
    pub fn parse(text: &str, base: &str, dir: &Path) -> Result<Self, SkillError> {
        if text.is_empty() {
            return Err(origin("the place to fetch from is empty", SHAPES));
        }
        if let Some(c) = text.chars().find(|c| *c != ' ' && (c.is_control() || c.is_whitespace())) {
            let why = format!("a place to fetch from cannot have {} in it", c.escape_unicode());
            return Err(origin(&why, SHAPES));
        }
        if text.starts_with('-') {
            return Err(origin("a place to fetch from cannot begin with a hyphen", SHAPES));
        }
        if is_path(text) {
            return local(&expanded(text, dir), text);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return Ok(Self { text: text.to_owned(), place: url(scheme, rest)? });
        }
        if text.contains("::") {
            let why = "a place to fetch from cannot name a helper of git (`::`)";
            return Err(origin(why, SHAPES));
        }
        if let Some((host, path)) = text.split_once(':') {
            return secure_copy(text, host, path);
        }
        short(text, base)
    }

    /// What a message calls it.
    pub fn shown(&self) -> &str {
        &self.text
    }

    /// The name of the repository or folder, for a skill that has no other.
    pub fn name(&self) -> &str {
        let text = self.text.trim_end_matches('/');
        let last = text.rsplit(['/', ':']).next().unwrap_or(text);
        last.strip_suffix(".git").unwrap_or(last)
    }

    /// Whether there are commits.
    pub fn has_commits(&self) -> bool {
        !matches!(self.place, Place::Folder(_))
    }
}

/// Checks the name of a branch or tag, or the id of a commit, that is asked for.
///
/// # Errors
/// When git could take it for something else.
pub fn check_ref(name: &str) -> Result<(), SkillError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/+-@#".contains(c);
    let bad = name.is_empty()
        || name.len() > 255
        || !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        || !name.chars().all(plain)
        || name.contains("..")
        || name.contains("@{")
        || name.ends_with(['/', '.']);
    if bad {
        return Err(origin(
            &format!("`{}` is no branch, tag or commit", name.escape_debug()),
            "`--ref main`, `--ref v1.2`, or the whole id of a commit",
        ));
    }
    Ok(())
}

fn origin(why: &str, hint: &'static str) -> SkillError {
    SkillError::Origin { why: why.to_owned(), hint }
}

fn is_path(text: &str) -> bool {
    text == "."
        || text == ".."
        || text == "~"
        || ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start))
}

fn expanded(text: &str, dir: &Path) -> PathBuf {
    match text.strip_prefix('~') {
        Some(rest) => crate::ambient::home()
            .unwrap_or_else(|| PathBuf::from("/"))
            .join(rest.trim_start_matches('/')),
        None => dir.join(text),
    }
}

fn local(path: &Path, text: &str) -> Result<Origin, SkillError> {
    let Ok(path) = path.canonicalize() else {
        return Err(origin(&format!("there is no folder {}", text.escape_debug()), SHAPES));
    };
    if !path.is_dir() {
        let why = format!("{} is a file; skills are folders", text.escape_debug());
        return Err(origin(&why, "name the folder that has SKILL.md in it"));
    }
    let Some(text) = path.to_str().map(str::to_owned) else {
        return Err(origin("the path of this folder is not UTF-8", "move it to another place"));
    };
    let place = if is_repository(&path) { Place::Local(path) } else { Place::Folder(path) };
    Ok(Origin { text, place })
}

fn is_repository(path: &Path) -> bool {
    let bare = ["HEAD", "objects", "refs"].iter().all(|part| path.join(part).exists());
    bare || path.join(".git").exists()
}

fn url(scheme: &str, rest: &str) -> Result<Place, SkillError> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if rest.contains(['?', '#']) {
        return Err(origin("a URL for git ends with its path: no `?` and no `#`", SHAPES));
    }
    if ["/tree/", "/blob/", "/-/"].iter().any(|part| rest.contains(part)) {
        return Err(origin(
            "this is the address of a page, not of a repository",
            "name the repository, and in it the skill: al add author/repo --skill NAME --ref BRANCH",
        ));
    }
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if scheme == "file" {
        if !authority.is_empty() {
            return Err(origin("a file:// URL has no host: file:///srv/skills.git", SHAPES));
        }
        return Ok(Place::Local(PathBuf::from(format!("/{path}"))));
    }
    // A user alone may be a token.
    if user.is_some_and(|user| scheme != "ssh" || user.contains(':')) {
        return Err(origin(
            "a URL with a user or password in it would be written down; nothing was fetched",
            "leave it out: git asks its credential helper, `git config --global credential.helper`",
        ));
    }
    check_host(host)?;
    if user.is_some_and(|user| !is_user(user)) {
        return Err(origin("the user of this URL is none", SHAPES));
    }
    if path.trim_matches('/').is_empty() || path.split('/').any(|part| part == "..") {
        return Err(origin("this URL names no repository", SHAPES));
    }
    let protocol = match scheme {
        "https" => "https",
        "ssh" => "ssh",
        "http" if is_loopback(host) => "http",
        "http" | "git" => {
            let why = format!("{scheme}:// proves nothing about who answers");
            return Err(origin(&why, "write https:// or ssh://"));
        }
        other => {
            let why = format!("`{}` is no protocol to fetch by", other.escape_debug());
            return Err(origin(&why, SHAPES));
        }
    };
    Ok(Place::Remote { url: format!("{scheme}://{rest}"), protocol })
}

fn secure_copy(text: &str, host: &str, path: &str) -> Result<Origin, SkillError> {
    let (user, host) = host.split_once('@').unwrap_or(("", host));
    let bad = host.contains('/')
        || (!user.is_empty() && !is_user(user))
        || path.is_empty()
        || path.starts_with('-')
        // What looks like a password before a host is one.
        || path.contains(['@', ':'])
        || path.split('/').any(|part| part == "..");
    if bad {
        return Err(origin(&format!("`{}` is no place to fetch from", shown(text)), SHAPES));
    }
    check_host(host)?;
    let place = Place::Remote { url: text.to_owned(), protocol: "ssh" };
    Ok(Origin { text: text.to_owned(), place })
}

fn short(text: &str, base: &str) -> Result<Origin, SkillError> {
    let parts: Vec<&str> = text.trim_end_matches('/').split('/').collect();
    let plain = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            && !part.contains("..")
    };
    if parts.len() == 3 && parts[0].contains('.') {
        let why = format!("`{}` has no protocol", shown(text));
        return Err(origin(&why, "write https:// before it"));
    }
    if parts.len() != 2 || !parts.iter().all(plain) {
        let why = format!("`{}` is no place to fetch from", shown(text));
        return Err(origin(&why, SHAPES));
    }
    let text = parts.join("/");
    let base = base.trim_end_matches('/');
    let Some((scheme, rest)) = base.split_once("://") else {
        return Err(origin("AL_GIT_BASE has to be a URL like https://github.com", SHAPES));
    };
    let place = url(scheme, &format!("{rest}/{text}"))?;
    Ok(Origin { text, place })
}

/// What is quoted back: never what stands before an `@`, which may be a password.
fn shown(text: &str) -> String {
    let end = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    end.chars().take(100).flat_map(char::escape_debug).collect()
}

fn is_user(user: &str) -> bool {
    user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && user.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn check_host(host: &str) -> Result<(), SkillError> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '[';
    let inside = |c: char| c.is_ascii_alphanumeric() || "._-:[]".contains(c);
    if host.starts_with(first) && host.chars().all(inside) {
        return Ok(());
    }
    Err(origin(&format!("`{}` is no host", shown(host)), SHAPES))
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    ["localhost", "127.0.0.1", "::1"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Origin, SkillError> {
        Origin::parse(text, BASE, Path::new("/nowhere"))
    }

    #[test]
    fn a_repository_is_written_in_one_of_a_few_shapes() {
        let check = |text: &str, url: &str, protocol: &str, name: &str| {
            let origin = parsed(text).unwrap();
            match &origin.place {
                Place::Remote { url: u, protocol: p } => assert_eq!((&**u, *p), (url, protocol)),
                other => panic!("{text}: {other:?}"),
            }
            assert_eq!(origin.name(), name, "{text}");
        };
        check("acme/skills", "https://github.com/acme/skills", "https", "skills");
        check("acme/a.b_c-1/", "https://github.com/acme/a.b_c-1", "https", "a.b_c-1");
        let url = "https://git.example.com/acme/skills.git";
        check(url, url, "https", "skills");
        check("ssh://git@host:22/a/b", "ssh://git@host:22/a/b", "ssh", "b");
        check("git@github.com:acme/skills.git", "git@github.com:acme/skills.git", "ssh", "skills");
        check("http://127.0.0.1:81/a/b", "http://127.0.0.1:81/a/b", "http", "b");
        check("http://[::1]:81/a", "http://[::1]:81/a", "http", "a");
        assert_eq!(parsed("file:///srv/x.git").unwrap().place, Place::Local("/srv/x.git".into()));
    }

    #[test]
    fn what_git_would_take_for_an_option_a_program_or_a_password_never_reaches_it() {
        let check = |text: &str, why: &str| {
            let error = parsed(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{text}: {error}");
        };
        check("", "is empty");
        check("--upload-pack=touch /tmp/x", "begin with a hyphen");
        check("-x/y", "begin with a hyphen");
        check("ext::sh -c touch% /tmp/x", "helper of git");
        check("fd::17/foo", "helper of git");
        check("ext::sh", "helper of git");
        check("ext://x/y", "no protocol");
        check("https://user:s3cret@host/a/b", "would be written down");
        check("https://s3cret@host/a/b", "would be written down");
        check("ssh://git:s3cret@host/a/b", "would be written down");
        check("https://host/a?token=s3cret", "no `?`");
        check("ssh://-oProxyCommand=x/a", "is no host");
        check("ssh://-u@host/a", "the user");
        check("-oProxyCommand=x:a/b", "begin with a hyphen");
        check("git@-oProxyCommand=x:a/b", "is no host");
        check("a:s3cret@host:x", "no place");
        check("git@host:-x", "no place");
        check("git@host:../../x", "no place");
        check("https://host/", "names no repository");
        check("https://host/../x", "names no repository");
        check("http://example.com/a/b", "proves nothing");
        check("http://127.0.0.1.example.com/a/b", "proves nothing");
        check("git://example.com/a/b", "proves nothing");
        check("file://host/a", "has no host");
        check("acme", "no place");
        check("acme/..", "no place");
        check("../nothing-there", "there is no folder");
        check("acme/a/b", "no place");
        check("github.com/acme/skills", "no protocol");
        check("https://github.com/acme/skills/tree/main/skills/x", "address of a page");
        check("acme/\u{1b}[2J", "cannot have");
        check("acme/sk\nills", "cannot have");
    }

    #[test]
    fn a_ref_is_a_name_and_no_option_or_pattern() {
        for good in ["main", "v1.2", "feature/x", "cf0f2481be4d90c44085053fcaea2b3b907ca04c"] {
            check_ref(good).unwrap();
        }
        for bad in ["", "-x", "--upload-pack=x", "a b", "a:b", "+a", "a..b", "a^", "*", "a@{1}"] {
            check_ref(bad).unwrap_err();
        }
    }
}
