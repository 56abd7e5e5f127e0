//! Makes a copy of the ring's sources in which every question for an Apple system has the answer
//! yes. The only thing that depends on it there is the width of the sizes.

use std::path::{Path, PathBuf};
use std::{env, fs};

const QUESTION: &str = "target_vendor = \"apple\"";
/// What is always so.
const YES: &str = "all()";

fn main() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/pa-ringbuffer/src");
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", source.display());
    let mut questions = 0;
    for entry in fs::read_dir(&source).expect("the sources are there") {
        let path = entry.expect("it can be listed").path();
        let text = fs::read_to_string(&path).expect("sources are text");
        questions += text.matches(QUESTION).count();
        let text = text
            .replace(QUESTION, YES)
            .lines()
            // What is only allowed at the beginning of a crate stands in this one's lib.rs.
            .filter(|line| !line.starts_with("#![") && !line.starts_with("//!"))
            .collect::<Vec<_>>()
            .join("\n");
        let name = path.file_name().expect("a file has a name");
        fs::write(target.join(name), text).expect("OUT_DIR can be written");
    }
    assert_eq!(
        questions, 4,
        "two for the type, two for its atomic; if there are others now, look whether they may be \
         answered in the same way"
    );
}
