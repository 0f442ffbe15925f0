//! Runs the binary in a folder of its own, with an empty environment but for what a test says.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that goes away with the test, and the binary run in it.
pub struct Bench {
    folder: tempfile::TempDir,
}

/// What a command said.
pub struct Said {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With a home made by `init`, which later commands find without being told.
    pub fn with_home() -> Self {
        let bench = Self::new();
        bench.run(["init"]).expect_exit(0);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("reckoner-home")
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("the folder takes files");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reckoner"));
        command.current_dir(self.folder.path()).env_clear();
        command
    }

    pub fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Said {
        Said::of(self.command().args(args).output().expect("the binary starts"))
    }

    /// A command line as typed, words separated by blanks.
    pub fn line(&self, line: &str) -> Said {
        self.run(line.split_whitespace())
    }
}

impl Said {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { exit: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub fn expect_exit(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "\nstdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Standard output as the one JSON document that it must be.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {:?}", self.out))
    }

    #[track_caller]
    pub fn expect_err(&self, pieces: &[&str]) {
        for piece in pieces {
            assert!(self.err.contains(piece), "{piece:?} is missing from: {}", self.err);
        }
    }
}

/// Copies a folder with everything in it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("an entry");
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(std::fs::copy(&path, &target).expect("copied")),
        }
    }
}

pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
