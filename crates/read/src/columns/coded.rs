//! Columns of texts: unique ones end to end, others as codes, each distinct text of a dictionary checked once.

use super::super::render;
use arrow::array::{Array, ArrayRef, AsArray as _, DictionaryArray, StringArray};
use arrow::datatypes::{DataType, Int32Type};
use reckoner_core::table::{Coded, Texts};
use std::borrow::Cow;
use std::sync::Arc;

/// Ids are no longer.
pub(in super::super) const ID_BYTES_MAX: usize = 128;

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

/// Texts that hardly repeat.
pub(super) struct UniqueColumn {
    check: Check,
    texts: Texts,
}

/// Texts that repeat.
pub(super) struct CodedColumn {
    check: Check,
    out: Coded,
    memo: Memo<CodeOf>,
    /// The code of the empty text, for rows that are not read.
    empty: Option<u32>,
}

/// What a distinct text became.
#[derive(Clone, Copy)]
struct CodeOf {
    /// Nothing where it is not read.
    code: Option<u32>,
    bytes: u32,
}

impl UniqueColumn {
    pub(super) fn new(check: Check) -> Self {
        Self { check, texts: Texts::default() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.texts.text.len()
    }

    pub(super) fn take(&mut self) -> Texts {
        std::mem::take(&mut self.texts)
    }

    /// Appends the cells, marks rows that are not read; hands back how many bytes of text they have.
    pub(super) fn push(&mut self, array: &dyn Array, unread: &mut [bool]) -> u64 {
        if let Some(bytes) = push_ids(&mut self.texts, array) {
            return bytes;
        }
        let mut bytes = 0;
        each_text(array, |row, text| {
            bytes += text.len() as u64;
            let kept = (self.check)(text);
            unread[row] |= kept.is_none();
            self.texts.push(&kept.unwrap_or_default());
        });
        bytes
    }
}

impl CodedColumn {
    pub(super) fn new(check: Check) -> Self {
        Self { check, out: Coded::default(), memo: Memo::default(), empty: None }
    }

    pub(super) fn bytes(&self) -> usize {
        self.out.values.text.len()
    }

    pub(super) fn take(&mut self) -> Coded {
        // The texts of the dictionary at hand get other codes in the columns that follow.
        (self.memo, self.empty) = (Memo::default(), None);
        std::mem::take(&mut self.out)
    }

    /// As [`UniqueColumn::push`].
    pub(super) fn push(&mut self, array: &dyn Array, unread: &mut [bool]) -> u64 {
        let first_code = self.out.values.len();
        if let Some(bytes) = push_ids(&mut self.out.values, array) {
            self.out.codes.extend(first_code as u32..self.out.values.len() as u32);
            return bytes;
        }
        let Self { check, out: Coded { codes, values }, memo, empty } = self;
        let new_code = |values: &mut Texts, text: &str| {
            values.push(text);
            values.len() as u32 - 1
        };
        let mut bytes = 0;
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
            let mut unread_code = *empty;
            memo.each(
                dictionary,
                |text| {
                    let kept = check(text);
                    let code = kept.map(|text| new_code(values, &text));
                    if code.is_none() && unread_code.is_none() {
                        unread_code = Some(new_code(values, ""));
                    }
                    CodeOf { code, bytes: text.len() as u32 }
                },
                |row, text| {
                    bytes += u64::from(text.bytes);
                    unread[row] |= text.code.is_none();
                    codes.push(text.code.unwrap_or(u32::MAX));
                },
            );
            // Where a row is not read there is an empty text by now.
            if let Some(code) = unread_code {
                let pushed = codes.len() - array.len();
                codes[pushed..].iter_mut().filter(|pushed| **pushed == u32::MAX).for_each(|pushed| *pushed = code);
            }
            *empty = unread_code;
            return bytes;
        }
        each_text(array, |row, text| {
            bytes += text.len() as u64;
            let kept = check(text);
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
}

/// Appends the texts as they are, if each of them is an id.
fn push_ids(texts: &mut Texts, array: &dyn Array) -> Option<u64> {
    let strings: &StringArray = array.as_string_opt()?;
    if strings.null_count() > 0 || strings.is_empty() {
        return None;
    }
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
