//! Parquet decoded apart: by a second process of the same program, which may use little memory and may die.
//!
//! Owns: starting that process, what it may use up, what its end says about the file.
//! Does not own: decoding (`parquet`, `columns`), the form of what the two say to each other (`wire`, `packed`).
//! Promises: whatever is in the file, this process neither ends nor grows with it; the rows are those that the decoder gives
//! in one process.
//!
//! A page can say that it holds 10^12 values, and a decoder that believes it asks for as much memory: an allocation that
//! fails is no error in Rust, it ends the process. So the decoder gets a process of its own to end.

mod child;
mod packed;
mod task;
#[cfg(test)]
mod tests;
mod wire;

pub use child::decode;

use super::batch::Batch;
use super::columns::UsageReader;
use super::parquet::TAKES_TOO_MUCH;
use super::{FileRefusal, Format, ReadOptions, RowReader};
use reckoner_core::table::{TableKind, UsageColumns};
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write as _};
use std::ops::Range;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use task::Task;
use tempfile::NamedTempFile;
use wire::{Frame, Room};

/// The first argument of a process that decodes: the program hands the others to [`decode`].
pub const DECODE_WORD: &str = "decode-parquet";

/// Memory that decoding may take, in bytes: a page packed and unpacked, its dictionary, and a batch of rows.
pub const MEMORY_BYTES_MAX: u64 = 320 << 20;

/// What the dying process may have said of its end.
const LAST_WORDS_BYTES: u64 = 4 * 1024;

/// Tells glibc to keep memory that becomes free: every column of every batch takes as much again, and to hand it back and
/// ask for it anew takes a third of the time. What it may be in all is limited as before. Others do not listen.
const KEEPS_MEMORY: [(&str, &str); 2] = [("MALLOC_TRIM_THRESHOLD_", "268435456"), ("MALLOC_MMAP_THRESHOLD_", "33554432")];

/// What a pipe holds, unless it is told otherwise: as much is written and read at once.
const PIPE_BYTES: usize = 64 * 1024;

/// What a pipe of columns may hold, so that the decoder goes on while what it said is being taken: what Linux lets anybody ask
/// for.
#[cfg(target_os = "linux")]
const WIDE_PIPE_BYTES: usize = 1 << 20;

/// The process that decodes a Parquet file.
struct Decoder {
    kind: TableKind,
    child: Child,
    frames: BufReader<ChildStdout>,
    room: Room,
}

/// A Parquet file being decoded by another process.
pub(super) struct ApartReader {
    decoder: Decoder,
    is_done: bool,
}

/// A Parquet file of usage being decoded by another process into columns.
pub(super) struct ApartColumns {
    decoder: Decoder,
    is_done: bool,
}

impl ApartReader {
    /// Starts the decoder and waits for what it says of the footer. With `lines`, only the rows on them are handed out.
    pub(super) fn open(
        file: File,
        kind: TableKind,
        options: &ReadOptions,
        program: &Path,
        lines: Option<&[u64]>,
    ) -> Result<Self, FileRefusal> {
        // There until the decoder has read it, which it has when it says of the footer.
        let lines = lines.map(lines_file).transpose().map_err(|error| FileRefusal::of(&error))?;
        let task = lines.as_ref().map_or(Task::Rows, |lines| Task::Lines(lines.path().to_owned()));
        let mut decoder = Decoder::start(file, kind, &task, options, program)?;
        decoder.opened()?;
        Ok(Self { decoder, is_done: false })
    }
}

impl ApartColumns {
    /// As [`ApartReader::open`], for columns of usage of these row groups, or of all.
    pub(super) fn open(
        file: File,
        options: &ReadOptions,
        program: &Path,
        part: Option<Range<usize>>,
    ) -> Result<Self, FileRefusal> {
        let mut decoder = Decoder::start(file, TableKind::Usage, &Task::Columns(part), options, program)?;
        decoder.opened()?;
        Ok(Self { decoder, is_done: false })
    }
}

/// The rows of each row group, by the decoder's word.
pub(super) fn parts(file: File, kind: TableKind, options: &ReadOptions, program: &Path) -> Result<Vec<u64>, FileRefusal> {
    match Decoder::start(file, kind, &Task::Parts, options, program)?.next_frame()? {
        Frame::Parts(rows) => Ok(rows),
        Frame::Opened | Frame::Batch(_) | Frame::Columns | Frame::End => Err(senseless()),
    }
}

fn lines_file(lines: &[u64]) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    let bytes: Vec<u8> = lines.iter().flat_map(|line| line.to_le_bytes()).collect();
    file.write_all(&bytes)?;
    Ok(file)
}

fn senseless() -> FileRefusal {
    FileRefusal::new("unreadable", "the decoder of Parquet does not make sense")
}

impl Decoder {
    fn start(file: File, kind: TableKind, task: &Task, options: &ReadOptions, program: &Path) -> Result<Self, FileRefusal> {
        let mut command = Command::new(program);
        command
            .args([DECODE_WORD, kind.as_str()])
            .arg(task.to_argument())
            .arg(options.batch_rows.to_string())
            .args(&options.ignored_columns)
            .env_clear()
            .stdin(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if matches!(task, Task::Columns(_)) {
            command.envs(KEEPS_MEMORY);
        }
        let mut child = command
            .spawn()
            .map_err(|error| FileRefusal::new("unreadable", format!("the decoder of Parquet cannot be started: {error}")))?;
        let said = child.stdout.take().expect("it is piped");
        #[cfg(target_os = "linux")]
        if matches!(task, Task::Columns(_)) {
            let _ = rustix::pipe::fcntl_setpipe_size(&said, WIDE_PIPE_BYTES);
        }
        let frames = BufReader::with_capacity(PIPE_BYTES, said);
        Ok(Self { kind, child, frames, room: Room::default() })
    }

    /// Waits for what the decoder says of the footer.
    fn opened(&mut self) -> Result<(), FileRefusal> {
        match self.next_frame()? {
            Frame::Opened => Ok(()),
            Frame::Batch(_) | Frame::Columns | Frame::Parts(_) | Frame::End => Err(senseless()),
        }
    }

    /// What the decoder says next; its refusal, or what its end means, as an error.
    fn next_frame(&mut self) -> Result<Frame, FileRefusal> {
        match wire::read(&mut self.frames, &mut self.room, self.kind.schema()) {
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
        match self.decoder.next_frame()? {
            Frame::Batch(batch) => {
                self.is_done = false;
                Ok(Some(batch))
            }
            Frame::End => Ok(None),
            Frame::Opened | Frame::Columns | Frame::Parts(_) => Err(senseless()),
        }
    }
}

impl UsageReader for ApartColumns {
    fn next_columns(&mut self) -> Result<Option<&UsageColumns>, FileRefusal> {
        if self.is_done {
            return Ok(None);
        }
        self.is_done = true;
        match self.decoder.next_frame()? {
            Frame::Columns => {
                self.is_done = false;
                Ok(Some(&self.decoder.room.columns))
            }
            Frame::End => Ok(None),
            Frame::Opened | Frame::Batch(_) | Frame::Parts(_) => Err(senseless()),
        }
    }
}

impl Drop for Decoder {
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
