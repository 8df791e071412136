use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::super::dockerfile::Sources;
use super::super::ignore::Ignore;
use super::files::stays_inside;
use super::*;

fn rules() -> Rules {
    Rules { ignore: Ignore::default(), sources: Sources::All, free_links: false }
}

fn read(folder: &Path, rules: &Rules) -> Result<Context, ContextError> {
    let mut context = Context::default();
    add_folder(&mut context, folder, "", rules).map(|()| context)
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    fs::write(dir.path().join("a/b/c"), "c").unwrap();
    fs::write(dir.path().join("d"), "d").unwrap();
    dir
}

#[test]
fn a_digest_is_that_of_paths_bytes_and_executable_bits() {
    let dir = folder();
    let digest = || read(dir.path(), &rules()).unwrap().digest();
    let first = digest();
    assert_eq!(digest(), first);
    let file = dir.path().join("d");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(digest(), first, "who may read it does not count");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let program = digest();
    fs::write(&file, "e").unwrap();
    let edited = digest();
    fs::rename(&file, dir.path().join("e")).unwrap();
    let all = [first, program, edited, digest()];
    assert!((1..4).all(|n| !all[..n].contains(&all[n])));
}

#[test]
fn a_context_has_what_is_copied_and_not_ignored() {
    let dir = folder();
    let names = |sources: Sources, ignore: &str| -> Vec<String> {
        let ignore = Ignore::read(ignore).unwrap();
        let rules = Rules { ignore, sources, free_links: true };
        read(dir.path(), &rules).unwrap().entries.into_keys().collect()
    };
    let some = |names: &[&str]| Sources::Some(names.iter().map(|n| (*n).to_owned()).collect());
    assert_eq!(names(Sources::All, ""), ["a", "a/b", "a/b/c", "d"]);
    assert_eq!(names(some(&["a/b"]), ""), ["a/b", "a/b/c"]);
    assert_eq!(names(some(&["nothing", "d"]), ""), ["d"]);
    assert_eq!(names(some(&[]), ""), Vec::<String>::new());
    assert_eq!(names(Sources::All, "*\n!a/b"), ["a/b", "a/b/c"]);
    symlink("a/b", dir.path().join("l")).unwrap();
    assert_eq!(names(some(&["l/c"]), ""), ["a", "a/b", "a/b/c", "d", "l"], "what links mean");
}

#[test]
fn what_cannot_be_in_an_image_is_named() {
    let dir = folder();
    let error = || read(dir.path(), &rules()).unwrap_err().to_string();
    let shown = dir.path().display();

    let link = dir.path().join("a/link");
    symlink("/etc/passwd", &link).unwrap();
    assert_eq!(error(), format!("{shown}/a/link links to /etc/passwd, which is not in the image"));
    fs::remove_file(link).unwrap();

    let socket = UnixListener::bind(dir.path().join("s")).unwrap();
    assert_eq!(error(), format!("{shown}/s is neither a file nor a folder nor a link"));
    drop(socket);
    fs::remove_file(dir.path().join("s")).unwrap();

    let large = fs::File::create(dir.path().join("a/large")).unwrap();
    large.set_len(BYTES_MAX).unwrap();
    assert_eq!(error(), format!("{shown} has more than 256 MB for an image: a (256 MB), d (0 MB)"));
}

#[test]
fn links_lead_to_the_same_folder() {
    for (link, target, inside) in [
        ("l", "x", true),
        ("a/l", "../x", true),
        ("a/l", "./b/../../x", true),
        ("l", "../x", false),
        ("a/l", "../../x", false),
        ("a/l", "/a/x", false),
    ] {
        assert_eq!(stays_inside(link, Path::new(target)), inside, "{link} -> {target}");
    }
}

#[test]
fn an_archive_has_what_the_digest_was_made_from() {
    let dir = folder();
    fs::set_permissions(dir.path().join("d"), fs::Permissions::from_mode(0o700)).unwrap();
    symlink("d", dir.path().join("l")).unwrap();
    let context = read(dir.path(), &rules()).unwrap();
    let mut bytes = Vec::new();
    send(&context, "FROM x\n", &mut bytes).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let found: Vec<(String, u32, String)> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let path = entry.path().unwrap().display().to_string();
            (path, entry.header().mode().unwrap(), text)
        })
        .collect();
    let row = |path: &str, mode, text: &str| (path.to_owned(), mode, text.to_owned());
    assert_eq!(
        found,
        [
            row(".al-Dockerfile", 0o644, "FROM x\n"),
            row(".dockerignore", 0o644, ".al-Dockerfile\n.dockerignore\n"),
            row("a/", 0o755, ""),
            row("a/b/", 0o755, ""),
            row("a/b/c", 0o644, "c"),
            row("d", 0o755, "d"),
            row("l", 0o777, ""),
        ]
    );
    fs::write(dir.path().join("d"), "other").unwrap();
    let error = send(&context, "", &mut Vec::new()).unwrap_err().to_string();
    assert!(error.ends_with("d changed while the image was built"), "{error}");
}
