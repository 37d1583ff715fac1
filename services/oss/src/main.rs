//! The `oss` command.

fn main() {}
