/* The structs in C have the sizes and offsets that the Rust crates assert for theirs. */

#include <stddef.h>
#include <stdint.h>

#include <pa_ringbuffer_callback.h>

#define AT(type, field, offset)                                                                    \
    _Static_assert(offsetof(type, field) == (offset), #type "." #field " is somewhere else")

#define WORD sizeof(ring_buffer_size_t)
#define POINTER sizeof(void *)
#define BUFFER ((6 * WORD + POINTER - 1) / POINTER * POINTER)
AT(PaUtilRingBuffer, bufferSize, 0);
AT(PaUtilRingBuffer, writeIndex, WORD);
AT(PaUtilRingBuffer, readIndex, 2 * WORD);
AT(PaUtilRingBuffer, bigMask, 3 * WORD);
AT(PaUtilRingBuffer, smallMask, 4 * WORD);
AT(PaUtilRingBuffer, elementSizeBytes, 5 * WORD);
AT(PaUtilRingBuffer, buffer, BUFFER);
_Static_assert(sizeof(PaUtilRingBuffer) == BUFFER + POINTER, "the ring has another size");

#define COUNTERS (4 * POINTER + 10 * sizeof(uint32_t))
AT(pa_ringbuffer_callback_state, input_ring, 0);
AT(pa_ringbuffer_callback_state, output_ring, POINTER);
AT(pa_ringbuffer_callback_state, input_frame_size, 2 * POINTER);
AT(pa_ringbuffer_callback_state, output_frame_size, 3 * POINTER);
AT(pa_ringbuffer_callback_state, silence, 4 * POINTER);
AT(pa_ringbuffer_callback_state, mode, 4 * POINTER + 4);
AT(pa_ringbuffer_callback_state, on_underflow, 4 * POINTER + 8);
AT(pa_ringbuffer_callback_state, on_overflow, 4 * POINTER + 12);
AT(pa_ringbuffer_callback_state, finished, 4 * POINTER + 16);
AT(pa_ringbuffer_callback_state, wake, 4 * POINTER + 20);
AT(pa_ringbuffer_callback_state, input_wanted, 4 * POINTER + 24);
AT(pa_ringbuffer_callback_state, output_wanted, 4 * POINTER + 28);
AT(pa_ringbuffer_callback_state, sequence, 4 * POINTER + 32);
AT(pa_ringbuffer_callback_state, moving, 4 * POINTER + 36);
AT(pa_ringbuffer_callback_state, blocks, COUNTERS);
AT(pa_ringbuffer_callback_state, frames, COUNTERS + 8);
AT(pa_ringbuffer_callback_state, smallest_block, COUNTERS + 16);
AT(pa_ringbuffer_callback_state, largest_block, COUNTERS + 24);
AT(pa_ringbuffer_callback_state, input_overflows, COUNTERS + 32);
AT(pa_ringbuffer_callback_state, input_overflow_frames, COUNTERS + 40);
AT(pa_ringbuffer_callback_state, output_underflows, COUNTERS + 48);
AT(pa_ringbuffer_callback_state, output_underflow_frames, COUNTERS + 56);
AT(pa_ringbuffer_callback_state, device_input_underflows, COUNTERS + 64);
AT(pa_ringbuffer_callback_state, device_input_overflows, COUNTERS + 72);
AT(pa_ringbuffer_callback_state, device_output_underflows, COUNTERS + 80);
AT(pa_ringbuffer_callback_state, device_output_overflows, COUNTERS + 88);
AT(pa_ringbuffer_callback_state, device_primings, COUNTERS + 96);
AT(pa_ringbuffer_callback_state, input_low_water, COUNTERS + 104);
AT(pa_ringbuffer_callback_state, input_high_water, COUNTERS + 112);
AT(pa_ringbuffer_callback_state, output_low_water, COUNTERS + 120);
AT(pa_ringbuffer_callback_state, output_high_water, COUNTERS + 128);
AT(pa_ringbuffer_callback_state, further, COUNTERS + 136);
AT(pa_ringbuffer_callback_state, times, COUNTERS + 136 + 16 * 8);
_Static_assert(sizeof(pa_ringbuffer_callback_state) == COUNTERS + 136 + 16 * 8 + 109 * 8,
               "the callback's state has another size");
_Static_assert(_Alignof(pa_ringbuffer_callback_state) == 8,
               "the callback's state has another alignment");

AT(pa_ringbuffer_block_times, blocks, 0);
AT(pa_ringbuffer_block_times, input_frame, 8);
AT(pa_ringbuffer_block_times, input_adc_time, 16);
AT(pa_ringbuffer_block_times, output_frame, 24);
AT(pa_ringbuffer_block_times, output_dac_time, 32);
AT(pa_ringbuffer_block_times, current_time, 40);
_Static_assert(sizeof(pa_ringbuffer_block_times) == 48, "the times of a block have another size");

int main(void)
{
    return 0;
}
