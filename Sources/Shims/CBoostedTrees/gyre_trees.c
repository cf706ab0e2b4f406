// SPDX-License-Identifier: Apache-2.0
#include "gyre_trees.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef void *handle;

struct gyre_trees_library {
    int kind;
    const char *(*last_error)(void);
    // XGBoost
    int (*create)(const handle *, uint64_t, handle *);
    int (*load)(handle, const char *);
    int (*set)(handle, const char *, const char *);
    int (*width)(handle, uint64_t *);
    int (*predict)(handle, const char *, const char *, handle, const uint64_t **, uint64_t *, const float **);
    int (*release)(handle);
    int (*attribute)(handle, const char *, const char **, int *);
    int (*features)(handle, const char *, uint64_t *, const char ***);
    // LightGBM
    int (*create_from_file)(const char *, int *, handle *);
    int (*feature_count)(handle, int *);
    int (*class_count)(handle, int *);
    int (*predict_matrix)(handle, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *, double *);
    int (*silence)(void (*)(const char *));
    int (*names)(handle, int, int *, size_t, size_t *, char **);
};

struct gyre_trees_model { gyre_trees_library *library; handle booster; int iterations; };

static int fail(gyre_trees_library *library, char *error, size_t size) {
    snprintf(error, size, "%s", library->last_error());
    return 1;
}

static void quiet(const char *message) { (void)message; }

gyre_trees_library *gyre_trees_load(int kind, const char *path, char *error, size_t error_size) {
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!file) return snprintf(error, error_size, "%s", dlerror()), NULL;
    gyre_trees_library *library = calloc(1, sizeof *library);
    if (!library) return snprintf(error, error_size, "out of memory"), NULL;
    library->kind = kind;
    struct { const char *name; void *place; } xgboost[] = {
        {"XGBGetLastError", &library->last_error}, {"XGBoosterCreate", &library->create}, {"XGBoosterLoadModel", &library->load},
        {"XGBoosterSetParam", &library->set}, {"XGBoosterGetNumFeature", &library->width},
        {"XGBoosterPredictFromDense", &library->predict}, {"XGBoosterFree", &library->release},
        {"XGBoosterGetAttr", &library->attribute}, {"XGBoosterGetStrFeatureInfo", &library->features},
    }, lightgbm[] = {
        {"LGBM_GetLastError", &library->last_error}, {"LGBM_BoosterCreateFromModelfile", &library->create_from_file},
        {"LGBM_BoosterGetNumFeature", &library->feature_count}, {"LGBM_BoosterGetNumClasses", &library->class_count},
        {"LGBM_BoosterPredictForMat", &library->predict_matrix}, {"LGBM_BoosterFree", &library->release},
        {"LGBM_RegisterLogCallback", &library->silence}, {"LGBM_BoosterGetFeatureNames", &library->names},
    };
    int count = kind == gyre_trees_xgboost ? sizeof xgboost / sizeof *xgboost : sizeof lightgbm / sizeof *lightgbm;
    for (int index = 0; index < count; index++) {
        const char *name = kind == gyre_trees_xgboost ? xgboost[index].name : lightgbm[index].name;
        void *symbol = dlsym(file, name);
        if (!symbol) {
            snprintf(error, error_size, "the library has no function %s", name);
            free(library);
            return NULL;
        }
        *(void **)(kind == gyre_trees_xgboost ? xgboost[index].place : lightgbm[index].place) = symbol;
    }
    // What LightGBM prints is in its error text as well.
    if (kind == gyre_trees_lightgbm) library->silence(quiet);
    return library;
}

gyre_trees_model *gyre_trees_open(gyre_trees_library *library, const char *path, char *error, size_t error_size) {
    handle booster = NULL;
    int code, iterations = 0;
    if (library->kind == gyre_trees_xgboost) {
        code = library->create(NULL, 0, &booster) || library->load(booster, path) || library->set(booster, "nthread", "1");
    } else {
        code = library->create_from_file(path, &iterations, &booster);
    }
    if (code) {
        fail(library, error, error_size);
        if (booster) library->release(booster);
        return NULL;
    }
    gyre_trees_model *model = calloc(1, sizeof *model);
    model->library = library, model->booster = booster;
    return model;
}

void gyre_trees_close(gyre_trees_model *model) {
    model->library->release(model->booster);
    free(model);
}

void gyre_trees_limit(gyre_trees_model *model) {
    const char *text = NULL;
    int found = 0;
    if (model->library->kind != gyre_trees_xgboost) return;
    if (model->library->attribute(model->booster, "best_iteration", &text, &found) || !found || !text) return;
    model->iterations = atoi(text) + 1;
}

int gyre_trees_names(gyre_trees_model *model, char *text, size_t size) {
    size_t place = 0;
    text[0] = 0;
    if (model->library->kind == gyre_trees_xgboost) {
        uint64_t count = 0;
        const char **names = NULL;
        if (model->library->features(model->booster, "feature_name", &count, &names)) return 1;
        for (uint64_t index = 0; index < count; index++) {
            int length = snprintf(text + place, size - place, "%s%s", index ? "\n" : "", names[index]);
            if (length < 0 || (size_t)length >= size - place) return 1;
            place += (size_t)length;
        }
        return 0;
    }
    int count = 0, given = 0;
    size_t longest = 0;
    if (model->library->names(model->booster, 0, &count, 0, &longest, NULL) || count <= 0 || longest == 0 || longest > 1 << 16) return 1;
    char *content = calloc((size_t)count, longest), **names = calloc((size_t)count, sizeof *names);
    int code = !content || !names;
    for (int index = 0; !code && index < count; index++) names[index] = content + (size_t)index * longest;
    if (!code) code = model->library->names(model->booster, count, &given, longest, &longest, names);
    for (int index = 0; !code && index < count; index++) {
        int length = snprintf(text + place, size - place, "%s%s", index ? "\n" : "", names[index]);
        if (length < 0 || (size_t)length >= size - place) code = 1;
        else place += (size_t)length;
    }
    free(content), free(names);
    return code;
}

int64_t gyre_trees_width(gyre_trees_model *model, char *error, size_t error_size) {
    uint64_t width = 0;
    int features = 0;
    int code = model->library->kind == gyre_trees_xgboost ? model->library->width(model->booster, &width)
                                                          : model->library->feature_count(model->booster, &features);
    if (code) return -fail(model->library, error, error_size);
    return model->library->kind == gyre_trees_xgboost ? (int64_t)width : features;
}

static int predict_xgboost(gyre_trees_model *model, const float *data, int64_t rows, int64_t width, double **values, int64_t *count,
                           char *error, size_t error_size) {
    char array[160], config[200];
    snprintf(array, sizeof array, "{\"data\":[%llu,true],\"shape\":[%lld,%lld],\"typestr\":\"<f4\",\"version\":3}",
             (unsigned long long)(uintptr_t)data, (long long)rows, (long long)width);
    snprintf(config, sizeof config,
             "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":%d,\"strict_shape\":false,\"missing\":NaN,\"cache_id\":0}",
             model->iterations);
    const uint64_t *shape = NULL;
    uint64_t dimensions = 0;
    const float *result = NULL;
    if (model->library->predict(model->booster, array, config, NULL, &shape, &dimensions, &result)) return fail(model->library, error, error_size);
    *count = 1;
    for (uint64_t index = 0; index < dimensions; index++) *count *= (int64_t)shape[index];
    *values = malloc((size_t)(*count + 1) * sizeof **values);
    if (!*values) return snprintf(error, error_size, "out of memory"), 1;
    // The result belongs to the library and this thread until its next call.
    for (int64_t index = 0; index < *count; index++) (*values)[index] = result[index];
    return 0;
}

int gyre_trees_predict(gyre_trees_model *model, const float *data, int64_t rows, int64_t width, double **values, int64_t *count,
                       char *error, size_t error_size) {
    *values = NULL, *count = 0;
    if (rows == 0) return 0;
    if (model->library->kind == gyre_trees_xgboost) return predict_xgboost(model, data, rows, width, values, count, error, error_size);
    int classes = 1;
    if (model->library->class_count(model->booster, &classes)) return fail(model->library, error, error_size);
    *values = malloc((size_t)(rows * classes + 1) * sizeof **values);
    if (!*values) return snprintf(error, error_size, "out of memory"), 1;
    if (model->library->predict_matrix(model->booster, data, 0, (int32_t)rows, (int32_t)width, 1, 0, 0, -1, "num_threads=1", count, *values)) {
        free(*values), *values = NULL;
        return fail(model->library, error, error_size);
    }
    return 0;
}
