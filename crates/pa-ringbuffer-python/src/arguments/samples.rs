//! Sample formats, and buffers of frames in these formats.

use std::mem::MaybeUninit;

use crate::arguments::cdata::type_name;
use crate::arguments::data::View;
use crate::error;
use crate::object;
use crate::ring::memory;
use pyo3::intern;
use pyo3::prelude::*;

/// PortAudio's sample formats, by their usual names.
#[derive(Clone, Copy)]
pub(crate) struct SampleFormat {
    name: &'static str,
    /// Bytes per sample.
    pub(crate) size: usize,
    /// The format code of `struct` and `memoryview`; for 24 bits, that of a byte.
    code: char,
    /// Equivalent codes, on systems where they have this size.
    synonyms: &'static [u8],
}

const FORMATS: [SampleFormat; 6] = [
    SampleFormat::new("float32", 4, 'f', b"f"),
    SampleFormat::new("int32", 4, 'i', b"il"),
    SampleFormat::new("int24", 3, 'B', b""),
    SampleFormat::new("int16", 2, 'h', b"h"),
    SampleFormat::new("int8", 1, 'b', b"b"),
    SampleFormat::new("uint8", 1, 'B', b"B"),
];

/// The format code of single items in this machine's byte order.
#[inline]
fn item_code(code: &[u8], size: usize) -> Option<u8> {
    let foreign: &[u8] = if cfg!(target_endian = "little") {
        b">!"
    } else {
        b"<"
    };
    match code {
        [order, _] if size > 1 && foreign.contains(order) => None,
        [b'@' | b'=' | b'<' | b'>' | b'!', code] | [code] => Some(*code),
        _ => None,
    }
}

impl SampleFormat {
    const fn new(name: &'static str, size: usize, code: char, synonyms: &'static [u8]) -> Self {
        Self {
            name,
            size,
            code,
            synonyms,
        }
    }

    pub(crate) fn named(dtype: &str) -> PyResult<Self> {
        FORMATS
            .into_iter()
            .find(|format| format.name == dtype)
            .ok_or_else(|| {
                error::value_error(format_args!(
                    "dtype must be 'float32', 'int32', 'int24', 'int16', 'int8' or 'uint8', not \
                     '{dtype}'"
                ))
            })
    }

    /// Whether a buffer with these items contains samples of this format.
    #[inline]
    pub(crate) fn is(self, code: &[u8], size: usize) -> bool {
        item_code(code, size).is_some_and(|code| size == self.size && self.synonyms.contains(&code))
    }

    /// The same, or bytes that may represent them.
    fn accepts(self, code: &[u8], size: usize) -> bool {
        let bytes = size == 1 && item_code(code, size).is_some_and(|code| b"Bbc".contains(&code));
        bytes || self.is(code, size)
    }

    /// A copy of the frames in a buffer.
    pub(crate) fn frames(
        self,
        buffer: &Bound<'_, PyAny>,
        channels: usize,
        argument: &str,
    ) -> PyResult<Vec<u8>> {
        // SAFETY: the object is alive.
        if unsafe { pyo3::ffi::PyObject_CheckBuffer(buffer.as_ptr()) } == 0 {
            return Err(error::type_error(format_args!(
                "{argument} must be a buffer of frames (an array, bytes, ...), not {}",
                type_name(buffer)
            )));
        }
        let mut slot = MaybeUninit::uninit();
        let view = View::new(&mut slot, buffer, argument, 0)?;
        let (code, size) = (view.format(), view.item_size());
        if !self.accepts(code, size) {
            return Err(error::value_error(format_args!(
                "{argument} must hold samples of the device's dtype '{}', or bytes, not items of \
                 {size} bytes with the format '{}'",
                self.name,
                String::from_utf8_lossy(code)
            )));
        }
        let frame_size = channels * self.size;
        // With several dimensions, the first one counts frames.
        if let Some(row) = view.row_size() {
            if row != frame_size {
                return Err(error::value_error(format_args!(
                    "{argument} must have frames of {channels} channels, {frame_size} bytes, not \
                     {row} bytes"
                )));
            }
        } else if view.len() % frame_size != 0 {
            return Err(error::value_error(format_args!(
                "{argument} must be whole frames of {channels} channels, {frame_size} bytes each, \
                 not {} bytes",
                view.len()
            )));
        }
        let mut frames = Vec::new();
        if frames.try_reserve_exact(view.len()).is_err() {
            return Err(error::memory_error(format_args!(
                "no memory for a copy of the {argument}, {} bytes",
                view.len()
            )));
        }
        frames.resize(view.len(), 0);
        // SAFETY: the view has that many contiguous bytes; no other code has access to the copy.
        unsafe { view.pointer().copy_to(frames.as_mut_ptr(), frames.len()) };
        Ok(frames)
    }

    /// A memoryview with frames in its first dimension and channels in its second. It is writable,
    /// like a new array.
    pub(crate) fn view<'py>(
        self,
        py: Python<'py>,
        frames: &[u8],
        channels: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let frame_size = channels * self.size;
        let count = frames.len() / frame_size;
        // A memoryview cannot be cast to a shape without frames, but it can be sliced to one.
        let bytes = object::bytearray(py, count.max(1) * frame_size)?;
        // SAFETY: no other code has the array yet, and it has room for at least these frames. The
        // rest is cut off.
        unsafe { (bytes.data()).copy_from_nonoverlapping(frames.as_ptr(), count * frame_size) };
        let view = memory::view_of(&bytes)?;
        let frames = count.max(1);
        let view = if self.name == "int24" {
            view.call_method1(
                intern!(view.py(), "cast"),
                (self.code, (frames, channels, self.size)),
            )?
        } else {
            view.call_method1(intern!(view.py(), "cast"), (self.code, (frames, channels)))?
        };
        view.get_item(pyo3::types::PySlice::new(py, 0, count as isize, 1))
    }
}
