use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;
use crate::project::credential_types::{Field, Shape, Words};

/// A home with these credentials.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (path, value) in files {
        let file = home.path().join("credentials").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("{value}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    home
}

fn packed(files: &[(&str, &str)], references: &[&str]) -> Kit {
    try_packed(files, references, Bearer::Thinker).unwrap()
}

fn try_packed(
    files: &[(&str, &str)],
    references: &[&str],
    bearer: Bearer,
) -> Result<Kit, Vec<Lack>> {
    let references: Vec<String> = references.iter().map(|r| (*r).to_owned()).collect();
    kit(home(files).path(), &OwnTypes::new(), &references, bearer)
}

fn pairs(list: &[(String, String)]) -> Vec<(&str, &str)> {
    list.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect()
}

/// A program that hands credentials out may ask a person, or a server far away.
#[test]
fn a_program_is_asked_once_for_all_agents_that_want_a_credential() {
    let home = tempfile::tempdir().unwrap();
    let asked = home.path().join("asked");
    let read = format!("echo {{type}}/{{field}} >> {}; echo s3cret", asked.display());
    let settings =
        format!("order = [\"file\", \"command\"]\n[command]\nread = [\"sh\", \"-c\", {read:?}]\n");
    fs::write(home.path().join("credentials.toml"), settings).unwrap();
    let own = OwnTypes::new();
    let mut kits = Kits::new(home.path(), &own);
    let both = ["github_token".to_owned(), "linear_token".to_owned()];
    let first = kits.kit(&both, Bearer::Thinker).unwrap();
    assert_eq!(kits.kit(&both, Bearer::Program).unwrap(), first);
    assert_eq!(kits.kit(&both[..1], Bearer::Thinker).unwrap().secrets, ["s3cret"]);
    let asked = fs::read_to_string(asked).unwrap();
    assert_eq!(asked, "github_token/token\nlinear_token/token\n");
}

#[test]
fn a_credential_becomes_variables_files_and_a_note() {
    let files = [
        ("aws/default/access_key_id", "AKIA1"),
        ("aws/default/secret_access_key", "s3cret"),
        ("linear_oauth/acme/access_token", "lin-1"),
    ];
    let kit = packed(&files, &["aws", "linear_oauth:acme", "aws:default"]);
    assert_eq!(
        pairs(&kit.env),
        [
            ("AWS_ACCESS_KEY_ID", "AKIA1"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
            ("LINEAR_ACCESS_TOKEN", "lin-1"),
        ]
    );
    assert_eq!(
        pairs(&kit.files),
        [
            ("aws/default/access_key_id", "AKIA1\n"),
            ("aws/default/secret_access_key", "s3cret\n"),
            ("linear_oauth/acme/access_token", "lin-1\n"),
        ]
    );
    let notes: Vec<_> =
        kit.notes.iter().map(|n| (n.reference.as_str(), n.variables.len())).collect();
    assert_eq!(notes, [("aws", 2), ("linear_oauth:acme", 1)]);
    assert_eq!(kit.secrets, ["s3cret", "lin-1"], "names are no secrets");
    assert!(!format!("{kit:?}").contains("s3cret"));
}

#[test]
fn both_generations_of_a_credential_are_understood() {
    let check = |files: &[(&str, &str)], kind: &str, want: &[(&str, &str)]| {
        assert_eq!(pairs(&packed(files, &[kind]).env), want);
    };
    check(
        &[("x_twitter_api/default/consumer_key", "c"), ("x_twitter_api/default/bearer_token", "b")],
        "x_twitter_api",
        &[("X_CONSUMER_KEY", "c"), ("X_BEARER_TOKEN", "b")],
    );
    check(
        &[("x_twitter_api/default/api_key", "k"), ("x_twitter_api/default/access_token", "a")],
        "x_twitter_api",
        &[("X_API_KEY", "k"), ("X_ACCESS_TOKEN", "a")],
    );
    let cloudflare = [("CLOUDFLARE_API_TOKEN", "t")];
    check(&[("cloudflare_api_token/default/token", "t")], "cloudflare_api_token", &cloudflare);
    check(&[("cloudflare_api_token/default/api_token", "t")], "cloudflare_api_token", &cloudflare);
}

#[test]
fn the_first_instance_of_a_type_is_in_the_environment_the_others_are_files() {
    let files = [
        ("git_ssh/bot/id_rsa", "KEY"),
        ("git_ssh/bot/username", "Bot"),
        ("git_ssh/bot/email", "bot@example.com"),
        ("git_ssh/other/id_rsa", "OTHER"),
        ("git_ssh/other/username", "Other"),
    ];
    let kit = packed(&files, &["git_ssh:bot", "git_ssh:other"]);
    assert_eq!(
        pairs(&kit.env),
        [
            ("GIT_AUTHOR_NAME", "Bot"),
            ("GIT_COMMITTER_NAME", "Bot"),
            ("GIT_AUTHOR_EMAIL", "bot@example.com"),
            ("GIT_COMMITTER_EMAIL", "bot@example.com"),
            (
                "GIT_SSH_COMMAND",
                "ssh -i \"$AL_CREDENTIALS_PATH/git_ssh/bot/id_rsa\" -o IdentitiesOnly=yes \
                 -o StrictHostKeyChecking=accept-new"
            ),
        ]
    );
    assert_eq!(kit.files.len(), 5);
    assert_eq!(kit.notes[1].variables, [] as [&str; 0]);
    assert_eq!(kit.notes[1].note, "in `$AL_CREDENTIALS_PATH/git_ssh/other`");
}

#[test]
fn a_type_that_nobody_knows_is_files_only() {
    let kit = packed(&[("acme_login/eu/password", "hunter2")], &["acme_login:eu"]);
    assert_eq!(pairs(&kit.env), []);
    assert_eq!(pairs(&kit.files), [("acme_login/eu/password", "hunter2\n")]);
    assert_eq!(kit.notes[0].note, "in `$AL_CREDENTIALS_PATH/acme_login/eu`");
    assert_eq!(kit.secrets, ["hunter2"]);
}

#[test]
fn keys_of_models_and_of_the_gateway_stay_where_they_belong() {
    let files = [
        ("anthropic_key/default/token", "sk-ant-1"),
        ("gateway_api_key/default/key", "k"),
        ("github_webhook_secret/default/secret", "s"),
    ];
    let references = ["anthropic_key", "gateway_api_key", "github_webhook_secret"];
    assert_eq!(packed(&files, &references), Kit::default());
    let program = try_packed(&files, &references, Bearer::Program).unwrap();
    assert_eq!(pairs(&program.files), [("anthropic_key/default/token", "sk-ant-1\n")]);
    assert_eq!(pairs(&program.env), []);
}

#[test]
fn everything_that_is_missing_is_said_at_once_with_what_to_do() {
    let files = [("aws/default/access_key_id", "AKIA1"), ("sentry_token/default/token", "a\0b")];
    let home = home(&files);
    let references =
        ["github_token", "aws", "acme:eu", "githb_token", "../x", "sentry_token"].map(String::from);
    let lacks = kit(home.path(), &OwnTypes::new(), &references, Bearer::Thinker).unwrap_err();
    let store = home.path().join("credentials").display().to_string();
    let said: Vec<String> =
        lacks.iter().map(|l| l.to_string().replace(&store, "[store]")).collect();
    assert_eq!(
        said,
        [
            "credential github_token: there is none; al creds add github_token",
            "credential aws: it lacks secret_access_key; al creds rotate aws",
            "credential acme:eu: there is none; put it into [store]/acme/eu (one file per field), \
             mode 600",
            "credential githb_token: there is none; did you mean `github_token`?",
            "credential ../x: `../x` cannot name a credential; write `type:instance`",
            "credential sentry_token: token holds a NUL, which no variable can; write it as text",
        ]
    );
}

#[test]
fn the_key_inside_a_document_is_a_secret_of_its_own() {
    let document =
        r#"{"type": "service_account", "client_email": "a@b.c", "private_key": "PEM\nLINE"}"#;
    let kit =
        packed(&[("gcp_service_account/default/key_json", document)], &["gcp_service_account"]);
    assert_eq!(kit.secrets, [document, "PEM\nLINE"]);
}

/// Runs a command with nothing but a kit and a folder around it.
fn output(kit: &Kit, program: &str, arguments: &[&str], stdin: &str) -> String {
    use std::io::Write;
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env(FOLDER, "/there")
        .envs(kit.env.iter().map(|(n, v)| (n, v)))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn git_answers_github_with_the_token_and_nobody_else() {
    let kit = packed(&[("github_token/default/token", "ghp_1")], &["github_token"]);
    let tokens: Vec<_> = pairs(&kit.env).into_iter().filter(|(_, v)| v.contains("ghp_1")).collect();
    assert_eq!(tokens, [("GITHUB_TOKEN", "ghp_1"), ("GH_TOKEN", "ghp_1")]);
    let ask = |host: &str| {
        let question = format!("protocol=https\nhost={host}\n\n");
        output(&kit, "git", &["credential", "fill"], &question)
    };
    let want = "protocol=https\nhost=github.com\nusername=x-access-token\npassword=ghp_1\n";
    assert_eq!(ask("github.com"), want);
    assert!(!ask("example.com").contains("ghp_1"));
}

#[test]
fn an_instance_of_any_name_is_no_shell_code() {
    let instance = "a b$(echo c)`d`\"e'";
    let kit =
        packed(&[(&format!("git_ssh/{instance}/id_rsa"), "K")], &[&format!("git_ssh:{instance}")]);
    let line = kit.env[0].1.replacen("ssh", "printf '%s|'", 1);
    let words = output(&kit, "sh", &["-c", &line], "");
    assert!(words.starts_with(&format!("-i|/there/git_ssh/{instance}/id_rsa|-o|")), "{words}");
}

#[test]
fn a_type_of_the_project_is_used_like_any_other() {
    let field = |name: &str, variable: &str, is_secret: bool| Field {
        name: name.to_owned().into(),
        variables: Words::Own(vec![variable.to_owned()]),
        elsewhere: &[],
        is_secret,
        optional: false,
        is_old: false,
        shape: Shape::Text,
    };
    let own = OwnTypes::from([(
        "my_api".to_owned(),
        CredentialType {
            kind: "my_api".into(),
            title: "of this project".into(),
            from: "",
            fields: vec![field("token", "MY_TOKEN", true), field("url", "MY_URL", false)],
            owner: Owner::Run,
            note: "for our API".into(),
            proofs: &[],
        },
    )]);
    let files = [("my_api/default/token", "s3cret"), ("my_api/default/url", "https://a.example")];
    let references = ["my_api".to_owned()];
    let packed = kit(home(&files).path(), &own, &references, Bearer::Thinker).unwrap();
    assert_eq!(pairs(&packed.env), [("MY_TOKEN", "s3cret"), ("MY_URL", "https://a.example")]);
    assert_eq!(packed.notes[0].note, "for our API");
    assert_eq!(packed.secrets, ["s3cret"]);
    let lacks = kit(home(&files[..1]).path(), &own, &references, Bearer::Thinker).unwrap_err();
    assert_eq!(lacks[0].to_string(), "credential my_api: it lacks url; al creds rotate my_api");
}

#[test]
fn npm_finds_the_token_for_its_registry_and_no_other() {
    let check = |files: &[(&str, &str)], settings: &str| {
        let kit = packed(files, &["npm_token"]);
        let user = "${AL_CREDENTIALS_PATH}/npm_token/default/npmrc";
        assert_eq!(pairs(&kit.env), [("NPM_TOKEN", "npm_s3cret"), ("NPM_CONFIG_USERCONFIG", user)]);
        let npmrc = kit.files.iter().find(|(path, _)| path.ends_with("/npmrc")).unwrap();
        assert_eq!(npmrc.1, settings);
    };
    let token = ("npm_token/default/token", "npm_s3cret");
    check(
        &[token],
        "registry=https://registry.npmjs.org/\n//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n",
    );
    check(
        &[token, ("npm_token/default/registry", "https://npm.acme.example/all/")],
        "registry=https://npm.acme.example/all/\n\
         //npm.acme.example/all/:_authToken=${NPM_TOKEN}\n",
    );
}
