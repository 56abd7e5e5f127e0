//! The compiled callback's state as a Python object.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use pa_ringbuffer::PaUtilRingBuffer;
use pa_ringbuffer_callback::{
    CallbackFunction, CallbackState, Counters, FinishReason, Mode, OnOverflow, OnUnderflow,
    callback, finished,
};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::arguments::cdata;
use crate::arguments::integer::Integer;
use crate::error;
use crate::object;
use crate::ring::RingBuffer;
use crate::ring::memory::{Keeper, Region};
use crate::side::Side;

/// A compiled PortAudio callback: it plays from one ring buffer and records into another.
///
/// It plays silence when the output ring runs empty, and drops frames that do not fit into the
/// input ring. Both are counted; on request, it finishes the stream instead. It never waits and
/// never touches Python, so nothing that Python does can make it late.
///
/// :param input_ring: The ring for recorded frames. The callback writes to it, Python reads from
///     it. One element is one frame: *elementsize* is channels times bytes per sample.
/// :type input_ring: RingBuffer, optional
/// :param output_ring: The ring for frames to play. Python writes to it, the callback reads from
///     it.
/// :type output_ring: RingBuffer, optional
/// :param input_framesize: Bytes per input frame; only checked against *input_ring*.
/// :type input_framesize: int, optional
/// :param output_framesize: Bytes per output frame. Required for a stream with output channels but
///     without *output_ring* (it plays silence).
/// :type output_framesize: int, optional
/// :param silence: The value of the bytes that silence consists of: 0, or 128 for ``'uint8'``.
/// :type silence: int, optional
/// :param on_underflow: What happens if the output ring holds too few frames: ``'silence'`` fills
///     the gap, or the stream is to ``'stop'`` after the available frames.
/// :type on_underflow: str, optional
/// :param on_overflow: What happens if the input ring has too little room: ``'drop'`` the frames
///     that do not fit, or ``'stop'`` the stream after recording those that fit.
/// :type on_overflow: str, optional
/// :param wake: Whether the callback wakes a waiting thread, where the system supports that. It
///     then makes one system call, which does not block, if a thread sleeps and its frames are
///     available. Otherwise, waiting threads check the ring periodically.
/// :type wake: bool, optional
/// :raises ValueError: if a frame size is not the *elementsize* of its ring.
///
/// >>> import pa_ringbuffer
/// >>> from pa_ringbuffer.testing import VirtualDevice
/// >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=1024)
/// >>> callback = pa_ringbuffer.StreamCallback(output_ring=ring)
/// >>> device = VirtualDevice(callback, channels=(0, 1))
/// >>> ring.write(bytes(4 * 256))
/// 256
/// >>> device.run(512)
/// 512
/// >>> callback.counters['output_underflow_frames']
/// 256
///
/// `sounddevice <https://python-sounddevice.readthedocs.io/>`__ accepts compiled callbacks in
/// ``_StreamBase``, for interleaved sample formats only::
///
///     callback = pa_ringbuffer.StreamCallback(output_ring=ring)
///     stream = sounddevice._StreamBase(
///         kind='output', channels=2, dtype='float32',
///         callback=callback.function, userdata=callback.userdata)
///
/// Keep the object until the stream is closed: PortAudio uses its memory until then. The object
/// keeps the rings alive.
#[pyclass(frozen, weakref, module = "pa_ringbuffer")]
pub(crate) struct StreamCallback {
    state: Box<CallbackState>,
    /// For input and output.
    rings: OnceLock<[Option<Used>; 2]>,
    /// Whether a device has used it: from then on, its frame sizes are fixed. Locked for a moment,
    /// by attached threads.
    is_settled: Mutex<bool>,
    /// Number of losses reported so far.
    told_losses: AtomicU64,
}

const MODES: [(&str, Mode); 6] = [
    ("run", Mode::Run),
    ("drain", Mode::Drain),
    ("complete", Mode::Complete),
    ("start", Mode::Start),
    ("hold", Mode::Hold),
    ("abort", Mode::Abort),
];

/// Whether an argument is `'stop'`; otherwise it must be `otherwise`.
fn is_stop(value: &str, argument: &str, otherwise: &str) -> PyResult<bool> {
    if value == "stop" {
        Ok(true)
    } else if value == otherwise {
        Ok(false)
    } else {
        Err(error::value_error(format_args!(
            "{argument} must be '{otherwise}' or 'stop', not '{value}'"
        )))
    }
}

/// A ring that the callback uses.
struct Used {
    ring: Py<PyAny>,
    /// Keeps the struct and the elements alive, even if the ring object is attached to another
    /// ring.
    keeper: Keeper,
    /// Whether the collector is shown the ring. Clearing a subclass clears its attributes; in the
    /// portable class, these keep the memory alive.
    is_native: bool,
}

/// A ring of either class, as the other side uses it.
pub(crate) struct Pinned {
    pub(crate) address: usize,
    pub(crate) keeper: Keeper,
    element_size: usize,
    readonly: bool,
    is_native: bool,
}

impl Pinned {
    /// `None` if the object is no ring.
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let py = object.py();
        if let Ok(native) = object.cast::<RingBuffer>() {
            let (address, keeper) = RingBuffer::pin(native)?;
            return Ok(Some(Self {
                address,
                keeper,
                element_size: RingBuffer::geometry(native)?.element_size(),
                readonly: RingBuffer::is_readonly(native),
                is_native: true,
            }));
        }
        let class = py
            .import(intern!(py, "pa_ringbuffer.portable"))?
            .getattr(intern!(py, "_RingBufferBase"))?;
        // Not `isinstance()`, which an object can deceive.
        if !object.get_type().is_subclass(&class)? {
            return Ok(None);
        }
        // Not a subclass's replacement of this method.
        let pinned = class.call_method1(intern!(py, "_pin"), (object,))?;
        let (address, keeper, element_size, readonly) = pinned.extract()?;
        Ok(Some(Self {
            address,
            keeper: Keeper::Foreign(keeper),
            element_size,
            readonly,
            is_native: false,
        }))
    }
}

/// The address of the ring's struct, its element size, and what is to be kept.
fn used(ring: &Bound<'_, PyAny>, argument: &str) -> PyResult<(usize, usize, Used)> {
    let Some(pinned) = Pinned::new(ring)? else {
        return Err(error::type_error(format_args!(
            "{argument} must be a RingBuffer, not {}",
            cdata::type_name(ring)
        )));
    };
    if pinned.readonly && argument == "input_ring" {
        return Err(error::type_error(
            "input_ring must not use a read-only buffer: the callback writes to it",
        ));
    }
    let used = Used {
        ring: ring.clone().unbind(),
        keeper: pinned.keeper,
        is_native: pinned.is_native,
    };
    Ok((pinned.address, pinned.element_size, used))
}

fn side(
    ring: Option<&Bound<'_, PyAny>>,
    framesize: Option<Integer>,
    name: &str,
) -> PyResult<(*mut PaUtilRingBuffer, usize, Option<Used>)> {
    let framesize = match framesize {
        Some(size) => Some(size.required(&format!("{name}_framesize"))?),
        None => None,
    };
    let Some(ring) = ring else {
        return Ok((null_mut(), framesize.unwrap_or(0), None));
    };
    let (address, element_size, used) = used(ring, &format!("{name}_ring"))?;
    if framesize.is_some_and(|size| size != element_size) {
        return Err(error::value_error(format_args!(
            "{name}_framesize must be the elementsize of {name}_ring, {element_size} bytes, not {}",
            framesize.unwrap_or(0)
        )));
    }
    let pointer = std::ptr::with_exposed_provenance_mut(address);
    Ok((pointer, element_size, Some(used)))
}

impl StreamCallback {
    pub(crate) fn function(&self) -> CallbackFunction {
        callback
    }

    pub(crate) fn state(&self) -> *mut CallbackState {
        // Everything that changes in it is atomic.
        std::ptr::from_ref(&*self.state).cast_mut()
    }

    /// Fixes the frame sizes. Call this before a device checks them and makes calls.
    pub(crate) fn settle(&self) {
        *self
            .is_settled
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// # Errors
    ///
    /// ValueError if a device's frames, with these numbers of bytes for input and output, differ
    /// from the callback's. A missing direction has none.
    pub(crate) fn check_frames(&self, device: [usize; 2]) -> PyResult<()> {
        let names = ["input", "output"];
        for ((name, ours), theirs) in names.into_iter().zip(self.state.frame_sizes()).zip(device) {
            if ours != 0 && theirs != 0 && ours != theirs {
                return Err(error::value_error(format_args!(
                    "the callback's {name} frames have {ours} bytes, but the device's have \
                     {theirs}: the ring's elementsize must be channels times bytes per sample"
                )));
            }
        }
        Ok(())
    }

    fn side(&self, side: Side) -> Option<&Py<PyAny>> {
        let [input, output] = self.rings.get()?;
        let ring = match side {
            Side::Producer => output,
            Side::Consumer => input,
        };
        ring.as_ref().map(|used| &used.ring)
    }

    /// Whether there is a ring for that side.
    pub(crate) fn has_side(&self, side: Side) -> bool {
        self.side(side).is_some()
    }

    /// The ring of one side, as created by a stream.
    pub(crate) fn ring<'py>(
        &self,
        py: Python<'py>,
        side: Side,
    ) -> PyResult<Bound<'py, RingBuffer>> {
        let Some(ring) = self.side(side) else {
            return Err(error::type_error(
                "the stream has no ring in this direction",
            ));
        };
        Ok(ring.bind(py).cast::<RingBuffer>()?.clone())
    }

    /// The number of the next frame to be read or written.
    pub(crate) fn position(&self, side: Side) -> u64 {
        // SAFETY: this object keeps the rings.
        unsafe { self.state.position(side) }.unwrap_or(0)
    }

    pub(crate) fn callback_state(&self) -> &CallbackState {
        &self.state
    }

    /// Whether the device has stopped calling the callback.
    pub(crate) fn is_finished(&self) -> bool {
        self.state.is_finished()
    }

    /// The number of losses so far, of the rings and of the device.
    fn losses(&self) -> u64 {
        let counters = self.state.counters();
        counters.input_overflows()
            + counters.output_underflows()
            + counters.device_input_underflows()
            + counters.device_input_overflows()
            + counters.device_output_underflows()
            + counters.device_output_overflows()
    }

    /// Whether something was lost since the latest report.
    #[inline]
    pub(crate) fn has_untold_losses(&self) -> bool {
        self.losses() != self.told_losses.load(Ordering::Relaxed)
    }
}

#[pymethods]
impl StreamCallback {
    #[new]
    #[pyo3(signature = (
        input_ring=None, output_ring=None, *, input_framesize=None, output_framesize=None,
        silence=0, on_underflow="silence", on_overflow="drop", wake=false
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        input_ring: Option<&Bound<'_, PyAny>>,
        output_ring: Option<&Bound<'_, PyAny>>,
        input_framesize: Option<Integer>,
        output_framesize: Option<Integer>,
        silence: u8,
        on_underflow: &str,
        on_overflow: &str,
        wake: bool,
    ) -> PyResult<Self> {
        let stop_on_underflow = is_stop(on_underflow, "on_underflow", "silence")?;
        let stop_on_overflow = is_stop(on_overflow, "on_overflow", "drop")?;
        // SAFETY: without rings, there is nothing to keep.
        let state = unsafe { CallbackState::new(null_mut(), 0, null_mut(), 0, 0) };
        if stop_on_underflow {
            state.set_on_underflow(OnUnderflow::Stop);
        }
        if stop_on_overflow {
            state.set_on_overflow(OnOverflow::Stop);
        }
        // If it cannot wake threads, they check the ring periodically, as without it.
        state.set_wake(wake);
        let new = Self {
            state: Box::new(state),
            rings: OnceLock::new(),
            is_settled: Mutex::new(false),
            told_losses: AtomicU64::new(0),
        };
        let given = input_ring.is_some()
            || output_ring.is_some()
            || input_framesize.is_some()
            || output_framesize.is_some();
        if given {
            new.attach(
                input_ring,
                output_ring,
                input_framesize,
                output_framesize,
                silence,
            )?;
        }
        Ok(new)
    }

    /// For the streams, which are opened before their frame sizes are known: the arguments that
    /// were not given to the constructor. To be called before the stream is started.
    #[pyo3(name = "_attach", signature = (
        input_ring=None, output_ring=None, input_framesize=None, output_framesize=None, silence=0
    ))]
    fn attach(
        &self,
        input_ring: Option<&Bound<'_, PyAny>>,
        output_ring: Option<&Bound<'_, PyAny>>,
        input_framesize: Option<Integer>,
        output_framesize: Option<Integer>,
        silence: u8,
    ) -> PyResult<()> {
        let (input, input_size, input_ring) = side(input_ring, input_framesize, "input")?;
        let (output, output_size, output_ring) = side(output_ring, output_framesize, "output")?;
        let settled = self
            .is_settled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let refused = if *settled || self.state.counters().blocks() != 0 {
            Some("the callback is in use: give it its rings before the stream is started")
        } else if self.rings.set([input_ring, output_ring]).is_err() {
            Some("the callback has its rings already")
        } else {
            // SAFETY: this object, which must outlive the stream, keeps the rings. The stream has
            // not made a call yet; a virtual device would have settled the callback.
            unsafe {
                self.state
                    .attach(input, input_size, output, output_size, silence);
            }
            None
        };
        drop(settled);
        refused.map_or(Ok(()), |why| Err(error::runtime_error(why)))
    }

    /// For `CompiledStream`, before it is started: checks the frame sizes in bytes, for input and
    /// output (0 for a missing direction), and fixes them.
    #[pyo3(name = "_settle")]
    fn settle_for(&self, input: usize, output: usize) -> PyResult<()> {
        self.settle();
        self.check_frames([input, output])
    }

    /// The address of the C function, a ``PaStreamCallback``.
    #[getter(function)]
    fn function_address(&self) -> usize {
        self.function() as *const () as usize
    }

    /// The address of another C function, a ``PaStreamFinishedCallback``.
    ///
    /// When a device calls it with the same ``userData``, `finished` shows that the stream is over.
    #[getter]
    fn finished_function(&self) -> usize {
        finished as *const () as usize
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
            // Other code only uses its address.
            true,
            Keeper::Ours(slf.clone().into_any().unbind()),
        );
        let region = Bound::new(py, region)?.into_any();
        cdata::from_buffer(&cdata::own_ffi(py)?, intern!(py, "void *"), &region)
    }

    /// The output ring, or ``None``.
    #[getter]
    fn output_ring(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.side(Side::Producer).map(|ring| ring.clone_ref(py))
    }

    /// The input ring, or ``None``.
    #[getter]
    fn input_ring(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.side(Side::Consumer).map(|ring| ring.clone_ref(py))
    }

    /// The counters: a new dict of ints.
    ///
    /// ``blocks`` and ``frames``: calls, and frames in them; ``smallest_block`` and
    /// ``largest_block``: frames per call; ``input_overflows`` and ``input_overflow_frames``: calls
    /// in which the input ring had too little room, and frames dropped; ``output_underflows`` and
    /// ``output_underflow_frames``: calls in which the output ring held too few frames, and frames
    /// of silence played instead; ``device_input_underflows``, ``device_input_overflows``,
    /// ``device_output_underflows``, ``device_output_overflows`` and ``device_primings``: calls in
    /// which PortAudio reported this about the device itself (its status flags).
    ///
    /// ``input_low_water`` and ``input_high_water``: lowest fill of the input ring before a call
    /// (initially the ring's size), and its highest fill after a call; ``output_low_water`` and
    /// ``output_high_water``: lowest fill of the output ring after a call (initially the ring's
    /// size), and its highest fill before a call.
    ///
    /// All numbers are from the same moment, between two calls.
    #[getter]
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = object::dict(py)?;
        for (name, value) in Counters::NAMES.iter().zip(self.state.counters().snapshot()) {
            counters.set_item(object::text(py, name)?, object::wide(py, value)?)?;
        }
        Ok(counters)
    }

    /// The meaning of an empty output ring.
    ///
    /// ``'run'``: an underflow; silence is played and counted. ``'drain'``: the producer has
    /// finished; silence is played and not counted. ``'complete'``: the producer has finished; the
    /// stream finishes when everything has been played. ``'start'``: the producer has not started;
    /// silence is played and not counted until the ring holds a block (or is full), then the mode
    /// is ``'run'``. ``'hold'``: silence is played whatever the ring holds, and nothing is recorded
    /// or counted as lost, until another mode is set. ``'abort'``: the stream is aborted at the
    /// next call.
    #[getter]
    fn mode(&self) -> &'static str {
        let mode = self.state.mode();
        MODES
            .iter()
            .find(|(_, known)| *known == mode)
            .map_or("run", |(name, _)| name)
    }

    #[setter]
    fn set_mode(&self, mode: &str) -> PyResult<()> {
        let Some((_, mode)) = MODES.iter().find(|(name, _)| *name == mode) else {
            return Err(error::value_error(format_args!(
                "mode must be 'run', 'drain', 'complete', 'start', 'hold' or 'abort', not \
                 '{mode}'"
            )));
        };
        self.state.set_mode(*mode);
        Ok(())
    }

    /// Why the stream has finished, or ``None`` before that.
    ///
    /// ``'completed'``: everything was played, in the mode ``'complete'``; ``'underflow'`` and
    /// ``'overflow'``: according to *on_underflow* and *on_overflow*; ``'stopped'``: for another
    /// reason (detected only if the device calls `finished_function`).
    #[getter(finished)]
    fn finish_reason(&self) -> Option<&'static str> {
        Some(match self.state.finish_reason()? {
            FinishReason::Completed => "completed",
            FinishReason::Underflow => "underflow",
            FinishReason::Overflow => "overflow",
            FinishReason::Stopped => "stopped",
        })
    }

    /// For the streams: the number of losses so far, of the rings and of the device.
    #[getter]
    fn _losses(&self) -> u64 {
        self.losses()
    }

    /// For the streams: the number of losses covered by the latest report.
    #[getter]
    fn _told_losses(&self) -> u64 {
        self.told_losses.load(Ordering::Relaxed)
    }

    #[setter(_told_losses)]
    fn set_told_losses(&self, losses: u64) {
        self.told_losses.store(losses, Ordering::Relaxed);
    }

    /// For the streams: the latest block, with all values from the same moment: number of calls so
    /// far; number of the first input frame and time of its capture; number of the first output
    /// frame and time at which it is heard; time of the callback's call. ``None`` before the first
    /// block.
    ///
    /// Frames are numbered in the order in which they pass through the rings.
    fn _block_times<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let Some(times) = self.state.block_times() else {
            return Ok(None);
        };
        let times = [
            object::wide(py, times.blocks)?,
            object::wide(py, times.input_frame)?,
            object::float(py, times.input_adc_time)?,
            object::wide(py, times.output_frame)?,
            object::float(py, times.output_dac_time)?,
            object::float(py, times.current_time)?,
        ];
        object::tuple(py, times).map(Some)
    }

    /// For the streams: whether the device has stopped calling the callback.
    #[getter]
    fn _is_finished(&self) -> bool {
        self.is_finished()
    }

    /// For the streams: records that the device has stopped calling the callback. Waiting threads
    /// wake.
    fn _finish(&self) {
        self.state.finish();
    }

    /// Forget why the stream has finished. Call this before starting it again.
    ///
    /// >>> import pa_ringbuffer
    /// >>> callback = pa_ringbuffer.StreamCallback(input_ring=pa_ringbuffer.RingBuffer(4, 1024))
    /// >>> callback.restart()
    /// >>> callback.finished is None
    /// True
    fn restart(&self) {
        self.state.restart();
    }

    fn __repr__(&self) -> String {
        let counters = self.state.counters().snapshot();
        format!(
            "<StreamCallback: {} blocks, {} frames>",
            counters[0], counters[1]
        )
    }

    /// Clearing these does not affect the rings and their memory.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for used in self.rings.get().into_iter().flatten().flatten() {
            if used.is_native {
                visit.call(&used.ring)?;
            }
            used.keeper.visit(&visit)?;
        }
        Ok(())
    }
}
