//! The extension module `pa_ringbuffer._native`.
//!
//! | module | what |
//! | --- | --- |
//! | `ring` | the class `RingBuffer` |
//! | `fast` | its most frequent calls, in a short way |
//! | `memory` | the memory of a ring and the views of it that Python gets |
//! | `data` | what Python passes as data: bytes-like objects and CFFI's CData |
//! | `cdata` | everything that knows CFFI |
//! | `integer` | arguments that are counts |
//! | `callback` | the compiled callback's state |
//! | `device` | the virtual device |
//! | `function` | C functions, from whatever package |
//! | `samples` | sample formats and buffers of frames |
//! | `script` | what a device is to do offline |
//! | `wait` | waiting for the other side of a ring |
//! | `watch` | the same for event loops |
//!
//! Only `data`, `fast`, `memory`, `ring` and `samples` touch memory that Python objects own.

#![allow(missing_docs, reason = "an extension module has no Rust users")]

mod callback;
mod cdata;
mod data;
mod device;
mod fast;
mod function;
mod integer;
mod memory;
mod ring;
mod samples;
mod script;
mod wait;
mod watch;

use pyo3::prelude::*;

/// Ends the threads that may want to run Python code, before the interpreter goes.
#[pyfunction]
fn stop_all(py: Python<'_>) {
    device::stop_all(py);
    watch::quit(py);
}

#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<ring::RingBuffer>()?;
    fast::install(&module.py().get_type::<ring::RingBuffer>())?;
    module.add_class::<callback::StreamCallback>()?;
    module.add_class::<device::VirtualDevice>()?;
    module.add_function(wrap_pyfunction!(watch::watch, module)?)?;
    module.add_function(wrap_pyfunction!(watch::unwatch, module)?)?;
    let stop_all = wrap_pyfunction!(stop_all, module)?;
    module
        .py()
        .import("atexit")?
        .call_method1("register", (stop_all,))?;
    Ok(())
}
