//! What the sources say is real-time safe.

use std::fs;
use std::path::{Path, PathBuf};

/// Names of all functions whose documentation, or that of their type, says "real-time safe", in
/// order: `function` or `Type::function`. Private ones, too: they are run by the others.
pub(crate) fn documented() -> Option<Vec<String>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for name in ["pa-ringbuffer", "pa-ringbuffer-callback"] {
        let folder = crates.join(name).join("src");
        if !crate::require(folder.exists(), "the sources of both crates are needed") {
            return None;
        }
        for path in files(&folder) {
            let scanned = scan(&fs::read_to_string(&path).unwrap());
            found.extend(scanned.unwrap_or_else(|doc| panic!("{path:?}: what is this on?{doc}")));
        }
    }
    found.sort();
    Some(found)
}

/// All files in a folder and the folders below.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The functions in one file, as rustfmt leaves it; or documentation that says "real-time safe" and
/// is neither that of a function nor, with "All methods", that of a type.
fn scan(source: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut safe_types: Vec<(&str, String)> = Vec::new();
    let mut owner = None;
    let mut doc = String::new();
    for line in source.lines() {
        let code = line.trim_start();
        if let Some(text) = code.strip_prefix("///") {
            doc.push_str(text);
            continue;
        }
        if code.starts_with("#[") {
            continue;
        }
        let doc = std::mem::take(&mut doc);
        if line.starts_with("impl") {
            owner = Some(implemented(line));
        } else if line == "}" {
            owner = None;
        }
        // Not in the examples.
        let promise = (doc.split("```").step_by(2))
            .flat_map(|text| text.split(". "))
            .find(|sentence| sentence.to_lowercase().contains("real-time safe"));
        let Some((keyword, name)) = item(code) else {
            match promise {
                Some(_) => return Err(doc),
                None => continue,
            }
        };
        if keyword == "fn" {
            let by_type = safe_types.iter().any(|(safe, promise)| {
                Some(*safe) == owner
                    && code.starts_with("pub ")
                    && !promise.contains(&format!("`{name}`"))
            });
            if promise.is_some() || by_type {
                found.push(owner.map_or(name.into(), |owner| format!("{owner}::{name}")));
            }
        } else if let Some(promise) = promise {
            if !promise.contains("All methods") {
                return Err(doc);
            }
            safe_types.push((name, promise.into()));
        }
    }
    Ok(found)
}

/// The type that the first line of an `impl` block names, whether for a trait or not.
fn implemented(line: &str) -> &str {
    let mut depth = 0;
    let parameters_end = line.find(|character| {
        depth += i32::from(character == '<') - i32::from(character == '>');
        depth == 0 && character == ' '
    });
    let header = &line[parameters_end.map_or(0, |end| end + 1)..];
    identifier(header.split_once(" for ").map_or(header, |(_, name)| name))
}

/// Which kind of thing begins here, and its name.
fn item(code: &str) -> Option<(&str, &str)> {
    const QUALIFIERS: [&str; 5] = ["pub", "unsafe", "const", "extern", "\"C\""];
    let mut words = code
        .split(' ')
        .skip_while(|word| QUALIFIERS.contains(word) || word.starts_with("pub("));
    let keyword = words.next()?;
    ["fn", "struct", "enum"]
        .contains(&keyword)
        .then(|| words.next().map(|name| (keyword, identifier(name))))?
}

fn identifier(text: &str) -> &str {
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_');
    &text[..end.unwrap_or(text.len())]
}

#[test]
fn promises_are_found_wherever_they_stand() {
    let source = "
/// Real-time safe.
#[inline]
pub unsafe extern \"C\" fn free(a: u8) {}

/// A type. All methods but `new` are real-time safe.
pub struct Safe<'a, T>(&'a T);

impl<T: Into<u8>> Safe<'_, T> {
    /// Makes one.
    pub fn new() {}
    pub const fn all() {}
    fn private() {}
}

impl<T> fmt::Debug for Safe<'_, T> {
    fn fmt() {}
}

impl Other {
    /// Is real-time
    /// safe.
    pub(crate) fn one<T>() {}
    /// Is not.
    ///
    /// ```
    /// Other::two(); // not real-time safe
    /// ```
    pub fn two() {}
}

/// Nothing.
fn last() {}
";
    let expected = ["free", "Safe::all", "Other::one"];
    assert_eq!(scan(source).unwrap(), expected);
}

#[test]
fn a_promise_on_something_unknown_is_not_overlooked() {
    for source in [
        "/// Real-time safe.\ntype F = fn();",
        "/// Real-time safe.\nstruct S;",
    ] {
        assert_eq!(scan(source).unwrap_err(), " Real-time safe.");
    }
}
