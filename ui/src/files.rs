//! The files of the user's folder as text: `console.toml` and `themes/*.toml`. They are read here;
//! what they mean is decided by pure code.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Name of the file with the user's keys, theme and settings.
pub const CONSOLE: &str = "console.toml";
/// Name of the folder with the user's themes.
pub const THEMES: &str = "themes";
/// Nobody writes more by hand.
const LARGEST: u64 = 1024 * 1024;

/// Text, or why it cannot be read.
pub type Text = Result<String, String>;

/// What the folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    pub dir: Option<PathBuf>,
    /// None when there is no such file.
    pub console: Option<Text>,
    /// By name.
    pub themes: BTreeMap<String, Text>,
}

impl Files {
    /// Reads the folder. What is not there is not missed.
    pub fn read(dir: Option<&Path>) -> Self {
        let Some(dir) = dir else { return Self::default() };
        let mut themes = BTreeMap::new();
        for entry in fs::read_dir(dir.join(THEMES)).into_iter().flatten().flatten() {
            let path = entry.path();
            let toml = path.extension().is_some_and(|extension| extension == "toml");
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            if let (true, Some(name), Some(text)) = (toml, name, text(&path)) {
                themes.insert(name, text);
            }
        }
        Self { dir: Some(dir.to_owned()), console: text(&dir.join(CONSOLE)), themes }
    }

    /// Where `console.toml` is or would be.
    pub fn console_path(&self) -> String {
        let path = self.dir.as_ref().map(|dir| dir.join(CONSOLE));
        path.map_or_else(|| CONSOLE.to_owned(), |path| path.display().to_string())
    }
}

/// Reads a file of the user's that is not too large to be meant. A pipe is none: reading one may never
/// end.
///
/// # Errors
/// When it cannot be read, is no regular file, too large or no text.
pub fn read_text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    match text.len() as u64 > LARGEST {
        true => Err(io::Error::other("it is too large")),
        false => Ok(text),
    }
}

fn text(path: &Path) -> Option<Text> {
    match read_text(path) {
        Ok(text) => Some(Ok(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(Err(format!("cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_refused_and_not_read() {
        let dir = std::env::temp_dir().join(format!("al-ui-files-{}", std::process::id()));
        fs::create_dir_all(dir.join(THEMES)).unwrap();
        let pipes = [dir.join(CONSOLE), dir.join("themes/own.toml")];
        let made = std::process::Command::new("mkfifo").args(&pipes).status().unwrap();
        assert!(made.success());
        let files = Files::read(Some(&dir));
        fs::remove_dir_all(&dir).unwrap();
        let refused = Err("cannot be read: it is no regular file".to_owned());
        assert_eq!(
            (files.console.as_ref(), files.themes.get("own")),
            (Some(&refused), Some(&refused))
        );
    }
}
