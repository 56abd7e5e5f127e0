//! The callback in all modes, with all actions on underflow and overflow, whatever the rings hold and the device reports.

use std::ffi::{c_int, c_ulong, c_void};
use std::ptr::{null, null_mut};
use std::thread;
use std::time::Duration;

use pa_ringbuffer::{RingMemory, ring_buffer_size_t};
use pa_ringbuffer_callback::{
    CallbackResult, CallbackState, FinishReason, Mode, OnOverflow, OnUnderflow, Side, Slept,
    TimeInfo, callback, finished, flags,
};

use crate::Case;
use crate::guard::{Outcome, guarded, guarded_but_for_waking, is_possible};

const FRAME: usize = 6; // two channels of 24 bits
const N: usize = 64;

/// Frames per call: none, some, more than a ring holds.
const BLOCKS: [usize; 4] = [0, 1, 48, 3 * N];

const MODES: [Mode; 6] = [
    Mode::Run,
    Mode::Drain,
    Mode::Complete,
    Mode::Start,
    Mode::Hold,
    Mode::Abort,
];

const ACTIONS: [(OnUnderflow, OnOverflow); 4] = [
    (OnUnderflow::Silence, OnOverflow::Drop),
    (OnUnderflow::Silence, OnOverflow::Stop),
    (OnUnderflow::Stop, OnOverflow::Drop),
    (OnUnderflow::Stop, OnOverflow::Stop),
];

const STATUS: [c_ulong; 7] = [
    0,
    flags::INPUT_UNDERFLOW,
    flags::INPUT_OVERFLOW,
    flags::OUTPUT_UNDERFLOW,
    flags::OUTPUT_OVERFLOW,
    flags::PRIMING_OUTPUT,
    c_ulong::MAX,
];

pub(crate) const CASES: &[Case] = &[
    (
        &[
            "callback",
            "CallbackState::process",
            "Counters::begin_moving",
            "Counters::publish",
            "Times::publish",
        ],
        all_calls,
    ),
    (&["finished", "CallbackState::finish"], || {
        let streams = streams();
        guarded(|| {
            for stream in &streams {
                // SAFETY: a state, as it is expected.
                unsafe { finished(stream.user_data()) };
                stream.state.finish();
                assert_eq!(stream.state.finish_reason(), Some(FinishReason::Stopped));
                assert!(stream.state.is_finished());
            }
            // SAFETY: null is allowed.
            unsafe { finished(null_mut()) };
        })
    }),
    (
        &[
            "CallbackState::set_mode",
            "CallbackState::mode",
            "CallbackState::release",
        ],
        || {
            let streams = streams();
            guarded(|| {
                for mode in MODES {
                    streams[0].state.set_mode(mode);
                    assert_eq!(streams[0].state.mode(), mode);
                    assert_eq!(streams[0].state.release(), mode == Mode::Hold);
                }
            })
        },
    ),
    (
        &[
            "CallbackState::set_on_underflow",
            "CallbackState::set_on_overflow",
        ],
        || {
            let streams = streams();
            guarded(|| {
                for (on_underflow, on_overflow) in ACTIONS {
                    streams[0].state.set_on_underflow(on_underflow);
                    streams[0].state.set_on_overflow(on_overflow);
                }
            })
        },
    ),
    (
        &["CallbackState::finish_reason", "CallbackState::is_finished"],
        || {
            let streams = streams();
            guarded(|| {
                assert_eq!(streams[0].state.finish_reason(), None);
                assert!(!streams[0].state.is_finished());
            })
        },
    ),
];

/// A state and its rings, as the main program prepares them.
struct Stream {
    state: CallbackState,
    input: RingMemory,
    output: RingMemory,
}

impl Stream {
    fn user_data(&self) -> *mut c_void {
        (&raw const self.state).cast_mut().cast()
    }

    fn fill(&self, frames: usize) {
        for ring in [&self.input, &self.output] {
            ring.flush();
            let geometry = ring.geometry();
            // Not from the beginning of the storage, so that some blocks wrap.
            let start = N as ring_buffer_size_t - 5;
            ring.advance_read_index(&geometry, start);
            ring.advance_write_index(&geometry, start + frames as ring_buffer_size_t);
        }
    }
}

/// With both rings, one of them, none, and rings of other frames; for streams with two directions
/// and with one.
fn streams() -> Vec<Stream> {
    let mut streams = Vec::new();
    for element_size in [FRAME, 8] {
        for (has_input, has_output) in [(true, true), (true, false), (false, true), (false, false)]
        {
            for (input_frame, output_frame) in [(FRAME, FRAME), (FRAME, 0), (0, FRAME)] {
                let input = RingMemory::new(element_size, N).unwrap();
                let output = RingMemory::new(element_size, N).unwrap();
                let choose = |has, ring: &RingMemory| if has { ring.as_ptr() } else { null_mut() };
                // SAFETY: the rings are kept with the state, and no other code uses them in the meantime.
                let state = unsafe {
                    CallbackState::new(
                        choose(has_input, &input),
                        input_frame,
                        choose(has_output, &output),
                        output_frame,
                        0x80,
                    )
                };
                streams.push(Stream {
                    state,
                    input,
                    output,
                });
            }
        }
    }
    streams
}

fn all_calls() -> Outcome {
    let streams = streams();
    let input = vec![1u8; BLOCKS[3] * FRAME];
    let mut output = vec![0u8; BLOCKS[3] * FRAME];
    let time = TimeInfo::default();
    guarded(|| {
        let results = [
            CallbackResult::Continue,
            CallbackResult::Complete,
            CallbackResult::Abort,
        ]
        .map(|r| r as c_int);
        let mut seen = [0; 3];
        for stream in &streams {
            for mode in MODES {
                for (on_underflow, on_overflow) in ACTIONS {
                    for filled in [0, 40, N] {
                        for frames in BLOCKS {
                            stream.fill(filled);
                            stream.state.restart();
                            stream.state.set_mode(mode);
                            stream.state.set_wake(filled == N);
                            stream.state.set_on_underflow(on_underflow);
                            stream.state.set_on_overflow(on_overflow);
                            for status in STATUS {
                                // SAFETY: the blocks hold the largest number of frames, and the
                                // state is one.
                                let result = unsafe {
                                    callback(
                                        input.as_ptr().cast(),
                                        output.as_mut_ptr().cast(),
                                        frames as c_ulong,
                                        &time,
                                        status,
                                        stream.user_data(),
                                    )
                                };
                                let which = results.iter().position(|known| *known == result);
                                seen[which.unwrap()] += 1;
                            }
                        }
                    }
                }
            }
        }
        // Otherwise the states above are not what they are meant to be.
        assert!(seen.iter().all(|&count| count != 0));
        assert!(overflowed(&streams) && underflowed(&streams));
        // SAFETY: there may be no blocks, and no state.
        let aborted = unsafe { callback(null(), null_mut(), 64, &time, 0, null_mut()) };
        assert_eq!(aborted, CallbackResult::Abort as c_int);
        // SAFETY: as above.
        unsafe { callback(null(), null_mut(), 64, null(), 0, streams[0].user_data()) }
    })
}

fn overflowed(streams: &[Stream]) -> bool {
    (streams.iter()).any(|stream| counter(stream, "input_overflows") != 0)
}

fn underflowed(streams: &[Stream]) -> bool {
    (streams.iter()).any(|stream| counter(stream, "output_underflows") != 0)
}

fn counter(stream: &Stream, name: &str) -> u64 {
    let names = pa_ringbuffer_callback::Counters::NAMES;
    let index = names.iter().position(|known| *known == name).unwrap();
    stream.state.counters().snapshot()[index]
}

/// In copies of a process in which another thread sleeps, the callback finds that thread's word.
#[test]
fn the_only_system_call_is_one_that_wakes_a_thread_that_sleeps_for_what_is_there() {
    if !is_possible() {
        return;
    }
    let streams = streams();
    let stream = &streams[0];
    stream.fill(0);
    assert!(stream.state.set_wake(true));
    let block = [1u8; N * FRAME];
    let record = |frames: usize| {
        // SAFETY: the block has as many frames, and the state is one.
        unsafe {
            callback(
                block.as_ptr().cast(),
                null_mut(),
                frames as c_ulong,
                null(),
                0,
                stream.user_data(),
            )
        }
    };
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            loop {
                // SAFETY: the rings are kept with the state.
                match unsafe {
                    stream
                        .state
                        .sleep(Side::Consumer, 10, Duration::from_secs(600))
                } {
                    Slept::Early => {}
                    slept => return slept,
                }
            }
        });
        // As soon as that thread has said so.
        while guarded(|| record(10)) != Outcome::CalledTheSystem {
            thread::yield_now();
        }
        assert_eq!(guarded_but_for_waking(|| record(10)), Outcome::Passed);
        assert_eq!(
            guarded(|| stream.state.finish()),
            Outcome::CalledTheSystem,
            "it wakes, too"
        );
        assert_eq!(
            guarded_but_for_waking(|| stream.state.finish()),
            Outcome::Passed
        );
        assert_eq!(guarded(|| record(9)), Outcome::Passed, "too few");
        let off = guarded(|| {
            stream.state.set_wake(false);
            record(10)
        });
        assert_eq!(off, Outcome::Passed, "only if told so");
        record(10);
        assert_eq!(sleeper.join().unwrap(), Slept::Ready);
        assert_eq!(guarded(|| record(10)), Outcome::Passed, "no thread sleeps");
    });
}

#[test]
fn a_callback_that_wakes_may_make_no_other_system_call() {
    if is_possible() {
        // SAFETY: it takes nothing and returns a number.
        let other = guarded_but_for_waking(|| unsafe { libc::getppid() });
        assert_eq!(other, Outcome::CalledTheSystem);
        let word = 0u32;
        let wait = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        let time: *const libc::timespec = null();
        let waiting = guarded_but_for_waking(|| {
            // SAFETY: the word is there; it has another value, so this would not block.
            unsafe { libc::syscall(libc::SYS_futex, &raw const word, wait, 1, time) }
        });
        assert_eq!(waiting, Outcome::CalledTheSystem);
    }
}
