//! Lets CSV bytes through that can be trusted: UTF-8, quotes that close, line breaks where they belong, a last line that
//! ends. Takes the byte order mark and the CR of CRLF off on the way, so that what comes out has one kind of line break.
//!
//! A record cut in the middle of a number is a valid smaller number, which nobody downstream could see: that is why the
//! last line break is insisted on, and why a quote that swallows the rest of a file refuses the file.

use super::FileRefusal;
use std::io::{self, Read};

/// A record beyond this is no record: a quote that was never closed, or no CSV.
pub(super) const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;

const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes that are looked at together; most of them mean nothing.
const BLOCK_BYTES: usize = 64;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) struct Sieve<R> {
    inner: R,
    chunk: Box<[u8]>,
    /// Bytes at the start of `chunk` that begin a character which the last read cut.
    carried: usize,
    is_at_start: bool,
    check: Check,
    ready: Vec<u8>,
    served: usize,
}

/// Where in a record the last byte was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    RecordStart,
    FieldStart,
    Unquoted,
    Quoted,
    /// Behind a quote inside quotes: it closes the field, or a second one follows and both stand for one.
    QuoteSeen,
    CarriageReturn,
}

struct Check {
    state: State,
    line: u64,
    quote_line: u64,
    record_line: u64,
    record_bytes: usize,
}

impl<R: Read> Sieve<R> {
    pub(super) fn new(inner: R) -> Self {
        let check = Check { state: State::RecordStart, line: 1, quote_line: 1, record_line: 1, record_bytes: 0 };
        let chunk = vec![0; CHUNK_BYTES].into_boxed_slice();
        Self { inner, chunk, carried: 0, is_at_start: true, check, ready: Vec::with_capacity(CHUNK_BYTES), served: 0 }
    }

    /// Reads everything and keeps nothing: whether the whole can be trusted.
    pub(super) fn check_all(mut self) -> Result<(), FileRefusal> {
        while self.fill()? {}
        Ok(())
    }

    /// Makes the next bytes ready; false at the end.
    fn fill(&mut self) -> Result<bool, FileRefusal> {
        self.ready.clear();
        self.served = 0;
        while self.ready.is_empty() {
            let read = read_some(&mut self.inner, &mut self.chunk[self.carried..]).map_err(|e| FileRefusal::of(&e))?;
            let filled = self.carried + read;
            let valid = match std::str::from_utf8(&self.chunk[..filled]) {
                Ok(_) => filled,
                Err(error) if error.error_len().is_none() && read > 0 => error.valid_up_to(),
                Err(error) => return Err(self.not_utf8(error.valid_up_to())),
            };
            let first = if self.is_at_start && self.chunk[..valid].starts_with(BYTE_ORDER_MARK) { 3 } else { 0 };
            self.check.sieve(&self.chunk[first..valid], &mut self.ready)?;
            self.chunk.copy_within(valid..filled, 0);
            self.carried = filled - valid;
            self.is_at_start &= valid == 0;
            if read == 0 {
                self.check.end()?;
                return Ok(!self.ready.is_empty());
            }
        }
        Ok(true)
    }

    fn not_utf8(&self, place: usize) -> FileRefusal {
        let breaks = self.chunk[..place].iter().filter(|byte| **byte == b'\n').count() as u64;
        let line = self.check.line + breaks;
        FileRefusal::new("invalid_encoding", format!("line {line} is not UTF-8; save the file as CSV UTF-8 and send it again"))
    }
}

impl Check {
    /// Moves on by these bytes; those that belong to what comes out are appended.
    fn sieve(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FileRefusal> {
        for block in bytes.chunks(BLOCK_BYTES) {
            if self.passes(block) {
                out.extend_from_slice(block);
                continue;
            }
            for byte in block {
                if self.lets_through(*byte)? {
                    out.push(*byte);
                }
            }
        }
        Ok(())
    }

    /// Moves on by a block at once, if nothing in it but commas and line breaks means anything; otherwise stays.
    fn passes(&mut self, block: &[u8]) -> bool {
        let is_between = matches!(self.state, State::RecordStart | State::FieldStart | State::Unquoted);
        let is_plain = !block.iter().fold(false, |found, byte| found | matches!(byte, 0 | b'"' | b'\r'));
        let Some(last) = block.last().filter(|_| is_between && is_plain) else { return false };
        let (begun_on, begun_bytes) = match self.state {
            State::RecordStart => (self.line, 0),
            _ => (self.record_line, self.record_bytes),
        };
        if begun_bytes + block.len() > RECORD_BYTES_MAX {
            return false;
        }
        let breaks: u64 = block.iter().map(|byte| u64::from(*byte == b'\n')).sum();
        self.line += breaks;
        (self.record_line, self.record_bytes) = match block.iter().rposition(|byte| *byte == b'\n') {
            Some(latest) => (self.line, block.len() - latest - 1),
            None => (begun_on, begun_bytes + block.len()),
        };
        self.state = match last {
            b'\n' => State::RecordStart,
            b',' => State::FieldStart,
            _ => State::Unquoted,
        };
        true
    }

    /// Moves on by one byte and says whether it belongs to what comes out.
    fn lets_through(&mut self, byte: u8) -> Result<bool, FileRefusal> {
        use State::{CarriageReturn, FieldStart, QuoteSeen, Quoted, RecordStart, Unquoted};
        if byte == 0 {
            let detail = format!("line {} holds a NUL byte: the file is binary or UTF-16; expected CSV in UTF-8", self.line);
            return Err(FileRefusal::new("invalid_encoding", detail));
        }
        if self.state == RecordStart {
            (self.record_line, self.record_bytes) = (self.line, 0);
        }
        self.record_bytes += 1;
        if self.record_bytes > RECORD_BYTES_MAX {
            return Err(self.too_long());
        }

        self.state = match (self.state, byte) {
            (Quoted, b'"') => QuoteSeen,
            (Quoted, _) => Quoted,
            (CarriageReturn, b'\n') => RecordStart,
            (CarriageReturn, _) => return Err(self.malformed("a carriage return without a line feed; expected LF or CRLF")),
            (_, b'\n') => RecordStart,
            (_, b'\r') => CarriageReturn,
            (_, b',') => FieldStart,
            (RecordStart | FieldStart, b'"') => {
                self.quote_line = self.line;
                Quoted
            }
            (QuoteSeen, b'"') => Quoted,
            (QuoteSeen, _) => {
                return Err(self.malformed(
                    "text behind a closing quote; expected a comma or the end of the line (a quote inside \
                                           quotes is written twice)",
                ));
            }
            (RecordStart | FieldStart | Unquoted, _) => Unquoted,
        };
        self.line += u64::from(byte == b'\n');
        Ok(self.state != CarriageReturn)
    }

    fn end(&self) -> Result<(), FileRefusal> {
        match self.state {
            State::RecordStart => Ok(()),
            State::Quoted => {
                let detail =
                    format!("the quote that opens on line {} is never closed; the file is damaged or truncated", self.quote_line);
                Err(FileRefusal::new("unclosed_quote", detail))
            }
            State::FieldStart | State::Unquoted | State::QuoteSeen | State::CarriageReturn => {
                let detail = format!(
                    "line {} is the last and has no line break: the file may be truncated; send it again, complete",
                    self.line
                );
                Err(FileRefusal::new("truncated", detail))
            }
        }
    }

    fn too_long(&self) -> FileRefusal {
        let detail = format!(
            "the record that begins on line {} has more than {RECORD_BYTES_MAX} bytes; look for a quote that is not closed",
            self.record_line
        );
        FileRefusal::new("record_too_long", detail)
    }

    fn malformed(&self, what: &str) -> FileRefusal {
        FileRefusal::new("malformed_csv", format!("line {} has {what}", self.line))
    }
}

impl<R: Read> Read for Sieve<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.served == self.ready.len() && !self.fill().map_err(io::Error::other)? {
            return Ok(0);
        }
        let served = (self.ready.len() - self.served).min(buffer.len());
        buffer[..served].copy_from_slice(&self.ready[self.served..self.served + served]);
        self.served += served;
        Ok(served)
    }
}

fn read_some(inner: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match inner.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands bytes out a few at a time, so that characters and line breaks are cut between reads.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let some = self.1.min(buffer.len()).min(self.0.len());
            buffer[..some].copy_from_slice(&self.0[..some]);
            self.0 = &self.0[some..];
            Ok(some)
        }
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_however_it_is_cut() {
        let long = format!("a\n{}\n", "x".repeat(RECORD_BYTES_MAX - 1)); // with its line break
        let cases: &[(&[u8], &str)] = &[
            (b"a,b\n1,2\n", "a,b\n1,2\n"),
            (b"\xef\xbb\xbfa,b\r\n1,2\r\n", "a,b\n1,2\n"),
            (b"a,\"b\r\n\"\"c\"\"\"\r\n", "a,\"b\r\n\"\"c\"\"\"\n"), // inside quotes nothing changes
            (b"a,5\" disk\n", "a,5\" disk\n"),                       // a quote inside an unquoted field is itself
            ("é,界,🦀\n".as_bytes(), "é,界,🦀\n"),
            (b"a,b\n1,2", "truncated"),
            (b"a,b\n1,\"2\"", "truncated"),
            (b"a,b\n1,2\r", "truncated"),
            (b"a,b\n1,", "truncated"),
            (b"a,b\n1,\"2\n3,4\n", "unclosed_quote"),
            (b"a,b\n\"1\"2,3\n", "malformed_csv"),
            (b"a,b\n\"1\" ,3\n", "malformed_csv"),
            (b"a,b\r1,2\r", "malformed_csv"),
            (b"a,b\n1,\r2\n", "malformed_csv"),
            (b"a,b\n1,\xff\n", "invalid_encoding"),
            (b"a,b\n1,\xc3\x28\n", "invalid_encoding"),
            (b"a,b\n1,\xe7\x95", "invalid_encoding"), // cut in the middle of a character
            (b"a,b\n1,\0\n", "invalid_encoding"),
            (b"a\0,\0b\0\n\0", "invalid_encoding"), // UTF-16 without a mark
            (long.as_bytes(), "ok"),
            (&[b"a\nx", &long.as_bytes()[2..]].concat(), "record_too_long"),
        ];
        for (bytes, expected) in cases {
            for step in [1, 2, 3, 7, usize::MAX] {
                if bytes.len() > CHUNK_BYTES && step < 7 {
                    continue;
                }
                let mut text = String::new();
                let seen = match Sieve::new(Slow(bytes, step)).read_to_string(&mut text) {
                    Ok(_) if text.len() > 100 => "ok",
                    Ok(_) => &text,
                    Err(error) => {
                        error.get_ref().and_then(|inner| inner.downcast_ref::<FileRefusal>()).expect("a refusal").reason
                    }
                };
                assert_eq!(&seen, expected, "{:?} by {step}", String::from_utf8_lossy(&bytes[..bytes.len().min(30)]));
            }
        }
    }

    #[test]
    fn a_refusal_names_the_line() {
        let detail = |bytes: &[u8]| Sieve::new(bytes).check_all().expect_err("refused").detail;
        assert!(detail(b"a\nb\n\xff\n").starts_with("line 3 is not UTF-8"));
        assert!(detail(b"a\nb\n\"c\nd\n").starts_with("the quote that opens on line 3"));
        assert!(detail(b"a\n\"b\nc\"\nd").starts_with("line 4 is the last"));
        assert!(detail(b"a\nb\nc\0\n").starts_with("line 3 holds a NUL"));
    }

    /// What is let through, and where the check stands then; or why not.
    type Seen = Result<(Vec<u8>, State, u64, Option<(u64, usize)>), String>;

    fn seen(parts: [&[u8]; 2], sieve: impl Fn(&mut Check, &[u8], &mut Vec<u8>) -> Result<(), FileRefusal>) -> Seen {
        let (mut check, mut out) = (Sieve::new(&b""[..]).check, Vec::new());
        for part in parts {
            sieve(&mut check, part, &mut out).map_err(|refusal| refusal.detail)?;
        }
        let record = (check.state != State::RecordStart).then_some((check.record_line, check.record_bytes));
        Ok((out, check.state, check.line, record))
    }

    #[test]
    fn bytes_in_blocks_are_let_through_as_one_by_one() {
        const BYTES: &[u8; 6] = b"a,\"\n\r\0";
        let one_by_one = |check: &mut Check, bytes: &[u8], out: &mut Vec<u8>| {
            for byte in bytes {
                if check.lets_through(*byte)? {
                    out.push(*byte);
                }
            }
            Ok(())
        };
        for length in 0..=6 {
            for number in 0..BYTES.len().pow(length) {
                let text: Vec<u8> = (0..length).map(|place| BYTES[number / BYTES.len().pow(place) % BYTES.len()]).collect();
                for cut in 0..=text.len() {
                    let parts = text.split_at(cut).into();
                    assert_eq!(seen(parts, Check::sieve), seen(parts, one_by_one), "{:?} at {cut}", text.escape_ascii());
                }
            }
        }
    }
}
