//! The ten C functions, on a struct with anything in it.

#![no_main]

mod structs;

// The library cannot be linked with a Rust program: it brings a panic handler of its own.
#[allow(dead_code)]
#[path = "../../crates/pa-ringbuffer-capi/src/ring.rs"]
mod ring;

use std::ptr::null_mut;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pa_ringbuffer::ring_buffer_size_t;
use ring::*;
use structs::Fields;

#[derive(Arbitrary, Debug)]
enum Step {
    Initialize(ring_buffer_size_t, ring_buffer_size_t),
    Write(ring_buffer_size_t),
    Read(ring_buffer_size_t),
    WriteRegions(ring_buffer_size_t),
    ReadRegions(ring_buffer_size_t),
    AdvanceWrite(ring_buffer_size_t),
    AdvanceRead(ring_buffer_size_t),
    Flush,
    Index(bool, ring_buffer_size_t),
}

fn elements(count: ring_buffer_size_t) -> usize {
    usize::try_from(count).unwrap_or(0)
}

fuzz_target!(|input: (Fields, Vec<Step>)| {
    let (fields, steps) = input;
    let Some(mut guarded) = fields.build() else {
        return;
    };
    for step in steps {
        let ring = guarded.pointer();
        // SAFETY, in all cases: the struct and its storage are alive, data is as large as what can
        // be transferred, and this is the only thread.
        match step {
            Step::Initialize(element_size, count) => unsafe {
                // Only what the storage has room for may be told.
                let bytes = elements(element_size).checked_mul(elements(count));
                let fits = bytes.is_some_and(|bytes| bytes <= guarded.storage.len());
                let storage = if fits {
                    guarded.storage.as_mut_ptr()
                } else {
                    null_mut()
                };
                let refused =
                    PaUtil_InitializeRingBuffer(ring, element_size, count, storage.cast()) != 0;
                assert_eq!(
                    refused,
                    element_size <= 0
                        || !elements(count).is_power_of_two()
                        || bytes.is_none_or(|bytes| bytes > isize::MAX as usize)
                        || count.checked_mul(2).is_none()
                );
                if !refused {
                    guarded.element_size = element_size as usize;
                }
            },
            Step::Write(count) => unsafe {
                let data = guarded.data(elements(count));
                let done = PaUtil_WriteRingBuffer(ring, data.as_ptr().cast(), count);
                assert!((0..=count.max(0)).contains(&done));
            },
            Step::Read(count) => unsafe {
                let mut data = guarded.data(elements(count));
                let done = PaUtil_ReadRingBuffer(ring, data.as_mut_ptr().cast(), count);
                assert!((0..=count.max(0)).contains(&done));
            },
            Step::WriteRegions(count) | Step::ReadRegions(count) => {
                let write = matches!(step, Step::WriteRegions(_));
                let function = if write {
                    PaUtil_GetRingBufferWriteRegions
                } else {
                    PaUtil_GetRingBufferReadRegions
                };
                let (mut first, mut second) = (null_mut(), null_mut());
                let (mut first_len, mut second_len) = (-1, -1);
                let total = unsafe {
                    function(
                        ring,
                        count,
                        &mut first,
                        &mut first_len,
                        &mut second,
                        &mut second_len,
                    )
                };
                assert!(first_len >= 0 && second_len >= 0);
                assert_eq!(total, first_len + second_len);
                assert!(total <= count.max(0));
                assert_eq!(second.is_null(), second_len == 0);
                guarded.touch(first.cast(), first_len as usize, write);
                guarded.touch(second.cast(), second_len as usize, write);
            }
            Step::AdvanceWrite(count) => unsafe {
                PaUtil_AdvanceRingBufferWriteIndex(ring, count);
            },
            Step::AdvanceRead(count) => unsafe {
                PaUtil_AdvanceRingBufferReadIndex(ring, count);
            },
            Step::Flush => unsafe { PaUtil_FlushRingBuffer(ring) },
            Step::Index(second, value) => guarded.set_index(second, value),
        }
        unsafe {
            assert!(PaUtil_GetRingBufferWriteAvailable(ring) >= 0);
            assert!(PaUtil_GetRingBufferReadAvailable(ring) >= 0);
        }
    }
});
