//! The arithmetic on the two indices, for reading and for writing. It exists only here: the C
//! functions, the Rust handles and the Python class all call it.
//!
//! An index counts modulo *2N* for a ring of *N* elements. The extra bit distinguishes a full ring
//! from an empty one, so that all *N* elements are usable:
//!
//! - `write - read` modulo *2N* elements can be read; 0 is empty, *N* is full;
//! - an index modulo *N* is a position in the storage.
//!
//! *N* is a power of two. For a buffer that is filled and emptied but never wraps, pastream later
//! sets `bufferSize` to a smaller number that is not. As in PortAudio's C, the masks then keep
//! their values and only the end of the storage moves.
//!
//! Whatever the indices contain, the regions computed here lie inside the storage.

use crate::atomic::Ordering;
use crate::error::{Expected, InvalidField};
use crate::layout::{PaUtilRingBuffer, ring_buffer_size_t};

/// The fields of a ring that do not change while it is in use, read once.
///
/// A copy protects against changes of the struct between a check and the use. All methods are
/// real-time safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    buffer: *mut u8,
    size: usize,
    big_mask: ring_buffer_size_t,
    small_mask: ring_buffer_size_t,
    element_size: usize,
}

// SAFETY: the pointer is only a number here; the code that uses it is responsible for the memory.
unsafe impl Send for Geometry {}
// SAFETY: as above, and there is no interior mutability.
unsafe impl Sync for Geometry {}

/// A chunk of the ring, in elements: a region of `first` elements from `position` on, then a region
/// of `second` elements from the start of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) position: usize,
    pub(crate) first: usize,
    pub(crate) second: usize,
}

/// The largest element size that the struct can hold and that can be addressed.
const MAX_ELEMENT_SIZE: i128 = if (ring_buffer_size_t::MAX as i128) < isize::MAX as i128 {
    ring_buffer_size_t::MAX as i128
} else {
    isize::MAX as i128
};

/// The fields that do not change while a ring is in use, read once and not checked.
struct Fields {
    buffer: *mut u8,
    size: ring_buffer_size_t,
    big_mask: ring_buffer_size_t,
    small_mask: ring_buffer_size_t,
    element_size: ring_buffer_size_t,
}

/// One method for each field, which describes what is wrong with it.
macro_rules! invalid {
    ($($field:ident = $name:literal;)*) => {
        $(#[cold]
        fn $field(&self, expected: Expected) -> InvalidField {
            InvalidField { name: $name, value: self.$field as i128, expected }
        })*
    };
}

impl Fields {
    fn load(ring: &PaUtilRingBuffer) -> Self {
        Self {
            buffer: ring.buffer.load(Ordering::Relaxed).cast(),
            size: ring.buffer_size.load(Ordering::Relaxed),
            big_mask: ring.big_mask.load(Ordering::Relaxed),
            small_mask: ring.small_mask.load(Ordering::Relaxed),
            element_size: ring.element_size.load(Ordering::Relaxed),
        }
    }

    invalid! {
        size = "bufferSize";
        big_mask = "bigMask";
        small_mask = "smallMask";
        element_size = "elementSizeBytes";
    }

    #[cold]
    fn buffer(&self, expected: Expected) -> InvalidField {
        InvalidField {
            name: "buffer",
            value: self.buffer.addr() as i128,
            expected,
        }
    }

    /// For checked fields: neither number is negative.
    fn geometry(&self) -> Geometry {
        Geometry {
            buffer: self.buffer,
            size: self.size as usize,
            big_mask: self.big_mask,
            small_mask: self.small_mask,
            element_size: self.element_size as usize,
        }
    }
}

impl Geometry {
    /// Reads the fields without checking them. A struct that was never initialised gives a ring
    /// without elements.
    pub(crate) fn load(ring: &PaUtilRingBuffer) -> Self {
        let small_mask = ring.small_mask.load(Ordering::Relaxed);
        // An end of the storage beyond the mask's last position is invalid. The smaller of the two
        // is safe even if one of them has been overwritten.
        let size = ring
            .buffer_size
            .load(Ordering::Relaxed)
            .min(small_mask.wrapping_add(1))
            .max(0);
        let buffer = ring.buffer.load(Ordering::Relaxed).cast::<u8>();
        Self {
            buffer,
            size: if buffer.is_null() { 0 } else { size as usize },
            big_mask: ring.big_mask.load(Ordering::Relaxed),
            small_mask,
            element_size: ring.element_size.load(Ordering::Relaxed).max(0) as usize,
        }
    }

    /// Reads the fields and reports the first one that an initialised ring cannot have.
    pub(crate) fn checked(ring: &PaUtilRingBuffer) -> Result<Self, InvalidField> {
        let fields = Fields::load(ring);
        let small_mask = fields.small_mask;
        let most = (small_mask as i128) + 1;
        if fields.buffer.is_null() {
            return Err(fields.buffer(Expected::Pointer));
        }
        if fields.element_size < 1 {
            return Err(fields.element_size(Expected::UpTo(MAX_ELEMENT_SIZE)));
        }
        if small_mask < 0 || small_mask & small_mask.wrapping_add(1) != 0 {
            return Err(fields.small_mask(Expected::Mask));
        }
        if fields.big_mask != small_mask.wrapping_mul(2).wrapping_add(1) {
            let expected = Expected::TwiceSmallMaskPlusOne(2 * most - 1);
            return Err(fields.big_mask(expected));
        }
        if fields.size < 1 || fields.size as i128 > most {
            return Err(fields.size(Expected::UpToSmallMaskPlusOne(most)));
        }
        let addressable = isize::MAX as i128 / fields.size as i128;
        if fields.element_size as i128 > addressable {
            return Err(fields.element_size(Expected::Addressable(addressable)));
        }
        Ok(fields.geometry())
    }

    /// Whether the fields still have the values that were read and checked.
    #[inline]
    pub fn is_current(&self, ring: &PaUtilRingBuffer) -> bool {
        // The raw size: `load` would limit it to what the masks can address.
        (ring.buffer_size.load(Ordering::Relaxed) as usize == self.size)
            & (ring.small_mask.load(Ordering::Relaxed) == self.small_mask)
            & (ring.big_mask.load(Ordering::Relaxed) == self.big_mask)
            & (ring.element_size.load(Ordering::Relaxed) as usize == self.element_size)
            & (ring.buffer.load(Ordering::Relaxed).cast() == self.buffer)
    }

    /// Reads the fields of the same ring again and reports the first one that has changed. Only
    /// `bufferSize` may change, to a smaller number, as pastream does.
    ///
    /// # Errors
    ///
    /// Names the first field that was overwritten.
    pub fn reloaded(&self, ring: &PaUtilRingBuffer) -> Result<Self, InvalidField> {
        let fields = Fields::load(ring);
        if fields.buffer != self.buffer {
            let expected = Expected::Exactly(self.buffer.addr() as i128);
            return Err(fields.buffer(expected));
        }
        if fields.element_size as i128 != self.element_size as i128 {
            let expected = Expected::Exactly(self.element_size as i128);
            return Err(fields.element_size(expected));
        }
        if fields.small_mask != self.small_mask {
            return Err(fields.small_mask(Expected::Exactly(self.small_mask as i128)));
        }
        if fields.big_mask != self.big_mask {
            return Err(fields.big_mask(Expected::Exactly(self.big_mask as i128)));
        }
        if fields.size < 1 || fields.size as i128 > self.size as i128 {
            return Err(fields.size(Expected::UpTo(self.size as i128)));
        }
        Ok(fields.geometry())
    }

    /// Start of the storage.
    pub fn buffer(&self) -> *mut u8 {
        self.buffer
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Bytes per element.
    pub fn element_size(&self) -> usize {
        self.element_size
    }

    /// The same ring with another number of elements, for a changed `bufferSize`.
    ///
    /// The size is limited to what the masks can address.
    #[must_use]
    pub fn with_size(self, size: usize) -> Self {
        Self {
            size: size.min(self.small_mask.wrapping_add(1).max(0) as usize),
            ..self
        }
    }

    /// Elements that can be read.
    #[inline]
    pub(crate) fn readable(&self, write: ring_buffer_size_t, read: ring_buffer_size_t) -> usize {
        let filled = (write.wrapping_sub(read) & self.big_mask) as usize;
        // Only overwritten indices (or masks) give more than the size; a negative number is larger,
        // too.
        filled.min(self.size)
    }

    /// Elements that can be written.
    #[inline]
    pub(crate) fn writable(&self, write: ring_buffer_size_t, read: ring_buffer_size_t) -> usize {
        self.size - self.readable(write, read)
    }

    /// The location of `count` elements starting at `index`. The caller has limited `count` to what
    /// is available, which is at most the size.
    #[inline]
    pub(crate) fn chunk(&self, index: ring_buffer_size_t, count: usize) -> Chunk {
        let position = (index & self.small_mask) as usize;
        // A position beyond the end results from a corrupt index, or from wrapping a ring whose
        // size is not a power of two. PortAudio's C computes a negative length here. An empty chunk
        // touches no memory outside the storage and overwrites no unread elements.
        if position > self.size {
            return Chunk {
                position: 0,
                first: 0,
                second: 0,
            };
        }
        let first = count.min(self.size - position);
        Chunk {
            position,
            first,
            second: (count - first).min(position),
        }
    }

    /// Address of the element at `index`, if `count` elements starting there fit before the end of
    /// the storage.
    #[inline]
    pub(crate) fn contiguous(&self, index: ring_buffer_size_t, count: usize) -> Option<*mut u8> {
        let position = (index & self.small_mask) as usize;
        let left = self.size.checked_sub(position)?;
        (count <= left).then(|| self.at(position))
    }

    /// The index `count` elements later.
    #[inline]
    pub(crate) fn advanced(
        &self,
        index: ring_buffer_size_t,
        count: ring_buffer_size_t,
    ) -> ring_buffer_size_t {
        index.wrapping_add(count) & self.big_mask
    }

    /// Address of a position.
    #[inline]
    pub(crate) fn at(&self, position: usize) -> *mut u8 {
        self.buffer
            .wrapping_add(position.wrapping_mul(self.element_size))
    }
}

/// [`Geometry`] for handles, whose elements have a type and whose size is a power of two. Every
/// position is then valid, and the arithmetic needs no checks.
#[derive(Clone, Copy)]
pub(crate) struct TypedGeometry<T> {
    buffer: *mut T,
    /// Number of elements minus one.
    mask: usize,
}

/// A region of the storage, expressed as the indices *behind* its elements, which a side publishes
/// when it has finished with them.
///
/// There are three such regions: the indices 1 to N, N + 1 to 2N - 1, and 0 alone, which is behind
/// the last element of every other round. Within a region, publishing and moving on is an
/// increment.
pub(crate) struct Region<T> {
    /// Address of the (imaginary) element that precedes index 0. Only the addresses for `next` to
    /// `last` lie inside the storage.
    pub(crate) base: *mut T,
    /// The index behind the first element.
    pub(crate) next: usize,
    /// The last index; less than `next` if there are no elements.
    pub(crate) last: usize,
}

impl<T> TypedGeometry<T> {
    /// # Errors
    ///
    /// If `bufferSize` is smaller than the masks imply.
    pub(crate) fn new(geometry: &Geometry) -> Result<Self, InvalidField> {
        let positions = geometry.small_mask as i128 + 1;
        if geometry.size as i128 != positions || !geometry.size.is_power_of_two() {
            return Err(InvalidField {
                name: "bufferSize",
                value: geometry.size as i128,
                expected: Expected::Exactly(positions),
            });
        }
        Ok(Self {
            buffer: geometry.buffer.cast(),
            mask: geometry.size - 1,
        })
    }

    /// Number of elements.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.mask + 1
    }

    /// An index as a number below twice the size.
    #[inline]
    pub(crate) fn index(&self, foreign: ring_buffer_size_t) -> usize {
        self.advanced(foreign as usize, 0)
    }

    /// The index `count` elements later.
    #[inline]
    pub(crate) fn advanced(&self, index: usize, count: usize) -> usize {
        index.wrapping_add(count) & (2 * self.mask + 1)
    }

    /// The index of an element, given the index behind it, which need not be wrapped.
    #[inline]
    pub(crate) fn before(&self, next: usize) -> usize {
        self.advanced(next, usize::MAX)
    }

    /// The region that starts at the element at an index, if that element `is_available`.
    /// Otherwise, `next` is greater than 0, so that `next - 1` is a number.
    #[inline]
    pub(crate) fn region(&self, index: usize, is_available: bool) -> Region<T> {
        let next = if is_available {
            self.advanced(index, 1)
        } else {
            index + 1
        };
        let last = match next {
            0 => 0,
            _ if next <= self.size() => self.size(),
            _ => 2 * self.mask + 1,
        };
        Region {
            base: self.element(index).wrapping_sub(next),
            next,
            last,
        }
    }

    /// Number of elements between two indices.
    #[inline]
    pub(crate) fn distance(&self, from: usize, to: usize) -> usize {
        // Only an overwritten index gives more than the size.
        (to.wrapping_sub(from) & (2 * self.mask + 1)).min(self.size())
    }

    /// The location of `count` elements starting at `index`, at most as many as the size.
    #[inline]
    pub(crate) fn chunk(&self, index: usize, count: usize) -> Chunk {
        let first = count.min(self.until_end(index));
        Chunk {
            position: index & self.mask,
            first,
            second: count - first,
        }
    }

    /// Elements from `index` to the end of the storage.
    #[inline]
    pub(crate) fn until_end(&self, index: usize) -> usize {
        self.size() - (index & self.mask)
    }

    /// Address of the element at an index.
    #[inline]
    pub(crate) fn element(&self, index: usize) -> *mut T {
        self.at(index & self.mask)
    }

    /// Address of a position.
    #[inline]
    pub(crate) fn at(&self, position: usize) -> *mut T {
        self.buffer.wrapping_add(position)
    }
}

impl Chunk {
    pub(crate) fn len(&self) -> usize {
        self.first + self.second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(size: usize, power: ring_buffer_size_t) -> Geometry {
        Geometry {
            buffer: core::ptr::dangling_mut(),
            size,
            big_mask: 2 * power - 1,
            small_mask: power - 1,
            element_size: 3,
        }
    }

    #[test]
    fn every_pair_of_indices_stays_inside_the_storage() {
        for (size, power) in [(1, 1), (2, 2), (8, 8), (5, 8), (7, 8), (16, 16)] {
            let g = geometry(size, power);
            let extremes = [ring_buffer_size_t::MIN, -1, ring_buffer_size_t::MAX];
            for write in (-3..3 * power).chain(extremes) {
                for read in (-3..3 * power).chain(extremes) {
                    let readable = g.readable(write, read);
                    assert!(readable <= size);
                    assert_eq!(g.writable(write, read), size - readable);
                    for (index, count) in [(read, readable), (write, size - readable)] {
                        let chunk = g.chunk(index, count);
                        assert!(chunk.position + chunk.first <= size);
                        assert!(chunk.second <= chunk.position);
                        assert!(chunk.len() <= count);
                    }
                }
            }
        }
    }

    #[test]
    fn a_region_leads_to_the_same_elements_as_indices() {
        let mut storage = [0u8; 16];
        for size in [1, 2, 8, 16] {
            let typed = TypedGeometry::new(&Geometry {
                buffer: storage.as_mut_ptr(),
                element_size: 1,
                ..geometry(size, size as ring_buffer_size_t)
            });
            let typed: TypedGeometry<u8> = typed.unwrap();
            for index in 0..2 * size {
                let Region { base, next, last } = typed.region(index, true);
                assert!(next <= last);
                for (steps, behind) in (next..=last).enumerate() {
                    let index = typed.advanced(index, steps);
                    assert_eq!(base.wrapping_add(behind), typed.element(index));
                    assert_eq!(behind, typed.advanced(index, 1));
                    assert_eq!(typed.before(behind), index);
                }
                assert_eq!(typed.before(last + 1), last % (2 * size));
                let none = typed.region(index, false);
                assert_eq!(typed.before(none.next), index);
                assert_eq!(none.base.wrapping_add(none.next), typed.element(index));
                assert!(none.next > 0);
            }
        }
    }

    #[test]
    fn a_power_of_two_gives_every_element_that_is_asked_for() {
        let g = geometry(8, 8);
        for index in 0..16 {
            for count in 0..=8 {
                let chunk = g.chunk(index, count);
                assert_eq!(chunk.len(), count);
                assert_eq!(chunk.position, (index % 8) as usize);
            }
        }
    }
}
