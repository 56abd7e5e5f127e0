//! The extension module `pa_ringbuffer._native`.
//!
//! | module | what |
//! | --- | --- |
//! | `ring` | the class `RingBuffer` |
//! | `method` | how Python gets into its most frequent calls |
//! | `memory` | the memory of a ring and the views of it that Python gets |
//! | `data` | what Python passes as data: bytes-like objects and CFFI's CData |
//! | `cdata` | everything that knows CFFI |
//! | `error` | exceptions |
//! | `integer` | arguments that are counts |
//! | `object` | results |
//! | `callback` | the compiled callback's state |
//! | `device` | the virtual device |
//! | `function` | C functions, from whatever package |
//! | `samples` | sample formats and buffers of frames |
//! | `script` | what a device is to do offline |
//! | `sections` | what keeps threads apart without a GIL |
//! | `wait` | waiting for the other side of a ring |
//! | `watch` | the same for event loops |
//!
//! Only `data`, `memory`, `ring` and `samples` touch memory that Python objects own.

#![allow(missing_docs, reason = "an extension module has no Rust users")]

mod callback;
mod cdata;
mod data;
mod device;
mod error;
mod function;
mod integer;
mod memory;
mod method;
mod object;
mod ring;
mod samples;
mod script;
mod sections;
mod wait;
mod watch;

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

/// Ends the threads that may want to run Python code, before the interpreter goes.
#[pyfunction]
fn stop_all(py: Python<'_>) {
    device::stop_all(py);
    watch::quit(py);
}

/// The interpreter that has loaded this module; -1 before.
static OWNER: AtomicI64 = AtomicI64::new(-1);

/// The class, and all that is looked up once, belongs to one interpreter. Python itself only keeps
/// those from loading the module that have a GIL of their own.
fn check_interpreter(py: Python<'_>) -> PyResult<()> {
    // SAFETY: the thread is attached, so there is an interpreter.
    let this = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    if this < 0 {
        return Err(PyErr::fetch(py));
    }
    match OWNER.compare_exchange(-1, this, Ordering::Relaxed, Ordering::Relaxed) {
        Err(owner) if owner != this => Err(error::import_error(
            "pa_ringbuffer does not support subinterpreters: another interpreter of this process \
             has loaded it already",
        )),
        _ => Ok(()),
    }
}

#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    check_interpreter(module.py())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<ring::RingBuffer>()?;
    // PyO3 makes classes when they are used for the first time, and panics if it cannot.
    module.py().get_type::<memory::Memory>();
    module.py().get_type::<memory::Region>();
    let class = module.py().get_type::<ring::RingBuffer>();
    method::install(&class, ring::METHODS, ring::ATTRIBUTES)?;
    module.add_class::<callback::StreamCallback>()?;
    module.add_class::<device::VirtualDevice>()?;
    device::install_finaliser(&module.py().get_type::<device::VirtualDevice>())?;
    module.add_class::<wait::Progress>()?;
    module.add_function(wrap_pyfunction!(watch::watch, module)?)?;
    module.add_function(wrap_pyfunction!(watch::unwatch, module)?)?;
    let stop_all = wrap_pyfunction!(stop_all, module)?;
    module
        .py()
        .import("atexit")?
        .call_method1("register", (stop_all,))?;
    Ok(())
}
