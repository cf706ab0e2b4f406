// SPDX-License-Identifier: Apache-2.0
#include "gyre_onnx.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *handle;
typedef handle status;  // null means success

// The API is a table of function pointers that only grows; these are the slots used, all of them present since API version 16.
enum {
    slot_get_error_code = 1, slot_get_error_message = 2, slot_create_env = 4, slot_create_session = 7, slot_run = 9,
    slot_create_session_options = 10, slot_disable_arena = 19, slot_set_log_id = 20, slot_set_optimization = 23, slot_set_intra_threads = 24, slot_set_inter_threads = 25,
    slot_input_count = 30, slot_output_count = 31, slot_input_type = 33, slot_output_type = 34, slot_input_name = 36,
    slot_output_name = 37, slot_create_tensor = 48, slot_create_tensor_with_data = 49, slot_is_tensor = 50,
    slot_tensor_data = 51, slot_strings_length = 53, slot_strings_content = 54,
    slot_cast_tensor_info = 55, slot_value_type = 67, slot_value_at = 80, slot_value_count = 81, slot_cast_map_info = 103,
    slot_cast_sequence_info = 104, slot_map_value_type = 106, slot_sequence_element_type = 107, slot_element_type = 60, slot_dimension_count = 61, slot_dimensions = 62,
    slot_element_count = 64, slot_type_and_shape = 65, slot_cpu_memory_info = 69, slot_allocator_free = 76,
    slot_default_allocator = 78, slot_release_env = 92, slot_release_status = 93, slot_release_memory_info = 94,
    slot_release_session = 95, slot_release_value = 96, slot_release_type_info = 98, slot_release_shape_info = 99,
    slot_release_session_options = 100, slot_add_config_entry = 130, slot_string_buffer = 252
};
enum { api_version = 16, element_string = 8 };
static const char environment_name[] = "gyre";

typedef struct { void *(*get_api)(uint32_t); const char *(*version)(void); } api_base;

struct gyre_onnx_runtime { void **api; const char *version; handle env; handle memory; handle allocator; gyre_onnx_log log; void *context; };

struct gyre_onnx_session {
    gyre_onnx_runtime *runtime;
    handle session;
    size_t input_count, output_count;
    gyre_onnx_port *inputs, *outputs;
    const char **input_names, **output_names;
};

#define CALL(runtime, slot, signature) ((status(*) signature)(runtime)->api[slot])
#define RELEASE(runtime, slot, object) ((void (*)(handle))(runtime)->api[slot])(object)

// Takes the message out of a status and releases it; returns its code, 0 for success.
static int settle(gyre_onnx_runtime *runtime, status failed, char *error, size_t error_size) {
    if (!failed) return 0;
    int code = ((int (*)(status))runtime->api[slot_get_error_code])(failed);
    snprintf(error, error_size, "%s", ((const char *(*)(status))runtime->api[slot_get_error_message])(failed));
    RELEASE(runtime, slot_release_status, failed);
    return code ? code : 1;
}

// What ONNX Runtime says, under the name of the session that says it.
static void take_line(void *owner, int severity, const char *category, const char *name, const char *place, const char *message) {
    gyre_onnx_runtime *runtime = owner;
    (void)category, (void)place;
    runtime->log(runtime->context, severity, name && strcmp(name, environment_name) ? name : "", message ? message : "");
}

gyre_onnx_runtime *gyre_onnx_load(const char *path, gyre_onnx_log log, void *context, char *error, size_t error_size) {
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!file) return snprintf(error, error_size, "%s", dlerror()), NULL;
    const api_base *(*get_base)(void);
    *(void **)&get_base = dlsym(file, "OrtGetApiBase");
    if (!get_base) return snprintf(error, error_size, "the library has no function OrtGetApiBase"), NULL;
    gyre_onnx_runtime *runtime = calloc(1, sizeof *runtime);
    if (!runtime) return snprintf(error, error_size, "out of memory"), NULL;
    runtime->version = get_base()->version();
    runtime->api = get_base()->get_api(api_version);
    if (!runtime->api) {
        snprintf(error, error_size, "ONNX Runtime %s is older than 1.%d", runtime->version, api_version);
        free(runtime);
        return NULL;
    }
    runtime->log = log, runtime->context = context;
    // Warnings and what is worse.
    if (settle(runtime, CALL(runtime, slot_create_env, (void (*)(void *, int, const char *, const char *, const char *, const char *), void *, int, const char *, handle *))(
            take_line, runtime, 2, environment_name, &runtime->env), error, error_size) ||
        settle(runtime, CALL(runtime, slot_cpu_memory_info, (int, int, handle *))(1, 0, &runtime->memory), error, error_size) ||
        settle(runtime, CALL(runtime, slot_default_allocator, (handle *))(&runtime->allocator), error, error_size)) {
        free(runtime);
        return NULL;
    }
    return runtime;
}

const char *gyre_onnx_version(gyre_onnx_runtime *runtime) { return runtime->version; }

// A sequence of maps of numbers, as scikit-learn's classifiers give their probabilities, is told as rows of those numbers.
static int read_maps_port(gyre_onnx_runtime *runtime, handle type, gyre_onnx_port *port, char *error, size_t error_size) {
    handle sequence = NULL, element = NULL, map = NULL, value = NULL, tensor = NULL;
    int code = settle(runtime, CALL(runtime, slot_cast_sequence_info, (handle, handle *))(type, &sequence), error, error_size);
    if (code || !sequence) return code;
    code = settle(runtime, CALL(runtime, slot_sequence_element_type, (handle, handle *))(sequence, &element), error, error_size);
    if (!code && element) code = settle(runtime, CALL(runtime, slot_cast_map_info, (handle, handle *))(element, &map), error, error_size);
    if (!code && map) code = settle(runtime, CALL(runtime, slot_map_value_type, (handle, handle *))(map, &value), error, error_size);
    if (!code && value) code = settle(runtime, CALL(runtime, slot_cast_tensor_info, (handle, handle *))(value, &tensor), error, error_size);
    if (!code && tensor) code = settle(runtime, CALL(runtime, slot_element_type, (handle, int *))(tensor, &port->element), error, error_size);
    if (!code && tensor) port->rank = 2, port->shape[0] = port->shape[1] = -1;
    if (value) RELEASE(runtime, slot_release_type_info, value);
    if (element) RELEASE(runtime, slot_release_type_info, element);
    return code;
}

static int read_port(gyre_onnx_session *session, size_t index, int type_slot, int name_slot, gyre_onnx_port *port,
                     char *error, size_t error_size) {
    gyre_onnx_runtime *runtime = session->runtime;
    handle type = NULL, info = NULL;
    char *name = NULL;
    int code = settle(runtime, CALL(runtime, name_slot, (handle, size_t, handle, char **))(session->session, index, runtime->allocator, &name), error, error_size);
    if (code) return code;
    port->name = strdup(name);
    CALL(runtime, slot_allocator_free, (handle, void *))(runtime->allocator, name);
    code = settle(runtime, CALL(runtime, type_slot, (handle, size_t, handle *))(session->session, index, &type), error, error_size);
    if (code) return code;
    code = settle(runtime, CALL(runtime, slot_cast_tensor_info, (handle, handle *))(type, &info), error, error_size);
    if (!code && info) {
        code = settle(runtime, CALL(runtime, slot_element_type, (handle, int *))(info, &port->element), error, error_size);
        if (!code) code = settle(runtime, CALL(runtime, slot_dimension_count, (handle, size_t *))(info, &port->rank), error, error_size);
        if (!code && port->rank > GYRE_ONNX_MAX_RANK) code = (snprintf(error, error_size, "a port has more than %d dimensions", GYRE_ONNX_MAX_RANK), 1);
        if (!code) code = settle(runtime, CALL(runtime, slot_dimensions, (handle, int64_t *, size_t))(info, port->shape, port->rank), error, error_size);
    } else if (!code) {
        code = read_maps_port(runtime, type, port, error, error_size);
    }
    RELEASE(runtime, slot_release_type_info, type);
    return code;
}

static int read_ports(gyre_onnx_session *session, int count_slot, int type_slot, int name_slot, size_t *count,
                      gyre_onnx_port **ports, const char ***names, char *error, size_t error_size) {
    gyre_onnx_runtime *runtime = session->runtime;
    int code = settle(runtime, CALL(runtime, count_slot, (handle, size_t *))(session->session, count), error, error_size);
    if (code) return code;
    if (*count > GYRE_ONNX_MAX_PORTS) return snprintf(error, error_size, "the model has more than %d inputs or outputs", GYRE_ONNX_MAX_PORTS), 1;
    *ports = calloc(*count + 1, sizeof **ports);
    *names = calloc(*count + 1, sizeof **names);
    for (size_t index = 0; index < *count && !code; index++) {
        code = read_port(session, index, type_slot, name_slot, &(*ports)[index], error, error_size);
        (*names)[index] = (*ports)[index].name;
    }
    return code;
}

gyre_onnx_session *gyre_onnx_open(gyre_onnx_runtime *runtime, const char *model_path, const char *name, int threads, int optimization, bool has_arena,
                                  char *error, size_t error_size) {
    handle options = NULL;
    if (settle(runtime, CALL(runtime, slot_create_session_options, (handle *))(&options), error, error_size)) return NULL;
    gyre_onnx_session *session = calloc(1, sizeof *session);
    session->runtime = runtime;
    int code = settle(runtime, CALL(runtime, slot_set_optimization, (handle, int))(options, optimization), error, error_size);
    if (!code) code = settle(runtime, CALL(runtime, slot_set_log_id, (handle, const char *))(options, name), error, error_size);
    if (!code && !has_arena) code = settle(runtime, CALL(runtime, slot_disable_arena, (handle))(options), error, error_size);
    if (!code) code = settle(runtime, CALL(runtime, slot_set_intra_threads, (handle, int))(options, threads), error, error_size);
    if (!code) code = settle(runtime, CALL(runtime, slot_set_inter_threads, (handle, int))(options, 1), error, error_size);
    if (!code) code = settle(runtime, CALL(runtime, slot_add_config_entry, (handle, const char *, const char *))(options, "session.intra_op.allow_spinning", "0"), error, error_size);
    if (!code) code = settle(runtime, CALL(runtime, slot_create_session, (handle, const char *, handle, handle *))(runtime->env, model_path, options, &session->session), error, error_size);
    RELEASE(runtime, slot_release_session_options, options);
    if (!code) code = read_ports(session, slot_input_count, slot_input_type, slot_input_name, &session->input_count, &session->inputs, &session->input_names, error, error_size);
    if (!code) code = read_ports(session, slot_output_count, slot_output_type, slot_output_name, &session->output_count, &session->outputs, &session->output_names, error, error_size);
    if (!code) return session;
    gyre_onnx_close(session);
    return NULL;
}

void gyre_onnx_close(gyre_onnx_session *session) {
    if (session->session) RELEASE(session->runtime, slot_release_session, session->session);
    for (size_t index = 0; session->inputs && index < session->input_count; index++) free((void *)session->inputs[index].name);
    for (size_t index = 0; session->outputs && index < session->output_count; index++) free((void *)session->outputs[index].name);
    free(session->inputs), free(session->outputs), free(session->input_names), free(session->output_names);
    free(session);
}

size_t gyre_onnx_input_count(gyre_onnx_session *session) { return session->input_count; }
size_t gyre_onnx_output_count(gyre_onnx_session *session) { return session->output_count; }
gyre_onnx_port gyre_onnx_input(gyre_onnx_session *session, size_t index) { return session->inputs[index]; }
gyre_onnx_port gyre_onnx_output(gyre_onnx_session *session, size_t index) { return session->outputs[index]; }

static int make_value(gyre_onnx_runtime *runtime, const gyre_onnx_tensor *tensor, handle *value, char *error, size_t error_size) {
    if (tensor->element != element_string)
        return settle(runtime, CALL(runtime, slot_create_tensor_with_data, (handle, void *, size_t, const int64_t *, size_t, int, handle *))(
            runtime->memory, tensor->data, tensor->bytes, tensor->shape, tensor->rank, tensor->element, value), error, error_size);
    int code = settle(runtime, CALL(runtime, slot_create_tensor, (handle, const int64_t *, size_t, int, handle *))(
        runtime->allocator, tensor->shape, tensor->rank, element_string, value), error, error_size);
    if (code) return code;
    // Texts lie one after another; any byte may be in them.
    for (size_t index = 0; index < tensor->count && !code; index++) {
        size_t start = tensor->offsets[index], end = index + 1 < tensor->count ? tensor->offsets[index + 1] : tensor->bytes;
        char *target = NULL;
        code = settle(runtime, CALL(runtime, slot_string_buffer, (handle, size_t, size_t, char **))(*value, index, end - start, &target), error, error_size);
        if (!code && end > start) memcpy(target, (const char *)tensor->data + start, end - start);
    }
    return code;
}

static const size_t element_sizes[17] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 0, 0, 2};

static int read_value(gyre_onnx_runtime *runtime, handle value, gyre_onnx_tensor *tensor, char *error, size_t error_size);

// Rows of numbers out of a sequence of maps, which all have the same keys; a map has its keys in order.
static int read_maps(gyre_onnx_runtime *runtime, handle sequence, gyre_onnx_tensor *tensor, char *error, size_t error_size) {
    size_t count = 0, width = 0;
    int code = settle(runtime, CALL(runtime, slot_value_count, (handle, size_t *))(sequence, &count), error, error_size);
    tensor->element = 1;
    for (size_t index = 0; index < count && !code; index++) {
        handle map = NULL, values = NULL;
        gyre_onnx_tensor row = {0};
        int type = 0;
        code = settle(runtime, CALL(runtime, slot_value_at, (handle, int, handle, handle *))(sequence, (int)index, runtime->allocator, &map), error, error_size);
        if (!code) code = settle(runtime, CALL(runtime, slot_value_type, (handle, int *))(map, &type), error, error_size);
        if (!code && type != 3) code = (snprintf(error, error_size, "an output is a sequence of something else than maps"), 9);
        if (!code) code = settle(runtime, CALL(runtime, slot_value_at, (handle, int, handle, handle *))(map, 1, runtime->allocator, &values), error, error_size);
        if (!code) code = read_value(runtime, values, &row, error, error_size);
        if (!code && (row.element == element_string || index > 0 && (row.bytes != width || row.element != tensor->element)))
            code = (snprintf(error, error_size, "the maps of an output do not have the same keys"), 9);
        if (!code && index == 0) {
            width = row.bytes;
            tensor->element = row.element;
            tensor->shape[1] = (int64_t)row.count;
            tensor->data = malloc(width * count + 1);
        }
        if (!code) memcpy((char *)tensor->data + width * index, row.data, width);
        gyre_onnx_tensor_free(&row);
        if (values) RELEASE(runtime, slot_release_value, values);
        if (map) RELEASE(runtime, slot_release_value, map);
    }
    if (!tensor->data) tensor->data = malloc(1);
    tensor->rank = 2;
    tensor->shape[0] = (int64_t)count;
    tensor->count = count * (size_t)tensor->shape[1];
    tensor->bytes = width * count;
    return code;
}

static int read_value(gyre_onnx_runtime *runtime, handle value, gyre_onnx_tensor *tensor, char *error, size_t error_size) {
    int is_tensor = 0;
    handle info = NULL;
    int code = settle(runtime, CALL(runtime, slot_is_tensor, (handle, int *))(value, &is_tensor), error, error_size);
    if (code) return code;
    if (!is_tensor) return read_maps(runtime, value, tensor, error, error_size);
    code = settle(runtime, CALL(runtime, slot_type_and_shape, (handle, handle *))(value, &info), error, error_size);
    if (code) return code;
    code = settle(runtime, CALL(runtime, slot_element_type, (handle, int *))(info, &tensor->element), error, error_size);
    if (!code) code = settle(runtime, CALL(runtime, slot_dimension_count, (handle, size_t *))(info, &tensor->rank), error, error_size);
    if (!code && tensor->rank > GYRE_ONNX_MAX_RANK) code = (snprintf(error, error_size, "an output has more than %d dimensions", GYRE_ONNX_MAX_RANK), 1);
    if (!code) code = settle(runtime, CALL(runtime, slot_dimensions, (handle, int64_t *, size_t))(info, tensor->shape, tensor->rank), error, error_size);
    if (!code) code = settle(runtime, CALL(runtime, slot_element_count, (handle, size_t *))(info, &tensor->count), error, error_size);
    RELEASE(runtime, slot_release_shape_info, info);
    if (code) return code;
    if (tensor->element == element_string) {
        code = settle(runtime, CALL(runtime, slot_strings_length, (handle, size_t *))(value, &tensor->bytes), error, error_size);
        if (code) return code;
        tensor->data = malloc(tensor->bytes + 1);
        tensor->offsets = calloc(tensor->count + 1, sizeof *tensor->offsets);
        return settle(runtime, CALL(runtime, slot_strings_content, (handle, void *, size_t, size_t *, size_t))(
            value, tensor->data, tensor->bytes, tensor->offsets, tensor->count), error, error_size);
    }
    if (tensor->element < 0 || tensor->element > 16 || !element_sizes[tensor->element])
        return snprintf(error, error_size, "an output has the element type %d, which is not served", tensor->element), 9;
    void *data = NULL;
    code = settle(runtime, CALL(runtime, slot_tensor_data, (handle, void **))(value, &data), error, error_size);
    if (code) return code;
    tensor->bytes = tensor->count * element_sizes[tensor->element];
    tensor->data = malloc(tensor->bytes + 1);
    memcpy(tensor->data, data, tensor->bytes);
    return 0;
}

int gyre_onnx_run(gyre_onnx_session *session, const gyre_onnx_tensor *inputs, size_t input_count, const size_t *wanted,
                  size_t wanted_count, gyre_onnx_tensor *outputs, char *error, size_t error_size) {
    gyre_onnx_runtime *runtime = session->runtime;
    handle in[GYRE_ONNX_MAX_PORTS] = {0}, out[GYRE_ONNX_MAX_PORTS] = {0};
    const char *names[GYRE_ONNX_MAX_PORTS];
    int code = 0;
    memset(outputs, 0, wanted_count * sizeof *outputs);
    for (size_t index = 0; index < input_count && !code; index++) code = make_value(runtime, &inputs[index], &in[index], error, error_size);
    for (size_t index = 0; index < wanted_count; index++) names[index] = session->output_names[wanted[index]];
    if (!code)
        code = settle(runtime, CALL(runtime, slot_run, (handle, handle, const char *const *, handle *, size_t, const char *const *, size_t, handle *))(
            session->session, NULL, session->input_names, in, input_count, names, wanted_count, out), error, error_size);
    for (size_t index = 0; index < wanted_count && !code; index++) code = read_value(runtime, out[index], &outputs[index], error, error_size);
    for (size_t index = 0; index < input_count; index++) if (in[index]) RELEASE(runtime, slot_release_value, in[index]);
    for (size_t index = 0; index < wanted_count; index++) {
        if (out[index]) RELEASE(runtime, slot_release_value, out[index]);
        if (code) gyre_onnx_tensor_free(&outputs[index]);
    }
    return code;
}

void gyre_onnx_tensor_free(gyre_onnx_tensor *tensor) {
    free(tensor->data), free(tensor->offsets);
    tensor->data = NULL, tensor->offsets = NULL;
}
