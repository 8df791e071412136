//! The directory of agent-side commands: one link to this binary for each name.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::Error;
use super::layout::make_dir;

/// Links every name in `bin_dir` to `binary`, replacing what pointed elsewhere. A run that is just
/// looking for a command finds the old link or the new one, never none.
///
/// # Errors
/// When the directory or a link cannot be written.
pub fn install_tools(bin_dir: &Path, binary: &Path, names: &[&str]) -> Result<(), Error> {
    let install = || -> io::Result<()> {
        make_dir(bin_dir)?;
        for name in names {
            let link = bin_dir.join(name);
            if fs::read_link(&link).is_ok_and(|target| target == binary) {
                continue;
            }
            let fresh = bin_dir.join(format!(".{name}.{}", std::process::id()));
            let _ = fs::remove_file(&fresh);
            symlink(binary, &fresh)?;
            fs::rename(&fresh, &link)?;
        }
        Ok(())
    };
    install().map_err(|source| Error::Io {
        doing: "put the agent commands into",
        path: bin_dir.to_owned(),
        source,
    })
}
