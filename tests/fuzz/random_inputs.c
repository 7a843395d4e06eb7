/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzzer's function on random inputs, without libFuzzer: nothing is learned from one input for
 * the next, but several times as many events are tried in the same time. For long measurements.
 *
 *     NAME RUNS SEED     so many inputs of up to 2000 bytes; the same seed gives the same inputs
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES_MAX 2000U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Steele, Lea and Flood's SplitMix64: any seed will do. */
static uint64_t next_word(uint64_t *state)
{
    uint64_t word = *state += UINT64_C(0x9e3779b97f4a7c15);

    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

int main(int argc, char **argv)
{
    static uint8_t data[BYTES_MAX];
    uint64_t runs;
    uint64_t state;

    if (argc != 3) {
        fprintf(stderr, "usage: %s RUNS SEED\n", argv[0]);
        return 2;
    }
    runs = strtoull(argv[1], NULL, 0);
    state = strtoull(argv[2], NULL, 0);
    for (uint64_t run = 0; run < runs; run++) {
        size_t size = next_word(&state) % (BYTES_MAX + 1);

        for (size_t i = 0; i < size; i++) {
            data[i] = (uint8_t)next_word(&state);
        }
        (void)LLVMFuzzerTestOneInput(data, size);
        if (run % 1000 == 999) {
            fprintf(stderr, "%s: %llu of %llu inputs\n", argv[0], (unsigned long long)run + 1,
                    (unsigned long long)runs);
        }
    }
    return 0;
}
