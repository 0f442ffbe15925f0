//! What the decoder is asked for, as one argument.

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::{Path, PathBuf};

const ROWS: &str = "rows";
const LINES: &str = "lines=";
const COLUMNS: &str = "columns";
const PARTS: &str = "parts";

/// What the decoder is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Task {
    /// Every row as text.
    Rows,
    /// The rows on the lines that stand in a file, as text.
    Lines(PathBuf),
    /// Usage as columns, of all row groups or of these.
    Columns(Option<Range<usize>>),
    /// The rows of each row group.
    Parts,
}

impl Task {
    pub(super) fn to_argument(&self) -> OsString {
        match self {
            Self::Rows => ROWS.into(),
            Self::Lines(path) => [OsStr::new(LINES), path.as_os_str()].into_iter().collect(),
            Self::Columns(None) => COLUMNS.into(),
            Self::Columns(Some(groups)) => format!("{COLUMNS}={}..{}", groups.start, groups.end).into(),
            Self::Parts => PARTS.into(),
        }
    }

    pub(super) fn of_argument(argument: &OsStr) -> Option<Self> {
        if let Some(path) = argument.as_encoded_bytes().strip_prefix(LINES.as_bytes()) {
            return Some(Self::Lines(path_of(path)));
        }
        match argument.to_str()? {
            ROWS => Some(Self::Rows),
            PARTS => Some(Self::Parts),
            COLUMNS => Some(Self::Columns(None)),
            other => {
                let (start, end) = other.strip_prefix(COLUMNS)?.strip_prefix('=')?.split_once("..")?;
                Some(Self::Columns(Some(start.parse().ok()?..end.parse().ok()?)))
            }
        }
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(OsStr::from_bytes(bytes)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_understood_as_it_was_meant() {
        let tasks = [
            Task::Rows,
            Task::Lines("/tmp/a=b..c é".into()),
            Task::Columns(None),
            Task::Columns(Some(0..0)),
            Task::Columns(Some(3..17)),
            Task::Parts,
        ];
        for task in tasks {
            assert_eq!(Task::of_argument(&task.to_argument()), Some(task));
        }
        for nonsense in ["", "row", "columns=", "columns=1", "columns=1..x", "columns1..2", "usage"] {
            assert_eq!(Task::of_argument(OsStr::new(nonsense)), None, "{nonsense}");
        }
    }
}
