/*
 * A ready-made PortAudio callback that plays from one ring buffer and records into another.
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
 * Works with and without <portaudio.h>, which may be included before or after this header.
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
    /* Plays silence and counts an underflow. */
    PA_RINGBUFFER_RUN = 0,
    /* The producer has finished: plays silence without counting it. */
    PA_RINGBUFFER_DRAIN = 1,
    /* The producer has finished: finishes the stream when everything has been played. */
    PA_RINGBUFFER_COMPLETE = 2,
    /* The producer has not started: plays silence without counting it until the ring holds a
     * block (or is full), then continues as PA_RINGBUFFER_RUN. */
    PA_RINGBUFFER_START = 3
};

/* What the callback does on an underflow or overflow. */
enum {
    /* Underflow: plays silence in place of the missing frames. */
    PA_RINGBUFFER_SILENCE = 0,
    /* Overflow: drops the frames that do not fit. */
    PA_RINGBUFFER_DROP = 0,
    /* Finishes the stream by returning paComplete, after playing the available frames or
     * recording those that fit. */
    PA_RINGBUFFER_STOP = 1
};

/* Why a stream has finished. */
enum {
    /* Everything has been played, in the mode PA_RINGBUFFER_COMPLETE. */
    PA_RINGBUFFER_FINISH_COMPLETED = 1,
    /* An underflow, with PA_RINGBUFFER_STOP. */
    PA_RINGBUFFER_FINISH_UNDERFLOW = 2,
    /* An overflow, with PA_RINGBUFFER_STOP. */
    PA_RINGBUFFER_FINISH_OVERFLOW = 3,
    /* PortAudio has stopped calling the callback for another reason; see
     * pa_ringbuffer_callback_finished. */
    PA_RINGBUFFER_FINISH_STOPPED = 4
};

/* Result of a thread's sleep. */
enum {
    /* The frames are available, or room for them. */
    PA_RINGBUFFER_SLEPT_READY = 0,
    /* They are not, and the stream has finished. */
    PA_RINGBUFFER_SLEPT_FINISHED = 1,
    /* Neither: the timeout has expired, a signal arrived, or the wakeup was spurious. */
    PA_RINGBUFFER_SLEPT_EARLY = 2,
    /* The callback does not wake threads, so this thread has not slept. */
    PA_RINGBUFFER_SLEPT_OFF = 3
};

/* Whether the time of a frame is known, or why not. */
enum {
    PA_RINGBUFFER_TIME_KNOWN = 0,
    /* The stream has no ring in that direction. */
    PA_RINGBUFFER_TIME_NO_RING = 1,
    /* No block has been transferred since the stream was started. */
    PA_RINGBUFFER_TIME_NOT_YET = 2,
    /* The frame comes after the latest block, and the stream has finished. */
    PA_RINGBUFFER_TIME_FINISHED = 3,
    /* The frame is too old: 16 or more gaps have followed. Losses and starts are gaps. */
    PA_RINGBUFFER_TIME_FORGOTTEN = 4,
    /* PortAudio has reported no times. */
    PA_RINGBUFFER_TIME_NOT_TOLD = 5
};

/*
 * The state of the callback: the stream's userData.
 *
 * The state and the rings must keep their addresses until the stream is closed. Only the functions
 * below may write to the state. Any thread may read the counters at any time; while the stream is
 * running, one counter may be a block ahead of another. (On a 32-bit machine, a counter that is
 * read while it passes 2^32 may be wrong.)
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
    /* Not 0 when the stream has finished: see pa_ringbuffer_callback_finish_reason. */
    volatile uint32_t finished;
    /* For pa_ringbuffer_callback_set_wake: whether the callback wakes threads, and the numbers
     * of frames that they wait for. */
    volatile uint32_t wake;
    volatile uint32_t input_wanted;
    volatile uint32_t output_wanted;

    /* Changes together with the counters; odd during a change. Counters belong to the same
     * block if it was even, and the same, before and after reading them. */
    volatile uint32_t sequence PA_RINGBUFFER_ALIGN8;
    /* Odd while frames are passing through the rings, until they are counted. */
    volatile uint32_t moving;
    /* Calls of the callback. */
    volatile uint64_t blocks PA_RINGBUFFER_ALIGN8;
    /* Frames in these calls. */
    volatile uint64_t frames;
    /* Size of the smallest block in frames; 0 before the first one. */
    volatile uint64_t smallest_block;
    /* Size of the largest block in frames. */
    volatile uint64_t largest_block;
    /* Calls with an overflow of the input ring. */
    volatile uint64_t input_overflows;
    /* Recorded frames dropped in these overflows. */
    volatile uint64_t input_overflow_frames;
    /* Calls with an underflow of the output ring. */
    volatile uint64_t output_underflows;
    /* Frames of silence played in these underflows. */
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
    /* Lowest fill of the input ring before a call (initially the ring's size), and its highest
     * fill after a call. */
    volatile uint64_t input_low_water;
    volatile uint64_t input_high_water;
    /* Lowest fill of the output ring after a call (initially the ring's size; only in the mode
     * PA_RINGBUFFER_RUN), and its highest fill before a call. */
    volatile uint64_t output_low_water;
    volatile uint64_t output_high_water;
    /* Room for counters of later versions. */
    volatile uint64_t further[16];
    /* For pa_ringbuffer_callback_times and related functions. */
    volatile uint64_t times[109];
} pa_ringbuffer_callback_state;

/*
 * The latest block. Frames are numbered in the order in which they pass through the rings, from 0:
 * dropped frames and the silence of underflows have no numbers. Times are PortAudio's, in seconds
 * of the stream's clock; NaN if it has reported none.
 */
typedef struct pa_ringbuffer_block_times {
    /* Calls of the callback so far, including this one. */
    uint64_t blocks;
    /* Number of frames that had gone into the input ring before this block, and the time at which
     * the first frame of this block was captured: inputBufferAdcTime. */
    uint64_t input_frame;
    double input_adc_time;
    /* Number of frames that had been taken from the output ring before this block, and the time at
     * which the first frame of this block is heard: outputBufferDacTime. */
    uint64_t output_frame;
    double output_dac_time;
    /* Time at which the callback was called. */
    double current_time;
} pa_ringbuffer_block_times;

#undef PA_RINGBUFFER_ALIGN8

/*
 * Initialises the state: mode PA_RINGBUFFER_RUN, PA_RINGBUFFER_SILENCE, PA_RINGBUFFER_DROP, all
 * counters 0.
 *
 * state_size is sizeof(pa_ringbuffer_callback_state). Returns 0, or -1 without writing anything if
 * state_size is less than the library needs, because the program was compiled with the header of
 * another version.
 *
 * The elements of a ring must be the stream's frames: input_frame_size and output_frame_size are
 * the numbers of bytes per frame with which the stream is opened, 0 for a direction it does not
 * have. A ring may be NULL: without an input ring, the callback drops the input; without an output
 * ring, it plays silence. It does the same if a ring's element size is not the frame size, but then
 * counts overflows or underflows.
 *
 * silence is the byte that silence consists of: 0, or 0x80 for paUInt8.
 *
 * Do not call this while a stream uses the state.
 */
int pa_ringbuffer_callback_init(pa_ringbuffer_callback_state *state, size_t state_size,
                                PaUtilRingBuffer *input_ring, size_t input_frame_size,
                                PaUtilRingBuffer *output_ring, size_t output_frame_size,
                                unsigned char silence);

/*
 * Sets the meaning of an empty output ring.
 *
 * Returns 0, or -1 without changing the mode if there is no such mode. The producer of the output
 * ring may call this after its last PaUtil_WriteRingBuffer: everything written before will be
 * played. Real-time safe.
 */
int pa_ringbuffer_callback_set_mode(pa_ringbuffer_callback_state *state, int mode);

/*
 * Sets the reaction to an underflow: PA_RINGBUFFER_SILENCE or PA_RINGBUFFER_STOP.
 *
 * Returns 0, or -1 without changing anything if there is no such action. Real-time safe.
 */
int pa_ringbuffer_callback_set_on_underflow(pa_ringbuffer_callback_state *state, int action);

/*
 * Sets the reaction to an overflow: PA_RINGBUFFER_DROP or PA_RINGBUFFER_STOP.
 *
 * Returns 0, or -1 without changing anything if there is no such action. Real-time safe.
 */
int pa_ringbuffer_callback_set_on_overflow(pa_ringbuffer_callback_state *state, int action);

/*
 * Why the stream has finished: one of PA_RINGBUFFER_FINISH_...; 0 before that. The input ring then
 * contains everything that the callback has recorded. If an underflow and an overflow coincide,
 * this returns the underflow. Real-time safe.
 */
int pa_ringbuffer_callback_finish_reason(const pa_ringbuffer_callback_state *state);

/*
 * 1 if PortAudio has stopped calling the callback, which only pa_ringbuffer_callback_finished
 * detects. 0 otherwise, even if the callback has finished the stream but PortAudio may not have
 * noticed yet. Real-time safe.
 */
int pa_ringbuffer_callback_is_finished(const pa_ringbuffer_callback_state *state);

/*
 * Forgets why the stream has finished. A stream that PA_RINGBUFFER_STOP has finished needs this
 * before it is started again; for others, it only makes pa_ringbuffer_callback_finish_reason return
 * 0. Do not call this while a stream uses the state.
 */
void pa_ringbuffer_callback_restart(pa_ringbuffer_callback_state *state);

/*
 * Sets whether the callback wakes threads that sleep in the two functions below (on is not 0). Off
 * by default. Returns 0, or -1 without changing anything if this system does not support it.
 *
 * To wake a thread, the callback makes a system call, but only if a thread sleeps and its frames
 * are available or the stream has finished: at most one for each ring. The call does not block.
 * Otherwise waking costs a memory fence. Call this before the stream is started.
 */
int pa_ringbuffer_callback_set_wake(pa_ringbuffer_callback_state *state, int on);

/*
 * Sleep until the input ring has that number of frames, or the output ring has room for that
 * number, until the stream has finished, or until the timeout expires. One is for the thread that
 * reads from the input ring, the other for the thread that writes to the output ring. Return
 * PA_RINGBUFFER_SLEPT_...
 *
 * They may return early. The callback does not wake threads of a forked child. Do not call them on
 * the callback's thread.
 */
int pa_ringbuffer_callback_sleep_for_data(pa_ringbuffer_callback_state *state, size_t frames,
                                          unsigned int milliseconds);
int pa_ringbuffer_callback_sleep_for_room(pa_ringbuffer_callback_state *state, size_t frames,
                                          unsigned int milliseconds);

/*
 * Position of the latest block in the stream's frames and in time. Returns 0, or -1 without writing
 * anything if there was no block. All fields are of the same block.
 *
 * This and the functions below are for threads other than the callback's. The callback never waits
 * for them; they retry if it interferes.
 */
int pa_ringbuffer_callback_times(const pa_ringbuffer_callback_state *state,
                                 pa_ringbuffer_block_times *times);

/*
 * Time at which a frame was recorded into the input ring, and time at which a frame of the output
 * ring is heard, in seconds of the stream's clock. Return PA_RINGBUFFER_TIME_...; *time is written
 * only if the time is known.
 *
 * Between and after the times that PortAudio has reported, time advances at sample_rate frames per
 * second. For future frames, it continues from the latest block and assumes that they are written
 * in time.
 */
int pa_ringbuffer_callback_input_time(const pa_ringbuffer_callback_state *state, uint64_t frame,
                                      double sample_rate, double *time);
int pa_ringbuffer_callback_output_time(const pa_ringbuffer_callback_state *state, uint64_t frame,
                                       double sample_rate, double *time);

/*
 * The number of the next frame to be read from the input ring, or to be written to the output ring;
 * 0 without that ring. For the thread that reads or writes there, whatever functions it uses.
 */
uint64_t pa_ringbuffer_callback_read_position(const pa_ringbuffer_callback_state *state);
uint64_t pa_ringbuffer_callback_write_position(const pa_ringbuffer_callback_state *state);

/*
 * The callback: a PaStreamCallback for interleaved samples of any format. userData is a
 * pa_ringbuffer_callback_state.
 *
 * Plays from the output ring; if that holds too few frames, the rest of the block is silence.
 * Records into the input ring; frames that do not fit are dropped, the newest first. It is the only
 * consumer of the output ring and the only producer of the input ring.
 *
 * Returns paContinue (0); paComplete (1) when everything has been played in the mode
 * PA_RINGBUFFER_COMPLETE, and according to PA_RINGBUFFER_STOP; paAbort (2) if userData is NULL.
 * Real-time safe.
 */
int pa_ringbuffer_callback(const void *input, void *output, unsigned long frameCount,
                           const struct PaStreamCallbackTimeInfo *timeInfo,
                           unsigned long statusFlags, void *userData);

/*
 * A PaStreamFinishedCallback for the same userData. Set it with Pa_SetStreamFinishedCallback if the
 * program needs to know (pa_ringbuffer_callback_is_finished) that a stream has become inactive.
 * Wakes threads, as the callback does. Real-time safe.
 */
void pa_ringbuffer_callback_finished(void *userData);

#ifdef __cplusplus
}
#endif

#endif /* PA_RINGBUFFER_CALLBACK_H */
