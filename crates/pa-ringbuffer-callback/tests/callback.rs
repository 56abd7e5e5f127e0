//! The callback, called by the virtual device: what comes back, and what is counted.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "each test owns the rings and the state that its device uses"
)]

use std::ffi::{c_int, c_ulong, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pa_ringbuffer::RingMemory;
use pa_ringbuffer_callback::{
    CallbackFunction, CallbackState, Counters, DeviceConfig, DeviceError, FinishReason, Mode,
    OnOverflow, OnUnderflow, Pace, TimeInfo, VirtualDevice, callback, finished, flags,
};

const FRAME: usize = 6; // two channels of 24 bits

fn config(callback: CallbackFunction, user_data: *mut c_void) -> DeviceConfig {
    DeviceConfig::new(callback, user_data)
        .input_frame_size(FRAME)
        .output_frame_size(FRAME)
        .block_size(64)
        .loopback(true)
}

fn pointer(state: &CallbackState) -> *mut c_void {
    std::ptr::from_ref(state).cast_mut().cast()
}

fn frames(count: usize) -> Vec<u8> {
    (0..count * FRAME)
        .map(|n| (n * 7 % 251) as u8 + 1)
        .collect()
}

fn write(ring: &RingMemory, bytes: &[u8]) -> usize {
    unsafe { ring.write(&ring.geometry(), bytes.as_ptr().cast(), bytes.len() / FRAME) }
}

fn read(ring: &RingMemory) -> Vec<u8> {
    let mut bytes = vec![0; ring.read_available() * FRAME];
    let count = bytes.len() / FRAME;
    assert_eq!(
        unsafe { ring.read(&ring.geometry(), bytes.as_mut_ptr().cast(), count) },
        count
    );
    bytes
}

fn counter(counters: &Counters, name: &str) -> u64 {
    let index = Counters::NAMES.iter().position(|&n| n == name).unwrap();
    counters.snapshot()[index]
}

#[test]
fn loopback_returns_every_frame_after_one_block() {
    for block_size in [1, 64, 256, 1000, 0] {
        let (output, input) = (
            RingMemory::new(FRAME, 4096).unwrap(),
            RingMemory::new(FRAME, 8192).unwrap(),
        );
        let played = frames(4000);
        assert_eq!(write(&output, &played), 4000);
        let state = unsafe { CallbackState::new(input.as_ptr(), FRAME, output.as_ptr(), FRAME, 0) };
        state.set_mode(Mode::Drain);
        let device =
            unsafe { VirtualDevice::new(config(callback, pointer(&state)).block_size(block_size)) }
                .unwrap();
        assert_eq!(device.run(6000).unwrap(), 6000);
        assert_eq!(device.frames(), 6000);
        let delay = FRAME * if block_size == 0 { 1024 } else { block_size };
        let recorded = read(&input);
        assert!(recorded[..delay].iter().all(|&b| b == 0));
        assert_eq!(recorded[delay..delay + played.len()], played);
        assert!(recorded[delay + played.len()..].iter().all(|&b| b == 0));
        let counters = state.counters();
        assert_eq!(counter(counters, "frames"), 6000);
        assert_eq!(counter(counters, "output_underflows"), 0);
        assert_eq!(counter(counters, "input_overflows"), 0);
        let largest = counter(counters, "largest_block");
        match block_size {
            0 => assert!(largest > 256 && counter(counters, "smallest_block") < largest),
            n => assert_eq!(largest, n as u64),
        }
    }
}

#[test]
fn an_empty_ring_is_silence_and_counted() {
    let output = RingMemory::new(FRAME, 128).unwrap();
    write(&output, &frames(100));
    let state = unsafe { CallbackState::new(null_mut(), 0, output.as_ptr(), FRAME, 0x80) };
    let mut block = [0x11u8; 64 * FRAME];
    let mut call = || unsafe {
        let result = callback(
            std::ptr::null(),
            block.as_mut_ptr().cast(),
            64,
            std::ptr::null(),
            flags::OUTPUT_UNDERFLOW | flags::PRIMING_OUTPUT,
            pointer(&state),
        );
        (result, block)
    };
    assert_eq!(call().1[..], frames(64)[..]);
    let (result, second) = call();
    assert_eq!(result, 0);
    assert_eq!(second[..36 * FRAME], frames(100)[64 * FRAME..]);
    assert!(second[36 * FRAME..].iter().all(|&b| b == 0x80));
    assert_eq!(counter(state.counters(), "output_underflows"), 1);
    assert_eq!(counter(state.counters(), "output_underflow_frames"), 28);
    state.set_mode(Mode::Drain);
    assert_eq!(call().0, 0);
    state.set_mode(Mode::Complete);
    assert_eq!(call().0, 1);
    assert_eq!(counter(state.counters(), "output_underflows"), 1);
    assert_eq!(counter(state.counters(), "blocks"), 4);
    assert_eq!(counter(state.counters(), "device_output_underflows"), 4);
    assert_eq!(counter(state.counters(), "device_primings"), 4);
    assert_eq!(counter(state.counters(), "device_input_overflows"), 0);
}

#[test]
fn a_full_ring_keeps_what_it_has_and_counts_the_rest() {
    let input = RingMemory::new(FRAME, 128).unwrap();
    let state = unsafe { CallbackState::new(input.as_ptr(), FRAME, null_mut(), 0, 0) };
    let recorded = frames(100);
    for _ in 0..2 {
        unsafe {
            callback(
                recorded.as_ptr().cast(),
                null_mut(),
                100,
                std::ptr::null(),
                0,
                pointer(&state),
            )
        };
    }
    assert_eq!(counter(state.counters(), "input_overflows"), 1);
    assert_eq!(counter(state.counters(), "input_overflow_frames"), 72);
    assert_eq!(
        read(&input),
        [&recorded[..], &recorded[..28 * FRAME]].concat()
    );
}

#[test]
fn a_ring_with_other_elements_is_not_touched() {
    let (output, input) = (
        RingMemory::new(4, 64).unwrap(),
        RingMemory::new(8, 64).unwrap(),
    );
    output.advance_write_index(&output.geometry(), 64);
    let state = unsafe { CallbackState::new(input.as_ptr(), FRAME, output.as_ptr(), FRAME, 0) };
    let mut block = [1u8; 8 * FRAME];
    let source = [1u8; 8 * FRAME];
    unsafe {
        callback(
            source.as_ptr().cast(),
            block.as_mut_ptr().cast(),
            8,
            std::ptr::null(),
            0,
            pointer(&state),
        )
    };
    assert!(block.iter().all(|&b| b == 0));
    assert_eq!((output.read_available(), input.read_available()), (64, 0));
    assert_eq!(counter(state.counters(), "output_underflow_frames"), 8);
    assert_eq!(counter(state.counters(), "input_overflow_frames"), 8);
}

#[test]
fn without_rings_it_plays_silence_and_without_state_it_aborts() {
    let state = unsafe { CallbackState::new(null_mut(), 2, null_mut(), 2, 0) };
    let mut block = [1u8; 8];
    let mut call = |user_data| unsafe {
        let source = [1u8; 8];
        let result = callback(
            source.as_ptr().cast(),
            block.as_mut_ptr().cast(),
            4,
            std::ptr::null(),
            0,
            user_data,
        );
        (result, block)
    };
    assert_eq!(call(null_mut()), (2, [1; 8]));
    assert_eq!(call(pointer(&state)), (0, [0; 8]));
    assert_eq!(counter(state.counters(), "output_underflows"), 0);
}

#[test]
fn a_thread_plays_until_the_ring_is_empty() {
    let output = RingMemory::new(FRAME, 1024).unwrap();
    write(&output, &frames(1000));
    let state = unsafe { CallbackState::new(null_mut(), FRAME, output.as_ptr(), FRAME, 0) };
    state.set_mode(Mode::Complete);
    let device = unsafe { VirtualDevice::new(config(callback, pointer(&state))) }.unwrap();
    device.start().unwrap();
    assert!(matches!(device.start(), Err(DeviceError::Running)));
    assert!(matches!(device.run(1), Err(DeviceError::Running)));
    assert!(device.wait(Duration::from_secs(60)));
    assert!(!device.is_active());
    device.stop();
    device.stop();
    assert_eq!(device.frames(), 1024);
    assert_eq!(output.read_available(), 0);
    device.start().unwrap();
    drop(device);
}

#[test]
fn the_device_tells_the_callback_the_time() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    unsafe extern "C" fn check(
        input: *const c_void,
        output: *mut c_void,
        frames: c_ulong,
        time: *const TimeInfo,
        status: c_ulong,
        _: *mut c_void,
    ) -> c_int {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let time = unsafe { *time };
        let now = call as f64 * 480.0 / 48_000.0;
        let good = input.is_null()
            && !output.is_null()
            && frames == 480
            && status == 0
            && time.current_time == now
            && time.output_buffer_dac_time == now
            && time.input_buffer_adc_time == (call as f64 - 1.0) * 480.0 / 48_000.0;
        if good { 0 } else { 2 }
    }
    let config = config(check, null_mut())
        .input_frame_size(0)
        .loopback(false)
        .block_size(480)
        .pace(Pace::Fast);
    let device = unsafe { VirtualDevice::new(config) }.unwrap();
    assert_eq!(device.run(480 * 20).unwrap(), 480 * 20);
}

#[test]
fn impossible_devices_are_refused() {
    let refuse = |change: fn(&mut DeviceConfig)| {
        let mut changed = config(callback, null_mut());
        change(&mut changed);
        unsafe { VirtualDevice::new(changed) }
            .map(|_| ())
            .unwrap_err()
    };
    assert!(matches!(
        refuse(|c| c.sample_rate = 0.0),
        DeviceError::SampleRate(_)
    ));
    assert!(matches!(
        refuse(|c| c.sample_rate = f64::NAN),
        DeviceError::SampleRate(_)
    ));
    assert!(matches!(
        refuse(|c| c.input_frame_size = 4),
        DeviceError::Loopback
    ));
    assert!(matches!(
        refuse(|c| c.block_size = usize::MAX),
        DeviceError::Memory(_)
    ));
    let none = refuse(|c| {
        c.input_frame_size = 0;
        c.output_frame_size = 0;
    });
    assert!(matches!(none, DeviceError::NoChannels));
}

/// Calls the callback for output alone, and returns what it played.
fn play(state: &CallbackState, frames: usize) -> (c_int, Vec<u8>) {
    let mut block = vec![0x55u8; frames * FRAME];
    let result = unsafe {
        callback(
            std::ptr::null(),
            block.as_mut_ptr().cast(),
            frames as c_ulong,
            std::ptr::null(),
            0,
            pointer(state),
        )
    };
    (result, block)
}

/// Calls the callback for input alone.
fn record(state: &CallbackState, frames: &[u8]) -> c_int {
    unsafe {
        callback(
            frames.as_ptr().cast(),
            null_mut(),
            (frames.len() / FRAME) as c_ulong,
            std::ptr::null(),
            0,
            pointer(state),
        )
    }
}

#[test]
fn before_the_first_block_is_written_silence_is_no_underflow() {
    let output = RingMemory::new(FRAME, 128).unwrap();
    let state = unsafe { CallbackState::new(null_mut(), 0, output.as_ptr(), FRAME, 0) };
    state.set_mode(Mode::Start);
    assert!(play(&state, 64).1.iter().all(|&b| b == 0));
    write(&output, &frames(63));
    assert!(play(&state, 64).1.iter().all(|&b| b == 0));
    assert_eq!(output.read_available(), 63);
    assert_eq!(state.mode(), Mode::Start);
    write(&output, &frames(1));
    assert_eq!(
        play(&state, 64).1,
        [frames(63), frames(1)].concat(),
        "a whole block was there"
    );
    assert_eq!(state.mode(), Mode::Run);
    assert_eq!(counter(state.counters(), "output_underflows"), 0);
    play(&state, 64);
    assert_eq!(counter(state.counters(), "output_underflows"), 1);
}

#[test]
fn a_full_ring_is_played_even_if_it_holds_no_whole_block() {
    let output = RingMemory::new(FRAME, 16).unwrap();
    let state = unsafe { CallbackState::new(null_mut(), 0, output.as_ptr(), FRAME, 0) };
    state.set_mode(Mode::Start);
    write(&output, &frames(16));
    assert_eq!(play(&state, 64).1[..16 * FRAME], frames(16)[..]);
}

#[test]
fn what_was_written_last_is_played_even_if_it_never_was_a_block() {
    let output = RingMemory::new(FRAME, 128).unwrap();
    let state = unsafe { CallbackState::new(null_mut(), 0, output.as_ptr(), FRAME, 0) };
    state.set_mode(Mode::Start);
    write(&output, &frames(5));
    state.set_mode(Mode::Complete);
    let (result, block) = play(&state, 64);
    assert_eq!(
        (result, &block[..5 * FRAME], state.finish_reason()),
        (1, &frames(5)[..], Some(FinishReason::Completed))
    );
}

#[test]
fn an_underflow_can_finish_the_stream_after_what_there_is() {
    let output = RingMemory::new(FRAME, 128).unwrap();
    let state = unsafe { CallbackState::new(null_mut(), 0, output.as_ptr(), FRAME, 0x80) };
    state.set_on_underflow(OnUnderflow::Stop);
    write(&output, &frames(70));
    assert_eq!(play(&state, 64).0, 0);
    assert_eq!(state.finish_reason(), None);
    let (result, block) = play(&state, 64);
    assert_eq!(result, 1);
    assert_eq!(block[..6 * FRAME], frames(70)[64 * FRAME..]);
    assert!(block[6 * FRAME..].iter().all(|&b| b == 0x80));
    assert_eq!(state.finish_reason(), Some(FinishReason::Underflow));
    assert!(!state.is_finished(), "the host may call once more");
    assert_eq!(counter(state.counters(), "output_underflow_frames"), 58);
    // Called once more, it changes nothing.
    write(&output, &frames(64));
    let (result, block) = play(&state, 64);
    assert_eq!((result, output.read_available()), (1, 64));
    assert!(block.iter().all(|&b| b == 0x80));
    assert_eq!(counter(state.counters(), "blocks"), 2);
    state.restart();
    assert_eq!(play(&state, 64), (0, frames(64)));
}

#[test]
fn an_overflow_can_finish_the_stream_with_nothing_missing_before() {
    let input = RingMemory::new(FRAME, 128).unwrap();
    let state = unsafe { CallbackState::new(input.as_ptr(), FRAME, null_mut(), 0, 0) };
    state.set_on_overflow(OnOverflow::Stop);
    let recorded = frames(300);
    assert_eq!(record(&state, &recorded[..100 * FRAME]), 0);
    assert_eq!(record(&state, &recorded[100 * FRAME..200 * FRAME]), 1);
    assert_eq!(state.finish_reason(), Some(FinishReason::Overflow));
    assert_eq!(read(&input), recorded[..128 * FRAME]);
    assert_eq!(record(&state, &recorded[200 * FRAME..]), 1);
    assert_eq!(input.read_available(), 0, "there would be a gap");
}

#[test]
fn the_finished_callback_notes_that_the_stream_is_finished() {
    let state = unsafe { CallbackState::new(null_mut(), 0, null_mut(), 2, 0) };
    unsafe { finished(pointer(&state)) };
    assert_eq!(state.finish_reason(), Some(FinishReason::Stopped));
    assert!(state.is_finished());
    state.restart();
    assert_eq!((state.finish_reason(), state.is_finished()), (None, false));
    unsafe { finished(null_mut()) };
}

#[test]
fn water_marks_are_the_extremes_of_what_the_callback_saw() {
    let (output, input) = (
        RingMemory::new(FRAME, 128).unwrap(),
        RingMemory::new(FRAME, 256).unwrap(),
    );
    let state = unsafe { CallbackState::new(input.as_ptr(), FRAME, output.as_ptr(), FRAME, 0) };
    let marks = || {
        [
            "output_low_water",
            "output_high_water",
            "input_low_water",
            "input_high_water",
        ]
        .map(|name| counter(state.counters(), name))
    };
    assert_eq!(marks(), [128, 0, 256, 0]);
    write(&output, &frames(100));
    play(&state, 30);
    assert_eq!(marks(), [70, 100, 256, 0]);
    play(&state, 10);
    write(&output, &frames(20));
    play(&state, 5);
    assert_eq!(marks(), [60, 100, 256, 0]);
    state.set_mode(Mode::Drain);
    play(&state, 128);
    assert_eq!(
        marks(),
        [60, 100, 256, 0],
        "a ring that is drained is meant to run empty"
    );
    record(&state, &frames(50));
    record(&state, &frames(10));
    read(&input);
    record(&state, &frames(1));
    assert_eq!(marks()[2..], [0, 60]);
}

#[test]
fn counters_are_read_as_they_were_between_two_calls() {
    let state = unsafe { CallbackState::new(null_mut(), FRAME, null_mut(), 0, 0) };
    let block = frames(7);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..200_000 {
                record(&state, &block);
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let [blocks, frames, ..] = state.counters().snapshot();
            assert!(blocks >= last);
            assert_eq!(frames, 7 * blocks);
            last = blocks;
        }
    });
    assert_eq!(counter(state.counters(), "blocks"), 200_000);
}

#[test]
fn a_stream_that_is_held_plays_and_records_nothing_until_it_is_released() {
    let (input, output) = (
        RingMemory::new(FRAME, 128).unwrap(),
        RingMemory::new(FRAME, 128).unwrap(),
    );
    let state = unsafe { CallbackState::new(input.as_ptr(), FRAME, output.as_ptr(), FRAME, 0) };
    state.set_mode(Mode::Hold);
    write(&output, &frames(100));
    let recorded = frames(64);
    let call = |played: &mut [u8]| unsafe {
        callback(
            recorded.as_ptr().cast(),
            played.as_mut_ptr().cast(),
            64,
            std::ptr::null(),
            0,
            pointer(&state),
        )
    };
    let mut played = vec![1; 64 * FRAME];
    for _ in 0..3 {
        played.fill(1);
        assert_eq!(call(&mut played), 0);
        assert!(played.iter().all(|&byte| byte == 0));
    }
    assert_eq!((input.read_available(), output.read_available()), (0, 100));
    assert_eq!(counter(state.counters(), "blocks"), 3);
    assert!(state.release());
    assert_eq!(state.mode(), Mode::Run);
    assert_eq!(call(&mut played), 0);
    assert_eq!(played, frames(100)[..64 * FRAME]);
    assert_eq!(read(&input), recorded, "both directions begin at once");
    assert_eq!(counter(state.counters(), "output_underflows"), 0);
    state.set_mode(Mode::Complete);
    assert!(!state.release(), "another mode stays");
    assert_eq!(state.mode(), Mode::Complete);
}

#[test]
fn a_held_stream_can_be_completed_with_what_there_is() {
    let output = RingMemory::new(FRAME, 128).unwrap();
    let state = unsafe { CallbackState::new(null_mut(), 0, output.as_ptr(), FRAME, 0) };
    state.set_mode(Mode::Hold);
    write(&output, &frames(5));
    state.set_mode(Mode::Complete);
    let (result, block) = play(&state, 64);
    assert_eq!((result, &block[..5 * FRAME]), (1, &frames(5)[..]));
}

#[test]
fn an_aborted_stream_plays_silence_and_ends_whatever_the_rings_hold() {
    let output = RingMemory::new(FRAME, 128).unwrap();
    let state = unsafe { CallbackState::new(null_mut(), 0, output.as_ptr(), FRAME, 0x80) };
    write(&output, &frames(128));
    state.set_mode(Mode::Abort);
    for _ in 0..2 {
        let (result, block) = play(&state, 64);
        assert_eq!(result, 2);
        assert!(block.iter().all(|&byte| byte == 0x80));
    }
    assert_eq!(output.read_available(), 128);
    assert_eq!(counter(state.counters(), "output_underflows"), 0);
    state.restart();
    state.set_mode(Mode::Run);
    assert_eq!(play(&state, 64).0, 0);
}
