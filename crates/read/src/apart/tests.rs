//! What the two processes say, and what the end of one means. That rows come through whole is shown with the program itself.

use super::*;
use crate::testing::{drain, open_bytes};
use reckoner_core::table::schema::TableSchema;

fn schema() -> &'static TableSchema {
    TableKind::Funds.schema()
}

/// A batch with a row, a row with other cells, and two records that are no rows.
fn batch() -> Batch {
    let long = "é".repeat(40_000);
    let text =
        format!("at,entry_id,account_id,kind,amount,note\nt,f1,a,top_up,1,\n,f2,界,,-2,say\nt,f3\nt,f4,a,top_up,1,{long}\n");
    drain(open_bytes(text.as_bytes(), TableKind::Funds)).expect("right").remove(0)
}

#[test]
fn a_batch_comes_out_as_it_went_in() {
    let (batch, mut bytes) = (batch(), Vec::new());
    wire::write_batch(&mut bytes, &batch).expect("in memory");
    let Ok(Some(Ok(Frame::Batch(read)))) = wire::read(&mut bytes.as_slice(), &mut Room::default(), schema()) else {
        panic!("a batch was written")
    };
    assert_eq!(read.lines(), batch.lines());
    assert!(read.rows().eq(batch.rows()));
    assert_eq!(read.refused(), batch.refused());
    assert_eq!((read.len(), read.refused().len(), read.bytes()), (2, 2, batch.bytes()));
}

#[test]
fn a_refusal_keeps_its_code_and_its_words() {
    let refusal = FileRefusal::new("too_large", "more than `can` be \"meant\"");
    let mut bytes = Vec::new();
    wire::write_opened(&mut bytes).expect("in memory");
    wire::write_refusal(&mut bytes, &refusal).expect("in memory");
    wire::write_end(&mut bytes).expect("in memory");
    let mut from = bytes.as_slice();
    let mut next = || wire::read(&mut from, &mut Room::default(), schema()).expect("it was written by a decoder");
    assert!(matches!(next(), Some(Ok(Frame::Opened))));
    assert_eq!(next().expect("a refusal").err(), Some(refusal));
    assert!(matches!(next(), Some(Ok(Frame::End))));
    assert!(next().is_none());
}

#[test]
fn what_no_decoder_says_is_no_batch() {
    let mut bytes = Vec::new();
    wire::write_batch(&mut bytes, &batch()).expect("in memory");
    for length in (0..bytes.len()).step_by(bytes.len() / 500) {
        assert!(
            matches!(wire::read(&mut &bytes[..length], &mut Room::default(), schema()), Ok(None)),
            "it died after {length} bytes"
        );
    }
    // A flipped bit is another text or an error, and never a panic.
    for place in 0..bytes.len().min(4_000) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        if let Ok(Some(Ok(Frame::Batch(read)))) = wire::read(&mut damaged.as_slice(), &mut Room::default(), schema()) {
            assert_eq!(read.rows().count(), read.len());
        }
    }
    for bytes in [&b"rec"[..], b"x\0\0\0\0", b"b\xff\xff\xff\xff", b"b\x01\0\0\0\0", b"r\x02\0\0\0{}"] {
        assert!(!matches!(wire::read(&mut &bytes[..], &mut Room::default(), schema()), Ok(Some(Ok(_)))), "{bytes:?}");
    }
}

fn columns() -> UsageColumns {
    let csv = "record_id,account_id,resource_id,sku,started_at,ended_at,quantity,region,revision\n\
        r1,a,v1,s,2026-01-05T08:00:00+08:00,2026-01-05T01:00:00Z,1.5,é,0\n\
        r2,a\n\
        r3,b,v2,s,2026-01-05T08:00:00+08:00,9999-12-31T23:59:59Z,20000000,,4294967295\n\
        r4,b,v3,s,2026-01-05T08:00:00+08:00,2026-01-05T01:00:00Z,999999999999999999.999999999999,界,7\n";
    let reader = crate::open_usage(crate::Source::Bytes(csv.into()), &ReadOptions::default(), None);
    reader.expect("sound").next_columns().expect("sound").expect("rows").clone()
}

/// Columns, if the bytes are some and nothing else.
fn read_columns(mut bytes: &[u8]) -> Option<UsageColumns> {
    // The room is not empty: what it held before leaves nothing behind.
    let mut room = Room::default();
    room.columns = columns();
    match wire::read(&mut bytes, &mut room, TableKind::Usage.schema()) {
        Ok(Some(Ok(Frame::Columns))) if bytes.is_empty() => Some(room.columns),
        _ => None,
    }
}

#[test]
fn columns_come_out_as_they_went_in() {
    let quantities: [&[i128]; 5] = [
        &[0, 0, 0, 0],
        &[1_000_000_000_000, 0, 3_000_000_000_000, 70_000_000_000_000_000],
        &[999_999_999_999_999_999_000_000_000_000, 1_000_000_000_000, 0, 0],
        &[1, i128::from(u64::MAX), 2, 3],
        &[1, i128::from(u64::MAX) + 1, 2, 3],
    ];
    let mut cases = vec![columns(), UsageColumns::default()];
    cases.extend(quantities.map(|quantities| UsageColumns { quantity_e12: quantities.to_vec(), ..columns() }));
    for at in [0, 1, 255, 256, 65_535, 65_536, 253_402_300_799] {
        cases.push(UsageColumns { started_at: vec![0, at, 5, 0], ended_at: vec![at; 4], ..columns() });
        cases.push(UsageColumns { lines: (at as u64..).take(4).collect(), revision: None, ..columns() });
    }
    for columns in cases {
        let mut bytes = Vec::new();
        wire::write_columns(&mut bytes, &columns).expect("in memory");
        assert_eq!(read_columns(&bytes), Some(columns));
    }
    let mut bytes = Vec::new();
    wire::write_parts(&mut bytes, &[3, 0, u64::MAX]).expect("in memory");
    let read = wire::read(&mut bytes.as_slice(), &mut Room::default(), schema());
    assert!(matches!(read, Ok(Some(Ok(Frame::Parts(rows)))) if rows == [3, 0, u64::MAX]));
}

#[test]
fn what_no_decoder_says_is_no_columns() {
    let mut bytes = Vec::new();
    wire::write_columns(&mut bytes, &columns()).expect("in memory");
    for length in 0..bytes.len() {
        assert!(read_columns(&bytes[..length]).is_none(), "it died after {length} bytes");
    }
    let mut refused = 0;
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << bit;
            let Some(read) = read_columns(&damaged) else {
                refused += 1;
                continue;
            };
            // Whatever came through can be used.
            for row in 0..read.len() {
                let coded = [&read.account_id, &read.resource_id, &read.sku].into_iter().chain(&read.region).chain(&read.tags);
                assert!(coded.map(|column| column.get(row).len()).sum::<usize>() < bytes.len());
                assert!(read.record_id.get(row).len() < bytes.len());
            }
            assert!(read.unread.iter().all(|row| (*row as usize) < read.len()));
            assert!(read.lines.is_sorted() && read.started_at.len() == read.len() && read.quantity_e12.len() == read.len());
        }
    }
    assert!(refused > 3 * bytes.len(), "{refused} of {} damages are noticed", 8 * bytes.len());
}

#[test]
fn the_end_of_a_decoder_says_whose_fault_it_is() {
    // the status as the kernel gives it | last words | code
    let cases = [
        (6, "memory allocation of 8589934592 bytes failed\n", "too_large"),
        (6, "thread main has overflowed its stack\n", "corrupt"),
        (11, "", "corrupt"),
        (24, "", "too_large"),
        (9, "", "unreadable"), // somebody did that, or the kernel was short of memory: the file may be sound
        (15, "", "unreadable"),
        (1 << 8, "", "unreadable"),
        (101 << 8, "", "unreadable"), // a panic is caught inside
    ];
    for (status, last_words, expected) in cases {
        assert_eq!(meaning(ExitStatus::from_raw(status), last_words).reason, expected, "{status}");
    }
}

#[test]
fn a_program_that_is_no_decoder_does_not_brand_the_file() {
    for program in ["/bin/true", "/bin/sh", "/bin/echo", "/nowhere/at/all"] {
        let file = tempfile::tempfile().expect("a file");
        let refusal = ApartReader::open(file, TableKind::Funds, &ReadOptions::default(), Path::new(program), None);
        assert_eq!(refusal.err().map(|refusal| refusal.reason), Some("unreadable"), "{program}");
        let file = tempfile::tempfile().expect("a file");
        let refusal = ApartColumns::open(file, &ReadOptions::default(), Path::new(program), None);
        assert_eq!(refusal.err().map(|refusal| refusal.reason), Some("unreadable"), "{program}");
    }
}
