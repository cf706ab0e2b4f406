// SPDX-License-Identifier: Apache-2.0
// The least that a server of HTTP/1.1 can do: one thread, epoll, any request answered with the same body.
// http_floor PORT BODY
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 4096, ROOM = 1 << 18 };

struct connection {
    char *bytes;
    size_t count;
};

static struct connection connections[MOST];
static char answer[1 << 16];
static int answer_length;

// Takes what came on a connection and answers each whole request in it. Returns 0 when the connection has ended.
static int serve(int socket_) {
    struct connection *own = &connections[socket_];
    ssize_t came = read(socket_, own->bytes + own->count, ROOM - 1 - own->count);
    if (came <= 0) return 0;
    own->count += came;
    own->bytes[own->count] = 0;
    char *end = strstr(own->bytes, "\r\n\r\n");
    if (!end) return 1;
    char *length = strcasestr(own->bytes, "content-length:");
    size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
    if (own->count < (size_t)(end + 4 - own->bytes) + body) return 1;
    own->count = 0;
    return write(socket_, answer, answer_length) == answer_length;
}

int main(int count, char **words) {
    if (count != 3) return 2;
    answer_length = snprintf(answer, sizeof answer,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", strlen(words[2]), words[2]);
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1, loop = epoll_create1(0);
    struct sockaddr_in place = {
        .sin_family = AF_INET, .sin_port = htons(atoi(words[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, 1024)) return perror("bind"), 1;
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        int found = epoll_wait(loop, ready, 256, -1);
        for (int index = 0; index < found; index++) {
            int socket_ = ready[index].data.fd;
            if (socket_ != listener) {
                if (!serve(socket_)) close(socket_);
                continue;
            }
            socket_ = accept(listener, NULL, NULL);
            if (socket_ < 0) continue;
            if (socket_ >= MOST) {
                close(socket_);
                continue;
            }
            setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            if (!connections[socket_].bytes) connections[socket_].bytes = malloc(ROOM);
            connections[socket_].count = 0;
            wanted.data.fd = socket_;
            epoll_ctl(loop, EPOLL_CTL_ADD, socket_, &wanted);
        }
    }
}
