//! Columns of texts: unique ones end to end, others as codes, each distinct text of a dictionary checked once.

use super::super::render;
use arrow::array::{Array, ArrayRef, AsArray as _, ByteView, DictionaryArray, StringArray, StringViewArray};
use arrow::datatypes::{DataType, Int32Type};
use reckoner_core::table::{Coded, Texts};
use std::borrow::Cow;
use std::sync::Arc;

/// Ids are no longer.
pub(in super::super) const ID_BYTES_MAX: usize = 128;

/// A usual text has no more bytes.
pub(super) const SHORT_BYTES: usize = 32;
/// A text of so many bytes lies in its view.
const INLINE_BYTES_MAX: usize = 12;

/// What a cell is kept as; nothing where its row is not read here.
pub(super) type Check = fn(&str) -> Option<Cow<'_, str>>;

/// Whether ids may consist of these bytes; one look at many texts at once.
pub(in super::super) fn are_id_characters(bytes: &[u8]) -> bool {
    // `-./0-9:`, `@A-Z`, `_`, `a-z`; without a branch, so that it is done many bytes at a time.
    let is_other = |byte: &u8| {
        (byte.wrapping_sub(b'-') > b':' - b'-')
            & (byte.wrapping_sub(b'@') > b'Z' - b'@')
            & (*byte != b'_')
            & (byte.wrapping_sub(b'a') > b'z' - b'a')
    };
    !bytes.iter().fold(false, |found, byte| found | is_other(byte))
}

/// Appends the first so many bytes, if there are as many: of a short text the same number of bytes always, which is quicker,
/// and what is too much is taken off again.
#[inline]
pub(super) fn copy(to: &mut Vec<u8>, from: &[u8], length: usize) -> Option<()> {
    match from.first_chunk::<SHORT_BYTES>() {
        Some(chunk) if length <= SHORT_BYTES => {
            let end = to.len() + length;
            to.extend_from_slice(chunk);
            to.truncate(end);
        }
        _ => to.extend_from_slice(from.get(..length)?),
    }
    Some(())
}

/// Appends texts that hardly repeat, marks rows that are not read; hands back how many bytes of text they have.
pub(super) fn push_unique(texts: &mut Texts, check: Check, array: &dyn Array, unread: &mut [bool]) -> u64 {
    if let Some(bytes) = push_ids(texts, array) {
        return bytes;
    }
    let mut bytes = 0;
    each_text(array, |row, text| {
        bytes += text.len() as u64;
        let kept = check(text);
        unread[row] |= kept.is_none();
        texts.push(&kept.unwrap_or_default());
    });
    bytes
}

/// What is known of a column of texts that repeat.
pub(super) struct CodedColumn {
    check: Check,
    /// The dictionary at hand.
    texts: Option<ArrayRef>,
    /// For every text of the dictionary its code, and for the empty text behind them that of a missing one.
    known: Vec<CodeOf>,
    /// The code of the empty text, for rows that are not read.
    empty: Option<u32>,
}

/// What a distinct text became.
#[derive(Clone, Copy)]
struct CodeOf {
    code: u32,
    bytes: u32,
}

impl CodeOf {
    /// The least that is no code.
    const NONE: u32 = u32::MAX - 1;
    /// Not met so far.
    const UNMET: Self = Self { code: u32::MAX, bytes: 0 };
}

impl CodedColumn {
    pub(super) fn new(check: Check) -> Self {
        Self { check, texts: None, known: Vec::new(), empty: None }
    }

    /// The texts of the dictionary at hand get other codes in the columns that follow.
    pub(super) fn forget(&mut self) {
        (self.texts, self.empty) = (None, None);
    }

    /// As [`push_unique`].
    pub(super) fn push(&mut self, out: &mut Coded, array: &dyn Array, unread: &mut [bool]) -> u64 {
        let first_code = out.values.len();
        if let Some(bytes) = push_ids(&mut out.values, array) {
            out.codes.extend(first_code as u32..out.values.len() as u32);
            return bytes;
        }
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
            return self.push_dictionary(out, dictionary, unread);
        }
        let Coded { codes, values } = out;
        let mut bytes = 0;
        each_text(array, |row, text| {
            bytes += text.len() as u64;
            let kept = (self.check)(text);
            unread[row] |= kept.is_none();
            let (text, last) = (kept.unwrap_or_default(), values.len().checked_sub(1));
            let code = match last {
                Some(last) if values.get(last) == text => last as u32,
                _ => new_code(values, &text),
            };
            codes.push(code);
        });
        bytes
    }

    fn push_dictionary(&mut self, out: &mut Coded, array: &DictionaryArray<Int32Type>, unread: &mut [bool]) -> u64 {
        if !self.texts.as_ref().is_some_and(|texts| Arc::ptr_eq(texts, array.values())) {
            self.texts = Some(Arc::clone(array.values()));
            self.known.clear();
            self.known.resize(array.values().len() + 1, CodeOf::UNMET);
        }
        let texts = array.values().as_string::<i32>();
        let (keys, nulls) = (array.keys().values(), array.keys().nulls().filter(|nulls| nulls.null_count() > 0));
        let Coded { codes, values } = out;
        let mut bytes = 0;
        let mut code_of = |place: usize, unread: &mut bool| {
            let mut met = self.known[place];
            if met.code >= CodeOf::NONE {
                met = self.unlike(place, texts, values, unread);
            }
            bytes += u64::from(met.bytes);
            met.code
        };
        // A missing text, and a key of no text, is taken for the empty one.
        let place_of = |key: &i32| (*key as usize).min(texts.len());
        match nulls {
            None => codes.extend(keys.iter().zip(unread).map(|(key, unread)| code_of(place_of(key), unread))),
            Some(nulls) => {
                let places = keys.iter().zip(nulls).map(|(key, is_there)| if is_there { place_of(key) } else { texts.len() });
                codes.extend(places.zip(unread).map(|(place, unread)| code_of(place, unread)));
            }
        }
        bytes
    }

    /// What a text becomes that is met for the first time, or is not read.
    #[cold]
    fn unlike(&mut self, place: usize, texts: &StringArray, values: &mut Texts, unread: &mut bool) -> CodeOf {
        let known = &mut self.known[place];
        if known.code == CodeOf::UNMET.code {
            let is_there = place < texts.len() && texts.is_valid(place);
            let text = if is_there { texts.value(place) } else { "" };
            let code = (self.check)(text).map_or(CodeOf::NONE, |text| new_code(values, &text));
            *known = CodeOf { code, bytes: text.len() as u32 };
        }
        if known.code != CodeOf::NONE {
            return *known;
        }
        *unread = true;
        CodeOf { code: *self.empty.get_or_insert_with(|| new_code(values, "")), ..*known }
    }
}

fn new_code(values: &mut Texts, text: &str) -> u32 {
    values.push(text);
    values.len() as u32 - 1
}

/// Appends the texts as they are, if each of them is an id; hands back how many bytes they have.
fn push_ids(texts: &mut Texts, array: &dyn Array) -> Option<u64> {
    if array.null_count() > 0 || array.is_empty() {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => push_strings(texts, array.as_string()),
        DataType::Utf8View => {
            let ends_before = texts.ends.len();
            let bytes = push_views(texts, array.as_string_view());
            if bytes.is_none() {
                texts.ends.truncate(ends_before);
            }
            bytes
        }
        _ => None,
    }
}

fn push_strings(texts: &mut Texts, strings: &StringArray) -> Option<u64> {
    let offsets = strings.value_offsets();
    let start = offsets[0];
    let bytes = &strings.value_data()[start as usize..offsets[strings.len()] as usize];
    let are_of_length =
        offsets.windows(2).fold(true, |fine, ends| fine & (1..=ID_BYTES_MAX as i32).contains(&(ends[1] - ends[0])));
    if !are_of_length || !are_id_characters(bytes) {
        return None;
    }
    let before = u32::try_from(texts.text.len()).expect("columns come in batches far below 4 GiB");
    texts.text.push_str(std::str::from_utf8(bytes).expect("ids are ASCII"));
    texts.ends.extend(offsets[1..].iter().map(|end| before + (end - start) as u32));
    Some(bytes.len() as u64)
}

/// Where it hands back nothing, it has pushed ends of no text.
fn push_views(texts: &mut Texts, views: &StringViewArray) -> Option<u64> {
    let buffers = views.data_buffers();
    let before = u32::try_from(texts.text.len()).expect("columns come in batches far below 4 GiB");
    let mut bytes: Vec<u8> = Vec::with_capacity(views.len() * SHORT_BYTES);
    let mut are_of_length = true;
    texts.ends.extend(views.views().iter().map(|view| {
        let (start, length) = (bytes.len(), *view as u32 as usize);
        are_of_length &= (1..=ID_BYTES_MAX).contains(&length);
        if length <= INLINE_BYTES_MAX {
            bytes.extend_from_slice(&view.to_ne_bytes()[4..]);
            bytes.truncate(start + length);
        } else if length <= ID_BYTES_MAX {
            let ByteView { buffer_index, offset, .. } = ByteView::from(*view);
            let (buffer, offset) = (buffers[buffer_index as usize].as_slice(), offset as usize);
            copy(&mut bytes, &buffer[offset..], length).expect("a view lies in its buffer");
        }
        before + bytes.len() as u32
    }));
    if !are_of_length || !are_id_characters(&bytes) {
        return None;
    }
    texts.text.push_str(std::str::from_utf8(&bytes).expect("ids are ASCII"));
    Some(bytes.len() as u64)
}

/// Hands over the text of every row, empty where there is none.
pub(super) fn each_text(array: &dyn Array, mut take: impl FnMut(usize, &str)) {
    match array.data_type() {
        DataType::Utf8 => {
            let strings = array.as_string::<i32>().iter();
            strings.enumerate().for_each(|(row, text)| take(row, text.unwrap_or_default()));
        }
        DataType::Utf8View => {
            let strings = array.as_string_view().iter();
            strings.enumerate().for_each(|(row, text)| take(row, text.unwrap_or_default()));
        }
        _ => {
            let rows: Vec<usize> = (0..array.len()).collect();
            let cells = render::cells(array, &rows);
            rows.iter().for_each(|row| take(*row, cells.get(*row)));
        }
    }
}

/// What the texts of a dictionary were read as, each when it is met first.
pub(super) struct Memo<T> {
    texts: Option<ArrayRef>,
    read: Vec<Option<T>>,
    empty: Option<T>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { texts: None, read: Vec::new(), empty: None }
    }
}

impl<T: Copy> Memo<T> {
    /// Hands over what the text of every row is read as.
    pub(super) fn each(
        &mut self,
        array: &DictionaryArray<Int32Type>,
        mut read: impl FnMut(&str) -> T,
        mut take: impl FnMut(usize, T),
    ) {
        if !self.texts.as_ref().is_some_and(|texts| Arc::ptr_eq(texts, array.values())) {
            self.texts = Some(Arc::clone(array.values()));
            self.read.clear();
            self.read.resize(array.values().len(), None);
        }
        let texts = array.values().as_string::<i32>();
        let (keys, nulls) = (array.keys().values(), array.keys().nulls());
        for (row, key) in keys.iter().enumerate() {
            let place = *key as usize;
            let is_text = nulls.is_none_or(|nulls| nulls.is_valid(row)) && place < self.read.len();
            let known = if is_text { &mut self.read[place] } else { &mut self.empty };
            let value = match known {
                Some(value) => *value,
                None => *known.insert(read(if is_text && texts.is_valid(place) { texts.value(place) } else { "" })),
            };
            take(row, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_characters_of_ids_are_those_of_the_contract() {
        for byte in 0..=u8::MAX {
            let is_valid = byte.is_ascii() && reckoner_core::id::is_valid(&char::from(byte).to_string());
            assert_eq!(are_id_characters(&[byte]), is_valid, "{byte}");
            assert_eq!(are_id_characters(&[b'a', b'0', byte, b'Z']), is_valid, "{byte}");
        }
    }
}
