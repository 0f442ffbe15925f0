//! The environment: the only file that reads it.

use std::path::PathBuf;

/// Folder named by `RECKONER_HOME`, if one is.
pub fn home() -> Option<PathBuf> {
    read("RECKONER_HOME").map(PathBuf::from)
}

/// What `RECKONER_LOG` wants logged, for example `info` or `reckoner=debug`.
pub fn log_filter() -> Option<String> {
    read("RECKONER_LOG")?.into_string().ok()
}

/// The failpoint that `RECKONER_FAILPOINT` arms, for tests of a development build: see `faults`.
#[cfg(debug_assertions)]
pub fn failpoint() -> Option<String> {
    read("RECKONER_FAILPOINT")?.into_string().ok()
}

/// This program, to be started again as the decoder of foreign Parquet; nothing where it cannot be found.
pub fn program() -> Option<PathBuf> {
    // The kernel's own link leads to this very program, also when another version lies under its name by now.
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { Some(link) } else { std::env::current_exe().ok() }
}

/// The operating system's name for who runs this process: by user id where the system tells, by `USER` or `LOGNAME`
/// otherwise, `unknown` at last.
pub fn user() -> String {
    let named = || read("USER").or_else(|| read("LOGNAME"))?.into_string().ok();
    user_of_process().or_else(named).unwrap_or_else(|| "unknown".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn read(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Variables can be set to anything; the owner of the process cannot.
#[cfg(target_os = "linux")]
fn user_of_process() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let user_id = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == user_id).then(|| name.to_owned())
    });
    Some(name.unwrap_or_else(|| format!("uid:{user_id}")))
}

#[cfg(not(target_os = "linux"))]
fn user_of_process() -> Option<String> {
    None
}
