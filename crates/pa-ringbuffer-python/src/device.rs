//! The virtual device as a Python object.

use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use pa_ringbuffer_callback::{
    DeviceConfig, DeviceError, Monitor, Pace, StreamCallback, VirtualDevice as Device,
};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::callback::StreamCallback as OurCallback;
use crate::cdata;
use crate::integer::Integer;

/// How long to wait before looking for Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// Devices that were started and may still be running.
static STARTED: Mutex<Vec<Monitor>> = Mutex::new(Vec::new());

fn started() -> MutexGuard<'static, Vec<Monitor>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops what is still running when the interpreter exits: a callback that needs Python would
/// otherwise be killed in the middle, and take the process with it.
#[pyfunction]
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
/// :param callback: Whom to call: a :class:`pa_ringbuffer.StreamCallback`, the address of a C
///     function, or a CFFI function pointer.
/// :type callback: StreamCallback or int or CData pointer
/// :param userdata: The callback's last argument: an address or a CData pointer. A
///     `StreamCallback` brings its own.
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
///
/// As context manager it is started and, at the end, closed.
#[pyclass(frozen, weakref, module = "pa_ringbuffer.testing")]
pub(crate) struct VirtualDevice {
    /// Locked by whoever starts, stops or runs it; the callback uses only the monitor.
    device: Mutex<Option<Device>>,
    monitor: Monitor,
    /// What the callback uses: dropped after the device.
    kept: [Py<PyAny>; 2],
}

fn device_error(error: DeviceError) -> PyErr {
    match error {
        DeviceError::Memory(_) => PyMemoryError::new_err(error.to_string()),
        DeviceError::Running | DeviceError::Thread(_) => PyRuntimeError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

fn sample_size(dtype: &str) -> PyResult<usize> {
    Ok(match dtype {
        "float32" | "int32" => 4,
        "int24" => 3,
        "int16" => 2,
        "int8" | "uint8" => 1,
        other => {
            return Err(PyValueError::new_err(format!(
                "dtype must be 'float32', 'int32', 'int24', 'int16', 'int8' or 'uint8', not \
                 '{other}'"
            )));
        }
    })
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

impl VirtualDevice {
    /// Does something with the device, without the GIL: its callback may need it.
    fn with_device<R: Send>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut Device) -> Result<R, DeviceError> + Send,
    ) -> PyResult<R> {
        py.detach(|| {
            let mut device = match self.device.try_lock() {
                Ok(device) => device,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // Waiting here could be forever, if it is the callback that asks.
                Err(TryLockError::WouldBlock) => return Err(device_error(DeviceError::Running)),
            };
            match &mut *device {
                Some(device) => f(device).map_err(device_error),
                None => Err(PyRuntimeError::new_err("the virtual device is closed")),
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
            blocksize=Integer::BLOCK, loopback=false, realtime=true
        ),
        text_signature = "(callback, userdata=None, *, samplerate=48000, channels=2, \
            dtype='float32', blocksize=256, loopback=False, realtime=True)"
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
            let address = cdata::function_argument(callback, "callback")?;
            let pointer = std::ptr::with_exposed_provenance::<c_void>(address);
            let user_data = match userdata {
                Some(object) => cdata::pointer_argument(object, "userdata")?,
                None => 0,
            };
            // SAFETY: not null; that it is a PaStreamCallback is what the caller says.
            let function = unsafe { std::mem::transmute::<*const c_void, StreamCallback>(pointer) };
            (function, std::ptr::with_exposed_provenance_mut(user_data))
        };
        let sample = sample_size(dtype)?;
        let [input, output] = channels.map_or(Ok([2, 2]), channel_pair)?;
        let block_size = blocksize.required("blocksize")?;
        let config = DeviceConfig {
            callback: function,
            user_data,
            sample_rate: samplerate,
            input_frame_size: input * sample,
            output_frame_size: output * sample,
            block_size,
            loopback,
            pace: if realtime { Pace::RealTime } else { Pace::Fast },
        };
        // SAFETY: what the callback uses is kept as long as the device; that it can take such
        // frames is what the caller says.
        let device = unsafe { Device::new(config) }.map_err(device_error)?;
        let kept = userdata.map_or_else(|| py.None(), |object| object.clone().unbind());
        Ok(Self {
            monitor: device.monitor(),
            device: Mutex::new(Some(device)),
            kept: [callback.clone().unbind(), kept],
        })
    }

    /// Begin to call the callback.
    ///
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
        py.detach(|| {
            let device = self.take();
            drop(device);
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

    /// Wait until the device is no longer active.
    ///
    /// :param timeout: Seconds to wait at most; forever if omitted.
    /// :type timeout: float, optional
    /// :returns: ``False`` if it is still active.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let end = match timeout {
            None => None,
            Some(seconds) if seconds.is_nan() => {
                return Err(PyValueError::new_err(
                    "timeout must be a number of seconds, not nan",
                ));
            }
            // What the clock cannot hold is forever.
            Some(seconds) => Duration::try_from_secs_f64(seconds.max(0.0))
                .ok()
                .and_then(|timeout| Instant::now().checked_add(timeout)),
        };
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

    /// By how many seconds the latest call came too late, because the machine was busy.
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
        visit.call(&self.kept[0])?;
        visit.call(&self.kept[1])
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
