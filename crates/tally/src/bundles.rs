//! Columns that are filled side by side, a row here and a row there.
//!
//! Each of many such columns ends at another place of memory, and a row that is written there waits for it, with all that is
//! written after it. So rows wait near the processor until there are some, and those are written in one go: then the memory of
//! all of them is on its way at once.

/// Rows that are written in one go.
const BUNDLE: usize = 16;

/// A column, the last rows of which may wait.
#[derive(Debug)]
pub(crate) struct Bundled<T> {
    written: Vec<T>,
    waiting: [T; BUNDLE],
    waiting_rows: usize,
}

impl<T: Copy + Default> Default for Bundled<T> {
    fn default() -> Self {
        Self { written: Vec::new(), waiting: [T::default(); BUNDLE], waiting_rows: 0 }
    }
}

impl<T: Copy> Bundled<T> {
    /// Appends a row.
    #[inline]
    pub fn push(&mut self, row: T) {
        self.waiting[self.waiting_rows] = row;
        self.waiting_rows += 1;
        if self.waiting_rows == BUNDLE {
            self.write();
        }
    }

    #[inline(never)]
    fn write(&mut self) {
        self.written.extend_from_slice(&self.waiting[..self.waiting_rows]);
        self.waiting_rows = 0;
    }

    /// All rows.
    pub fn all(&mut self) -> &mut [T] {
        self.write();
        &mut self.written
    }

    /// Makes room for so many rows.
    pub fn reserve(&mut self, rows: usize) {
        self.written.reserve(rows);
    }

    /// Takes all rows out, without giving back their memory.
    pub fn clear(&mut self) {
        self.written.clear();
        self.waiting_rows = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in() {
        let mut column = Bundled::<u32>::default();
        for rows in [0, 1, BUNDLE - 1, BUNDLE, BUNDLE + 1, 5 * BUNDLE, 5 * BUNDLE + 3] {
            let expected: Vec<u32> = (0..rows as u32).collect();
            let (first, rest) = expected.split_at(rows / 3);
            first.iter().for_each(|row| column.push(*row));
            assert_eq!(column.all(), first);
            rest.iter().for_each(|row| column.push(*row));
            assert_eq!(column.all(), expected);
            column.push(7);
            column.clear();
        }
    }
}
