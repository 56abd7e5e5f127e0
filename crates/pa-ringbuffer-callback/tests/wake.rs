//! A thread that sleeps until the callback has something for it.

// Miri has no clock that threads could sleep by.
#![cfg(not(miri))]

use std::ffi::{c_ulong, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pa_ringbuffer::RingMemory;
use pa_ringbuffer_callback::{
    CallbackState, DeviceConfig, FinishReason, OnOverflow, Side, Slept, VirtualDevice, callback,
    finished,
};

const FRAME: usize = 4;
const N: usize = 64;
/// Longer than any test may take: a wake-up that is lost fails the test.
const LONG: Duration = Duration::from_secs(600);

/// Two rings and the state of a callback that wakes, if this system can do that.
fn stream() -> Option<(RingMemory, RingMemory, CallbackState)> {
    let input = RingMemory::new(FRAME, N).unwrap();
    let output = RingMemory::new(FRAME, N).unwrap();
    // SAFETY: the rings are kept with the state, and this side of them is the callback's alone.
    let state = unsafe { CallbackState::new(input.as_ptr(), FRAME, output.as_ptr(), FRAME, 0) };
    if !state.set_wake(true) {
        eprintln!("skipped: this system has no call that wakes a thread");
        return None;
    }
    Some((input, output, state))
}

fn user_data(state: &CallbackState) -> *mut c_void {
    (&raw const *state).cast_mut().cast()
}

fn call(state: &CallbackState, frames: usize, input: bool, output: bool) {
    let recorded = [1u8; 2 * N * FRAME];
    let mut played = [0u8; 2 * N * FRAME];
    let input = if input {
        recorded.as_ptr().cast()
    } else {
        null()
    };
    let output = if output {
        played.as_mut_ptr().cast()
    } else {
        null_mut()
    };
    // SAFETY: the blocks have room for that many frames, and the state is one.
    unsafe {
        callback(
            input,
            output,
            frames as c_ulong,
            null(),
            0,
            user_data(state),
        )
    };
}

fn sleep(state: &CallbackState, side: Side, frames: usize, timeout: Duration) -> Slept {
    // SAFETY: the tests keep the rings.
    unsafe { state.sleep(side, frames, timeout) }
}

/// Sleeps on another thread until that is not early, and does `reasons` one after the other, until
/// the sleep is over.
fn sleep_until(
    state: &CallbackState,
    side: Side,
    frames: usize,
    mut reason: impl FnMut(),
) -> Slept {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let slept = loop {
                match sleep(state, side, frames, LONG) {
                    Slept::Early => {}
                    slept => break slept,
                }
            };
            over.store(true, Ordering::Relaxed);
            slept
        });
        // Most likely it sleeps by now; if not, the test is another one, and passes as well.
        thread::sleep(Duration::from_millis(20));
        assert!(!over.load(Ordering::Relaxed), "there was no reason yet");
        reason();
        sleeper.join().unwrap()
    })
}

#[test]
fn a_consumer_that_sleeps_is_woken_when_its_frames_are_recorded() {
    let Some((input, _output, state)) = stream() else {
        return;
    };
    let slept = sleep_until(&state, Side::Consumer, 20, || {
        call(&state, 10, true, false);
        call(&state, 10, true, false);
    });
    assert_eq!((slept, input.read_available()), (Slept::Ready, 20));
}

#[test]
fn a_producer_that_sleeps_is_woken_when_there_is_room() {
    let Some((_input, output, state)) = stream() else {
        return;
    };
    output.advance_write_index(&output.geometry(), N as _);
    let slept = sleep_until(&state, Side::Producer, 20, || {
        call(&state, 10, false, true);
        call(&state, 10, false, true);
    });
    assert_eq!((slept, output.write_available()), (Slept::Ready, 20));
}

#[test]
fn threads_on_both_sides_are_woken_by_one_call() {
    let Some((_input, output, state)) = stream() else {
        return;
    };
    output.advance_write_index(&output.geometry(), N as _);
    thread::scope(|scope| {
        let producer = scope.spawn(|| sleep(&state, Side::Producer, 5, LONG));
        let slept = sleep_until(&state, Side::Consumer, 5, || call(&state, 5, true, true));
        assert_eq!(slept, Slept::Ready);
        // It may have ended early, but not sleep any more.
        let _ = producer.join().unwrap();
    });
}

#[test]
fn a_thread_that_sleeps_is_woken_when_the_stream_is_finished() {
    let Some((_input, _output, state)) = stream() else {
        return;
    };
    let slept = sleep_until(&state, Side::Consumer, N, || {
        // SAFETY: a state, as it is expected.
        unsafe { finished(user_data(&state)) }
    });
    assert_eq!(slept, Slept::Finished);
    state.restart();

    state.set_on_overflow(OnOverflow::Stop);
    let slept = sleep_until(&state, Side::Consumer, 2 * N, || {
        call(&state, N + 1, true, false)
    });
    assert_eq!(slept, Slept::Finished);
    assert_eq!(state.finish_reason(), Some(FinishReason::Overflow));
}

#[test]
fn a_thread_does_not_sleep_for_what_is_there() {
    let Some((input, _output, state)) = stream() else {
        return;
    };
    call(&state, 10, true, false);
    assert_eq!(sleep(&state, Side::Consumer, 10, LONG), Slept::Ready);
    assert_eq!(sleep(&state, Side::Producer, N, LONG), Slept::Ready);
    assert_eq!(sleep(&state, Side::Consumer, 0, LONG), Slept::Ready);
    assert_eq!(input.read_available(), 10);
    state.finish();
    assert_eq!(sleep(&state, Side::Consumer, 10, LONG), Slept::Ready);
    assert_eq!(sleep(&state, Side::Consumer, 11, LONG), Slept::Finished);
}

#[test]
fn a_sleep_ends_with_its_time() {
    let Some((_input, _output, state)) = stream() else {
        return;
    };
    for timeout in [Duration::ZERO, Duration::from_millis(2)] {
        assert_eq!(sleep(&state, Side::Consumer, 1, timeout), Slept::Early);
    }
}

#[test]
fn without_waking_no_thread_sleeps() {
    let Some((_input, _output, state)) = stream() else {
        return;
    };
    assert!(state.wakes());
    assert!(state.set_wake(false) && !state.wakes());
    assert_eq!(sleep(&state, Side::Consumer, 1, LONG), Slept::Off);
}

#[test]
fn every_block_of_a_device_is_read_by_a_thread_that_only_sleeps() {
    const BLOCK: usize = 16;
    let Some((input, _output, state)) = stream() else {
        return;
    };
    let config = DeviceConfig::new(callback, user_data(&state))
        .input_frame_size(FRAME)
        .output_frame_size(FRAME)
        .block_size(BLOCK)
        .finished(Some(finished));
    // SAFETY: the callback and its state are made for these frames, and outlive the device.
    let device = unsafe { VirtualDevice::new(config) }.unwrap();
    device.start().unwrap();
    for _ in 0..500 {
        while sleep(&state, Side::Consumer, BLOCK, LONG) != Slept::Ready {}
        assert!(input.advance_read_index(&input.geometry(), BLOCK as _) >= 0);
    }
    device.stop();
    while sleep(&state, Side::Consumer, N + 1, LONG) != Slept::Finished {}
}

#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_of_a_process_with_a_sleeping_thread_does_not_hang() {
    let Some((_input, _output, state)) = stream() else {
        return;
    };
    let slept = sleep_until(&state, Side::Consumer, 1, || {
        // SAFETY: the child only calls what is real-time safe, or sleeps, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: touches no memory.
            unsafe { libc::alarm(60) };
            let waited = sleep(&state, Side::Producer, N + 1, Duration::from_millis(1));
            let first = sleep(&state, Side::Consumer, 1, Duration::from_millis(1));
            call(&state, 1, true, false);
            let second = sleep(&state, Side::Consumer, 1, LONG);
            state.finish();
            let right = [waited, first, second] == [Slept::Early, Slept::Early, Slept::Ready];
            // SAFETY: ends the process without anything else.
            unsafe { libc::_exit(if right { 0 } else { 1 }) }
        }
        let mut status = 0;
        // SAFETY: the child is ours, and the status is there to be written.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
        call(&state, 1, true, false);
    });
    assert_eq!(slept, Slept::Ready);
}
