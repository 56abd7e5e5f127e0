/* One program with two libraries that are written in Rust. */

#include <stddef.h>

#include <pa_ringbuffer.h>

#include "check.h"

size_t second_library(void);

int main(void)
{
    PaUtilRingBuffer ring;
    char storage[4];

    CHECK(PaUtil_InitializeRingBuffer(&ring, 1, 4, storage) == 0);
    CHECK(PaUtil_WriteRingBuffer(&ring, "abc", 3) == 3);
    CHECK(second_library() == 2);
    CHECK(PaUtil_GetRingBufferReadAvailable(&ring) == 3);
    return 0;
}
