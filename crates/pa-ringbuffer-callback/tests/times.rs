//! When frames were recorded and are heard.

use std::ffi::{c_ulong, c_void};
use std::ptr::null_mut;

use pa_ringbuffer::{RingMemory, ring_buffer_size_t};
use pa_ringbuffer_callback::{
    BlockTimes, CallbackState, DeviceConfig, Mode, Pace, Script, Side, TimeInfo, UnknownTime,
    VirtualDevice, callback, flags,
};

/// Divides what is added here without rounding.
const RATE: f64 = 1024.0;

/// A callback with two rings of frames of one byte.
struct Stream {
    input: RingMemory,
    output: RingMemory,
    state: CallbackState,
}

impl Stream {
    fn new(size: usize) -> Self {
        let input = RingMemory::new(1, size).unwrap();
        let output = RingMemory::new(1, size).unwrap();
        // SAFETY: the rings stay where they are in memory, and live as long as the state.
        let state = unsafe { CallbackState::new(input.as_ptr(), 1, output.as_ptr(), 1, 0) };
        Self {
            input,
            output,
            state,
        }
    }

    fn user_data(&self) -> *mut c_void {
        (&raw const self.state).cast_mut().cast()
    }

    fn write(&self, frames: usize) {
        let count = frames as ring_buffer_size_t;
        self.output
            .advance_write_index(&self.output.geometry(), count);
    }

    fn read(&self, frames: usize) {
        let count = frames as ring_buffer_size_t;
        self.input.advance_read_index(&self.input.geometry(), count);
    }

    /// A call at a time, with an input latency of 1 s and an output latency of 2 s.
    fn call(&self, now: f64, frames: usize, status: c_ulong) {
        let times = TimeInfo {
            input_buffer_adc_time: now - 1.0,
            current_time: now,
            output_buffer_dac_time: now + 2.0,
        };
        self.call_with(&times, frames, status);
    }

    fn call_with(&self, times: *const TimeInfo, frames: usize, status: c_ulong) {
        let input = vec![0u8; frames];
        let mut output = vec![0u8; frames];
        // SAFETY: both blocks have that many frames, and the state is alive.
        unsafe {
            callback(
                input.as_ptr().cast(),
                output.as_mut_ptr().cast(),
                frames as c_ulong,
                times,
                status,
                self.user_data(),
            )
        };
    }

    fn recorded_at(&self, frame: u64) -> Result<f64, UnknownTime> {
        self.state.time_of(Side::Consumer, frame, RATE)
    }

    fn heard_at(&self, frame: u64) -> Result<f64, UnknownTime> {
        self.state.time_of(Side::Producer, frame, RATE)
    }

    fn positions(&self) -> [u64; 2] {
        // SAFETY: the rings are alive.
        [Side::Consumer, Side::Producer].map(|side| unsafe { self.state.position(side) }.unwrap())
    }
}

#[test]
fn nothing_is_known_before_the_first_block() {
    let stream = Stream::new(1024);
    stream.write(10);
    assert_eq!(stream.state.block_times(), None);
    assert_eq!(stream.recorded_at(0), Err(UnknownTime::NotYet));
    assert_eq!(stream.heard_at(0), Err(UnknownTime::NotYet));
    assert_eq!(stream.positions(), [0, 10]);
}

#[test]
fn a_block_says_where_its_frames_are_in_time() {
    let stream = Stream::new(1024);
    stream.write(1024);
    stream.call(10.0, 256, 0);
    stream.call(10.25, 512, 0);
    assert_eq!(
        stream.state.block_times(),
        Some(BlockTimes {
            blocks: 2,
            input_frame: 256,
            input_adc_time: 9.25,
            output_frame: 256,
            output_dac_time: 12.25,
            current_time: 10.25,
        })
    );
    for (frame, seconds) in [
        (0, 0.0),
        (256, 0.25),
        (257, 0.25 + 1.0 / RATE),
        (768, 0.75),
        (1792, 1.75),
    ] {
        assert_eq!(stream.recorded_at(frame), Ok(9.0 + seconds));
        assert_eq!(stream.heard_at(frame), Ok(12.0 + seconds));
    }
}

#[test]
fn frames_around_a_loss_have_their_times() {
    let stream = Stream::new(512);
    stream.write(384);
    stream.call(10.0, 256, 0);
    // 128 frames of output are missing here, and all of them there.
    stream.call(10.25, 256, 0);
    assert_eq!(stream.heard_at(384), Ok(12.5));
    stream.call(10.5, 256, 0); // this input does not fit
    assert_eq!(stream.recorded_at(512), Ok(9.75));
    assert_eq!(stream.heard_at(384), Ok(12.75));
    stream.read(512);
    stream.write(512);
    stream.call(10.75, 256, 0);
    assert_eq!(stream.recorded_at(511), Ok(9.0 + 511.0 / RATE));
    assert_eq!(stream.recorded_at(512), Ok(9.75));
    assert_eq!(stream.heard_at(383), Ok(12.0 + 383.0 / RATE));
    assert_eq!(stream.heard_at(384), Ok(12.75));
    assert_eq!(stream.positions(), [512, 896]);
}

#[test]
fn silence_before_the_first_frame_delays_it() {
    let stream = Stream::new(512);
    stream.state.set_mode(Mode::Start);
    stream.call(10.0, 256, 0);
    assert_eq!(stream.heard_at(0), Ok(12.25));
    stream.call(10.25, 256, 0);
    stream.write(256);
    assert_eq!(stream.heard_at(0), Ok(12.5));
    stream.call(10.5, 256, 0);
    assert_eq!(stream.heard_at(0), Ok(12.5));
    assert_eq!(stream.heard_at(255), Ok(12.5 + 255.0 / RATE));
}

#[test]
fn blocks_in_which_no_frame_moves_have_times() {
    let stream = Stream::new(512);
    stream.write(512);
    stream.state.set_mode(Mode::Hold);
    stream.call(10.0, 256, 0);
    let times = stream.state.block_times().unwrap();
    assert_eq!((times.input_frame, times.output_frame), (0, 0));
    assert_eq!((times.input_adc_time, times.output_dac_time), (9.0, 12.0));
    // In the next block, at the earliest.
    assert_eq!(stream.recorded_at(0), Ok(9.25));
    assert_eq!(stream.heard_at(0), Ok(12.25));
    stream.call(10.25, 256, 0);
    assert!(stream.state.release());
    stream.call(10.5, 256, 0);
    assert_eq!(stream.recorded_at(0), Ok(9.5));
    assert_eq!(stream.heard_at(1), Ok(12.5 + 1.0 / RATE));
}

#[test]
fn what_the_device_has_lost_is_a_gap() {
    let stream = Stream::new(1024);
    stream.write(1024);
    stream.call(10.0, 256, 0);
    stream.call(20.0, 256, flags::INPUT_OVERFLOW | flags::OUTPUT_UNDERFLOW);
    stream.call(20.25, 256, 0);
    assert_eq!(stream.recorded_at(255), Ok(9.0 + 255.0 / RATE));
    assert_eq!(stream.recorded_at(256), Ok(19.0));
    assert_eq!(stream.heard_at(255), Ok(12.0 + 255.0 / RATE));
    assert_eq!(stream.heard_at(512), Ok(22.25));
}

#[test]
fn a_stream_that_was_started_again_has_a_gap() {
    let stream = Stream::new(1024);
    stream.write(1024);
    stream.call(10.0, 256, 0);
    stream.state.finish();
    assert_eq!(stream.recorded_at(255), Ok(9.0 + 255.0 / RATE));
    assert_eq!(stream.recorded_at(256), Err(UnknownTime::Finished));
    assert_eq!(stream.heard_at(256), Err(UnknownTime::Finished));
    stream.state.restart();
    assert_eq!(stream.recorded_at(255), Ok(9.0 + 255.0 / RATE));
    assert_eq!(stream.recorded_at(256), Err(UnknownTime::NotYet));
    stream.call(100.0, 256, 0);
    assert_eq!(stream.recorded_at(0), Ok(9.0));
    assert_eq!(stream.recorded_at(256), Ok(99.0));
    assert_eq!(stream.heard_at(256), Ok(102.0));
}

#[test]
fn old_frames_are_forgotten_rather_than_wrong() {
    let stream = Stream::new(1024);
    for block in 0..20 {
        stream.state.restart();
        stream.call(f64::from(block) * 100.0, 16, 0);
    }
    assert_eq!(stream.recorded_at(63), Err(UnknownTime::Forgotten));
    for block in 4..20 {
        let time = block as f64 * 100.0 - 1.0;
        assert_eq!(stream.recorded_at(16 * block), Ok(time));
        assert_eq!(stream.recorded_at(16 * block + 15), Ok(time + 15.0 / RATE));
    }
}

#[test]
fn a_drifting_clock_is_followed_before_and_after_a_gap() {
    let stream = Stream::new(1 << 16);
    for block in 0..100 {
        stream.call(f64::from(block) * 0.5, 256, 0); // half as fast as it should be
    }
    stream.state.restart();
    stream.call(1000.0, 256, 0);
    assert_eq!(stream.recorded_at(99 * 256), Ok(99.0 * 0.5 - 1.0));
    assert_eq!(
        stream.recorded_at(99 * 256 + 1),
        Ok(99.0 * 0.5 - 1.0 + 1.0 / RATE)
    );
}

#[test]
fn a_host_without_times_is_told_from_one_with_wrong_times() {
    let stream = Stream::new(1024);
    stream.call_with(std::ptr::null(), 16, 0);
    let times = stream.state.block_times().unwrap();
    assert!(times.blocks == 1 && times.current_time.is_nan());
    assert_eq!(stream.recorded_at(0), Err(UnknownTime::NotTold));
    assert_eq!(stream.recorded_at(16), Err(UnknownTime::NotTold));
}

#[test]
fn a_direction_without_ring_has_no_times() {
    let ring = RingMemory::new(1, 16).unwrap();
    // SAFETY: the ring lives as long as the state.
    let state = unsafe { CallbackState::new(ring.as_ptr(), 1, null_mut(), 1, 0) };
    assert_eq!(
        state.time_of(Side::Producer, 0, RATE),
        Err(UnknownTime::NoRing)
    );
    // SAFETY: the rings are null or alive.
    assert_eq!(unsafe { state.position(Side::Producer) }, None);
}

#[test]
fn frames_that_were_in_the_rings_before_have_numbers() {
    let input = RingMemory::new(1, 16).unwrap();
    let output = RingMemory::new(1, 16).unwrap();
    for ring in [&input, &output] {
        ring.advance_write_index(&ring.geometry(), 5);
    }
    // SAFETY: the rings live as long as the state.
    let state = unsafe { CallbackState::new(input.as_ptr(), 1, output.as_ptr(), 1, 0) };
    let positions =
        // SAFETY: the rings are alive.
        [Side::Consumer, Side::Producer].map(|side| unsafe { state.position(side) }.unwrap());
    assert_eq!(positions, [0, 5]);
}

#[test]
fn the_position_is_right_however_the_ring_is_used() {
    let stream = Stream::new(64);
    for block in 0..10 {
        stream.call(f64::from(block), 16, 0);
        if block % 3 == 0 {
            stream.input.discard(&stream.input.geometry(), 7);
        }
    }
    // 64 went in, then what there was room for; 4 times, 7 were discarded.
    assert_eq!(stream.positions()[0], 28);
    stream.input.flush();
    assert_eq!(stream.positions()[0], 64 + 14 + 7);
}

#[test]
fn a_position_is_exact_while_the_callback_runs() {
    let stream = Stream::new(1 << 12);
    let config = config(&stream).block_size(64).pace(Pace::Fast);
    // SAFETY: the stream outlives the device.
    let device = unsafe { VirtualDevice::new(config) }.unwrap();
    device.start().unwrap();
    let (mut read, mut written) = (0, 0);
    while read < 200_000 {
        assert_eq!(stream.positions(), [read, written]);
        let frames = stream.input.read_available().min(100);
        stream.read(frames);
        read += frames as u64;
        let room = stream.output.write_available().min(100);
        stream.write(room);
        written += room as u64;
    }
    device.stop();
}

fn config(stream: &Stream) -> DeviceConfig {
    DeviceConfig::new(callback, stream.user_data())
        .input_frame_size(1)
        .output_frame_size(1)
        .sample_rate(RATE)
        .loopback(true)
}

/// What goes through the cable of a virtual device is recorded when it is heard.
fn a_frame_is_recorded_when_it_is_heard(block_size: usize, block_sizes: &[usize]) {
    let stream = Stream::new(1 << 14);
    let frames = vec![0u8; 1 << 14];
    // SAFETY: there are that many frames, and the ring is only used here.
    unsafe {
        let geometry = stream.output.geometry();
        stream.output.write(&geometry, frames.as_ptr().cast(), 1000);
        stream.output.write(&geometry, [1u8].as_ptr().cast(), 1);
        stream
            .output
            .write(&geometry, frames.as_ptr().cast(), 10_000);
    };
    // SAFETY: the stream outlives the device.
    let device = unsafe { VirtualDevice::new(config(&stream).block_size(block_size)) }.unwrap();
    let script = Script {
        frames: 10_000,
        block_sizes,
        ..Script::default()
    };
    device.process(&script).unwrap();
    let mut recorded = vec![0u8; 10_000];
    // SAFETY: there is room for that many frames, and the ring is only used here.
    unsafe {
        let target = recorded.as_mut_ptr().cast();
        stream.input.read(&stream.input.geometry(), target, 10_000);
    }
    let arrived = recorded.iter().position(|sample| *sample == 1).unwrap();
    assert_eq!(stream.recorded_at(arrived as u64), stream.heard_at(1000));
    assert_eq!(stream.heard_at(1000), Ok(1000.0 / RATE));
}

#[test]
fn the_virtual_device_tells_times_that_agree_with_its_loopback() {
    a_frame_is_recorded_when_it_is_heard(256, &[]);
    a_frame_is_recorded_when_it_is_heard(0, &[]);
    a_frame_is_recorded_when_it_is_heard(256, &[100, 17, 250]);
    a_frame_is_recorded_when_it_is_heard(64, &[100, 17, 250]);
}
