//! The delivered bytes, unpacked on the way: `.gz` and `.zst`, told by their first bytes.
//!
//! Whatever is read here can be read again from the start, which for packed bytes means unpacking them again. Unpacking
//! stops where more comes out than can be meant. A checksum that does not match, an end in the middle, and bytes behind
//! the end refuse the file; a Zstandard frame without a checksum is as good as a plain file.

use super::{FileRefusal, Format, ReadOptions, Source};
use flate2::bufread::GzDecoder;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Cursor, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Below this no ratio is absurd: a column of one value packs to nothing.
const RATIO_BYTES_MIN: u64 = 64 << 20;
/// Unpacked to packed bytes.
const RATIO_MAX: u64 = 1_000;
/// Zstandard may ask for so much memory, as a power of two: what every decoder grants, 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
const BUFFER_BYTES: usize = 64 * 1024;
/// So many bytes tell the format; blank lines may stand before it.
const FIRST_BYTES: u64 = 4 * 1024;

/// An opened source.
pub(super) struct Input {
    /// Nothing only while it is being rewound.
    decoder: Option<Decoder>,
    packing: Packing,
    unpacked_bytes: u64,
    unpacked_bytes_max: u64,
    /// Where what has to be unpacked into a file goes.
    folder: Option<PathBuf>,
}

/// What the rows are packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstandard,
}

enum Bytes {
    File(File),
    Memory(Cursor<Vec<u8>>),
}

type Packed = BufReader<Counted>;

/// Bytes that are counted as they are read, so that they can be compared with what they unpack to.
struct Counted {
    bytes: Bytes,
    read_bytes: u64,
}

enum Decoder {
    Plain(Bytes),
    /// One member after the other; nothing only between two of them.
    Gzip(Option<Box<GzDecoder<Packed>>>),
    Zstandard(zstd::Decoder<'static, Packed>),
}

impl Input {
    pub(super) fn open(source: Source, options: &ReadOptions) -> Result<Self, FileRefusal> {
        let unreadable = |error| FileRefusal::of(&error);
        let (mut bytes, folder) = match source {
            Source::Bytes(bytes) => (Bytes::Memory(Cursor::new(bytes)), None),
            Source::Path(path) => {
                // Asked before opening: opening a pipe would wait for a writer for ever.
                if !std::fs::metadata(&path).map_err(unreadable)?.is_file() {
                    let detail = "it is no regular file; expected one, not a folder, pipe or device";
                    return Err(FileRefusal::new("unreadable", detail));
                }
                (Bytes::File(File::open(&path).map_err(unreadable)?), path.parent().map(Path::to_owned))
            }
        };
        let mut first = Vec::with_capacity(4);
        bytes.by_ref().take(4).read_to_end(&mut first).map_err(unreadable)?;
        bytes.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let packing = Packing::of(&first);
        let decoder = Some(Decoder::new(packing, bytes).map_err(unreadable)?);
        Ok(Self { decoder, packing, unpacked_bytes: 0, unpacked_bytes_max: options.text_bytes_max, folder })
    }

    /// Tells the format of the rows by their first bytes; the next read begins at the start.
    pub(super) fn format(&mut self, options: &ReadOptions) -> Result<Format, FileRefusal> {
        let mut first = Vec::new();
        self.by_ref().take(FIRST_BYTES).read_to_end(&mut first).map_err(|error| FileRefusal::of(&error))?;
        self.rewind()?;
        let format = format_of_bytes(&first)?;
        if format == Format::Parquet {
            self.unpacked_bytes_max = options.parquet_bytes_max;
        }
        Ok(format)
    }

    /// The next read begins at the start.
    pub(super) fn rewind(&mut self) -> Result<(), FileRefusal> {
        let unreadable = |error| FileRefusal::of(&error);
        let mut bytes = self.decoder.take().expect("it is there but for here").into_bytes();
        bytes.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        self.decoder = Some(Decoder::new(self.packing, bytes).map_err(unreadable)?);
        self.unpacked_bytes = 0;
        Ok(())
    }

    /// A file with the unpacked bytes; where there is none yet, an unnamed temporary one beside the source.
    pub(super) fn into_file(mut self) -> Result<File, FileRefusal> {
        if let Some(Decoder::Plain(Bytes::File(_))) = &self.decoder {
            let Some(Decoder::Plain(Bytes::File(file))) = self.decoder else { unreachable!("just seen") };
            return Ok(file);
        }
        let mut spill = || -> io::Result<File> {
            let beside = self.folder.as_deref().and_then(|folder| tempfile::tempfile_in(folder).ok());
            let mut file = beside.map_or_else(tempfile::tempfile, Ok)?;
            io::copy(&mut self, &mut file)?;
            file.flush()?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        spill().map_err(|error| FileRefusal::of(&error))
    }

    /// Whether more has come out than can be meant.
    fn check_size(&self) -> Result<(), FileRefusal> {
        let packed_bytes = match &self.decoder {
            Some(decoder) => decoder.packed_bytes(),
            None => return Ok(()),
        };
        let Some(packed_bytes) = packed_bytes else { return Ok(()) };
        let limit = if self.unpacked_bytes > self.unpacked_bytes_max {
            format!("at most {} bytes; send it in parts", self.unpacked_bytes_max)
        } else if self.unpacked_bytes > RATIO_BYTES_MIN && self.unpacked_bytes / packed_bytes.max(1) > RATIO_MAX {
            format!("at most {RATIO_MAX} times as many; no rows pack so well, so look at what is inside")
        } else {
            return Ok(());
        };
        let detail =
            format!("{packed_bytes} bytes of {} unpack to more than {}, expected {limit}", self.packing, self.unpacked_bytes);
        Err(FileRefusal::new("too_large", detail))
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let decoder = self.decoder.as_mut().expect("it is there but while it is rewound");
        let read = decoder.read(buffer).map_err(|error| io::Error::other(refusal(&error, self.packing)))?;
        self.unpacked_bytes += read as u64;
        self.check_size().map_err(io::Error::other)?;
        Ok(read)
    }
}

impl Decoder {
    fn new(packing: Packing, bytes: Bytes) -> io::Result<Self> {
        let packed = |bytes| BufReader::with_capacity(BUFFER_BYTES, Counted { bytes, read_bytes: 0 });
        Ok(match packing {
            Packing::Plain => Self::Plain(bytes),
            Packing::Gzip => Self::Gzip(Some(Box::new(GzDecoder::new(packed(bytes))))),
            Packing::Zstandard => {
                let mut decoder = zstd::Decoder::with_buffer(packed(bytes))?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Self::Zstandard(decoder)
            }
        })
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Gzip(member) => member.expect("between members nothing else happens").into_inner().into_inner().bytes,
            Self::Zstandard(decoder) => decoder.finish().into_inner().bytes,
        }
    }

    /// Packed bytes read so far; nothing where they are not packed.
    fn packed_bytes(&self) -> Option<u64> {
        match self {
            Self::Plain(_) => None,
            Self::Gzip(member) => member.as_ref().map(|member| member.get_ref().get_ref().read_bytes),
            Self::Zstandard(decoder) => Some(decoder.get_ref().get_ref().read_bytes),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(bytes) => bytes.read(buffer),
            Self::Gzip(member) => read_members(member, buffer),
            Self::Zstandard(decoder) => decoder.read(buffer),
        }
    }
}

/// Reads through one gzip member after the other: several make one file.
fn read_members(slot: &mut Option<Box<GzDecoder<Packed>>>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let member = slot.as_mut().expect("a member is open between reads");
        let read = member.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        match member.get_mut().fill_buf()?.first() {
            None => return Ok(0),
            Some(0x1f) => {
                let packed = slot.take().expect("just seen").into_inner();
                *slot = Some(Box::new(GzDecoder::new(packed)));
            }
            Some(_) => return Err(io::Error::other("other bytes follow its end")),
        }
    }
}

/// What an error says about the file: of the bytes, where they could not be read; of the packing otherwise.
fn refusal(error: &io::Error, packing: Packing) -> FileRefusal {
    let is_told = error.get_ref().is_some_and(|inner| inner.is::<FileRefusal>());
    if is_told || packing == Packing::Plain {
        return FileRefusal::of(error);
    }
    let text = error.to_string();
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return FileRefusal::new(
            "truncated",
            format!("the {packing} ends in the middle: it is truncated; send it again, complete"),
        );
    }
    if text.contains("too much memory") {
        let detail = format!(
            "the {packing} asks for more than {} MiB to be unpacked; pack it without a long window and send it again",
            (1_u64 << ZSTD_WINDOW_LOG_MAX) >> 20
        );
        return FileRefusal::new("too_large", detail);
    }
    FileRefusal::new("damaged_compression", format!("the {packing} cannot be unpacked ({text}); pack it again and send it"))
}

impl Packing {
    fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // The second is a frame to be skipped, with which parallel packers begin.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Self::Zstandard,
            _ => Self::Plain,
        }
    }
}

impl std::fmt::Display for Packing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Plain => "plain bytes",
            Self::Gzip => "gzip",
            Self::Zstandard => "Zstandard",
        })
    }
}

fn format_of_bytes(first: &[u8]) -> Result<Format, FileRefusal> {
    let refuse = |detail: &str| Err(FileRefusal::new("unsupported_format", detail));
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    match first {
        [] => return Err(FileRefusal::new("empty_file", "the file is empty; expected rows")),
        [b'P', b'A', b'R', b'1', ..] => return Ok(Format::Parquet),
        [b'P', b'A', b'R', b'E', ..] => return refuse("it is encrypted Parquet; send it unencrypted"),
        [b'P', b'K', 3, 4, ..] => {
            return refuse("it is a spreadsheet or a zip file; expected CSV, NDJSON or Parquet, so save it as CSV UTF-8");
        }
        [b'B', b'Z', b'h', b'1'..=b'9', ..] | [0xfd, b'7', b'z', b'X', b'Z', ..] | [4, 0x22, 0x4d, 0x18, ..] => {
            return refuse("it is packed with bzip2, xz or lz4; expected gzip or Zstandard");
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            return Err(FileRefusal::new("invalid_encoding", "it is UTF-16; expected UTF-8, so save it as CSV UTF-8"));
        }
        packed if Packing::of(&packed[..packed.len().min(4)]) != Packing::Plain => {
            return refuse("it is packed twice; pack it once");
        }
        _ => {}
    }
    match text {
        [b'{', ..] => Ok(Format::Ndjson),
        [b'[', ..] => refuse(
            "it is a JSON array (CloudEvents call it batch mode); expected NDJSON, one object a line without commas between them",
        ),
        _ => Ok(Format::Csv),
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Bytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.bytes.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io::Error::other(FileRefusal::of(&error))),
                Ok(read) => {
                    self.read_bytes += read as u64;
                    return Ok(read);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
