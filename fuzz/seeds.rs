//! The seed corpus: what the parsers are meant to read, made of `sample_data/` and of the profiles that come with the program.

use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterProperties;
use reckoner_core::profile::Profile;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a sample file that make a seed: a small one is changed in more places that matter.
const ROWS: usize = 4;

const IN_MEMORY: &str = "a table in memory is rectangular text";

/// A sample file's beginning.
struct Sample {
    table: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The seeds of every target, by its name.
pub fn seeds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let samples = samples();
    let usage: Vec<&Sample> = samples.iter().filter(|sample| sample.table == "usage").collect();
    let csv: Vec<Vec<u8>> = samples.iter().map(csv).collect();
    let ndjson: Vec<Vec<u8>> = samples.iter().map(|sample| lines(objects(sample))).collect();
    let funds = samples.iter().filter(|sample| sample.table == "funds");
    let funds: Vec<Vec<u8>> = funds.flat_map(|sample| [csv_crlf(sample), lines(objects(sample)), parquet(sample, 0)]).collect();
    let packed = funds.iter().flat_map(|bytes| [gzip(bytes), zstandard(bytes), bytes.clone()]).collect();
    vec![
        ("csv", csv),
        ("ndjson", ndjson),
        ("cloud_events", usage.iter().map(|sample| lines(objects(sample).into_iter().map(event))).collect()),
        ("parquet", samples.iter().flat_map(|sample| (0..5).map(|way| parquet(sample, way))).collect()),
        ("packed", packed),
        ("rows", samples.iter().flat_map(pairs).collect()),
        ("values", values(&samples)),
        ("tiers", tiers()),
        ("profile", ["huawei-intl", "huawei-cn", "ksyun"].iter().map(|name| profile(name)).collect()),
    ]
}

/// The repository's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn samples() -> Vec<Sample> {
    let entries = std::fs::read_dir(root().join("sample_data")).expect("it is in the repository");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a name").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "csv"));
    paths.sort();
    paths.iter().map(|path| sample(path)).collect()
}

fn sample(path: &Path) -> Sample {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path).expect("readable");
    let mut records = reader.records().map(|record| record.expect("CSV").iter().map(str::to_owned).collect::<Vec<_>>());
    let header = records.next().expect("a header");
    let rows = records.filter(|row| row.len() == header.len()).take(ROWS).collect();
    let name = path.file_name().expect("a file").to_string_lossy();
    Sample { table: name.split('-').next().unwrap_or_default().to_owned(), header, rows }
}

fn csv(sample: &Sample) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in [&sample.header].into_iter().chain(&sample.rows) {
        writer.write_record(record).expect(IN_MEMORY);
    }
    writer.into_inner().expect(IN_MEMORY)
}

fn csv_crlf(sample: &Sample) -> Vec<u8> {
    [&b"\xef\xbb\xbf"[..], String::from_utf8(csv(sample)).expect(IN_MEMORY).replace('\n', "\r\n").as_bytes()].concat()
}

fn objects(sample: &Sample) -> Vec<String> {
    let object = |row: &Vec<String>| {
        let cells = sample.header.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
        let cells = cells.map(|(column, cell)| format!("{}:{}", json(column), json_cell(column, cell)));
        format!("{{{}}}", cells.collect::<Vec<_>>().join(","))
    };
    sample.rows.iter().map(object).collect()
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("text")
}

/// Numbers and labels as JSON has them, so that these ways are taken too.
fn json_cell(column: &str, cell: &str) -> String {
    match column {
        "quantity" | "amount" | "unit_price" | "revision" | "waived" | "tiers" => cell.to_owned(),
        "tags" => {
            let pairs = cell.split(';').filter_map(|pair| pair.split_once('='));
            format!("{{{}}}", pairs.map(|(key, value)| format!("{}:{}", json(key), json(value))).collect::<Vec<_>>().join(","))
        }
        _ => json(cell),
    }
}

fn event(object: String) -> String {
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"/meter\",\"type\":\"usage\",\"time\":\"2026-01-05T00:00:00Z\",\"data\":{object}}}"
    )
}

fn lines(objects: impl IntoIterator<Item = String>) -> Vec<u8> {
    objects.into_iter().flat_map(|object| (object + "\n").into_bytes()).collect()
}

/// The sample as Parquet, in one of four ways: as it comes, packed and in small pages, delta-packed, and with typed columns.
fn parquet(sample: &Sample, way: usize) -> Vec<u8> {
    let properties = WriterProperties::builder();
    let properties = match way {
        1 => properties.set_compression(Compression::SNAPPY).set_data_page_row_count_limit(1),
        2 => properties.set_dictionary_enabled(false).set_encoding(Encoding::DELTA_BYTE_ARRAY),
        3 => properties
            .set_compression(Compression::ZSTD(Default::default()))
            .set_writer_version(parquet::file::properties::WriterVersion::PARQUET_2_0),
        4 => properties.set_dictionary_enabled(false).set_encoding(Encoding::PLAIN),
        _ => properties,
    };
    let columns = sample.header.iter().enumerate().map(|(place, name)| {
        let cells: Vec<Option<&str>> =
            sample.rows.iter().map(|row| Some(row[place].as_str()).filter(|cell| !cell.is_empty())).collect();
        let column: ArrayRef = match name.as_str() {
            "started_at" if way == 3 => {
                Arc::new(TimestampMicrosecondArray::from(vec![1_767_571_200_000_000; cells.len()]).with_timezone("UTC"))
            }
            "quantity" | "amount" if way == 3 => {
                Arc::new(Decimal128Array::from(vec![1_500; cells.len()]).with_precision_and_scale(20, 3).expect("it fits"))
            }
            _ => Arc::new(StringArray::from(cells)),
        };
        (name.as_str(), column, true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect(IN_MEMORY);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).expect(IN_MEMORY);
    writer.write(&batch).expect(IN_MEMORY);
    writer.close().expect(IN_MEMORY);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::default()).read_to_end(&mut packed).expect(IN_MEMORY);
    packed
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect(IN_MEMORY)
}

fn pairs(sample: &Sample) -> Vec<Vec<u8>> {
    let row = |row: &Vec<String>| {
        let cells = sample.header.iter().zip(row).map(|(column, cell)| format!("{column}={}", cell.replace('\n', " ")));
        [sample.table.clone()].into_iter().chain(cells).collect::<Vec<_>>().join("\n").into_bytes()
    };
    sample.rows.iter().map(row).collect()
}

/// Every cell of the samples, once, under a zone.
fn values(samples: &[Sample]) -> Vec<Vec<u8>> {
    const ZONES: [&str; 4] = ["+08:00", "Europe/Paris", "America/St_Johns", "-03:30"];
    let mut cells: Vec<&str> = samples.iter().flat_map(|sample| sample.rows.iter().flatten().map(String::as_str)).collect();
    cells.sort_unstable();
    cells.dedup();
    cells.iter().enumerate().map(|(place, cell)| format!("{}\n{cell}", ZONES[place % ZONES.len()]).into_bytes()).collect()
}

fn tiers() -> Vec<Vec<u8>> {
    let texts = [
        "\0[{\"up_to\":\"100\",\"unit_price\":\"0.10\",\"flat\":\"0\"},{\"unit_price\":\"0.08\"}]",
        "\x01[{\"up_to\":\"10.5\",\"unit_price\":\"0.123456789012\"},{\"up_to\":\"20\",\"unit_price\":\"0\"},{\"unit_price\":\"1\",\"flat\":\"2\"}]",
        "\x02{\"size\":\"10\",\"unit_price\":\"5\",\"free\":\"0\"}",
        "\x06{\"size\":\"1000\",\"unit_price\":\"0.2\"}",
        "\x03[]",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

fn profile(name: &str) -> Vec<u8> {
    Profile::builtin_toml(name).expect("it comes with the program").as_bytes().to_vec()
}
