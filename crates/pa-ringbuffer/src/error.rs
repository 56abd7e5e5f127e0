//! Errors from making a ring. A ring in use has none: short counts are normal.

use core::fmt;

use crate::layout::ring_buffer_size_t;

/// Why a ring, or a handle to one, could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RingError {
    /// The number of elements is not a power of two.
    Capacity {
        /// The number given, or found in the struct.
        value: usize,
    },
    /// The element size is not a positive number of bytes.
    ElementSize {
        /// The size given.
        value: usize,
    },
    /// The ring's elements have another size than those of the handle's type.
    ElementType {
        /// The size in bytes of the ring's elements, found in the struct.
        found: usize,
        /// The size in bytes of the handle's type.
        needed: usize,
    },
    /// Element size times element count exceeds the address space, or one of them exceeds
    /// [`ring_buffer_size_t`](crate::ring_buffer_size_t).
    TooLarge {
        /// The size given, in bytes.
        element_size: usize,
        /// The count given.
        element_count: usize,
    },
    /// The allocator has no memory left.
    OutOfMemory {
        /// The number of bytes requested.
        bytes: usize,
    },
    /// The pointer to the struct is null.
    Null,
    /// The struct is not aligned.
    StructAlignment {
        /// The address given.
        address: usize,
        /// The alignment needed, in bytes.
        needed: usize,
    },
    /// The elements are not aligned for the handle's type.
    ElementAlignment {
        /// The address of the elements, found in the struct.
        address: usize,
        /// The alignment needed, in bytes.
        needed: usize,
    },
    /// A field of the struct has a value that an initialised ring cannot have.
    Field(InvalidField),
}

/// The largest number of elements whose masks fit into the struct.
const MOST_ELEMENTS: ring_buffer_size_t = ring_buffer_size_t::MAX / 2 + 1;

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
                write!(f, "the element size must be at least 1 byte, not {value}")
            }
            Self::ElementType { found, needed } => {
                write!(
                    f,
                    "the ring's elements must have {needed} bytes, as the handle's type has, not \
                     {found}"
                )
            }
            Self::TooLarge {
                element_size,
                element_count,
            } => write!(
                f,
                "the ring must have at most {MOST_ELEMENTS} elements of at most {} bytes, and {} \
                 bytes in total, not {element_count} elements of {element_size} bytes",
                ring_buffer_size_t::MAX,
                isize::MAX,
            ),
            Self::OutOfMemory { bytes } => write!(f, "no memory for {bytes} bytes"),
            Self::Null => f.write_str("the pointer to the ring must not be null"),
            Self::StructAlignment { address, needed } => {
                write!(
                    f,
                    "the pointer to the ring must be aligned to {needed} bytes, not {address:#x}"
                )
            }
            Self::ElementAlignment { address, needed } => {
                write!(
                    f,
                    "the ring's elements must be aligned to {needed} bytes, as the handle's type \
                     is, and not lie at {address:#x}"
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

/// The first invalid field of a struct that should be an initialised ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidField {
    /// The field's name in C.
    pub name: &'static str,
    /// The value found there; for `buffer`, an address.
    pub value: i128,
    /// The values that would be valid.
    pub expected: Expected,
}

/// The valid values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// A pointer that is not null.
    Pointer,
    /// A power of two minus one.
    Mask,
    /// This value.
    Exactly(i128),
    /// This value, which follows from `smallMask`.
    TwiceSmallMaskPlusOne(i128),
    /// From 1 to this value.
    UpTo(i128),
    /// From 1 to this value, which follows from `smallMask`.
    UpToSmallMaskPlusOne(i128),
    /// From 1 to this value, the largest for which the elements fit into the address space.
    Addressable(i128),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer => f.write_str("a pointer to the elements"),
            Self::Mask => f.write_str("a power of 2 minus 1"),
            Self::Exactly(value) => write!(f, "{value}"),
            Self::TwiceSmallMaskPlusOne(value) => write!(f, "{value} (twice smallMask plus 1)"),
            Self::UpTo(most) => write!(f, "from 1 to {most}"),
            Self::UpToSmallMaskPlusOne(most) => {
                write!(f, "from 1 to {most} (smallMask plus 1)")
            }
            Self::Addressable(most) => {
                write!(f, "from 1 to {most} (what fits into the address space)")
            }
        }
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            value,
            expected,
        } = self;
        write!(f, "the ring's field {name} must be {expected}, not {value}")
    }
}

impl core::error::Error for InvalidField {}
