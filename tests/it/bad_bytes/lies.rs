//! Parquet whose footer or page headers lie. Some of these end the process that decodes them; the command goes on.

use super::forge::{
    self, Column, DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY, Footer, GZIP, PLAIN, Page, RLE_DICTIONARY, UNPACKED, ZSTD,
};
use super::{COLUMNS, check, gzip, zstandard};

const MIB: usize = 1 << 20;

/// A file with one good row, its first column replaced.
fn with_ids(ids: Column) -> Vec<u8> {
    file(ids, &Footer::default())
}

fn file(ids: Column, footer: &Footer) -> Vec<u8> {
    let mut columns = COLUMNS.map(|(name, cell)| Column::plain(name, &[cell]));
    columns[0] = ids;
    forge::file(&columns, 1, footer)
}

fn ids(pages: Vec<Page>) -> Column {
    Column::of_pages("record_id", UNPACKED, pages)
}

fn packed_ids(codec: i32, page: Page) -> Column {
    Column::of_pages("record_id", codec, vec![page])
}

fn good() -> Column {
    Column::plain("record_id", &["l-1"])
}

fn rows(rows: i64) -> Vec<u8> {
    file(good(), &Footer { rows: Some(rows), ..Footer::default() })
}

/// A dictionary of one text and a page of these bytes that names its places.
fn indices(content: &[u8]) -> Vec<u8> {
    with_ids(ids(vec![Page::dictionary(&["l-2"]), Page::new(1, RLE_DICTIONARY, content.to_vec())]))
}

fn page(changed: impl Fn(Page) -> Page) -> Vec<u8> {
    with_ids(ids(vec![changed(Page::new(1, PLAIN, forge::plain(&["l-3"])))]))
}

#[test]
fn a_footer_that_lies_refuses_the_file() {
    let column = |changed: fn(Column) -> Column| with_ids(changed(good()));
    check(
        "footer",
        vec![
            ("two rows where one is", rows(2), "corrupt"),
            ("no row where one is", rows(0), "corrupt"),
            ("fewer than none", rows(-1), "corrupt"),
            ("more than there can be", rows(i64::MAX), "corrupt"),
            ("another count for the group", file(good(), &Footer { group_rows: Some(7), ..Footer::default() }), "corrupt"),
            (
                "a schema of four billion columns",
                file(good(), &Footer { schema_elements: Some(1 << 32), ..Footer::default() }),
                "corrupt",
            ),
            ("a schema of no column", file(good(), &Footer { schema_elements: Some(0), ..Footer::default() }), "corrupt"),
            ("pages before the file", column(|ids| Column { offset: Some(-9), ..ids }), "corrupt"),
            ("pages behind the file", column(|ids| Column { offset: Some(1 << 40), ..ids }), "corrupt"),
            ("pages somewhere else", column(|ids| Column { offset: Some(9), ..ids }), "corrupt"),
            ("a size below nothing", column(|ids| Column { unpacked_bytes: Some(-1), ..ids }), "corrupt"),
            ("a size beyond all", column(|ids| Column { unpacked_bytes: Some(i64::MAX), ..ids }), "too_large"),
            ("values without number", column(|ids| Column { values: Some(i64::MAX), ..ids }), "corrupt"),
        ],
    );
}

#[test]
fn a_page_that_lies_refuses_the_file_and_not_the_process() {
    let zeros = |pack: fn(&[u8]) -> Vec<u8>| pack(&vec![0; 16 * MIB]).repeat(40); // members and frames follow each other
    let lying = |content: Vec<u8>, unpacked_bytes: i32| Page {
        unpacked_bytes,
        packed_bytes: content.len() as i32,
        ..Page::new(1, PLAIN, content)
    };
    let text = forge::plain(&["l-4"]);
    check(
        "page",
        vec![
            ("says 7 bytes, unpacks to 640 MiB", with_ids(packed_ids(GZIP, lying(zeros(gzip), 7))), "too_large"),
            ("says 7 bytes, would unpack to 640 MiB", with_ids(packed_ids(ZSTD, lying(zeros(zstandard), 7))), "corrupt"),
            ("says 2 GiB, unpacks to 7 bytes", with_ids(packed_ids(ZSTD, lying(zstandard(&text), i32::MAX))), "too_large"),
            ("says 2 GiB and is 7 bytes", page(|page| Page { packed_bytes: i32::MAX, ..page }), "corrupt"),
            ("says less than nothing", page(|page| Page { unpacked_bytes: -1, packed_bytes: -1, ..page }), "corrupt"),
            ("two billion values", page(|page| Page { values: i32::MAX, ..page }), "corrupt"),
            ("fewer values than none", page(|page| Page { values: -5, ..page }), "corrupt"),
            ("an encoding that nobody knows", page(|page| Page { encoding: 77, ..page }), "corrupt"),
            ("a text longer than its page", with_ids(ids(vec![Page::new(1, PLAIN, b"\xff\xff\xff\x7fl-5".to_vec())])), "corrupt"),
            ("text that is no text", with_ids(ids(vec![Page::new(1, PLAIN, b"\x02\0\0\0\xff\xfe".to_vec())])), "corrupt"),
            ("an index beyond the dictionary", indices(&[8, 2, 200]), "corrupt"),
            ("indices of 200 bits", indices(&[200, 2, 0]), "corrupt"),
            ("a run that never ends", indices(&[1, 0xff, 0xff, 0xff, 0xff, 0xff]), "corrupt"),
            ("indices without a dictionary", with_ids(ids(vec![Page::new(1, RLE_DICTIONARY, vec![1, 2, 0])])), "corrupt"),
            ("two dictionaries", with_ids(ids(vec![Page::dictionary(&["l-6"]), Page::dictionary(&["l-7"])])), "corrupt"),
            (
                "a dictionary of two billion texts",
                with_ids(ids(vec![
                    Page { values: i32::MAX, ..Page::dictionary(&["l-8"]) },
                    Page::new(1, RLE_DICTIONARY, vec![1, 2, 0]),
                ])),
                "too_large",
            ),
        ],
    );
}

#[test]
fn delta_packed_text_that_lies_refuses_the_file_and_not_the_process() {
    let delta = |encoding: i32, values: u64| with_ids(ids(vec![Page::new(1, encoding, forge::delta_head(values))]));
    check(
        "delta",
        vec![
            ("no length", delta(DELTA_LENGTH_BYTE_ARRAY, 0), "corrupt"),
            ("a billion lengths", delta(DELTA_LENGTH_BYTE_ARRAY, 1 << 30), "too_large"),
            ("lengths for all memory there is", delta(DELTA_LENGTH_BYTE_ARRAY, 1 << 45), "too_large"),
            ("lengths beyond counting", delta(DELTA_LENGTH_BYTE_ARRAY, u64::MAX), "corrupt"),
            ("prefixes for all memory there is", delta(DELTA_BYTE_ARRAY, 1 << 45), "too_large"),
        ],
    );
}
