/* A program that divides: some processors leave that to a function of the compiler's library, which
 * must not be in ours as well. */

#include <stdint.h>

#include <pa_ringbuffer.h>

#include "check.h"

int main(int argc, char *argv[])
{
    /* What the compiler cannot know. */
    const int divisor = argc + 6;
    const int64_t large = (int64_t)1 << (39 + argc);
    const uint64_t unsigned_large = (uint64_t)large;
    static char storage[8];
    PaUtilRingBuffer ring;

    (void)argv;
    CHECK(PaUtil_InitializeRingBuffer(&ring, 1, 8, storage) == 0);
    CHECK(-100 / divisor == -14 && -100 % divisor == -2);
    CHECK(100u / (unsigned)divisor == 14u && 100u % (unsigned)divisor == 2u);
    CHECK(-large / divisor == -157073089682 && -large % divisor == -2);
    CHECK(unsigned_large / (uint64_t)divisor == 157073089682u);
    CHECK((int64_t)((double)large / divisor) == 157073089682);
    return 0;
}
