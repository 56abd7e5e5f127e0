//! The extension module `pa_ringbuffer._native`.
//!
//! | module | what |
//! | --- | --- |
//! | `arguments` | arguments from Python: numbers, buffers, CFFI's CData, C functions, samples, scripts |
//! | `ring` | the class `RingBuffer`: its state; transfers; regions; pointers for other code; memory |
//! | `stream` | the callback's state; waiting and event loops; the virtual device |
//! | `functions` | the C functions, for code that reaches them without a linker |
//! | `side` | producer and consumer |
//! | `object` | results |
//! | `error` | exceptions |
//!
//! Only `arguments::data`, `arguments::samples` and `ring` touch memory that Python objects own.

#![allow(missing_docs, reason = "an extension module has no Rust users")]

mod arguments;
mod error;
mod functions;
mod object;
mod ring;
mod side;
mod stream;

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

/// Ends the threads that may run Python code, before the interpreter exits.
#[pyfunction]
fn stop_all(py: Python<'_>) {
    // A subinterpreter that the program has not destroyed ends here while Python is finalising, and
    // Python would then end this thread, the main one, when it attaches again.
    let is_finalising = py
        .import("sys")
        .and_then(|sys| object::call_method(&sys, c"is_finalizing", []))
        .and_then(|answer| answer.is_truthy())
        .unwrap_or(false);
    stream::device::stop_all(py, !is_finalising);
    stream::watch::quit(py, !is_finalising);
}

/// The interpreter that has loaded this module; -1 before that.
static OWNER: AtomicI64 = AtomicI64::new(-1);

/// The class, and every cached object, belongs to one interpreter. Python itself only keeps
/// interpreters with a GIL of their own from loading the module.
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
    // PyO3 makes classes on first use, and panics if it cannot.
    module.py().get_type::<ring::memory::Memory>();
    module.py().get_type::<ring::memory::Region>();
    module.py().get_type::<arguments::function::Held>();
    let class = module.py().get_type::<ring::RingBuffer>();
    ring::install(&class)?;
    module.add_class::<stream::callback::StreamCallback>()?;
    module.add_class::<stream::device::VirtualDevice>()?;
    stream::device::install_finaliser(&module.py().get_type::<stream::device::VirtualDevice>())?;
    module.add_class::<stream::input::InputSide>()?;
    module.add_class::<stream::input::Overlap>()?;
    module.add_class::<stream::output::OutputSide>()?;
    module.add_class::<stream::pump::Pump>()?;
    module.add_class::<stream::transfer::Transfer>()?;
    module.add_function(wrap_pyfunction!(
        stream::compiled::compiled_callback,
        module
    )?)?;
    module.add_function(wrap_pyfunction!(stream::watch::watch, module)?)?;
    module.add_function(wrap_pyfunction!(stream::watch::unwatch, module)?)?;
    functions::add(module)?;
    let stop_all = wrap_pyfunction!(stop_all, module)?;
    module
        .py()
        .import("atexit")?
        .call_method1("register", (stop_all,))?;
    Ok(())
}
