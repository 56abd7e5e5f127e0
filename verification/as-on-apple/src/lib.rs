//! The sources of `pa-ringbuffer` as a compiler for an Apple system sees them: sizes have 32 bits,
//! pointers still 64. On Windows it is the same. This is how that combination is run on a machine
//! that has neither.

#![no_std]
#![allow(
    unexpected_cfgs,
    clippy::non_minimal_cfg,
    reason = "those of the other crate"
)]

include!(concat!(env!("OUT_DIR"), "/lib.rs"));

const _: () = assert!(size_of::<ring_buffer_size_t>() == 4);
