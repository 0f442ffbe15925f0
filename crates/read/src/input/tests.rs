//! Packed files: whole, cut, damaged, and packed so that little becomes much.

use super::super::testing::{drain, open_bytes, rows_text};
use super::super::{Batch, open};
use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use reckoner_core::table::TableKind;

const CUTS: usize = 50;
const FLIPS: usize = 300;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("an encoder");
    encoder.include_checksum(true).expect("it can");
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn funds_csv(rows: usize) -> Vec<u8> {
    let row = |n: usize| format!("f{n},acct-{},top_up,{}.{:02},2026-01-0{}T00:00:00Z\n", n % 7, n * 37, n % 100, 1 + n % 9);
    let body: String = (0..rows).map(row).collect();
    format!("entry_id,account_id,kind,amount,at\n{body}").into_bytes()
}

fn funds_text(bytes: &[u8]) -> String {
    rows_text(open_bytes(bytes, TableKind::Funds))
}

/// Every cell of the file, or nothing where it is refused.
fn rows_of(bytes: &[u8]) -> Option<Vec<Vec<(String, String)>>> {
    let batches: Vec<Batch> = drain(open_bytes(bytes, TableKind::Funds)).ok()?;
    Some(batches.iter().flat_map(|batch| batch.rows().map(|row| row.to_pairs())).collect())
}

/// A few numbers that look like chance and are the same every time.
fn samples(count: usize, below: usize) -> Vec<usize> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn packed_rows_are_the_rows() {
    let csv = b"entry_id,account_id,kind,amount,at\nf1,a,top_up,1,t\n";
    let json = br#"{"entry_id":"f1","account_id":"a","kind":"top_up","amount":1,"at":"t"}"#;
    let json = [&json[..], b"\n"].concat();
    for pack in [gzip, zstandard] {
        assert_eq!(funds_text(&pack(csv)), "2:f1");
        assert_eq!(funds_text(&pack(&json)), "1:f1");
        assert_eq!(format_of_packed(&pack(csv)), Ok(Format::Csv));
        assert_eq!(format_of_packed(&pack(&json)), Ok(Format::Ndjson));
        // Several members or frames make one file, wherever it is cut into them; empty ones too.
        for cut in [0, 10, 36, csv.len()] {
            assert_eq!(funds_text(&[pack(&csv[..cut]), pack(&csv[cut..])].concat()), "2:f1", "{cut}");
        }
        assert_eq!(funds_text(&pack(b"")), "empty_file");
        assert_eq!(funds_text(&pack(&pack(csv))), "unsupported_format"); // packed twice
        assert_eq!(funds_text(&pack(b"PK\x03\x04")), "unsupported_format");
        assert_eq!(funds_text(&pack(&csv[..csv.len() - 1])), "truncated"); // before it was packed
    }
    let skipped = [&b"\x50\x2a\x4d\x18\x04\0\0\0abcd"[..], &zstandard(csv)].concat(); // what parallel packers begin with
    assert_eq!(funds_text(&skipped), "2:f1");
}

fn format_of_packed(bytes: &[u8]) -> Result<Format, FileRefusal> {
    super::super::format_of(Source::Bytes(bytes.to_vec()))
}

#[test]
fn what_follows_the_end_refuses_the_file() {
    let csv = funds_csv(3);
    for pack in [gzip, zstandard] {
        for rubbish in [&b"\n"[..], b"\0\0\0\0", b"f9,a,top_up,1,t\n", b"PAR1"] {
            let seen = funds_text(&[pack(&csv), rubbish.to_vec()].concat());
            assert!(["damaged_compression", "truncated"].contains(&seen.as_str()), "{seen}: {rubbish:?}");
        }
    }
    assert_eq!(funds_text(&[gzip(&csv), b"\0".to_vec()].concat()), "damaged_compression");
    assert_eq!(funds_text(&[gzip(&csv), gzip(&csv)[..9].to_vec()].concat()), "truncated"); // a second member, begun
}

#[test]
fn a_checksum_that_differs_refuses_the_file() {
    let csv = funds_csv(3);
    let mut packed = gzip(&csv);
    let place = packed.len() - 8;
    packed[place] ^= 1;
    assert_eq!(funds_text(&packed), "damaged_compression");
    let mut packed = zstandard(&csv);
    let last = packed.len() - 1;
    packed[last] ^= 1;
    assert_eq!(funds_text(&packed), "damaged_compression");
}

#[test]
fn a_cut_packed_file_gives_no_row() {
    let csv = funds_csv(500);
    for packed in [gzip(&csv), zstandard(&csv)] {
        for length in samples(CUTS, packed.len()).into_iter().chain([0, 1, 2, 4, packed.len() - 1]) {
            assert_eq!(rows_of(&packed[..length]), None, "{length} of {}", packed.len());
        }
    }
}

#[test]
fn a_flipped_bit_is_refused_or_changes_no_row() {
    let csv = funds_csv(200);
    let rows = rows_of(&csv);
    for packed in [gzip(&csv), zstandard(&csv)] {
        assert_eq!(rows_of(&packed), rows);
        let mut refused = 0;
        for place in samples(FLIPS, packed.len() * 8) {
            let mut damaged = packed.clone();
            damaged[place / 8] ^= 1 << (place % 8);
            match rows_of(&damaged) {
                None => refused += 1,
                seen => assert_eq!(seen, rows, "bit {place}"), // in a time or a name of the header
            }
        }
        assert!(refused > FLIPS * 9 / 10, "{refused}");
    }
}

/// Reads on until the end or a refusal; hands back how much came out and the code.
fn read_out(packed: Vec<u8>, options: &ReadOptions) -> (u64, &'static str) {
    let mut input = Input::open(Source::Bytes(packed), options).expect("it opens");
    match io::copy(&mut input, &mut io::sink()) {
        Ok(_) => (input.unpacked_bytes, "ok"),
        Err(error) => (input.unpacked_bytes, FileRefusal::of(&error).reason),
    }
}

#[test]
fn what_unpacks_to_more_than_can_be_meant_is_not_unpacked_to_the_end() {
    const MIB: u64 = 1 << 20;
    let row = b"f1,acct-1,top_up,1,2026-01-01T00:00:00Z\n";
    let mib: Vec<u8> = row.iter().copied().cycle().take(1 << 20).collect();
    let bomb = |pack: fn(&[u8]) -> Vec<u8>, count: usize| pack(&mib).repeat(count); // as many members, 1 MiB each
    let limited = |text_bytes_max| ReadOptions { text_bytes_max, ..ReadOptions::default() };

    for pack in [gzip, zstandard] {
        let (seen, code) = read_out(bomb(pack, 200), &limited(8 * MIB));
        assert_eq!(code, "too_large");
        assert!(seen > 8 * MIB && seen <= 9 * MIB, "{seen}");
        assert_eq!(read_out(bomb(pack, 8), &limited(8 * MIB)), (8 * MIB, "ok"));
    }
    // The ratio counts from 64 MiB on; the gzip of these rows does not reach it.
    let (seen, code) = read_out(bomb(zstandard, 200), &ReadOptions::default());
    assert_eq!(code, "too_large");
    assert!(seen > 64 * MIB && seen <= 65 * MIB, "{seen}");
    assert_eq!(read_out(bomb(zstandard, 64), &ReadOptions::default()), (64 * MIB, "ok"));

    // Through the readers, with a header or none, as lines or as one line without end.
    let header = b"entry_id,account_id,kind,amount,at\n";
    let refused =
        |packed: Vec<u8>| open(Source::Bytes(packed), TableKind::Funds, &limited(2 * MIB)).err().map(|refusal| refusal.reason);
    assert_eq!(refused([gzip(header), bomb(gzip, 200)].concat()), Some("too_large"));
    assert_eq!(refused(gzip(&vec![b' '; 5 << 20])), Some("too_large"));
    assert_eq!(refused([gzip(b"{\"note\":\""), gzip(&mib).repeat(200)].concat()), Some("too_large"));
    assert_eq!(refused(gzip(&vec![0; 5 << 20])), Some("invalid_encoding"));
}

#[test]
fn packed_parquet_is_unpacked_into_a_file_within_its_limit() {
    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use std::sync::Arc;
    let columns = [("entry_id", "f1"), ("account_id", "a"), ("kind", "top_up"), ("amount", "1"), ("at", "t")];
    let columns = columns.map(|(name, cell)| (name, Arc::new(StringArray::from(vec![cell])) as ArrayRef));
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut parquet = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut parquet, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("funds");
    for pack in [gzip, zstandard] {
        std::fs::write(&path, pack(&parquet)).expect("written");
        let read = |parquet_bytes_max: usize| {
            let options = ReadOptions { parquet_bytes_max: parquet_bytes_max as u64, ..ReadOptions::default() };
            rows_text(open(Source::Path(path.clone()), TableKind::Funds, &options))
        };
        assert_eq!(read(parquet.len()), "1:f1");
        assert_eq!(read(parquet.len() - 1), "too_large");
        let packed = pack(&parquet);
        for length in samples(CUTS, packed.len()) {
            assert_eq!(rows_of(&packed[..length]), None, "{length}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1); // nothing is left behind
}

#[test]
fn a_refusal_says_what_is_wrong_with_the_packing() {
    let detail = |bytes: &[u8]| open_bytes(bytes, TableKind::Funds).err().expect("refused").detail;
    let packed = gzip(&funds_csv(3));
    assert_eq!(detail(&packed[..40]), "the gzip ends in the middle: it is truncated; send it again, complete");
    assert_eq!(
        detail(&[&packed[..], b"x"].concat()),
        "the gzip cannot be unpacked (other bytes follow its end); pack it again and send it"
    );
}
