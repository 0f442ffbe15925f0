//! Parquet decoded apart: by a second process of the same program, which may use little memory and may die.
//!
//! Owns: starting that process, what it may use up, what its end says about the file.
//! Does not own: decoding (`parquet`), the form of what the two say to each other (`wire`).
//! Promises: whatever is in the file, this process neither ends nor grows with it; the rows are those that the decoder gives
//! in one process.
//!
//! A page can say that it holds 10^12 values, and a decoder that believes it asks for as much memory: an allocation that
//! fails is no error in Rust, it ends the process. So the decoder gets a process of its own to end.

mod child;
#[cfg(test)]
mod tests;
mod wire;

pub use child::decode;

use super::batch::Batch;
use super::parquet::TAKES_TOO_MUCH;
use super::{FileRefusal, Format, ReadOptions, RowReader};
use reckoner_core::table::TableKind;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use wire::Frame;

/// The first argument of a process that decodes: the program hands the others to [`decode`].
pub const DECODE_WORD: &str = "decode-parquet";

/// Memory that decoding may take, in bytes: a page packed and unpacked, its dictionary, and a batch of rows.
pub const MEMORY_BYTES_MAX: u64 = 320 << 20;

/// What the dying process may have said of its end.
const LAST_WORDS_BYTES: u64 = 4 * 1024;

/// A Parquet file being decoded by another process.
pub(super) struct ApartReader {
    kind: TableKind,
    child: Child,
    frames: BufReader<ChildStdout>,
    is_done: bool,
}

impl ApartReader {
    /// Starts the decoder and waits for what it says of the footer.
    pub(super) fn open(file: File, kind: TableKind, options: &ReadOptions, program: &Path) -> Result<Self, FileRefusal> {
        let mut child = Command::new(program)
            .args([DECODE_WORD, kind.as_str(), &options.batch_rows.to_string()])
            .args(&options.ignored_columns)
            .env_clear()
            .stdin(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| FileRefusal::new("unreadable", format!("the decoder of Parquet cannot be started: {error}")))?;
        let frames = BufReader::with_capacity(64 * 1024, child.stdout.take().expect("it is piped"));
        let mut reader = Self { kind, child, frames, is_done: false };
        match reader.next_frame()? {
            Frame::Opened => Ok(reader),
            Frame::Batch(_) | Frame::End => Err(FileRefusal::new("unreadable", "the decoder of Parquet does not make sense")),
        }
    }

    /// What the decoder says next; its refusal, or what its end means, as an error.
    fn next_frame(&mut self) -> Result<Frame, FileRefusal> {
        match wire::read(&mut self.frames, self.kind.schema()) {
            Ok(Some(said)) => said,
            Ok(None) => Err(self.ended()),
            Err(error) => Err(FileRefusal::new("unreadable", format!("the decoder of Parquet is not understood: {error}"))),
        }
    }

    /// Why the decoder ended without saying that it is done.
    fn ended(&mut self) -> FileRefusal {
        let mut words = Vec::new();
        if let Some(last_words) = self.child.stderr.take() {
            let _ = last_words.take(LAST_WORDS_BYTES).read_to_end(&mut words);
        }
        match self.child.wait() {
            Ok(status) => meaning(status, &String::from_utf8_lossy(&words)),
            Err(error) => FileRefusal::new("unreadable", format!("the decoder of Parquet is lost: {error}")),
        }
    }
}

impl RowReader for ApartReader {
    fn format(&self) -> Format {
        Format::Parquet
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, FileRefusal> {
        if self.is_done {
            return Ok(None);
        }
        // Done until proven otherwise: after an error nothing more is handed out.
        self.is_done = true;
        match self.next_frame()? {
            Frame::Batch(batch) => {
                self.is_done = false;
                Ok(Some(batch))
            }
            Frame::End => Ok(None),
            Frame::Opened => Err(FileRefusal::new("unreadable", "the decoder of Parquet does not make sense")),
        }
    }
}

impl Drop for ApartReader {
    /// Nobody reads on: the decoder ends, and is not left behind as a zombie.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the end of a decoder says: of the file, unless somebody ended it from outside.
fn meaning(status: ExitStatus, last_words: &str) -> FileRefusal {
    const ABRT: i32 = 6;
    const XCPU: i32 = 24;
    /// HUP, INT, QUIT, KILL, PIPE, TERM: those that people, a terminal or the kernel's need of memory send.
    const FROM_OUTSIDE: [i32; 6] = [1, 2, 3, 9, 13, 15];
    match status.signal() {
        Some(ABRT) if last_words.contains("memory allocation of") => FileRefusal::new("too_large", TAKES_TOO_MUCH),
        Some(XCPU) => FileRefusal::new("too_large", "to decode it takes longer than rows can; write it again, or send it as CSV"),
        Some(signal) if FROM_OUTSIDE.contains(&signal) => {
            FileRefusal::new("unreadable", format!("the decoder of Parquet was ended by signal {signal} from outside"))
        }
        Some(signal) => {
            let detail =
                format!("the file is not sound Parquet (its decoder ended by signal {signal}); write it again and send it");
            FileRefusal::new("corrupt", detail)
        }
        None => FileRefusal::new("unreadable", format!("the decoder of Parquet gave up ({status})")),
    }
}
