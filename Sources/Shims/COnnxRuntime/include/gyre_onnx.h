// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_ONNX_H
#define GYRE_ONNX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ONNX Runtime's C ABI, opened at run time. A session may be run from many threads at once.
// Errors are text in `error`, which the caller provides and which is always terminated.

typedef struct gyre_onnx_runtime gyre_onnx_runtime;
typedef struct gyre_onnx_session gyre_onnx_session;

#define GYRE_ONNX_MAX_RANK 16
#define GYRE_ONNX_MAX_PORTS 256

// One input or output as the model declares it. `element` is ONNX's own number of the type; 0 where the port is neither a tensor nor
// a sequence of maps of numbers, which is told as rows of them.
// A dimension that may vary is -1.
typedef struct {
    const char *name;
    int element;
    size_t rank;
    int64_t shape[GYRE_ONNX_MAX_RANK];
} gyre_onnx_port;

// A tensor in memory. Numbers lie in `data`, little-endian and row-major. Texts lie in `data` one after another without
// separators, with `count` starts in `offsets`.
typedef struct {
    int element;
    size_t rank;
    int64_t shape[GYRE_ONNX_MAX_RANK];
    size_t count;
    void *data;
    size_t bytes;
    size_t *offsets;
} gyre_onnx_tensor;

// Told of each line that ONNX Runtime has to say, from any thread: `severity` is 0 verbose, 1 information, 2 warning, 3 error, 4 fatal;
// `model` is the name that a session was opened with, empty for what belongs to none.
typedef void (*gyre_onnx_log)(void *context, int severity, const char *model, const char *message);

// `log` and `context` are used until the process ends.
gyre_onnx_runtime *gyre_onnx_load(const char *path, gyre_onnx_log log, void *context, char *error, size_t error_size);
const char *gyre_onnx_version(gyre_onnx_runtime *runtime);

// `name`: of the model, for the log. `optimization`: 0 for none, 1 basic, 2 extended, 99 all. `has_arena`: whether the session keeps memory of its own between runs, a megabyte at least.
gyre_onnx_session *gyre_onnx_open(gyre_onnx_runtime *runtime, const char *model_path, const char *name, int threads, int optimization, bool has_arena,
                                  char *error, size_t error_size);
void gyre_onnx_close(gyre_onnx_session *session);
size_t gyre_onnx_input_count(gyre_onnx_session *session);
size_t gyre_onnx_output_count(gyre_onnx_session *session);
gyre_onnx_port gyre_onnx_input(gyre_onnx_session *session, size_t index);
gyre_onnx_port gyre_onnx_output(gyre_onnx_session *session, size_t index);

// Runs the model. `inputs` are in the order of the model's inputs; `wanted` are indices of outputs. On success each of
// `outputs` owns its `data` and `offsets`, to be freed by gyre_onnx_tensor_free. Returns ONNX Runtime's error code, 0 for success.
int gyre_onnx_run(gyre_onnx_session *session, const gyre_onnx_tensor *inputs, size_t input_count, const size_t *wanted,
                  size_t wanted_count, gyre_onnx_tensor *outputs, char *error, size_t error_size);
void gyre_onnx_tensor_free(gyre_onnx_tensor *tensor);

#endif
