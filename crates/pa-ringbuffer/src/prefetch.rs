//! Hints to the processor's cache. They do nothing on processors without such hints and in
//! interpreters.

/// The unit of memory that processor cores transfer between each other, in bytes.
pub(crate) const LINE: usize = 64;

/// Prefetches the line of an address for reading. Any address is allowed.
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

/// Prefetches the line of an address for writing, which removes it from the other cores' caches.
/// Any address is allowed.
#[inline(always)]
pub(crate) fn for_writing<T>(address: *const T) {
    // In assembler, because compilers use this instruction only for processors that are known to
    // have it. All 64-bit ones have or ignore it, except for the first few Pentium 4 of 2004.
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
