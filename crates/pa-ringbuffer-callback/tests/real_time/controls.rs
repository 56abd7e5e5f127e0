//! The guard itself: a check that cannot fail is none.

use std::hint::black_box;

use pa_ringbuffer::RingBuffer;

use crate::guard::{Outcome, guarded, is_possible};

/// What does not run here tells nothing about the guard.
fn assert_outcome<R>(expected: Outcome, section: impl FnOnce() -> R) {
    if is_possible() {
        assert_eq!(guarded(section), expected);
    }
}

#[test]
fn arithmetic_passes() {
    assert_outcome(Outcome::Passed, || black_box(6) * 7);
}

#[test]
fn an_allocation_is_caught() {
    assert_outcome(Outcome::Allocated, || black_box(vec![0u8; 16]));
}

#[test]
fn zeroed_memory_is_caught() {
    assert_outcome(Outcome::Allocated, || RingBuffer::<f32>::new(64));
}

#[test]
fn growing_is_caught() {
    let mut block = Vec::<u8>::with_capacity(16);
    assert_outcome(Outcome::Allocated, || {
        black_box(&mut block).reserve_exact(17);
    });
}

#[test]
fn freeing_is_caught() {
    let block = vec![0u8; 16];
    assert_outcome(Outcome::Allocated, || drop(black_box(block)));
}

#[test]
fn the_handle_that_frees_the_ring_is_caught() {
    let (producer, consumer) = RingBuffer::<f32>::new(64).unwrap().split();
    drop(producer);
    assert_outcome(Outcome::Allocated, || drop(consumer));
}

#[test]
fn a_system_call_is_caught() {
    // SAFETY: it takes nothing and returns a number.
    assert_outcome(Outcome::CalledTheSystem, || unsafe { libc::getppid() });
}

#[test]
fn output_is_caught() {
    // SAFETY: no bytes are read.
    assert_outcome(Outcome::CalledTheSystem, || unsafe {
        libc::write(2, std::ptr::null(), 0)
    });
}

#[test]
fn waking_another_thread_is_caught() {
    let this = std::thread::current();
    assert_outcome(Outcome::CalledTheSystem, || {
        std::thread::park_timeout(std::time::Duration::from_nanos(1));
        this.unpark();
    });
}

#[test]
fn a_panic_is_caught() {
    assert_outcome(Outcome::Panicked, || {
        assert_eq!(black_box(1), 2);
    });
}

#[test]
fn an_index_out_of_bounds_is_caught() {
    assert_outcome(Outcome::Panicked, || [1, 2, 3][black_box(3)]);
}

#[test]
fn a_crash_is_caught() {
    if is_possible() {
        // SAFETY: it ends the process, which is a copy.
        let outcome = guarded(|| unsafe { black_box(std::ptr::null::<u8>()).read_volatile() });
        // Whatever the standard library does about it is forbidden, too.
        assert_ne!(outcome, Outcome::Passed);
    }
}
