//! Who may change or read the files of a project.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::scene::Scene;
use crate::cli::paths::{shell_path, short};
use crate::log::{REDACTED, Redactor};
use crate::project::{self, Mend, Named, Problem, edit};

const OTHERS_WRITE: u32 = 0o002;
/// In such a folder nobody can rename what belongs to others.
const STICKY: u32 = 0o1000;
/// Larger files are not looked through for secrets.
const MOST_BYTES: u64 = 1024 * 1024;

/// Files and folders that every user may change. Whoever can, has `al` run what they like.
pub fn writable(scene: &Scene<'_>) -> Vec<Problem> {
    let mut places = vec![scene.file("."), scene.file("agents")];
    places.extend(["config.toml", ".env.toml"].map(|name| scene.file(name)));
    places.extend(environment(scene));
    for agent in &scene.project.agents {
        let folder = scene.file("agents").join(&agent.name);
        let mut names: Vec<String> = fs::read_dir(&folder.path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        places.extend(names.iter().map(|name| folder.join(name)));
        places.push(folder);
    }
    let mut problems: Vec<Problem> =
        places.iter().filter_map(|place| open_to_all(place, "world_writable")).collect();
    problems.extend(open_above(scene));
    problems
}

fn open_to_all(place: &Named, code: &'static str) -> Option<Problem> {
    let mode = fs::metadata(&place.path).ok()?.mode() & 0o7777;
    if mode & OTHERS_WRITE == 0 {
        return None;
    }
    let shown = if place.shown.is_empty() { "." } else { &place.shown };
    let word = shell_path(Path::new(shown));
    let what = if place.path.is_dir() { "folder" } else { "file" };
    let message = format!("[SECURITY] every user of this machine may change this {what}");
    Some(
        Problem::error(&Named::shown_as(place.path.clone(), shown.to_owned()), message)
            .code(code)
            .fix(format!("chmod o-w {word}"))
            .mend(Some(Mend::Mode(mode & !OTHERS_WRITE))),
    )
}

/// A folder above, in which others could put another project in this one's place.
fn open_above(scene: &Scene<'_>) -> Option<Problem> {
    let dir = scene.project.dir.canonicalize().ok()?;
    let above = dir.ancestors().skip(1).find(|folder| {
        let mode = fs::metadata(folder).map_or(0, |meta| meta.mode());
        mode & OTHERS_WRITE != 0 && mode & STICKY == 0
    })?;
    let message = "[SECURITY] every user of this machine may put another project in the place of \
                   this one: this folder above it is open to all";
    let named = Named::shown_as(above.to_owned(), short(above));
    let problem = Problem::error(&named, message).code("world_writable");
    // It is not the project's, so nothing but words.
    Some(problem.fix(format!("chmod o-w {}", shell_path(above))))
}

fn environment(scene: &Scene<'_>) -> Option<Named> {
    let name = scene.project.environment.as_ref()?;
    let path = project::environment_file(&scene.context.al_home, name);
    let shown = short(&path);
    Some(Named::shown_as(path, shown))
}

/// `.al`: what runs and schedulers leave there decides what happens next.
pub fn state(scene: &Scene<'_>) -> Vec<Problem> {
    let names = [".al", ".al/al.db", ".al/runs", ".al/logs", ".al/lock", ".al/gateway.json"];
    names.iter().filter_map(|name| open_to_all(&scene.file(name), "state_open")).collect()
}

/// Secrets that stand in files which are copied and committed. The line is named and never shown.
pub fn secrets(scene: &Scene<'_>) -> Vec<Problem> {
    let redactor = Redactor::default();
    let mut shared = vec![scene.file("config.toml"), scene.file("Dockerfile")];
    for agent in &scene.project.agents {
        let folder = scene.file("agents").join(&agent.name);
        let files = ["config.toml", "agent-config.toml", "SKILL.md", "ACTIONS.md", "Dockerfile"];
        shared.extend(files.map(|name| folder.join(name)));
    }
    let mut problems: Vec<Problem> =
        shared.iter().flat_map(|file| in_file(file, &redactor)).collect();
    let own = [Some(scene.file(".env.toml")), environment(scene)];
    for file in own.iter().flatten() {
        let mode = fs::metadata(&file.path).map_or(0, |meta| meta.mode() & 0o7777);
        problems.extend(in_file(file, &redactor).map(|problem| {
            match mode & 0o077 {
                0 => problem.warning(),
                _ => problem
                    .hint("others can read this file")
                    .fix(format!("chmod 600 {}", shell_path(Path::new(&file.shown))))
                    .mend(Some(Mend::Mode(0o600))),
            }
        }));
    }
    problems
}

fn in_file<'a>(file: &'a Named, redactor: &Redactor) -> impl Iterator<Item = Problem> + use<'a> {
    let small = fs::metadata(&file.path).is_ok_and(|meta| meta.len() <= MOST_BYTES);
    let text = if small { edit::text(&file.path).unwrap_or_default() } else { String::new() };
    let lines: Vec<usize> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| {
            let clean = redactor.text(line);
            clean.matches(REDACTED).count() > line.matches(REDACTED).count()
        })
        .map(|(at, _)| at + 1)
        .collect();
    lines.into_iter().map(|line| {
        Problem::error(file, "[SECURITY] this line holds what looks like a secret")
            .code("secret_in_file")
            .on_line(line)
            .hint("put it into the store of credentials, name that in the agent's `credentials`")
            .hint("and get a new one: whoever had this file has the old one")
    })
}

/// What git has, or would take, of what belongs to this machine.
pub fn git(scene: &Scene<'_>) -> Vec<Problem> {
    const OWN: [&str; 2] = [".al/", ".env.toml"];
    let dir = &scene.project.dir;
    if git_says(dir, &["rev-parse", "--is-inside-work-tree"]).as_deref() != Some("true\n") {
        return Vec::new();
    }
    let mut problems = Vec::new();
    // A folder that is not there yet is ignored by what would be in it.
    let ignored = |name: &str| {
        let file = if name.ends_with('/') { format!("{name}x") } else { name.to_owned() };
        git_says(dir, &["check-ignore", "--no-index", "--", &file]).is_some()
    };
    let lacking: Vec<&str> = OWN.into_iter().filter(|name| !ignored(name)).collect();
    if !lacking.is_empty() {
        let file = scene.file(".gitignore");
        let message = format!("git does not ignore {}", crate::project::listed(lacking.clone()));
        let lines: String = lacking.iter().map(|name| format!("{name}\n")).collect();
        problems.push(
            Problem::error(&file, message)
                .code("not_ignored")
                .warning()
                .fix(format!(
                    "printf '%s\\n' {} >> {}",
                    lacking.join(" "),
                    shell_path(Path::new(&file.shown))
                ))
                .mend(Some(Mend::Append(lines))),
        );
    }
    let tracked = git_says(dir, &["ls-files", "--", OWN[0], OWN[1]]).unwrap_or_default();
    if let Some(first) = tracked.lines().next() {
        let more = match tracked.lines().count() - 1 {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let message = format!("git has this file{more}, which is of this machine only");
        let top = if first.starts_with(OWN[0]) { ".al" } else { first };
        problems.push(
            Problem::error(&scene.file(first), message)
                .code("committed")
                .warning()
                .fix(format!("git rm -r --cached {top}")),
        );
    }
    problems
}

/// What git prints, when it succeeds. It starts nothing that the repository names.
fn git_says(dir: &Path, args: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(dir).args(["-c", "core.fsmonitor=false"]).args(args);
    git.stdin(Stdio::null()).stderr(Stdio::null());
    let output = git.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
