//! Tells the source which Python it is compiled for (`cfg(Py_GIL_DISABLED)`), and that the extension
//! exports no C functions of the ring; and macOS's linker that Python's symbols come with the process.

fn main() {
    println!("cargo:rustc-check-cfg=cfg(pa_ringbuffer_unexported)");
    println!("cargo:rustc-cfg=pa_ringbuffer_unexported");
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_extension_module_link_args();
}
