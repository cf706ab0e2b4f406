// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_TREES_H
#define GYRE_TREES_H
#include <stddef.h>
#include <stdint.h>

// XGBoost's and LightGBM's C APIs, opened at run time. Errors are text in `error`, which the caller provides and which is always terminated.

typedef struct gyre_trees_library gyre_trees_library;
typedef struct gyre_trees_model gyre_trees_model;

enum { gyre_trees_xgboost = 0, gyre_trees_lightgbm = 1 };

// Opens a library of one kind; it stays open.
gyre_trees_library *gyre_trees_load(int kind, const char *path, char *error, size_t error_size);
// Loads a model's own file; null for an error.
gyre_trees_model *gyre_trees_open(gyre_trees_library *library, const char *path, char *error, size_t error_size);
void gyre_trees_close(gyre_trees_model *model);
// Predicts with the trees up to the best iteration from now on, where the model knows one.
void gyre_trees_limit(gyre_trees_model *model);
// Writes the names of the features, a line each; returns 0 for success, and nothing is written where the model has none.
int gyre_trees_names(gyre_trees_model *model, char *text, size_t size);
// How many numbers a row has; negative for an error.
int64_t gyre_trees_width(gyre_trees_model *model, char *error, size_t error_size);
// Predicts `rows` rows of `width` numbers. `*values` then holds `*count` numbers, to be freed by the caller. Returns 0 for success.
int gyre_trees_predict(gyre_trees_model *model, const float *data, int64_t rows, int64_t width, double **values, int64_t *count,
                       char *error, size_t error_size);

#endif
