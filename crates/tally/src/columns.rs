//! Columns of a part that take less memory than what they say: taking rows is mostly waiting for memory.

use crate::partials::E12;
use crate::runs::Rows;
use crate::width::{Narrow, Width as _};
use std::borrow::Cow;

/// Lines of rows in the delivered file, ascending: most follow each other.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// Where lines that follow each other begin: the row and its line.
    runs: Vec<(usize, u64)>,
    len: usize,
    /// What would follow the last.
    next: u64,
}

impl Lines {
    /// The line of a row.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn get(&self, row: usize) -> u64 {
        assert!(row < self.len, "row {row} of {}", self.len);
        let (first, line) = self.runs[self.runs.partition_point(|(first, _)| *first <= row) - 1];
        line + (row - first) as u64
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Those of these rows.
    pub(crate) fn of(&self, rows: &Rows) -> Vec<u64> {
        let mut lines = Vec::with_capacity(rows.len());
        for mut rows in rows.runs() {
            let mut run = self.runs.partition_point(|(first, _)| *first <= rows.start);
            while !rows.is_empty() {
                let (first, line) = self.runs[run - 1];
                let end = self.runs.get(run).map_or(rows.end, |(next, _)| rows.end.min(*next));
                let line_of = |row: usize| line + (row - first) as u64;
                lines.extend(line_of(rows.start)..line_of(end));
                (rows.start, run) = (end, run + 1);
            }
        }
        lines
    }

    /// Appends lines that ascend, all of them after the last.
    pub(crate) fn extend(&mut self, lines: &[u64]) {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return };
        if last - first == lines.len() as u64 - 1 {
            return self.push_run(*first, lines.len());
        }
        lines.iter().for_each(|line| self.push_run(*line, 1));
    }

    fn push_run(&mut self, line: u64, count: usize) {
        if self.runs.is_empty() || line != self.next {
            self.runs.push((self.len, line));
        }
        self.len += count;
        self.next = line + count as u64;
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.len = 0;
    }
}

/// Quantities: whole ones of 32 bits, until one is not.
#[derive(Debug, Clone, Default)]
pub struct Quantities {
    whole: Vec<u32>,
    /// Units of 1e-12, and all of them, once one is not whole.
    e12: Vec<i128>,
}

/// Quantities that follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum QuantityRun<'a> {
    Whole(&'a [u32]),
    E12(&'a [i128]),
}

/// Numbers of whole units.
type WholeUnits = Narrow<{ E12 as u64 }>;

fn e12_of(whole: u32) -> i128 {
    i128::from(whole) * E12
}

impl Quantities {
    /// That of a row, in units of 1e-12.
    pub fn e12(&self, row: usize) -> i128 {
        match self.whole.get(row) {
            Some(whole) => e12_of(*whole),
            None => self.e12[row],
        }
    }

    /// Those of these rows, in units of 1e-12.
    pub(crate) fn of(&self, rows: &Rows) -> Cow<'_, [i128]> {
        match self.e12.is_empty() {
            true => rows.of(&self.whole).iter().map(|whole| e12_of(*whole)).collect(),
            false => rows.of(&self.e12),
        }
    }

    pub(crate) fn run(&self, rows: std::ops::Range<usize>) -> QuantityRun<'_> {
        match self.e12.is_empty() {
            true => QuantityRun::Whole(&self.whole[rows]),
            false => QuantityRun::E12(&self.e12[rows]),
        }
    }

    /// Appends those of rows that follow each other.
    pub(crate) fn extend(&mut self, e12: &[i128]) {
        if self.e12.is_empty() {
            let before = self.whole.len();
            let mut are_whole = true;
            self.whole.extend(e12.iter().map(|e12| {
                let whole = WholeUnits::quantity(*e12);
                are_whole &= whole.is_some();
                whole.unwrap_or_default()
            }));
            if are_whole {
                return;
            }
            self.e12.extend(self.whole.drain(..).take(before).map(e12_of));
        }
        self.e12.extend_from_slice(e12);
    }

    pub(crate) fn reserve(&mut self, rows: usize) {
        self.whole.reserve(rows);
    }

    pub(crate) fn clear(&mut self) {
        self.whole.clear();
        self.e12.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_as_they_were_given() {
        let batches: [&[u64]; 7] = [&[2, 3, 4], &[5, 6], &[], &[9], &[10, 12, 13, 20], &[21], &[40]];
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for round in 0..2 {
            for batch in batches {
                lines.extend(batch);
                all.extend_from_slice(batch);
                assert_eq!((0..lines.len()).map(|row| lines.get(row)).collect::<Vec<_>>(), all, "{round}");
                let everything: Rows = (0..all.len()).collect();
                assert_eq!(lines.of(&everything), all, "{round}");
                let third: Rows = (0..all.len()).filter(|row| row % 3 != 1).collect();
                assert_eq!(lines.of(&third), third.iter().map(|row| all[row]).collect::<Vec<_>>(), "{round}");
            }
            assert_eq!(lines.is_empty(), all.is_empty());
            lines.clear();
            all.clear();
        }
        assert!(lines.is_empty());
    }

    #[test]
    fn quantities_are_told_as_they_were_given() {
        // Beyond 64 bits at 1e-12 nobody looks whether it is whole.
        let max = i128::from(u64::MAX / E12 as u64) * E12;
        // Batches, one after the other; whole ones for as long as they fit.
        let cases: [(&[&[i128]], bool); 8] = [
            (&[], true),
            (&[&[], &[E12]], true),
            (&[&[0, E12, 7 * E12], &[], &[max]], true),
            (&[&[E12], &[max + E12, 3]], false),
            (&[&[1], &[E12]], false),
            (&[&[E12, E12 / 2, E12]], false),
            (&[&[E12], &[E12], &[-1], &[E12]], false),
            (&[&[i128::MAX], &[0]], false),
        ];
        let mut quantities = Quantities::default();
        for (batches, are_whole) in cases {
            quantities.clear();
            batches.iter().for_each(|batch| quantities.extend(batch));
            let all = batches.concat();
            assert_eq!((0..all.len()).map(|row| quantities.e12(row)).collect::<Vec<_>>(), all);
            let everything: Rows = (0..all.len()).collect();
            assert_eq!(quantities.of(&everything), all);
            assert_eq!(matches!(quantities.run(0..all.len()), QuantityRun::Whole(_)), are_whole);
        }
    }
}
