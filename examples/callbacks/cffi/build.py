"""Compiles the module `_levelmeter`: a PortAudio callback in C that measures levels.

Headers and library of the ring buffer are in the package pa_ringbuffer.
"""

import sys

import pa_ringbuffer
from cffi import FFI

DECLARATIONS = """

/* Levels of one block, or of several blocks if no thread has read them for a while. */
struct level {
    float peak;             /* largest absolute sample value */
    float rms;              /* square root of the mean square of all samples */
    unsigned long frames;   /* how many frames that is from */
};

struct levelmeter {
    PaUtilRingBuffer *levels;   /* has elements of the type struct level */
    unsigned long channels;
    /* Measured, but not yet in the ring: */
    float peak;
    double squares;
    unsigned long frames;
};

/* A PaStreamCallback for 32-bit float input, with a struct levelmeter as userdata. */
int levelmeter_callback(const void *input, void *output, unsigned long frames,
                        const void *time, unsigned long flags, void *userdata);

"""

IMPLEMENTATION = """

int levelmeter_callback(const void *input, void *output, unsigned long frames,
                        const void *time, unsigned long flags, void *userdata)
{
    struct levelmeter *meter = userdata;
    const float *samples = input;
    unsigned long i, count = frames * meter->channels;
    struct level level;

    (void)output;
    (void)time;
    (void)flags;
    for (i = 0; i < count; ++i) {
        meter->peak = fmaxf(meter->peak, fabsf(samples[i]));
        meter->squares += (double)samples[i] * samples[i];
    }
    meter->frames += frames;
    if (meter->frames > 0) {
        level.peak = meter->peak;
        level.rms = (float)sqrt(meter->squares / ((double)meter->frames * meter->channels));
        level.frames = meter->frames;
        /* If the ring is full, the next level covers this block as well: no peak gets lost. */
        if (PaUtil_WriteRingBuffer(meter->levels, &level, 1) == 1) {
            meter->peak = 0;
            meter->squares = 0;
            meter->frames = 0;
        }
    }
    return 0;  /* paContinue */
}

"""


ffibuilder = FFI()
ffibuilder.cdef(pa_ringbuffer.cdef())
ffibuilder.cdef(DECLARATIONS)
ffibuilder.set_source(
    "_levelmeter",
    "#include <math.h>\n#include <pa_ringbuffer.h>\n" + DECLARATIONS + IMPLEMENTATION,
    libraries=[] if sys.platform == "win32" else ["m"],
    # The library is linked statically: the finished module does not need it any more.
    **pa_ringbuffer.build_arguments(),
)

if __name__ == "__main__":
    ffibuilder.compile(verbose=True)
