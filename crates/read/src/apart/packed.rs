//! Columns of usage as bytes: numbers as little as they need, a distance from their least; what is constant costs nothing.
//!
//! The reading end believes nothing: a file may have taken over the process that writes.

use super::super::batch::BATCH_BYTES_MAX;
use super::super::columns::{ID_BYTES_MAX, ROWS_MAX, are_id_characters};
use super::wire::nonsense;
use reckoner_core::number::QUANTITY_SCALE;
use reckoner_core::table::{Coded, Texts, UsageColumns};
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::iter::repeat_n;

const E12: i128 = 10_i128.pow(QUANTITY_SCALE);

/// Whether the codes of a column are the places of its rows.
const OWN_TEXTS: u8 = 0;
const CODES: u8 = 1;

/// In what the quantities are counted.
const WHOLE: u8 = 0;
const E12THS: u8 = 1;
const WIDE: u8 = 2;

/// Numbers that are turned into bytes, and back, at a time: few enough to stay near the processor.
const NEAR: usize = 1024;

/// No column has more text; one of a batch goes beyond the limit by what came last.
const TEXT_BYTES_MAX: u64 = 4 * BATCH_BYTES_MAX as u64;

/// What the texts of a column are.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Ids, or empty in a row that is not read.
    Ids,
    Any,
}

/// Writes columns of rows on lines that follow each other.
pub(super) fn write(out: &mut impl Write, columns: &UsageColumns) -> io::Result<()> {
    number(out, columns.len() as u64)?;
    number(out, columns.lines.first().copied().unwrap_or_default())?;
    number(out, columns.unread.len() as u64)?;
    numbers(out, &columns.unread, u64::from)?;
    texts(out, &columns.record_id)?;
    for column in [&columns.account_id, &columns.resource_id, &columns.sku] {
        coded(out, column)?;
    }
    for instants in [&columns.started_at, &columns.ended_at] {
        numbers(out, instants, i64::cast_unsigned)?;
    }
    quantities(out, &columns.quantity_e12)?;
    for column in [&columns.region, &columns.resource_name, &columns.tags] {
        out.write_all(&[u8::from(column.is_some())])?;
        column.as_ref().map_or(Ok(()), |column| coded(out, column))?;
    }
    out.write_all(&[u8::from(columns.revision.is_some())])?;
    columns.revision.as_ref().map_or(Ok(()), |revision| numbers(out, revision, u64::from))
}

/// Reads columns in the place of those that are there.
///
/// # Errors
/// Where the bytes are none that [`write`] writes, and `UnexpectedEof` where they end; what is inside is right as far as its
/// reader may rely on it.
pub(super) fn read(from: &mut impl BufRead, columns: &mut UsageColumns) -> io::Result<()> {
    columns.clear();
    let rows = read_number(from)? as usize;
    if rows > ROWS_MAX {
        return Err(nonsense("more rows than a frame has"));
    }
    let first_line = read_number(from)?;
    let end = first_line.checked_add(rows as u64).ok_or_else(|| nonsense("lines beyond counting"))?;
    columns.lines.extend(first_line..end);
    let unread = read_number(from)? as usize;
    if unread > rows {
        return Err(nonsense("more unread rows than rows"));
    }
    read_numbers(from, &mut columns.unread, unread, |number| u32::try_from(number).unwrap_or(u32::MAX))?;
    let are_places =
        columns.unread.is_sorted_by(|row, next| row < next) && columns.unread.last().is_none_or(|row| (*row as usize) < rows);
    if !are_places {
        return Err(nonsense("rows that are out of order"));
    }
    read_texts(from, &mut columns.record_id, rows, Kind::Ids)?;
    for column in [&mut columns.account_id, &mut columns.resource_id, &mut columns.sku] {
        read_coded(from, column, rows, Kind::Ids)?;
    }
    for instants in [&mut columns.started_at, &mut columns.ended_at] {
        read_numbers(from, instants, rows, u64::cast_signed)?;
    }
    read_quantities(from, &mut columns.quantity_e12, rows)?;
    for column in [&mut columns.region, &mut columns.resource_name, &mut columns.tags] {
        read_optional(from, column, |from, column| read_coded(from, column, rows, Kind::Any))?;
    }
    read_optional(from, &mut columns.revision, |from, revision| read_numbers(from, revision, rows, |number| number as u32))
}

fn read_optional<R: Read, T: Default>(
    from: &mut R,
    column: &mut Option<T>,
    read: impl FnOnce(&mut R, &mut T) -> io::Result<()>,
) -> io::Result<()> {
    if read_byte(from)? == 0 {
        *column = None;
        return Ok(());
    }
    read(from, column.get_or_insert_default())
}

fn number(out: &mut impl Write, number: u64) -> io::Result<()> {
    out.write_all(&number.to_le_bytes())
}

fn read_number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn read_byte(from: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// The least, how many bytes a distance from it has, and the distances.
fn numbers<T: Copy>(out: &mut impl Write, values: &[T], number: impl Fn(T) -> u64) -> io::Result<()> {
    let range =
        values.iter().map(|value| number(*value)).fold((u64::MAX, 0), |(min, max), value| (min.min(value), max.max(value)));
    let (min, max) = if values.is_empty() { (0, 0) } else { range };
    numbers_within(out, values, number, min, max)
}

/// See above; for numbers that are known not to lie outside.
fn numbers_within<T: Copy>(out: &mut impl Write, values: &[T], of: impl Fn(T) -> u64, min: u64, max: u64) -> io::Result<()> {
    number(out, min)?;
    match max - min {
        0 => out.write_all(&[0]),
        1..=0xff => arrays(out, 1, values, |value| [(of(value) - min) as u8]),
        0x100..=0xffff => arrays(out, 2, values, |value| ((of(value) - min) as u16).to_le_bytes()),
        0x1_0000..=0xffff_ffff => arrays(out, 4, values, |value| ((of(value) - min) as u32).to_le_bytes()),
        _ => arrays(out, 8, values, |value| (of(value) - min).to_le_bytes()),
    }
}

fn arrays<T: Copy, const BYTES: usize>(
    out: &mut impl Write,
    kind: u8,
    values: &[T],
    array: impl Fn(T) -> [u8; BYTES],
) -> io::Result<()> {
    out.write_all(&[kind])?;
    let mut room = [[0; BYTES]; NEAR];
    for values in values.chunks(NEAR) {
        for (place, value) in room.iter_mut().zip(values) {
            *place = array(*value);
        }
        out.write_all(room[..values.len()].as_flattened())?;
    }
    Ok(())
}

/// Appends so many.
fn read_numbers<T: Clone>(
    from: &mut impl Read,
    values: &mut Vec<T>,
    count: usize,
    value: impl Fn(u64) -> T + Copy,
) -> io::Result<()> {
    let min = read_number(from)?;
    let at = move |distance: u64| value(min.wrapping_add(distance));
    match read_byte(from)? {
        0 => values.extend(repeat_n(at(0), count)),
        1 => read_arrays(from, values, count, move |[distance]: [u8; 1]| at(u64::from(distance)))?,
        2 => read_arrays(from, values, count, move |distance| at(u64::from(u16::from_le_bytes(distance))))?,
        4 => read_arrays(from, values, count, move |distance| at(u64::from(u32::from_le_bytes(distance))))?,
        8 => read_arrays(from, values, count, move |distance| at(u64::from_le_bytes(distance)))?,
        _ => return Err(nonsense("numbers of no known size")),
    }
    Ok(())
}

fn read_arrays<T, const BYTES: usize>(
    from: &mut impl Read,
    values: &mut Vec<T>,
    count: usize,
    value: impl Fn([u8; BYTES]) -> T,
) -> io::Result<()> {
    let mut room = [[0; BYTES]; NEAR];
    for start in (0..count).step_by(NEAR) {
        let room = &mut room[..NEAR.min(count - start)];
        from.read_exact(room.as_flattened_mut())?;
        values.extend(room.iter().map(|array| value(*array)));
    }
    Ok(())
}

fn quantities(out: &mut impl Write, quantities_e12: &[i128]) -> io::Result<()> {
    if let Some(whole) = all(quantities_e12, small_whole).or_else(|| all(quantities_e12, whole)) {
        out.write_all(&[WHOLE])?;
        numbers(out, &whole, u64::from)
    } else if let Some(e12) = all(quantities_e12, |value| (value as u64, u64::try_from(value).is_ok())) {
        out.write_all(&[E12THS])?;
        numbers(out, &e12, u64::from)
    } else {
        arrays(out, WIDE, quantities_e12, i128::to_le_bytes)
    }
}

/// What each is, if each is something.
fn all(values: &[i128], number: impl Fn(i128) -> (u64, bool)) -> Option<Vec<u64>> {
    let mut are_all = true;
    let numbers = values.iter().map(|value| {
        let (number, is_one) = number(*value);
        are_all &= is_one;
        number
    });
    let numbers = numbers.collect();
    are_all.then_some(numbers)
}

/// The quantity, and whether it is a whole number of which there are at most 18 millions, as most are: dividing 64 bits is
/// quicker than 128.
fn small_whole(quantity_e12: i128) -> (u64, bool) {
    let small = quantity_e12 as u64;
    (small / E12 as u64, (i128::from(small) == quantity_e12) & small.is_multiple_of(E12 as u64))
}

/// The quantity, and whether it is a whole number.
fn whole(quantity_e12: i128) -> (u64, bool) {
    let whole = quantity_e12 / E12;
    (whole as u64, quantity_e12 % E12 == 0 && u64::try_from(whole).is_ok())
}

fn read_quantities(from: &mut impl Read, quantities_e12: &mut Vec<i128>, rows: usize) -> io::Result<()> {
    match read_byte(from)? {
        WHOLE => read_numbers(from, quantities_e12, rows, |number| i128::from(number) * E12),
        E12THS => read_numbers(from, quantities_e12, rows, i128::from),
        WIDE => read_arrays(from, quantities_e12, rows, i128::from_le_bytes),
        _ => Err(nonsense("quantities of no known kind")),
    }
}

/// The lengths, and all the text, of which there is as much as they say.
fn texts(out: &mut impl Write, texts: &Texts) -> io::Result<()> {
    let first = texts.ends.first().copied().unwrap_or_default();
    let multiples = (1..).map(|count: u32| count.wrapping_mul(first));
    if texts.ends.iter().zip(multiples).fold(true, |are_equal, (end, multiple)| are_equal & (*end == multiple)) {
        numbers_within(out, &texts.ends, |_| u64::from(first), u64::from(first), u64::from(first))?;
    } else {
        let rest = texts.ends.windows(2).map(|ends| ends[1] - ends[0]);
        numbers(out, &std::iter::once(first).chain(rest).collect::<Vec<u32>>(), u64::from)?;
    }
    out.write_all(texts.text.as_bytes())
}

fn read_texts(from: &mut impl BufRead, texts: &mut Texts, count: usize, kind: Kind) -> io::Result<()> {
    let Texts { text, ends } = texts;
    // Lengths first, then ends; a length that is none of a text makes an end that is too far.
    read_numbers(from, ends, count, |length| u32::try_from(length).unwrap_or(u32::MAX))?;
    let (mut end, mut longest) = (0_u64, 0);
    for length in ends.iter_mut() {
        longest = longest.max(*length);
        end += u64::from(*length);
        *length = end as u32;
    }
    if end > TEXT_BYTES_MAX {
        return Err(nonsense("more text than a frame has"));
    }
    match kind {
        Kind::Ids if longest > ID_BYTES_MAX as u32 => Err(nonsense("ids that are none")),
        Kind::Ids => read_ids(from, text, end as usize),
        Kind::Any => {
            let mut bytes = std::mem::take(text).into_bytes();
            if (from.take(end).read_to_end(&mut bytes)? as u64) < end {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            *text = String::from_utf8(bytes).map_err(|_| nonsense("text that is not UTF-8"))?;
            let are_texts = ends.iter().all(|end| text.is_char_boundary(*end as usize));
            are_texts.then_some(()).ok_or_else(|| nonsense("texts that do not fit"))
        }
    }
}

/// Appends so many bytes, each of them one that ids have; looked at while they are near.
fn read_ids(from: &mut impl BufRead, text: &mut String, bytes: usize) -> io::Result<()> {
    text.reserve(bytes);
    let mut rest = bytes;
    while rest > 0 {
        let near = match from.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            near => near?,
        };
        let near = &near[..near.len().min(rest)];
        if near.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let ids = are_id_characters(near).then(|| std::str::from_utf8(near).ok()).flatten();
        text.push_str(ids.ok_or_else(|| nonsense("ids that are none"))?);
        let length = near.len();
        from.consume(length);
        rest -= length;
    }
    Ok(())
}

fn coded(out: &mut impl Write, column: &Coded) -> io::Result<()> {
    number(out, column.values.len() as u64)?;
    texts(out, &column.values)?;
    let are_own = column.codes.len() == column.values.len()
        && (0..).zip(&column.codes).fold(true, |are_own, (row, code): (u32, _)| are_own & (*code == row));
    if are_own {
        return out.write_all(&[OWN_TEXTS]);
    }
    out.write_all(&[CODES])?;
    numbers_within(out, &column.codes, u64::from, 0, column.values.len().saturating_sub(1) as u64)
}

fn read_coded(from: &mut impl BufRead, column: &mut Coded, rows: usize, kind: Kind) -> io::Result<()> {
    // A column of texts may have the empty text besides, for rows that are not read.
    let count = read_number(from)? as usize;
    if count > 2 * ROWS_MAX {
        return Err(nonsense("more texts than a frame has"));
    }
    let Coded { codes, values } = column;
    read_texts(from, values, count, kind)?;
    match read_byte(from)? {
        OWN_TEXTS => codes.extend(0..rows as u32),
        CODES => read_numbers(from, codes, rows, |number| u32::try_from(number).unwrap_or(u32::MAX))?,
        _ => return Err(nonsense("codes of no known kind")),
    }
    if rows > 0 && codes.iter().fold(0, |max, code| *code.max(&max)) as usize >= count {
        return Err(nonsense("codes of no text"));
    }
    Ok(())
}
