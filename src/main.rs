//! The `al` program; everything is in the library.

use std::process::ExitCode;

use action_llama::runtime;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let _name = args.next();
    if args.next().is_some_and(|arg| arg == runtime::SUPERVISE) {
        return runtime::supervise();
    }
    ExitCode::SUCCESS
}
