//! The C functions of the ring and the callback, for code that uses them without a linker.
//!
//! `_native.functions` has their addresses by name, and the capsule `_native._C_API` contains a
//! table of them, which `include/pa_ringbuffer_api.h` declares for C. Both refer to the C library's
//! own source, which is compiled into the extension without exporting the names.

use std::ffi::{CStr, c_uint};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::object::{self, Number};

#[path = "../../pa-ringbuffer-capi/src/callback.rs"]
#[allow(unreachable_pub, reason = "it is the C library's source")]
mod callback;
#[path = "../../pa-ringbuffer-capi/src/ring.rs"]
#[allow(unreachable_pub, reason = "it is the C library's source")]
mod ring;
#[path = "../../pa-ringbuffer-capi/src/version.rs"]
#[allow(unreachable_pub, reason = "it is the C library's source")]
mod version;

/// The contents of the capsule.
#[repr(C)]
struct Table {
    /// The version of the extension, as `PA_RINGBUFFER_VERSION`.
    version: c_uint,
    /// Number of functions. Later versions append theirs.
    count: c_uint,
    functions: [*const (); NAMES.len()],
}

// SAFETY: it is constant, and contains only numbers and addresses of functions.
unsafe impl Sync for Table {}

macro_rules! functions {
    ($($module:ident::$name:ident,)*) => {
        const NAMES: [&str; [$(stringify!($name)),*].len()] = [$(stringify!($name)),*];
        static TABLE: Table = Table {
            version: version::VERSION,
            count: NAMES.len() as c_uint,
            functions: [$($module::$name as *const ()),*],
        };
    };
}

// The order is that of the fields in `pa_ringbuffer_api.h`, and never changes.
functions! {
    ring::PaUtil_InitializeRingBuffer,
    ring::PaUtil_FlushRingBuffer,
    ring::PaUtil_GetRingBufferWriteAvailable,
    ring::PaUtil_GetRingBufferReadAvailable,
    ring::PaUtil_WriteRingBuffer,
    ring::PaUtil_ReadRingBuffer,
    ring::PaUtil_GetRingBufferWriteRegions,
    ring::PaUtil_AdvanceRingBufferWriteIndex,
    ring::PaUtil_GetRingBufferReadRegions,
    ring::PaUtil_AdvanceRingBufferReadIndex,
    version::pa_ringbuffer_version,
    callback::pa_ringbuffer_callback_init,
    callback::pa_ringbuffer_callback_set_mode,
    callback::pa_ringbuffer_callback_set_on_underflow,
    callback::pa_ringbuffer_callback_set_on_overflow,
    callback::pa_ringbuffer_callback_finish_reason,
    callback::pa_ringbuffer_callback_is_finished,
    callback::pa_ringbuffer_callback_restart,
    callback::pa_ringbuffer_callback_set_wake,
    callback::pa_ringbuffer_callback_sleep_for_data,
    callback::pa_ringbuffer_callback_sleep_for_room,
    callback::pa_ringbuffer_callback_times,
    callback::pa_ringbuffer_callback_input_time,
    callback::pa_ringbuffer_callback_output_time,
    callback::pa_ringbuffer_callback_read_position,
    callback::pa_ringbuffer_callback_write_position,
    callback::pa_ringbuffer_callback,
    callback::pa_ringbuffer_callback_finished,
}

/// The path under which C imports the table.
const CAPSULE: &CStr = c"pa_ringbuffer._C_API";

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let functions = object::dict(py)?;
    for (name, function) in NAMES.iter().zip(TABLE.functions) {
        let name = object::text(py, name)?;
        functions.set_item(name, Number(function as usize))?;
    }
    module.add("functions", functions)?;
    let table = (&raw const TABLE).cast_mut().cast();
    // SAFETY: table and name are statics, so nothing has to be freed. The result is a new
    // reference, or null with an exception.
    // null with an exception.
    let capsule = unsafe {
        Bound::from_owned_ptr_or_err(py, ffi::PyCapsule_New(table, CAPSULE.as_ptr(), None))?
    };
    // Not `add()`, which would make the name public.
    module.setattr("_C_API", capsule)
}
