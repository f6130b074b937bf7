/* An adapter of two rows that breaks the rule which the variable HOSTILE names; without it, an honest one.
 * It is compiled against the header as it was in version 1.0, and must load for ever. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "syncretic_adapter.h"

static const syn_host *host;
static char place[4096];

static int lies(const char *what) {
  const char *lie = getenv("HOSTILE");
  return lie && strcmp(lie, what) == 0;
}

static syn_bytes lend(const void *bytes, size_t length) {
  syn_bytes lent;
  lent.ptr = (const uint8_t *)bytes;
  lent.len = length;
  return lent;
}

static syn_bytes text(const char *words) { return lend(words, strlen(words)); }

static void misbehave(const char *where) {
  char lie[64];
  snprintf(lie, sizeof lie, "segv-%s", where);
  if (lies(lie)) *(volatile int *)8 = 1;
  snprintf(lie, sizeof lie, "abort-%s", where);
  if (lies(lie)) abort();
  snprintf(lie, sizeof lie, "exit-%s", where);
  if (lies(lie)) exit(0);
  snprintf(lie, sizeof lie, "loop-%s", where);
  while (lies(lie)) pause();
}

static syn_status describe(syn_call call) {
  misbehave("describe");
  return host->document(call, text("{\"id\":\"org.example.hostile\",\"summary\":\"Hostile.\",\"kinds\":[\"row\"],\"options\":[]}"));
}

static syn_status open_it(syn_call call, syn_bytes path, const syn_option *options, size_t count, size_t stride, void **self) {
  (void)call, (void)options, (void)count, (void)stride;
  misbehave("open");
  memcpy(place, path.ptr, path.len);
  if (!lies("null-self")) *self = place;
  return SYN_OK;
}

static void close_it(void *self) {
  (void)self;
  misbehave("close");
}

static syn_status profile(void *self, syn_call call) {
  (void)self;
  misbehave("profile");
  if (lies("bad-json")) return host->document(call, text("{"));
  if (lies("no-document")) return SYN_OK;
  if (lies("other-kind")) return host->document(call, text("{\"kinds\":[\"task\"],\"keys\":\"stable\",\"atomicity\":\"batch\",\"view\":[\"title\"]}"));
  return host->document(call, text("{\"kinds\":[\"row\"],\"keys\":\"stable\",\"atomicity\":\"batch\",\"view\":[\"cells/*\"]}"));
}

/* ["row", {"cells/Name": "a"}] and worse. */
static const uint8_t ROW[] = {0x82, 0x63, 'r', 'o', 'w', 0xa1, 0x6a, 'c', 'e', 'l', 'l', 's', '/', 'N', 'a', 'm', 'e', 0x61, 'a'};
static const uint8_t HUGE_MAP[] = {0x82, 0x63, 'r', 'o', 'w', 0xbb, 0x10, 0, 0, 0, 0, 0, 0, 0};

static syn_call late_call;

static void *late(void *unused) {
  static syn_item item;
  (void)unused;
  usleep(1000);
  item.size = sizeof item;
  item.key = text("late");
  item.fingerprint = text("late");
  item.record = lend(ROW, sizeof ROW);
  host->emit(late_call, &item, 1, sizeof item);
  host->log(late_call, text("late"));
  return NULL;
}

static syn_status scan(void *self, syn_call call) {
  static uint8_t deep[4000], other[sizeof ROW];
  syn_item items[2];
  size_t n;
  syn_status status;
  (void)self;
  misbehave("scan");
  memset(items, 0, sizeof items);
  for (n = 0; n < 2; n++) {
    items[n].size = sizeof items[n];
    items[n].key = text(n ? "two" : "one");
    items[n].fingerprint = text("print");
    items[n].record = lend(n ? other : ROW, sizeof ROW);
  }
  memcpy(other, ROW, sizeof ROW);
  other[sizeof ROW - 1] = 'b';
  if (lies("babble")) {
    printf("hello from inside\n");
    fflush(stdout);
  }
  if (lies("null-items")) return host->emit(call, NULL, 2, sizeof items[0]);
  if (lies("null-bytes")) items[1].record = lend(NULL, 40);
  if (lies("short-stride")) return host->emit(call, items, 2, 4);
  if (lies("many-items")) return host->emit(call, items, (size_t)1 << 60, sizeof items[0]);
  if (lies("huge-map")) items[1].record = lend(HUGE_MAP, sizeof HUGE_MAP);
  if (lies("bad-cbor")) items[1].record = text("\xff\xff\xff");
  if (lies("deep-cbor")) {
    memset(deep, 0x81, sizeof deep);
    items[1].record = lend(deep, sizeof deep);
  }
  if (lies("no-key")) items[1].key = text("");
  if (lies("bad-key")) items[1].key = text("\xff");
  if (lies("no-fingerprint")) items[1].fingerprint = text("");
  if (lies("long-fingerprint")) items[1].fingerprint = lend(deep, 129);
  if (lies("bad-state")) items[1].state = 9;
  if (lies("bad-status")) return 99;
  if (lies("no-reason")) return SYN_E_TRANSIENT;
  if (lies("null-error")) return host->fail(call, NULL), SYN_E_FATAL;
  if (lies("wrong-thread")) {
    pthread_t thread;
    late_call = call;
    pthread_create(&thread, NULL, late, NULL);
    pthread_join(thread, NULL);
  }
  status = host->emit(call, items, 2, sizeof items[0]);
  if (status != SYN_OK) return lies("bad-cbor") ? SYN_OK : status;
  if (lies("no-end")) return SYN_OK;
  if (lies("late")) {
    pthread_t thread;
    late_call = call;
    pthread_create(&thread, NULL, late, NULL);
    pthread_detach(thread);
  }
  return host->scanned(call, text(lies("no-root") ? "" : "root"), text(""));
}

static syn_status apply(void *self, syn_call call, const uint8_t *step, const syn_op *ops, size_t count, size_t stride, uint32_t mode) {
  size_t n;
  syn_status status = SYN_OK;
  (void)self, (void)step, (void)ops, (void)stride, (void)mode;
  misbehave("apply");
  if (lies("no-answers")) return SYN_OK;
  for (n = 0; n < count && status == SYN_OK; n++) {
    syn_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.size = sizeof answer;
    answer.index = lies("bad-index") ? count + 7 : n;
    answer.outcome = SYN_REFUSED;
    answer.reason = text("it takes nothing");
    status = host->answer(call, &answer, 1, sizeof answer);
    if (lies("two-answers") && status == SYN_OK) status = host->answer(call, &answer, 1, sizeof answer);
  }
  return status;
}

static syn_status recover(void *self, syn_call call, const uint8_t *step) {
  (void)self, (void)call, (void)step;
  misbehave("recover");
  return SYN_OK;
}

static syn_status settle(void *self, syn_call call, const uint8_t *step) {
  (void)self, (void)call, (void)step;
  misbehave("settle");
  return SYN_OK;
}

static syn_adapter ADAPTER = {
    sizeof(syn_adapter), SYN_ABI_MAJOR, SYN_ABI_MINOR, "org.example.hostile", describe, open_it, close_it, profile, scan, apply, recover, settle, NULL,
};

#ifndef NO_SYMBOL
SYN_EXPORT const syn_adapter *syncretic_adapter_v1(const syn_host *offered) {
  host = offered;
  if (lies("null-table")) return NULL;
  if (lies("major")) ADAPTER.abi_major = 9;
  if (lies("newer-minor")) ADAPTER.abi_minor = 7;
  if (lies("short-table")) ADAPTER.size = 24;
  if (lies("null-function")) ADAPTER.scan = NULL;
  if (lies("null-id")) ADAPTER.id = NULL;
  if (lies("other-id")) ADAPTER.id = "org.example.other";
  return &ADAPTER;
}
#endif
