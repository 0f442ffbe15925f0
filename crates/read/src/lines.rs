//! Lines that can be trusted: UTF-8, none too long, the last one ended. Blank lines are counted and passed over.
//!
//! The last line break is insisted on as in CSV: without it nobody can tell a file from the first half of one.

use super::FileRefusal;
use super::input::Input;
use super::sieve::RECORD_BYTES_MAX;
use std::io::{BufRead as _, BufReader, Read as _};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) struct Lines {
    input: BufReader<Input>,
    line: u64,
    buffer: Vec<u8>,
}

impl Lines {
    pub(super) fn new(input: Input) -> Self {
        Self { input: BufReader::with_capacity(64 * 1024, input), line: 0, buffer: Vec::new() }
    }

    /// The same lines from the first.
    pub(super) fn rewound(self) -> Result<Self, FileRefusal> {
        let mut input = self.input.into_inner();
        input.rewind()?;
        Ok(Self::new(input))
    }

    /// The next line that is not blank, with its number, from 1.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, &str)>, FileRefusal> {
        loop {
            self.buffer.clear();
            let mut limited = self.input.by_ref().take(RECORD_BYTES_MAX as u64 + 1);
            if limited.read_until(b'\n', &mut self.buffer).map_err(|error| FileRefusal::of(&error))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            self.check()?;
            if self.line == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        match std::str::from_utf8(self.buffer.trim_ascii()) {
            Ok(text) => Ok(Some((self.line, text))),
            Err(_) => {
                let detail = format!("line {} is not UTF-8; write the file as UTF-8 and send it again", self.line);
                Err(FileRefusal::new("invalid_encoding", detail))
            }
        }
    }

    fn check(&self) -> Result<(), FileRefusal> {
        let (line, buffer) = (self.line, &self.buffer);
        if buffer.len() > RECORD_BYTES_MAX {
            let detail = format!("line {line} has more than {RECORD_BYTES_MAX} bytes; expected one object a line");
            return Err(FileRefusal::new("record_too_long", detail));
        }
        if buffer.contains(&0) {
            let detail = format!("line {line} holds a NUL byte: the file is binary or UTF-16; expected NDJSON in UTF-8");
            return Err(FileRefusal::new("invalid_encoding", detail));
        }
        if buffer.last() != Some(&b'\n') {
            let detail =
                format!("line {line} is the last and has no line break: the file may be truncated; send it again, complete");
            return Err(FileRefusal::new("truncated", detail));
        }
        Ok(())
    }
}
