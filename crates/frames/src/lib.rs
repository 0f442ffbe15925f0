//! Frames: usage rows and charges in columns.
