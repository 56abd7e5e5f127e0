//! Two threads pass elements through a ring, each of which says which one it is, in all of its
//! bytes: what is lost, repeated, torn or seen too early is noticed.

mod element;
mod heat;
pub mod python;
mod random;
mod stop;

pub use element::{expect, fill};
pub use heat::{Amount, Counts, Heat};
pub use random::Random;
pub use stop::{stop_on_interrupt, stopped};
