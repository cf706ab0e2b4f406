// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "gyre_worker.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The numbers that the child knows the files by; a file of ours that has one of them would be lost while they are set.
enum { child_channel = 3, child_requests = 4, child_answers = 5, first_free = 10 };

static int move_up(int file) {
    int moved = fcntl(file, F_DUPFD_CLOEXEC, first_free);
    close(file);
    return moved;
}

// Starts a program with these files, of which those that are negative are left out; returns 0 or an error number.
static int start(const char *program, char *const arguments[], char *const environment[], int channel, int requests, int answers, pid_t *process) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 2, 1);
    posix_spawn_file_actions_adddup2(&actions, channel, child_channel);
    if (requests >= 0) posix_spawn_file_actions_adddup2(&actions, requests, child_requests);
    if (answers >= 0) posix_spawn_file_actions_adddup2(&actions, answers, child_answers);
    // Whatever else is open here, sockets that listen among it, is no affair of a model's.
    posix_spawn_file_actions_addclosefrom_np(&actions, requests >= 0 ? child_answers + 1 : child_channel + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, usual;
    sigemptyset(&none), sigemptyset(&usual);
    sigaddset(&usual, SIGINT), sigaddset(&usual, SIGTERM), sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int code = posix_spawn(process, program, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

// Makes what a worker is talked to by; returns its end of the channel, or -1.
static int prepare(gyre_worker *worker) {
    int pair[2] = {-1, -1};
    *worker = (gyre_worker){-1, -1, -1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return -1;
    worker->channel = pair[0];
    pair[1] = move_up(pair[1]);
    worker->requests = move_up(memfd_create("gyre-requests", MFD_CLOEXEC));
    worker->answers = move_up(memfd_create("gyre-answers", MFD_CLOEXEC));
    if (pair[1] >= 0 && worker->requests >= 0 && worker->answers >= 0) return pair[1];
    if (pair[1] >= 0) close(pair[1]);
    gyre_worker_end(worker);
    return -1;
}

int gyre_worker_start(const char *program, char *const arguments[], char *const environment[], gyre_worker *worker) {
    int far = prepare(worker);
    if (far < 0) return EMFILE;
    pid_t process = -1;
    int code = start(program, arguments, environment, far, worker->requests, worker->answers, &process);
    close(far);
    worker->process = process;
    if (code) gyre_worker_end(worker);
    return code;
}

int gyre_nursery_start(const char *program, char *const arguments[], char *const environment[], gyre_nursery *nursery) {
    int pair[2] = {-1, -1};
    *nursery = (gyre_nursery){-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) return errno;
    pair[1] = move_up(pair[1]);
    pid_t process = -1;
    int code = pair[1] < 0 ? EMFILE : start(program, arguments, environment, pair[1], -1, -1, &process);
    if (pair[1] >= 0) close(pair[1]);
    *nursery = (gyre_nursery){pair[0], process};
    if (code) gyre_nursery_end(nursery);
    return code;
}

void gyre_nursery_end(gyre_nursery *nursery) {
    if (nursery->channel >= 0) close(nursery->channel);
    if (nursery->process > 0) {
        kill(nursery->process, SIGKILL);
        while (waitpid(nursery->process, NULL, 0) < 0 && errno == EINTR) {}
    }
    *nursery = (gyre_nursery){-1, -1};
}

int gyre_nursery_fork(const gyre_nursery *nursery, const char *arguments, size_t length, int milliseconds, gyre_worker *worker) {
    int far = prepare(worker);
    if (far < 0) return EMFILE;
    int files[3] = {far, worker->requests, worker->answers};
    union { char bytes[CMSG_SPACE(sizeof files)]; struct cmsghdr aligned; } control = {{0}};
    struct iovec text = {(void *)arguments, length};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(sizeof files);
    memcpy(CMSG_DATA(head), files, sizeof files);
    ssize_t sent = sendmsg(nursery->channel, &message, MSG_NOSIGNAL);
    close(far);
    int32_t process = -1;
    if (sent == (ssize_t)length) {
        struct pollfd waited = {nursery->channel, POLLIN, 0};
        int ready;
        while ((ready = poll(&waited, 1, milliseconds)) < 0 && errno == EINTR) {}
        if (ready <= 0 || recv(nursery->channel, &process, sizeof process, 0) != sizeof process) process = -1;
    }
    if (process <= 0) {
        gyre_worker_end(worker);
        return ECHILD;
    }
    worker->process = process;
    return 0;
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
