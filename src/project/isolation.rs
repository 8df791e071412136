//! `[runtime]` of an agent: where its runs execute, and what they may use there.

use std::path::{Path, PathBuf};

use super::model::{Mount, Network, Runtime, RuntimeKind};
use super::problem::{Problem, Problems, quoted};
use super::tree::{Node, Table, Tree};

/// Docker's smallest memory limit.
const LEAST_MEMORY: u64 = 6 << 20;
/// Bytes of a user's name, as Linux has it.
const NAME_MAX: usize = 32;
/// Where the container has what is its own; mounts go elsewhere.
const OWN: [&str; 7] = ["/app", "/credentials", "/tmp", "/run/al", "/proc", "/sys", "/dev"];

/// Reads the table; what is wrong in it is a problem, and the default counts.
pub fn runtime(table: Option<&Table>, agent_dir: &Path, problems: &mut Problems) -> Runtime {
    let text = |key: &str| table.and_then(|t| t.text(key));
    let kind = match text("type") {
        Some("host-user") => RuntimeKind::HostUser,
        Some("process") => RuntimeKind::Process,
        _ => RuntimeKind::Container,
    };
    let network = match text("network") {
        Some("none") => Network::None,
        Some("gateway") => Network::Gateway,
        _ => Network::Full,
    };
    let project_dir = agent_dir.parent().and_then(Path::parent).unwrap_or(agent_dir);
    let mut mounts = Vec::new();
    for node in table.map(|t| t.list("mounts")).unwrap_or_default() {
        let Tree::Text(text) = &node.value else { continue };
        match mount(text, project_dir) {
            Ok(mount) => mounts.push(mount),
            Err(why) => problems.push(
                Problem::error_at(&node.at, format!("{} is no mount: {why}", quoted(text)))
                    .code("value_wrong")
                    .hint("write `source:target`, or `source:target:rw` for one to write to"),
            ),
        }
    }
    if let Some(node) = table.and_then(|t| t.node("memory")) {
        check_memory(node, problems);
    }
    if let Some(node) = table.and_then(|t| t.node("run_as")) {
        check_user(node, problems);
    }
    for node in table.map(|t| t.list("groups")).unwrap_or_default() {
        check_name(node, "group", problems);
    }
    let default = Runtime::default();
    Runtime {
        kind,
        run_as: text("run_as").map_or(default.run_as, str::to_owned),
        groups: table.map(|t| t.texts("groups")).unwrap_or_default(),
        network,
        gpus: text("gpus").map(str::to_owned),
        mounts,
        pids: table.and_then(|t| t.int("pids")).unwrap_or(default.pids),
        oci: text("runtime").map(str::to_owned),
        memory: text("memory").map(str::to_owned),
        cpus: table.and_then(|t| t.number("cpus")),
    }
}

/// Says when a user is none that runs can execute as.
fn check_user(node: &Node, problems: &mut Problems) {
    if matches!(&node.value, Tree::Text(text) if text == "root") {
        let why = "runs as `root` would have this whole machine";
        problems.push(
            Problem::error_at(&node.at, why)
                .code("value_wrong")
                .hint("choose a user without rights, that nobody else uses: `al-agent`"),
        );
    }
    check_name(node, "user", problems);
}

/// Says when a text can be no name of a user or group: these become words of commands.
fn check_name(node: &Node, what: &str, problems: &mut Problems) {
    let Tree::Text(text) = &node.value else { return };
    let inside = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    if text.starts_with(first) && text.chars().all(inside) && text.len() <= NAME_MAX {
        return;
    }
    problems.push(
        Problem::error_at(&node.at, format!("{} is no name of a {what}", quoted(text)))
            .code("value_wrong")
            .hint("a letter comes first, then letters, digits, `_`, `.` and `-`, 32 in all"),
    );
}

/// Says when a text is no amount of memory.
pub fn check_memory(node: &Node, problems: &mut Problems) {
    let Tree::Text(text) = &node.value else { return };
    let problem = match memory(text) {
        None => format!("{} is no amount of memory", quoted(text)),
        Some(bytes) if bytes < LEAST_MEMORY => {
            format!("{} is less than the 6 MB that a container needs", quoted(text))
        }
        Some(_) => return,
    };
    problems.push(
        Problem::error_at(&node.at, problem)
            .code("value_wrong")
            .hint("write it as Docker does: `512m`, `4g`"),
    );
}

/// Bytes of an amount as Docker writes it: a number and `b`, `k`, `m`, `g` or `t`.
pub fn memory(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_suffix("ib").or_else(|| text.strip_suffix('b')).unwrap_or(&text);
    let digits = text.trim_end_matches(['k', 'm', 'g', 't']);
    let power = match text.get(digits.len()..)? {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    let number: f64 = digits.trim().parse().ok()?;
    let bytes = number * 1024_f64.powi(power);
    // Far above any machine, and exact below it.
    (bytes.is_finite() && (1.0..1e15).contains(&bytes)).then_some(bytes as u64)
}

/// A relative source is meant from the project's folder.
fn mount(text: &str, project_dir: &Path) -> Result<Mount, String> {
    let (text, writable) = match text.rsplit_once(':') {
        Some((rest, "rw")) => (rest, true),
        Some((rest, "ro")) => (rest, false),
        _ => (text, false),
    };
    let (source, target) = text.split_once(':').ok_or("it has no target")?;
    let target = PathBuf::from(target);
    if source.is_empty() || !target.is_absolute() {
        return Err("its target has to be an absolute path".to_owned());
    }
    if target.as_os_str() == "/" || target.components().any(|c| c.as_os_str() == "..") {
        return Err("its target has to be a folder of its own".to_owned());
    }
    if let Some(own) = OWN.iter().find(|own| target.starts_with(own)) {
        return Err(format!("{own} is the container's own"));
    }
    let source = project_dir.join(source);
    if source.file_name().is_some_and(|name| name == "docker.sock") {
        return Err("whoever has the engine's socket has this machine".to_owned());
    }
    Ok(Mount { source, target, writable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_written_as_docker_does() {
        for (text, bytes) in [
            ("4g", Some(4 << 30)),
            ("512m", Some(512 << 20)),
            ("512MB", Some(512 << 20)),
            ("2GiB", Some(2 << 30)),
            ("1.5g", Some(3 << 29)),
            ("1048576", Some(1 << 20)),
            ("", None),
            ("g", None),
            ("-1g", None),
            ("4 gigs", None),
            ("inf", None),
        ] {
            assert_eq!(memory(text), bytes, "{text:?}");
        }
    }

    #[test]
    fn a_mount_is_read_only_unless_it_says_otherwise_and_leaves_the_containers_own_alone() {
        let got =
            |text: &str| mount(text, Path::new("/p")).map(|m| (m.source, m.target, m.writable));
        let paths = |s: &str, t: &str, w| Ok((PathBuf::from(s), PathBuf::from(t), w));
        assert_eq!(got("/data:/data"), paths("/data", "/data", false));
        assert_eq!(got("cache:/var/cache:rw"), paths("/p/cache", "/var/cache", true));
        assert_eq!(got("/a:/b:ro"), paths("/a", "/b", false));
        for bad in [
            "/data",
            "/data:data",
            ":/data",
            "/data:/",
            "/data:/app/bin",
            "/data:/credentials",
            "/data:/run/al",
            "/x:/y/../app",
            "/var/run/docker.sock:/docker.sock",
        ] {
            assert!(got(bad).is_err(), "{bad}");
        }
    }
}
