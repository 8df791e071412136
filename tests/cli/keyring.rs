//! The keyring of the system as a place for credentials: GNOME Keyring on a session bus of its own.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::world::{World, fed, write};

/// What the bus starts as soon as somebody asks for secrets.
#[derive(Clone, Copy)]
enum Keeps {
    /// A keyring that a password opened.
    Open,
    /// The same, and nobody has typed the password.
    Locked,
    /// Something that never becomes a keyring.
    Silent,
    /// No program at all.
    Nobody,
}

impl Keeps {
    fn script(self) -> &'static str {
        match self {
            Self::Open => {
                "exec gnome-keyring-daemon --foreground --components=secrets --unlock <password"
            }
            Self::Locked => "exec gnome-keyring-daemon --foreground --components=secrets",
            Self::Silent => "exec sleep 600",
            Self::Nobody => "exit 1",
        }
    }
}

/// A session bus, and the folder in which its keyring keeps what it has.
struct Session {
    dir: TempDir,
    bus: Child,
}

impl Session {
    fn new(keeps: Keeps) -> Self {
        let dir = TempDir::new().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        write(&dir.path().join("password"), "open sesame");
        let bus = Self::bus(&dir, keeps);
        Self { dir, bus }
    }

    fn bus(dir: &TempDir, keeps: Keeps) -> Child {
        let at = dir.path().display();
        let script = dir.path().join("start");
        let start = format!(
            "#!/bin/sh\ncd {at}\necho $$ >pid\nexport HOME={at} XDG_RUNTIME_DIR={at} \
             XDG_DATA_HOME={at}\nexec >log 2>&1\n{}\n",
            keeps.script()
        );
        write(&script, &start);
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
        let services = dir.path().join("services");
        let _ = fs::remove_dir_all(&services);
        fs::create_dir(&services).unwrap();
        if !matches!(keeps, Keeps::Nobody) {
            let service = format!(
                "[D-BUS Service]\nName=org.freedesktop.secrets\nExec={}\n",
                script.display()
            );
            write(&services.join("org.freedesktop.secrets.service"), &service);
        }
        let config = format!(
            "<busconfig><type>session</type><listen>unix:path={at}/bus</listen>\
             <auth>EXTERNAL</auth><servicedir>{at}/services</servicedir>\
             <policy context=\"default\"><allow send_destination=\"*\"/>\
             <allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\
             <allow receive_type=\"error\"/><allow receive_type=\"signal\"/><allow own=\"*\"/>\
             </policy></busconfig>"
        );
        write(&dir.path().join("bus.conf"), &config);
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={at}/bus.conf"))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It listens as soon as it says where.
        let mut line = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("unix:path="), "{line}");
        bus
    }

    /// The same person after they signed in anew, and typed their password or did not.
    fn again(&mut self, keeps: Keeps) {
        self.end();
        self.bus = Self::bus(&self.dir, keeps);
    }

    fn end(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.dir.path().join("pid")) {
            let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
            // Gone by itself when nobody asked for it.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            fs::remove_file(self.dir.path().join("pid")).unwrap();
        }
        self.bus.kill().unwrap();
        self.bus.wait().unwrap();
        fs::remove_file(self.dir.path().join("bus")).unwrap();
    }

    fn address(&self) -> String {
        format!("unix:path={}/bus", self.dir.path().display())
    }

    fn command(&self, world: &World, args: &[&str]) -> Command {
        let mut command = world.command(args);
        command.env("DBUS_SESSION_BUS_ADDRESS", self.address());
        command
    }

    fn al(&self, world: &World, args: &[&str]) -> (i32, String) {
        told(&self.command(world, args).output().unwrap())
    }

    fn add(
        &self,
        world: &World,
        verb: &str,
        reference: &str,
        field: &str,
        value: &str,
    ) -> (i32, String) {
        let flag = format!("{field}=-");
        let mut command =
            self.command(world, &["creds", verb, reference, "--no-check", "--field", &flag]);
        told(&fed(&mut command, value))
    }

    /// What is called by this name from now on.
    fn calls(&self, member: &str) -> Calls {
        let mut monitor = Command::new("dbus-monitor")
            .args(["--address", &self.address()])
            .arg(format!("type='method_call',member='{member}'"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(monitor.stdout.take().unwrap()).lines();
        let mut calls = Calls { monitor, lines };
        // It says this when it has become one, and nothing passes it from then on.
        calls.until("member=NameLost");
        calls
    }

    /// What another program of this desktop finds.
    fn secret(&self, kind: &str, instance: &str) -> String {
        let output = Command::new("secret-tool")
            .args(["lookup", "application", "action-llama", "type", kind, "instance", instance])
            .env("DBUS_SESSION_BUS_ADDRESS", self.address())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

/// Somebody who writes down what is said on a bus.
struct Calls {
    monitor: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Calls {
    /// The next line that has this.
    fn until(&mut self, part: &str) -> String {
        self.lines.by_ref().map(Result::unwrap).find(|line| line.contains(part)).unwrap()
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.monitor.kill().unwrap();
        self.monitor.wait().unwrap();
    }
}

fn told(output: &Output) -> (i32, String) {
    let text = [&*output.stdout, &*output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// Who is asked, in this order.
fn order(world: &World, names: &str, more: &str) {
    let names: Vec<String> = names.split(' ').map(|name| format!("\"{name}\"")).collect();
    let text = format!("order = [{}]\n{more}", names.join(", "));
    write(&world.home().join(".action-llama/credentials.toml"), &text);
}

/// Every file of the store of files.
fn files(world: &World) -> Vec<String> {
    let store = world.home().join(".action-llama/credentials");
    let output = Command::new("find").arg(store).args(["-type", "f", "-printf", "%P\n"]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn agent(listed: &str, command: &str) -> String {
    format!(
        "credentials = [{listed}]\nschedule = \"0 0 1 1 *\"\n[harness]\ntype = \"script\"\n\
         command = '''{command}'''\n[runtime]\ntype = \"process\"\n"
    )
}

fn world(listed: &str, command: &str) -> World {
    let types = "[credentials.my_api]\nfields = [\"token\", \"url\"]\n\
                 env = { MY_TOKEN = \"token\" }\noptional = [\"url\"]\npublic = [\"url\"]\n";
    let world = World::new(&[
        ("config.toml", types),
        ("agents/dev/SKILL.md", "Look.\n"),
        ("agents/dev/config.toml", &agent(listed, command)),
        ("agents/free/SKILL.md", "Look.\n"),
        ("agents/free/config.toml", &agent("", "exit 0")),
    ]);
    order(&world, "env keyring file", "");
    world
}

#[test]
fn a_credential_lives_in_the_keyring_and_nowhere_else() {
    let session = Session::new(Keeps::Open);
    let world = world(
        "\"my_api:team\"",
        "test \"$MY_TOKEN\" = 'käse 4711' && test $(wc -c <$AL_CREDENTIALS_PATH/my_api/team/url) = 60001",
    );
    let stored = session.add(&world, "add", "my_api", "token", "first");
    assert_eq!(stored, (0, "stored my_api in the keyring (not checked)\n".to_owned()));
    assert_eq!(session.add(&world, "add", "my_api:team", "token", "before").0, 0);
    // A second instance, of several fields, with what is not ASCII, as long as a key may be.
    let long = world.home().join("long");
    write(&long, &"x".repeat(60_000));
    let at = format!("url=@{}", long.display());
    let rotated =
        session.al(&world, &["creds", "rotate", "my_api:team", "--no-check", "--field", &at]);
    assert_eq!(rotated.0, 0, "{}", rotated.1);
    assert_eq!(session.add(&world, "rotate", "my_api:team", "token", " käse 4711\r\n").0, 0);
    assert_eq!(files(&world), [""; 0]);
    assert_eq!(session.secret("my_api", "default"), r#"{"token":"first"}"#);
    let document: Value = serde_json::from_str(&session.secret("my_api", "team")).unwrap();
    assert_eq!(document["token"], "käse 4711");
    assert_eq!(document["url"].as_str().unwrap().len(), 60_000, "what was not given stays");

    let again = session.add(&world, "add", "my_api:team", "token", "other");
    assert!(
        again.0 == 2 && again.1.contains("there is a credential my_api:team already"),
        "{again:?}"
    );
    let (code, run) = session.al(&world, &["run", "dev"]);
    assert_eq!(code, 0, "{run}");
    let (code, listed) = session.al(&world, &["creds", "ls"]);
    let row = |name: &str| {
        let line = listed.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap_or_default().split_whitespace().take(3).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        (code, row("my_api"), row("my_api:team")),
        (0, "my_api ok keyring".to_owned(), "my_api:team ok keyring".to_owned()),
        "{listed}"
    );
    let (_, shown) = session.al(&world, &["creds", "show", "my_api", "--reveal"]);
    assert!(shown.contains("from:    keyring") && shown.contains("token  first"), "{shown}");

    let removed = session.al(&world, &["creds", "rm", "my_api:team", "--yes"]);
    assert!(removed.0 == 0 && removed.1.starts_with("removed my_api:team\n"), "{removed:?}");
    assert_eq!(session.secret("my_api", "team"), "");
    assert_eq!(session.secret("my_api", "default"), r#"{"token":"first"}"#);
    let (code, run) = session.al(&world, &["run", "dev"]);
    assert!(code != 0 && run.contains("al creds add my_api:team"), "{run}");
}

#[test]
fn other_programs_are_told_that_an_entry_is_text() {
    let session = Session::new(Keeps::Open);
    let world = world("", "exit 0");
    let mut calls = session.calls("CreateItem");
    assert_eq!(session.add(&world, "add", "my_api", "token", "first").0, 0);
    // The type comes after the value.
    calls.until("array of bytes");
    assert_eq!(calls.until("").trim(), "string \"text/plain\"");
}

#[test]
fn an_entry_is_searched_once_to_be_read() {
    let session = Session::new(Keeps::Open);
    let world = world("", "exit 0");
    assert_eq!(session.add(&world, "add", "my_api", "token", "first").0, 0);
    let mut calls = session.calls("SearchItems");
    let (code, shown) = session.al(&world, &["creds", "show", "my_api"]);
    assert_eq!(code, 0, "{shown}");
    assert_eq!(session.secret("nothing", "the-end"), "");
    let mut searches = 0;
    loop {
        let line = calls.until("");
        searches += usize::from(line.contains("member=SearchItems"));
        if line.contains("the-end") {
            break;
        }
    }
    // For its fields, for who has it, and the last one, which is not ours.
    assert_eq!(searches, 3);
}

#[test]
fn names_are_never_read_as_anything_else() {
    let session = Session::new(Keeps::Open);
    let world = world("", "exit 0");
    for instance in ["a \"b\" $(id) `c`", "käse", "a':;--x\\", "*", "type"] {
        let reference = format!("my_api:{instance}");
        assert_eq!(session.add(&world, "add", &reference, "token", instance).0, 0, "{instance}");
        let (_, shown) = session.al(&world, &["creds", "show", &reference, "--json", "--reveal"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["fields"]["token"]["value"], instance);
    }
    let (_, listed) = session.al(&world, &["creds", "ls", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["credentials"].as_array().unwrap().len(), 5, "{listed}");
    assert_eq!(session.al(&world, &["creds", "rm", "my_api:*", "--yes"]).0, 0);
    assert_eq!(session.secret("my_api", "type"), r#"{"token":"type"}"#);
    // What somebody put there under a name that leads elsewhere is nothing of ours.
    let mut store = Command::new("secret-tool");
    store.args(["store", "--label=x", "application", "action-llama"]);
    store.args(["type", "../../x", "instance", "y"]);
    store.env("DBUS_SESSION_BUS_ADDRESS", session.address());
    assert!(fed(&mut store, "{\"token\":\"1\"}").status.success());
    let (_, listed) = session.al(&world, &["creds", "ls", "--json"]);
    assert!(!listed.contains("../x"), "{listed}");
}

#[test]
fn new_ones_go_to_the_first_who_can_be_written_to_and_old_ones_stay_where_they_are() {
    let session = Session::new(Keeps::Open);
    let world = world("", "exit 0");
    order(&world, "env file keyring", "");
    let (_, stored) = session.add(&world, "add", "my_api", "token", "filed");
    assert!(stored.contains("/credentials/my_api/default"), "{stored}");
    order(&world, "env keyring file", "");
    assert_eq!(session.add(&world, "rotate", "my_api", "token", "anew").0, 0);
    assert_eq!(files(&world), ["my_api/default/token"]);
    assert_eq!(session.secret("my_api", "default"), "");
    assert_eq!(session.add(&world, "add", "my_api:b", "token", "kept").0, 0);
    assert_eq!(files(&world), ["my_api/default/token"]);
    order(&world, "env file keyring", "");
    assert_eq!(session.add(&world, "rotate", "my_api:b", "token", "kept anew").0, 0);
    assert_eq!(session.secret("my_api", "b"), r#"{"token":"kept anew"}"#);
    for name in ["my_api", "my_api:b"] {
        assert_eq!(session.al(&world, &["creds", "rm", name, "--yes"]).0, 0);
    }
    assert_eq!((files(&world).len(), session.secret("my_api", "b")), (0, String::new()));
}

#[test]
fn of_several_who_add_at_once_one_is_in_the_keyring() {
    let session = Session::new(Keeps::Open);
    let world = world("", "exit 0");
    let values = ["one", "two", "three", "four"];
    let children: Vec<Child> = values
        .iter()
        .map(|value| {
            let file = world.home().join(value);
            write(&file, value);
            let at = format!("token=@{}", file.display());
            let args = ["creds", "add", "my_api", "--no-check", "--field", &at];
            let mut command = session.command(&world, &args);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let codes: Vec<_> =
        children.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
    let stored: Vec<_> = values.iter().zip(&codes).filter(|(_, code)| **code == Some(0)).collect();
    assert_eq!(stored.len(), 1, "{codes:?}");
    assert_eq!(session.secret("my_api", "default"), format!(r#"{{"token":"{}"}}"#, stored[0].0));
}

#[test]
fn a_locked_keyring_says_so_and_holds_nobody_up() {
    let mut session = Session::new(Keeps::Open);
    let world = world("\"my_api\"", "exit 0");
    assert_eq!(session.add(&world, "add", "my_api", "token", "s3cret").0, 0);
    assert_eq!(
        session.add(&world, "add", "github_webhook_secret", "secret", "0123456789abcdef").0,
        0
    );
    session.again(Keeps::Locked);
    let check = |args: &[&str], code: i32, says: &str| {
        let (ended, said) = session.al(&world, args);
        assert!(ended == code && said.contains(says), "{args:?}: {ended} {said}");
        assert!(!said.contains("s3cret"));
    };
    let locked = "keyring: it is locked: unlock it";
    check(&["creds", "ls"], 3, locked);
    check(&["creds", "show", "my_api"], 3, locked);
    check(&["creds", "rm", "my_api", "--yes"], 3, locked);
    check(&["run", "dev"], 1, locked);
    check(&["doctor"], 3, "keyring_unusable");
    let (code, said) = session.add(&world, "add", "my_api:b", "token", "x");
    assert!(
        code == 4 && said.contains("nothing was written: keyring: it is locked"),
        "{code} {said}"
    );
    assert!(said.contains("hint: to keep it in a file: `file` before `keyring`"), "{said}");
    // Who needs nothing out of it runs.
    check(&["run", "free"], 0, "warning: secrets of webhooks are missing");
    session.again(Keeps::Open);
    let (code, run) = session.al(&world, &["run", "dev"]);
    assert_eq!(code, 0, "{run}");
}

#[test]
fn a_keyring_without_a_place_for_secrets_says_what_makes_one() {
    let session = Session::new(Keeps::Locked);
    let world = world("", "exit 0");
    let (code, said) = session.add(&world, "add", "my_api", "token", "x");
    let makes = "it has no default collection to put secrets into: make one (in Passwords and \
                 Keys, or by `gnome-keyring-daemon --replace --unlock`";
    assert!(code == 4 && said.contains(makes), "{code} {said}");
    assert!(said.contains("hint: to keep it in a file: `file` before `keyring`"), "{said}");
    // There, it is stored at once.
    order(&world, "env file keyring", "");
    assert_eq!(session.add(&world, "add", "my_api", "token", "x").0, 0);
    assert_eq!(files(&world), ["my_api/default/token"]);
}

#[test]
fn a_keyring_that_does_not_answer_is_named_in_time() {
    // A bus that answers may take its time; one that never does is left soon.
    let waits = |limit: &str| {
        let world = world("\"my_api\"", "exit 0");
        order(&world, "env keyring file", &format!("[keyring]\ntimeout = \"{limit}\"\n"));
        world
    };
    let check = |bus: &str, limit: &str, says: &str| {
        let world = waits(limit);
        let al = |args: &[&str]| {
            let mut command = world.command(args);
            told(&command.env("DBUS_SESSION_BUS_ADDRESS", bus).output().unwrap())
        };
        let (code, said) = al(&["creds", "ls"]);
        assert!(code == 3 && said.contains(says), "{bus}: {code} {said}");
        // The key of the gateway makes itself, as a file, and nobody asks the keyring for it.
        world.credential("gateway_api_key/default/key", "made", 0o600);
        let (code, said) = al(&["creds", "ls"]);
        let words = |line: &str| line.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        let has = |row: &str| said.lines().any(|line| words(line) == row);
        assert!(has("gateway_api_key ok file") && has("my_api unread -"), "{code} {said}");
        let (code, said) = al(&["creds", "show", "gateway_api_key", "--reveal"]);
        assert!(code == 0 && said.contains("made"), "{bus}: {code} {said}");
        let (code, said) = al(&["doctor"]);
        assert!(code == 3 && said.contains("keyring_unusable"), "{bus}: {code} {said}");
        let (code, said) = al(&["run", "dev"]);
        assert!(code == 1 && said.contains(says), "{bus}: {code} {said}");
        let (code, said) = al(&["run", "free"]);
        assert!(code == 0, "{bus}: {code} {said}");
    };
    check("unix:path=/nowhere/bus", "2m", "keyring: no session bus answers (");
    check("nonsense", "2m", "keyring: no session bus answers (");
    let session = Session::new(Keeps::Nobody);
    check(&session.address(), "2m", "keyring: nobody keeps secrets on the session bus: start");
    let session = Session::new(Keeps::Silent);
    check(&session.address(), "400ms", "keyring: it did not answer in 400 ms: ");
    // Files that come before it are found without it.
    let world = waits("2m");
    order(&world, "env file keyring", "");
    world.credential("my_api/default/token", "filed", 0o600);
    let mut command = world.command(&["run", "dev"]);
    let (code, said) = told(&command.env("DBUS_SESSION_BUS_ADDRESS", "nonsense").output().unwrap());
    assert_eq!(code, 0, "{said}");
}
