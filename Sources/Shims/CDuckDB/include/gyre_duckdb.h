// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_DUCKDB_H
#define GYRE_DUCKDB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// DuckDB's C API, opened at run time. Every function may be called from any thread; a connection from one thread at a time.
// Errors are text in `error`, which the caller provides and which is always terminated.

typedef struct gyre_duckdb_library gyre_duckdb_library;
typedef struct gyre_duckdb_session gyre_duckdb_session;
typedef struct gyre_duckdb_result gyre_duckdb_result;

typedef enum { gyre_duckdb_null, gyre_duckdb_bool, gyre_duckdb_int, gyre_duckdb_double, gyre_duckdb_text } gyre_duckdb_kind;

typedef struct {
    gyre_duckdb_kind kind;
    int64_t integer;
    double number;
    const char *text;
    size_t length;
} gyre_duckdb_value;

// Opens the library at `path`; `companion` (may be null) is loaded before it with its symbols made global.
gyre_duckdb_library *gyre_duckdb_load(const char *path, const char *companion, char *error, size_t error_size);
// Gives the memory back that the library itself takes while it is not used. It may be called at any time.
void gyre_duckdb_rest(gyre_duckdb_library *library);
const char *gyre_duckdb_version(gyre_duckdb_library *library);

// A database in memory with one connection.
gyre_duckdb_session *gyre_duckdb_open(gyre_duckdb_library *library, char *error, size_t error_size);
void gyre_duckdb_close(gyre_duckdb_session *session);
void gyre_duckdb_interrupt(gyre_duckdb_session *session);

// Runs one statement with bound values. Null on failure.
gyre_duckdb_result *gyre_duckdb_run(gyre_duckdb_session *session, const char *sql, const gyre_duckdb_value *values,
                                    size_t count, char *error, size_t error_size);
void gyre_duckdb_result_free(gyre_duckdb_result *result);
size_t gyre_duckdb_columns(gyre_duckdb_result *result);
const char *gyre_duckdb_column_name(gyre_duckdb_result *result, size_t column);
// Moves to the next row; false after the last one.
bool gyre_duckdb_next(gyre_duckdb_result *result);
// A value of the current row; text lives until the next row is asked for. `supported` is false for a type that is not read.
gyre_duckdb_value gyre_duckdb_get(gyre_duckdb_result *result, size_t column, bool *supported);

// A query whose rows come a part after the other, by a connection of its own; it ends with `gyre_duckdb_scan_free`. Null on failure.
typedef struct gyre_duckdb_scan gyre_duckdb_scan;
gyre_duckdb_scan *gyre_duckdb_scan_open(gyre_duckdb_session *session, const char *sql, char *error, size_t error_size);
void gyre_duckdb_scan_free(gyre_duckdb_scan *scan);
size_t gyre_duckdb_scan_columns(gyre_duckdb_scan *scan);
const char *gyre_duckdb_scan_column_name(gyre_duckdb_scan *scan, size_t column);
// What a column holds; null for a type that is not read.
gyre_duckdb_kind gyre_duckdb_scan_kind(gyre_duckdb_scan *scan, size_t column);
// Reads the next part and gives its rows; 0 at the end, -1 on failure.
int64_t gyre_duckdb_scan_next(gyre_duckdb_scan *scan, char *error, size_t error_size);
// Copies a column of the part: numbers as double (NaN for missing ones), whole numbers and truths as int64_t. Where values are missing
// `missing` gets 1 for each of them; the answer tells whether there is one.
bool gyre_duckdb_scan_numbers(gyre_duckdb_scan *scan, size_t column, double *to);
bool gyre_duckdb_scan_integers(gyre_duckdb_scan *scan, size_t column, int64_t *to, uint8_t *missing);
// A text of the part; null for a missing one. It lives until the next part is read.
const char *gyre_duckdb_scan_text(gyre_duckdb_scan *scan, size_t column, size_t row, size_t *length);

// Values of one column, one after another: uint8_t for truths, int64_t, double, or the bytes of texts, whose ends stand in `ends`.
// With a width each row has a list of so many values.
typedef struct {
    gyre_duckdb_kind kind;
    size_t width;
    const void *values;
    const uint64_t *ends;
} gyre_duckdb_column;
// Adds rows to a table with columns of these kinds.
bool gyre_duckdb_append(gyre_duckdb_session *session, const char *table, const gyre_duckdb_column *columns, size_t count,
                        size_t rows, char *error, size_t error_size);

#endif
