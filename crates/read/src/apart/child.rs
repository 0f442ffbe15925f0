//! The process that decodes: takes a file on standard input, says its rows on standard output, within its limits.

use super::super::columns::{ColumnsReader, UsageReader as _};
use super::super::parquet::{Footer, ParquetReader};
use super::super::{FileRefusal, ReadOptions, RowReader as _};
use super::task::Task;
use super::{MEMORY_BYTES_MAX, PIPE_BYTES, wire};
use reckoner_core::table::TableKind;
use rlimit::{Resource, setrlimit};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::fd::AsFd as _;
use std::path::Path;

/// Seconds of processor time for any file, and on top of them for every MiB of it: far more than rows need.
const CPU_SECONDS: u64 = 600;
const CPU_SECONDS_PER_MIB: u64 = 10;

/// Decodes the Parquet file on standard input for the process that started this one; `args` are what follows
/// [`DECODE_WORD`](super::DECODE_WORD). Hands back the exit code, which says nothing: what there is to say is said on
/// standard output.
pub fn decode(args: &[OsString]) -> u8 {
    // A panic of the decoder is caught and told in words of ours.
    std::panic::set_hook(Box::new(|_| {}));
    match answer(args) {
        Ok(()) => 0,
        Err(_) => 1, // nobody listens any more
    }
}

fn answer(args: &[OsString]) -> io::Result<()> {
    // The pipe itself: standard output of the library looks for the ends of lines.
    let mut out = BufWriter::with_capacity(PIPE_BYTES, File::from(io::stdout().as_fd().try_clone_to_owned()?));
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    confine(file.metadata()?.len())?;

    match rows(args, file, &mut out) {
        Ok(()) => wire::write_end(&mut out)?,
        Err(Stopped::Refused(refusal)) => wire::write_refusal(&mut out, &refusal)?,
        Err(Stopped::Unheard(error)) => return Err(error),
    }
    out.flush()
}

enum Stopped {
    Refused(FileRefusal),
    Unheard(io::Error),
}

impl From<FileRefusal> for Stopped {
    fn from(refusal: FileRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Unheard(error)
    }
}

fn rows(args: &[OsString], file: File, out: &mut impl Write) -> Result<(), Stopped> {
    let (kind, task, options) = understood(args).ok_or_else(|| {
        FileRefusal::new("unreadable", "the decoder of Parquet was not told what to decode: it is no command to be given by hand")
    })?;
    match task {
        Task::Rows => text(ParquetReader::open(file, kind.schema(), &options, None)?, out),
        Task::Lines(path) => text(ParquetReader::open(file, kind.schema(), &options, Some(lines(&path)?))?, out),
        Task::Columns(part) => {
            let mut reader = ColumnsReader::open(file, &options, part)?;
            wire::write_opened(out)?;
            while let Some(columns) = reader.next_columns()? {
                wire::write_columns(out, columns)?;
            }
            Ok(())
        }
        Task::Parts => {
            let footer = Footer::read(&file, kind.schema(), &options)?;
            Ok(wire::write_parts(out, &footer.group_rows())?)
        }
    }
}

fn text(mut reader: ParquetReader, out: &mut impl Write) -> Result<(), Stopped> {
    wire::write_opened(out)?;
    while let Some(batch) = reader.next_batch()? {
        wire::write_batch(out, &batch)?;
    }
    Ok(())
}

/// The lines that are wanted, as the asking process wrote them down.
fn lines(path: &Path) -> io::Result<Vec<u64>> {
    let bytes = std::fs::read(path)?;
    let (lines, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(ErrorKind::InvalidData.into());
    }
    Ok(lines.iter().map(|line| u64::from_le_bytes(*line)).collect())
}

fn understood(args: &[OsString]) -> Option<(TableKind, Task, ReadOptions)> {
    let [kind, task, batch_rows, ignored @ ..] = args else { return None };
    let kind = TableKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
    let ignored_columns = ignored.iter().map(|column| column.to_str().map(str::to_owned)).collect::<Option<_>>()?;
    let batch_rows = batch_rows.to_str()?.parse().ok()?;
    Some((kind, Task::of_argument(task)?, ReadOptions { batch_rows, ignored_columns, ..ReadOptions::default() }))
}

/// From here on this process can take neither the machine's memory nor its time, and leaves no core behind.
fn confine(file_bytes: u64) -> io::Result<()> {
    let cpu_seconds = CPU_SECONDS + CPU_SECONDS_PER_MIB * (file_bytes >> 20);
    for (resource, limit) in [(Resource::DATA, MEMORY_BYTES_MAX), (Resource::CPU, cpu_seconds), (Resource::CORE, 0)] {
        let (_, hard) = resource.get()?;
        let limit = limit.min(hard);
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}
