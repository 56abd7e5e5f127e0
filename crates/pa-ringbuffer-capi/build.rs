//! Gives the shared library the name that programs linked with it look for.

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The C library provides functions to copy and fill memory; without Rust's standard library, it
    // must be linked explicitly.
    let arguments: &[&str] = if var("CARGO_CFG_TARGET_VENDOR").as_deref() == Ok("apple") {
        &[
            "-Wl,-install_name,@rpath/libpa_ringbuffer.0.dylib",
            "-lSystem",
        ]
    } else if var("CARGO_CFG_UNIX").is_ok() {
        &["-Wl,-soname,libpa_ringbuffer.so.0", "-lc"]
    } else if var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("msvc") {
        &["/DEFAULTLIB:msvcrt", "/DEFAULTLIB:vcruntime"]
    } else {
        &[]
    };
    for argument in arguments {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}
