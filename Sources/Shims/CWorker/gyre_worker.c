// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "gyre_worker.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

// The numbers that the child knows the files by; a file of ours that has one of them would be lost while they are set.
enum { child_channel = 3, child_requests = 4, child_answers = 5, first_free = 10 };

static int move_up(int file) {
    int moved = fcntl(file, F_DUPFD_CLOEXEC, first_free);
    close(file);
    return moved;
}

int gyre_worker_start(const char *program, char *const arguments[], gyre_worker *worker) {
    int pair[2] = {-1, -1};
    *worker = (gyre_worker){-1, -1, -1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return errno;
    worker->channel = pair[0];
    pair[1] = move_up(pair[1]);
    worker->requests = move_up(memfd_create("gyre-requests", MFD_CLOEXEC));
    worker->answers = move_up(memfd_create("gyre-answers", MFD_CLOEXEC));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 2, 1);
    posix_spawn_file_actions_adddup2(&actions, pair[1], child_channel);
    posix_spawn_file_actions_adddup2(&actions, worker->requests, child_requests);
    posix_spawn_file_actions_adddup2(&actions, worker->answers, child_answers);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, usual;
    sigemptyset(&none), sigemptyset(&usual);
    sigaddset(&usual, SIGINT), sigaddset(&usual, SIGTERM), sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t process = -1;
    int code = worker->requests < 0 || worker->answers < 0 || pair[1] < 0
        ? EMFILE : posix_spawn(&process, program, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (pair[1] >= 0) close(pair[1]);
    worker->process = process;
    if (code) gyre_worker_end(worker);
    return code;
}

void gyre_worker_end(gyre_worker *worker) {
    if (worker->process > 0) {
        // It leads a session of its own once it runs; what it started goes with it.
        kill(-worker->process, SIGKILL);
        kill(worker->process, SIGKILL);
        while (waitpid(worker->process, NULL, 0) < 0 && errno == EINTR) {}
    }
    if (worker->channel >= 0) close(worker->channel);
    if (worker->requests >= 0) close(worker->requests);
    if (worker->answers >= 0) close(worker->answers);
    *worker = (gyre_worker){-1, -1, -1, -1};
}

int gyre_worker_wait(const gyre_worker *worker, int milliseconds) {
    // The channel may be held open by a process that the worker has started, so its own end is looked for too.
    int process = (int)syscall(SYS_pidfd_open, worker->process, 0);
    struct pollfd waited[2] = {{worker->channel, POLLIN, 0}, {process, POLLIN, 0}};
    int ready;
    while ((ready = poll(waited, process < 0 ? 1 : 2, milliseconds)) < 0 && errno == EINTR) {}
    if (process >= 0) close(process);
    if (ready <= 0) return ready;
    return waited[0].revents ? 1 : -1;
}
