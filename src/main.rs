//! The `reckoner` binary: hands the arguments to the command line and its verdict to the operating system.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(reckoner::cli::run(std::env::args_os().collect()))
}
