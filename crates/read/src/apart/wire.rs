//! What the decoder says, as bytes: frames of a kind, a length and as much content. Both ends are the same program.

use super::super::batch::{BATCH_BYTES_MAX, Batch, TextColumn};
use super::super::{FILE_REASONS, FileRefusal};
use super::packed;
use reckoner_core::table::schema::TableSchema;
use reckoner_core::table::{Refusal, UsageColumns, reason};
use std::io::{self, ErrorKind, Read, Write};

const OPENED: u8 = b'o';
const BATCH: u8 = b'b';
const COLUMNS: u8 = b'c';
const PARTS: u8 = b'p';
const REFUSED: u8 = b'r';
const END: u8 = b'e';

/// No batch is longer: its text, the ends of its cells and what is kept of refused rows.
const FRAME_BYTES_MAX: usize = 8 * BATCH_BYTES_MAX;

/// What the decoder says but for a refusal.
pub(super) enum Frame {
    /// The footer is in order: rows follow.
    Opened,
    /// Rows.
    Batch(Batch),
    /// Rows of usage as columns.
    Columns(Box<UsageColumns>),
    /// The rows of each row group.
    Parts(Vec<u64>),
    /// That was all.
    End,
}

pub(super) fn write_opened(out: &mut impl Write) -> io::Result<()> {
    write(out, OPENED, &[])
}

pub(super) fn write_end(out: &mut impl Write) -> io::Result<()> {
    write(out, END, &[])
}

pub(super) fn write_refusal(out: &mut impl Write, refusal: &FileRefusal) -> io::Result<()> {
    write(out, REFUSED, &serde_json::to_vec(&(refusal.reason, &refusal.detail))?)
}

pub(super) fn write_batch(out: &mut impl Write, batch: &Batch) -> io::Result<()> {
    let mut content = Content(Vec::with_capacity(batch.bytes() + 8 * batch.len()));
    content.number(batch.len() as u64);
    for line in batch.lines() {
        content.number(*line);
    }
    for column in batch.columns() {
        // A column that the file does not have has no cells.
        content.number(column.ends().len() as u64);
        for end in column.ends() {
            content.number(*end as u64);
        }
        content.bytes(column.text().as_bytes());
    }
    for row in batch.refused() {
        let Refusal { column, value, reason, detail } = &row.refusal;
        content.bytes(&serde_json::to_vec(&(row.line, column, value, reason, detail, &row.raw))?);
    }
    write(out, BATCH, &content.0)
}

pub(super) fn write_columns(out: &mut impl Write, columns: &UsageColumns) -> io::Result<()> {
    let mut content = Content(Vec::with_capacity(64 * columns.len()));
    packed::write(&mut content, columns);
    write(out, COLUMNS, &content.0)
}

pub(super) fn write_parts(out: &mut impl Write, group_rows: &[u64]) -> io::Result<()> {
    let mut content = Content(Vec::new());
    group_rows.iter().for_each(|rows| content.number(*rows));
    write(out, PARTS, &content.0)
}

fn write(out: &mut impl Write, kind: u8, content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(|_| nonsense("a frame of more than 4 GiB"))?;
    out.write_all(&[kind])?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(content)
}

/// The next frame, or the decoder's refusal; nothing where it has ended. `content` is room that is used again.
///
/// # Errors
/// Where the bytes are none that a decoder writes.
pub(super) fn read(
    from: &mut impl Read,
    content: &mut Vec<u8>,
    schema: &'static TableSchema,
) -> io::Result<Option<Result<Frame, FileRefusal>>> {
    let mut head = [0; 5];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(nonsense("a frame that is too long"));
    }
    content.clear();
    content.reserve(length);
    if from.take(length as u64).read_to_end(content)? < length {
        return Ok(None); // it ended in the middle
    }
    let frame = match head[0] {
        OPENED => Frame::Opened,
        END => Frame::End,
        BATCH => Frame::Batch(read_batch(content, schema)?),
        COLUMNS => {
            let mut rest = Rest(content);
            let columns = packed::read(&mut rest)?;
            if !rest.0.is_empty() {
                return Err(nonsense("a frame that is too long"));
            }
            Frame::Columns(Box::new(columns))
        }
        PARTS => Frame::Parts(Rest(content).numbers(length / 8)?),
        REFUSED => {
            let (reason, detail): (String, String) = serde_json::from_slice(content)?;
            let reason = known(FILE_REASONS, &reason).ok_or_else(|| nonsense("an unknown reason"))?;
            return Ok(Some(Err(FileRefusal { reason, detail })));
        }
        _ => return Err(nonsense("a frame of no known kind")),
    };
    Ok(Some(Ok(frame)))
}

type RefusedParts = (u64, Option<String>, Option<String>, String, String, Vec<(String, String)>);

fn read_batch(content: &[u8], schema: &'static TableSchema) -> io::Result<Batch> {
    let mut rest = Rest(content);
    let rows = rest.number()? as usize;
    let lines = rest.numbers(rows)?;
    let mut columns = Vec::with_capacity(schema.columns.len());
    for place in 0..schema.columns.len() {
        let cells = rest.number()? as usize;
        let ends = rest.numbers(cells)?.into_iter().map(|end| end as usize).collect();
        let text = String::from_utf8(rest.bytes()?.to_vec()).map_err(|_| nonsense("text that is not UTF-8"))?;
        if cells > 0 {
            let column = TextColumn::from_parts(text, ends).filter(|_| cells == rows);
            columns.push((place, column.ok_or_else(|| nonsense("cells that do not fit"))?));
        }
    }
    let mut batch = Batch::new(schema);
    batch.push_columns(lines, columns);
    while !rest.0.is_empty() {
        let (line, column, value, code, detail, raw): RefusedParts = serde_json::from_slice(rest.bytes()?)?;
        let reason = known(reason::ALL, &code).ok_or_else(|| nonsense("an unknown reason"))?;
        batch.refuse(line, Refusal { column, value, reason, detail }, raw);
    }
    Ok(batch)
}

fn known(list: &[(&'static str, &str)], code: &str) -> Option<&'static str> {
    list.iter().find(|(known, _)| *known == code).map(|(known, _)| *known)
}

pub(super) fn nonsense(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// A frame's content being written.
pub(super) struct Content(pub(super) Vec<u8>);

impl Content {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

/// What of a frame is not read yet.
pub(super) struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    pub(super) fn byte(&mut self) -> io::Result<u8> {
        Ok(self.some(1)?[0])
    }

    pub(super) fn number(&mut self) -> io::Result<u64> {
        let (number, rest) = self.0.split_first_chunk().ok_or_else(|| nonsense("a frame that is too short"))?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    fn numbers(&mut self, count: usize) -> io::Result<Vec<u64>> {
        if count > self.0.len() / 8 {
            return Err(nonsense("a frame that is too short"));
        }
        (0..count).map(|_| self.number()).collect()
    }

    pub(super) fn bytes(&mut self) -> io::Result<&'a [u8]> {
        let length = self.number()? as usize;
        self.some(length)
    }

    /// The next so many bytes.
    pub(super) fn some(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(|| nonsense("a frame that is too short"))?;
        self.0 = rest;
        Ok(bytes)
    }
}
