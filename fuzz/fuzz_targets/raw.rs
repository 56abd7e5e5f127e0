//! The Rust functions that the extension module is built on, on a struct with anything in it.

#![no_main]

mod structs;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pa_ringbuffer::ring_buffer_size_t;
use structs::Fields;

#[derive(Arbitrary, Debug)]
enum Step {
    Write(usize),
    Read(usize),
    Peek(usize),
    WriteRegions(usize),
    ReadRegions(usize),
    AdvanceWrite(ring_buffer_size_t),
    AdvanceRead(ring_buffer_size_t),
    Flush,
    Index(bool, ring_buffer_size_t),
}

fuzz_target!(|input: (Fields, Vec<Step>)| {
    let (fields, steps) = input;
    let Some(mut guarded) = fields.build() else {
        return;
    };
    let checked = guarded.ring.checked_geometry();
    for step in steps {
        let geometry = guarded.ring.geometry();
        let size = geometry.size();
        assert!(size * guarded.element_size <= guarded.storage.len());
        if let Ok(checked) = checked {
            assert_eq!(checked, geometry);
            assert!(size > 0);
        }
        let ring = &guarded.ring;
        // SAFETY, in all cases: the geometry is this ring's, its storage is alive, the data is as
        // large as what can be transferred, and this is the only thread.
        match step {
            Step::Write(count) => {
                let data = guarded.data(count);
                let done = unsafe { ring.write(&geometry, data.as_ptr().cast(), count) };
                assert!(done <= count.min(size));
            }
            Step::Read(count) => {
                let mut data = guarded.data(count);
                let done = unsafe { ring.read(&geometry, data.as_mut_ptr().cast(), count) };
                assert!(done <= count.min(size));
            }
            Step::Peek(count) => {
                let mut data = guarded.data(count);
                let before = ring.read_available();
                let done = unsafe { ring.peek(&geometry, data.as_mut_ptr().cast(), count) };
                assert!(done <= count.min(before));
                assert_eq!(ring.read_available(), before);
            }
            Step::WriteRegions(count) | Step::ReadRegions(count) => {
                let write = matches!(step, Step::WriteRegions(_));
                let regions = if write {
                    ring.write_regions(&geometry, count)
                } else {
                    ring.read_regions(&geometry, count)
                };
                assert!(regions.len() <= count.min(size));
                assert_eq!(regions.second.is_null(), regions.second_len == 0);
                guarded.touch(regions.first, regions.first_len, write);
                guarded.touch(regions.second, regions.second_len, write);
            }
            Step::AdvanceWrite(count) => {
                ring.advance_write_index(&geometry, count);
            }
            Step::AdvanceRead(count) => {
                ring.advance_read_index(&geometry, count);
            }
            Step::Flush => ring.flush(),
            Step::Index(second, value) => guarded.set_index(second, value),
        }
        assert!(guarded.ring.write_available() <= size);
        assert!(guarded.ring.read_available() <= size);
    }
});
