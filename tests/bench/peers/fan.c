/* The least a fan-out can cost: one epoll loop, one send per client.

   fan bare|coalesced PORT    a line "K" on stdin: K messages to every client; bare: K sends each, coalesced: one send each */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 200, FRAME = PAYLOAD + 4, MOST = 20000 };
static int fds[MOST], clients;

static void fail(const char *what) { perror(what); exit(1); }

static void frame(unsigned char *out) {
  struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
  out[0] = 0x81; out[1] = 126; out[2] = PAYLOAD >> 8; out[3] = PAYLOAD & 255;
  memset(out + 4, ' ', PAYLOAD);
  char text[PAYLOAD];
  int size = snprintf(text, sizeof text, "{\"at\":\"%019lld\"", t.tv_sec * 1000000000ll + t.tv_nsec);
  memcpy(out + 4, text, size);
  out[FRAME - 1] = '}';
}

static void all(const unsigned char *data, size_t size) {
  for (int i = 0; i < clients; i++)
    for (size_t sent = 0; sent < size;) {
      ssize_t wrote = send(fds[i], data + sent, size - sent, MSG_NOSIGNAL);
      if (wrote < 0 && errno != EAGAIN) fail("send");
      if (wrote > 0) sent += wrote;
    }
}

static void burst(int count, int coalesced) {
  static unsigned char frames[FRAME * 1000];
  for (int i = 0; i < count; i++) {
    frame(frames + (coalesced ? i * FRAME : 0));
    if (!coalesced) all(frames, FRAME);
  }
  if (coalesced) all(frames, FRAME * (size_t)count);
}

static void greet(int listener) {
  static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  char request[2048]; int one = 1, fd = accept(listener, NULL, NULL);
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (recv(fd, request, sizeof request, 0) <= 0 || send(fd, answer, sizeof answer - 1, 0) < 0) fail("handshake");
  fds[clients++] = fd;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int coalesced = !strcmp(argv[1], "coalesced"), one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), loop = epoll_create1(0);
  struct rlimit files; getrlimit(RLIMIT_NOFILE, &files); files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) fail("listen");
  struct epoll_event in = {.events = EPOLLIN, .data.fd = 0}, door = {.events = EPOLLIN, .data.fd = listener}, event;
  if (epoll_ctl(loop, EPOLL_CTL_ADD, 0, &in) || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &door)) fail("epoll_ctl");
  printf("listening\n"); fflush(stdout);
  while (epoll_wait(loop, &event, 1, -1) >= 0) {
    if (event.data.fd == listener) { greet(listener); continue; }
    char line[64];
    ssize_t got = read(0, line, sizeof line - 1);
    if (got <= 0) return 0;
    line[got] = 0;
    burst(atoi(line), coalesced);
  }
  return 0;
}
