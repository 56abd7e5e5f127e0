//! What the virtual device does around a callback, without its thread: that sleeps and allocates.

use std::ffi::{c_int, c_ulong, c_void};

use pa_ringbuffer_callback::{
    CallbackResult, DeviceConfig, Monitor, Pace, Script, TimeInfo, VirtualDevice, flags,
};

use crate::Case;
use crate::guard::guarded;

const FRAME: usize = 8;

pub(crate) const CASES: &[Case] = &[(
    &[
        "Cable::lose",
        "Cable::put",
        "Cable::take",
        "Calling::begin",
        "Engine::call",
        "Monitor::xrun",
        "Shared::take_xruns",
    ],
    || {
        let mut monitor: Option<Monitor> = None;
        let config = DeviceConfig::new(asks_for_xruns, (&raw mut monitor).cast())
            .input_frame_size(FRAME)
            .output_frame_size(FRAME)
            .block_size(64)
            .loopback(true)
            .pace(Pace::Fast);
        // SAFETY: the callback takes this pointer, which outlives the device, and any blocks.
        let device = unsafe { VirtualDevice::new(config) }.unwrap();
        monitor = Some(device.monitor());
        let script = Script {
            frames: 64 * 100,
            ..Script::default()
        };
        let mut calls = device.prepare(&script, false).unwrap();
        guarded(|| {
            assert!(calls.go_on(None).unwrap());
            assert_eq!(calls.frames(), 64 * 100);
            assert!(monitor.as_ref().unwrap().xrun(c_ulong::MAX).is_err());
        })
    },
)];

/// A callback that asks for underflows and overflows in the next call, in all combinations.
unsafe extern "C" fn asks_for_xruns(
    _input: *const c_void,
    output: *mut c_void,
    frame_count: c_ulong,
    time_info: *const TimeInfo,
    status_flags: c_ulong,
    user_data: *mut c_void,
) -> c_int {
    const ALL: c_ulong = flags::INPUT_UNDERFLOW
        | flags::INPUT_OVERFLOW
        | flags::OUTPUT_UNDERFLOW
        | flags::OUTPUT_OVERFLOW;
    assert!(!output.is_null() && !time_info.is_null() && frame_count == 64);
    assert!(VirtualDevice::in_callback());
    // SAFETY: that is what the device was given.
    let monitor = unsafe { &*user_data.cast::<Option<Monitor>>() };
    let next = (status_flags + 1) & ALL;
    monitor.as_ref().unwrap().xrun(next).unwrap();
    CallbackResult::Continue as c_int
}
