//! Puts the checker's atomics in place of those of the standard library. Only these packages get the
//! flag: in RUSTFLAGS, all dependencies would see it.

fn main() {
    println!("cargo::rustc-cfg=pa_ringbuffer_loom");
    println!("cargo::rerun-if-changed=../cfg.rs");
}
