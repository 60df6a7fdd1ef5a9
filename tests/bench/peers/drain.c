/* A thousand WebSocket clients in one loop: connects, subscribes, counts messages, takes their latency.

   drain PORT CLIENTS [SUBSCRIBE]   SUBSCRIBE: a text sent by each client, %02d in it is the client's number modulo 100
   Compiled with -DTLS -lssl -lcrypto its clients speak TLS and trust every certificate.

   Reads commands, a line each, and answers each by a line:
     ready          connected and subscribed clients
     expect K       waits until every client has K more data messages
     listen MS      takes latencies for so many ms: count p50 p90 p99 max (ms)
   A data message holds "at":"<19 digits>", CLOCK_MONOTONIC in ns. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef TLS
#include <openssl/ssl.h>
static SSL_CTX *tls;
#define LINK SSL *ssl; int stuck;
#define SEND(c, data, size) SSL_write((c)->ssl, data, size)
#else
#define LINK
#define SEND(c, data, size) send((c)->fd, data, size, 0)
#endif

#define STAMP "\"at\":"
enum { BUFFER = 1 << 20, SLOTS = 10000, SLOT_US = 100 };

struct client { int fd; LINK uint64_t seen; size_t kept; unsigned char keep[1024]; };
static struct client *clients;
static int count, epoll_fd;
static unsigned char buffer[BUFFER + 1024];
static uint64_t histogram[SLOTS + 1], taken;
static double longest;
static int listening;

static uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static void fail(const char *what) { perror(what); exit(1); }

static void message(struct client *c, const unsigned char *payload, size_t size, uint64_t at) {
  const char *found = memmem(payload, size, STAMP, sizeof STAMP - 1);
  if (!found) return;
  c->seen++;
  if (!listening) return;
  found = memchr(found + sizeof STAMP - 1, '"', 4);  /* some write a space before it */
  if (!found) return;
  double ms = (at - strtoull(found + 1, NULL, 10)) / 1e6;
  uint64_t slot = ms * 1000 / SLOT_US;
  histogram[slot < SLOTS ? slot : SLOTS]++;
  taken++;
  if (ms > longest) longest = ms;
}

static ssize_t hear(struct client *c, unsigned char *into, size_t most) {  /* -2: only the protocol's own */
#ifdef TLS
  int got = SSL_read(c->ssl, into, most);
  c->stuck = got <= 0 && SSL_get_error(c->ssl, got) == SSL_ERROR_WANT_READ;  /* what is held is no whole record */
  return c->stuck ? -2 : got;
#else
  return recv(c->fd, into, most, 0);
#endif
}

static void pong(struct client *c, const unsigned char *payload, size_t size) {
  unsigned char out[131] = {0x8a, 0x80 | size};  /* a mask of zeros */
  memcpy(out + 6, payload, size);
  if (SEND(c, out, size + 6) < 0) fail("send");
}

static void receive(struct client *c) {
  memcpy(buffer, c->keep, c->kept);
  ssize_t got = hear(c, buffer + c->kept, BUFFER);
  if (got == -2) return;
  if (got <= 0) { fprintf(stderr, "a client was disconnected\n"); exit(1); }
  uint64_t at = now();
  size_t end = c->kept + got, here = 0;
  while (end - here >= 2) {
    size_t size = buffer[here + 1] & 127, head = 2;
    if (size == 126) { if (end - here < 4) break; size = buffer[here + 2] << 8 | buffer[here + 3]; head = 4; }
    if (end - here < head + size) break;
    if ((buffer[here] & 15) == 9) pong(c, buffer + here + head, size);
    else message(c, buffer + here + head, size, at);
    here += head + size;
  }
  c->kept = end - here;
  if (c->kept > sizeof c->keep) { fprintf(stderr, "a frame is larger than expected\n"); exit(1); }
  memcpy(c->keep, buffer + here, c->kept);
}

static int more(struct client *c) {  /* whether the library holds what the kernel does not tell of any more */
#ifdef TLS
  return SSL_pending(c->ssl) > 0 || (SSL_has_pending(c->ssl) && c->stuck == 0);
#else
  (void)c;
  return 0;
#endif
}

static int turn(int timeout) {
  static struct epoll_event events[4096];
  int ready = epoll_wait(epoll_fd, events, 4096, timeout);
  for (int i = 0; i < ready; i++) {
    struct client *c = events[i].data.ptr;
    do receive(c); while (more(c));
  }
  return ready;
}

static void say(struct client *c, const char *text) {
  size_t size = strlen(text), head = 2;
  unsigned char out[2048] = {0x81, 0x80};
  if (size < 126) out[1] |= size;
  else { out[1] |= 126; out[2] = size >> 8; out[3] = size; head = 4; }
  memcpy(out + head + 4, text, size);  /* a mask of zeros */
  if (SEND(c, out, head + 4 + size) < 0) fail("send");
}

static void join(struct client *c, int port, int number, const char *subscribe) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifdef TLS
  c->ssl = SSL_new(tls);
  SSL_clear_mode(c->ssl, SSL_MODE_AUTO_RETRY);  /* session tickets come alone: do not wait behind them */
  SSL_set_fd(c->ssl, c->fd);
  if (SSL_connect(c->ssl) != 1) fail("TLS handshake");
#endif
  char out[512];
  int size = snprintf(out, sizeof out, "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", port);
  if (SEND(c, out, size) < 0) fail("send");
  size_t got = 0;
  char *end = NULL;
  while (!end) {
    ssize_t more = hear(c, buffer + got, BUFFER - got);
    if (more == -2) continue;
    if (more <= 0) fail("handshake");
    got += more;
    end = memmem(buffer, got, "\r\n\r\n", 4);
  }
  if (memcmp(buffer, "HTTP/1.1 101", 12)) { fprintf(stderr, "%.*s\n", (int)got, buffer); exit(1); }
  c->kept = (char *)buffer + got - (end + 4);
  memcpy(c->keep, end + 4, c->kept);
#ifdef TLS
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
#endif
  if (subscribe) { char text[1024]; snprintf(text, sizeof text, subscribe, number % 100); say(c, text); }
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
}

static void expect(uint64_t more) {
  static uint64_t due;
  due += more;
  int behind = 0;
  while (behind < count) {
    if (clients[behind].seen >= due) behind++;
    else turn(5000);
  }
  printf("ok\n");
}

static double percentile(double share) {
  uint64_t due = taken * share, sum = 0;
  for (int i = 0; i <= SLOTS; i++) if ((sum += histogram[i]) > due) return (i + 0.5) * SLOT_US / 1000;
  return longest;
}

static void listen_for(int ms) {
  memset(histogram, 0, sizeof histogram);
  taken = 0; longest = 0; listening = 1;
  uint64_t end = now() + ms * 1000000ull, at;
  while ((at = now()) < end) turn((end - at) / 1000000 + 1);
  listening = 0;
  printf("%llu %.2f %.2f %.2f %.2f\n", (unsigned long long)taken, percentile(.5), percentile(.9), percentile(.99), longest);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  struct rlimit files; getrlimit(RLIMIT_NOFILE, &files); files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files);
  count = atoi(argv[2]);
  clients = calloc(count, sizeof *clients);
  epoll_fd = epoll_create1(0);
#ifdef TLS
  tls = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_read_ahead(tls, 1);  /* one system call a record instead of two */
#endif
  for (int i = 0; i < count; i++) join(&clients[i], atoi(argv[1]), i, argc > 3 ? argv[3] : NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  char line[64], word[16]; int number;
  while (turn(300)) {}  /* until every subscription was answered */
  printf("ready %d\n", count);
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "%15s %d", word, &number) != 2) return 2;
    if (!strcmp(word, "expect")) expect(number);
    else listen_for(number);
  }
  return 0;
}
