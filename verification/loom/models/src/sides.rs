//! All the ways onto a ring: handles, the C library, and PortAudio.

use core::ptr::null_mut;

use checker::Ordering;
use pa_ringbuffer::{Consumer, Producer};

use crate::c_library::{
    PaUtil_AdvanceRingBufferReadIndex, PaUtil_AdvanceRingBufferWriteIndex,
    PaUtil_GetRingBufferReadAvailable, PaUtil_GetRingBufferReadRegions,
    PaUtil_GetRingBufferWriteAvailable, PaUtil_GetRingBufferWriteRegions, PaUtil_ReadRingBuffer,
    PaUtil_WriteRingBuffer,
};
use crate::portaudio::PortAudio;
use crate::ring::{Pointer, field};

/// Writes elements; returns how many there was room for.
pub(crate) type Put<const S: usize> = Box<dyn FnMut(&[[u8; S]]) -> usize + Send>;
/// Reads this many elements, or as many as are available.
pub(crate) type Take<const S: usize> = Box<dyn FnMut(usize) -> Vec<[u8; S]>>;

/// The producer, and how it writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Writer {
    /// `Producer::push`, for one element after the other.
    Push,
    /// `Producer::write`.
    Write,
    /// `Producer::write_all`, or one element less as long as there is not enough room.
    WriteAll,
    /// `Producer::chunk`.
    WriteChunk,
    /// `WriteChunk::fill_from_iter`.
    FillChunk,
    /// `Producer::write` of a handle that prefetches.
    WritePrefetching,
    /// `PaUtil_WriteRingBuffer` of our C library.
    CWrite,
    /// Regions and advance, of our C library.
    CWriteRegions,
    /// A thread that only asks our C library how much is available, and knows the location.
    CWriteAvailable,
    /// PortAudio.
    PortAudio,
}

/// The consumer, and how it reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reader {
    /// `Consumer::pop`, for one element after the other.
    Pop,
    /// `Consumer::read`.
    Read,
    /// `Consumer::read_all`, or one element less as long as there are too few.
    ReadAll,
    /// `Consumer::chunk`.
    ReadChunk,
    /// The iterator of a `ReadChunk`.
    IterateChunk,
    /// `Consumer::peek`, then `discard`.
    Peek,
    /// `Consumer::peek_slice`, then `discard`.
    PeekSlice,
    /// `Consumer::read` of a handle that prefetches.
    ReadPrefetching,
    /// `PaUtil_ReadRingBuffer` of our C library.
    CRead,
    /// Regions and advance, of our C library.
    CReadRegions,
    /// A thread that only asks our C library how much is available, and knows the location.
    CReadAvailable,
    /// `PaUtilRingBuffer::peek`, then the C library's advance.
    CPeek,
    /// PortAudio.
    PortAudio,
}

impl Writer {
    pub(crate) fn open<const S: usize>(self, pointer: Pointer) -> Put<S> {
        let handle = || {
            // SAFETY: the models keep the ring alive, and have one writer.
            unsafe { Producer::<[u8; S]>::from_raw(pointer.0) }.expect("the ring fits")
        };
        match self {
            Self::Push => {
                let mut handle = handle();
                Box::new(move |elements| {
                    let pushed = elements.iter().take_while(|e| handle.push(**e).is_ok());
                    pushed.count()
                })
            }
            Self::Write => {
                let mut handle = handle();
                Box::new(move |elements| handle.write(elements))
            }
            Self::WriteAll => {
                let mut handle = handle();
                Box::new(move |elements| {
                    let counts = (1..=elements.len()).rev();
                    let mut fits = counts.filter(|n| handle.write_all(&elements[..*n]).is_ok());
                    fits.next().unwrap_or(0)
                })
            }
            Self::WriteChunk => {
                let mut handle = handle();
                Box::new(move |elements| {
                    let mut chunk = handle.chunk(elements.len());
                    let (first, second) = chunk.as_mut_slices();
                    let places = first.iter_mut().chain(second);
                    let count = places.zip(elements).map(|(to, from)| *to = *from).count();
                    chunk.commit(count);
                    count
                })
            }
            Self::FillChunk => {
                let mut handle = handle();
                Box::new(move |elements| {
                    let chunk = handle.chunk(elements.len());
                    chunk.fill_from_iter(elements.iter().copied())
                })
            }
            Self::WritePrefetching => {
                let mut handle = handle().with_prefetch();
                Box::new(move |elements| handle.write(elements))
            }
            Self::CWrite => Box::new(move |elements| {
                let pointer = pointer;
                let count = elements.len() as _;
                // SAFETY: the elements are there, and the ring is alive.
                unsafe { PaUtil_WriteRingBuffer(pointer.0, elements.as_ptr().cast(), count) as _ }
            }),
            Self::CWriteRegions => Box::new(move |elements| {
                let pointer = pointer;
                let (mut first, mut second) = (null_mut(), null_mut());
                let (mut first_len, mut second_len) = (0, 0);
                // SAFETY: the ring is alive, and so are the variables.
                let count = unsafe {
                    PaUtil_GetRingBufferWriteRegions(
                        pointer.0,
                        elements.len() as _,
                        &mut first,
                        &mut first_len,
                        &mut second,
                        &mut second_len,
                    )
                };
                for (place, element) in
                    places((first, first_len), (second, second_len)).zip(elements)
                {
                    // SAFETY: inside of what was just given to us.
                    unsafe { checker::write(place, *element) };
                }
                // SAFETY: the ring is alive.
                unsafe { PaUtil_AdvanceRingBufferWriteIndex(pointer.0, count) };
                count as usize
            }),
            Self::CWriteAvailable => {
                let mut places = in_turn(pointer, "writeIndex");
                Box::new(move |elements| {
                    let pointer = pointer;
                    // SAFETY: the ring is alive.
                    let available = unsafe { PaUtil_GetRingBufferWriteAvailable(pointer.0) };
                    let count = elements.len().min(available as usize);
                    for element in &elements[..count] {
                        // SAFETY: inside of a ring that is alive.
                        unsafe { checker::write(places.next().expect("endless"), *element) };
                    }
                    // SAFETY: the ring is alive.
                    unsafe { PaUtil_AdvanceRingBufferWriteIndex(pointer.0, count as _) };
                    count
                })
            }
            Self::PortAudio => {
                let portaudio = PortAudio::new(pointer.0);
                Box::new(move |elements| portaudio.write(elements))
            }
        }
    }
}

impl Reader {
    pub(crate) fn open<const S: usize>(self, pointer: Pointer) -> Take<S> {
        let handle = || {
            // SAFETY: the models keep the ring alive, and have one reader.
            unsafe { Consumer::<[u8; S]>::from_raw(pointer.0) }.expect("the ring fits")
        };
        match self {
            Self::Pop => {
                let mut handle = handle();
                Box::new(move |count| (0..count).map_while(|_| handle.pop()).collect())
            }
            Self::Read => reading(handle()),
            Self::ReadPrefetching => reading(handle().with_prefetch()),
            Self::ReadAll => {
                let mut handle = handle();
                Box::new(move |count| {
                    let mut elements = vec![[0; S]; count];
                    while !elements.is_empty() && handle.read_all(&mut elements).is_err() {
                        elements.pop();
                    }
                    elements
                })
            }
            Self::ReadChunk => {
                let mut handle = handle();
                Box::new(move |count| {
                    let chunk = handle.chunk(count);
                    let (first, second) = chunk.as_slices();
                    let elements = [first, second].concat();
                    chunk.commit_all();
                    elements
                })
            }
            Self::IterateChunk => {
                let mut handle = handle();
                Box::new(move |count| handle.chunk(count).into_iter().collect())
            }
            Self::Peek => {
                let mut handle = handle();
                Box::new(move |count| {
                    let one = |_| {
                        let element = handle.peek();
                        assert_eq!(
                            handle.discard(usize::from(element.is_some())),
                            element.iter().len()
                        );
                        element
                    };
                    (0..count).map_while(one).collect()
                })
            }
            Self::PeekSlice => {
                let mut handle = handle();
                Box::new(move |count| {
                    let mut elements = vec![[0; S]; count];
                    let count = handle.peek_slice(&mut elements);
                    elements.truncate(count);
                    assert_eq!(handle.discard(count), count);
                    elements
                })
            }
            Self::CRead => Box::new(move |count| {
                let mut elements = vec![[0; S]; count];
                let target = elements.as_mut_ptr().cast();
                // SAFETY: there is room for the elements, and the ring is alive.
                let count = unsafe { PaUtil_ReadRingBuffer(pointer.0, target, count as _) };
                elements.truncate(count as usize);
                elements
            }),
            Self::CReadRegions => Box::new(move |count| {
                let (mut first, mut second) = (null_mut(), null_mut());
                let (mut first_len, mut second_len) = (0, 0);
                // SAFETY: the ring is alive, and so are the variables.
                let count = unsafe {
                    PaUtil_GetRingBufferReadRegions(
                        pointer.0,
                        count as _,
                        &mut first,
                        &mut first_len,
                        &mut second,
                        &mut second_len,
                    )
                };
                let elements = places((first, first_len), (second, second_len))
                    // SAFETY: inside of what was just given to us.
                    .map(|place| unsafe { checker::read(place) })
                    .collect();
                // SAFETY: the ring is alive.
                unsafe { PaUtil_AdvanceRingBufferReadIndex(pointer.0, count) };
                elements
            }),
            Self::CReadAvailable => {
                let mut places = in_turn(pointer, "readIndex");
                Box::new(move |count| {
                    // SAFETY: the ring is alive.
                    let available = unsafe { PaUtil_GetRingBufferReadAvailable(pointer.0) };
                    let places = places.by_ref().take(count.min(available as usize));
                    // SAFETY: inside of a ring that is alive.
                    let elements: Vec<_> = places
                        .map(|place| unsafe { checker::read(place) })
                        .collect();
                    // SAFETY: the ring is alive.
                    unsafe { PaUtil_AdvanceRingBufferReadIndex(pointer.0, elements.len() as _) };
                    elements
                })
            }
            Self::CPeek => Box::new(move |count| {
                let mut elements = vec![[0; S]; count];
                // SAFETY: the ring is alive, and there is room for the elements.
                let count = unsafe {
                    let ring = &*pointer.0;
                    ring.peek(&ring.geometry(), elements.as_mut_ptr().cast(), count)
                };
                // SAFETY: the ring is alive.
                unsafe { PaUtil_AdvanceRingBufferReadIndex(pointer.0, count as _) };
                elements.truncate(count);
                elements
            }),
            Self::PortAudio => {
                let portaudio = PortAudio::new(pointer.0);
                Box::new(move |count| portaudio.read(count))
            }
        }
    }
}

fn reading<const S: usize>(mut handle: Consumer<'static, [u8; S]>) -> Take<S> {
    Box::new(move |count| {
        let mut elements = vec![[0; S]; count];
        let count = handle.read(&mut elements);
        elements.truncate(count);
        elements
    })
}

/// The addresses of all elements in two regions.
fn places<const S: usize>(
    first: (*mut core::ffi::c_void, pa_ringbuffer::ring_buffer_size_t),
    second: (*mut core::ffi::c_void, pa_ringbuffer::ring_buffer_size_t),
) -> impl Iterator<Item = *mut [u8; S]> {
    [first, second].into_iter().flat_map(|(start, count)| {
        (0..count as usize).map(move |i| start.cast::<[u8; S]>().wrapping_add(i))
    })
}

/// The addresses of a ring's elements, from where an index is now, over and over.
fn in_turn<const S: usize>(
    pointer: Pointer,
    index: &str,
) -> impl Iterator<Item = *mut [u8; S]> + Send + use<S> {
    let passed = field(pointer.0, index).load(Ordering::Relaxed) as usize;
    // SAFETY: the ring is alive.
    let geometry = unsafe { &*pointer.0 }.geometry();
    (passed..).map(move |n| {
        let position = n % geometry.size();
        geometry.buffer().wrapping_add(position * S).cast()
    })
}
