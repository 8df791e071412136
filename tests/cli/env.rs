//! Environments: made, listed, bound to, checked; and the key that is not sent in the clear.

use std::fs;
use std::process::Command;

use crate::world::{Gateway, World, closed_port, write};

#[test]
fn an_environment_is_made_once_and_says_what_it_may_hold() {
    let world = World::shop();
    let made = world.said(&["env", "init", "prod", "--url", "https://al.example.org/"]);
    assert_eq!(made.0, 0, "{}", made.1);
    let text = fs::read_to_string(world.environment("prod")).unwrap();
    assert!(text.contains("[gateway]\nurl = \"https://al.example.org\"\n"), "{text}");
    text.parse::<toml::Table>().unwrap();
    let again = world.said(&["env", "init", "prod", "--empty"]);
    assert!(again.0 == 2 && again.1.contains("exists already"), "{}", again.1);
    assert_eq!(fs::read_to_string(world.environment("prod")).unwrap(), text, "as it was");
    let (_, listed) = world.said(&["env", "ls"]);
    assert!(listed.contains("prod") && listed.contains("https://al.example.org"), "{listed}");
}

#[test]
fn a_server_is_written_as_it_was_said() {
    let world = World::shop();
    let args = "env init vps --server h.test --user ops --ssh-port 2222 --base-path /srv/al";
    assert_eq!(world.said(&args.split(' ').collect::<Vec<_>>()).0, 0);
    let text = fs::read_to_string(world.environment("vps")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let server = toml::toml! {
        host = "h.test"
        user = "ops"
        port = 2222
        basePath = "/srv/al"
    };
    assert_eq!(table["server"].as_table(), Some(&server), "{text}");
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    let world = World::shop();
    let check = |args: &str, says: &str| {
        let (code, said) = world.said(&args.split(' ').collect::<Vec<_>>());
        assert!(code != 0 && said.contains(says) && !said.contains("s3cret"), "{args}: {said}");
    };
    check("env init Bad", "capital letter");
    check("env init ../x", "has `.`");
    check("env init x", "--url URL");
    check("env init x --url ftp://h", "http:// or https://");
    check("env init x --url http://h.test", "could be read on its way");
    check("env init x --server h --base-path srv", "must start with `/`");
    check("env init x --server h --ssh-port 0", "between 1 and 65535");
    check("env init x --url https://ann:s3cret@h.test", "gateway_api_key:NAME");
    check("attach https://ann:s3cret@h.test", "gateway_api_key:NAME");
    check("env set nowhere", "does not exist");
    check("env set", "no environment on this machine");
    assert!(!world.environment("x").exists());
    assert!(!world.project().join(".env.toml").exists());
}

#[test]
fn a_project_is_bound_and_let_go_and_keeps_what_else_it_says() {
    let world = World::shop();
    assert_eq!(world.said(&["env", "init", "prod", "--empty"]).0, 0);
    let file = world.project().join(".env.toml");
    fs::write(&file, "# mine\nscale = 2 # two\n").unwrap();
    assert_eq!(world.said(&["env", "set", "prod"]).0, 0);
    let bound = "# mine\nscale = 2 # two\nenvironment = \"prod\"\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), bound);
    let (_, listed) = world.said(&["env", "ls", "--json"]);
    assert!(listed.contains(r#""bound":{"name":"prod","by":".env.toml:3"}"#), "{listed}");
    let (_, listed) = world.said(&["env", "ls", "-E", "prod"]);
    assert!(listed.contains("`prod` by -E"), "{listed}");
    assert_eq!(world.said(&["env", "set", "--unset"]).0, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\nscale = 2 # two\n");
}

#[test]
fn each_key_says_which_line_it_is_from() {
    let world = World::shop();
    fs::create_dir_all(world.environment("prod").parent().unwrap()).unwrap();
    fs::write(world.environment("prod"), "[gateway]\nport = 9000\n").unwrap();
    fs::write(world.project().join(".env.toml"), "scale = 7\nenvironment = \"prod\"\n").unwrap();
    let (done, text) = world.said(&["config", "show", "--origin", "--json"]);
    assert_eq!(done, 0, "{text}");
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let of = |key: &str| {
        let settings = found["settings"].as_array().unwrap();
        let setting = settings.iter().find(|s| s["key"] == key).unwrap();
        let file = setting["file"].as_str().unwrap_or("default");
        let file = file.rsplit('/').next().unwrap();
        format!("{} {file}:{}", setting["value"], setting["line"])
    };
    assert_eq!(of("scale"), "7 .env.toml:1");
    assert_eq!(of("gateway.port"), "9000 prod.toml:2");
    assert_eq!(of("maxReruns"), "4 config.toml:3");
    assert_eq!(of("workQueueSize"), "100 default:null");
    assert!(!text.contains("planted-secret"), "{text}");
    let (_, text) = world.said(&["config", "show"]);
    assert!(text.contains("models.sonnet.thinkingLevel = \"medium\"\n"), "{text}");
    assert!(!text.contains("planted-secret"), "{text}");
}

#[test]
fn a_broken_file_is_shown_with_its_line() {
    let world = World::shop();
    fs::create_dir_all(world.environment("prod").parent().unwrap()).unwrap();
    fs::write(world.environment("prod"), "[gateway]\nurl = = 1\n").unwrap();
    for args in ["env check prod", "env show prod", "env set prod", "stat -E prod"] {
        let (code, said) = world.said(&args.split(' ').collect::<Vec<_>>());
        assert!(code == 3 && said.contains("prod.toml:2"), "{args}: {code} {said}");
    }
    let (_, listed) = world.said(&["env", "ls"]);
    assert!(listed.contains("line 2"), "{listed}");
}

#[test]
fn a_check_ends_with_what_is_wrong() {
    let world = World::shop();
    fs::create_dir_all(world.environment("x").parent().unwrap()).unwrap();
    let check = |text: &str, expected: i32, says: &str| {
        fs::write(world.environment("x"), text).unwrap();
        let (code, said) = world.said(&["env", "check", "x"]);
        assert!(code == expected && said.contains(says), "{text}: {code} {said}");
        assert!(!said.contains("s3cret"), "{said}");
    };
    check("", 0, "not said where it answers");
    check("[gateway]\nurl = \"http://127.0.0.1:1\"\n", 4, "silent");
    check("[gateway]\nurl = \"https://a:s3cret@h\"\n", 3, "creds add gateway_api_key:x");
    check("[gateway]\nurll = \"x\"\n", 0, "did you mean `url`?");
    check("[server]\nhost = \"h\"\nport = 70000\n", 3, "`server.port` must be between 1 and 65535");
    check("[server]\nuser = \"root\"\n", 3, "`server.host` is missing");
    check("[server]\nhost = \"h\"\nbasePath = \"x\"\n", 3, "must start with `/`");
}

#[test]
fn a_check_says_which_version_is_there() {
    let world = World::shop();
    world.key("right");
    let check = |scheduler: &str, says: &str| {
        let body = format!(r#"{{"status":"ok","scheduler":{scheduler}}}"#);
        let gateway = Gateway::answering(&world, 200, &body);
        write(&world.environment("x"), &format!("[gateway]\nurl = {:?}\n", gateway.url));
        let (exit, said) = world.said(&["env", "check", "x"]);
        assert!(exit == 0 && said.contains(says), "{exit} {said}");
    };
    let here = env!("CARGO_PKG_VERSION");
    check(&format!(r#"{{"version":"{here}"}}"#), &format!("{here}, as here"));
    check(r#"{"version":"99.0.0"}"#, &format!("99.0.0 there, {here} here"));
    check("{}", "is not said");
}

#[test]
fn the_key_is_not_sent_in_the_clear_to_another_machine() {
    let world = World::shop();
    world.key("secret-key");
    let (code, said) = world.said(&["attach", "http://192.0.2.1:8080"]);
    assert!(code == 2 && said.contains("could be read on its way"), "{code} {said}");
    assert!(!said.contains("secret-key"), "{said}");
}

#[test]
fn only_a_project_is_bound_and_no_folder_is_taken_for_an_empty_one() {
    let world = World::new(&[]);
    let (exit, said) = world.said(&["env", "set", "--unset"]);
    assert!(exit == 2 && said.contains("is no project"), "{exit} {said}");
    assert!(!world.project().join(".env.toml").exists());
    write(world.environment("x").parent().unwrap(), "a file");
    let (exit, said) = world.said(&["env", "ls"]);
    assert!(exit == 4 && said.contains("cannot be looked into"), "{exit} {said}");
}

#[test]
fn a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for() {
    let check = |file: &str, args: &[&str], wanted: &str| {
        let world = World::new(&[("agents/dev/config.toml", ""), ("agents/dev/SKILL.md", "")]);
        let path = world.project().join(file);
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let (exit, text) = world.said(args);
        assert!(exit != 0 && text.contains(wanted), "{file} {args:?}: {exit} {text}");
    };
    for file in ["config.toml", ".env.toml", "agents/dev/SKILL.md", "agents/dev/config.toml"] {
        check(file, &["doctor", "--check"], "expected a file, found a device or pipe");
        check(file, &["doctor", "--fix", "--yes"], "expected a file, found a device or pipe");
    }
    check(".env.toml", &["env", "set", "--unset"], "it is no regular file");
    check("agents/dev/config.toml", &["update"], "it is no regular file");
}

#[test]
fn what_a_bound_checkout_did_is_not_taken_for_what_its_environment_did() {
    let world = World::new(&[
        ("agents/dev/SKILL.md", "Works.\n"),
        (
            "agents/dev/config.toml",
            "schedule = \"@yearly\"\n[harness]\ntype = \"script\"\ncommand = \"true\"\n\
             [runtime]\ntype = \"process\"\n",
        ),
        (".env.toml", "environment = \"prod\"\n"),
    ]);
    let url = format!("http://127.0.0.1:{}", closed_port());
    write(&world.environment("prod"), &format!("[gateway]\nurl = \"{url}\"\n"));
    let run = format!("runs on this machine; the scheduler of `prod` is at {url}\n");
    world.check(&["run", "dev"], 0, &[&run]);
    let said = format!("done on this machine; what `prod` did is kept at {url}\n");
    for args in [&["runs"][..], &["triggers"], &["logs", "dev"], &["stats"]] {
        world.check(args, 0, &[&said]);
        world.check(&[args, &["-E", "prod"]].concat(), 2, &["`prod` did is kept at"]);
    }
    // What is not known here is asked there.
    world.check(&["why", "dev-00000000"], 4, &["does not answer at"]);
    // A file that is broken is told by whoever needs it.
    write(&world.environment("prod"), "[gateway]\nurl = 1\n");
    world.check(&["logs", "dev"], 0, &["run succeeded"]);
}
