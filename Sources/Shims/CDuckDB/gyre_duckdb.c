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
