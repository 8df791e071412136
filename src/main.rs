//! The `al` program; everything is in the library.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use action_llama::{agent, cli, harness, runtime};

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    // Agents call this binary by other names, and often: that comes first.
    let path = args.next().unwrap_or_default();
    let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let args: Vec<OsString> = args.collect();
    if let Some(code) = agent::command(&name, args.clone()) {
        return code;
    }
    if args.first().is_some_and(|arg| arg == runtime::SUPERVISE) {
        return runtime::supervise();
    }
    if let [word, rest @ ..] = &args[..]
        && word == runtime::boxed::BOX
    {
        return runtime::boxed::main(rest);
    }
    if let [word] = &args[..]
        && word == harness::AGENT
    {
        return harness::main();
    }
    cli::main()
}
