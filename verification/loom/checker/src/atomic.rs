//! Atomics with the interface and the size of the real ones, as far as the sources use it.

use core::fmt;
use core::sync::atomic::Ordering;
use std::cell::UnsafeCell;
use std::rc::Rc;

use crate::site::{Part, effective};
use crate::world::{self, Change, Shadow};

/// What an atomic can hold.
pub trait Word: Copy + fmt::Debug {
    /// As a number.
    fn to_number(self) -> u64;
    /// Back from a number.
    fn from_number(number: u64) -> Self;
}

macro_rules! words {
    ($($integer:ty)*) => {$(
        impl Word for $integer {
            fn to_number(self) -> u64 {
                self as u64
            }

            fn from_number(number: u64) -> Self {
                number as Self
            }
        }
    )*};
}

words!(i32 i64 u32 u64 usize);

impl<T> Word for *mut T {
    fn to_number(self) -> u64 {
        self.expose_provenance() as u64
    }

    fn from_number(number: u64) -> Self {
        core::ptr::with_exposed_provenance_mut(number as usize)
    }
}

/// An atomic whose accesses loom sees.
#[repr(transparent)]
pub struct Atomic<T>(UnsafeCell<T>);

/// In place of the standard library's.
pub type AtomicI32 = Atomic<i32>;
/// In place of the standard library's.
pub type AtomicI64 = Atomic<i64>;
/// In place of the standard library's.
pub type AtomicU32 = Atomic<u32>;
/// In place of the standard library's.
pub type AtomicU64 = Atomic<u64>;
/// In place of the standard library's.
pub type AtomicUsize = Atomic<usize>;
/// In place of the standard library's.
pub type AtomicPtr<T> = Atomic<*mut T>;

// SAFETY: an execution has one thread of the system.
unsafe impl<T> Sync for Atomic<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Atomic<T> {}

impl<T> Atomic<T> {
    /// An atomic that holds this value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    pub(crate) fn address(&self) -> usize {
        self.0.get().addr()
    }
}

impl<T: Word> Atomic<T> {
    /// As that of the standard library.
    #[track_caller]
    pub fn load(&self, ordering: Ordering) -> T {
        let ordering = effective(Part::Load, ordering, self.address());
        match self.shadow() {
            Some(shadow) => T::from_number(shadow.value.load(ordering)),
            None => self.latest(),
        }
    }

    /// As that of the standard library.
    #[track_caller]
    pub fn store(&self, value: T, ordering: Ordering) {
        let ordering = effective(Part::Store, ordering, self.address());
        if let Some(shadow) = self.shadow() {
            shadow.store(value.to_number(), ordering);
        }
        self.keep(value);
    }

    /// As that of the standard library.
    ///
    /// # Errors
    ///
    /// The value, if it was another one than expected.
    #[track_caller]
    pub fn compare_exchange(
        &self,
        current: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        let success = effective(Part::Success, success, self.address());
        let failure = effective(Part::Failure, failure, self.address());
        let (current, number) = (current.to_number(), new.to_number());
        let found = match self.shadow() {
            Some(shadow) => {
                shadow.change(Change::Exchange);
                let value = &shadow.value;
                value.compare_exchange(current, number, success, failure)
            }
            None => {
                let latest = self.latest().to_number();
                (latest == current).then_some(latest).ok_or(latest)
            }
        };
        if found.is_ok() {
            self.keep(new);
        }
        found.map(T::from_number).map_err(T::from_number)
    }

    /// As that of the standard library.
    #[track_caller]
    pub fn fetch_or(&self, flags: T, ordering: Ordering) -> T {
        let ordering = effective(Part::Change, ordering, self.address());
        let flags = flags.to_number();
        let before = match self.shadow() {
            Some(shadow) => {
                shadow.change(Change::Exchange);
                shadow.value.fetch_or(flags, ordering)
            }
            None => self.latest().to_number(),
        };
        self.keep(T::from_number(before | flags));
        T::from_number(before)
    }

    #[track_caller]
    fn shadow(&self) -> Option<Rc<Shadow>> {
        let shadow = world::shadow(self.address(), || self.latest().to_number());
        if let Some(shadow) = &shadow {
            shadow.touch();
        }
        shadow
    }

    /// The value in memory, for which there is only one thread.
    fn latest(&self) -> T {
        // SAFETY: valid, and no other code has a reference to it.
        unsafe { self.0.get().read() }
    }

    /// Memory holds what was stored last, so that a value can be shared later, or moved before.
    fn keep(&self, value: T) {
        // SAFETY: as above.
        unsafe { self.0.get().write(value) }
    }
}

impl<T: Word> Default for Atomic<T> {
    fn default() -> Self {
        Self::new(T::from_number(0))
    }
}

impl<T: Word> fmt::Debug for Atomic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load(Ordering::Relaxed).fmt(f)
    }
}

/// As that of the standard library.
#[track_caller]
pub fn fence(ordering: Ordering) {
    if world::is_running() {
        let ordering = effective(Part::Fence, ordering, 0);
        // A relaxed fence is none.
        if ordering != Ordering::Relaxed {
            loom::sync::atomic::fence(ordering);
        }
    }
}

/// As that of the standard library, and lets other threads go on.
pub fn spin_loop() {
    if world::is_running() {
        loom::hint::spin_loop();
    }
}
