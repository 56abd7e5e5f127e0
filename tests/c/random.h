/* A small generator (xorshift64*, Vigna 2016), so that failures can be repeated. */

#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

typedef struct Random {
    uint64_t state; /* must not be 0 */
} Random;

static inline uint64_t random_bits(Random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(0x2545F4914F6CDD1D);
}

static inline long random_below(Random *random, long limit)
{
    return (long)((random_bits(random) >> 33) % (uint64_t)limit);
}

#endif
