//! The `reckoner` binary: hands the arguments to the command line and its verdict to the operating system.
//!
//! It is also its own decoder of foreign Parquet: started with one word, it decodes a file for the process that started it,
//! and may die of it.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    #[cfg(unix)]
    if args.get(1).is_some_and(|word| word == reckoner_read::DECODE_WORD) {
        return ExitCode::from(reckoner_read::decode(&args[2..]));
    }
    ExitCode::from(reckoner::cli::run(args))
}
