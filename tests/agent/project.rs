//! A project with one agent that thinks, in a temporary directory, with keys in a home of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use al_support::{Asked, Fake, Wire};
use serde_json::Value;
use tempfile::TempDir;

/// What every provider has for a key here; nothing else looks like it.
pub const KEY: &str = "sk-planted-6f1e2d3c4b5a";

pub struct Project {
    root: TempDir,
}

impl Project {
    /// An agent `dev` that prefers these models in order: name, provider, model, and where.
    pub fn new(models: &[(&str, &str, &str, String)]) -> Self {
        let project = Self { root: TempDir::new().unwrap() };
        let mut config = String::new();
        for (name, provider, model, base_url) in models {
            config.push_str(&format!(
                "[models.{name}]\nprovider = \"{provider}\"\nmodel = \"{model}\"\n\
                 baseUrl = \"{base_url}\"\n"
            ));
            let kind = format!("credentials/{provider}_key/default/token");
            let token = project.home().join(kind);
            write(&token, KEY);
            fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let names: Vec<&str> = models.iter().map(|(name, ..)| *name).collect();
        write(&project.dir().join("config.toml"), &config);
        let agent = project.dir().join("agents/dev");
        let text =
            format!("models = {names:?}\nschedule = \"@yearly\"\n[runtime]\ntype = \"process\"\n");
        write(&agent.join("config.toml"), &text);
        write(
            &agent.join("SKILL.md"),
            "---\ndescription: Builds\n---\nBuild the shop, carefully.\n",
        );
        project
    }

    /// The same with one model, `m`, whose provider is the fake.
    pub fn with_model(provider: &str, model: &str, fake: &Fake) -> Self {
        Self::new(&[("m", provider, model, fake.base_url(provider))])
    }

    /// Adds to the end of a file of the project, or makes it.
    pub fn add(&self, file: &str, text: &str) {
        let path = self.dir().join(file);
        let before = fs::read_to_string(&path).unwrap_or_default();
        write(&path, &format!("{before}{text}"));
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn dir(&self) -> PathBuf {
        self.root().join("project")
    }

    fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    pub fn al(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_al"));
        command.args(args).arg("-p").arg(self.dir()).env("AL_HOME", self.home());
        command.env_remove("AL_ENV").env("NO_COLOR", "1").env("USER", "ada");
        command.output().unwrap()
    }

    /// Runs the agent to its end, which has to have this exit code; what it showed.
    pub fn run(&self, code: i32) -> String {
        let output = self.al(&["run", "dev", "Fix the till."]);
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{shown}");
        shown
    }

    /// The only run as `al runs` has it.
    pub fn only_run(&self) -> Value {
        let output = self.al(&["runs", "--json"]);
        assert!(output.status.success(), "{output:?}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["runs"].as_array().unwrap().len(), 1, "{document}");
        document["runs"][0].clone()
    }

    /// Records of the agent's log.
    pub fn log(&self) -> Vec<Value> {
        let dir = fs::read_dir(self.dir().join(".al/logs")).unwrap();
        let files = dir.map(|entry| entry.unwrap().path());
        let of_agent =
            files.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with("dev"));
        let text: String = of_agent.map(|file| fs::read_to_string(file).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Whether the log has a record with this message.
    pub fn said(&self, msg: &str) -> bool {
        self.log().iter().any(|record| record["msg"] == msg)
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The system prompt of a request, wherever its wire has it.
pub fn system(asked: &Asked) -> String {
    let body = &asked.body;
    let place = match Wire::at(&asked.path).unwrap() {
        Wire::Anthropic => &body["system"][0]["text"],
        Wire::Chat(_) => &body["messages"][0]["content"],
        Wire::Responses => &body["instructions"],
        Wire::Gemini => &body["systemInstruction"]["parts"][0]["text"],
    };
    place.as_str().unwrap_or_else(|| panic!("no system prompt: {body}")).to_owned()
}

/// Names of the tools that a request offers.
pub fn tools(asked: &Asked) -> Vec<String> {
    let tools = &asked.body["tools"];
    let (list, name) = match Wire::at(&asked.path).unwrap() {
        Wire::Anthropic | Wire::Responses => (tools, "/name"),
        Wire::Chat(_) => (tools, "/function/name"),
        Wire::Gemini => (&tools[0]["functionDeclarations"], "/name"),
    };
    let names = list.as_array().unwrap().iter().map(|tool| tool.pointer(name).unwrap());
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// The result of a tool that a request ends with.
pub fn last_result(asked: &Asked) -> String {
    let last = |list: &Value| list.as_array().unwrap().last().unwrap().clone();
    let body = &asked.body;
    let place = match Wire::at(&asked.path).unwrap() {
        Wire::Anthropic => last(&last(&body["messages"])["content"])["content"].clone(),
        Wire::Chat(_) => last(&body["messages"])["content"].clone(),
        Wire::Responses => last(&body["input"])["output"].clone(),
        Wire::Gemini => {
            last(&last(&body["contents"])["parts"])["functionResponse"]["response"]["output"]
                .clone()
        }
    };
    place.as_str().unwrap_or_else(|| panic!("no result at the end: {body}")).to_owned()
}
