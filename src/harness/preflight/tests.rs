use std::io::{Read, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use super::*;

fn step(provider: &str, params: Value) -> Step {
    let Value::Object(params) = params else { panic!("{params}") };
    Step { provider: provider.to_owned(), required: true, params }
}

struct World {
    dir: tempfile::TempDir,
    place: Place,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { dir: dir.path().to_owned(), env_file: None };
        Self { dir, place }
    }

    async fn run(&self, steps: &[Step]) -> Result<(), String> {
        let env = |name: &str| (name == "WHO").then(|| "ada".to_owned());
        run_at(&self.place, steps, &env).await
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.dir.path().join(file)).unwrap()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_command_writes_its_output_where_the_agent_finds_it() {
    let world = World::new();
    let params = json!({"command": "echo out; echo no >&2", "output": "data/deep/out.txt"});
    assert_eq!(world.run(&[step("shell", params)]).await, Ok(()));
    assert_eq!(world.read("data/deep/out.txt"), "out\n");
}

#[tokio::test(flavor = "current_thread")]
async fn a_step_that_is_required_ends_the_run_when_it_fails() {
    let world = World::new();
    let fails = step("shell", json!({"command": "echo gone >&2; exit 1"}));
    let mark = step("shell", json!({"command": "touch mark"}));
    let steps = [Step { required: false, ..fails.clone() }, mark.clone()];
    assert_eq!(world.run(&steps).await, Ok(()));
    assert_eq!(world.read("mark"), "");
    let error = world.run(&[fails, mark]).await.unwrap_err();
    assert_eq!(error, "preflight [1/2] shell failed: gone");
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_wrong_with_a_step_is_said() {
    for (provider, params, want) in [
        ("ftp", json!({}), "there is no provider \"ftp\"; it is shell, http or git-clone"),
        ("shell", json!({}), "`command` is missing in its params"),
        ("http", json!({"url": "http://x"}), "`output` is missing in its params"),
        ("http", json!({"url": "http://${NO}/", "output": "x"}), "${NO} is not set"),
        ("git-clone", json!({"repo": ["a"], "dest": "x"}), "`repo` must be a text"),
    ] {
        let error = World::new().run(&[step(provider, params)]).await.unwrap_err();
        assert_eq!(error, format!("preflight [1/1] {provider} failed: {want}"));
    }
}

/// Answers one request; yields what was asked.
fn serve(status: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/who", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut block = [0; 4096];
        let count = stream.read(&mut block).unwrap();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n");
        stream.write_all(format!("{head}ok").as_bytes()).unwrap();
        String::from_utf8_lossy(&block[..count]).into_owned()
    });
    (url, asked)
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_is_fetched_into_a_file() {
    let world = World::new();
    let (url, asked) = serve("200 OK");
    let headers = json!({"X-Who": "${WHO}"});
    let params = json!({"url": url, "output": "a/b", "headers": headers});
    assert_eq!(world.run(&[step("http", params)]).await, Ok(()));
    assert_eq!(world.read("a/b"), "ok");
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("GET /who ") && asked.contains("x-who: ada\r\n"), "{asked}");
    let (url, _asked) = serve("404 Not Found");
    let error = world.run(&[step("http", json!({"url": url, "output": "c"}))]).await.unwrap_err();
    assert_eq!(error, "preflight [1/1] http failed: the server answers with status 404");
    assert!(!world.dir.path().join("c").exists());
}

#[tokio::test(flavor = "current_thread")]
async fn a_repository_is_cloned() {
    let world = World::new();
    let make = "git init -q -b main origin && cd origin && echo hi > file && git add . && \
                git -c user.name=a -c user.email=a@b commit -qm one && git branch other";
    assert_eq!(world.run(&[step("shell", json!({"command": make}))]).await, Ok(()));
    let origin = format!("file://{}/origin", world.dir.path().display());
    let params = json!({"repo": origin, "dest": "to/copy", "branch": "other", "depth": 1});
    assert_eq!(world.run(&[step("git-clone", params)]).await, Ok(()));
    assert_eq!(world.read("to/copy/file"), "hi\n");
}

#[test]
fn a_short_name_of_a_repository_is_one_of_githubs() {
    let check = |repo: &str, variables: &[&str], want: &str| {
        let env = |name: &str| variables.contains(&name).then(|| "x".to_owned());
        assert_eq!(address(repo, &env), want);
    };
    check("acme/api", &[], "git@github.com:acme/api.git");
    check("acme/api", &["GITHUB_TOKEN"], "https://github.com/acme/api.git");
    check("acme/api", &["GITHUB_TOKEN", "GIT_SSH_COMMAND"], "git@github.com:acme/api.git");
    for repo in ["https://x/acme/api", "git@x:acme/api.git", "../api", "/srv/api", "api"] {
        check(repo, &[], repo);
    }
}
