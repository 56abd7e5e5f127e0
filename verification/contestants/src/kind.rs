//! The list of contestants.

use std::ffi::c_void;

use crate::methods::Methods;
use crate::side::{Reader, Writer};
use crate::{PaUtilRingBuffer, handles};

/// Who drives a side of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PortAudio's C.
    #[cfg(feature = "c")]
    Genuine,
    /// Our C library.
    #[cfg(feature = "c")]
    Ours,
    /// The methods of `PaUtilRingBuffer`.
    Methods,
    /// `Producer` and `Consumer`.
    Handles,
    /// The same `with_prefetch`.
    Prefetching,
}

/// All of them.
pub const KINDS: &[Kind] = &[
    #[cfg(feature = "c")]
    Kind::Genuine,
    #[cfg(feature = "c")]
    Kind::Ours,
    Kind::Methods,
    Kind::Handles,
    Kind::Prefetching,
];

impl Kind {
    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "c")]
            Self::Genuine => "PortAudio's C",
            #[cfg(feature = "c")]
            Self::Ours => "our C library",
            Self::Methods => "methods",
            Self::Handles => "handles",
            Self::Prefetching => "prefetching",
        }
    }

    /// The element sizes for which there are handles. For others, the methods take their place.
    pub fn handle_sizes() -> &'static [usize] {
        handles::SIZES
    }

    /// Makes an empty ring, as this contestant does it.
    ///
    /// # Safety
    ///
    /// Both pointers are valid, and the storage is for as many elements.
    pub unsafe fn initialize(
        self,
        ring: *mut PaUtilRingBuffer,
        element_size: usize,
        element_count: usize,
        storage: *mut c_void,
    ) {
        // SAFETY: the caller's promises are the same.
        let made = unsafe {
            match self {
                #[cfg(feature = "c")]
                Self::Genuine | Self::Ours => {
                    (self.library().initialize)(
                        ring,
                        element_size as _,
                        element_count as _,
                        storage,
                    ) == 0
                }
                _ => (*ring)
                    .initialize(element_size, element_count, storage)
                    .is_ok(),
            }
        };
        assert!(made, "{self:?} refuses {element_count} x {element_size}");
    }

    /// Makes the ring empty.
    ///
    /// # Safety
    ///
    /// The pointer is valid, no code uses the ring, and no handle refers to it.
    pub unsafe fn flush(self, ring: *mut PaUtilRingBuffer) {
        // SAFETY: the caller's promises are the same.
        unsafe {
            match self {
                #[cfg(feature = "c")]
                Self::Genuine | Self::Ours => (self.library().flush)(ring),
                _ => (*ring).flush(),
            }
        }
    }

    /// This contestant as the writer.
    ///
    /// # Safety
    ///
    /// The ring is initialised, outlives the writer, and has no other one. Its storage is aligned to
    /// 16 bytes at least.
    pub unsafe fn writer(self, ring: *mut PaUtilRingBuffer) -> Box<dyn Writer> {
        // SAFETY: the caller's promises are the same.
        unsafe {
            match self {
                #[cfg(feature = "c")]
                Self::Genuine | Self::Ours => Box::new(crate::c::C::new(self.library(), ring)),
                Self::Methods => Box::new(Methods::new(ring)),
                Self::Handles | Self::Prefetching => {
                    let geometry = (*ring).geometry();
                    let storage = geometry.buffer().addr();
                    let prefetch = self == Self::Prefetching;
                    handles::writer(ring, geometry.element_size(), storage, prefetch)
                        .unwrap_or_else(|| Box::new(Methods::new(ring)))
                }
            }
        }
    }

    /// This contestant as the reader.
    ///
    /// # Safety
    ///
    /// As for [`writer`](Self::writer), with the sides exchanged.
    pub unsafe fn reader(self, ring: *mut PaUtilRingBuffer) -> Box<dyn Reader> {
        // SAFETY: the caller's promises are the same.
        unsafe {
            match self {
                #[cfg(feature = "c")]
                Self::Genuine | Self::Ours => Box::new(crate::c::C::new(self.library(), ring)),
                Self::Methods => Box::new(Methods::new(ring)),
                Self::Handles | Self::Prefetching => {
                    let geometry = (*ring).geometry();
                    let storage = geometry.buffer().addr();
                    let prefetch = self == Self::Prefetching;
                    handles::reader(ring, geometry.element_size(), storage, prefetch)
                        .unwrap_or_else(|| Box::new(Methods::new(ring)))
                }
            }
        }
    }

    #[cfg(feature = "c")]
    fn library(self) -> &'static crate::c::Library {
        match self {
            Self::Genuine => &crate::c::GENUINE,
            _ => &crate::c::OURS,
        }
    }
}
