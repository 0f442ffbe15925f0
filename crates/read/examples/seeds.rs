//! Writes the fuzz targets' seeds: `cargo run -p reckoner-read --example seeds -- fuzz/corpus`. See docs/fuzzing.md.

#[path = "../../../fuzz/seeds.rs"]
mod seeds;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("name the folder to write to, such as `fuzz/corpus`");
        return Ok(());
    };
    for (target, seeds) in seeds::seeds() {
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
        println!("{target}: {} seeds", seeds.len());
    }
    Ok(())
}
