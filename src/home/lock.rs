//! The home's lock: one command writes at a time. The kernel frees it when its holder dies, however it dies.
//!
//! The holder writes into the file who it is, so that whoever waits can say for whom. The file's content decides nothing:
//! after a crash it may name a process that is gone while the lock is free.

use super::Home;
use crate::clock::{Clock, Stopwatch};
use crate::failure::Failure;
use crate::files::cannot;
use crate::report::progress::tell;
use fs4::TryLockError;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

const POLL: Duration = Duration::from_millis(50);

/// Who holds the lock: written into `home.lock` as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The command line, `reckoner run hourly`.
    pub command: String,
    /// The operating system's process id.
    pub pid: u32,
    /// Who acts.
    pub actor: String,
    /// Since when, UTC, by the clock of the command; set when the lock is taken.
    #[serde(default)]
    pub since: String,
}

impl Holder {
    /// This process.
    pub fn this_process(command: String, actor: String) -> Self {
        Self { command, pid: std::process::id(), actor, since: String::new() }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` (pid {}, {}, since {})", self.command, self.pid, self.actor, self.since)
    }
}

/// The right to write to a home; given back when dropped.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
}

impl Drop for HomeLock {
    fn drop(&mut self) {
        // The name goes first, so that nobody reads it from a lock that is free. Closing the file unlocks in any case.
        let _ = self.file.set_len(0);
        let _ = fs4::FileExt::unlock(&self.file);
    }
}

impl Home {
    /// Takes the right to write, waiting for whoever has it for at most `wait`; says on standard error for whom.
    ///
    /// # Errors
    /// Exit 1 when the wait is over, or the lock file cannot be opened.
    pub fn lock(&self, holder: &Holder, wait: Duration, clock: Clock) -> Result<HomeLock, Failure> {
        self.wait_for(&self.lock_file(), "is writing to this home", holder, wait, clock)
    }

    /// Takes the right to write if nobody has it; nothing otherwise. Never waits and says nothing.
    ///
    /// # Errors
    /// Exit 1 when the lock file cannot be opened.
    pub fn try_lock(&self, holder: &Holder, clock: Clock) -> Result<Option<HomeLock>, Failure> {
        try_path(&self.lock_file(), holder, clock)
    }

    /// Takes the right to serve this home, waiting for whoever serves it for at most `wait`. It gives no right to write:
    /// other commands work beside it.
    ///
    /// # Errors
    /// As [`Home::lock`].
    pub fn lock_to_serve(&self, holder: &Holder, wait: Duration, clock: Clock) -> Result<HomeLock, Failure> {
        self.wait_for(&self.serve_lock_file(), "serves this home already", holder, wait, clock)
    }

    fn wait_for(
        &self,
        path: &Path,
        does: &'static str,
        holder: &Holder,
        wait: Duration,
        clock: Clock,
    ) -> Result<HomeLock, Failure> {
        let watch = Stopwatch::start();
        let mut told = None;
        loop {
            if let Some(lock) = try_path(path, holder, clock)? {
                return Ok(lock);
            }
            let other = read_holder(path);
            if watch.elapsed() >= wait {
                return Err(gave_up(self, does, other, wait));
            }
            if told != Some(other.clone()) {
                tell(format_args!("waiting for {}, at most {}", who(other.as_ref()), seconds_text(wait)));
                told = Some(other);
            }
            std::thread::sleep(POLL.min(wait.saturating_sub(watch.elapsed())));
        }
    }
}

fn try_path(path: &Path, holder: &Holder, clock: Clock) -> Result<Option<HomeLock>, Failure> {
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = opened.map_err(cannot("open the lock", path))?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(Some(claim(file, holder, clock))),
        Err(TryLockError::Error(error)) => Err(cannot("lock", path)(error).into()),
        Err(TryLockError::WouldBlock) => Ok(None),
    }
}

/// Signs the lock that was taken. A full disk leaves it unsigned: the kernel's lock is what counts, and whoever waits is
/// told of `another command`.
fn claim(mut file: File, holder: &Holder, clock: Clock) -> HomeLock {
    let holder = Holder { since: clock.now().to_utc_text(), ..holder.clone() };
    let text = serde_json::to_string(&holder).expect("a holder is plain text") + "\n";
    let _ = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
    HomeLock { file }
}

/// Nothing for the moment between taking the lock and signing it.
fn read_holder(path: &Path) -> Option<Holder> {
    serde_json::from_str(std::fs::read_to_string(path).ok()?.trim()).ok()
}

fn who(holder: Option<&Holder>) -> String {
    holder.map_or("another command".to_owned(), Holder::to_string)
}

fn gave_up(home: &Home, does: &str, other: Option<Holder>, wait: Duration) -> Failure {
    let place = home.root().display();
    let hint = match &other {
        Some(holder) => format!("wait longer with `--wait 1h`, or see what process {} is doing", holder.pid),
        None => "wait longer with `--wait 1h`".to_owned(),
    };
    Failure::failed(format!("{} {does}", who(other.as_ref())))
        .at(place)
        .expected(format!("the home's lock within {} (`--wait`)", seconds_text(wait)))
        .hint(hint)
}

fn seconds_text(wait: Duration) -> String {
    match wait.as_secs() {
        seconds if seconds >= 60 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_and_the_next_learns_for_whom_it_waits() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home { root: folder.path().to_owned() };
        let holder = Holder::this_process("reckoner run hourly".into(), "ana".into());
        let held = home.lock(&holder, Duration::ZERO, Clock::System).unwrap();

        let refusal = home.lock(&holder, Duration::from_millis(120), Clock::System).unwrap_err();
        assert_eq!(refusal.exit.code(), 1);
        assert!(refusal.saw.starts_with("`reckoner run hourly` (pid "), "{refusal}");

        drop(held);
        home.lock(&holder, Duration::ZERO, Clock::System).expect("the lock is free again");
    }

    #[test]
    fn what_a_dead_process_left_in_the_file_blocks_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home { root: folder.path().to_owned() };
        std::fs::write(home.lock_file(), "{\"command\":\"reckoner serve\",\"pid\":1,\"actor\":\"x\"}\n and more").unwrap();
        let holder = Holder::this_process("reckoner ingest".into(), "ana".into());
        let _held = home.lock(&holder, Duration::ZERO, Clock::System).unwrap();
        assert_eq!(read_holder(&home.lock_file()).unwrap().command, "reckoner ingest");
    }
}
