//! An echo: the PortAudio callback, and what it works on. The four rings are made in Python.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_ulong, c_void};
use std::sync::atomic::{AtomicU64, Ordering};

use pa_ringbuffer::{Consumer, PaUtilRingBuffer, Plain, Producer, RingError};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Frames in the delay line, a power of two.
const LINE: usize = 1 << 16;

/// A message, in both directions: with the frame at which it takes effect, and did.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Parameters {
    frame: u64,
    delay: u32,
    feedback: f32,
    mix: f32,
    /// C would leave a gap here, whose bytes have no value.
    unused: u32,
}

// SAFETY: it has no padding, and any bits are a value.
unsafe impl Plain for Parameters {}

/// What only the callback uses.
struct State {
    sound: Consumer<'static, f32>,
    parameters: Consumer<'static, Parameters>,
    applied: Producer<'static, Parameters>,
    recorded: Producer<'static, f32>,
    now: Parameters,
    frame: u64,
    line: Vec<f32>,
}

impl State {
    /// Takes over parameters whose frame has come.
    fn change(&mut self) {
        while let Some(next) = self.parameters.peek() {
            if next.frame > self.frame {
                break;
            }
            self.parameters.discard(1);
            self.now = Parameters {
                frame: self.frame,
                ..next
            };
            // If Python does not read, it misses messages; the sound goes on.
            let _ = self.applied.push(self.now);
        }
    }

    /// Real-time safe. Returns how many frames of the input found no room.
    fn play(&mut self, input: &[f32], output: &mut [f32]) -> usize {
        let lost = input.len() - self.recorded.write(input);
        let count = self.sound.read(output);
        output[count..].fill(0.0);
        for sample in output {
            self.change();
            let echo = self.line[(self.frame.wrapping_sub(self.now.delay.into())) as usize % LINE];
            self.line[self.frame as usize % LINE] = *sample + self.now.feedback * echo;
            *sample += self.now.mix * echo;
            self.frame += 1;
        }
        lost
    }
}

/// What the callback gets as `userdata`.
struct Shared {
    state: UnsafeCell<State>,
    lost: AtomicU64,
}

// SAFETY: only the callback uses `state`, and one stream at a time calls it.
unsafe impl Sync for Shared {}

unsafe extern "C" fn callback(
    input: *const c_void,
    output: *mut c_void,
    frames: c_ulong,
    _time: *const c_void,
    _flags: c_ulong,
    userdata: *mut c_void,
) -> c_int {
    // SAFETY: the stream passes the address of a `Delay`, which lives longer than the stream.
    let shared = unsafe { &*userdata.cast::<Shared>() };
    // SAFETY: PortAudio passes `frames` frames of one channel of float32, as the stream was opened with.
    let (input, output, state) = unsafe {
        (
            std::slice::from_raw_parts(input.cast(), frames as usize),
            std::slice::from_raw_parts_mut(output.cast(), frames as usize),
            &mut *shared.state.get(),
        )
    };
    let lost = state.play(input, output);
    shared.lost.fetch_add(lost as u64, Ordering::Relaxed);
    0
}

/// The address of the ring's struct, `RingBuffer.address`.
fn address(ring: &Bound<'_, PyAny>) -> PyResult<*mut PaUtilRingBuffer> {
    let address: usize = ring.getattr("address")?.extract()?;
    Ok(std::ptr::with_exposed_provenance_mut(address))
}

fn refused(error: RingError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The state of an echo. It must live until the stream is closed, and keeps its rings.
#[pyclass(frozen)]
struct Delay {
    shared: Box<Shared>,
    _rings: [Py<PyAny>; 4],
}

#[pymethods]
impl Delay {
    /// Four objects of the class `RingBuffer`. The elements of `sound` and `recorded` are float32.
    #[new]
    fn new(
        sound: &Bound<'_, PyAny>,
        parameters: &Bound<'_, PyAny>,
        applied: &Bound<'_, PyAny>,
        recorded: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        // SAFETY: rings of Python, which are kept. The callback is the only one on these sides. What
        // has another element size is refused.
        let state = unsafe {
            State {
                sound: Consumer::from_raw(address(sound)?).map_err(refused)?,
                parameters: Consumer::from_raw(address(parameters)?).map_err(refused)?,
                applied: Producer::from_raw(address(applied)?).map_err(refused)?,
                recorded: Producer::from_raw(address(recorded)?).map_err(refused)?,
                now: Parameters::default(),
                frame: 0,
                line: vec![0.0; LINE],
            }
        };
        Ok(Self {
            shared: Box::new(Shared {
                state: UnsafeCell::new(state),
                lost: AtomicU64::new(0),
            }),
            _rings: [sound, parameters, applied, recorded].map(|ring| ring.clone().unbind()),
        })
    }

    /// `userdata` of the stream.
    #[getter]
    fn address(&self) -> usize {
        std::ptr::from_ref(&*self.shared).expose_provenance()
    }

    /// Recorded frames that found no room.
    #[getter]
    fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("callback", callback as *const () as usize)?;
    module.add_class::<Delay>()
}
