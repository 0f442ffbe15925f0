//! What is written is what arrow's reader reads, value by value.

use super::*;
use crate::file::{Cells, Column, Numbers, Output, Repeated, Scattered, Writer, read_columns, strings};
use arrow::array::{Array, AsArray as _, Decimal64Array, Decimal128Array, DictionaryArray, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Decimal64Type, Decimal128Type, Int32Type, Int64Type};
use reckoner_core::id::hex;
use std::sync::Arc;

/// Rows around the borders of groups, mini blocks, blocks and pages.
const LENGTHS: [usize; 14] = [1, 2, 7, 8, 9, 32, 33, 34, 128, 129, 130, PAGE_ROWS, PAGE_ROWS + 1, 50_000];

/// Numbers without order, the same in each run.
fn numbers(count: usize) -> impl Iterator<Item = u64> {
    (1..=count as u64).map(|number| {
        let mixed = (number ^ number >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    })
}

/// Which of so many rows have a value: all, none, every other, all but the last, by chance.
fn holes(rows: usize) -> [Vec<bool>; 5] {
    [
        vec![true; rows],
        vec![false; rows],
        (0..rows).map(|row| row % 2 == 0).collect(),
        (0..rows).map(|row| row + 1 < rows).collect(),
        numbers(rows).map(|number| number % 3 > 0).collect(),
    ]
}

/// Writes the array, in row groups of so many rows, and reads it.
fn round(array: &ArrayRef, form: Form, group_rows: usize) {
    round_as(array, array.data_type(), form, group_rows, Cells::Each);
}

/// The same for cells that stand for the rows of the array, in a column of this type.
fn round_as(array: &ArrayRef, kind: &DataType, form: Form, group_rows: usize, cells: impl Fn(ArrayRef) -> Cells<'static>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let column = Column { is_optional: array.null_count() > 0, ..Column::new("value", kind.clone(), form) };
    let (columns, mut repeated) = ([column], Repeated::default());
    let mut file = std::fs::File::create(&path).expect("created");
    let mut writer = Writer::create(Output { path: &path, to: &mut file }, &columns, &mut repeated).expect("begun");
    for start in (0..array.len()).step_by(group_rows) {
        let rows = group_rows.min(array.len() - start);
        writer.write(rows, [cells(array.slice(start, rows))]).expect("written");
    }
    writer.finish().expect("finished");

    let mut before = 0;
    read_columns(&path, &["value"], |batch| {
        let read = batch.column(0);
        let wanted = array.slice(before, read.len());
        for row in 0..read.len() {
            let at = || format!("row {} of {} {form:?}", before + row, array.len());
            assert_eq!(read.is_null(row), wanted.is_null(row), "{}", at());
            if read.is_valid(row) {
                assert_eq!(shown(read, row), shown(&wanted, row), "{}", at());
            }
        }
        before += read.len();
        Ok(())
    })
    .expect("read");
    assert_eq!(before, array.len());
}

/// The value as text, whatever the type that holds it.
fn shown(array: &dyn Array, row: usize) -> String {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Dictionary(_, _) => {
            let coded = array.as_dictionary::<Int32Type>();
            shown(coded.values(), coded.keys().value(row) as usize)
        }
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal64(_, _) => array.as_primitive::<Decimal64Type>().value(row).to_string(),
        DataType::Decimal128(_, _) => array.as_primitive::<Decimal128Type>().value(row).to_string(),
        other => panic!("no column is of {other}"),
    }
}

fn some<T>(values: impl IntoIterator<Item = T>, holes: &[bool]) -> Vec<Option<T>> {
    values.into_iter().zip(holes).map(|(value, is_there)| is_there.then_some(value)).collect()
}

fn coded_of(distinct: usize, holes: &[bool]) -> ArrayRef {
    let texts: StringArray = (0..distinct).map(|code| Some(format!("text {code}"))).collect();
    let keys = some(numbers(holes.len()).map(|number| (number % distinct as u64) as i32), holes);
    Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from(keys), Arc::new(texts)))
}

#[test]
fn columns_of_every_kind_are_read_as_they_were_written() {
    for rows in LENGTHS {
        for holes in holes(rows) {
            let texts = numbers(rows).map(|number| format!("{:05}-{}", number % 70_000, "x".repeat(number as usize % 11)));
            let decimals = numbers(rows).map(|number| i128::from(number) * 1_000_000_007);
            let texts: ArrayRef = Arc::new(StringArray::from(some(texts, &holes)));
            let arrays: [(ArrayRef, Form); 10] = [
                (coded_of(5, &holes), Form::Repeating),
                (coded_of(5, &holes), Form::Scattered),
                (coded_of(70_000, &holes), Form::Distinct),
                (Arc::clone(&texts), Form::Scattered),
                (texts, Form::Distinct),
                (Arc::new(Int64Array::from(some(numbers(rows).map(|number| number as i64), &holes))), Form::Rising),
                (Arc::new(Int32Array::from(some(numbers(rows).map(|number| number as i32), &holes))), Form::Repeating),
                (Arc::new(of_digits_18(some(0..rows as i64, &holes))), Form::Rising),
                (Arc::new(of_digits_38(some(decimals, &holes))), Form::Repeating),
                (Arc::new(of_digits_38(some(numbers(rows).map(|number| i128::from(number % 5)), &holes))), Form::Repeating),
            ];
            for (array, form) in arrays {
                round(&array, form, 30_000);
            }
        }
    }
}

fn of_digits_18(values: Vec<Option<i64>>) -> Decimal64Array {
    Decimal64Array::from(values).with_data_type(DataType::Decimal64(18, 0))
}

fn of_digits_38(values: Vec<Option<i128>>) -> Decimal128Array {
    Decimal128Array::from(values).with_data_type(DataType::Decimal128(38, 12))
}

#[test]
fn numbers_of_rows_that_have_one_are_read_as_they_were_written() {
    for rows in LENGTHS {
        for holes in holes(rows) {
            let wide: ArrayRef = Arc::new(of_digits_18(some(numbers(rows).map(|number| number as i64 >> 5), &holes)));
            round_as(&wide, wide.data_type(), Form::Rising, 30_000, |slice| {
                let there: Vec<i64> = slice.as_primitive::<Decimal64Type>().iter().flatten().collect();
                Cells::Numbers(slice.nulls().cloned(), there.into())
            });
            let narrow: ArrayRef = Arc::new(Int32Array::from(some(numbers(rows).map(|number| number as i32), &holes)));
            round_as(&narrow, narrow.data_type(), Form::Repeating, 30_000, |slice| {
                let there: Vec<i64> = slice.as_primitive::<Int32Type>().iter().flatten().map(i64::from).collect();
                Cells::Numbers(slice.nulls().cloned(), there.into())
            });
            let counts = numbers(rows).map(|number| i32::MAX >> (number % 32) as u32);
            let counts: ArrayRef = Arc::new(Int32Array::from(some(counts, &holes)));
            round_as(&counts, counts.data_type(), Form::Repeating, 30_000, |slice| {
                let there = slice.as_primitive::<Int32Type>().iter().flatten().map(|count| count as u32).collect();
                Cells::Numbers(slice.nulls().cloned(), Numbers::Counts(there))
            });
            let lines: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers(rows).map(|number| (number >> 1) as i64)));
            round_as(&lines, lines.data_type(), Form::Rising, 30_000, |slice| {
                let lines = slice.as_primitive::<Int64Type>().values().iter().map(|line| *line as u64).collect();
                Cells::Numbers(None, Numbers::Lines(lines))
            });
        }
    }
}

#[test]
fn ids_are_read_as_they_were_written() {
    let bits = |text: &str| u128::from_str_radix(&text[3..], 16).expect("hex").to_be_bytes();
    for rows in LENGTHS {
        let shown = |number: u64| format!("ch_{}", hex(&(u128::from(number) * u128::from(u64::MAX - 58)).to_be_bytes()));
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(numbers(rows).map(shown)));
        round_as(&ids, &DataType::Utf8, Form::Distinct, 30_000, |slice| {
            Cells::Ids("ch_", slice.as_string::<i32>().iter().flatten().map(bits).collect())
        });
    }
}

#[test]
fn codes_that_repeat_side_by_side_are_read_as_they_were_written() {
    // Runs of all lengths around that of a group, at all places of one.
    let lengths = numbers(9_000).map(|number| [1, 1, 2, 7, 8, 9, 15, 16, 17, 300][(number % 10) as usize]);
    let keys = lengths.zip(numbers(9_000)).flat_map(|(length, number)| std::iter::repeat_n((number % 1_000) as i32, length));
    let keys: Int32Array = keys.collect::<Vec<_>>().into();
    let texts: ArrayRef = Arc::new((0..1_000).map(|code| Some(format!("text {code}"))).collect::<StringArray>());
    let decimals: ArrayRef = Arc::new(of_digits_38((0..1_000).map(|code| Some(code / 2)).collect()));
    let coded = |values| -> ArrayRef { Arc::new(DictionaryArray::<Int32Type>::new(keys.clone(), values)) };
    round(&coded(texts), Form::Repeating, 100_000);
    round_as(&coded(decimals), &DataType::Decimal128(38, 12), Form::Repeating, 100_000, Cells::Each);
}

#[test]
fn a_dictionary_of_many_groups_is_whole_where_most_of_it_is_used() {
    let texts: ArrayRef = Arc::new((0..1_000).map(|code| Some(format!("text {code}"))).collect::<StringArray>());
    for (used, is_whole) in [(1, false), (500, false), (501, true), (1_000, true)] {
        let keys: Int32Array = (0..20_000).map(|row| Some(999 - row % used)).collect();
        let array: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::clone(&texts)));
        let values = Values::of(&array, Form::Repeating).expect("a known type");
        assert_eq!(matches!(values, Values::Codes { dictionary: Dictionary::Whole(_), .. }), is_whole, "{used}");
        round(&array, Form::Repeating, 6_000);
    }
}

#[test]
fn codes_and_decimals_without_holes_are_read_as_they_were_written() {
    for rows in LENGTHS {
        let coded = coded_of(9, &vec![true; rows]);
        round_as(&coded, coded.data_type(), Form::Repeating, 30_000, |slice| {
            let slice = slice.as_dictionary::<Int32Type>();
            Cells::Coded(slice.keys().values().iter().map(|key| *key as u32).collect(), Arc::clone(slice.values()))
        });
        // Of few bits and of many, positive and negative, of bytes of which some at the end are 0, and few distinct ones.
        for (kept, shift) in [(1, 0), (20, 0), (40, 12), (64, 0), (64, 50), (90, 38), (60, 30)] {
            let number = |number: u64| (i128::from(number) << 27 ^ i128::from(number)) >> (91 - kept) << shift;
            for sign in [1, -1] {
                let decimals: ArrayRef = Arc::new(of_digits_38(numbers(rows).map(|one| Some(number(one) * sign)).collect()));
                round_as(&decimals, decimals.data_type(), Form::Repeating, 30_000, |slice| {
                    Cells::Decimals(slice.as_primitive::<Decimal128Type>().values().to_vec().into())
                });
            }
        }
    }
}

#[test]
fn codes_of_every_width_are_read_as_they_were_written() {
    for width in 1..=20 {
        // The most that fit the width, one less and one more; rows enough that the last code is met.
        let distinct = 1_usize << width;
        let around = if width <= 14 { distinct - 1..distinct + 2 } else { distinct..distinct + 1 };
        for distinct in around {
            let rows = (distinct + 5).max(40);
            let texts: StringArray = (0..distinct).map(|code| Some(code.to_string())).collect();
            let keys: Int32Array = (0..rows).map(|row| Some((row % distinct) as i32)).collect();
            let array: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(texts)));
            round(&array, Form::Repeating, 1 << 21);
        }
    }
}

#[test]
fn numbers_of_every_width_are_read_as_they_were_written() {
    for width in 0..64 {
        let values: Vec<i64> = numbers(400).map(|number| (number >> (63 - width)) as i64).collect();
        let ends = [i64::MIN, i64::MAX, 0, -1, 1, i64::MAX, i64::MIN];
        round(&(Arc::new(Int64Array::from(values.clone())) as ArrayRef), Form::Rising, 1_000);
        round(&(Arc::new(Int64Array::from_iter_values(values.into_iter().chain(ends))) as ArrayRef), Form::Rising, 1_000);
    }
    let ends = [i32::MIN, i32::MAX, 0, -1, 1, i32::MAX, i32::MIN];
    round(&(Arc::new(Int32Array::from_iter_values(ends.into_iter().cycle().take(300))) as ArrayRef), Form::Rising, 1_000);
}

#[test]
fn differences_around_32_bits_are_read_as_they_were_written() {
    let steps =
        [0, 1, -1, i32::MAX.into(), i32::MIN.into(), i64::from(i32::MAX) + 1, i64::from(i32::MIN) - 1, i64::MAX, i64::MIN];
    for one in steps {
        for other in steps {
            // Both in every block, and in some of its mini blocks.
            let steps = (0..700).map(|place| if place % 41 == 0 { other } else { one });
            let risen = |number: &mut i64, step| {
                *number = number.wrapping_add(step);
                Some(*number)
            };
            round(&(Arc::new(Int64Array::from_iter_values(steps.scan(0, risen))) as ArrayRef), Form::Rising, 1_000);
        }
    }
}

#[test]
fn texts_by_codes_in_no_order_are_read_as_they_were_written() {
    for shared in [0, 1, 7, 8, 9, 16, 40] {
        for longest in [0, 1, 7, 8, 15, 16, 17, 40] {
            // Of all lengths up to the longest; the last of them ends all of the text.
            let ending = |number: u64| "0123456789abcdef".repeat(3)[..(number % (longest + 1)) as usize].to_owned();
            let texts = numbers(300).map(|number| format!("{}{}{}", "x".repeat(shared), number % 2, ending(number >> 8)));
            let mut given = Texts::default();
            texts.for_each(|text| given.push(&text));
            let (array, scattered) = (strings(&given), Scattered::of(&given));
            // Several pages and groups once: what they begin with is what differs above.
            for rows in [1, 2, if shared == longest as usize { 60_000 } else { 600 }] {
                let keys: Int32Array = numbers(rows).map(|number| Some((number % 300) as i32)).collect();
                let coded: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::clone(&array)));
                let codes = |slice: &ArrayRef| -> Vec<u32> {
                    slice.as_dictionary::<Int32Type>().keys().values().iter().map(|key| *key as u32).collect()
                };
                let kind = coded.data_type();
                round_as(&coded, kind, Form::Scattered, 25_000, |slice| scattered.cells(codes(&slice).into()));
                for form in [Form::Scattered, Form::Distinct] {
                    round_as(&coded, kind, form, 25_000, |slice| Cells::Coded(codes(&slice).into(), Arc::clone(&array)));
                }
            }
        }
    }
}

#[test]
fn texts_end_to_end_are_read_as_they_were_written() {
    for rows in LENGTHS {
        let texts = numbers(rows).enumerate().map(|(row, number)| format!("{row:0width$}", width = 1 + number as usize % 40));
        let mut given = Texts::default();
        ["what comes before", ""].into_iter().for_each(|text| given.push(text));
        let texts: Vec<String> = texts.collect();
        texts.iter().for_each(|text| given.push(text));
        let array: ArrayRef = Arc::new(StringArray::from(texts));
        let next = std::cell::Cell::new(2);
        round_as(&array, &DataType::Utf8, Form::Distinct, 30_000, |slice| {
            let places = next.get()..next.get() + slice.len();
            next.set(places.end);
            Cells::Texts(Cow::Owned(given.clone()), places)
        });
    }
}

#[test]
fn texts_that_begin_alike_are_read_as_they_were_written() {
    let all = ["", "a", "ab", "ab", "abcdefgh", "abcdefgh", "abcdefghi", "abcdefghij", "abcdefg", "", "é", "è", "名前", "名"];
    round(&(Arc::new(StringArray::from(all.to_vec())) as ArrayRef), Form::Distinct, 100);
    let rising: StringArray = (0..60_000).map(|number| Some(format!("{number:020}"))).collect();
    round(&(Arc::new(rising) as ArrayRef), Form::Distinct, 60_000);
    round(&(Arc::new(StringArray::from(all.to_vec())) as ArrayRef), Form::Scattered, 100);
    let alike: StringArray = numbers(60_000).map(|number| Some(format!("i-{:07}", number % 10_000_000))).collect();
    round(&(Arc::new(alike) as ArrayRef), Form::Scattered, 60_000);
}

#[test]
fn a_dictionary_that_would_repeat_nothing_is_not_written() {
    // Long texts, each once: more than a dictionary may take.
    let texts: StringArray = (0..3_000).map(|code| Some(format!("{code:0800}"))).collect();
    let keys: Int32Array = (0..3_000).rev().map(Some).collect();
    let coded = DictionaryArray::<Int32Type>::new(keys, Arc::new(texts));
    let coded: ArrayRef = Arc::new(coded);
    assert_eq!(encoding_of(&coded), Encoding::DELTA_BYTE_ARRAY);
    round(&coded, Form::Repeating, 3_000);

    let decimals = |distinct: u64| -> ArrayRef {
        Arc::new(of_digits_38(numbers(9_000).map(|number| Some(i128::from(number % distinct))).collect()))
    };
    assert_eq!(encoding_of(&decimals(8)), Encoding::RLE_DICTIONARY);
    assert_eq!(encoding_of(&decimals(u64::MAX)), Encoding::PLAIN);
}

fn encoding_of(array: &ArrayRef) -> Encoding {
    Values::of(array, Form::Repeating).expect("a known type").encoding()
}

#[test]
fn rising_numbers_say_their_least_and_greatest() {
    let said = |numbers: Vec<Option<i64>>| {
        let array: ArrayRef = Arc::new(Int64Array::from(numbers));
        Values::of(&array, Form::Rising).expect("a known type").statistics(array.len()).expect("numbers have ends")
    };
    assert_eq!(said(vec![Some(7), None, Some(-3), Some(5)]), Statistics::int64(Some(-3), Some(7), None, Some(1), false));
    assert_eq!(said(vec![None, None]), Statistics::int64(None, None, None, Some(2), false));
}
