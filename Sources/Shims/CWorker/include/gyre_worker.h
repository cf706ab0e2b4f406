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
int gyre_worker_start(const char *program, char *const arguments[], char *const environment[], gyre_worker *worker);
// Kills the process, waits for its end and closes the files.
void gyre_worker_end(gyre_worker *worker);
// Waits until the socket can be read: 1 if it can, 0 after `milliseconds`, -1 for an error or where the process has ended.
int gyre_worker_wait(const gyre_worker *worker, int milliseconds);

// A process that has done once what every worker of a kind does first, and makes workers by forking.
typedef struct { int channel; int32_t process; } gyre_nursery;

// Starts one; it finds its channel as file 3, where each message is the arguments of a worker with its three files.
int gyre_nursery_start(const char *program, char *const arguments[], char *const environment[], gyre_nursery *nursery);
// Lets it make a worker, for which it is given so much time. Returns 0, or an error number where it does not.
int gyre_nursery_fork(const gyre_nursery *nursery, const char *arguments, size_t length, int milliseconds, gyre_worker *worker);
// Ends it; the workers that it has made go on.
void gyre_nursery_end(gyre_nursery *nursery);

#endif
