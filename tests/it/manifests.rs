//! Files against what their producer says of them.
