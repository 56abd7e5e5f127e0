//! How long rings take: ours, PortAudio's and those of others, in one program.
//!
//! [`ring`] has the measured loops, [`contestants`] what goes through them, [`limit`] the same
//! copies without a ring, [`measure`] the clock.

pub mod block;
mod chance;
pub mod contestants;
pub mod cores;
pub mod element;
pub mod job;
pub mod limit;
pub mod measure;
pub mod ring;
pub mod workload;
