//! Two C libraries in one program: PortAudio's own ring, taken out of the installed
//! `libportaudio.a`, and ours. The functions work on the same struct.

macro_rules! library {
    ($name:ident, $prefix:literal, $documentation:literal) => {
        #[doc = $documentation]
        ///
        /// # Safety
        ///
        /// Of all functions: the ring's pointer is valid, and so is every other one for what the
        /// function reads or writes there; the ring was initialised with storage that no other code
        /// uses; at most one thread is on each side of it. PortAudio's C needs counts that are not
        /// negative and indices that no other code has changed.
        #[allow(non_snake_case, reason = "the names are PortAudio's")]
        pub mod $name {
            use std::ffi::c_void;

            use pa_ringbuffer::{PaUtilRingBuffer, ring_buffer_size_t};

            #[allow(clippy::missing_safety_doc, reason = "said once, for the module")]
            unsafe extern "C" {
                /// Makes an empty ring; 0, or -1 if the count is no power of two.
                #[link_name = concat!($prefix, "PaUtil_InitializeRingBuffer")]
                pub fn PaUtil_InitializeRingBuffer(
                    ring: *mut PaUtilRingBuffer,
                    element_size: ring_buffer_size_t,
                    element_count: ring_buffer_size_t,
                    data: *mut c_void,
                ) -> ring_buffer_size_t;

                /// Makes the ring empty.
                #[link_name = concat!($prefix, "PaUtil_FlushRingBuffer")]
                pub fn PaUtil_FlushRingBuffer(ring: *mut PaUtilRingBuffer);

                /// Number of elements that can be written.
                #[link_name = concat!($prefix, "PaUtil_GetRingBufferWriteAvailable")]
                pub fn PaUtil_GetRingBufferWriteAvailable(
                    ring: *const PaUtilRingBuffer,
                ) -> ring_buffer_size_t;

                /// Number of elements that can be read.
                #[link_name = concat!($prefix, "PaUtil_GetRingBufferReadAvailable")]
                pub fn PaUtil_GetRingBufferReadAvailable(
                    ring: *const PaUtilRingBuffer,
                ) -> ring_buffer_size_t;

                /// Copies elements into the ring; how many.
                #[link_name = concat!($prefix, "PaUtil_WriteRingBuffer")]
                pub fn PaUtil_WriteRingBuffer(
                    ring: *mut PaUtilRingBuffer,
                    data: *const c_void,
                    count: ring_buffer_size_t,
                ) -> ring_buffer_size_t;

                /// Copies elements out of the ring; how many.
                #[link_name = concat!($prefix, "PaUtil_ReadRingBuffer")]
                pub fn PaUtil_ReadRingBuffer(
                    ring: *mut PaUtilRingBuffer,
                    data: *mut c_void,
                    count: ring_buffer_size_t,
                ) -> ring_buffer_size_t;

                /// Where elements can be written; how many.
                #[link_name = concat!($prefix, "PaUtil_GetRingBufferWriteRegions")]
                pub fn PaUtil_GetRingBufferWriteRegions(
                    ring: *mut PaUtilRingBuffer,
                    count: ring_buffer_size_t,
                    first: *mut *mut c_void,
                    first_len: *mut ring_buffer_size_t,
                    second: *mut *mut c_void,
                    second_len: *mut ring_buffer_size_t,
                ) -> ring_buffer_size_t;

                /// Publishes written elements; the new write index.
                #[link_name = concat!($prefix, "PaUtil_AdvanceRingBufferWriteIndex")]
                pub fn PaUtil_AdvanceRingBufferWriteIndex(
                    ring: *mut PaUtilRingBuffer,
                    count: ring_buffer_size_t,
                ) -> ring_buffer_size_t;

                /// Where elements can be read; how many.
                #[link_name = concat!($prefix, "PaUtil_GetRingBufferReadRegions")]
                pub fn PaUtil_GetRingBufferReadRegions(
                    ring: *mut PaUtilRingBuffer,
                    count: ring_buffer_size_t,
                    first: *mut *mut c_void,
                    first_len: *mut ring_buffer_size_t,
                    second: *mut *mut c_void,
                    second_len: *mut ring_buffer_size_t,
                ) -> ring_buffer_size_t;

                /// Gives read elements back; the new read index.
                #[link_name = concat!($prefix, "PaUtil_AdvanceRingBufferReadIndex")]
                pub fn PaUtil_AdvanceRingBufferReadIndex(
                    ring: *mut PaUtilRingBuffer,
                    count: ring_buffer_size_t,
                ) -> ring_buffer_size_t;
            }
        }
    };
}

library!(genuine, "genuine_", "PortAudio's C.");
library!(ours, "ours_", "Our C library.");
