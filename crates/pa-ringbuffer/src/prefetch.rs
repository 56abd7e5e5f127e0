//! Hints to the processor's cache. Where there are none, and in interpreters, nothing happens.

/// Bytes that processor cores take from each other at once.
pub(crate) const LINE: usize = 64;

/// Asks for the line of an address, to be read. Any address will do.
#[inline(always)]
pub(crate) fn for_reading<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: the instruction changes nothing and never faults.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!(
            "prfm pldl1keep, [{}]", in(reg) address,
            options(nostack, preserves_flags, readonly),
        );
    }
    let _ = address;
}

/// Asks for the line of an address, and that no other core keeps it: it is going to be written.
/// Any address will do.
#[inline(always)]
pub(crate) fn for_writing<T>(address: *const T) {
    // In assembler, because compilers only use this instruction for processors of which they know
    // that they have it. All 64-bit ones have, or ignore it, but for the first few Pentium 4 of 2004.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: the instruction changes nothing and never faults.
    unsafe {
        core::arch::asm!(
            "prefetchw [{}]", in(reg) address,
            options(nostack, preserves_flags, readonly),
        );
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!(
            "prfm pstl1keep, [{}]", in(reg) address,
            options(nostack, preserves_flags, readonly),
        );
    }
    let _ = address;
}
