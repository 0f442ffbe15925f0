//! Parquet written by hand, so that it can lie: footers and page headers say what a test wants them to say.

/// Thrift's compact protocol, as much of it as Parquet's headers need.
#[derive(Default)]
pub struct Thrift {
    bytes: Vec<u8>,
    last_field: u8,
}

const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

impl Thrift {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number as u8 & 0x7f) | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn zigzag(&mut self, number: i64) {
        self.varint(((number << 1) ^ (number >> 63)) as u64);
    }

    fn field(&mut self, field: u8, kind: u8) {
        self.bytes.push(((field - self.last_field) << 4) | kind);
        self.last_field = field;
    }

    pub fn i32(mut self, field: u8, number: i32) -> Self {
        self.field(field, I32);
        self.zigzag(number.into());
        self
    }

    pub fn i64(mut self, field: u8, number: i64) -> Self {
        self.field(field, I64);
        self.zigzag(number);
        self
    }

    pub fn text(mut self, field: u8, text: &str) -> Self {
        self.field(field, BINARY);
        self.bare_text(text);
        self
    }

    fn bare_text(&mut self, text: &str) {
        self.varint(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub fn structure(mut self, field: u8, inside: Thrift) -> Self {
        self.field(field, STRUCT);
        self.bytes.extend(inside.done());
        self
    }

    fn list(&mut self, field: u8, kind: u8, stated: u64) {
        self.field(field, LIST);
        if stated < 15 {
            self.bytes.push((stated as u8) << 4 | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            self.varint(stated);
        }
    }

    /// A list that says it has so many items, whatever follows.
    pub fn structures(mut self, field: u8, stated: u64, items: Vec<Thrift>) -> Self {
        self.list(field, STRUCT, stated);
        for item in items {
            self.bytes.extend(item.done());
        }
        self
    }

    fn i32s(mut self, field: u8, numbers: &[i32]) -> Self {
        self.list(field, I32, numbers.len() as u64);
        for number in numbers {
            self.zigzag((*number).into());
        }
        self
    }

    fn texts(mut self, field: u8, texts: &[&str]) -> Self {
        self.list(field, BINARY, texts.len() as u64);
        for text in texts {
            self.bare_text(text);
        }
        self
    }

    fn done(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

pub const PLAIN: i32 = 0;
pub const DELTA_LENGTH_BYTE_ARRAY: i32 = 6;
pub const DELTA_BYTE_ARRAY: i32 = 7;
pub const RLE_DICTIONARY: i32 = 8;
pub const UNPACKED: i32 = 0;
pub const GZIP: i32 = 2;
pub const ZSTD: i32 = 6;

/// A page: what its header says, and what it holds.
#[derive(Clone)]
pub struct Page {
    pub is_dictionary: bool,
    pub values: i32,
    pub encoding: i32,
    /// As the header says.
    pub unpacked_bytes: i32,
    /// As the header says.
    pub packed_bytes: i32,
    /// As it lies in the file.
    pub content: Vec<u8>,
}

impl Page {
    /// A page whose header says the truth about unpacked content.
    pub fn new(values: i32, encoding: i32, content: Vec<u8>) -> Self {
        let bytes = content.len() as i32;
        Self { is_dictionary: false, values, encoding, unpacked_bytes: bytes, packed_bytes: bytes, content }
    }

    pub fn dictionary(texts: &[&str]) -> Self {
        Self { is_dictionary: true, ..Self::new(texts.len() as i32, PLAIN, plain(texts)) }
    }

    fn bytes(&self) -> Vec<u8> {
        let header = Thrift::default()
            .i32(1, if self.is_dictionary { 2 } else { 0 })
            .i32(2, self.unpacked_bytes)
            .i32(3, self.packed_bytes);
        let inside = Thrift::default().i32(1, self.values).i32(2, self.encoding);
        let header = match self.is_dictionary {
            true => header.structure(7, inside),
            false => header.structure(5, inside.i32(3, 3).i32(4, 3)),
        };
        [header.done(), self.content.clone()].concat()
    }
}

/// A column of text without missing values.
#[derive(Clone)]
pub struct Column {
    pub name: String,
    pub codec: i32,
    pub pages: Vec<Page>,
    /// As the footer says; the truth otherwise.
    pub unpacked_bytes: Option<i64>,
    pub offset: Option<i64>,
    pub values: Option<i64>,
}

impl Column {
    pub fn of_pages(name: &str, codec: i32, pages: Vec<Page>) -> Self {
        Self { name: name.to_owned(), codec, pages, unpacked_bytes: None, offset: None, values: None }
    }

    /// The same text in so many rows: a dictionary of one value and one run, twenty bytes whatever their number.
    pub fn run(name: &str, text: &str, rows: i32) -> Self {
        let mut run = Thrift::default();
        run.bytes.push(1); // bits an index has
        run.varint((rows as u64) << 1);
        run.bytes.push(0); // the index that is repeated
        Self::of_pages(name, UNPACKED, vec![Page::dictionary(&[text]), Page::new(rows, RLE_DICTIONARY, run.bytes)])
    }

    pub fn plain(name: &str, texts: &[&str]) -> Self {
        Self::of_pages(name, UNPACKED, vec![Page::new(texts.len() as i32, PLAIN, plain(texts))])
    }
}

/// Texts as they lie in a plain page: length, then bytes.
pub fn plain(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()).collect()
}

/// The head of delta-packed numbers that says there are so many of them; then nothing.
pub fn delta_head(values: u64) -> Vec<u8> {
    let mut head = Thrift::default();
    head.varint(128); // values a block
    head.varint(4); // miniblocks a block
    head.varint(values);
    head.zigzag(0);
    head.bytes
}

/// What the footer says beside the columns.
#[derive(Clone, Default)]
pub struct Footer {
    /// Rows of the file and of its row group, if not as many as meant.
    pub rows: Option<i64>,
    pub group_rows: Option<i64>,
    /// So many elements the schema says it has.
    pub schema_elements: Option<u64>,
    /// Bytes between the first four and the first page: a file that is not so small.
    pub padding: usize,
}

/// A file of one row group with these columns.
pub fn file(columns: &[Column], rows: i64, footer: &Footer) -> Vec<u8> {
    let mut bytes = [b"PAR1".to_vec(), vec![b'x'; footer.padding]].concat();
    let mut chunks = Vec::new();
    for column in columns {
        let offset = bytes.len() as i64;
        bytes.extend(column.pages.iter().flat_map(Page::bytes));
        let packed = bytes.len() as i64 - offset;
        let stated = column.offset.unwrap_or(offset);
        let has_dictionary = column.pages[0].is_dictionary;
        let data = stated + if has_dictionary { column.pages[0].bytes().len() as i64 } else { 0 };
        let encodings: Vec<i32> = column.pages.iter().map(|page| page.encoding).collect();
        let details = Thrift::default()
            .i32(1, 6)
            .i32s(2, &encodings)
            .texts(3, &[&column.name])
            .i32(4, column.codec)
            .i64(5, column.values.unwrap_or(rows))
            .i64(6, column.unpacked_bytes.unwrap_or(packed))
            .i64(7, packed)
            .i64(9, data);
        let details = if has_dictionary { details.i64(11, stated) } else { details };
        chunks.push(Thrift::default().i64(2, stated).structure(3, details));
    }
    let group_rows = footer.group_rows.or(footer.rows).unwrap_or(rows);
    let stated = chunks.len() as u64;
    let group =
        Thrift::default().structures(1, stated, chunks).i64(2, bytes.len() as i64 - 4 - footer.padding as i64).i64(3, group_rows);

    let mut schema = vec![Thrift::default().text(4, "schema").i32(5, columns.len() as i32)];
    schema.extend(columns.iter().map(|column| Thrift::default().i32(1, 6).i32(3, 0).text(4, &column.name).i32(6, 0)));
    let elements = footer.schema_elements.unwrap_or(schema.len() as u64);
    let metadata = Thrift::default()
        .i32(1, 1)
        .structures(2, elements, schema)
        .i64(3, footer.rows.unwrap_or(rows))
        .structures(4, 1, vec![group])
        .done();
    let length = (metadata.len() as u32).to_le_bytes();
    [bytes, metadata, length.to_vec(), b"PAR1".to_vec()].concat()
}
