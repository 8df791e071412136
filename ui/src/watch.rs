//! The thread that notices when the user saves a theme or `console.toml`.

use crate::files::{CONSOLE, Files, THEMES};
use crate::input::Input;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::thread;
use std::time::Duration;

/// How long a file has to be left alone before it is read: editors write in several steps.
const CALM: Duration = Duration::from_millis(60);

/// Notices changes of `files`, until nobody listens. Where files cannot be watched, they count at
/// the next start.
pub fn watch(dir: PathBuf, files: Files, inputs: SyncSender<Input>) -> std::io::Result<()> {
    thread::Builder::new().name("al-files".to_owned()).spawn(move || {
        let (tell, told) = channel();
        let Ok(mut watcher) = watcher(&dir, tell) else { return };
        attend(&dir, files, &mut watcher, &told, &inputs);
    })?;
    Ok(())
}

fn watcher(dir: &Path, tell: Sender<()>) -> notify::Result<RecommendedWatcher> {
    let (dir, ours) = (dir.to_owned(), [dir.join(CONSOLE), dir.join(THEMES)]);
    notify::recommended_watcher(move |event: notify::Result<Event>| {
        let concerns = event.is_ok_and(|event| {
            let changed = !matches!(event.kind, EventKind::Access(_));
            // The folder itself, or one that it lies in, may come later.
            let ours = |path: &PathBuf| {
                dir.starts_with(path) || ours.iter().any(|own| path.starts_with(own))
            };
            changed && event.paths.iter().any(ours)
        });
        if concerns {
            // The thread that reads has ended: so will this.
            let _ = tell.send(());
        }
    })
}

fn attend(
    dir: &Path,
    mut known: Files,
    watcher: &mut RecommendedWatcher,
    told: &Receiver<()>,
    inputs: &SyncSender<Input>,
) {
    loop {
        // Until there is the folder, the nearest one that it will lie in.
        let mut folders = dir.ancestors();
        if !folders.any(|folder| watcher.watch(folder, RecursiveMode::NonRecursive).is_ok()) {
            return;
        }
        // It may come later, and may be another one than before.
        let _ = watcher.watch(&dir.join(THEMES), RecursiveMode::NonRecursive);
        let files = Files::read(Some(dir));
        if files != known {
            known = files.clone();
            if inputs.send(Input::Files(Box::new(files))).is_err() {
                return;
            }
        }
        if told.recv().is_err() {
            return;
        }
        loop {
            match told.recv_timeout(CALM) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn saved_files_are_read_again() {
        let home = std::env::temp_dir().join(format!("al-ui-watch-{}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        let dir = home.join("config/al");
        let (inputs, queue) = sync_channel(4);
        watch(dir.clone(), Files::read(Some(&dir)), inputs).unwrap();
        let next = |seen: &dyn Fn(&Files) -> bool| loop {
            let input = queue.recv_timeout(Duration::from_secs(20)).unwrap();
            if matches!(&input, Input::Files(files) if seen(files)) {
                return;
            }
        };
        // The watch may begin a moment after the first write; that is read all the same.
        fs::create_dir(home.join("config")).unwrap();
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join(CONSOLE), "theme = \"mono\"\n").unwrap();
        next(&|files| files.console == Some(Ok("theme = \"mono\"\n".into())));
        fs::create_dir_all(dir.join(THEMES)).unwrap();
        fs::write(dir.join("themes/own.toml"), "[roles]\n").unwrap();
        next(&|files| files.themes.get("own") == Some(&Ok("[roles]\n".into())));
        fs::write(dir.join("themes/own.toml"), "[roles\n").unwrap();
        next(&|files| files.themes.get("own") == Some(&Ok("[roles\n".into())));
        fs::remove_dir_all(&home).unwrap();
    }
}
