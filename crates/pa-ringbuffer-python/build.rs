//! Tells the source which Python it is compiled for (`cfg(Py_GIL_DISABLED)`), and macOS's linker
//! that Python's symbols come with the process.

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_extension_module_link_args();
}
