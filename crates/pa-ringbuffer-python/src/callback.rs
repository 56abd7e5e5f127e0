//! The compiled callback's state as a Python object.

use std::ptr::null_mut;
use std::sync::Mutex;

use pa_ringbuffer::PaUtilRingBuffer;
use pa_ringbuffer_callback::{CallbackState, Counters, Mode, StreamCallback as Function, callback};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cdata;
use crate::integer::Integer;
use crate::memory::Region;
use crate::ring::RingBuffer;

/// A compiled PortAudio callback: it plays from one ring buffer and records into another.
///
/// Where the output ring runs empty, it plays silence; what does not fit into the input ring, it
/// throws away; both are counted. It never waits and never touches Python, so nothing that Python
/// does can make it late.
///
/// :param output_ring: Where the frames to be played come from. Python writes, the callback reads.
///     One element is one frame: *elementsize* is channels times bytes per sample.
/// :type output_ring: RingBuffer, optional
/// :param input_ring: Where recorded frames go. The callback writes, Python reads.
/// :type input_ring: RingBuffer, optional
/// :param output_framesize: Bytes per output frame; needed for a stream that has output channels
///     but no *output_ring* (it plays silence).
/// :type output_framesize: int, optional
/// :param input_framesize: Bytes per input frame; only checked against *input_ring*.
/// :type input_framesize: int, optional
/// :param silence: The value of the bytes that silence consists of: 0, or 128 for ``'uint8'``.
/// :type silence: int, optional
/// :raises ValueError: if a frame size is not the *elementsize* of its ring.
///
/// With `sounddevice <https://python-sounddevice.readthedocs.io/>`__, compiled callbacks are taken
/// by ``_StreamBase``, interleaved sample formats only::
///
///     callback = pa_ringbuffer.StreamCallback(output_ring=ring)
///     stream = sounddevice._StreamBase(
///         kind='output', channels=2, dtype='float32',
///         callback=callback.function, userdata=callback.userdata)
///
/// Keep the object until the stream is closed: PortAudio goes on using its memory until then. It
/// keeps the rings.
#[pyclass(frozen, weakref, module = "pa_ringbuffer")]
pub(crate) struct StreamCallback {
    state: Box<CallbackState>,
    /// `(ring, what keeps its memory)` for output and input.
    rings: [Option<(Py<PyAny>, Py<PyAny>)>; 2],
    mode: Mutex<Mode>,
}

const MODES: [(&str, Mode); 3] = [
    ("run", Mode::Run),
    ("drain", Mode::Drain),
    ("complete", Mode::Complete),
];

/// A ring's address, its element size and what keeps it alive.
fn pin(ring: &Bound<'_, PyAny>, argument: &str) -> PyResult<(usize, usize, Py<PyAny>)> {
    let wrong = |_| {
        PyTypeError::new_err(format!(
            "{argument} must be a RingBuffer, not {}",
            cdata::type_name(ring)
        ))
    };
    if let Ok(native) = ring.cast::<RingBuffer>() {
        let (address, keeper) = RingBuffer::pin(native)?;
        return Ok((address, ring.getattr("elementsize")?.extract()?, keeper));
    }
    // The portable class says where its struct is, too.
    let address = ring.getattr("address").map_err(wrong)?.extract()?;
    let element_size = ring.getattr("elementsize").map_err(wrong)?.extract()?;
    Ok((address, element_size, ring.py().None()))
}

type Side = (*mut PaUtilRingBuffer, usize, Option<(Py<PyAny>, Py<PyAny>)>);

fn side(ring: Option<&Bound<'_, PyAny>>, framesize: Option<Integer>, name: &str) -> PyResult<Side> {
    let framesize = match framesize {
        Some(size) => Some(size.required(&format!("{name}_framesize"))?),
        None => None,
    };
    let Some(ring) = ring else {
        return Ok((null_mut(), framesize.unwrap_or(0), None));
    };
    let (address, element_size, keeper) = pin(ring, &format!("{name}_ring"))?;
    if framesize.is_some_and(|size| size != element_size) {
        return Err(PyValueError::new_err(format!(
            "{name}_framesize must be the elementsize of {name}_ring, {element_size} bytes"
        )));
    }
    let pointer = std::ptr::with_exposed_provenance_mut(address);
    Ok((pointer, element_size, Some((ring.clone().unbind(), keeper))))
}

impl StreamCallback {
    pub(crate) fn function(&self) -> Function {
        callback
    }

    pub(crate) fn state(&self) -> *mut CallbackState {
        // All that changes in it is atomic.
        std::ptr::from_ref(&*self.state).cast_mut()
    }
}

#[pymethods]
impl StreamCallback {
    #[new]
    #[pyo3(signature = (
        output_ring=None, input_ring=None, *, output_framesize=None, input_framesize=None, silence=0
    ))]
    fn new(
        output_ring: Option<&Bound<'_, PyAny>>,
        input_ring: Option<&Bound<'_, PyAny>>,
        output_framesize: Option<Integer>,
        input_framesize: Option<Integer>,
        silence: u8,
    ) -> PyResult<Self> {
        let (output, output_size, output_ring) = side(output_ring, output_framesize, "output")?;
        let (input, input_size, input_ring) = side(input_ring, input_framesize, "input")?;
        // SAFETY: the rings are kept as long as this object, which must outlive the stream.
        let state = unsafe { CallbackState::new(output, output_size, input, input_size, silence) };
        Ok(Self {
            state: Box::new(state),
            rings: [output_ring, input_ring],
            mode: Mutex::new(Mode::Run),
        })
    }

    /// The address of the C function, a ``PaStreamCallback``.
    #[getter(function)]
    fn function_address(&self) -> usize {
        self.function() as *const () as usize
    }

    /// The address of the callback's state, which the C function takes as ``userData``.
    #[getter]
    fn address(&self) -> usize {
        self.state().expose_provenance()
    }

    /// The same address as CFFI ``void *``. Imports CFFI.
    #[getter]
    fn userdata<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let bytes = std::mem::size_of::<CallbackState>();
        let region = Region::new(
            slf.get().state().cast(),
            bytes,
            false,
            slf.clone().into_any().unbind(),
        );
        let region = Bound::new(py, region)?.into_any();
        cdata::from_buffer(&cdata::own_ffi(py)?, "void *", &region)
    }

    /// The ring that is played from, or ``None``.
    #[getter]
    fn output_ring(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.rings[0].as_ref().map(|(ring, _)| ring.clone_ref(py))
    }

    /// The ring that is recorded into, or ``None``.
    #[getter]
    fn input_ring(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.rings[1].as_ref().map(|(ring, _)| ring.clone_ref(py))
    }

    /// What has been counted so far: a new dict of ints.
    ///
    /// ``blocks`` and ``frames``: calls, and frames in them; ``smallest_block`` and
    /// ``largest_block``: frames per call; ``output_underflows`` and ``output_underflow_frames``:
    /// calls in which the output ring held too little, and frames of silence played instead;
    /// ``input_overflows`` and ``input_overflow_frames``: calls in which the input ring had too
    /// little room, and frames thrown away; ``device_…``: calls in which PortAudio reported that
    /// the device itself had lost something (its status flags).
    ///
    /// While the stream runs, one counter may be a block ahead of another.
    #[getter]
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = PyDict::new(py);
        for (name, value) in Counters::NAMES.iter().zip(self.state.counters().values()) {
            counters.set_item(name, value)?;
        }
        Ok(counters)
    }

    /// What an empty output ring means.
    ///
    /// ``'run'``: an underflow; silence is played and counted. ``'drain'``: nothing more will be
    /// written; silence is played and not counted. ``'complete'``: nothing more will be written;
    /// the stream ends when all has been played.
    #[getter]
    fn mode(&self) -> &'static str {
        let mode = *self
            .mode
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        MODES
            .iter()
            .find(|(_, known)| *known == mode)
            .map_or("run", |(name, _)| name)
    }

    #[setter]
    fn set_mode(&self, mode: &str) -> PyResult<()> {
        let Some((_, mode)) = MODES.iter().find(|(name, _)| *name == mode) else {
            return Err(PyValueError::new_err(format!(
                "mode must be 'run', 'drain' or 'complete', not '{mode}'"
            )));
        };
        *self
            .mode
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = *mode;
        self.state.set_mode(*mode);
        Ok(())
    }

    fn __repr__(&self) -> String {
        let counters: Vec<u64> = self.state.counters().values().collect();
        format!(
            "<StreamCallback: {} blocks, {} frames>",
            counters[0], counters[1]
        )
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for (ring, keeper) in self.rings.iter().flatten() {
            visit.call(ring)?;
            visit.call(keeper)?;
        }
        Ok(())
    }
}
