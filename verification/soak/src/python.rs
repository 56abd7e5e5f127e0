//! The other side for Python: a compiled thread would need one, so these functions are called on a
//! thread of Python's, where ctypes gives the interpreter lock away.

use std::slice::{from_raw_parts, from_raw_parts_mut};
use std::sync::atomic::Ordering;

use contestants::{KINDS, PaUtilRingBuffer};

use crate::heat::{Amount, Beside, read, write};
use crate::{Random, expect, fill};

/// What one side has counted, for ctypes.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Outcome {
    elements: u64,
    operations: u64,
    waits: u64,
    sum: u64,
    failed: u64,
}

/// Makes elements.
///
/// # Safety
///
/// The pointer is valid for that many of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn soak_fill(first: u64, element_size: usize, count: usize, bytes: *mut u8) {
    // SAFETY: valid, says the caller.
    let bytes = unsafe { from_raw_parts_mut(bytes, count * element_size) };
    fill(first, element_size, bytes);
}

/// Looks at elements, and adds them to the sum; 0, or -1 and a line on stderr.
///
/// # Safety
///
/// Both pointers are valid, the first one for that many elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn soak_expect(
    first: u64,
    element_size: usize,
    count: usize,
    bytes: *const u8,
    sum: *mut u64,
) -> i32 {
    // SAFETY: valid, says the caller.
    let (bytes, sum) = unsafe { (from_raw_parts(bytes, count * element_size), &mut *sum) };
    report(expect(first, element_size, bytes, sum))
}

fn report(result: Result<(), String>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            -1
        }
    }
}

/// PortAudio's C writes a number of times to a ring. Then it stores one more than the number of
/// elements in `total`. It ends early when `abandoned` is not 0.
///
/// # Safety
///
/// The ring is valid, and no other code writes to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn soak_write(
    ring: *mut PaUtilRingBuffer,
    longest: usize,
    operations: u64,
    seed: u64,
    beside: &Shared,
    outcome: &mut Outcome,
) {
    // SAFETY: the caller's promises are the same. The first contestant is PortAudio's C.
    let mut writer = unsafe { KINDS[0].writer(ring) };
    let amount = Amount {
        operations,
        until: None,
    };
    let counts = write(&mut *writer, longest, amount, Random::new(seed), &beside.0);
    outcome.elements = counts.elements;
    outcome.operations = counts.operations;
    outcome.waits = counts.full;
}

/// PortAudio's C reads from a ring until as many elements have arrived as were written.
///
/// # Safety
///
/// The ring is valid, and no other code reads from it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn soak_read(
    ring: *mut PaUtilRingBuffer,
    longest: usize,
    seed: u64,
    beside: &Shared,
    outcome: &mut Outcome,
) {
    // SAFETY: the caller's promises are the same. The first contestant is PortAudio's C.
    let mut reader = unsafe { KINDS[0].reader(ring) };
    match read(&mut *reader, longest, Random::new(seed), &beside.0) {
        Ok(counts) => {
            outcome.elements = counts.elements;
            outcome.operations = counts.operations;
            outcome.waits = counts.empty;
            outcome.sum = counts.sum;
        }
        Err(error) => {
            outcome.failed = 1;
            beside.0.abandoned.store(true, Ordering::Relaxed);
            report(Err(error));
        }
    }
}

/// What both sides know besides the ring.
#[derive(Debug, Default)]
pub struct Shared(Beside);

/// Makes it.
#[unsafe(no_mangle)]
pub extern "C" fn soak_shared() -> Box<Shared> {
    Box::default()
}

/// Forgets it.
#[unsafe(no_mangle)]
pub extern "C" fn soak_free(_: Box<Shared>) {}

/// Python has written all elements, this many.
#[unsafe(no_mangle)]
pub extern "C" fn soak_written(beside: &Shared, elements: u64) {
    beside.0.total.store(elements + 1, Ordering::Release);
}

/// How many elements were written, or -1 if that is not known yet.
#[unsafe(no_mangle)]
pub extern "C" fn soak_total(beside: &Shared) -> i64 {
    beside.0.total.load(Ordering::Acquire) as i64 - 1
}

/// Whether the other side has given up; with `set`, this one does.
#[unsafe(no_mangle)]
pub extern "C" fn soak_abandoned(beside: &Shared, set: i32) -> i32 {
    if set != 0 {
        beside.0.abandoned.store(true, Ordering::Relaxed);
    }
    i32::from(beside.0.abandoned.load(Ordering::Relaxed))
}
