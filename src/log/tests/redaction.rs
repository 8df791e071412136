use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::super::*;

const T0: i64 = 1_795_132_800_000;
const SECRET: &str = "p4ss/w\"rd+é?";

/// The line that a writer leaves on disk.
fn line_of(record: &Record, secrets: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), "dev", Redactor::new(secrets)).unwrap();
    writer.write(record).unwrap();
    fs::read_to_string(dir.path().join("dev-2026-11-20.log")).unwrap()
}

fn info(msg: impl Into<String>) -> Record {
    Record::new(T0, Level::Info, "dev", msg)
}

#[test]
fn a_secret_is_found_in_every_place_of_a_record() {
    let record = info(format!("password is {SECRET}!"))
        .with("text", SECRET)
        .with("deep", json!({"list": [1, [SECRET], {"key": format!("x{SECRET}y")}]}))
        .with(SECRET, true)
        .with("pin", 12_345_678);
    insta::assert_snapshot!(line_of(&record, &[SECRET, "12345678"]), @r#"{"level":30,"time":1795132800000,"name":"dev","msg":"password is [redacted]!","text":"[redacted]","deep":{"list":[1,["[redacted]"],{"key":"x[redacted]y"}]},"[redacted]":true,"pin":"[redacted]"}"#);
}

#[test]
fn a_secret_is_found_in_every_way_of_writing_it() {
    let json = json!({ "k": SECRET }).to_string();
    let forms = [
        SECRET.to_owned(),
        json.clone(),
        json!({ "outer": json }).to_string(),
        STANDARD.encode(SECRET),
        URL_SAFE_NO_PAD.encode(SECRET),
        STANDARD.encode(format!("user:{SECRET}")),
        STANDARD.encode(format!("me:{SECRET}:more")),
        STANDARD.encode(format!("x-access-token:{SECRET}")),
        "p4ss%2Fw%22rd%2B%C3%A9%3F".to_owned(),
        "p4ss%2fw%22rd%2b%c3%a9%3f".to_owned(),
        hex::encode(SECRET),
    ];
    for form in &forms {
        let clean = Redactor::new([SECRET]).text(form).into_owned();
        assert!(clean.contains(REDACTED), "{form} -> {clean}");
        assert!(!clean.contains("p4ss") && !clean.contains("cDRzcy93InJk"), "{form} -> {clean}");
    }
}

#[test]
fn every_line_of_a_key_file_is_a_secret() {
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nQyNTUxOQAAACBzb21lIGtleQ==\n-----END OPENSSH PRIVATE KEY-----\n";
    let redactor = Redactor::new([key]);
    assert_eq!(redactor.text("QyNTUxOQAAACBzb21lIGtleQ=="), REDACTED);
    assert_eq!(redactor.text(key.trim()), REDACTED);
}

#[test]
fn well_known_tokens_are_found_without_being_told() {
    let check =
        |text: &str, clean: &str| assert_eq!(Redactor::default().text(text), clean, "{text}");
    let tail = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
    let token = |head: &str| format!("{head}{tail}");
    for head in [
        "ghp_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "sk-ant-api03-",
        "sk-proj-",
        "sk-",
        "gsk_",
        "xai-",
        "xoxb-1-",
        "AIza",
        "hf_",
        "npm_",
        "lin_api_",
        "whsec_",
    ] {
        check(&format!("x={}.", token(head)), "x=[redacted].");
        check(
            &format!(
                r"line\n{} end",
                token(if head == "sk-" || head == "xai-" || head == "hf_" || head == "npm_" {
                    "ghp_"
                } else {
                    head
                })
            ),
            r"line\n[redacted] end",
        );
    }
    check("key AKIAIOSFODNN7EXAMPLE id", "key [redacted] id");
    check(&format!("Authorization: Bearer {tail}"), "Authorization: Bearer [redacted]");
    check(&format!("authorization: bearer  {tail}, x"), "authorization: bearer  [redacted], x");
    check("a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl b", "a [redacted] b");
    check(
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok",
        "[redacted]\nok",
    );
    check("-----BEGIN PRIVATE KEY-----\nMIIE cut", "[redacted]");
}

#[test]
fn ordinary_words_stay() {
    let plain =
        "the bearer of disk-full-of-many-small-files asked for task-sk-1, ghp_ and PRIVATE KEYs";
    assert_eq!(Redactor::new(["short", ""]).text(plain), plain);
    assert_eq!(line_of(&info(plain), &["short"]), info(plain).to_line() + "\n");
}

#[test]
fn the_redactor_does_not_tell_what_it_hides() {
    assert_eq!(format!("{:?}", Redactor::new([SECRET])), "Redactor");
}
