//! The virtual device as a Python object.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pa_ringbuffer_callback::{
    CallbackFunction, DeviceConfig, DeviceError, FinishedCallback, Monitor, Pace, Script,
    VirtualDevice as Device,
};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::arguments::integer::Integer;
use crate::arguments::samples::SampleFormat;
use crate::arguments::script;
use crate::error;
use crate::stream::callback::StreamCallback;
use crate::stream::compiled::Compiled;
use crate::stream::wait;

/// Interval between two checks for Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// How long to wait for a callback that does not return if nothing can be done about it: at the
/// exit of the interpreter, and in the garbage collector.
const PATIENCE: Duration = Duration::from_secs(1);

/// Devices that were started and may still be running; `None` if no more can be started, because
/// nothing would stop them.
static STARTED: Mutex<Option<Vec<Monitor>>> = Mutex::new(Some(Vec::new()));

fn started() -> MutexGuard<'static, Option<Vec<Monitor>>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops all running devices when the interpreter exits: otherwise a callback that needs Python
/// would be killed in the middle and crash the process.
pub(crate) fn stop_all(py: Python<'_>, may_detach: bool) {
    let monitors = started().take().unwrap_or_default();
    let stop = || {
        for monitor in &monitors {
            monitor.request_stop();
        }
        for monitor in &monitors {
            // Until its thread no longer needs the interpreter.
            if let Some(present) = monitor.present_use() {
                monitor.wait_for_end(present, PATIENCE);
            }
        }
    };
    if may_detach {
        py.detach(stop);
    } else {
        stop();
    }
}

/// A silent sound device: it calls a ``PaStreamCallback`` from its own thread.
///
/// It replaces PortAudio where there is no sound card, in tests for example. Its thread is not a
/// Python thread, and the GIL never delays it.
///
/// :param callback: The function to call: a :class:`pa_ringbuffer.StreamCallback`, or any C
///     function that is a ``PaStreamCallback``: its address, a CFFI or ctypes function pointer, a
///     function from a shared library opened by one of them, an object with the address in an
///     attribute ``address`` (Numba's ``cfunc``), or a capsule with the function (Cython's
///     ``__pyx_capi__``). The device keeps the object.
/// :type callback: StreamCallback or int or CData pointer or object
/// :param userdata: The callback's last argument: an address, a CFFI or ctypes pointer, a
///     :class:`pa_ringbuffer.RingBuffer` (which stands for its C struct), or a writable contiguous
///     buffer, such as a NumPy array of records or a ctypes structure (which stands for its first
///     byte). The device keeps the object. A `StreamCallback` brings its own.
/// :type userdata: int or CData pointer or RingBuffer or buffer, optional
/// :param samplerate: Frames per second.
/// :type samplerate: float, optional
/// :param channels: Number of channels, or a pair (input, output), in which 0 stands for a missing
///     direction.
/// :type channels: int or tuple, optional
/// :param dtype: Sample format: ``'float32'``, ``'int32'``, ``'int24'``, ``'int16'``, ``'int8'`` or
///     ``'uint8'``. Samples are interleaved.
/// :type dtype: str, optional
/// :param blocksize: Frames per call; 0 for blocks that vary from 1 to 1024 frames.
/// :type blocksize: int, optional
/// :param loopback: Whether the output comes back as input, one block later (1024 frames for
///     varying blocks). Otherwise the input is zeros.
/// :type loopback: bool, optional
/// :param realtime: Whether the thread keeps to the sample rate or calls as fast as possible. After
///     a late call, the next ones catch up immediately: lateness delays data, but loses none.
/// :type realtime: bool, optional
/// :param jitter: In real time, each call is late by between 0 and this number of seconds. The
///     delays look random, are the same after every start, and do not add up. The callback sees
///     them in ``currentTime``.
/// :type jitter: float, optional
/// :param finished_callback: A ``PaStreamFinishedCallback``, in the same forms as *callback*. The
///     device's thread calls it with *userdata* when a started device becomes inactive, whether
///     stopped or ended by its callback: after the last call, before *active* becomes false. A
///     `StreamCallback` has its own, to detect that it is *finished*.
/// :type finished_callback: int or CData pointer or object, optional
///
/// >>> import numpy as np, pa_ringbuffer
/// >>> from pa_ringbuffer.testing import VirtualDevice
/// >>> ring = pa_ringbuffer.RingBuffer(elementsize=4, size=1024)
/// >>> callback = pa_ringbuffer.StreamCallback(input_ring=ring)
/// >>> device = VirtualDevice(callback, channels=(1, 0), blocksize=64)
/// >>> device.process(np.ones((128, 1), 'float32'))
/// >>> ring.read_available
/// 128
///
/// In a ``with`` statement, the device is started, and closed at the end.
///
/// **Times.** The clock that the callback sees counts frames: it is 0 at the first call, and each
/// call advances it by its frames. Output is heard from the time of its call on. Input was captured
/// one block earlier, or by the length of the largest block so far (1024 frames for varying
/// blocks). With loopback, a frame is captured when it is heard. Late calls change only
/// ``currentTime``.
///
/// **Xruns.** Underflows and overflows happen only on request, with :meth:`xrun` or in
/// :meth:`process`. The callback gets PortAudio's status flag. The number and sizes of the calls
/// stay the same; the data is shifted relative to them. For a call of *n* frames:
///
/// - ``'input_underflow'``: the input is *n* zeros and none is consumed; the input continues with
///   the next call.
/// - ``'input_overflow'``: the next *n* frames of input are lost before the block is captured.
/// - ``'output_underflow'``: the output contains *n* frames of silence before this block.
/// - ``'output_overflow'``: the output does not contain this block.
///
/// Several kinds may come together. Silence is zeros, for ``'uint8'`` too. Loopback is a cable that
/// contains one block: underflows lengthen its delay by a block, overflows shorten it; zeros
/// replace frames that arrive too late, and frames beyond a capacity of eight blocks are lost.
///
/// **End.** ``stop()`` and ``close()`` wait until the last call has returned. In a callback of a
/// virtual device they only make the current call the last one, because the callback could wait for
/// itself. A running device that is garbage-collected is closed in the same way; its thread keeps
/// the callbacks until it has ended. A forked child cannot use a device that was running at the
/// fork.
#[pyclass(frozen, weakref, module = "pa_ringbuffer.testing")]
pub(crate) struct VirtualDevice {
    device: ManuallyDrop<Device>,
    monitor: Monitor,
    samples: SampleFormat,
    /// Numbers of input and output channels.
    channels: [usize; 2],
    kept: Arc<Kept>,
    /// Whether the collector has found the device to be garbage: its end has then been handled as
    /// far as possible.
    finalised: AtomicBool,
}

/// The objects that the callbacks use. The device refers to it, and so does its thread while there
/// is one; the device shows each reference to the garbage collector once.
struct Kept {
    /// The callback, its data, and the finished callback.
    objects: [Py<PyAny>; 3],
    /// The number of threads that keep the objects (at most one, except for a start that is about
    /// to fail), and whether they also have `hidden` ones to release.
    threads: AtomicUsize,
    /// Further references to the objects, which the collector is not shown. Locked for a moment, by
    /// attached threads.
    hidden: Mutex<Vec<Py<PyAny>>>,
}

/// In `threads`.
const HAS_HIDDEN: usize = 1;
const ONE_THREAD: usize = 2;

impl Kept {
    fn hidden(&self) -> MutexGuard<'_, Vec<Py<PyAny>>> {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the collector from clearing the objects while a thread uses them, even if the device
    /// and they are garbage.
    fn hold(&self, py: Python<'_>) {
        let references = self.objects.iter().map(|object| object.clone_ref(py));
        self.hidden().extend(references);
        let held = (self.threads).fetch_update(Ordering::SeqCst, Ordering::SeqCst, |threads| {
            (threads >= ONE_THREAD).then_some(threads | HAS_HIDDEN)
        });
        if held.is_err() {
            // No thread is left to release them.
            self.give_back();
        }
    }

    fn give_back(&self) {
        let hidden = std::mem::take(&mut *self.hidden());
        // Outside of the lock, where Python code may run.
        drop(hidden);
    }
}

/// A thread's share in the objects that its callbacks use.
struct KeptByThread(ManuallyDrop<Arc<Kept>>);

impl KeptByThread {
    fn new(kept: &Arc<Kept>) -> Self {
        kept.threads.fetch_add(ONE_THREAD, Ordering::SeqCst);
        Self(ManuallyDrop::new(Arc::clone(kept)))
    }
}

impl Drop for KeptByThread {
    /// Usually, this does not need Python: the thread of a compiled callback has then never been
    /// attached. References can be released only while there is an interpreter.
    fn drop(&mut self) {
        // SAFETY: it is taken once, here.
        let kept = unsafe { ManuallyDrop::take(&mut self.0) };
        let before = kept.threads.fetch_sub(ONE_THREAD, Ordering::SeqCst);
        if before == ONE_THREAD | HAS_HIDDEN {
            kept.threads.fetch_and(!HAS_HIDDEN, Ordering::SeqCst);
            Python::try_attach(|_| kept.give_back());
        }
        // The device may be gone, and these may be the last references to the objects.
        if let Some(last) = Arc::into_inner(kept) {
            let mut last = Some(last);
            Python::try_attach(|_| drop(last.take()));
            std::mem::forget(last);
        }
    }
}

#[cold]
fn device_error(error: DeviceError) -> PyErr {
    match error {
        DeviceError::Memory(_) => error::memory_error(error),
        DeviceError::Running
        | DeviceError::Forked
        | DeviceError::Closed
        | DeviceError::Thread(_) => {
            let text = error
                .to_string()
                .replace("the device", "the virtual device");
            error::runtime_error(text)
        }
        _ => error::value_error(error),
    }
}

fn channel_pair(channels: &Bound<'_, PyAny>) -> PyResult<[usize; 2]> {
    let wrong = |error| {
        error::unless_raised(channels.py(), error, || {
            error::type_error("channels must be an integer or a pair of integers (input, output)")
        })
    };
    let pair: [Integer; 2] = match channels.cast::<PyTuple>() {
        Ok(pair) if pair.len() == 2 => [
            pair.get_item(0)?.extract().map_err(wrong)?,
            pair.get_item(1)?.extract().map_err(wrong)?,
        ],
        _ => [channels.extract().map_err(wrong)?; 2],
    };
    let mut numbers = [0; 2];
    for (number, integer) in numbers.iter_mut().zip(pair) {
        *number = integer.required("channels")?;
        // More than any device has; it also keeps a frame's size from overflowing.
        if *number > 0xFFFF {
            return Err(error::value_error(format_args!(
                "channels must be at most 65535, not {number}"
            )));
        }
    }
    Ok(numbers)
}

/// A StreamCallback knows its frame sizes, and would otherwise write beyond the block.
fn check_frames(
    callback: &Bound<'_, PyAny>,
    channels: [usize; 2],
    samples: SampleFormat,
) -> PyResult<()> {
    let Ok(ours) = callback.cast::<StreamCallback>() else {
        return Ok(());
    };
    let [input, output] = channels.map(|channels| channels * samples.size);
    ours.get().check_frames([input, output])
}

impl VirtualDevice {
    /// Checks before each use.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        if self.monitor.is_ending() {
            // To release what it keeps, the thread needs the GIL.
            self.wait_for_end(py)?;
        }
        let callback = self.kept.objects[0].bind(py);
        if let Ok(ours) = callback.cast::<StreamCallback>() {
            ours.get().settle();
        }
        // Once more: only now must the callback know its frame sizes.
        check_frames(callback, self.channels, self.samples)
    }

    /// Makes the calls of a script, and attaches to Python only now and then, to check for Ctrl-C.
    /// Returns the number of frames, and the output if it is needed.
    fn follow(
        &self,
        py: Python<'_>,
        script: &Script<'_>,
        keep_output: bool,
    ) -> PyResult<(u64, Vec<u8>)> {
        self.check(py)?;
        let mut calls = (self.device)
            .prepare(script, keep_output)
            .map_err(device_error)?;
        loop {
            let pause = Instant::now() + SIGNALS;
            if py
                .detach(|| calls.go_on(Some(pause)))
                .map_err(device_error)?
            {
                return Ok((calls.frames(), calls.into_output()));
            }
            py.check_signals()?;
        }
    }

    /// Waits until the device's current use has ended, except in a callback.
    fn wait_for_end(&self, py: Python<'_>) -> PyResult<()> {
        if Device::in_callback() {
            return Ok(());
        }
        let Some(present) = self.monitor.present_use() else {
            return Ok(());
        };
        while !py.detach(|| self.monitor.wait_for_end(present, SIGNALS)) {
            py.check_signals()?;
        }
        Ok(())
    }
}

#[pymethods]
impl VirtualDevice {
    #[new]
    #[pyo3(
        signature = (
            callback, userdata=None, *, samplerate=48000.0, channels=None, dtype="float32",
            blocksize=Integer::BLOCK, loopback=false, realtime=true, jitter=0.0,
            finished_callback=None
        ),
        text_signature = "(callback, userdata=None, *, samplerate=48000, channels=2, \
            dtype='float32', blocksize=256, loopback=False, realtime=True, jitter=0.0, \
            finished_callback=None)"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn new(
        callback: &Bound<'_, PyAny>,
        userdata: Option<&Bound<'_, PyAny>>,
        samplerate: f64,
        channels: Option<&Bound<'_, PyAny>>,
        dtype: &str,
        blocksize: Integer,
        loopback: bool,
        realtime: bool,
        jitter: f64,
        finished_callback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let compiled = Compiled::new(callback, userdata, finished_callback)?;
        let pointer = std::ptr::with_exposed_provenance::<c_void>(compiled.function);
        // SAFETY: not null; that it is a PaStreamCallback is what the caller says.
        let function = unsafe { std::mem::transmute::<*const c_void, CallbackFunction>(pointer) };
        let user_data = std::ptr::with_exposed_provenance_mut(compiled.user_data);
        let finished = (compiled.finished != 0).then(|| {
            let pointer = std::ptr::with_exposed_provenance::<c_void>(compiled.finished);
            // SAFETY: not null; that it is a PaStreamFinishedCallback is what the caller says.
            unsafe { std::mem::transmute::<*const c_void, FinishedCallback>(pointer) }
        });
        let samples = SampleFormat::named(dtype)?;
        let [input, output] = channels.map_or(Ok([2, 2]), channel_pair)?;
        check_frames(callback, [input, output], samples)?;
        let block_size = blocksize.required("blocksize")?;
        let config = DeviceConfig::new(function, user_data)
            .finished(finished)
            .sample_rate(samplerate)
            .input_frame_size(input * samples.size)
            .output_frame_size(output * samples.size)
            .block_size(block_size)
            .loopback(loopback)
            .pace(if realtime { Pace::RealTime } else { Pace::Fast })
            .jitter(jitter);
        // SAFETY: the device keeps everything that the callback uses. The caller guarantees that it
        // accepts such frames.
        let device = unsafe { Device::new(config) }.map_err(device_error)?;
        Ok(Self {
            monitor: device.monitor(),
            device: ManuallyDrop::new(device),
            samples,
            channels: [input, output],
            kept: Arc::new(Kept {
                objects: compiled.kept,
                threads: AtomicUsize::new(0),
                hidden: Mutex::default(),
            }),
            finalised: AtomicBool::new(false),
        })
    }

    /// Start calling the callback.
    ///
    /// :raises ValueError: If the frames of a `StreamCallback` are not the device's.
    /// :raises RuntimeError: If the device was started and not stopped, or is closed; if the
    ///     interpreter is exiting.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        self.check(py)?;
        let outcome = started().as_mut().map(|started| {
            started.retain(Monitor::is_active);
            self.device.start_with(KeptByThread::new(&self.kept))?;
            started.push(self.monitor.clone());
            Ok(())
        });
        match outcome {
            Some(outcome) => outcome.map_err(device_error),
            None => Err(error::runtime_error(
                "the virtual device cannot be started: the interpreter is exiting",
            )),
        }
    }

    /// Stop calling the callback, and wait until the last call has returned.
    ///
    /// In a callback, this only makes the current call the last one.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.monitor.request_stop();
        self.wait_for_end(py)
    }

    /// Stop permanently. The callback and its data are no longer needed after that.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.monitor.request_close();
        self.wait_for_end(py)
    }

    /// Called by the garbage collector before it clears anything.
    fn __del__(&self, py: Python<'_>) {
        self.monitor.request_close();
        self.finalised.store(true, Ordering::Relaxed);
        if !Device::in_callback() {
            // A callback may be waiting for a lock that this thread holds: do not wait forever.
            py.detach(|| self.monitor.wait(PATIENCE));
        }
        self.kept.hold(py);
    }

    /// Call the callback on this thread, without a clock.
    ///
    /// The calls are the same in every run, for repeatable tests.
    ///
    /// :param frames: Number of frames; the last block is shortened to fit.
    /// :type frames: int
    /// :returns: The number of frames, which is smaller if the callback has ended the stream.
    /// :raises RuntimeError: If the device was started and not stopped, or is closed.
    fn run(&self, py: Python<'_>, frames: Integer) -> PyResult<u64> {
        let frames = frames.required("frames")? as u64;
        let script = Script {
            frames,
            ..Script::default()
        };
        let (frames, _) = self.follow(py, &script, false)?;
        Ok(frames)
    }

    /// Call the callback on this thread, without a clock, with given input and block sizes, and
    /// return its output.
    ///
    /// :param input: Interleaved frames in the device's *dtype* and number of input channels: any
    ///     C-contiguous buffer, such as a NumPy array of shape ``(frames, channels)``, or bytes.
    ///     Without it, the input is the same as in other calls, loopback or zeros; with it, nothing
    ///     passes through the loopback.
    /// :type input: buffer, optional
    /// :param frames: Number of frames in all calls. Default: that of *input*, which must have at
    ///     least as many. Unused input is discarded.
    /// :type frames: int, optional
    /// :param blocksizes: Frames per call: an iterable of positive ints, which is repeated when it
    ///     is exhausted. Default: as in other calls. The last block is shortened to fit.
    /// :type blocksizes: list or tuple, optional
    /// :param xruns: Underflows and overflows: ``{number of the call: kind or iterable of kinds}``,
    ///     counted from 0. Entries for calls that do not take place have no effect.
    /// :type xruns: dict, optional
    /// :returns: The output in the shape ``(frames, channels)`` and the format of the *dtype*, or
    ///     ``(frames, channels, 3)`` in bytes for ``'int24'``; ``None`` without output channels. It
    ///     has *frames* frames, or fewer if the callback has ended the stream: including the block
    ///     of its last call if that returned ``paComplete``, without it if ``paAbort``. Output
    ///     underflows add a block, overflows remove one. ``numpy.asarray()`` makes it an array
    ///     without a copy.
    /// :rtype: memoryview or None
    /// :raises ValueError: If *input* does not fit the device or is shorter than *frames*.
    /// :raises RuntimeError: If the device was started and not stopped, or is closed.
    ///
    /// Zeros follow input that an overflow has used up.
    #[pyo3(signature = (input=None, frames=None, *, blocksizes=None, xruns=None))]
    fn process<'py>(
        &self,
        py: Python<'py>,
        input: Option<&Bound<'py, PyAny>>,
        frames: Option<Integer>,
        blocksizes: Option<&Bound<'py, PyAny>>,
        xruns: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let [input_channels, output_channels] = self.channels;
        let input = match input {
            Some(_) if input_channels == 0 => {
                return Err(error::value_error(
                    "input must be None, because the device has no input channels",
                ));
            }
            Some(buffer) => Some(self.samples.frames(buffer, input_channels, "input")?),
            None => None,
        };
        let given = input
            .as_ref()
            .map(|input| input.len() / (input_channels * self.samples.size));
        let frames = match (frames, given) {
            (Some(frames), given) => {
                let frames = frames.required("frames")?;
                if let Some(given) = given.filter(|given| *given < frames) {
                    return Err(error::value_error(format_args!(
                        "frames must be at most the {given} frames of the input, not {frames}"
                    )));
                }
                frames
            }
            (None, Some(given)) => given,
            (None, None) => {
                return Err(error::type_error("frames must be given if input is not"));
            }
        } as u64;
        let block_sizes = match blocksizes {
            Some(sizes) => script::block_sizes(sizes, frames)?,
            None => Vec::new(),
        };
        let xruns = match xruns {
            Some(xruns) => script::xruns(xruns, self.channels)?,
            None => Vec::new(),
        };
        let script = Script {
            frames,
            input: input.as_deref(),
            block_sizes: &block_sizes,
            xruns: &xruns,
        };
        let (_, output) = self.follow(py, &script, true)?;
        if output_channels == 0 {
            return Ok(None);
        }
        self.samples.view(py, &output, output_channels).map(Some)
    }

    /// Make the next call report an underflow or overflow: of the thread, :meth:`run` or
    /// :meth:`process`.
    ///
    /// Any thread and the callback may call this at any time. Two requests of the same kind before
    /// that call count as one.
    ///
    /// :param kind: ``'input_underflow'``, ``'input_overflow'``, ``'output_underflow'`` or
    ///     ``'output_overflow'``.
    /// :type kind: str
    /// :raises ValueError: If the device has no channels in that direction.
    fn xrun(&self, kind: &str) -> PyResult<()> {
        let xrun = script::xrun(kind, self.channels, "kind")?;
        self.monitor.xrun(xrun).map_err(device_error)
    }

    /// Wait until the device is no longer active.
    ///
    /// :param timeout: Maximum time to wait, in seconds; no limit if omitted.
    /// :type timeout: float, optional
    /// :returns: ``False`` if it is still active.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let end = wait::deadline(timeout)?;
        let Some(present) = self.monitor.present_use() else {
            return Ok(true);
        };
        while self.monitor.is_active() {
            let slice = end.map_or(SIGNALS, |end| {
                end.saturating_duration_since(Instant::now()).min(SIGNALS)
            });
            if py.detach(|| self.monitor.wait_for_end(present, slice)) {
                break;
            }
            py.check_signals()?;
            if end.is_some_and(|end| end <= Instant::now()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the device's thread is calling the callback.
    #[getter]
    fn active(&self) -> bool {
        self.monitor.is_active()
    }

    /// Number of frames in all calls so far.
    #[getter]
    fn frames(&self) -> u64 {
        self.monitor.frames()
    }

    /// Lateness of the latest call in seconds, caused by a busy machine. It does not include the
    /// requested jitter.
    #[getter]
    fn lateness(&self) -> f64 {
        self.monitor.lateness().as_secs_f64()
    }

    fn __repr__(&self) -> String {
        let state = if self.active() { "active" } else { "idle" };
        format!("<VirtualDevice: {state}, {} frames>", self.frames())
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().start(slf.py())?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }

    /// Clearing these does no harm: `__del__` runs before that.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        (self.kept.objects.iter()).try_for_each(|object| visit.call(object))
    }
}

/// Whether the collector has called `__del__`, which Python only looks up when it is assigned.
pub(crate) fn install_finaliser(class: &Bound<'_, PyType>) -> PyResult<()> {
    let name = intern!(class.py(), "__del__");
    class.setattr(name, class.getattr(name)?)
}

impl Drop for VirtualDevice {
    fn drop(&mut self) {
        self.monitor.request_close();
        let present = self.monitor.present_use();
        if let (Some(present), false) = (present, *self.finalised.get_mut()) {
            if !Device::in_callback() {
                // The callback may be waiting for the GIL, which this thread holds. Without an
                // interpreter, `stop_all` has already stopped the device.
                Python::try_attach(|py| {
                    py.detach(|| self.monitor.wait_for_end(present, Duration::MAX));
                });
            }
        }
        // SAFETY: it is taken once, here.
        unsafe { ManuallyDrop::take(&mut self.device) }.give_up();
    }
}
