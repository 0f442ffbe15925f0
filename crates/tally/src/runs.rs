//! Rows of a part, run by run: most of those that are taken stand one after the other.

use std::borrow::Cow;
use std::ops::Range;

/// Rows of a part, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Without the places between them that are no rows.
    runs: Vec<Range<usize>>,
    len: usize,
}

impl Rows {
    /// Appends rows that follow each other, and all that are there.
    ///
    /// # Panics
    /// Where they do not follow.
    pub fn push(&mut self, run: Range<usize>) {
        if run.is_empty() {
            return;
        }
        self.len += run.len();
        match self.runs.last_mut() {
            Some(last) if last.end == run.start => last.end = run.end,
            Some(last) => {
                assert!(last.end < run.start, "rows ascend");
                self.runs.push(run);
            }
            None => self.runs.push(run),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first.
    pub fn first(&self) -> Option<usize> {
        self.runs.first().map(|run| run.start)
    }

    /// Those that follow each other, together.
    pub fn runs(&self) -> impl Iterator<Item = Range<usize>> + Clone {
        self.runs.iter().cloned()
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = usize> + Clone {
        self.runs().flatten()
    }

    /// The same, at most so many at a time.
    pub fn chunks(&self, rows_max: usize) -> Vec<Self> {
        let mut chunks: Vec<Self> = Vec::new();
        for mut run in self.runs() {
            while !run.is_empty() {
                if chunks.last().is_none_or(|chunk| chunk.len == rows_max) {
                    chunks.push(Self::default());
                }
                let chunk = chunks.last_mut().expect("one was pushed");
                let end = run.end.min(run.start + rows_max - chunk.len);
                chunk.push(run.start..end);
                run.start = end;
            }
        }
        chunks
    }

    /// What a column says of them.
    pub fn of<'c, T: Copy>(&self, column: &'c [T]) -> Cow<'c, [T]> {
        match &*self.runs {
            [run] => Cow::Borrowed(&column[run.clone()]),
            runs => {
                let mut values = Vec::with_capacity(self.len);
                runs.iter().for_each(|run| values.extend_from_slice(&column[run.clone()]));
                Cow::Owned(values)
            }
        }
    }
}

impl FromIterator<usize> for Rows {
    fn from_iter<I: IntoIterator<Item = usize>>(rows: I) -> Self {
        let mut all = Self::default();
        rows.into_iter().for_each(|row| all.push(row..row + 1));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_kept_run_by_run() {
        // rows | first and last of the runs
        type Case<'a> = (&'a [usize], &'a [[usize; 2]]);
        let cases: [Case<'_>; 5] = [
            (&[], &[]),
            (&[7], &[[7, 7]]),
            (&[0, 1, 2], &[[0, 2]]),
            (&[0, 2], &[[0, 0], [2, 2]]),
            (&[1, 2, 5, 6, 9], &[[1, 2], [5, 6], [9, 9]]),
        ];
        let column: Vec<i32> = (0..10).map(|row| row * 11).collect();
        for (rows, runs) in cases {
            let all: Rows = rows.iter().copied().collect();
            assert_eq!((all.len(), all.is_empty(), all.first()), (rows.len(), rows.is_empty(), rows.first().copied()));
            let runs: Vec<Range<usize>> = runs.iter().map(|[first, last]| *first..last + 1).collect();
            assert_eq!((all.iter().collect::<Vec<_>>(), all.runs().collect::<Vec<_>>()), (rows.to_vec(), runs));
            assert_eq!(*all.of(&column), *rows.iter().map(|row| column[*row]).collect::<Vec<_>>());
            for rows_max in 1..4 {
                let chunks = all.chunks(rows_max);
                let expected: Vec<Vec<usize>> = rows.chunks(rows_max).map(<[usize]>::to_vec).collect();
                assert_eq!(chunks.iter().map(|chunk| chunk.iter().collect::<Vec<_>>()).collect::<Vec<_>>(), expected);
            }
        }
        let mut all = Rows::default();
        [3..3, 0..2, 2..2, 2..4, 5..6].into_iter().for_each(|run| all.push(run));
        assert_eq!((all.len(), all.runs().collect::<Vec<_>>()), (5, vec![0..4, 5..6]));
    }
}
