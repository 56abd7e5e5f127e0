//! What can go wrong when a ring is made. Nothing can once it is in use: short counts are normal.

use core::fmt;

use crate::geometry::InvalidField;

/// Why a ring, or a handle to one, could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RingError {
    /// The number of elements is not a power of two.
    Capacity {
        /// The number given.
        value: usize,
    },
    /// The element size is not a positive number of bytes, or not that of the handle's type.
    ElementSize {
        /// The size given, or found in the struct.
        value: usize,
    },
    /// Element size times element count does not fit into the address space, or one of them not
    /// into [`ring_buffer_size_t`](crate::ring_buffer_size_t).
    TooLarge {
        /// The size given, in bytes.
        element_size: usize,
        /// The count given.
        element_count: usize,
    },
    /// The allocator has no memory left.
    OutOfMemory {
        /// How many bytes were asked for.
        bytes: usize,
    },
    /// The pointer to the struct is null.
    Null,
    /// The struct or the storage is not aligned as its type demands.
    Alignment {
        /// The alignment needed, in bytes.
        needed: usize,
    },
    /// A field of the struct cannot be one of an initialised ring.
    Field(InvalidField),
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity { value } => {
                write!(
                    f,
                    "the number of elements must be a power of two, not {value}"
                )
            }
            Self::ElementSize { value } => {
                write!(
                    f,
                    "an element size of {value} bytes is not what is needed here"
                )
            }
            Self::TooLarge {
                element_size,
                element_count,
            } => write!(
                f,
                "{element_count} elements of {element_size} bytes are more than the address space \
                 holds"
            ),
            Self::OutOfMemory { bytes } => write!(f, "no memory for {bytes} bytes"),
            Self::Null => f.write_str("the pointer to the ring is null"),
            Self::Alignment { needed } => {
                write!(
                    f,
                    "the ring must be aligned to {needed} bytes for this element type"
                )
            }
            Self::Field(field) => field.fmt(f),
        }
    }
}

impl core::error::Error for RingError {}

impl From<InvalidField> for RingError {
    fn from(field: InvalidField) -> Self {
        Self::Field(field)
    }
}
