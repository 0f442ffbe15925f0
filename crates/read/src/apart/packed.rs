//! Columns of usage as bytes: numbers as little as they need, a distance from their least; what is constant costs nothing.

use super::super::columns::{ID_BYTES_MAX, ROWS_MAX, are_id_characters};
use super::wire::{Content, Rest, nonsense};
use reckoner_core::number::QUANTITY_SCALE;
use reckoner_core::table::{Coded, Texts, UsageColumns};
use std::io;

const E12: i128 = 10_i128.pow(QUANTITY_SCALE);

/// Whether the codes of a column are the places of its rows.
const OWN_TEXTS: u8 = 0;
const CODES: u8 = 1;

/// In what the quantities are counted.
const WHOLE: u8 = 0;
const E12THS: u8 = 1;
const WIDE: u8 = 2;

/// What the texts of a column are.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Ids, or empty in a row that is not read.
    Ids,
    Any,
}

pub(super) fn write(out: &mut Content, columns: &UsageColumns) {
    out.number(columns.len() as u64);
    // Lines mostly follow each other.
    numbers(out, (0..).zip(&columns.lines).map(|(row, line)| line - row), columns.len());
    out.number(columns.unread.len() as u64);
    numbers(out, columns.unread.iter().map(|row| u64::from(*row)), columns.unread.len());
    texts(out, &columns.record_id);
    for column in [&columns.account_id, &columns.resource_id, &columns.sku] {
        coded(out, column);
    }
    for instants in [&columns.started_at, &columns.ended_at] {
        numbers(out, instants.iter().map(|instant| instant.cast_unsigned()), columns.len());
    }
    quantities(out, &columns.quantity_e12);
    for column in [&columns.region, &columns.resource_name, &columns.tags] {
        out.byte(u8::from(column.is_some()));
        if let Some(column) = column {
            coded(out, column);
        }
    }
    out.byte(u8::from(columns.revision.is_some()));
    if let Some(revision) = &columns.revision {
        numbers(out, revision.iter().map(|revision| u64::from(*revision)), columns.len());
    }
}

/// # Errors
/// Where the bytes are none that [`write`] writes; what is inside is right as far as its reader may rely on it.
pub(super) fn read(rest: &mut Rest<'_>) -> io::Result<UsageColumns> {
    let rows = rest.number()? as usize;
    if rows > ROWS_MAX {
        return Err(nonsense("more rows than a frame has"));
    }
    let before = read_numbers(rest, rows, |number| number)?;
    let unread = rest.number()? as usize;
    if unread > rows {
        return Err(nonsense("more unread rows than rows"));
    }
    let columns = UsageColumns {
        lines: (0..).zip(before).map(|(row, before): (u64, u64)| before.wrapping_add(row)).collect(),
        unread: read_numbers(rest, unread, |number| number as u32)?,
        record_id: read_texts(rest, Some(rows), Kind::Ids)?,
        account_id: read_coded(rest, rows, Kind::Ids)?,
        resource_id: read_coded(rest, rows, Kind::Ids)?,
        sku: read_coded(rest, rows, Kind::Ids)?,
        started_at: read_numbers(rest, rows, u64::cast_signed)?,
        ended_at: read_numbers(rest, rows, u64::cast_signed)?,
        quantity_e12: read_quantities(rest, rows)?,
        region: read_optional(rest, |rest| read_coded(rest, rows, Kind::Any))?,
        resource_name: read_optional(rest, |rest| read_coded(rest, rows, Kind::Any))?,
        tags: read_optional(rest, |rest| read_coded(rest, rows, Kind::Any))?,
        revision: read_optional(rest, |rest| read_numbers(rest, rows, |number| number as u32))?,
    };
    let are_places =
        columns.unread.is_sorted_by(|row, next| row < next) && columns.unread.last().is_none_or(|row| (*row as usize) < rows);
    if !are_places || !columns.lines.is_sorted_by(|line, next| line < next) {
        return Err(nonsense("rows that are out of order"));
    }
    Ok(columns)
}

fn read_optional<T>(rest: &mut Rest<'_>, read: impl FnOnce(&mut Rest<'_>) -> io::Result<T>) -> io::Result<Option<T>> {
    match rest.byte()? {
        0 => Ok(None),
        _ => read(rest).map(Some),
    }
}

/// The least, how many bytes a distance from it has, and the distances; there are so many values.
fn numbers(out: &mut Content, values: impl Iterator<Item = u64> + Clone, count: usize) {
    let range = values.clone().fold((u64::MAX, 0), |(min, max), value| (min.min(value), max.max(value)));
    let (min, max) = if count == 0 { (0, 0) } else { range };
    out.number(min);
    let distances = values.map(|value| value - min);
    match max - min {
        0 => out.byte(0),
        1..=0xff => {
            out.byte(1);
            out.0.extend(distances.map(|distance| distance as u8));
        }
        0x100..=0xffff => {
            out.byte(2);
            arrays(out, distances.map(|distance| (distance as u16).to_le_bytes()), count);
        }
        0x1_0000..=0xffff_ffff => {
            out.byte(4);
            arrays(out, distances.map(|distance| (distance as u32).to_le_bytes()), count);
        }
        _ => {
            out.byte(8);
            arrays(out, distances.map(u64::to_le_bytes), count);
        }
    }
}

fn arrays<const BYTES: usize>(out: &mut Content, arrays: impl Iterator<Item = [u8; BYTES]>, count: usize) {
    let start = out.0.len();
    out.0.resize(start + count * BYTES, 0);
    for (place, array) in out.0[start..].as_chunks_mut().0.iter_mut().zip(arrays) {
        *place = array;
    }
}

fn read_numbers<T: Clone>(rest: &mut Rest<'_>, count: usize, value: impl Fn(u64) -> T) -> io::Result<Vec<T>> {
    let min = rest.number()?;
    let at = |distance: u64| value(min.wrapping_add(distance));
    Ok(match rest.byte()? {
        0 => vec![at(0); count],
        1 => rest.some(count)?.iter().map(|distance| at(u64::from(*distance))).collect(),
        2 => chunks(rest, count)?.iter().map(|distance| at(u64::from(u16::from_le_bytes(*distance)))).collect(),
        4 => chunks(rest, count)?.iter().map(|distance| at(u64::from(u32::from_le_bytes(*distance)))).collect(),
        8 => chunks(rest, count)?.iter().map(|distance| at(u64::from_le_bytes(*distance))).collect(),
        _ => return Err(nonsense("numbers of no known size")),
    })
}

fn chunks<'a, const BYTES: usize>(rest: &mut Rest<'a>, count: usize) -> io::Result<&'a [[u8; BYTES]]> {
    Ok(rest.some(count.saturating_mul(BYTES))?.as_chunks().0)
}

fn quantities(out: &mut Content, quantities_e12: &[i128]) {
    if let Some(whole) = quantities_e12.iter().map(|value| whole(*value)).collect::<Option<Vec<u64>>>() {
        out.byte(WHOLE);
        numbers(out, whole.iter().copied(), whole.len());
    } else if let Some(e12) = quantities_e12.iter().map(|value| u64::try_from(*value).ok()).collect::<Option<Vec<u64>>>() {
        out.byte(E12THS);
        numbers(out, e12.iter().copied(), e12.len());
    } else {
        out.byte(WIDE);
        arrays(out, quantities_e12.iter().map(|value| value.to_le_bytes()), quantities_e12.len());
    }
}

/// The quantity, if it is a whole number.
fn whole(quantity_e12: i128) -> Option<u64> {
    // Most are small, and dividing 64 bits is quicker than 128.
    match u64::try_from(quantity_e12) {
        Ok(small) => small.is_multiple_of(E12 as u64).then(|| small / E12 as u64),
        Err(_) if quantity_e12 % E12 == 0 => u64::try_from(quantity_e12 / E12).ok(),
        Err(_) => None,
    }
}

fn read_quantities(rest: &mut Rest<'_>, rows: usize) -> io::Result<Vec<i128>> {
    match rest.byte()? {
        WHOLE => read_numbers(rest, rows, |number| i128::from(number) * E12),
        E12THS => read_numbers(rest, rows, i128::from),
        WIDE => Ok(chunks(rest, rows)?.iter().map(|value| i128::from_le_bytes(*value)).collect()),
        _ => Err(nonsense("quantities of no known kind")),
    }
}

fn texts(out: &mut Content, texts: &Texts) {
    out.number(texts.len() as u64);
    let starts = std::iter::once(&0).chain(&texts.ends);
    numbers(out, starts.zip(&texts.ends).map(|(start, end)| u64::from(end - start)), texts.len());
    out.bytes(texts.text.as_bytes());
}

fn read_texts(rest: &mut Rest<'_>, expected: Option<usize>, kind: Kind) -> io::Result<Texts> {
    let count = rest.number()? as usize;
    if count > 2 * ROWS_MAX || expected.is_some_and(|expected| count != expected) {
        return Err(nonsense("another number of texts"));
    }
    // Lengths first, then ends; a length that is none of a text makes an end that does not fit.
    let mut ends = read_numbers(rest, count, |length| u32::try_from(length).unwrap_or(u32::MAX))?;
    let bytes = rest.bytes()?;
    let (mut end, mut longest) = (0_u64, 0);
    for length in &mut ends {
        longest = longest.max(*length);
        end += u64::from(*length);
        *length = end as u32;
    }
    if end != bytes.len() as u64 || u32::try_from(end).is_err() {
        return Err(nonsense("texts that do not fit"));
    }
    if kind == Kind::Ids && (longest > ID_BYTES_MAX as u32 || !are_id_characters(bytes)) {
        return Err(nonsense("ids that are none"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| nonsense("text that is not UTF-8"))?;
    if kind == Kind::Any && !ends.iter().all(|end| text.is_char_boundary(*end as usize)) {
        return Err(nonsense("texts that do not fit"));
    }
    Ok(Texts { text: text.to_owned(), ends })
}

fn coded(out: &mut Content, column: &Coded) {
    texts(out, &column.values);
    let are_own = column.codes.len() == column.values.len() && (0..).zip(&column.codes).all(|(row, code): (u32, _)| *code == row);
    out.byte(if are_own { OWN_TEXTS } else { CODES });
    if !are_own {
        numbers(out, column.codes.iter().map(|code| u64::from(*code)), column.codes.len());
    }
}

fn read_coded(rest: &mut Rest<'_>, rows: usize, kind: Kind) -> io::Result<Coded> {
    let values = read_texts(rest, None, kind)?;
    let codes: Vec<u32> = match rest.byte()? {
        OWN_TEXTS => (0..rows as u32).collect(),
        CODES => read_numbers(rest, rows, |number| u32::try_from(number).unwrap_or(u32::MAX))?,
        _ => return Err(nonsense("codes of no known kind")),
    };
    if codes.iter().max().is_some_and(|code| *code as usize >= values.len()) {
        return Err(nonsense("codes of no text"));
    }
    Ok(Coded { codes, values })
}
