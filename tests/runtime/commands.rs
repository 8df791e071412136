//! The commands an agent calls, as an agent calls them: by name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use action_llama::agent::COMMANDS;
use action_llama::runtime::{Access, Exit, install_tools};
use serde_json::{Value, json};

use crate::gateway::{Gateway, nobody};
use crate::inside::{Inside, OK, Said, said, unreachable};
use crate::world::{AL, World, exited, timeless};

/// One call in a fresh place: what it says, the file it leaves, what the gateway hears.
fn check(
    call: (&str, &[&str], &str),
    want: &Said,
    signal: Option<(&str, &str)>,
    heard: Option<(&str, Value)>,
) {
    let (name, args, stdin) = call;
    let signals: BTreeMap<String, String> =
        signal.into_iter().map(|(file, text)| (file.to_owned(), text.to_owned())).collect();

    let without = Inside::new();
    assert_eq!(&without.call(name, args, stdin), want, "{call:?} without a gateway");
    assert_eq!(without.signals(), signals, "{call:?} without a gateway");

    for (status, body) in [(200, r#"{"ok":true}"#), (403, r#"{"error":"invalid secret"}"#)] {
        let gateway = Gateway::answering(status, body);
        let with = Inside::new().at(&gateway.url);
        assert_eq!(&with.call(name, args, stdin), want, "{call:?}, gateway says {status}");
        assert_eq!(with.signals(), signals, "{call:?}, gateway says {status}");
        let heard: Vec<_> = heard.iter().map(|(p, body)| ((*p).to_owned(), body.clone())).collect();
        assert_eq!(gateway.asked(), heard, "{call:?}");
    }

    let unreachable = Inside::new().at(&nobody());
    assert_eq!(&unreachable.call(name, args, stdin), want, "{call:?}, nobody there");
    assert_eq!(unreachable.signals(), signals, "{call:?}, nobody there");
}

#[test]
fn a_status_is_shown() {
    let text = "half \"way\"\n$HOME ü \\";
    let body = json!({"secret": "s3cret", "text": text});
    let heard = Some(("/signals/status", body));
    check(("al-status", &[text], ""), &said(OK, 0), Some(("status", text)), heard);
    let heard = Some(("/signals/status", json!({"secret": "s3cret", "text": "a b"})));
    check(("al-status", &["a", "b"], ""), &said(OK, 0), Some(("status", "a b")), heard);
    let usage = "{\"ok\":false,\"error\":\"usage: al-status \\\"<text>\\\"\"}\n";
    check(("al-status", &[], ""), &said(usage, 9), None, None);
    check(("al-status", &[""], ""), &said(usage, 9), None, None);
}

#[test]
fn a_value_is_returned_from_arguments_or_stdin() {
    let heard =
        |value: &str| Some(("/signals/return", json!({"secret": "s3cret", "value": value})));
    let call = ("al-return", ["it", "is 'done'\n"].as_slice(), "not this");
    check(call, &said(OK, 0), Some(("return", "it is 'done'\n")), heard("it is 'done'\n"));
    let piped = "{\"a\": 1}\n\nb\n\n";
    let value = "{\"a\": 1}\n\nb";
    check(("al-return", &[], piped), &said(OK, 0), Some(("return", value)), heard(value));
    check(("al-return", &[], ""), &said(OK, 0), Some(("return", "")), heard(""));
    let long = "x".repeat(300_000);
    let refusal = "{\"ok\":false,\"error\":\"the value is longer than 262144 bytes\"}\n";
    check(("al-return", &[], &long), &said(refusal, 9), None, None);
}

#[test]
fn the_last_call_wins() {
    let place = Inside::new();
    place.call("al-return", &["first"], "");
    place.call("al-return", &["second"], "");
    place.call("al-exit", &["3"], "");
    place.call("al-exit", &[], "");
    let want = [("exit", "15"), ("return", "second")];
    assert_eq!(place.signals(), want.map(|(n, t)| (n.to_owned(), t.to_owned())).into());
}

#[test]
fn an_exit_code_is_asked_for_without_telling_the_gateway() {
    check(("al-exit", &[], ""), &said(OK, 0), Some(("exit", "15")), None);
    check(("al-exit", &["12"], ""), &said(OK, 0), Some(("exit", "12")), None);
    check(("al-exit", &["0"], ""), &said(OK, 0), Some(("exit", "0")), None);
    let usage = "{\"ok\":false,\"error\":\"usage: al-exit [<code from 0 to 255>]\"}\n";
    for args in [["x"].as_slice(), &["256"], &["-1"], &["1", "2"], &[""]] {
        check(("al-exit", args, ""), &said(usage, 9), None, None);
    }
}

#[test]
fn a_rerun_is_asked_for() {
    let heard = Some(("/signals/rerun", json!({"secret": "s3cret"})));
    check(("al-rerun", &[], ""), &said(OK, 0), Some(("rerun", "")), heard);
}

#[test]
fn signals_that_cannot_be_kept_are_no_success() {
    let place = Inside::new();
    fs::remove_dir(place.path("signals")).unwrap();
    fs::write(place.path("signals"), "").unwrap();
    for (name, args, file) in [
        ("al-status", ["x"].as_slice(), "status"),
        ("al-return", &["x"], "return"),
        ("al-exit", &[], "exit"),
        ("al-rerun", &[], "rerun"),
    ] {
        let path = place.path("signals").join(file);
        let error = format!("cannot write {}: Not a directory (os error 20)", path.display());
        let want = format!("{}\n", json!({"ok": false, "error": error}));
        assert_eq!(place.call(name, args, ""), said(&want, 7));
    }
}

#[test]
fn commands_outside_a_run_do_no_harm() {
    let mut place = Inside::new();
    place.env.clear();
    for (name, args) in [
        ("al-status", ["x"].as_slice()),
        ("al-return", &["x"]),
        ("al-exit", &[]),
        ("al-rerun", &[]),
    ] {
        assert_eq!(place.call(name, args, ""), said(OK, 0));
    }
    assert_eq!(place.call("al-shutdown", &[], ""), said("", 0));
}

#[test]
fn shutdown_prints_the_answer_and_exits_by_it() {
    for (status, body, code) in [
        (200, r#"{"killed":true,"container":"a-1"}"#, 0),
        (409, r#"{"ok":false}"#, 1),
        (404, r#"{"error":"not found"}"#, 2),
        (403, r#"{"error":"invalid secret"}"#, 3),
        (400, r#"{"error":"missing secret"}"#, 4),
        (503, "", 5),
        (418, "tea", 7),
        (502, "", 10),
        (504, "", 11),
        (500, "", 12),
    ] {
        let gateway = Gateway::answering(status, body);
        let place = Inside::new().at(&gateway.url);
        let stdout = if body.is_empty() { String::new() } else { format!("{body}\n") };
        assert_eq!(place.call("al-shutdown", &["a \"b\""], ""), said(&stdout, code));
        let heard = json!({"secret": "s3cret", "reason": "a \"b\""});
        assert_eq!(gateway.asked(), [("/shutdown".to_owned(), heard)]);
    }
    let gateway = Gateway::answering(200, "{}");
    Inside::new().at(&format!("{}/", gateway.url)).call("al-shutdown", &[], "");
    let heard = json!({"secret": "s3cret", "reason": "agent requested shutdown"});
    assert_eq!(gateway.asked(), [("/shutdown".to_owned(), heard)]);
}

#[test]
fn shutdown_says_so_when_nobody_answers() {
    assert_eq!(Inside::new().at(&nobody()).call("al-shutdown", &[], ""), unreachable());
    assert_eq!(Inside::new().call("al-shutdown", &[], ""), said("", 0), "no gateway at all");
}

#[test]
fn variables_are_what_they_were_set_to_in_every_shell() {
    let values = [
        "plain",
        "",
        "two words",
        " edges ",
        "it's",
        "''",
        "'",
        "\"quoted\"",
        "$HOME `id` $(id) ${x}",
        "back\\slash\\",
        "line\nline\n",
        "tab\tbell\u{7}",
        "ü 🦙",
        "; rm -rf /",
        "#no comment",
        "a=b",
        "*?[a]~",
        "!history!",
        "-n",
        "setenv",
    ];
    for shell in ["sh", "bash", "dash"] {
        let place = Inside::new();
        for value in values {
            assert_eq!(place.call("setenv", &["VALUE", value], ""), said("set 1 variable\n", 0));
            let output = Command::new(shell)
                .args(["-c", r#". "$1"; sh -c 'printf "%s." "$VALUE"'"#, "x"])
                .arg(place.path("env.sh"))
                .output()
                .unwrap();
            let got = String::from_utf8(output.stdout).unwrap();
            assert_eq!(got, format!("{value}."), "{shell}");
        }
    }
}

#[test]
fn several_variables_are_set_at_once_or_not_at_all() {
    let place = Inside::new();
    let two = place.call("setenv", &["A", "1", "setenv", "_b2", "it's"], "");
    assert_eq!(two, said("set 2 variables\n", 0));
    let file = "export A='1'\nexport _b2='it'\\''s'\n";
    assert_eq!(fs::read_to_string(place.path("env.sh")).unwrap(), file);

    let usage = "usage: setenv NAME VALUE [NAME VALUE...]\n";
    let bad = |name: &str| {
        format!(
            "setenv: {name:?} is no name of a variable: letters, digits and _, no digit first\n"
        )
    };
    for (args, stderr) in [
        ([].as_slice(), usage.to_owned()),
        (&["setenv"], usage.to_owned()),
        (&["A"], usage.to_owned()),
        (&["A", "2", "B"], usage.to_owned()),
        (&["A", "2", "1B", "x"], bad("1B")),
        (&["A-B", "x"], bad("A-B")),
        (&["A;id", "x"], bad("A;id")),
        (&["", "x"], bad("")),
    ] {
        let want = Said { stdout: String::new(), stderr, code: 1 };
        assert_eq!(place.call("setenv", args, ""), want, "{args:?}");
    }
    assert_eq!(fs::read_to_string(place.path("env.sh")).unwrap(), file, "nothing was added");
}

#[test]
fn every_command_explains_itself() {
    let mut pages = String::new();
    for name in COMMANDS {
        let gateway = Gateway::answering(500, "");
        let mut texts = vec![];
        for place in [Inside::new(), Inside::new().at(&gateway.url)] {
            let page = place.call(name, &["--help"], "");
            assert_eq!((page.stderr.as_str(), page.code), ("", 0), "{name}");
            assert_eq!(place.signals(), BTreeMap::new(), "{name}");
            texts.push(page.stdout);
        }
        assert_eq!(texts[0], texts[1], "{name}");
        pages += &format!("--- {name}\n{}", texts[0]);
        assert_eq!(gateway.heard(), [], "{name}");
    }
    insta::assert_snapshot!(pages);
}

#[test]
fn tools_are_links_that_follow_the_binary() {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("bin");
    for binary in ["/old/al", "/new/al", "/new/al"] {
        install_tools(&bin, Path::new(binary), &["al-status", "setenv"]).unwrap();
        let mut links: Vec<_> = fs::read_dir(&bin)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name(), fs::read_link(entry.path()).unwrap()))
            .collect();
        links.sort();
        let want = ["al-status", "setenv"].map(|name| (name.into(), binary.into()));
        assert_eq!(links, want);
    }
}

#[tokio::test]
async fn an_agent_finds_its_commands_on_the_path() {
    let world = World::new();
    install_tools(&world.path().join(".al/bin"), Path::new(AL), &COMMANDS).unwrap();
    let gateway = Gateway::answering(200, r#"{"ok":true}"#);
    let mut spec = world.line(
        r#"al-status 'looking around' && al-return 'all is well' && al-rerun && al-exit 12 &&
           setenv GREETING "hello, it's me" && . "$AL_ENV_FILE" && echo "$GREETING""#,
    );
    spec.gateway = Some(Access { url: gateway.url.clone(), token: "token-of-this-run".to_owned() });
    let exit = timeless(world.run(spec).await);
    let want = Exit {
        status: Some("looking around".to_owned()),
        return_value: Some("all is well".to_owned()),
        rerun: true,
        exit_signal: Some(12),
        lines: 6,
        ..exited(0)
    };
    assert_eq!(exit, want);
    let ok = OK.trim_end();
    assert_eq!(world.output(), [ok, ok, ok, ok, "set 1 variable", "hello, it's me"]);
    let paths: Vec<String> = gateway.asked().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["/signals/status", "/signals/return", "/signals/rerun"]);
}
