//! Takes the object file with the ring out of both C libraries and puts a prefix before the names
//! in it, so that one program can be linked with both.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Debian and Ubuntu call what is needed here.
const PACKAGES: &str = "portaudio19-dev, binutils and a C compiler";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates");
    println!("cargo:rerun-if-changed=build.rs");
    for source in [
        "pa-ringbuffer/Cargo.toml",
        "pa-ringbuffer/src",
        "pa-ringbuffer-callback/Cargo.toml",
        "pa-ringbuffer-callback/src",
        "pa-ringbuffer-capi/Cargo.lock",
        "pa-ringbuffer-capi/Cargo.toml",
        "pa-ringbuffer-capi/src",
    ] {
        println!("cargo:rerun-if-changed={}", crates.join(source).display());
    }
    for (library, member, prefix) in [
        (portaudio(), "pa_ringbuffer.o", "genuine"),
        // The rest of its name is a hash.
        (capi(&crates, &out), "pa_ringbuffer.", "ours"),
    ] {
        rename(&library, member, prefix, &out);
        println!("cargo:rustc-link-lib=static={prefix}_ring");
    }
    println!("cargo:rustc-link-search=native={}", out.display());
}

/// PortAudio as a static library: among its members is PortAudio's own ring.
fn portaudio() -> PathBuf {
    let compiler = env::var_os("CC").unwrap_or("cc".into());
    let path = run(Command::new(compiler).arg("-print-file-name=libportaudio.a"));
    let path = PathBuf::from(path.trim());
    // A compiler that does not find a file only repeats its name.
    assert!(
        path.is_absolute() && path.exists(),
        "there is no libportaudio.a; needed are {PACKAGES}"
    );
    println!("cargo:rerun-if-changed={}", path.display());
    path
}

/// Our C library, built as it is for those who install it.
fn capi(crates: &Path, out: &Path) -> PathBuf {
    let target = out.join("capi");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
        ])
        .arg(crates.join("pa-ringbuffer-capi/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    // What cargo tells a build script is about this build, or comes from `cargo clippy`.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if (text.starts_with("CARGO_") && text != "CARGO_HOME")
            || text.starts_with("RUSTC_")
            || text.starts_with("CLIPPY_")
        {
            cargo.env_remove(&name);
        }
    }
    run(&mut cargo);
    target.join("release/libpa_ringbuffer.a")
}

/// Makes a library of one member of another, with new names for all that it defines.
fn rename(library: &Path, member: &str, prefix: &str, out: &Path) {
    let members = run(Command::new("ar").arg("t").arg(library));
    let mut found = members.lines().filter(|name| name.starts_with(member));
    let (Some(member), None) = (found.next(), found.next()) else {
        panic!(
            "{} should have one member {member}: {members}",
            library.display()
        );
    };
    run(Command::new("ar")
        .arg("x")
        .arg(library)
        .arg(member)
        .current_dir(out));
    let renamed = format!("{prefix}.o");
    let symbols = run(Command::new("nm")
        .args(["--defined-only", "--extern-only", "--format=posix", member])
        .current_dir(out));
    run(Command::new("objcopy")
        .args(symbols.lines().filter_map(|line| {
            let name = line.split_whitespace().next()?;
            Some(format!("--redefine-sym={name}={prefix}_{name}"))
        }))
        .args([member, &renamed])
        .current_dir(out));
    let archive = format!("lib{prefix}_ring.a");
    // `ar` would keep what an earlier build has put there.
    let _ = std::fs::remove_file(out.join(&archive));
    run(Command::new("ar")
        .args(["crs", &archive, &renamed])
        .current_dir(out));
}

/// Runs a program that must succeed, and returns what it wrote.
fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; needed are {PACKAGES}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("names are ASCII")
}
