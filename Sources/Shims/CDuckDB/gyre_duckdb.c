// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "gyre_duckdb.h"
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void *handle;
typedef uint64_t idx_t;

// The layout of duckdb_result has been stable since 0.x: six words, only `internal_data` is used.
typedef struct {
    idx_t deprecated_column_count;
    idx_t deprecated_row_count;
    idx_t deprecated_rows_changed;
    void *deprecated_columns;
    char *deprecated_error_message;
    void *internal_data;
} duckdb_result;

typedef union {
    struct { uint32_t length; char prefix[4]; char *pointer; } far;
    struct { uint32_t length; char inlined[12]; } near;
} duckdb_string;

enum {
    type_boolean = 1, type_tinyint = 2, type_smallint = 3, type_integer = 4, type_bigint = 5, type_utinyint = 6,
    type_usmallint = 7, type_uinteger = 8, type_ubigint = 9, type_float = 10, type_double = 11, type_varchar = 17
};

struct gyre_duckdb_library {
    int (*open)(const char *, handle *);
    void (*close)(handle *);
    int (*connect)(handle, handle *);
    void (*disconnect)(handle *);
    void (*interrupt)(handle);
    const char *(*library_version)(void);
    int (*prepare)(handle, const char *, handle *);
    void (*destroy_prepare)(handle *);
    const char *(*prepare_error)(handle);
    int (*bind_null)(handle, idx_t);
    int (*bind_boolean)(handle, idx_t, bool);
    int (*bind_int64)(handle, idx_t, int64_t);
    int (*bind_double)(handle, idx_t, double);
    int (*bind_varchar_length)(handle, idx_t, const char *, idx_t);
    int (*execute_prepared)(handle, duckdb_result *);
    void (*destroy_result)(duckdb_result *);
    const char *(*result_error)(duckdb_result *);
    idx_t (*column_count)(duckdb_result *);
    const char *(*column_name)(duckdb_result *, idx_t);
    int (*column_type)(duckdb_result *, idx_t);
    handle (*fetch_chunk)(duckdb_result);
    void (*destroy_data_chunk)(handle *);
    idx_t (*data_chunk_get_size)(handle);
    handle (*data_chunk_get_vector)(handle, idx_t);
    void *(*vector_get_data)(handle);
    uint64_t *(*vector_get_validity)(handle);
    int (*execute_prepared_streaming)(handle, duckdb_result *);
    int (*appender_create)(handle, const char *, const char *, handle *);
    const char *(*appender_error)(handle);
    int (*appender_destroy)(handle *);
    int (*append_data_chunk)(handle, handle);
    handle (*create_logical_type)(int);
    handle (*create_list_type)(handle);
    void (*destroy_logical_type)(handle *);
    handle (*create_data_chunk)(handle *, idx_t);
    void (*data_chunk_set_size)(handle, idx_t);
    void (*data_chunk_reset)(handle);
    void (*assign_text)(handle, idx_t, const char *, idx_t);
    handle (*list_get_child)(handle);
    int (*list_reserve)(handle, idx_t);
    int (*list_set_size)(handle, idx_t);
    idx_t (*vector_size)(void);
};

struct gyre_duckdb_session { gyre_duckdb_library *library; handle database; handle connection; };

struct gyre_duckdb_result {
    gyre_duckdb_library *library;
    handle statement;
    duckdb_result result;
    handle chunk;
    idx_t size, row;
};

// Lets go of the pages of the object that holds `address` which are as the file has them; who needs one reads it again.
static int let_go(struct dl_phdr_info *object, size_t size, void *address) {
    (void)size;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), wanted = (uintptr_t)address;
    int is_it = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int index = 0; index < object->dlpi_phnum; index++) {
            const ElfW(Phdr) *part = &object->dlpi_phdr[index];
            if (part->p_type != PT_LOAD) continue;
            uintptr_t start = object->dlpi_addr + part->p_vaddr, end = start + part->p_memsz;
            if (pass == 0) is_it |= wanted >= start && wanted < end;
            // A part that may be written holds what is in no file.
            else if (!(part->p_flags & PF_W)) madvise((void *)(start & ~(page - 1)), ((end + page - 1) & ~(page - 1)) - (start & ~(page - 1)), MADV_DONTNEED);
        }
        if (!is_it) return 0;
    }
    return 1;
}

void gyre_duckdb_rest(gyre_duckdb_library *library) { dl_iterate_phdr(let_go, *(void **)&library->open); }

static void say(char *error, size_t size, const char *text) { snprintf(error, size, "%s", text ? text : "no message"); }

gyre_duckdb_library *gyre_duckdb_load(const char *path, const char *companion, char *error, size_t error_size) {
    if (companion && !dlopen(companion, RTLD_NOW | RTLD_GLOBAL)) return say(error, error_size, dlerror()), NULL;
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!file) return say(error, error_size, dlerror()), NULL;
    gyre_duckdb_library *library = calloc(1, sizeof *library);
    if (!library) return say(error, error_size, "out of memory"), NULL;
#define FIND(field, symbol)                                                                                            \
    if (!(*(void **)&library->field = dlsym(file, "duckdb_" symbol)))                                                 \
        return snprintf(error, error_size, "the library has no function duckdb_%s", symbol), free(library), NULL;
    FIND(open, "open") FIND(close, "close") FIND(connect, "connect") FIND(disconnect, "disconnect")
    FIND(interrupt, "interrupt") FIND(library_version, "library_version") FIND(prepare, "prepare")
    FIND(destroy_prepare, "destroy_prepare") FIND(prepare_error, "prepare_error") FIND(bind_null, "bind_null")
    FIND(bind_boolean, "bind_boolean") FIND(bind_int64, "bind_int64") FIND(bind_double, "bind_double")
    FIND(bind_varchar_length, "bind_varchar_length") FIND(execute_prepared, "execute_prepared")
    FIND(destroy_result, "destroy_result") FIND(result_error, "result_error") FIND(column_count, "column_count")
    FIND(column_name, "column_name") FIND(column_type, "column_type") FIND(fetch_chunk, "fetch_chunk")
    FIND(destroy_data_chunk, "destroy_data_chunk") FIND(data_chunk_get_size, "data_chunk_get_size")
    FIND(data_chunk_get_vector, "data_chunk_get_vector") FIND(vector_get_data, "vector_get_data")
    FIND(vector_get_validity, "vector_get_validity")
    FIND(execute_prepared_streaming, "execute_prepared_streaming") FIND(appender_create, "appender_create")
    FIND(appender_error, "appender_error") FIND(appender_destroy, "appender_destroy")
    FIND(append_data_chunk, "append_data_chunk") FIND(create_logical_type, "create_logical_type")
    FIND(create_list_type, "create_list_type") FIND(destroy_logical_type, "destroy_logical_type")
    FIND(create_data_chunk, "create_data_chunk") FIND(data_chunk_set_size, "data_chunk_set_size")
    FIND(data_chunk_reset, "data_chunk_reset") FIND(assign_text, "vector_assign_string_element_len")
    FIND(list_get_child, "list_vector_get_child") FIND(list_reserve, "list_vector_reserve")
    FIND(list_set_size, "list_vector_set_size") FIND(vector_size, "vector_size")
#undef FIND
    return library;
}

const char *gyre_duckdb_version(gyre_duckdb_library *library) { return library->library_version(); }

gyre_duckdb_session *gyre_duckdb_open(gyre_duckdb_library *library, char *error, size_t error_size) {
    gyre_duckdb_session *session = calloc(1, sizeof *session);
    if (!session) return say(error, error_size, "out of memory"), NULL;
    session->library = library;
    if (library->open(NULL, &session->database) || library->connect(session->database, &session->connection)) {
        say(error, error_size, "the database in memory could not be opened");
        gyre_duckdb_close(session);
        return NULL;
    }
    return session;
}

void gyre_duckdb_close(gyre_duckdb_session *session) {
    if (session->connection) session->library->disconnect(&session->connection);
    if (session->database) session->library->close(&session->database);
    free(session);
}

void gyre_duckdb_interrupt(gyre_duckdb_session *session) { session->library->interrupt(session->connection); }

static int bind(gyre_duckdb_library *library, handle statement, idx_t index, const gyre_duckdb_value *value) {
    switch (value->kind) {
    case gyre_duckdb_null: return library->bind_null(statement, index);
    case gyre_duckdb_bool: return library->bind_boolean(statement, index, value->integer != 0);
    case gyre_duckdb_int: return library->bind_int64(statement, index, value->integer);
    case gyre_duckdb_double: return library->bind_double(statement, index, value->number);
    case gyre_duckdb_text: return library->bind_varchar_length(statement, index, value->text, value->length);
    }
    return 1;
}

gyre_duckdb_result *gyre_duckdb_run(gyre_duckdb_session *session, const char *sql, const gyre_duckdb_value *values,
                                    size_t count, char *error, size_t error_size) {
    gyre_duckdb_library *library = session->library;
    gyre_duckdb_result *result = calloc(1, sizeof *result);
    if (!result) return say(error, error_size, "out of memory"), NULL;
    result->library = library;
    if (library->prepare(session->connection, sql, &result->statement)) {
        say(error, error_size, library->prepare_error(result->statement));
        gyre_duckdb_result_free(result);
        return NULL;
    }
    for (size_t index = 0; index < count; index++) {
        if (bind(library, result->statement, index + 1, &values[index])) {
            say(error, error_size, "a value could not be bound");
            gyre_duckdb_result_free(result);
            return NULL;
        }
    }
    if (library->execute_prepared(result->statement, &result->result)) {
        say(error, error_size, library->result_error(&result->result));
        gyre_duckdb_result_free(result);
        return NULL;
    }
    return result;
}

void gyre_duckdb_result_free(gyre_duckdb_result *result) {
    if (result->chunk) result->library->destroy_data_chunk(&result->chunk);
    result->library->destroy_result(&result->result);
    if (result->statement) result->library->destroy_prepare(&result->statement);
    free(result);
}

size_t gyre_duckdb_columns(gyre_duckdb_result *result) { return result->library->column_count(&result->result); }

const char *gyre_duckdb_column_name(gyre_duckdb_result *result, size_t column) {
    return result->library->column_name(&result->result, column);
}

bool gyre_duckdb_next(gyre_duckdb_result *result) {
    gyre_duckdb_library *library = result->library;
    if (result->chunk && ++result->row < result->size) return true;
    do {
        if (result->chunk) library->destroy_data_chunk(&result->chunk);
        result->chunk = library->fetch_chunk(result->result);
        if (!result->chunk) return false;
        result->size = library->data_chunk_get_size(result->chunk);
        result->row = 0;
    } while (result->size == 0);
    return true;
}

gyre_duckdb_value gyre_duckdb_get(gyre_duckdb_result *result, size_t column, bool *supported) {
    gyre_duckdb_library *library = result->library;
    gyre_duckdb_value value = {.kind = gyre_duckdb_null};
    handle vector = library->data_chunk_get_vector(result->chunk, column);
    uint64_t *validity = library->vector_get_validity(vector);
    idx_t row = result->row;
    *supported = true;
    if (validity && !(validity[row / 64] >> (row % 64) & 1)) return value;
    void *data = library->vector_get_data(vector);
#define INTEGER(type) value.kind = gyre_duckdb_int, value.integer = (int64_t)((type *)data)[row]
    switch (library->column_type(&result->result, column)) {
    case type_boolean: value.kind = gyre_duckdb_bool, value.integer = ((bool *)data)[row]; break;
    case type_tinyint: INTEGER(int8_t); break;
    case type_smallint: INTEGER(int16_t); break;
    case type_integer: INTEGER(int32_t); break;
    case type_bigint: INTEGER(int64_t); break;
    case type_utinyint: INTEGER(uint8_t); break;
    case type_usmallint: INTEGER(uint16_t); break;
    case type_uinteger: INTEGER(uint32_t); break;
    case type_ubigint: INTEGER(uint64_t); break;
    case type_float: value.kind = gyre_duckdb_double, value.number = ((float *)data)[row]; break;
    case type_double: value.kind = gyre_duckdb_double, value.number = ((double *)data)[row]; break;
    case type_varchar: {
        duckdb_string *text = &((duckdb_string *)data)[row];
        value.kind = gyre_duckdb_text;
        value.length = text->near.length;
        value.text = text->near.length <= 12 ? text->near.inlined : text->far.pointer;
        break;
    }
    default: *supported = false;
    }
#undef INTEGER
    return value;
}

// MARK: Columns

struct gyre_duckdb_scan {
    gyre_duckdb_library *library;
    handle connection, statement, chunk;
    duckdb_result result;
    idx_t size;
};

gyre_duckdb_scan *gyre_duckdb_scan_open(gyre_duckdb_session *session, const char *sql, char *error, size_t error_size) {
    gyre_duckdb_library *library = session->library;
    gyre_duckdb_scan *scan = calloc(1, sizeof *scan);
    if (!scan) return say(error, error_size, "out of memory"), NULL;
    scan->library = library;
    if (library->connect(session->database, &scan->connection)) {
        say(error, error_size, "no further connection could be opened");
    } else if (library->prepare(scan->connection, sql, &scan->statement)) {
        say(error, error_size, library->prepare_error(scan->statement));
    } else if (library->execute_prepared_streaming(scan->statement, &scan->result)) {
        say(error, error_size, library->result_error(&scan->result));
    } else {
        return scan;
    }
    gyre_duckdb_scan_free(scan);
    return NULL;
}

void gyre_duckdb_scan_free(gyre_duckdb_scan *scan) {
    gyre_duckdb_library *library = scan->library;
    if (scan->chunk) library->destroy_data_chunk(&scan->chunk);
    library->destroy_result(&scan->result);
    if (scan->statement) library->destroy_prepare(&scan->statement);
    if (scan->connection) library->disconnect(&scan->connection);
    free(scan);
}

size_t gyre_duckdb_scan_columns(gyre_duckdb_scan *scan) { return scan->library->column_count(&scan->result); }

const char *gyre_duckdb_scan_column_name(gyre_duckdb_scan *scan, size_t column) {
    return scan->library->column_name(&scan->result, column);
}

gyre_duckdb_kind gyre_duckdb_scan_kind(gyre_duckdb_scan *scan, size_t column) {
    switch (scan->library->column_type(&scan->result, column)) {
    case type_boolean: return gyre_duckdb_bool;
    case type_tinyint: case type_smallint: case type_integer: case type_bigint: case type_utinyint: case type_usmallint:
    case type_uinteger: return gyre_duckdb_int;
    case type_float: case type_double: return gyre_duckdb_double;
    case type_varchar: return gyre_duckdb_text;
    default: return gyre_duckdb_null;
    }
}

int64_t gyre_duckdb_scan_next(gyre_duckdb_scan *scan, char *error, size_t error_size) {
    do {
        if (scan->chunk) scan->library->destroy_data_chunk(&scan->chunk);
        scan->chunk = scan->library->fetch_chunk(scan->result);
        if (!scan->chunk) {
            const char *problem = scan->library->result_error(&scan->result);
            return problem && *problem ? (say(error, error_size, problem), -1) : 0;
        }
        scan->size = scan->library->data_chunk_get_size(scan->chunk);
    } while (scan->size == 0);
    return (int64_t)scan->size;
}

static bool is_missing(const uint64_t *validity, idx_t row) { return validity && !(validity[row / 64] >> (row % 64) & 1); }

bool gyre_duckdb_scan_numbers(gyre_duckdb_scan *scan, size_t column, double *to) {
    handle vector = scan->library->data_chunk_get_vector(scan->chunk, column);
    const uint64_t *validity = scan->library->vector_get_validity(vector);
    const void *data = scan->library->vector_get_data(vector);
    if (scan->library->column_type(&scan->result, column) == type_float) {
        for (idx_t row = 0; row < scan->size; row++) to[row] = ((const float *)data)[row];
    } else {
        memcpy(to, data, scan->size * sizeof *to);
    }
    bool any = false;
    for (idx_t row = 0; validity && row < scan->size; row++)
        if (is_missing(validity, row)) to[row] = __builtin_nan(""), any = true;
    return any;
}

bool gyre_duckdb_scan_integers(gyre_duckdb_scan *scan, size_t column, int64_t *to, uint8_t *missing) {
    handle vector = scan->library->data_chunk_get_vector(scan->chunk, column);
    const uint64_t *validity = scan->library->vector_get_validity(vector);
    const void *data = scan->library->vector_get_data(vector);
#define COPY(type) for (idx_t row = 0; row < scan->size; row++) to[row] = ((const type *)data)[row]; break
    switch (scan->library->column_type(&scan->result, column)) {
    case type_boolean: COPY(uint8_t);
    case type_tinyint: COPY(int8_t);
    case type_smallint: COPY(int16_t);
    case type_integer: COPY(int32_t);
    case type_bigint: COPY(int64_t);
    case type_utinyint: COPY(uint8_t);
    case type_usmallint: COPY(uint16_t);
    case type_uinteger: COPY(uint32_t);
    }
#undef COPY
    bool any = false;
    for (idx_t row = 0; validity && row < scan->size; row++)
        if (is_missing(validity, row)) to[row] = 0, missing[row] = 1, any = true;
    return any;
}

const char *gyre_duckdb_scan_text(gyre_duckdb_scan *scan, size_t column, size_t row, size_t *length) {
    handle vector = scan->library->data_chunk_get_vector(scan->chunk, column);
    if (is_missing(scan->library->vector_get_validity(vector), row)) return NULL;
    duckdb_string *text = &((duckdb_string *)scan->library->vector_get_data(vector))[row];
    *length = text->near.length;
    return text->near.length <= 12 ? text->near.inlined : text->far.pointer;
}

static handle column_type(gyre_duckdb_library *library, const gyre_duckdb_column *column) {
    int type = column->kind == gyre_duckdb_bool ? type_boolean : column->kind == gyre_duckdb_int ? type_bigint
        : column->kind == gyre_duckdb_double ? type_double : type_varchar;
    handle element = library->create_logical_type(type);
    if (column->width == 0) return element;
    handle list = library->create_list_type(element);
    library->destroy_logical_type(&element);
    return list;
}

// Copies `count` values from `start` on into a vector.
static void fill(gyre_duckdb_library *library, handle vector, const gyre_duckdb_column *column, size_t start, size_t count) {
    void *data = library->vector_get_data(vector);
    switch (column->kind) {
    case gyre_duckdb_bool: memcpy(data, (const uint8_t *)column->values + start, count); break;
    case gyre_duckdb_int: memcpy(data, (const int64_t *)column->values + start, count * sizeof(int64_t)); break;
    case gyre_duckdb_double: memcpy(data, (const double *)column->values + start, count * sizeof(double)); break;
    default:
        for (size_t index = 0; index < count; index++) {
            uint64_t begin = start + index ? column->ends[start + index - 1] : 0;
            library->assign_text(vector, index, (const char *)column->values + begin, column->ends[start + index] - begin);
        }
    }
}

static bool fill_rows(gyre_duckdb_library *library, handle vector, const gyre_duckdb_column *column, size_t start, size_t rows) {
    size_t width = column->width;
    if (width == 0) return fill(library, vector, column, start, rows), true;
    if (library->list_reserve(vector, rows * width) || library->list_set_size(vector, rows * width)) return false;
    struct { uint64_t offset, length; } *entries = library->vector_get_data(vector);
    for (size_t row = 0; row < rows; row++) entries[row].offset = row * width, entries[row].length = width;
    fill(library, library->list_get_child(vector), column, start * width, rows * width);
    return true;
}

bool gyre_duckdb_append(gyre_duckdb_session *session, const char *table, const gyre_duckdb_column *columns, size_t count,
                        size_t rows, char *error, size_t error_size) {
    gyre_duckdb_library *library = session->library;
    handle types[count + 1], appender = NULL, chunk;
    for (size_t index = 0; index < count; index++) types[index] = column_type(library, &columns[index]);
    chunk = library->create_data_chunk(types, count);
    bool ok = chunk && !library->appender_create(session->connection, NULL, table, &appender);
    size_t most = library->vector_size();
    for (size_t start = 0; ok && start < rows; start += most) {
        size_t part = rows - start < most ? rows - start : most;
        library->data_chunk_reset(chunk);
        for (size_t index = 0; ok && index < count; index++)
            ok = fill_rows(library, library->data_chunk_get_vector(chunk, index), &columns[index], start, part);
        library->data_chunk_set_size(chunk, part);
        ok = ok && !library->append_data_chunk(appender, chunk);
    }
    if (!ok) say(error, error_size, appender ? library->appender_error(appender) : "rows cannot be added to the table");
    // What is still to be written is written here.
    if (appender && library->appender_destroy(&appender) && ok) ok = (say(error, error_size, "rows could not be added to the table"), false);
    if (chunk) library->destroy_data_chunk(&chunk);
    for (size_t index = 0; index < count; index++) library->destroy_logical_type(&types[index]);
    return ok;
}
