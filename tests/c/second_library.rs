//! Another Rust library in the same program: it has the standard library, and panics.

use std::collections::HashMap;

/// Sorts words, panics and recovers; returns the number of words.
#[no_mangle]
pub extern "C" fn second_library() -> usize {
    let words: HashMap<String, usize> = ["ring", "buffer"]
        .into_iter()
        .map(|word| (word.to_string(), word.len()))
        .collect();
    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| panic!("on purpose")).is_err();
    words.len() * usize::from(caught)
}
