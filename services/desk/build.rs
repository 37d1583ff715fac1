//! Sees to it that there is something to embed: without `assets/build` pages come without style.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=assets/dist");
    println!("cargo::rerun-if-changed=templates");
    fs::create_dir_all(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/dist"))
}
