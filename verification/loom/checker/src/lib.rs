//! Lets loom watch code that was written for the atomics of the standard library.
//!
//! loom's own atomics are large, have no constant constructor, and know nothing of memory that was
//! filled with zeros. So those here are only as large as the real ones, and loom's stand beside them
//! (`world`), found by address: the C struct keeps its layout, and all of its code is the real one.
//!
//! An execution begins with [`begin`]. What is then set up is not watched, until [`share`] says which
//! atomics the threads are going to use; [`watch`] says where elements are.
//!
//! Every use of an ordering has a name, which is its place in the source ([`Site`]). One of them can
//! be [weakened](weaken): if no model fails then, either it is not needed or the models see nothing.

mod atomic;
mod elements;
mod futex;
mod site;
mod world;

pub use atomic::{
    Atomic, AtomicI32, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence, spin_loop,
};
pub use core::sync::atomic::Ordering;
pub use elements::{Touched, read, reading, touched, watch, write, writing};
pub use futex::{futex_is_there, futex_wait, futex_wake};
pub use site::{Part, Site, sites, weaken};
pub use world::{Change, Changes, begin, changes, expect_changes, name, share};
