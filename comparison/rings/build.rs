//! Compiles the loops around Boost's queue and the unsynchronised copies, and links JACK.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=shim");
    // Said here, because what a linker says about it is long.
    let compiler = env::var_os("CC").unwrap_or("cc".into());
    let found = Command::new(compiler)
        .arg("-print-file-name=libjack.so")
        .output()
        .is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).exists());
    assert!(found, "there is no libjack.so; install libjack-jackd2-dev");
    println!("cargo:rustc-link-lib=jack");
    cc::Build::new()
        .file("shim/limit.c")
        .std("c11")
        .opt_level(3)
        .warnings_into_errors(true)
        .compile("rings_limit");
    cc::Build::new()
        .cpp(true)
        .file("shim/boost.cpp")
        .std("c++17")
        .opt_level(3)
        .try_compile("rings_boost")
        .unwrap_or_else(|error| panic!("{error}\nIs libboost-dev installed?"));
}
