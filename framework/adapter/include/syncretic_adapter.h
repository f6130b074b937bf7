/* syncretic_adapter.h: the Syncretic adapter ABI, version 1.0. C99 and C++, no dependencies.
 *
 * A library exports one function, syncretic_adapter_v1, and gives a table for a table. Four rules hold for everything here:
 *
 *  1. BORROWED BYTES. A pointer that is passed either way is valid until that call returns. Whoever wants to keep bytes
 *     copies them. Nobody frees memory of the other side; there is no free().
 *  2. HANDLES, NOT POINTERS. A syn_call is a number. One that has ended is answered with SYN_E_CLOSED.
 *  3. NOTHING UNWINDS. No exception, panic or longjmp crosses the boundary, in either direction.
 *  4. GROW AT THE END. Every struct begins with its size as its author compiled it. A member is read only if it lies
 *     inside that size. Members are never moved, removed or given another meaning. Reserved members are zero.
 *
 * Both tables live as long as the process: a library is never unloaded. The host never calls the adapter from inside a
 * callback. An instance may be called from different threads, one call at a time.
 * Texts are UTF-8. Records are deterministic CBOR (RFC 8949 section 4.2.1): docs/plugins/model.md says how.
 */
#ifndef SYNCRETIC_ADAPTER_H
#define SYNCRETIC_ADAPTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define SYN_EXPORT __declspec(dllexport)
#else
#define SYN_EXPORT __attribute__((visibility("default")))
#endif

#define SYN_ABI_MAJOR 1u
#define SYN_ABI_MINOR 0u

/* The longest fingerprint in bytes. */
#define SYN_FINGERPRINT_MAX 128u
/* A number that is not known: a total, a time to wait. */
#define SYN_UNKNOWN UINT64_MAX

/* A run of bytes. ptr may be NULL only if len is 0. */
typedef struct syn_bytes {
  const uint8_t *ptr;
  size_t len;
} syn_bytes;

/* One running operation. */
typedef uint64_t syn_call;

/* What became of a call. */
typedef int32_t syn_status;
enum {
  SYN_OK = 0,
  SYN_E_CONFIG = 1,      /* an option is wrong; subject names it                                */
  SYN_E_AUTH = 2,        /* credentials are missing or refused                                  */
  SYN_E_TRANSIENT = 3,   /* it may work later; retry_after_ms                                   */
  SYN_E_SOURCE = 4,      /* the place is not there, or not whole; subject is its path           */
  SYN_E_CHANGED = 5,     /* the source changed while it was read or written; subject            */
  SYN_E_IO = 6,          /* the operating system refused; subject, os_error                     */
  SYN_E_CANCELLED = 7,   /* stopped because cancelled() said so                                 */
  SYN_E_CLOSED = 8,      /* the syn_call has ended                                              */
  SYN_E_PROTOCOL = 9,    /* the other side broke a rule of this file                            */
  SYN_E_FATAL = 10,      /* nothing more can be done with this instance                         */
  SYN_E_PANIC = 11,      /* a bug was caught; every later call on the instance is SYN_E_FATAL   */
  SYN_E_UNSUPPORTED = 12 /* there is no such thing here                                         */
};

/* Why a call fails: given to fail() before the call returns its code. */
typedef struct syn_error {
  uint32_t size;
  syn_status code;
  uint64_t retry_after_ms; /* SYN_UNKNOWN if nothing is known          */
  syn_bytes message;       /* for people: lower-case, no full stop     */
  syn_bytes subject;       /* the option, or the path, it is about     */
  int32_t os_error;        /* errno of SYN_E_IO, 0 if there is none    */
  uint32_t reserved;
} syn_error;

/* What an option takes. */
enum { SYN_TEXT = 0, SYN_INTEGER = 1, SYN_BOOLEAN = 2, SYN_LIST = 3, SYN_TABLE = 4 };

/* One option of an endpoint. */
typedef struct syn_option {
  uint32_t size;
  uint32_t kind;
  syn_bytes name;
  syn_bytes text;         /* SYN_TEXT                                              */
  int64_t integer;        /* SYN_INTEGER; SYN_BOOLEAN as 0 or 1                     */
  const syn_bytes *items; /* SYN_LIST; SYN_TABLE as name, value, name, value, ...   */
  size_t count;           /* of items                                              */
} syn_option;

/* What a scan found. */
enum { SYN_ITEM = 0, SYN_UNCHANGED = 1, SYN_BROKEN = 2 };

/* One item, reported exactly once in a scan. */
typedef struct syn_item {
  uint32_t size;
  uint32_t state;
  syn_bytes key;         /* its name in the application; empty only for SYN_BROKEN: it cannot be told    */
  syn_bytes fingerprint; /* 1 to 128 bytes that change whenever the item does; empty for SYN_BROKEN      */
  syn_bytes record;      /* CBOR [kind, {pointer: value}]; empty unless SYN_ITEM                         */
  syn_bytes path;        /* the file it stands in; empty: the endpoint's own path                        */
  uint64_t line;         /* counted from 1; 0: unknown                                                   */
  uint64_t column;       /* in bytes, counted from 1; 0: unknown                                         */
  syn_bytes title;       /* SYN_BROKEN: what a person calls it, if that can be read                      */
  syn_bytes reason;      /* SYN_BROKEN: what is wrong, and what to do                                    */
} syn_item;

/* The fingerprint of an item at the last scan or write. */
typedef struct syn_fingerprint {
  uint32_t size;
  uint32_t length; /* 0: the item is not known */
  uint8_t bytes[128];
} syn_fingerprint;

/* What is asked of an item. */
enum { SYN_PUT = 1, SYN_DELETE = 2 };
/* What it must still be. */
enum { SYN_EXPECT_ABSENT = 0, SYN_EXPECT_FINGERPRINT = 1 };
/* Whether a step is tried out or done. */
enum { SYN_REHEARSE = 0, SYN_PERFORM = 1 };

/* One operation of a step. */
typedef struct syn_op {
  uint32_t size;
  uint32_t op;
  uint32_t expect;
  uint32_t reserved;
  uint8_t id[16];           /* the record's id                                            */
  syn_bytes key;            /* empty: a new item                                          */
  syn_bytes fingerprint;    /* SYN_EXPECT_FINGERPRINT                                     */
  syn_bytes record;         /* SYN_PUT: the whole record, CBOR                            */
  const syn_bytes *changed; /* the pointers that differ from what was shown last: a hint  */
  size_t changed_count;
} syn_op;

/* What became of an operation. */
enum { SYN_DONE = 0, SYN_DELETED = 1, SYN_STALE = 2, SYN_REFUSED = 3 };

/* The answer to one operation, given exactly once. */
typedef struct syn_answer {
  uint32_t size;
  uint32_t outcome;
  uint64_t index;        /* of the operation                                         */
  syn_bytes key;         /* SYN_DONE                                                 */
  syn_bytes fingerprint; /* SYN_DONE: as the next scan finds it                      */
  syn_bytes record;      /* SYN_DONE: as the next scan shows it                      */
  uint64_t bytes;        /* written to the application's files for it                */
  syn_bytes reason;      /* SYN_REFUSED: why, and what to do                         */
} syn_answer;

/* What became of an operation of a step that was cut off. */
enum { SYN_FATE_DONE = 0, SYN_FATE_NOT_DONE = 1, SYN_FATE_UNKNOWN = 2 };

/* Fates are told in the order of the step's operations. */
typedef struct syn_fate {
  uint32_t size;
  uint32_t fate;
  syn_bytes key;         /* SYN_FATE_DONE; empty for a deletion */
  syn_bytes fingerprint; /* SYN_FATE_DONE; empty for a deletion */
} syn_fate;

/* What the host offers. known, progress, cancelled and log may be called from any thread while the call is open, the
 * others only from the thread that the host called. A status other than SYN_OK means: stop and return that status. */
typedef struct syn_host {
  uint32_t size;
  uint16_t abi_major, abi_minor;
  /* Says why the call is about to fail. */
  syn_status (*fail)(syn_call call, const syn_error *error);
  /* Gives the JSON that describe() or profile() asks for. */
  syn_status (*document)(syn_call call, syn_bytes json);
  /* Reports items of a scan; stride is sizeof(syn_item). */
  syn_status (*emit)(syn_call call, const syn_item *items, size_t count, size_t stride);
  /* Tells the fingerprint that an item had. */
  syn_status (*known)(syn_call call, syn_bytes key, syn_fingerprint *fingerprint);
  /* Ends a scan that is complete: the identity of the place, and what same() may be asked with (empty: nothing). */
  syn_status (*scanned)(syn_call call, syn_bytes root, syn_bytes note);
  /* Answers operations of apply(). */
  syn_status (*answer)(syn_call call, const syn_answer *answers, size_t count, size_t stride);
  /* Tells the next fates of recover(). */
  syn_status (*fate)(syn_call call, const syn_fate *fates, size_t count, size_t stride);
  /* Tells how far the work is. A long call that says nothing is taken for an endless one. */
  syn_status (*progress)(syn_call call, uint64_t done, uint64_t of);
  /* Tells whether someone asked to stop: 0 or 1. */
  int32_t (*cancelled)(syn_call call);
  /* Tells people something: lower-case, without record contents. */
  syn_status (*log)(syn_call call, syn_bytes text);
  /* Returns an optional part by its id, or NULL. */
  const void *(*extension)(const char *id);
} syn_host;

/* What the adapter offers. One call at a time on an instance. */
typedef struct syn_adapter {
  uint32_t size;
  uint16_t abi_major, abi_minor;
  const char *id; /* "org.example.notes" */
  /* Answers with document(): {"id", "summary", "kinds", "options"}. Needs no instance. */
  syn_status (*describe)(syn_call call);
  /* Opens one endpoint. Reads little and writes nothing. */
  syn_status (*open)(syn_call call, syn_bytes path, const syn_option *options, size_t count, size_t stride, void **self);
  /* Ends an instance. */
  void (*close)(void *self);
  /* Answers with document(): {"kinds", "keys", "atomicity", "view", "volatile", "unique"}. Asked after open and scan. */
  syn_status (*profile)(void *self, syn_call call);
  /* Reports every item with emit(), then scanned(). A listing that is not complete is an error, never a short one. */
  syn_status (*scan)(void *self, syn_call call);
  /* Rehearses or performs the operations of a step; step is 16 bytes. */
  syn_status (*apply)(void *self, syn_call call, const uint8_t *step, const syn_op *ops, size_t count, size_t stride, uint32_t mode);
  /* Tells with fate() what became of a step that was cut off; nothing if the step is not known. */
  syn_status (*recover)(void *self, syn_call call, const uint8_t *step);
  /* The step is durable elsewhere: what it displaced may go. */
  syn_status (*settle)(void *self, syn_call call, const uint8_t *step);
  /* Returns an optional part by its id, or NULL; the function itself may be NULL. */
  const void *(*extension)(const char *id);
} syn_adapter;

/* Optional part of a host: secrets by name. */
#define SYN_SECRETS "syncretic.secrets/1"
typedef struct syn_secrets {
  uint32_t size;
  uint32_t reserved;
  /* Copies a secret; *length is its whole length, whether there was room or not. SYN_E_AUTH: there is none. */
  syn_status (*secret)(syn_call call, syn_bytes name, uint8_t *into, size_t room, size_t *length);
} syn_secrets;

/* Optional part of a host: large values. A digest is 32 bytes. */
#define SYN_BLOBS "syncretic.blobs/1"
typedef struct syn_blobs {
  uint32_t size;
  uint32_t reserved;
  /* During apply(): copies a blob's bytes from an offset on; *length 0 is its end. */
  syn_status (*read)(syn_call call, const uint8_t *digest, uint64_t offset, uint8_t *into, size_t room, size_t *length);
  /* During blob(): gives the next bytes. */
  syn_status (*give)(syn_call call, syn_bytes bytes);
} syn_blobs;

/* Optional part of an adapter: telling by a look that nothing changed since the scan that left the note. */
#define SYN_SAME "syncretic.same/1"
typedef struct syn_same {
  uint32_t size;
  uint32_t reserved;
  syn_status (*same)(void *self, syn_call call, syn_bytes note, int32_t *same);
} syn_same;

/* Optional part of an adapter: streams a blob that an item showed at its last scan. */
#define SYN_BLOB "syncretic.blob/1"
typedef struct syn_blob {
  uint32_t size;
  uint32_t reserved;
  syn_status (*blob)(void *self, syn_call call, syn_bytes key, const uint8_t *digest);
} syn_blob;

/* The only symbol. NULL: "I cannot work with this host". */
SYN_EXPORT const syn_adapter *syncretic_adapter_v1(const syn_host *host);

#ifdef __cplusplus
}
#endif
#endif
