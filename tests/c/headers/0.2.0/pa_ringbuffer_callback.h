/*
 * A ready-made PortAudio callback, which plays from one ring buffer and records into another.
 *
 *     static float storage[2 * 16384];
 *     static PaUtilRingBuffer ring;
 *     static pa_ringbuffer_callback_state state;
 *
 *     PaUtil_InitializeRingBuffer(&ring, 2 * sizeof(float), 16384, storage);
 *     pa_ringbuffer_callback_init(&state, sizeof state, NULL, 0, &ring, 2 * sizeof(float), 0);
 *     Pa_OpenDefaultStream(&stream, 0, 2, paFloat32, 48000, paFramesPerBufferUnspecified,
 *                          pa_ringbuffer_callback, &state);
 *     ... PaUtil_WriteRingBuffer(&ring, frames, count) ...
 *
 * Works with and without <portaudio.h>, which may be included before or after.
 */

#ifndef PA_RINGBUFFER_CALLBACK_H
#define PA_RINGBUFFER_CALLBACK_H

#include <stddef.h>
#include <stdint.h>

#include "pa_ringbuffer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From <portaudio.h>. */
struct PaStreamCallbackTimeInfo;

/* Compilers for 32-bit x86 would align the counters to four bytes, which atomics do not allow. */
#if defined(__GNUC__)
#define PA_RINGBUFFER_ALIGN8 __attribute__((aligned(8)))
#else
#define PA_RINGBUFFER_ALIGN8
#endif

/* What the callback does when the output ring runs empty. */
enum {
    /* Plays silence, and counts it as an underflow. */
    PA_RINGBUFFER_RUN = 0,
    /* Nothing more will be written: plays silence without counting it. */
    PA_RINGBUFFER_DRAIN = 1,
    /* Nothing more will be written: finishes the stream when everything has been played. */
    PA_RINGBUFFER_COMPLETE = 2,
    /* Nothing was written yet: plays silence without counting it until the ring holds a block (or
     * is full), and goes on as PA_RINGBUFFER_RUN. */
    PA_RINGBUFFER_START = 3
};

/* What the callback does on an underflow or overflow. */
enum {
    /* Underflow: plays silence for the frames that are missing. */
    PA_RINGBUFFER_SILENCE = 0,
    /* Overflow: drops the frames that do not fit. */
    PA_RINGBUFFER_DROP = 0,
    /* Finishes the stream, returning paComplete, after playing what is there or recording what
     * fits. */
    PA_RINGBUFFER_STOP = 1
};

/* Why a stream does not go on. */
enum {
    /* Everything was played, in the mode PA_RINGBUFFER_COMPLETE. */
    PA_RINGBUFFER_FINISH_COMPLETED = 1,
    /* An underflow, with PA_RINGBUFFER_STOP. */
    PA_RINGBUFFER_FINISH_UNDERFLOW = 2,
    /* An overflow, with PA_RINGBUFFER_STOP. */
    PA_RINGBUFFER_FINISH_OVERFLOW = 3,
    /* The callback is not called any more, for another reason; see
     * pa_ringbuffer_callback_finished. */
    PA_RINGBUFFER_FINISH_STOPPED = 4
};

/* What a thread that has slept finds. */
enum {
    /* The frames are there, or room for them. */
    PA_RINGBUFFER_SLEPT_READY = 0,
    /* They are not, and the stream is finished. */
    PA_RINGBUFFER_SLEPT_FINISHED = 1,
    /* Neither: the time is over, or a signal came, or there was no reason at all. */
    PA_RINGBUFFER_SLEPT_EARLY = 2,
    /* The callback wakes no threads, so this one has not slept. */
    PA_RINGBUFFER_SLEPT_OFF = 3
};

/* Whether the time of a frame is known, and why not. */
enum {
    PA_RINGBUFFER_TIME_KNOWN = 0,
    /* The stream has no ring in that direction. */
    PA_RINGBUFFER_TIME_NO_RING = 1,
    /* There was no block yet since the stream was started. */
    PA_RINGBUFFER_TIME_NOT_YET = 2,
    /* The frame would come after the latest block, and the stream is finished. */
    PA_RINGBUFFER_TIME_FINISHED = 3,
    /* The frame is too old: there were 16 gaps or more since then. Gaps are losses, and starts. */
    PA_RINGBUFFER_TIME_FORGOTTEN = 4,
    /* PortAudio has told no times. */
    PA_RINGBUFFER_TIME_NOT_TOLD = 5
};

/*
 * What the callback works on: the stream's userData.
 *
 * It and the rings must stay where they are until the stream is closed. Only the functions below
 * may write to it. The counters may be read at any time, by any thread; while the stream runs, one
 * may be a block ahead of another. (On a 32-bit machine a counter that is read while the stream
 * runs may be wrong for the moment in which it passes 2^32.)
 */
typedef struct pa_ringbuffer_callback_state {
    PaUtilRingBuffer *input_ring;
    PaUtilRingBuffer *output_ring;
    /* Bytes per frame: channels times bytes per sample. */
    size_t input_frame_size;
    size_t output_frame_size;
    /* The byte that silence consists of. */
    uint32_t silence;
    volatile uint32_t mode;
    volatile uint32_t on_underflow;
    volatile uint32_t on_overflow;
    /* Not 0 when the stream is finished: ask pa_ringbuffer_callback_finish_reason. */
    volatile uint32_t finished;
    /* For pa_ringbuffer_callback_set_wake: whether the callback wakes threads, and what they wait
     * for. */
    volatile uint32_t wake;
    volatile uint32_t input_wanted;
    volatile uint32_t output_wanted;

    /* Changes whenever the counters do; odd in the middle of that. Counters that were read while
     * it was even and the same before and after belong to the same block. */
    volatile uint32_t sequence PA_RINGBUFFER_ALIGN8;
    /* Odd while frames go through the rings, until they are counted. */
    volatile uint32_t moving;
    /* Calls of the callback. */
    volatile uint64_t blocks PA_RINGBUFFER_ALIGN8;
    /* Frames in all calls. */
    volatile uint64_t frames;
    /* Frames of the smallest block; 0 before the first one. */
    volatile uint64_t smallest_block;
    /* Frames of the largest block. */
    volatile uint64_t largest_block;
    /* Calls in which the input ring had too little room. */
    volatile uint64_t input_overflows;
    /* Recorded frames thrown away for that. */
    volatile uint64_t input_overflow_frames;
    /* Calls in which the output ring held too little. */
    volatile uint64_t output_underflows;
    /* Frames of silence played in its place. */
    volatile uint64_t output_underflow_frames;
    /* Calls in which PortAudio reported paInputUnderflow. */
    volatile uint64_t device_input_underflows;
    /* Calls in which PortAudio reported paInputOverflow. */
    volatile uint64_t device_input_overflows;
    /* Calls in which PortAudio reported paOutputUnderflow. */
    volatile uint64_t device_output_underflows;
    /* Calls in which PortAudio reported paOutputOverflow. */
    volatile uint64_t device_output_overflows;
    /* Calls in which PortAudio reported paPrimingOutput. */
    volatile uint64_t device_primings;
    /* The fewest frames that a call has found in the input ring (at first, the ring's size), and
     * the most that a call has left there. */
    volatile uint64_t input_low_water;
    volatile uint64_t input_high_water;
    /* The fewest frames that a call has left in the output ring (at first, the ring's size; only
     * in the mode PA_RINGBUFFER_RUN), and the most that a call has found there. */
    volatile uint64_t output_low_water;
    volatile uint64_t output_high_water;
    /* Room for counters of later versions. */
    volatile uint64_t further[16];
    /* For pa_ringbuffer_callback_times and the like. */
    volatile uint64_t times[109];
} pa_ringbuffer_callback_state;

/*
 * The latest block. Frames are numbered as they pass through the rings, from 0: recorded frames
 * that were dropped, and silence that was played in place of missing frames, have no numbers. Times
 * are PortAudio's, in seconds of the stream's clock; not numbers (NaN) if it has told none.
 */
typedef struct pa_ringbuffer_block_times {
    /* Calls of the callback so far, with this one. */
    uint64_t blocks;
    /* How many frames had gone into the input ring before this block, and when the first frame of
     * this block was captured: inputBufferAdcTime. */
    uint64_t input_frame;
    double input_adc_time;
    /* How many frames had been taken from the output ring before this block, and when the first
     * frame of this block is heard: outputBufferDacTime. */
    uint64_t output_frame;
    double output_dac_time;
    /* When the callback was called. */
    double current_time;
} pa_ringbuffer_block_times;

#undef PA_RINGBUFFER_ALIGN8

/*
 * Fills in the state: mode PA_RINGBUFFER_RUN, PA_RINGBUFFER_SILENCE,
 * PA_RINGBUFFER_DROP, nothing counted.
 *
 * state_size is sizeof(pa_ringbuffer_callback_state). Returns 0, or -1 if that is less than the
 * library needs, because the program was compiled with the header of another version; then nothing
 * is written.
 *
 * The elements of a ring must be the stream's frames: input_frame_size and output_frame_size are
 * the numbers of bytes per frame that the stream is opened with, 0 for a direction it does not
 * have. A ring may be NULL: without an input ring input is thrown away, without an output ring
 * silence is played. So it is with a ring whose element size is not the frame size, but that counts
 * as an overflow or underflow.
 *
 * silence is the byte that silence consists of: 0, or 0x80 for paUInt8.
 *
 * Not while a stream uses the state.
 */
int pa_ringbuffer_callback_init(pa_ringbuffer_callback_state *state, size_t state_size,
                                PaUtilRingBuffer *input_ring, size_t input_frame_size,
                                PaUtilRingBuffer *output_ring, size_t output_frame_size,
                                unsigned char silence);

/*
 * Says what an empty output ring means from now on.
 *
 * Returns 0, or -1 if there is no such mode; the mode is then what it was. The producer of the
 * output ring may call it after its last PaUtil_WriteRingBuffer: what was written before will be
 * played. Real-time safe.
 */
int pa_ringbuffer_callback_set_mode(pa_ringbuffer_callback_state *state, int mode);

/*
 * Sets what the callback does on an underflow from now on: PA_RINGBUFFER_SILENCE or
 * PA_RINGBUFFER_STOP.
 *
 * Returns 0, or -1 if there is no such action; it is then what it was. Real-time safe.
 */
int pa_ringbuffer_callback_set_on_underflow(pa_ringbuffer_callback_state *state, int action);

/*
 * Sets what the callback does on an overflow from now on: PA_RINGBUFFER_DROP or PA_RINGBUFFER_STOP.
 *
 * Returns 0, or -1 if there is no such action; it is then what it was. Real-time safe.
 */
int pa_ringbuffer_callback_set_on_overflow(pa_ringbuffer_callback_state *state, int action);

/*
 * Why the stream does not go on: one of PA_RINGBUFFER_FINISH_...; 0 while it does. What the
 * callback recorded before is then in the input ring. If an underflow and an overflow coincide, it
 * is the underflow. Real-time safe.
 */
int pa_ringbuffer_callback_finish_reason(const pa_ringbuffer_callback_state *state);

/*
 * 1 if the callback is not called any more, which only pa_ringbuffer_callback_finished can tell; 0
 * otherwise, also while PortAudio may not yet have noticed that the callback has finished the
 * stream. Real-time safe.
 */
int pa_ringbuffer_callback_is_finished(const pa_ringbuffer_callback_state *state);

/*
 * Forgets why the stream is finished. A stream that PA_RINGBUFFER_STOP has finished needs this
 * before it is started again; for others it only makes pa_ringbuffer_callback_finish_reason return
 * 0. Not while a stream uses the state.
 */
void pa_ringbuffer_callback_restart(pa_ringbuffer_callback_state *state);

/*
 * Has the callback wake threads that sleep in the two functions below (on is not 0), or not, which
 * is how it begins. Returns 0, or -1 if this system cannot do that; then nothing changes.
 *
 * A callback that wakes makes a system call, but only if a thread sleeps and the frames that it
 * sleeps for are there or the stream is finished: at most one for each ring, which does not block.
 * Otherwise it costs a memory fence. Call this before the stream is started.
 */
int pa_ringbuffer_callback_set_wake(pa_ringbuffer_callback_state *state, int on);

/*
 * Sleep until the input ring has that number of frames, or the output ring room for that number, or
 * the stream is finished, or the time is over: for the thread that reads from the input ring, and
 * for the one that writes to the output ring. Return PA_RINGBUFFER_SLEPT_...
 *
 * They may return early. A forked child is not woken. Not for the callback's thread.
 */
int pa_ringbuffer_callback_sleep_for_data(pa_ringbuffer_callback_state *state, size_t frames,
                                          unsigned int milliseconds);
int pa_ringbuffer_callback_sleep_for_room(pa_ringbuffer_callback_state *state, size_t frames,
                                          unsigned int milliseconds);

/*
 * Where the latest block is in the stream's frames and in time. Returns 0, or -1 if there was none;
 * then nothing is written. All fields are of the same block.
 *
 * This and the functions below are for other threads than the callback's, which never waits for
 * them; they look again if it comes in between.
 */
int pa_ringbuffer_callback_times(const pa_ringbuffer_callback_state *state,
                                 pa_ringbuffer_block_times *times);

/*
 * When a frame was recorded into the input ring, and when a frame of the output ring is heard, in
 * seconds of the stream's clock. Return PA_RINGBUFFER_TIME_...; *time is written only if the time is
 * known.
 *
 * Between and after the times that PortAudio has told, time passes at sample_rate frames per
 * second. Frames that are still to come follow on the latest block, if they are written in time.
 */
int pa_ringbuffer_callback_input_time(const pa_ringbuffer_callback_state *state, uint64_t frame,
                                      double sample_rate, double *time);
int pa_ringbuffer_callback_output_time(const pa_ringbuffer_callback_state *state, uint64_t frame,
                                       double sample_rate, double *time);

/*
 * The number of the frame that is read next from the input ring, or written next to the output
 * ring; 0 without that ring. For the thread that reads or writes there, however it does so.
 */
uint64_t pa_ringbuffer_callback_read_position(const pa_ringbuffer_callback_state *state);
uint64_t pa_ringbuffer_callback_write_position(const pa_ringbuffer_callback_state *state);

/*
 * The callback: a PaStreamCallback for interleaved samples of any format. userData is a
 * pa_ringbuffer_callback_state.
 *
 * Plays from the output ring; where that holds too little, the rest of the block is silence.
 * Records into the input ring; what does not fit is thrown away, the newest frames first.
 * It is the output ring's consumer and the input ring's producer: nobody else may be.
 *
 * Returns paContinue (0); paComplete (1) in the mode PA_RINGBUFFER_COMPLETE when everything has
 * been played, and as PA_RINGBUFFER_STOP says; if userData is NULL, paAbort (2). Real-time safe.
 */
int pa_ringbuffer_callback(const void *input, void *output, unsigned long frameCount,
                           const struct PaStreamCallbackTimeInfo *timeInfo,
                           unsigned long statusFlags, void *userData);

/*
 * A PaStreamFinishedCallback for the same userData, to be set with Pa_SetStreamFinishedCallback
 * where the program is to know (pa_ringbuffer_callback_is_finished) that a stream has become inactive.
 * Wakes threads, as the callback does. Real-time safe.
 */
void pa_ringbuffer_callback_finished(void *userData);

#ifdef __cplusplus
}
#endif

#endif /* PA_RINGBUFFER_CALLBACK_H */
