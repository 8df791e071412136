//! From what was found to what is changed. Nothing here looks or acts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use crate::cli::diff;
use crate::cli::gc::Left;
use crate::cli::paint::Paint;
use crate::cli::paths::shell_path;
use crate::project::{Mend, Problem};
use crate::shell;

/// What there is.
pub struct Facts<'a> {
    pub problems: Vec<&'a Problem>,
    /// Files that lines are added to; none for one that is not there.
    pub texts: BTreeMap<PathBuf, Option<String>>,
    /// Keys of locks that nobody can want.
    pub locks: Vec<String>,
    /// What runs left.
    pub left: Vec<Left>,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The file has another text. `before` is none for one that is not there.
    Edit {
        file: Place,
        before: Option<String>,
        after: String,
    },
    /// The file or folder has another mode.
    Mode {
        file: Place,
        mode: u32,
        secret: bool,
    },
    /// The file has another name, beside the one that it has.
    Move {
        file: Place,
        to: String,
    },
    Remove {
        file: Place,
    },
    RemoveFolder {
        file: Place,
    },
    /// These locks are free.
    Unlock(Vec<String>),
    /// What runs left is gone.
    Clear(Vec<Left>),
}

/// A file by both its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub shown: String,
}

impl Step {
    /// What it does, as a question.
    pub fn question(&self) -> String {
        match self {
            Self::Edit { file, before: Some(_), .. } => format!("Change {}?", file.shown),
            Self::Edit { file, .. } => format!("Make {}?", file.shown),
            Self::Mode { file, .. } => format!("Change the mode of {}?", file.shown),
            Self::Move { file, to } => format!("Rename {} to {to}?", file.shown),
            Self::Remove { file } | Self::RemoveFolder { file } => {
                format!("Remove {}?", file.shown)
            }
            Self::Unlock(_) => "Free it?".to_owned(),
            Self::Clear(_) => "Remove it?".to_owned(),
        }
    }

    /// What to think of once it is done.
    pub fn afterwards(&self) -> Option<String> {
        let Self::Mode { file, secret: true, .. } = self else { return None };
        let read = format!("whoever could read {} may have done so", file.shown);
        Some(match file.path.to_string_lossy().contains("gateway_api_key") {
            true => format!("{read}; a new one: al doctor --rotate-key"),
            false => format!("{read}: a new one is safer"),
        })
    }
}

/// What mends it. Files are changed before they get other names.
pub fn steps(facts: &Facts<'_>) -> Vec<Step> {
    let mut steps = edits(facts);
    for problem in &facts.problems {
        let step = match &problem.more.mend {
            Some(Mend::Mode(mode)) => {
                let secret = problem.more.code == "credential_exposed";
                Step::Mode { file: place(problem), mode: *mode, secret }
            }
            Some(Mend::Append(lines)) => match facts.texts.get(&problem.file) {
                Some(text) => append(problem, text.as_deref(), lines),
                None => continue,
            },
            _ => continue,
        };
        // One file may be told of twice.
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    for problem in &facts.problems {
        match &problem.more.mend {
            Some(Mend::Move(to)) => {
                steps.push(Step::Move { file: place(problem), to: to.clone() });
            }
            Some(Mend::Remove) => steps.push(Step::Remove { file: place(problem) }),
            Some(Mend::RemoveFolder) => steps.push(Step::RemoveFolder { file: place(problem) }),
            _ => {}
        }
    }
    if !facts.locks.is_empty() {
        steps.push(Step::Unlock(facts.locks.clone()));
    }
    if !facts.left.is_empty() {
        steps.push(Step::Clear(facts.left.clone()));
    }
    steps
}

fn place(problem: &Problem) -> Place {
    Place { path: problem.file.clone(), shown: problem.shown().to_owned() }
}

fn append(problem: &Problem, text: Option<&str>, lines: &str) -> Step {
    let old = text.unwrap_or_default();
    let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    let after = format!("{old}{gap}{lines}");
    Step::Edit { file: place(problem), before: text.map(str::to_owned), after }
}

/// A place in a file, and what it is to say.
type Renamed<'a> = (Range<usize>, &'a str);

/// The renamed keys of each file in one step.
fn edits(facts: &Facts<'_>) -> Vec<Step> {
    let mut files: Vec<(Place, &str, Vec<Renamed<'_>>)> = Vec::new();
    for problem in &facts.problems {
        let (Some(Mend::Rename(name)), Some((span, text))) = (&problem.more.mend, problem.span())
        else {
            continue;
        };
        match files.iter_mut().find(|(file, ..)| file.path == problem.file) {
            Some((_, _, renamed)) => renamed.push((span, name)),
            None => files.push((place(problem), text, vec![(span, name)])),
        }
    }
    let step = |(file, text, renamed): (Place, &str, Vec<Renamed<'_>>)| {
        let after = with_names(&file.path, text, renamed)?;
        Some(Step::Edit { file, before: Some(text.to_owned()), after })
    };
    files.into_iter().filter_map(step).collect()
}

/// The text with other names in these places, and every other byte as it was; none when that would
/// be no valid file any more: two slips may have meant the same key.
fn with_names(file: &Path, text: &str, mut renamed: Vec<Renamed<'_>>) -> Option<String> {
    renamed.sort_by_key(|(span, _)| span.start);
    let mut after = text.to_owned();
    for (span, name) in renamed.iter().rev() {
        after.get(span.clone())?;
        after.replace_range(span.clone(), name);
    }
    let is_toml = file.extension().is_some_and(|extension| extension == "toml");
    let sound = !is_toml || after.parse::<DocumentMut>().is_ok();
    sound.then_some(after)
}

/// A step as a person sees it before it is done. What looks like a secret is left out.
pub fn shown(step: &Step, paint: Paint) -> String {
    let line = |text: String| format!("  {text}\n");
    match step {
        Step::Edit { file, before, after } => {
            let old = before.as_deref().unwrap_or_default();
            diff::unified(&file.shown, old, after, paint)
        }
        Step::Mode { file, mode, .. } => {
            line(format!("chmod {mode:o} {}", shell_path(Path::new(&file.shown))))
        }
        Step::Move { file, to } => {
            let to = match file.shown.rsplit_once('/') {
                Some((folder, _)) => format!("{folder}/{to}"),
                None => to.clone(),
            };
            line(format!("mv {} {}", shell::word(&file.shown), shell::word(&to)))
        }
        Step::Remove { file } => line(format!("rm {}", shell::word(&file.shown))),
        Step::RemoveFolder { file } => line(format!("rm -r {}", shell::word(&file.shown))),
        Step::Unlock(keys) => keys.iter().map(|key| line(format!("free the lock {key}"))).collect(),
        Step::Clear(left) => {
            let one = |one: &Left| line(format!("remove {} {}", one.word(), one.name));
            left.iter().map(one).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_change() {
        let check = |text: &str, renamed: &[(&str, &str)], expected: Option<&str>| {
            let spans = renamed.iter().map(|(old, new)| {
                let at = text.find(old).unwrap();
                (at..at + old.len(), *new)
            });
            let after = with_names(Path::new("config.toml"), text, spans.collect());
            assert_eq!(after.as_deref(), expected, "{text}");
        };
        let text = "# mine\r\nscael   =  2 # two\n[local]\ntimeot=1\n";
        let after = "# mine\r\nscale   =  2 # two\n[local]\ntimeout=1\n";
        check(text, &[("timeot", "timeout"), ("scael", "scale")], Some(after));
        check("\"scael\" = 1\n", &[("\"scael\"", "scale")], Some("scale = 1\n"));
        check("scael = 1\nsclae = 2\n", &[("scael", "scale"), ("sclae", "scale")], None);
    }

    #[test]
    fn a_diff_shows_no_secret() {
        let secret = format!("ghp_{}", "a1".repeat(18));
        let before = format!("token = \"{secret}\"\nscael = 1\n");
        let after = before.replace("scael", "scale");
        let file = Place { path: "/p/config.toml".into(), shown: "config.toml".into() };
        let shown = shown(&Step::Edit { file, before: Some(before), after }, Paint::new(false));
        assert!(!shown.contains(&secret), "{shown}");
        assert!(shown.contains("\n-scael = 1\n+scale = 1\n"), "{shown}");
    }
}
