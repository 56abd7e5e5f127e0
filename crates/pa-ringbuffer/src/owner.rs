//! Keeps a ring's memory alive as long as its handles.

#[cfg(feature = "alloc")]
use alloc::sync::Arc;

#[cfg(feature = "alloc")]
use crate::atomic::{AtomicSize, Ordering};
#[cfg(feature = "alloc")]
use crate::memory::RingMemory;

/// A handle's share in the memory of a ring that was split; empty for other handles.
#[derive(Default)]
pub(crate) struct Owner {
    #[cfg(feature = "alloc")]
    shared: Option<Arc<Shared>>,
}

#[cfg(feature = "alloc")]
struct Shared {
    _memory: RingMemory,
    /// Not 0 once one of the two handles has been dropped. `PaUtilRingBuffer` has no room for it.
    is_abandoned: AtomicSize,
}

impl Owner {
    /// The shares of both handles.
    #[cfg(feature = "alloc")]
    pub(crate) fn pair(memory: RingMemory) -> [Self; 2] {
        let shared = Arc::new(Shared {
            _memory: memory,
            is_abandoned: AtomicSize::new(0),
        });
        [Some(Arc::clone(&shared)), Some(shared)].map(|shared| Self { shared })
    }

    /// Whether the other handle is known to have been dropped. Everything it did before is then
    /// visible.
    #[inline]
    pub(crate) fn is_abandoned(&self) -> bool {
        #[cfg(feature = "alloc")]
        if let Some(shared) = &self.shared {
            return shared.is_abandoned.load(Ordering::Acquire) != 0;
        }
        false
    }
}

#[cfg(feature = "alloc")]
impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.is_abandoned.store(1, Ordering::Release);
        }
    }
}
