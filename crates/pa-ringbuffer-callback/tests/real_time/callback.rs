//! The callback in all modes, with all actions on underflow and overflow, whatever the rings hold and the device reports.

use std::ffi::{c_int, c_ulong, c_void};
use std::ptr::{null, null_mut};

use pa_ringbuffer::{RingMemory, ring_buffer_size_t};
use pa_ringbuffer_callback::{
    CallbackResult, CallbackState, FinishReason, Mode, OnOverflow, OnUnderflow, TimeInfo, callback,
    finished, flags,
};

use crate::Case;
use crate::guard::{Outcome, guarded};

const FRAME: usize = 6; // two channels of 24 bits
const N: usize = 64;

/// Frames per call: none, some, more than a ring holds.
const BLOCKS: [usize; 4] = [0, 1, 48, 3 * N];

const MODES: [Mode; 4] = [Mode::Run, Mode::Drain, Mode::Complete, Mode::Start];

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
        &["callback", "CallbackState::process", "Counters::publish"],
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
    (&["CallbackState::set_mode", "CallbackState::mode"], || {
        let streams = streams();
        guarded(|| {
            for mode in MODES {
                streams[0].state.set_mode(mode);
                assert_eq!(streams[0].state.mode(), mode);
            }
        })
    }),
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
                // SAFETY: the rings are kept with the state, and nobody else uses them meanwhile.
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
        let results = [CallbackResult::Continue, CallbackResult::Complete].map(|r| r as c_int);
        let mut seen = [0; 2];
        for stream in &streams {
            for mode in MODES {
                for (on_underflow, on_overflow) in ACTIONS {
                    for filled in [0, 40, N] {
                        for frames in BLOCKS {
                            stream.fill(filled);
                            stream.state.restart();
                            stream.state.set_mode(mode);
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
        assert!(seen[0] != 0 && seen[1] != 0);
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
