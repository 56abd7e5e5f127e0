/* What the compiled callback plays, records and counts. It is called here as PortAudio would. */

#include <stdint.h>
#include <string.h>

#include <pa_ringbuffer_callback.h>

#include "check.h"

#define N 8
#define FRAME (2 * sizeof(int16_t))
#define CONTINUE 0
#define COMPLETE 1
#define ABORT 2

/* As <portaudio.h> declares it. */
struct PaStreamCallbackTimeInfo {
    double inputBufferAdcTime, currentTime, outputBufferDacTime;
};

typedef struct Frame {
    int16_t left, right;
} Frame;

static const Frame frames[N] = {
    {1, -1}, {2, -2}, {3, -3}, {4, -4}, {5, -5}, {6, -6}, {7, -7}, {8, -8},
};
static Frame output_storage[N], input_storage[N], out[N], in[N];
static PaUtilRingBuffer output_ring, input_ring;
static pa_ringbuffer_callback_state state;

static void start(void)
{
    CHECK(PaUtil_InitializeRingBuffer(&output_ring, FRAME, N, output_storage) == 0);
    CHECK(PaUtil_InitializeRingBuffer(&input_ring, FRAME, N, input_storage) == 0);
    memset(&state, 0x55, sizeof state);
    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, &input_ring, FRAME, &output_ring, FRAME, 0) == 0);
    memset(out, 0x55, sizeof out);
    memset(in, 0x55, sizeof in);
}

static void init_fills_in_the_whole_state(void)
{
    const volatile uint64_t *counter;

    start();
    CHECK(state.output_ring == &output_ring && state.input_ring == &input_ring);
    CHECK(state.output_frame_size == FRAME && state.input_frame_size == FRAME);
    CHECK(state.silence == 0 && state.mode == PA_RINGBUFFER_RUN);
    CHECK(state.on_underflow == PA_RINGBUFFER_SILENCE && state.on_overflow == PA_RINGBUFFER_DROP);
    CHECK(state.finished == 0 && state.sequence == 0 && state.moving == 0);
    CHECK(state.wake == 0 && state.input_wanted == 0 && state.output_wanted == 0);
    for (counter = &state.blocks; counter <= &state.device_primings; ++counter) {
        CHECK(*counter == 0);
    }
    CHECK(state.output_low_water == N && state.output_high_water == 0);
    CHECK(state.input_low_water == N && state.input_high_water == 0);
    for (counter = state.further; counter < &state.further[16]; ++counter) {
        CHECK(*counter == 0);
    }
}

static void a_state_that_is_too_small_is_refused(void)
{
    static pa_ringbuffer_callback_state before;
    size_t size;

    memset(&before, 0x55, sizeof before);
    memset(&state, 0x55, sizeof state);
    for (size = 0; size < sizeof state; size += 8) {
        CHECK(pa_ringbuffer_callback_init(&state, size, NULL, 0, &output_ring, FRAME, 0) == -1);
    }
    CHECK(memcmp((void *)&state, (void *)&before, sizeof state) == 0);
}

static void it_plays_and_records_whole_blocks(void)
{
    start();
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 5) == 5);
    CHECK(pa_ringbuffer_callback(frames + 2, out, 3, NULL, 0, &state) == CONTINUE);
    CHECK(memcmp(out, frames, 3 * FRAME) == 0);
    CHECK(pa_ringbuffer_callback(frames + 5, out + 3, 2, NULL, 0, &state) == CONTINUE);
    CHECK(memcmp(out, frames, 5 * FRAME) == 0);
    CHECK(PaUtil_ReadRingBuffer(&input_ring, in, N) == 5);
    CHECK(memcmp(in, frames + 2, 5 * FRAME) == 0);
    CHECK(state.blocks == 2 && state.frames == 5);
    CHECK(state.smallest_block == 2 && state.largest_block == 3);
    CHECK(state.output_underflows == 0 && state.input_overflows == 0);
}

static void what_is_missing_is_silence_and_counted(void)
{
    static const Frame zero[N];

    start();
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 1) == 1);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == CONTINUE);
    CHECK(memcmp(out, frames, FRAME) == 0);
    CHECK(memcmp(out + 1, zero, 3 * FRAME) == 0);
    CHECK(out[4].left == 0x5555);
    CHECK(state.output_underflows == 1 && state.output_underflow_frames == 3);
}

static void silence_of_unsigned_samples_is_another_byte(void)
{
    const unsigned char half[3] = {0x80, 0x80, 0x80};
    unsigned char bytes[4] = {1, 2, 3, 4};

    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, NULL, 0, NULL, 1, 0x80) == 0);
    CHECK(pa_ringbuffer_callback(NULL, bytes, 3, NULL, 0, &state) == CONTINUE);
    CHECK(memcmp(bytes, half, 3) == 0 && bytes[3] == 4);
    CHECK(state.output_underflows == 0);
}

static void what_does_not_fit_is_thrown_away_and_counted(void)
{
    start();
    CHECK(pa_ringbuffer_callback(frames, NULL, 6, NULL, 0, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback(frames, NULL, 6, NULL, 0, &state) == CONTINUE);
    CHECK(state.input_overflows == 1 && state.input_overflow_frames == 4);
    CHECK(PaUtil_ReadRingBuffer(&input_ring, in, N) == N);
    CHECK(memcmp(in, frames, 6 * FRAME) == 0 && memcmp(in + 6, frames, 2 * FRAME) == 0);
}

static void the_mode_says_what_an_empty_ring_means(void)
{
    start();
    CHECK(pa_ringbuffer_callback_set_mode(&state, PA_RINGBUFFER_DRAIN) == 0);
    CHECK(state.mode == PA_RINGBUFFER_DRAIN);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == CONTINUE);
    CHECK(state.output_underflows == 0);
    CHECK(pa_ringbuffer_callback_set_mode(&state, PA_RINGBUFFER_COMPLETE) == 0);
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 6) == 6);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == COMPLETE);
    CHECK(memcmp(out, frames + 4, 2 * FRAME) == 0 && out[2].left == 0 && out[3].right == 0);
    CHECK(state.output_underflows == 0);
    CHECK(pa_ringbuffer_callback_set_mode(&state, PA_RINGBUFFER_RUN) == 0);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == CONTINUE);
    CHECK(state.output_underflows == 1);
}

static void unknown_modes_are_refused(void)
{
    start();
    CHECK(pa_ringbuffer_callback_set_mode(&state, PA_RINGBUFFER_DRAIN) == 0);
    CHECK(pa_ringbuffer_callback_set_mode(&state, 4) == -1);
    CHECK(pa_ringbuffer_callback_set_mode(&state, -1) == -1);
    CHECK(state.mode == PA_RINGBUFFER_DRAIN);
}

static void silence_before_the_start_is_no_underflow(void)
{
    start();
    CHECK(pa_ringbuffer_callback_set_mode(&state, PA_RINGBUFFER_START) == 0);
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 3) == 3);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == CONTINUE);
    CHECK(out[0].left == 0 && PaUtil_GetRingBufferReadAvailable(&output_ring) == 3);
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames + 3, 1) == 1);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == CONTINUE);
    CHECK(memcmp(out, frames, 4 * FRAME) == 0 && state.mode == PA_RINGBUFFER_RUN);
    CHECK(state.output_underflows == 0);
}

static void an_underflow_or_overflow_can_finish_the_stream(void)
{
    start();
    CHECK(pa_ringbuffer_callback_set_on_underflow(&state, 2) == -1);
    CHECK(pa_ringbuffer_callback_set_on_overflow(&state, -1) == -1);
    CHECK(state.on_underflow == PA_RINGBUFFER_SILENCE && state.on_overflow == PA_RINGBUFFER_DROP);
    CHECK(pa_ringbuffer_callback_set_on_underflow(&state, PA_RINGBUFFER_STOP) == 0);
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 3) == 3);
    CHECK(pa_ringbuffer_callback_finish_reason(&state) == 0);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == COMPLETE);
    CHECK(memcmp(out, frames, 3 * FRAME) == 0 && out[3].left == 0);
    CHECK(pa_ringbuffer_callback_finish_reason(&state) == PA_RINGBUFFER_FINISH_UNDERFLOW);
    CHECK(pa_ringbuffer_callback_is_finished(&state) == 0);
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 4) == 4);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == COMPLETE);
    CHECK(PaUtil_GetRingBufferReadAvailable(&output_ring) == 4);
    pa_ringbuffer_callback_restart(&state);
    CHECK(pa_ringbuffer_callback_finish_reason(&state) == 0);
    CHECK(pa_ringbuffer_callback(NULL, out, 4, NULL, 0, &state) == CONTINUE);
    CHECK(memcmp(out, frames, 4 * FRAME) == 0);

    start();
    CHECK(pa_ringbuffer_callback_set_on_overflow(&state, PA_RINGBUFFER_STOP) == 0);
    CHECK(pa_ringbuffer_callback(frames, NULL, N, NULL, 0, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback(frames, NULL, 1, NULL, 0, &state) == COMPLETE);
    CHECK(pa_ringbuffer_callback_finish_reason(&state) == PA_RINGBUFFER_FINISH_OVERFLOW);
}

static void the_finished_callback_tells_the_state(void)
{
    start();
    pa_ringbuffer_callback_finished(&state);
    CHECK(pa_ringbuffer_callback_finish_reason(&state) == PA_RINGBUFFER_FINISH_STOPPED);
    CHECK(pa_ringbuffer_callback_is_finished(&state) == 1 && state.finished != 0);
    pa_ringbuffer_callback_restart(&state);
    CHECK(pa_ringbuffer_callback_is_finished(&state) == 0);
    pa_ringbuffer_callback_finished(NULL);
}

static void water_marks_and_sequence_are_where_the_header_says(void)
{
    start();
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 6) == 6);
    CHECK(pa_ringbuffer_callback(frames, out, 2, NULL, 0, &state) == CONTINUE);
    CHECK(state.output_low_water == 4 && state.output_high_water == 6);
    CHECK(state.input_low_water == 0 && state.input_high_water == 2);
    CHECK(state.sequence == 2);
}

static void flags_of_the_device_are_counted(void)
{
    start();
    CHECK(pa_ringbuffer_callback(frames, NULL, 1, NULL, 0x1, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback(frames, NULL, 1, NULL, 0x1 | 0x2, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback(frames, NULL, 1, NULL, 0x1f, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback(frames, NULL, 1, NULL, 0x10 | 0x8, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback(frames, NULL, 1, NULL, 0x10, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback(frames, NULL, 1, NULL, 0x10, &state) == CONTINUE);
    CHECK(state.device_input_underflows == 3);
    CHECK(state.device_input_overflows == 2);
    CHECK(state.device_output_underflows == 1);
    CHECK(state.device_output_overflows == 2);
    CHECK(state.device_primings == 4);
}

static void a_ring_of_other_elements_is_left_alone(void)
{
    start();
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 4) == 4);
    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, &input_ring, 2 * FRAME, &output_ring, 2 * FRAME, 0) == 0);
    CHECK(pa_ringbuffer_callback(frames, out, 2, NULL, 0, &state) == CONTINUE);
    CHECK(out[0].left == 0 && out[3].right == 0);
    CHECK(PaUtil_GetRingBufferReadAvailable(&output_ring) == 4);
    CHECK(PaUtil_GetRingBufferReadAvailable(&input_ring) == 0);
    CHECK(state.output_underflow_frames == 2 && state.input_overflow_frames == 2);
}

static void without_rings_it_is_silent(void)
{
    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, NULL, FRAME, NULL, FRAME, 0) == 0);
    memset(out, 0x55, sizeof out);
    CHECK(pa_ringbuffer_callback(frames, out, 2, NULL, 0, &state) == CONTINUE);
    CHECK(out[0].left == 0 && out[1].right == 0 && out[2].left == 0x5555);
    CHECK(state.output_underflows == 0 && state.input_overflows == 0 && state.blocks == 1);
}

static void a_thread_sleeps_only_for_what_is_not_there(void)
{
    start();
    CHECK(pa_ringbuffer_callback_sleep_for_data(&state, 1, 1000000) == PA_RINGBUFFER_SLEPT_OFF);
    if (pa_ringbuffer_callback_set_wake(&state, 1) != 0) {
        CHECK(state.wake == 0);
        return;
    }
    CHECK(pa_ringbuffer_callback_sleep_for_data(&state, 3, 1) == PA_RINGBUFFER_SLEPT_EARLY);
    CHECK(pa_ringbuffer_callback(frames, NULL, 3, NULL, 0, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback_sleep_for_data(&state, 3, 1000000) == PA_RINGBUFFER_SLEPT_READY);
    CHECK(pa_ringbuffer_callback_sleep_for_room(&state, N, 1000000) == PA_RINGBUFFER_SLEPT_READY);
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 1) == 1);
    CHECK(pa_ringbuffer_callback_sleep_for_room(&state, N, 1) == PA_RINGBUFFER_SLEPT_EARLY);
    CHECK(state.input_wanted == 0 && state.output_wanted == 0);
    pa_ringbuffer_callback_finished(&state);
    CHECK(pa_ringbuffer_callback_sleep_for_room(&state, N, 1000000) == PA_RINGBUFFER_SLEPT_FINISHED);
    CHECK(pa_ringbuffer_callback_set_wake(&state, 0) == 0 && state.wake == 0);
}

static void frames_have_times_and_numbers(void)
{
    const struct PaStreamCallbackTimeInfo first = {9, 10, 12}, second = {11, 12, 14};
    pa_ringbuffer_block_times times = {7, 7, 7, 7, 7, 7};
    double time = -1;

    start();
    CHECK(pa_ringbuffer_callback_times(&state, &times) == -1 && times.blocks == 7);
    CHECK(pa_ringbuffer_callback_input_time(&state, 0, 2, &time) == PA_RINGBUFFER_TIME_NOT_YET);
    CHECK(PaUtil_WriteRingBuffer(&output_ring, frames, 6) == 6);
    CHECK(pa_ringbuffer_callback_write_position(&state) == 6);
    CHECK(pa_ringbuffer_callback(frames, out, 4, &first, 0, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback(frames, out, 4, &second, 0, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback_times(&state, &times) == 0);
    CHECK(times.blocks == 2 && times.input_frame == 4 && times.output_frame == 4);
    CHECK(times.input_adc_time == 11 && times.output_dac_time == 14 && times.current_time == 12);
    CHECK(PaUtil_ReadRingBuffer(&input_ring, in, 3) == 3);
    CHECK(pa_ringbuffer_callback_read_position(&state) == 3);
    CHECK(pa_ringbuffer_callback_write_position(&state) == 6);
    CHECK(pa_ringbuffer_callback_input_time(&state, 3, 2, &time) == PA_RINGBUFFER_TIME_KNOWN);
    CHECK(time == 10.5);
    CHECK(pa_ringbuffer_callback_output_time(&state, 5, 2, &time) == PA_RINGBUFFER_TIME_KNOWN);
    CHECK(time == 14.5);
    /* Two frames were silence. */
    CHECK(pa_ringbuffer_callback_output_time(&state, 6, 2, &time) == PA_RINGBUFFER_TIME_KNOWN);
    CHECK(time == 16);
    pa_ringbuffer_callback_finished(&state);
    CHECK(pa_ringbuffer_callback_output_time(&state, 6, 2, &time) == PA_RINGBUFFER_TIME_FINISHED);
    CHECK(pa_ringbuffer_callback_output_time(&state, 5, 2, &time) == PA_RINGBUFFER_TIME_KNOWN);
    start();
    CHECK(pa_ringbuffer_callback(frames, out, 1, NULL, 0, &state) == CONTINUE);
    CHECK(pa_ringbuffer_callback_input_time(&state, 0, 2, &time) == PA_RINGBUFFER_TIME_NOT_TOLD);
    CHECK(pa_ringbuffer_callback_init(&state, sizeof state, NULL, FRAME, NULL, FRAME, 0) == 0);
    CHECK(pa_ringbuffer_callback_input_time(&state, 0, 2, &time) == PA_RINGBUFFER_TIME_NO_RING);
    CHECK(pa_ringbuffer_callback_read_position(&state) == 0);
    CHECK(pa_ringbuffer_callback_write_position(&state) == 0);
}

static void without_state_it_aborts(void)
{
    CHECK(pa_ringbuffer_callback(frames, out, 2, NULL, 0, NULL) == ABORT);
}

int main(void)
{
    CHECK(pa_ringbuffer_version() >= PA_RINGBUFFER_VERSION);
    init_fills_in_the_whole_state();
    a_state_that_is_too_small_is_refused();
    it_plays_and_records_whole_blocks();
    what_is_missing_is_silence_and_counted();
    silence_of_unsigned_samples_is_another_byte();
    what_does_not_fit_is_thrown_away_and_counted();
    the_mode_says_what_an_empty_ring_means();
    unknown_modes_are_refused();
    silence_before_the_start_is_no_underflow();
    an_underflow_or_overflow_can_finish_the_stream();
    the_finished_callback_tells_the_state();
    water_marks_and_sequence_are_where_the_header_says();
    flags_of_the_device_are_counted();
    a_ring_of_other_elements_is_left_alone();
    without_rings_it_is_silent();
    a_thread_sleeps_only_for_what_is_not_there();
    frames_have_times_and_numbers();
    without_state_it_aborts();
    return 0;
}
