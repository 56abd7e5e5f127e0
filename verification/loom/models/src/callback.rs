//! The compiled callback in one thread, and those who control and watch it in the other one.

use core::ffi::{c_int, c_void};
use core::ptr::{null, null_mut};
use core::time::Duration;

use loom::thread;
use pa_ringbuffer::{PaUtilRingBuffer, RingMemory};
use pa_ringbuffer_callback::{
    CallbackResult, CallbackState, Counters, FinishReason, Mode, OnOverflow, Side, Slept, callback,
    finished,
};

use crate::ring::{Pointer, make, numbered};
use crate::run::Model;
use crate::sides::{Reader, Writer};

/// A state, for a thread.
#[derive(Clone, Copy)]
struct Stream(*const CallbackState);

// SAFETY: the models keep the state alive until all threads have ended.
unsafe impl Send for Stream {}

impl Stream {
    /// The state must live as long as this.
    fn of(state: &CallbackState) -> Self {
        Self(state)
    }

    fn user_data(self) -> *mut c_void {
        self.0.cast_mut().cast()
    }

    fn call(self, input: *const c_void, output: *mut c_void, frames: usize) -> c_int {
        // SAFETY: the models keep state and rings alive, and give as many frames as they say.
        unsafe { callback(input, output, frames as _, null(), 0, self.user_data()) }
    }

    fn record(self, frames: &[[u8; 1]]) -> c_int {
        self.call(frames.as_ptr().cast(), null_mut(), frames.len())
    }

    fn play(self, frames: &mut [[u8; 1]]) -> c_int {
        self.call(null(), frames.as_mut_ptr().cast(), frames.len())
    }

    fn finish(self) {
        // SAFETY: the state is alive.
        unsafe { finished(self.user_data()) }
    }
}

fn state(input: *mut PaUtilRingBuffer, output: *mut PaUtilRingBuffer) -> CallbackState {
    // SAFETY: the models keep the rings alive, and leave these sides of them to the callback.
    unsafe { CallbackState::new(input, 1, output, 1, 0) }
}

/// A snapshot of the counters is one between two calls.
pub(crate) fn counters() -> Model {
    const BLOCKS: [usize; 2] = [3, 5];
    Model::new("callback: counters", || {
        let state = state(null_mut(), null_mut());
        checker::share(&[&state]);
        let stream = Stream::of(&state);
        let audio = thread::spawn(move || {
            for frames in BLOCKS {
                let stream = stream;
                stream.call(null(), null_mut(), frames);
            }
        });
        let snapshot = state.counters().snapshot();
        audio.join().expect("nothing failed");
        let get = |name| {
            let position = Counters::NAMES.iter().position(|n| *n == name);
            snapshot[position.expect("there is such a counter")] as usize
        };
        let so_far = &BLOCKS[..get("blocks")];
        assert_eq!(get("frames"), so_far.iter().sum(), "frames");
        assert_eq!(
            get("smallest_block"),
            so_far.iter().min().copied().unwrap_or(0)
        );
        assert_eq!(
            get("largest_block"),
            so_far.iter().max().copied().unwrap_or(0)
        );
    })
}

/// The position of the thread that reads is exact while the callback records.
pub(crate) fn position() -> Model {
    Model::new("callback: position", || {
        let ring = make::<1>(4, 0);
        let state = state(ring.as_ptr(), null_mut());
        checker::share(&[&ring, &state]);
        let stream = Stream::of(&state);
        let audio = thread::spawn(move || {
            let stream = stream;
            stream.record(&numbered(1, 2));
        });
        // SAFETY: the ring is alive.
        let position = || unsafe { state.position(Side::Consumer) };
        assert_eq!(position(), Some(0));
        let mut take = Reader::CRead.open::<1>(Pointer(ring.as_ptr()));
        let taken = take(1).len() as u64;
        assert_eq!(position(), Some(taken));
        audio.join().expect("nothing failed");
        assert_eq!(position(), Some(taken));
    })
}

/// A thread that sees why a stream is finished sees all that was recorded.
pub(crate) fn finish_after_overflow() -> Model {
    Model::new("callback: finished by an overflow", || {
        recording(OnOverflow::Stop, |stream| {
            let audio = thread::spawn(move || {
                let stream = stream;
                let result = stream.record(&numbered(1, 2));
                assert_eq!(result, CallbackResult::Complete as c_int);
            });
            audio.join().expect("nothing failed");
            FinishReason::Overflow
        });
    })
}

/// A thread that sees that a stream is finished sees all that was recorded. PortAudio may say so in another
/// thread than that which it calls the callback in.
pub(crate) fn finish_by_others() -> Model {
    Model::new("callback: finished by others", || {
        recording(OnOverflow::Drop, |stream| {
            let audio = thread::spawn(move || {
                let stream = stream;
                let result = stream.record(&numbered(1, 1));
                assert_eq!(result, CallbackResult::Continue as c_int);
            });
            audio.join().expect("nothing failed");
            stream.finish();
            FinishReason::Stopped
        });
    })
}

/// Runs a stream with room for one frame, which returns why it is finished.
fn recording(on_overflow: OnOverflow, stream: fn(Stream) -> FinishReason) {
    let ring = make::<1>(1, 0);
    let state = state(ring.as_ptr(), null_mut());
    state.set_on_overflow(on_overflow);
    checker::share(&[&ring, &state]);
    let pointer = Pointer(ring.as_ptr());
    let watched = Stream::of(&state);
    let reader = thread::spawn(move || {
        let mut take = Reader::CRead.open::<1>(pointer);
        // SAFETY: the state is alive.
        if unsafe { &*{ watched }.0 }.finish_reason().is_some() {
            assert_eq!(take(1), numbered(1, 1), "what was recorded is there");
        }
    });
    let reason = stream(Stream::of(&state));
    reader.join().expect("nothing failed");
    assert_eq!(state.finish_reason(), Some(reason));
}

/// A stream that is to complete plays everything that was written before it was told to.
pub(crate) fn complete(writer: Writer, first: Mode) -> Model {
    Model::new(
        format!("callback: complete after {first:?}, {writer:?}"),
        move || {
            let ring: RingMemory = make::<1>(2, 1);
            let state = state(null_mut(), ring.as_ptr());
            state.set_mode(first);
            checker::share(&[&ring, &state]);
            let mut put = writer.open::<1>(Pointer(ring.as_ptr()));
            let stream = Stream::of(&state);
            let mode = Stream::of(&state);
            let writing = thread::spawn(move || {
                let mode = mode;
                assert_eq!(put(&numbered(1, 1)), 1);
                assert_eq!(put(&numbered(2, 1)), 1);
                // SAFETY: the state is alive.
                unsafe { &*mode.0 }.set_mode(Mode::Complete);
            });
            let mut played = Vec::new();
            // The call plays what there is, and silence, which is 0.
            let mut call = |frames: usize| {
                let mut block = vec![[0xFF]; frames];
                let result = stream.play(&mut block);
                played.extend(block.into_iter().filter(|frame| *frame != [0]));
                if result == CallbackResult::Complete as c_int {
                    assert_eq!(played, numbered(1, 2), "all is played before the end");
                }
                assert_eq!(played, numbered(1, played.len()));
                result
            };
            call(1);
            call(3);
            writing.join().expect("nothing failed");
            assert_eq!(call(3), CallbackResult::Complete as c_int);
        },
    )
}

/// What ends the sleep of a thread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason {
    /// The callback records.
    Recorded,
    /// The callback records, and then the host says that the stream is finished.
    RecordedLast,
    /// The callback plays.
    Played,
    /// The callback finishes the stream, because of an overflow.
    Overflow,
    /// The host says that the stream is finished.
    Finished,
}

/// A thread that sleeps is woken, however its sleep and the reason for its end come together.
///
/// loom reports a deadlock if a wake-up is lost: sleeps have no timeout here.
pub(crate) fn wake(reason: Reason) -> Model {
    Model::new(format!("callback: wake, {reason:?}"), move || {
        let full = matches!(reason, Reason::Played);
        let ring = make::<1>(1, 0);
        if full {
            let mut put = Writer::CWrite.open::<1>(Pointer(ring.as_ptr()));
            assert_eq!(put(&numbered(1, 1)), 1);
        }
        let state = if full {
            state(null_mut(), ring.as_ptr())
        } else {
            state(ring.as_ptr(), null_mut())
        };
        assert!(state.set_wake(true));
        state.set_on_overflow(OnOverflow::Stop);
        checker::share(&[&ring, &state]);
        let sleeping = Stream::of(&state);
        let sleeper = thread::spawn(move || {
            let sleeping = sleeping;
            let (side, frames, end) = match reason {
                Reason::Recorded | Reason::RecordedLast => (Side::Consumer, 1, Slept::Ready),
                Reason::Played => (Side::Producer, 1, Slept::Ready),
                // More than there will ever be.
                Reason::Overflow | Reason::Finished => (Side::Consumer, 2, Slept::Finished),
            };
            // Early ends are allowed, but not forever.
            for _ in 0..3 {
                // SAFETY: the state and its ring are alive.
                let slept = unsafe { (*sleeping.0).sleep(side, frames, Duration::MAX) };
                if slept == end {
                    return;
                }
                assert_eq!(slept, Slept::Early);
            }
            panic!("woken without a reason");
        });
        let stream = Stream::of(&state);
        match reason {
            Reason::Recorded => {
                stream.record(&numbered(1, 1));
            }
            Reason::RecordedLast => {
                stream.record(&numbered(1, 1));
                stream.finish();
            }
            Reason::Played => {
                stream.play(&mut [[0]]);
            }
            Reason::Overflow => {
                stream.record(&numbered(1, 2));
            }
            Reason::Finished => stream.finish(),
        }
        sleeper.join().expect("nothing failed");
    })
}

/// A callback that clears the word of a sleep that is over does not harm the next one.
pub(crate) fn wake_twice() -> Model {
    Model::new("callback: wake twice", || {
        let ring = make::<1>(1, 0);
        let state = state(ring.as_ptr(), null_mut());
        assert!(state.set_wake(true));
        checker::share(&[&ring, &state]);
        let (pointer, sleeping) = (Pointer(ring.as_ptr()), Stream::of(&state));
        let sleeper = thread::spawn(move || {
            let sleeping = sleeping;
            let mut take = Reader::CRead.open::<1>(pointer);
            let mut taken = Vec::new();
            while taken.len() < 2 {
                // SAFETY: the state and its ring are alive.
                let slept = unsafe { (*sleeping.0).sleep(Side::Consumer, 1, Duration::MAX) };
                if slept == Slept::Finished {
                    break;
                }
                taken.extend(take(1));
            }
            assert_eq!(taken, numbered(1, taken.len()));
        });
        let stream = Stream::of(&state);
        // The second one may find no room: then only the end comes.
        stream.record(&numbered(1, 1));
        stream.record(&numbered(2, 1));
        stream.finish();
        sleeper.join().expect("nothing failed");
    })
}
