//! The virtual device offline: given input and blocks, xruns, and how a stream ends.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "each test owns what its device's callback uses, and its frames are 16-bit samples"
)]

use std::ffi::{c_int, c_ulong, c_void};
use std::ptr::null_mut;
use std::sync::Mutex;
use std::time::Duration;

use pa_ringbuffer_callback::{
    CallbackResult, DeviceConfig, DeviceError, Monitor, Script, TimeInfo, VirtualDevice, flags,
};

/// What the callback below has seen, and is to return.
#[derive(Default)]
struct Log {
    calls: Mutex<Vec<Call>>,
    /// The call that ends the stream, and how.
    end: Option<(usize, CallbackResult)>,
    /// Whom to ask when the device is finished.
    monitor: Mutex<Option<Monitor>>,
    finished: Mutex<Vec<(bool, usize)>>,
}

struct Call {
    input: Vec<i16>,
    flags: c_ulong,
    delay: f64,
}

impl Log {
    fn ending(call: usize, result: CallbackResult) -> Self {
        Self {
            end: Some((call, result)),
            ..Self::default()
        }
    }

    fn device(&self, change: impl FnOnce(&mut DeviceConfig)) -> VirtualDevice {
        let mut config = DeviceConfig::new(count_up, std::ptr::from_ref(self).cast_mut().cast())
            .finished(Some(finished))
            .input_frame_size(2)
            .output_frame_size(2)
            .block_size(2);
        change(&mut config);
        let device = unsafe { VirtualDevice::new(config) }.unwrap();
        *self.monitor.lock().unwrap() = Some(device.monitor());
        device
    }

    fn inputs(&self) -> Vec<Vec<i16>> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|call| call.input.clone()).collect()
    }

    fn flags(&self) -> Vec<c_ulong> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|call| call.flags).collect()
    }
}

/// Plays 1, 2, 3 and so on.
unsafe extern "C" fn count_up(
    input: *const c_void,
    output: *mut c_void,
    frames: c_ulong,
    time: *const TimeInfo,
    flags: c_ulong,
    user_data: *mut c_void,
) -> c_int {
    let (log, time) = unsafe { (&*user_data.cast::<Log>(), &*time) };
    let frames = frames as usize;
    let mut calls = log.calls.lock().unwrap();
    let played: usize = calls.iter().map(|call| call.input.len()).sum();
    let input = unsafe { std::slice::from_raw_parts(input.cast::<i16>(), frames) };
    let output = unsafe { std::slice::from_raw_parts_mut(output.cast::<i16>(), frames) };
    for (index, sample) in output.iter_mut().enumerate() {
        *sample = (played + index + 1) as i16;
    }
    calls.push(Call {
        input: input.to_vec(),
        flags,
        delay: time.current_time - (time.input_buffer_adc_time + frames as f64 / 48_000.0),
    });
    match log.end {
        Some((call, result)) if call + 1 == calls.len() => result as c_int,
        _ => CallbackResult::Continue as c_int,
    }
}

unsafe extern "C" fn finished(user_data: *mut c_void) {
    let log = unsafe { &*user_data.cast::<Log>() };
    let active = log.monitor.lock().unwrap().as_ref().unwrap().is_active();
    let calls = log.calls.lock().unwrap().len();
    log.finished.lock().unwrap().push((active, calls));
}

fn bytes(samples: impl IntoIterator<Item = i16>) -> Vec<u8> {
    samples.into_iter().flat_map(i16::to_ne_bytes).collect()
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes
        .chunks_exact(2)
        .map(|sample| i16::from_ne_bytes([sample[0], sample[1]]))
        .collect()
}

#[test]
fn given_input_comes_in_given_blocks() {
    let log = Log::default();
    let device = log.device(|_| ());
    let input = bytes(1..=9);
    let script = Script {
        frames: 8,
        input: Some(&input),
        block_sizes: &[1, 3],
        ..Script::default()
    };
    assert_eq!(
        samples(&device.process(&script).unwrap()),
        Vec::from_iter(1..=8)
    );
    assert_eq!(
        log.inputs(),
        [vec![1], vec![2, 3, 4], vec![5], vec![6, 7, 8]]
    );
    assert_eq!(device.frames(), 8);
}

#[test]
fn xruns_shift_input_and_output_against_the_calls() {
    let cases = [
        (
            flags::INPUT_UNDERFLOW,
            [[1, 2], [0, 0], [3, 4]],
            &[1, 2, 3, 4, 5, 6][..],
        ),
        (
            flags::INPUT_OVERFLOW,
            [[1, 2], [5, 6], [0, 0]],
            &[1, 2, 3, 4, 5, 6][..],
        ),
        (
            flags::OUTPUT_UNDERFLOW,
            [[1, 2], [3, 4], [5, 6]],
            &[1, 2, 0, 0, 3, 4, 5, 6],
        ),
        (
            flags::OUTPUT_OVERFLOW,
            [[1, 2], [3, 4], [5, 6]],
            &[1, 2, 5, 6],
        ),
    ];
    let input = bytes(1..=6);
    for (xrun, inputs, output) in cases {
        let log = Log::default();
        let device = log.device(|_| ());
        let script = Script {
            frames: 6,
            input: Some(&input),
            xruns: &[(1, xrun)],
            ..Script::default()
        };
        assert_eq!(samples(&device.process(&script).unwrap()), output);
        assert_eq!(log.inputs(), inputs);
        assert_eq!(log.flags(), [0, xrun, 0]);
    }
}

#[test]
fn xruns_of_one_call_are_told_together_in_whatever_order_they_are_given() {
    let log = Log::default();
    let device = log.device(|_| ());
    device.monitor().xrun(flags::INPUT_OVERFLOW).unwrap();
    let script = Script {
        frames: 6,
        xruns: &[(2, flags::OUTPUT_OVERFLOW), (0, flags::OUTPUT_UNDERFLOW)],
        ..Script::default()
    };
    assert_eq!(
        samples(&device.process(&script).unwrap()),
        [0, 0, 1, 2, 3, 4]
    );
    let both = flags::INPUT_OVERFLOW | flags::OUTPUT_UNDERFLOW;
    assert_eq!(log.flags(), [both, 0, flags::OUTPUT_OVERFLOW]);
}

#[test]
fn loopback_grows_with_the_blocks_and_loses_nothing() {
    let log = Log::default();
    let device = log.device(|config| config.loopback = true);
    for block_size in [1, 2, 64, 3, 1000] {
        let script = Script {
            frames: 4000,
            block_sizes: &[block_size],
            ..Script::default()
        };
        device.process(&script).unwrap();
    }
    let heard: Vec<i16> = log
        .inputs()
        .concat()
        .into_iter()
        .filter(|&s| s != 0)
        .collect();
    assert_eq!(heard, Vec::from_iter(1..=20_000 - 1000));
}

#[test]
fn a_complete_stream_plays_its_last_block_and_an_aborted_one_does_not() {
    for (result, output) in [
        (CallbackResult::Complete, &[1, 2, 3, 4][..]),
        (CallbackResult::Abort, &[1, 2]),
    ] {
        for loopback in [false, true] {
            let log = Log::ending(1, result);
            let device = log.device(|config| config.loopback = loopback);
            let script = Script {
                frames: u64::MAX,
                ..Script::default()
            };
            assert_eq!(samples(&device.process(&script).unwrap()), output);
            assert_eq!(log.inputs().len(), 2);
            assert!(log.finished.lock().unwrap().is_empty());
        }
    }
}

#[test]
fn the_finished_callback_comes_after_the_last_call_and_before_the_end_is_seen() {
    for end in [
        Some((3, CallbackResult::Complete)),
        Some((3, CallbackResult::Abort)),
        None,
    ] {
        let log = Log {
            end,
            ..Log::default()
        };
        let device = log.device(|_| ());
        device.start().unwrap();
        if end.is_some() {
            assert!(device.wait(Duration::from_secs(60)));
        } else {
            device.stop();
        }
        assert!(!device.is_active());
        let calls = log.inputs().len();
        assert_eq!(*log.finished.lock().unwrap(), [(true, calls)]);
        drop(device);
        assert_eq!(log.finished.lock().unwrap().len(), 1);
    }
}

#[test]
fn jitter_is_the_same_in_every_run_and_does_not_add_up() {
    let delays = |jitter| {
        let log = Log::ending(49, CallbackResult::Complete);
        let device = log.device(|config| config.jitter = jitter);
        device.start().unwrap();
        assert!(device.wait(Duration::from_secs(60)));
        let calls = log.calls.lock().unwrap();
        assert_eq!(calls.len(), 50);
        Vec::from_iter(calls.iter().map(|call| call.delay))
    };
    let late = delays(0.0005);
    assert_eq!(late, delays(0.0005));
    assert!(
        late.iter()
            .all(|delay| (0.0..0.0005 + 1e-9).contains(delay))
    );
    assert!(late.iter().any(|delay| *delay > 0.00025));
    assert!(delays(0.0).iter().all(|delay| delay.abs() < 1e-9));
}

#[test]
fn a_device_stops_while_its_next_call_is_far_away() {
    let log = Log::default();
    let device = log.device(|config| config.jitter = f64::MAX);
    device.start().unwrap();
    assert!(device.is_active());
    device.stop();
    assert_eq!(device.frames(), 0);
}

#[test]
fn scripts_that_the_device_cannot_follow_are_refused_before_the_first_call() {
    let log = Log::default();
    let device = log.device(|_| ());
    let refuse = |script: Script<'_>| device.process(&script).unwrap_err();
    let frames = |frames| Script {
        frames,
        ..Script::default()
    };
    for (count, input) in [(2, &[0; 3][..]), (1, &[0; 3]), (u64::MAX, &[0; 4])] {
        let script = Script {
            input: Some(input),
            ..frames(count)
        };
        assert!(matches!(
            refuse(script),
            DeviceError::Input { frame_size: 2, .. }
        ));
    }
    let script = Script {
        block_sizes: &[1, 0],
        ..frames(1)
    };
    assert!(matches!(refuse(script), DeviceError::BlockSize));
    let script = Script {
        xruns: &[(0, flags::PRIMING_OUTPUT)],
        ..frames(1)
    };
    assert!(matches!(
        refuse(script),
        DeviceError::Xrun(flags::PRIMING_OUTPUT)
    ));
    let script = Script {
        block_sizes: &[usize::MAX],
        ..frames(u64::MAX)
    };
    assert!(matches!(refuse(script), DeviceError::Memory(_)));
    assert!(log.inputs().is_empty());
}

#[test]
fn what_a_device_lacks_can_neither_be_given_nor_suffer() {
    unsafe extern "C" fn nothing(
        _: *const c_void,
        _: *mut c_void,
        _: c_ulong,
        _: *const TimeInfo,
        _: c_ulong,
        _: *mut c_void,
    ) -> c_int {
        0
    }
    let log = Log::default();
    let device = |input_frame_size, output_frame_size| {
        log.device(|config| {
            config.callback = nothing;
            config.user_data = null_mut();
            config.finished = None;
            config.input_frame_size = input_frame_size;
            config.output_frame_size = output_frame_size;
        })
    };
    let script = Script {
        frames: 1,
        input: Some(&[0, 0]),
        ..Script::default()
    };
    let player = device(0, 2);
    assert!(matches!(player.process(&script), Err(DeviceError::NoInput)));
    for xrun in [flags::INPUT_UNDERFLOW, flags::INPUT_OVERFLOW] {
        let refused = player.monitor().xrun(xrun | flags::OUTPUT_UNDERFLOW);
        assert!(matches!(refused, Err(DeviceError::Xrun(found)) if found == xrun));
    }
    let recorder = device(2, 0);
    assert!(recorder.process(&script).unwrap().is_empty());
    assert_eq!(recorder.frames(), 1);
    for xrun in [flags::OUTPUT_UNDERFLOW, flags::OUTPUT_OVERFLOW] {
        let refused = recorder.monitor().xrun(xrun);
        assert!(matches!(refused, Err(DeviceError::Xrun(found)) if found == xrun));
    }
}

#[test]
fn jitter_must_be_a_time() {
    let log = Log::default();
    for jitter in [-1e-9, f64::INFINITY, f64::NAN] {
        let config = DeviceConfig::new(count_up, std::ptr::from_ref(&log).cast_mut().cast())
            .input_frame_size(2)
            .output_frame_size(2)
            .block_size(2)
            .jitter(jitter);
        let refused = unsafe { VirtualDevice::new(config) };
        assert!(matches!(refused, Err(DeviceError::Jitter(_))));
    }
}
