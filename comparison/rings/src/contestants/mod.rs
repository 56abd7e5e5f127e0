//! The rings that are compared.

mod boost;
mod c;
mod crossbeam;
mod handles;
mod jack;
mod ringbuf;
mod rtrb;

use crate::element::Element;
use crate::job::{Jobs, across, alone, round_trip};
use crate::limit::Limit;
use crate::ring::Ring;
use crate::workload::Mode;

/// A ring for elements of some type, by the name it has in the results.
#[derive(Debug)]
pub struct Contestant {
    /// Its name.
    pub name: &'static str,
    make: fn(Mode, usize, usize) -> Jobs,
}

impl Contestant {
    /// The work of each thread, with a ring of a given size and with blocks of `n`.
    pub fn jobs(&self, mode: Mode, capacity: usize, n: usize) -> Jobs {
        (self.make)(mode, capacity, n)
    }
}

/// All of them, for elements of type `T`.
pub fn contestants<T: Element>() -> Vec<Contestant> {
    vec![
        contestant::<T, c::Rings<c::Ours>>("abi"),
        contestant::<T, c::Rings<c::Ours, 2>>("abi-two-lines"),
        contestant::<T, handles::Handles>("handles"),
        contestant::<T, handles::OneLine>("handles-one-line"),
        contestant::<T, handles::Prefetching>("prefetching"),
        contestant::<T, c::Rings<c::Genuine>>("portaudio"),
        contestant::<T, rtrb::Rtrb>("rtrb"),
        contestant::<T, ringbuf::Ringbuf>("ringbuf"),
        contestant::<T, crossbeam::Crossbeam>("crossbeam"),
        contestant::<T, jack::Jack>("jack"),
        contestant::<T, boost::Boost>("boost"),
        contestant::<T, Limit>("limit"),
    ]
}

fn contestant<T: Element, R: Ring<T> + 'static>(name: &'static str) -> Contestant {
    Contestant {
        name,
        make: |mode, capacity, n| match mode {
            Mode::Single => alone::<T, R>(capacity, n),
            Mode::TwoThreads => across::<T, R>(capacity, n),
            Mode::RoundTrip => round_trip::<T, R>(capacity, n),
        },
    }
}
