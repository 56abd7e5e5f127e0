//! The two sides of a ring.

use crate::atomic::AtomicSize;
use crate::layout::PaUtilRingBuffer;

/// One of the two sides of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Writes elements and advances the write index.
    Producer,
    /// Reads elements and advances the read index.
    Consumer,
}

impl Side {
    /// The index that this side advances.
    #[inline(always)]
    pub(crate) fn own_index(self, ring: &PaUtilRingBuffer) -> &AtomicSize {
        match self {
            Self::Producer => &ring.write_index,
            Self::Consumer => &ring.read_index,
        }
    }

    /// The index that the other side advances.
    #[inline(always)]
    pub(crate) fn other_index(self, ring: &PaUtilRingBuffer) -> &AtomicSize {
        match self {
            Self::Producer => &ring.read_index,
            Self::Consumer => &ring.write_index,
        }
    }
}

/// A [`Side`] known at compile time.
pub(crate) trait SideType {
    const SIDE: Side;
}

/// [`Side::Producer`] as a type.
pub(crate) enum ProducerSide {}

impl SideType for ProducerSide {
    const SIDE: Side = Side::Producer;
}

/// [`Side::Consumer`] as a type.
pub(crate) enum ConsumerSide {}

impl SideType for ConsumerSide {
    const SIDE: Side = Side::Consumer;
}
