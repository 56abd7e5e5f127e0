//! Arguments that describe the calls of an offline device.

use std::ffi::c_ulong;

use pa_ringbuffer_callback::flags;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arguments::cdata::type_name;
use crate::arguments::integer::Integer;
use crate::error;

const KINDS: [(&str, c_ulong, &str); 4] = [
    ("input_underflow", flags::INPUT_UNDERFLOW, "input"),
    ("input_overflow", flags::INPUT_OVERFLOW, "input"),
    ("output_underflow", flags::OUTPUT_UNDERFLOW, "output"),
    ("output_overflow", flags::OUTPUT_OVERFLOW, "output"),
];

/// The status flag of a kind of xrun, for a device with these numbers of input and output channels.
pub(crate) fn xrun(kind: &str, channels: [usize; 2], argument: &str) -> PyResult<c_ulong> {
    let Some((_, flag, direction)) = KINDS.iter().find(|(name, ..)| *name == kind) else {
        return Err(error::value_error(format_args!(
            "{argument} must be 'input_underflow', 'input_overflow', 'output_underflow' or \
             'output_overflow', not '{kind}'"
        )));
    };
    if channels[usize::from(*direction == "output")] == 0 {
        return Err(error::value_error(format_args!(
            "{argument} cannot be '{kind}', because the device has no {direction} channels"
        )));
    }
    Ok(*flag)
}

/// `{number of the call: kind or kinds}`.
pub(crate) fn xruns(
    object: &Bound<'_, PyAny>,
    channels: [usize; 2],
) -> PyResult<Vec<(u64, c_ulong)>> {
    let py = object.py();
    let wrong = |what: &Bound<'_, PyAny>| {
        error::type_error(format_args!(
            "xruns must be a dict of block numbers and kinds, such as {{3: 'input_overflow'}}, not \
             {}",
            type_name(what)
        ))
    };
    let Some(items) = object.getattr_opt(intern!(object.py(), "items"))? else {
        return Err(wrong(object));
    };
    let mut xruns = Vec::new();
    for item in items.call0()?.try_iter()? {
        let (block, kinds): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item?.extract()?;
        let number = (block.extract::<Integer>())
            .map_err(|error| error::unless_raised(py, error, || wrong(&block)))?;
        let number = number.required("block number in xruns")? as u64;
        if let Ok(kind) = kinds.cast::<PyString>() {
            let flag = xrun(kind.to_str()?, channels, "xruns")?;
            push(py, &mut xruns, (number, flag))?;
            continue;
        }
        let kinds = (kinds.try_iter())
            .map_err(|error| error::unless_raised(py, error, || wrong(&kinds)))?;
        let mut all = 0;
        for (count, kind) in kinds.enumerate() {
            let kind = kind?;
            let kind = kind.cast::<PyString>().map_err(|_| wrong(&kind))?;
            all |= xrun(kind.to_str()?, channels, "xruns")?;
            hear_signals(py, count)?;
        }
        if all != 0 {
            push(py, &mut xruns, (number, all))?;
        }
    }
    Ok(xruns)
}

/// Python may pass endless iterables: adds an item if there is memory, and handles Ctrl-C.
fn push<T>(py: Python<'_>, list: &mut Vec<T>, item: T) -> PyResult<()> {
    if list.try_reserve(1).is_err() {
        return Err(error::memory_error(format_args!(
            "no memory for more than {} blocks",
            list.len()
        )));
    }
    list.push(item);
    hear_signals(py, list.len())
}

/// Also lets other threads run. An iterator that is not written in Python does neither by itself.
fn hear_signals(py: Python<'_>, count: usize) -> PyResult<()> {
    if count % 1024 == 0 {
        py.detach(|| ());
        py.check_signals()?;
    }
    Ok(())
}

/// Enough block sizes for `frames` frames, or all that there are.
pub(crate) fn block_sizes(object: &Bound<'_, PyAny>, frames: u64) -> PyResult<Vec<usize>> {
    let py = object.py();
    let wrong = |what: &Bound<'_, PyAny>| {
        error::type_error(format_args!(
            "blocksizes must be an iterable of positive ints, not {}",
            type_name(what)
        ))
    };
    let mut sizes = Vec::new();
    let mut rest = frames;
    let mut iterator =
        (object.try_iter()).map_err(|error| error::unless_raised(py, error, || wrong(object)))?;
    // The iterable may be endless.
    while rest > 0 {
        let Some(size) = iterator.next().transpose()? else {
            break;
        };
        let size = (size.extract::<Integer>())
            .map_err(|error| error::unless_raised(py, error, || wrong(&size)))?;
        let count = size.count().filter(|count| *count > 0).ok_or_else(|| {
            error::value_error(format_args!(
                "blocksizes must be positive numbers of frames, not {}",
                size.value()
            ))
        })?;
        rest = rest.saturating_sub(count as u64);
        push(py, &mut sizes, count)?;
    }
    if rest > 0 && sizes.is_empty() {
        return Err(error::value_error(
            "blocksizes must contain at least one block size, not none",
        ));
    }
    Ok(sizes)
}
