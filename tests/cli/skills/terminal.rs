//! Somebody at a terminal, who answers, and who changes their mind.

use std::fs;
use std::io::{Read as _, Write};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

use super::upstream::{Upstream, agents, al, command, left_over};
use crate::world::World;

/// `al` on a terminal of its own.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    screen: Receiver<Vec<u8>>,
    seen: String,
    _size: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn al(world: &World, args: &[&str]) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize { rows: 40, cols: 100, ..PtySize::default() })
            .unwrap();
        let like = command(world, args);
        let mut builder = CommandBuilder::new(like.get_program());
        builder.args(like.get_args());
        builder.cwd(world.project());
        builder.env_clear();
        for (name, value) in like.get_envs() {
            builder.env(name, value.unwrap());
        }
        builder.env("TERM", "xterm");
        let child = pair.slave.spawn_command(builder).unwrap();
        drop(pair.slave);
        let mut from = pair.master.try_clone_reader().unwrap();
        let (to, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                if to.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, keys, screen, seen: String::new(), _size: pair.master }
    }

    /// Waits until this is said, after all that was waited for before, and types.
    #[track_caller]
    fn at(&mut self, said: &str, keys: &str) -> &mut Self {
        while !self.seen.contains(said) {
            let Ok(more) = self.screen.recv() else { panic!("no {said:?} in {}", self.seen) };
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
        self.seen.clear();
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    fn end(&mut self) -> u32 {
        while self.screen.recv().is_ok() {}
        self.child.wait().unwrap().exit_code()
    }
}

fn shelf() -> (World, Upstream) {
    let world = World::new(&[("config.toml", "")]);
    let mut upstream = Upstream::new(&world);
    upstream
        .file("skills/one/SKILL.md", "First.\n\nEnd.\n")
        .file("skills/one/Dockerfile", "FROM al-agent:latest\n")
        .file("skills/two/SKILL.md", "Second.\n");
    upstream.commit();
    (world, upstream)
}

#[test]
fn skills_are_chosen_and_agreed_to() {
    let (world, _upstream) = shelf();
    let code = Terminal::al(&world, &["add", "acme/skills"])
        .at("Which ones", " \r")
        .at("Add it as agents/one", "y\r")
        .end();
    assert_eq!(code, 0);
    assert_eq!(agents(&world), ["one/Dockerfile", "one/SKILL.md", "one/config.toml"]);
    let code = Terminal::al(&world, &["add", "acme/skills", "--skill", "two"])
        .at("Add it as agents/two", "n\r")
        .end();
    assert_eq!((code, agents(&world).len()), (0, 3));
    assert_eq!(left_over(&world), Vec::<String>::new());
}

#[test]
fn ctrl_c_at_any_question_leaves_everything_as_it_was() {
    let (world, mut upstream) = shelf();
    let code = Terminal::al(&world, &["add", "acme/skills"]).at("Which ones", "\x03").end();
    assert_eq!((code, agents(&world).len()), (130, 0));
    let code = Terminal::al(&world, &["add", "acme/skills"])
        .at("Which ones", " \r")
        .at("Add it as", "\x03")
        .end();
    assert_eq!((code, agents(&world).len()), (130, 0));
    assert_eq!(left_over(&world), Vec::<String>::new());
    assert!(!world.project().join("agents").exists());

    assert_eq!(al(&world, &["add", "acme/skills", "-s", "one", "-y"]).0, 0);
    let config = world.read("agents/one/config.toml");
    upstream
        .file("skills/one/SKILL.md", "New.\n\nEnd.\n")
        .file("skills/one/Dockerfile", "FROM al-agent:latest\nUSER root\n")
        .commit();
    let code = Terminal::al(&world, &["update"])
        .at("Take this SKILL.md for one", "y\r")
        .at("Take this Dockerfile for one", "\x03")
        .end();
    assert_eq!(code, 130);
    assert_eq!(world.read("agents/one/SKILL.md"), "First.\n\nEnd.\n");
    assert_eq!(world.read("agents/one/config.toml"), config);
    assert_eq!(left_over(&world), Vec::<String>::new());

    let code = Terminal::al(&world, &["update"])
        .at("Take this SKILL.md for one", "\r")
        .at("Take this Dockerfile for one", "\r")
        .end();
    assert_eq!(code, 0);
    assert_eq!(world.read("agents/one/SKILL.md"), "New.\n\nEnd.\n");
    assert_eq!(world.read("agents/one/Dockerfile"), "FROM al-agent:latest\n", "not by itself");
    assert_eq!(fs::read_dir(world.project().join("agents")).unwrap().count(), 1);
}
