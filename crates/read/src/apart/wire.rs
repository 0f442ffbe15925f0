//! What the decoder says, as bytes: frames of a kind, a length and as much content. Both ends are the same program.
//!
//! Columns of usage have no length: they go from columns to columns, a few thousand values at a time, without lying between.

use super::super::batch::{BATCH_BYTES_MAX, Batch, TextColumn};
use super::super::{FILE_REASONS, FileRefusal};
use super::packed;
use reckoner_core::table::schema::TableSchema;
use reckoner_core::table::{Refusal, UsageColumns, reason};
use serde::Deserialize;
use std::io::{self, BufRead, ErrorKind, Read as _, Write};

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
    /// Rows of usage, which are in the room for columns.
    Columns,
    /// The rows of each row group.
    Parts(Vec<u64>),
    /// That was all.
    End,
}

/// Where frames are read to, used again and again.
#[derive(Default)]
pub(super) struct Room {
    content: Vec<u8>,
    pub(super) columns: UsageColumns,
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
    out.write_all(&[COLUMNS])?;
    packed::write(out, columns)
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

/// The next frame, or the decoder's refusal; nothing where it has ended.
///
/// # Errors
/// Where the bytes are none that a decoder writes.
pub(super) fn read(
    from: &mut impl BufRead,
    room: &mut Room,
    schema: &'static TableSchema,
) -> io::Result<Option<Result<Frame, FileRefusal>>> {
    match read_frame(from, room, schema) {
        // Between frames or in the middle of one.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        read => read.map(Some),
    }
}

fn read_frame(
    from: &mut impl BufRead,
    Room { content, columns }: &mut Room,
    schema: &'static TableSchema,
) -> io::Result<Result<Frame, FileRefusal>> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    if kind == [COLUMNS] {
        packed::read(from, columns)?;
        return Ok(Ok(Frame::Columns));
    }
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(nonsense("a frame that is too long"));
    }
    content.clear();
    if from.take(length as u64).read_to_end(content)? < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Ok(match kind[0] {
        OPENED => Frame::Opened,
        END => Frame::End,
        BATCH => Frame::Batch(read_batch(content, schema)?),
        PARTS => Frame::Parts(Rest(content).numbers(length / 8)?),
        REFUSED => {
            let (reason, detail): (String, String) = words(content)?;
            let reason = known(FILE_REASONS, &reason).ok_or_else(|| nonsense("an unknown reason"))?;
            return Ok(Err(FileRefusal { reason, detail }));
        }
        _ => return Err(nonsense("a frame of no known kind")),
    }))
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
        let (line, column, value, code, detail, raw): RefusedParts = words(rest.bytes()?)?;
        let reason = known(reason::ALL, &code).ok_or_else(|| nonsense("an unknown reason"))?;
        batch.refuse(line, Refusal { column, value, reason, detail }, raw);
    }
    Ok(batch)
}

fn words<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> io::Result<T> {
    serde_json::from_slice(bytes).map_err(|_| nonsense("words that are none"))
}

fn known(list: &[(&'static str, &str)], code: &str) -> Option<&'static str> {
    list.iter().find(|(known, _)| *known == code).map(|(known, _)| *known)
}

pub(super) fn nonsense(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// A frame's content being written.
struct Content(Vec<u8>);

impl Content {
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

/// What of a frame is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn number(&mut self) -> io::Result<u64> {
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

    fn bytes(&mut self) -> io::Result<&'a [u8]> {
        let length = self.number()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(|| nonsense("a frame that is too short"))?;
        self.0 = rest;
        Ok(bytes)
    }
}
