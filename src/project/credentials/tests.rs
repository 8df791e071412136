use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;

fn put(home: &Path, path: &str, value: &str, mode: u32) {
    let file = home.join("credentials").join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, value).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
}

fn in_files(keeper: Keeper) -> PathBuf {
    match keeper {
        Keeper::Files(folder) => folder,
        Keeper::Keyring => panic!("it is in the keyring"),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn references_split_on_the_first_colon() {
    let parse = |text| Reference::parse(text).map(|r| (r.kind, r.instance)).ok();
    let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
    assert_eq!(parse("github_token"), pair("github_token", "default"));
    assert_eq!(parse(" git_ssh : bot "), pair("git_ssh", "bot"));
    assert_eq!(parse("a:b:c"), pair("a", "b:c"));
    for bad in ["", ":", "a:", ":b", "../x", "a:../../etc", "a/b", "a:b\nc"] {
        assert_eq!(parse(bad), None, "{bad:?}");
    }
}

#[test]
fn values_are_trimmed_and_never_shown() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), "github_token/default/token", " ghp_1\n", 0o600);
    let secret = field(home.path(), "github_token", "default", "token").unwrap().unwrap();
    assert_eq!(secret.reveal(), "ghp_1");
    assert_eq!(format!("{secret:?}"), "Secret(***)");
    assert_eq!(field(home.path(), "github_token", "other", "token").unwrap(), None);
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_fix() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), "github_token/default/token", "ghp_1", 0o640);
    let error = field(home.path(), "github_token", "default", "token").unwrap_err();
    let file = home.path().join("credentials/github_token/default/token");
    let file = file.display();
    assert_eq!(
        error.to_string(),
        format!("{file} can be used by others (mode 0640); run: chmod 600 {file}")
    );
}

#[test]
fn all_instances_of_a_type_are_listed() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), "github_webhook_secret/default/secret", "a", 0o600);
    put(home.path(), "github_webhook_secret/acme/secret", "b", 0o400);
    put(home.path(), "github_webhook_secret/empty/other", "c", 0o600);
    let wanted = [("github_webhook_secret", "secret"), ("sentry_client_secret", "secret")];
    let all = instances(home.path(), &wanted).unwrap();
    let found: Vec<_> = all[0].values.iter().map(|(k, v)| (k.as_str(), v.reveal())).collect();
    assert_eq!(found, [("acme", "b"), ("default", "a")]);
    assert!(all[1].values.is_empty());
}

#[test]
fn all_fields_of_a_credential_are_listed() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), "aws/default/access_key_id", "AKIA1\n", 0o600);
    put(home.path(), "aws/default/secret_access_key", "s", 0o600);
    put(home.path(), "aws/default/.secret_access_key.swp", "s", 0o644);
    let fields = |text| fields(home.path(), &Reference::parse(text).unwrap(), &[]);
    let found = fields("aws").unwrap();
    let found: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.reveal())).collect();
    assert_eq!(found, [("access_key_id", "AKIA1"), ("secret_access_key", "s")]);
    assert!(fields("aws:other").unwrap().is_empty());
    put(home.path(), "aws/open/access_key_id", "AKIA1", 0o644);
    assert!(matches!(fields("aws:open"), Err(CredentialError::Exposed { .. })));
}

#[test]
fn a_credential_exists_when_its_folder_has_a_file() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), "git_ssh/bot/id_rsa", "k", 0o600);
    assert!(exists(home.path(), &Reference::parse("git_ssh:bot").unwrap()));
    assert!(!exists(home.path(), &Reference::parse("git_ssh").unwrap()));
}

#[test]
fn all_fields_that_cannot_be_read_are_named() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), "jira/default/token", "t", 0o644);
    put(home.path(), "jira/default/url", "u", 0o600);
    put(home.path(), "jira/default/user", "u", 0o604);
    put(home.path(), "sound/default/token", "t", 0o600);
    let found = |name: &str| {
        let errors = unreadable(home.path(), &Reference::parse(name).unwrap());
        let modes = errors.iter().map(|error| match error {
            CredentialError::Exposed { mode, .. } => *mode,
            other => panic!("{other}"),
        });
        modes.collect::<Vec<u32>>()
    };
    assert_eq!(found("jira"), [0o644, 0o604]);
    assert!(found("sound").is_empty());
    assert!(found("sound:other").is_empty());
}

#[test]
fn the_gateway_key_is_made_once_for_its_owner_only() {
    let home = tempfile::tempdir().unwrap();
    let key = ensure_gateway_key(home.path()).unwrap();
    assert_eq!(key.reveal().len(), 43);
    assert_eq!(ensure_gateway_key(home.path()).unwrap(), key);
    let mut dir = home.path().join("credentials/gateway_api_key/default/key");
    assert_eq!(mode(&dir), 0o600);
    for _ in 0..3 {
        dir.pop();
        assert_eq!(mode(&dir), 0o700, "{}", dir.display());
    }
    assert_eq!(
        fs::read_dir(home.path().join("credentials/gateway_api_key/default")).unwrap().count(),
        1
    );
}

#[test]
fn the_gateway_key_is_found_in_its_file_when_files_are_not_in_the_order() {
    let check = |settings: &str| {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("credentials.toml"), settings).unwrap();
        let key = ensure_gateway_key(home.path()).unwrap();
        assert_eq!(gateway_key(home.path()).unwrap(), Some(key.clone()), "{settings}");
        assert_eq!(ensure_gateway_key(home.path()).unwrap(), key, "{settings}");
    };
    check("order = [\"env\", \"keyring\"]");
    check("order = []");
    let nothing = "[command]\nread = [\"sh\", \"-c\", \"exit 1 # {field}\"]";
    check(&format!("order = [\"env\", \"command\"]\n{nothing}"));
}

#[test]
fn a_rotated_key_takes_the_place_of_any_other() {
    let home = tempfile::tempdir().unwrap();
    let old = ensure_gateway_key(home.path()).unwrap();
    let file = rotate_gateway_key(home.path()).unwrap();
    let new = gateway_key(home.path()).unwrap().unwrap();
    assert_ne!(new, old);
    assert_eq!((new.reveal().len(), mode(&file)), (43, 0o600));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    rotate_gateway_key(home.path()).unwrap();
    assert_ne!(gateway_key(home.path()).unwrap().unwrap(), new);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing stays beside");
    fs::remove_dir_all(home.path().join("credentials")).unwrap();
    rotate_gateway_key(home.path()).unwrap();
    assert!(gateway_key(home.path()).unwrap().is_some(), "there need not be an old one");
}

#[test]
fn an_empty_gateway_key_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), "gateway_api_key/default/key", "\n", 0o600);
    assert_eq!(ensure_gateway_key(home.path()).unwrap().reveal().len(), 43);
}

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
}

#[test]
fn what_an_editor_left_around_a_value_is_no_part_of_it() {
    let check = |written: &[u8], expected: &str| {
        let home = tempfile::tempdir().unwrap();
        put_bytes(home.path(), "git_ssh/default/id_rsa", written);
        let read = field(home.path(), "git_ssh", "default", "id_rsa").unwrap().unwrap();
        assert_eq!(read.reveal(), expected);
    };
    check(b"\xef\xbb\xbfghp_1\r\n", "ghp_1");
    check(
        b"-----BEGIN X-----\r\nabc\r\n-----END X-----\r\n",
        "-----BEGIN X-----\nabc\n-----END X-----",
    );
    check(b"  two words \n\n", "two words");
}

fn put_bytes(home: &Path, path: &str, bytes: &[u8]) {
    let file = home.join("credentials").join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, bytes).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn names_that_are_no_text_are_passed_over() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let home = tempfile::tempdir().unwrap();
    super::put(home.path(), &reference("jira"), &values(&[("token", "t")]), Put::New).unwrap();
    let folder = folder(home.path(), &reference("jira"));
    let odd = OsStr::from_bytes(b"tok\xffen");
    fs::write(folder.join(odd), "x").unwrap();
    fs::create_dir(folder.parent().unwrap().join(odd)).unwrap();
    fs::create_dir(home.path().join("credentials").join(odd)).unwrap();
    let (all, errors) = list(home.path());
    assert_eq!(all, [reference("jira")]);
    assert!(errors.is_empty());
    let fields = fields(home.path(), &reference("jira"), &[]).unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["token"]);
}

#[test]
fn names_that_lead_out_of_the_store_write_and_remove_nothing() {
    let home = tempfile::tempdir().unwrap();
    for (kind, instance, field) in [
        ("..", "x", "f"),
        ("x", "../../y", "f"),
        ("x", "y", "../f"),
        ("a/b", "c", "f"),
        ("x", "", "f"),
    ] {
        let reference = Reference { kind: kind.to_owned(), instance: instance.to_owned() };
        let wrote = super::put(home.path(), &reference, &values(&[(field, "v")]), Put::New);
        assert!(matches!(wrote, Err(CredentialError::BadName(_))), "{kind} {instance} {field}");
    }
    let up = Reference { kind: "..".to_owned(), instance: "..".to_owned() };
    let place = Keeper::Files(folder(home.path(), &up));
    assert!(matches!(remove(home.path(), &up, &place), Err(CredentialError::BadName(_))));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_credential_is_written_whole_for_its_owner_only() {
    let home = tempfile::tempdir().unwrap();
    let aws = reference("aws:eu");
    let first = values(&[("access_key_id", "AKIA1"), ("secret_access_key", "s1")]);
    let place = in_files(super::put(home.path(), &aws, &first, Put::New).unwrap());
    assert_eq!(fields(home.path(), &aws, &[]).unwrap(), first);
    assert_eq!(mode(&place.join("secret_access_key")), 0o600);
    let folders = [place.as_path(), place.parent().unwrap(), &home.path().join("credentials")];
    for folder in folders {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    let second = values(&[("access_key_id", "AKIA2"), ("secret_access_key", "s2")]);
    let again = super::put(home.path(), &aws, &second, Put::New);
    assert!(matches!(again, Err(CredentialError::Exists(_))));
    assert_eq!(fields(home.path(), &aws, &[]).unwrap(), first, "it stays");
    super::put(home.path(), &aws, &second, Put::Replace).unwrap();
    assert_eq!(fields(home.path(), &aws, &[]).unwrap(), second);
    let beside: Vec<_> = fs::read_dir(place.parent().unwrap()).unwrap().collect();
    assert_eq!(beside.len(), 1, "nothing stays beside it");
    let elsewhere = remove(home.path(), &aws, &Keeper::Keyring);
    assert!(!elsewhere.unwrap() && place.exists(), "it goes from where it was found, or not");
    let from = Keeper::Files(place.clone());
    assert!(remove(home.path(), &aws, &from).unwrap());
    assert!(!remove(home.path(), &aws, &from).unwrap());
    assert!(!place.parent().unwrap().exists());
}

#[test]
fn what_a_killed_writer_left_is_no_credential_and_goes_with_the_next() {
    let home = tempfile::tempdir().unwrap();
    put(home.path(), "jira/.al-1234/token", "half", 0o600);
    assert_eq!(list(home.path()).0, []);
    super::put(home.path(), &reference("jira"), &values(&[("token", "t")]), Put::New).unwrap();
    let kind = home.path().join("credentials/jira");
    let names: Vec<_> = fs::read_dir(kind).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["default"]);
    // Killed after an exchange, it leaves the value that was there before.
    put(home.path(), "jira/.al-5678/token", "old", 0o600);
    let place = Keeper::Files(folder(home.path(), &reference("jira")));
    assert!(remove(home.path(), &reference("jira"), &place).unwrap());
    assert!(!home.path().join("credentials/jira").exists());
}

#[test]
fn what_is_in_the_making_is_for_its_owner_only() {
    let home = tempfile::tempdir().unwrap();
    let place = bench(home.path()).unwrap();
    assert_eq!(mode(place.path()), 0o700);
}

#[test]
fn what_cannot_be_written_leaves_the_old_one() {
    let home = tempfile::tempdir().unwrap();
    let old = values(&[("token", "old")]);
    let place = in_files(super::put(home.path(), &reference("jira"), &old, Put::New).unwrap());
    // No name of a file is that long with the two digits that the disk wants: it fails half-way.
    let new = values(&[("a", "new"), (&"x".repeat(255), "new"), (&"é".repeat(127), "new")]);
    let big = values(&[("token", "new"), (&"y".repeat(256), "new")]);
    assert!(super::put(home.path(), &reference("jira"), &big, Put::Replace).is_err());
    assert_eq!(fields(home.path(), &reference("jira"), &[]).unwrap(), old);
    super::put(home.path(), &reference("jira"), &new, Put::Replace).unwrap();
    assert_eq!(fs::read_dir(place).unwrap().count(), 3);
}

#[test]
fn folders_that_others_can_change_are_refused_and_those_they_can_look_into_are_not() {
    let check = |path: &str, folder_mode: u32, expected: Option<&str>| {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "jira/default/token", "t", 0o600);
        let folder = home.path().join(path);
        fs::set_permissions(&folder, fs::Permissions::from_mode(folder_mode)).unwrap();
        let read = field(home.path(), "jira", "default", "token");
        let said = read.map(|_| ()).map_err(|error| error.to_string());
        let at = folder.display();
        let expected = match expected {
            Some(mode) => {
                Err(format!("{at} can be changed by others (mode {mode}); run: chmod 700 {at}"))
            }
            None => Ok(()),
        };
        assert_eq!(said, expected, "{path} {folder_mode:o}");
    };
    check("credentials", 0o755, None);
    check("credentials/jira", 0o755, None);
    check("credentials/jira/default", 0o750, None);
    check("credentials", 0o777, Some("0777"));
    check("credentials/jira", 0o775, Some("0775"));
    check("credentials/jira/default", 0o702, Some("0702"));
}

#[test]
fn the_last_use_is_kept_beside_the_store_and_goes_with_the_credential() {
    let home = tempfile::tempdir().unwrap();
    let jira = reference("jira");
    assert_eq!(last_use(home.path(), &jira), None);
    super::put(home.path(), &jira, &values(&[("token", "t")]), Put::New).unwrap();
    let used = Use { at: 5, project: "shop".to_owned(), agent: "dev".to_owned() };
    note_use(home.path(), &jira, &used).unwrap();
    // A minute is as exact as anybody wants it, but not about who it was.
    let check = |at: i64, agent: &str, expected: (i64, &str)| {
        let next = Use { at, agent: agent.to_owned(), ..used.clone() };
        note_use(home.path(), &jira, &next).unwrap();
        let last = last_use(home.path(), &jira).unwrap();
        assert_eq!((last.at, last.agent.as_str()), expected);
    };
    check(6, "dev", (5, "dev"));
    check(60_004, "dev", (5, "dev"));
    check(60_005, "dev", (60_005, "dev"));
    check(60_006, "qa", (60_006, "qa"));
    // The clock was set back.
    check(7, "qa", (7, "qa"));
    // What somebody else wrote there is as far away as a time can be.
    let note = home.path().join("credential-uses/jira/default");
    let oldest = Use { at: i64::MIN, agent: "qa".to_owned(), ..used.clone() };
    fs::write(note, serde_json::to_vec(&oldest).unwrap()).unwrap();
    check(8, "qa", (8, "qa"));
    assert_eq!(fields(home.path(), &jira, &[]).unwrap().len(), 1);
    remove(home.path(), &jira, &keeper(home.path(), &jira).unwrap().unwrap()).unwrap();
    assert_eq!(last_use(home.path(), &jira), None);
}

/// A home whose credentials a script hands out after the files.
fn with_program(script: &str, more: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("keeper");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let settings = format!(
        "order = [\"file\", \"command\"]\n[command]\n\
         read = [{:?}, \"read\", \"mine/{{type}}/{{instance}}/{{field}}\"]\n{}",
        program.display().to_string(),
        more.replace("KEEPER", &program.display().to_string())
    );
    fs::write(home.path().join("credentials.toml"), settings).unwrap();
    home
}

const KEEPER: &str = r#"case "$1 $2" in
"read mine/github_token/default/token") printf 'ghp_kept\n' ;;
"read mine/jira/ops $ (x)/token") echo quoted ;;
"list ") printf 'mine/github_token/default/token\nmine/jira/ops $ (x)/token\nnonsense\n' ;;
*) echo "s3cret in a complaint" >&2; exit 1 ;;
esac"#;

#[test]
fn a_program_hands_out_what_is_in_no_file() {
    let home = with_program(KEEPER, "");
    let read = |kind: &str, instance: &str| {
        let read = field(home.path(), kind, instance, "token").unwrap();
        read.map(|value| value.reveal().to_owned())
    };
    assert_eq!(read("github_token", "default").as_deref(), Some("ghp_kept"));
    assert_eq!(read("github_token", "other"), None);
    assert_eq!(read("jira", "ops $ (x)").as_deref(), Some("quoted"), "no shell looks at it");
    let origin = |text: &str| origin(home.path(), &reference(text)).unwrap();
    assert_eq!(origin("github_token").as_deref(), Some("command"));
    assert_eq!(origin("sentry_token"), None);
    // A file is asked first.
    put(home.path(), "github_token/default/token", "ghp_file", 0o600);
    assert_eq!(read("github_token", "default").as_deref(), Some("ghp_file"));
    assert_eq!(origin("github_token").as_deref(), Some("file"));
}

#[test]
fn a_program_that_lists_says_what_there_is() {
    let home = with_program(KEEPER, "list = [\"KEEPER\", \"list\"]");
    let jira = Reference { kind: "jira".to_owned(), instance: "ops $ (x)".to_owned() };
    assert_eq!(list(home.path()).0, [reference("github_token"), jira.clone()]);
    let found = fields(home.path(), &jira, &[]).unwrap();
    assert_eq!(found, values(&[("token", "quoted")]));
    let all = instances(home.path(), &[("github_token", "token")]).unwrap();
    assert_eq!(all[0].values.keys().collect::<Vec<_>>(), ["default"]);
}

#[test]
fn a_program_is_asked_once_for_each_thing() {
    let check = |more: &str, ask: &dyn Fn(&Path), expected: &[&str]| {
        let home = with_program(&format!("echo \"$@\" >>\"$0.log\"\n{KEEPER}"), more);
        ask(home.path());
        let log = fs::read_to_string(home.path().join("keeper.log")).unwrap();
        assert_eq!(log.lines().collect::<Vec<_>>(), expected);
    };
    let token = "read mine/github_token/default/token";
    let lists = "list = [\"KEEPER\", \"list\"]";
    let one = |home: &Path| {
        assert!(field(home, "github_token", "default", "token").unwrap().is_some());
    };
    check("", &one, &[token]);
    check(lists, &one, &["list", token]);
    let all =
        |home: &Path| assert_eq!(fields(home, &reference("github_token"), &[]).unwrap().len(), 1);
    check(lists, &all, &["list", token]);
    let several = |home: &Path| {
        let kinds = [("github_token", "token"), ("linear_token", "token"), ("x", "token")];
        assert_eq!(instances(home, &kinds).unwrap().len(), 3);
    };
    check(lists, &several, &["list", token]);
}

#[test]
fn a_program_that_fails_is_named_and_not_quoted() {
    let check = |script: &str, more: &str, expected: &str| {
        let home = with_program(script, more);
        let error = field(home.path(), "github_token", "default", "token").unwrap_err();
        let program = home.path().join("keeper").display().to_string();
        assert_eq!(error.to_string().replace(&program, "keeper"), expected);
    };
    check(
        "echo s3cret; echo s3cret >&2; exit 3",
        "",
        "command keeper: it ended with 3 for github_token",
    );
    check("exec sleep 60", "timeout = \"50ms\"", "command keeper: it took longer than 50 ms");
    check("sleep 60 & exit 0", "timeout = \"50ms\"", "command keeper: it took longer than 50 ms");
    check("yes s3cret", "", "command keeper: it prints more than a credential can be");
    check(
        "printf '\\377'",
        "",
        "command keeper: what it prints for github_token is not UTF-8 text",
    );
    check("kill -9 $$", "", "command keeper: it ended with 137 for github_token");
}

#[test]
fn settings_that_cannot_be_used_are_refused_by_line() {
    let check = |settings: &str, expected: &str| {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("credentials.toml");
        fs::write(&file, settings).unwrap();
        let error = field(home.path(), "github_token", "default", "token").unwrap_err();
        let said = error.to_string().replace(&file.display().to_string(), "[file]");
        assert!(said.starts_with(expected), "{said}");
        assert!(list(home.path()).1.len() == 1);
        // What nobody could read is not written either.
        let wrote = super::put(home.path(), &reference("jira"), &values(&[("t", "v")]), Put::New);
        assert!(matches!(wrote, Err(CredentialError::Settings { .. })), "{settings}: {wrote:?}");
    };
    check("order = [\"fiel\"]", "[file]: line 1: unknown variant `fiel`");
    check("\nordr = []", "[file]: line 2: unknown field `ordr`");
    check("order = [", "[file]: line 1: ");
    check("order = [\"command\"]", "[file]: `order` has `command`, and there is no [command]");
    let command = "[command]\nread = [\"pass\", \"{field}\"]";
    check(command, "[file]: [command] is not asked: write order = ");
    check(
        "[keyring]\n",
        "[file]: [keyring] is not asked: write order = [\"env\", \"file\", \"keyring\"]",
    );
    let keyring = "order = [\"keyring\"]\n[keyring]\n";
    check(&format!("{keyring}timeout = \"0s\""), "[file]: `keyring.timeout` is a span");
    check(&format!("{keyring}write = true"), "[file]: line 3: unknown field `write`");
    let order = "order = [\"command\"]\n[command]\n";
    check(&format!("{order}read = []"), "[file]: `command.read` names no program");
    check(&format!("{order}read = [\"pass\"]"), "[file]: `command.read` needs {type}");
    check(
        &format!("{order}read = [\"pass\", \"{{field}}\"]\ntimeout = \"1h\""),
        "[file]: `command.timeout` is a span",
    );
}
