//! Takes delivered files in.

pub mod read;
