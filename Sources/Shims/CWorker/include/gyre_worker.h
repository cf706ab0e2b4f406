// SPDX-License-Identifier: Apache-2.0
#ifndef GYRE_WORKER_H
#define GYRE_WORKER_H
#include <stddef.h>
#include <stdint.h>

// A child process that is talked to over a socket and two pieces of shared memory.
typedef struct {
    int32_t process;
    int channel;   // the socket
    int requests;  // memory that the parent writes
    int answers;   // memory that the child writes
} gyre_worker;

// Starts `program` with `arguments` (the last is null); the child has the socket as file 3, `requests` as 4, `answers` as 5, nothing to read,
// and the parent's standard error for what it prints. Returns 0, or the system's number of the error.
int gyre_worker_start(const char *program, char *const arguments[], gyre_worker *worker);
// Kills the process, waits for its end and closes the files.
void gyre_worker_end(gyre_worker *worker);
// Waits until the socket can be read: 1 if it can, 0 after `milliseconds`, -1 for an error.
int gyre_worker_wait(const gyre_worker *worker, int milliseconds);

#endif
