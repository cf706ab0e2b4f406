// SPDX-License-Identifier: Apache-2.0
// What ONNX Runtime takes for one row when nothing stands around it: one thread, buffers bound once. Prints microseconds of CPU a run.
// onnx_floor LIBRARY MODEL COLUMNS
// The functions are entries of the table that ONNX Runtime hands out, which only ever grows at its end.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const void *const *table;
#define ENTRY(place, result, parameters) ((result(*) parameters)table[place])

static void check(void *status) {
    if (!status) return;
    fprintf(stderr, "%s\n", ENTRY(2, const char *, (void *))(status));
    exit(1);
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

int main(int count, char **words) {
    if (count != 4) return 2;
    void *library = dlopen(words[1], RTLD_NOW);
    if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
    struct base {
        const void *const *(*table)(uint32_t);
    };
    table = ((const struct base *(*)(void))dlsym(library, "OrtGetApiBase"))()->table(17);
    void *environment, *options, *session, *memory, *input, *output = NULL;
    int64_t columns = atol(words[3]), shape[2] = {1, columns};
    check(ENTRY(3, void *, (int, const char *, void **))(3, "floor", &environment));
    check(ENTRY(10, void *, (void **))(&options));
    check(ENTRY(24, void *, (void *, int))(options, 1));
    check(ENTRY(7, void *, (void *, const char *, void *, void **))(environment, words[2], options, &session));
    check(ENTRY(69, void *, (int, int, void **))(1, 0, &memory));
    float *row = malloc(sizeof(float) * columns);
    for (int64_t index = 0; index < columns; index++) row[index] = (float)index;
    check(ENTRY(49, void *, (void *, void *, size_t, const int64_t *, size_t, int, void **))(
        memory, row, sizeof(float) * columns, shape, 2, 1, &input));
    const char *taken[] = {"X"}, *given[] = {"probabilities"};
    void *(*run)(void *, void *, const char *const *, void *const *, size_t, const char *const *, size_t, void **) =
        (void *)table[9];
    for (int index = 0; index < 1000; index++) check(run(session, NULL, taken, &input, 1, given, 1, &output));
    double began = seconds(), took;
    long runs = 0;
    do {
        for (int index = 0; index < 100; index++) check(run(session, NULL, taken, &input, 1, given, 1, &output));
        runs += 100;
    } while ((took = seconds() - began) < 1.5);
    printf("%.3f\n", took / runs * 1e6);
    return 0;
}
