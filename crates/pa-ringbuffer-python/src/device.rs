//! The virtual device as a Python object.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use pa_ringbuffer_callback::{
    DeviceConfig, DeviceError, FinishedCallback, Monitor, Pace, Script, StreamCallback,
    VirtualDevice as Device, finished,
};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::callback::StreamCallback as OurCallback;
use crate::function::{function_argument, user_data_argument};
use crate::integer::Integer;
use crate::samples::SampleFormat;
use crate::script;
use crate::wait;

/// How long to wait before looking for Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// Devices that were started and may still be running.
static STARTED: Mutex<Vec<Monitor>> = Mutex::new(Vec::new());

fn started() -> MutexGuard<'static, Vec<Monitor>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops what is still running when the interpreter exits: a callback that needs Python would
/// otherwise be killed in the middle, and take the process with it.
pub(crate) fn stop_all(py: Python<'_>) {
    let monitors = std::mem::take(&mut *started());
    py.detach(|| {
        for monitor in &monitors {
            monitor.request_stop();
        }
        for monitor in &monitors {
            // A callback that does not return within a second is not waited for.
            monitor.wait(Duration::from_secs(1));
        }
    });
}

/// A sound device without sound: it calls a ``PaStreamCallback`` from a thread of its own.
///
/// It stands in for PortAudio where there is no sound card, in tests for example. The thread
/// belongs to no Python and is never held up by the GIL.
///
/// :param callback: Whom to call: a :class:`pa_ringbuffer.StreamCallback`, or any C function that
///     is a ``PaStreamCallback``: its address, a CFFI or ctypes function pointer, a function from a
///     shared library opened by one of them, or an object with the address in an attribute
///     ``address`` (Numba's ``cfunc``). The device keeps the object.
/// :type callback: StreamCallback or int or CData pointer or object
/// :param userdata: The callback's last argument: an address, a CData pointer or a ctypes pointer.
///     A `StreamCallback` brings its own.
/// :type userdata: int or CData pointer, optional
/// :param samplerate: Frames per second.
/// :type samplerate: float, optional
/// :param channels: Number of channels, or a pair for input and output, where 0 means that the
///     device has no such direction.
/// :type channels: int or tuple, optional
/// :param dtype: Sample format: ``'float32'``, ``'int32'``, ``'int24'``, ``'int16'``, ``'int8'`` or
///     ``'uint8'``. Samples are interleaved.
/// :type dtype: str, optional
/// :param blocksize: Frames per call; 0 for blocks that vary from 1 to 1024 frames.
/// :type blocksize: int, optional
/// :param loopback: Whether what is played comes back as input, one block later (1024 frames for
///     varying blocks). Otherwise the input is zeros.
/// :type loopback: bool, optional
/// :param realtime: Whether the thread keeps to the sample rate, or calls as fast as it can. A late
///     call is made up for at once: lateness delays data, but loses none.
/// :type realtime: bool, optional
/// :param jitter: In real time, each call comes late by a time between 0 and so many seconds. The
///     times look random and are the same after every start; they do not add up. The callback sees
///     them in ``currentTime``.
/// :type jitter: float, optional
/// :param finished_callback: A ``PaStreamFinishedCallback``, in the same forms as *callback*. The
///     device's thread calls it with *userdata* when a started device becomes inactive, whether
///     stopped or ended by its callback: after the last call, before *active* turns false. A
///     `StreamCallback` brings its own, to be able to say that it has *ended*.
/// :type finished_callback: int or CData pointer or object, optional
///
/// As context manager it is started and, at the end, closed.
///
/// **Xruns.** Underflows and overflows happen where they are asked for, with :meth:`xrun` or in
/// :meth:`process`, and nowhere else. The callback gets PortAudio's status flag. Number and sizes
/// of the calls stay the same; the data is shifted against them. For a call of *n* frames:
///
/// - ``'input_underflow'``: the input is *n* zeros. Nothing is consumed; the input goes on with the
///   next call.
/// - ``'input_overflow'``: the next *n* frames of input are lost before the block is captured.
/// - ``'output_underflow'``: *n* frames of silence are in the output before this block.
/// - ``'output_overflow'``: this block is not in the output.
///
/// Several kinds may come together. Silence is zeros, for ``'uint8'`` too. Loopback is a cable with
/// one block in it: underflows make its delay a block longer, overflows a block shorter; what is
/// not there in time is replaced by zeros, and what finds no room behind eight blocks is lost.
#[pyclass(frozen, weakref, module = "pa_ringbuffer.testing")]
pub(crate) struct VirtualDevice {
    /// Locked by whoever starts, stops or runs it; the callback uses only the monitor.
    device: Mutex<Option<Device>>,
    /// Whether a callback has closed it; then somebody else still holds the device.
    closed: AtomicBool,
    monitor: Monitor,
    samples: SampleFormat,
    /// Numbers of input and output channels.
    channels: [usize; 2],
    /// What the callbacks use: dropped after the device.
    kept: [Py<PyAny>; 3],
}

fn device_error(error: DeviceError) -> PyErr {
    match error {
        DeviceError::Memory(_) => PyMemoryError::new_err(error.to_string()),
        DeviceError::Running | DeviceError::Thread(_) => PyRuntimeError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

fn channel_pair(channels: &Bound<'_, PyAny>) -> PyResult<[usize; 2]> {
    let pair: [Integer; 2] = match channels.extract::<Integer>() {
        Ok(both) => [both, both],
        Err(_) => channels
            .extract::<(Integer, Integer)>()
            .map(<[_; 2]>::from)
            .map_err(|_| {
                PyTypeError::new_err(
                    "channels must be a number of channels or a pair of them (input, output)",
                )
            })?,
    };
    let mut numbers = [0; 2];
    for (number, integer) in numbers.iter_mut().zip(pair) {
        *number = integer.required("channels")?;
        // More than any device has; a frame's size must not overflow.
        if *number > 0xFFFF {
            return Err(PyValueError::new_err(format!(
                "channels must be at most 65535, not {number}"
            )));
        }
    }
    Ok(numbers)
}

/// Our own callback knows how large its frames are, and would otherwise write beyond the block.
fn check_frames(
    callback: &Bound<'_, PyAny>,
    channels: [usize; 2],
    samples: SampleFormat,
) -> PyResult<()> {
    let Ok(ours) = callback.cast::<OurCallback>() else {
        return Ok(());
    };
    let [input, output] = channels.map(|channels| channels * samples.size);
    ours.get().check_frames([output, input])
}

impl VirtualDevice {
    /// Does something with the device, without the GIL: its callback may need it.
    fn with_device<R: Send>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut Device) -> Result<R, DeviceError> + Send,
    ) -> PyResult<R> {
        // Once more: only now need a callback know what frames it has.
        check_frames(self.kept[0].bind(py), self.channels, self.samples)?;
        py.detach(|| {
            let mut device = match self.device.try_lock() {
                Ok(device) => device,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // Waiting here could be forever, if it is the callback that asks.
                Err(TryLockError::WouldBlock) => return Err(device_error(DeviceError::Running)),
            };
            match &mut *device {
                Some(device) if !self.closed.load(Ordering::Relaxed) => {
                    f(device).map_err(device_error)
                }
                _ => Err(PyRuntimeError::new_err("the virtual device is closed")),
            }
        })
    }

    /// The device, once, out of its lock.
    fn take(&self) -> Option<Device> {
        self.device
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
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
        let py = callback.py();
        let (function, user_data): (StreamCallback, *mut c_void) = if let Ok(ours) =
            callback.cast::<OurCallback>()
        {
            if userdata.is_some() {
                return Err(PyTypeError::new_err(
                    "userdata must not be given with a StreamCallback, which brings its own",
                ));
            }
            (ours.get().function(), ours.get().state().cast())
        } else {
            let address = function_argument(callback, "callback")?;
            let pointer = std::ptr::with_exposed_provenance::<c_void>(address);
            let user_data = match userdata {
                Some(object) => user_data_argument(object, "userdata")?,
                None => 0,
            };
            // SAFETY: not null; that it is a PaStreamCallback is what the caller says.
            let function = unsafe { std::mem::transmute::<*const c_void, StreamCallback>(pointer) };
            (function, std::ptr::with_exposed_provenance_mut(user_data))
        };
        let finished: Option<FinishedCallback> = match finished_callback {
            // Ours is told without being asked to.
            None if callback.is_instance_of::<OurCallback>() => Some(finished),
            Some(object) => {
                let address = function_argument(object, "finished_callback")?;
                let pointer = std::ptr::with_exposed_provenance::<c_void>(address);
                // SAFETY: not null; that it is a PaStreamFinishedCallback is what the caller says.
                Some(unsafe { std::mem::transmute::<*const c_void, FinishedCallback>(pointer) })
            }
            None => None,
        };
        let samples = SampleFormat::named(dtype)?;
        let [input, output] = channels.map_or(Ok([2, 2]), channel_pair)?;
        check_frames(callback, [input, output], samples)?;
        let block_size = blocksize.required("blocksize")?;
        let config = DeviceConfig {
            callback: function,
            user_data,
            finished,
            sample_rate: samplerate,
            input_frame_size: input * samples.size,
            output_frame_size: output * samples.size,
            block_size,
            loopback,
            pace: if realtime { Pace::RealTime } else { Pace::Fast },
            jitter,
        };
        // SAFETY: what the callback uses is kept as long as the device; that it can take such
        // frames is what the caller says.
        let device = unsafe { Device::new(config) }.map_err(device_error)?;
        let keep = |object: Option<&Bound<'_, PyAny>>| {
            object.map_or_else(|| py.None(), |object| object.clone().unbind())
        };
        Ok(Self {
            monitor: device.monitor(),
            device: Mutex::new(Some(device)),
            closed: AtomicBool::new(false),
            samples,
            channels: [input, output],
            kept: [
                keep(Some(callback)),
                keep(userdata),
                keep(finished_callback),
            ],
        })
    }

    /// Begin to call the callback.
    ///
    /// :raises ValueError: if the frames of a `StreamCallback` are not the device's.
    /// :raises RuntimeError: if the device was started and not stopped, or is closed.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        self.with_device(py, Device::start)?;
        let mut started = started();
        started.retain(Monitor::is_active);
        started.push(self.monitor.clone());
        Ok(())
    }

    /// Stop calling, and wait until the last call has returned.
    ///
    /// Called by the callback itself, or during `run()`, it only makes the present call the last.
    fn stop(&self, py: Python<'_>) {
        self.monitor.request_stop();
        py.detach(|| {
            // Locked means that somebody else is waiting for the last call, or that this is it.
            if let Ok(mut device) = self.device.try_lock() {
                device.as_mut().map(Device::stop);
            }
        });
    }

    /// Stop for good. The callback and its data are no longer needed then.
    fn close(&self, py: Python<'_>) {
        self.monitor.request_stop();
        self.closed.store(true, Ordering::Relaxed);
        py.detach(|| {
            if Device::in_callback() {
                // Who waits for this call to return may have the lock.
                let device = self
                    .device
                    .try_lock()
                    .ok()
                    .and_then(|mut device| device.take());
                drop(device);
            } else {
                drop(self.take());
            }
        });
    }

    /// Call the callback on this thread, without a clock.
    ///
    /// The same calls in every run, for tests that must be repeatable.
    ///
    /// :param frames: Number of frames; the last block is cut to fit.
    /// :type frames: int
    /// :returns: The number of frames, which is less if the callback has ended the stream.
    /// :raises RuntimeError: if the device was started and not stopped, or is closed.
    fn run(&self, py: Python<'_>, frames: Integer) -> PyResult<u64> {
        let frames = frames.required("frames")? as u64;
        self.with_device(py, |device| device.run(frames))
    }

    /// Call the callback on this thread, without a clock, with given input and blocks, and return
    /// its output.
    ///
    /// :param input: Interleaved frames, in the device's *dtype* and number of input channels: any
    ///     C-contiguous buffer, such as a NumPy array of shape ``(frames, channels)``, or bytes.
    ///     Without it, the input is what it is in other calls, loopback or zeros; with it, nothing
    ///     passes through the loopback.
    /// :type input: buffer, optional
    /// :param frames: Number of frames in all calls; if omitted, that of the *input*, which may not
    ///     have less. Input that is left over is not kept.
    /// :type frames: int, optional
    /// :param blocksizes: Frames per call, an iterable of positive ints, from its beginning again
    ///     when it is exhausted; if omitted, as in other calls. The last block is cut to fit.
    /// :type blocksizes: list or tuple, optional
    /// :param xruns: Underflows and overflows: ``{number of the call: kind or iterable of kinds}``,
    ///     counted from 0. Calls that do not happen have none.
    /// :type xruns: dict, optional
    /// :returns: The output in the shape ``(frames, channels)`` and the format of the *dtype*, or
    ///     ``(frames, channels, 3)`` in bytes for ``'int24'``; ``None`` without output channels.
    ///     There are *frames* frames, or less if the callback has ended the stream: with those of
    ///     its last call if that returned ``paComplete``, without if ``paAbort``. Output underflows
    ///     add a block, overflows take one away. ``numpy.asarray()`` makes it an array, without a
    ///     copy.
    /// :rtype: memoryview or None
    /// :raises ValueError: if the *input* does not fit the device or is shorter than *frames*.
    /// :raises RuntimeError: if the device was started and not stopped, or is closed.
    ///
    /// Input that an overflow has used up is followed by zeros.
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
                return Err(PyValueError::new_err(
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
                    return Err(PyValueError::new_err(format!(
                        "frames must be at most the {given} frames of the input, not {frames}"
                    )));
                }
                frames
            }
            (None, Some(given)) => given,
            (None, None) => {
                return Err(PyTypeError::new_err(
                    "frames must be given where there is no input",
                ));
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
        let output = self.with_device(py, |device| device.process(&script))?;
        if output_channels == 0 {
            return Ok(None);
        }
        self.samples.view(py, &output, output_channels).map(Some)
    }

    /// Make the device suffer from an underflow or overflow at the next call, whoever makes it.
    ///
    /// May be called at any time, by the callback too. The same kind twice before that call is one.
    ///
    /// :param kind: ``'input_underflow'``, ``'input_overflow'``, ``'output_underflow'`` or
    ///     ``'output_overflow'``.
    /// :type kind: str
    /// :raises ValueError: if the device has no channels in that direction.
    fn xrun(&self, kind: &str) -> PyResult<()> {
        let xrun = script::xrun(kind, self.channels, "kind")?;
        self.monitor.xrun(xrun).map_err(device_error)
    }

    /// Wait until the device is no longer active.
    ///
    /// :param timeout: Seconds to wait at most; forever if omitted.
    /// :type timeout: float, optional
    /// :returns: ``False`` if it is still active.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let end = wait::deadline(timeout)?;
        loop {
            let slice = end.map_or(SIGNALS, |end| {
                end.saturating_duration_since(Instant::now()).min(SIGNALS)
            });
            if py.detach(|| self.monitor.wait(slice)) {
                return Ok(true);
            }
            py.check_signals()?;
            if end.is_some_and(|end| end <= Instant::now()) {
                return Ok(false);
            }
        }
    }

    /// Whether the callback is being called by the device's thread.
    #[getter]
    fn active(&self) -> bool {
        self.monitor.is_active()
    }

    /// Number of frames in all calls so far.
    #[getter]
    fn frames(&self) -> u64 {
        self.monitor.frames()
    }

    /// By how many seconds the latest call came too late, because the machine was busy. Jitter that
    /// was asked for does not count.
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
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.close(py);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.kept.iter().try_for_each(|object| visit.call(object))
    }
}

impl Drop for VirtualDevice {
    fn drop(&mut self) {
        let mut device = self.take();
        // The callback may be waiting for the GIL, which this thread holds.
        Python::try_attach(|py| py.detach(|| drop(device.take())));
        // Left over if the interpreter is gone; then `stop_all` has stopped it before.
        drop(device);
    }
}
