# cython: language_level=3
"""A PortAudio callback that plays what Python writes, and measures the level of what comes in."""

from libc.math cimport fabsf, sqrt
from libc.stdint cimport uint64_t
from libc.string cimport memset

from pa_ringbuffer cimport PaUtil_ReadRingBuffer, PaUtil_WriteRingBuffer, PaUtilRingBuffer


# A message for Python: what was measured in `frames` frames from `frame` on.
cdef struct Level:
    uint64_t frame
    uint64_t frames
    float peak
    float rms


cdef struct State:
    PaUtilRingBuffer *sound
    PaUtilRingBuffer *levels
    uint64_t frame
    # How many frames a level is measured in.
    uint64_t window
    Level level
    double squares


# `api` puts it into __pyx_capi__, where a stream finds it.
cdef api int meter_callback(
    const void *input,
    void *output,
    unsigned long frames,
    const void *time,
    unsigned long flags,
    void *userdata,
) noexcept nogil:
    cdef State *state = <State *>userdata
    cdef const float *heard = <const float *>input
    cdef float *block = <float *>output
    cdef unsigned long played = PaUtil_ReadRingBuffer(state.sound, block, frames)
    cdef unsigned long n

    memset(block + played, 0, (frames - played) * sizeof(float))
    for n in range(frames):
        state.level.peak = max(state.level.peak, fabsf(heard[n]))
        state.squares += <double>heard[n] * heard[n]
        state.level.frames += 1
        state.frame += 1
        if state.level.frames >= state.window:
            state.level.rms = <float>sqrt(state.squares / <double>state.level.frames)
            # If the ring is full, the next level covers this time as well: no peak gets lost.
            if PaUtil_WriteRingBuffer(state.levels, &state.level, 1):
                memset(&state.level, 0, sizeof(Level))
                state.level.frame = state.frame
                state.squares = 0
    return 0


cdef class Meter:
    """What the callback works on; it must live until the stream is closed.

    :param sound: A ring of float32, which is played.
    :param levels: A ring for messages.
    :param window: How many frames a level is measured in.
    """

    cdef State state
    cdef object rings

    def __init__(self, sound, levels, uint64_t window):
        if sound.elementsize != sizeof(float) or levels.elementsize != sizeof(Level):
            raise ValueError(
                f"sound and levels must have elements of {sizeof(float)} and {sizeof(Level)} bytes, "
                f"not {sound.elementsize} and {levels.elementsize}"
            )
        self.rings = sound, levels
        self.state.sound = <PaUtilRingBuffer *><size_t>sound.address
        self.state.levels = <PaUtilRingBuffer *><size_t>levels.address
        self.state.window = window

    @property
    def address(self):
        """``userdata`` of the stream."""
        return <size_t>&self.state
