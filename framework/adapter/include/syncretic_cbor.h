/* syncretic_cbor.h: records for adapters in C, as deterministic CBOR (RFC 8949 section 4.2.1). Header only, no allocation.
 *
 * A record is [kind, {pointer: value}]. Pointers stand in the order of their length, then of their bytes, each once.
 * Written: syn_cbor_begin, then syn_cbor_text for each field. Read: syn_cbor_find, which knows every type of value.
 */
#ifndef SYNCRETIC_CBOR_H
#define SYNCRETIC_CBOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A place to write to; length goes on counting when there is no room, so that a second try can have enough. */
typedef struct syn_cbor {
  uint8_t *bytes;
  size_t room;
  size_t length;
} syn_cbor;

static inline void syn_cbor_put(syn_cbor *to, const void *bytes, size_t length) {
  if (length > 0 && to->length <= to->room && length <= to->room - to->length) memcpy(to->bytes + to->length, bytes, length);
  to->length += length;
}

/* Writes the head of an item: its major type and its number, in the shortest form. */
static inline void syn_cbor_head(syn_cbor *to, uint8_t major, uint64_t number) {
  uint8_t head[9];
  int width = number < 24 ? 0 : number < 0x100 ? 1 : number < 0x10000 ? 2 : number < 0x100000000u ? 4 : 8;
  static const uint8_t codes[9] = {0, 24, 25, 0, 26, 0, 0, 0, 27};
  int at;
  head[0] = (uint8_t)(major << 5 | (width == 0 ? (uint8_t)number : codes[width]));
  for (at = 0; at < width; at++) head[1 + at] = (uint8_t)(number >> (8 * (width - 1 - at)));
  syn_cbor_put(to, head, 1 + (size_t)width);
}

static inline void syn_cbor_string(syn_cbor *to, const void *text, size_t length) {
  syn_cbor_head(to, 3, length);
  syn_cbor_put(to, text, length);
}

/* Begins a record of a kind with that many fields. */
static inline void syn_cbor_begin(syn_cbor *to, const char *kind, size_t fields) {
  syn_cbor_head(to, 4, 2);
  syn_cbor_string(to, kind, strlen(kind));
  syn_cbor_head(to, 5, fields);
}

/* Writes a field that is a text. */
static inline void syn_cbor_text(syn_cbor *to, const char *pointer, const void *text, size_t length) {
  syn_cbor_string(to, pointer, strlen(pointer));
  syn_cbor_string(to, text, length);
}

/* Reads a head; 0 if there is none. */
static inline int syn_cbor_read(const uint8_t **at, const uint8_t *end, uint8_t *major, uint64_t *number) {
  uint8_t code;
  int width, byte;
  if (*at >= end) return 0;
  *major = (uint8_t)(**at >> 5);
  code = (uint8_t)(*(*at)++ & 31);
  if (code < 24) {
    *number = code;
    return 1;
  }
  if (code > 27) return 0;
  width = 1 << (code - 24);
  if (end - *at < width) return 0;
  *number = 0;
  for (byte = 0; byte < width; byte++) *number = *number << 8 | *(*at)++;
  return 1;
}

/* Passes over one value, nested as deep as a record's can be; 0 if it is torn. */
static inline int syn_cbor_skip(const uint8_t **at, const uint8_t *end) {
  uint64_t left = 1, number;
  uint8_t major;
  while (left > 0) {
    if (!syn_cbor_read(at, end, &major, &number)) return 0;
    left--;
    if (major == 2 || major == 3) {
      if (number > (uint64_t)(end - *at)) return 0;
      *at += number;
    } else if (major == 4 || major == 5) {
      if (number > (uint64_t)(end - *at)) return 0;
      left += major == 4 ? number : 2 * number;
    }
  }
  return 1;
}

/* Finds a field that is a text: 1 found, 0 not there or another type, -1 torn. */
static inline int syn_cbor_find(const uint8_t *record, size_t length, const char *pointer, const uint8_t **text, size_t *text_length) {
  const uint8_t *at = record, *end = record + length;
  uint8_t major;
  uint64_t number, fields;
  int found = 0;
  if (!syn_cbor_read(&at, end, &major, &number) || major != 4 || number != 2) return -1;
  if (!syn_cbor_skip(&at, end)) return -1;
  if (!syn_cbor_read(&at, end, &major, &fields) || major != 5) return -1;
  for (; fields > 0; fields--) {
    const uint8_t *value;
    int here;
    if (!syn_cbor_read(&at, end, &major, &number) || major != 3 || number > (uint64_t)(end - at)) return -1;
    here = number == strlen(pointer) && memcmp(at, pointer, (size_t)number) == 0;
    at += number;
    value = at;
    if (!syn_cbor_skip(&at, end)) return -1;
    if (here && syn_cbor_read(&value, end, &major, &number) && major == 3) {
      *text = value;
      *text_length = (size_t)number;
      found = 1;
    }
  }
  return at == end ? found : -1;
}

#endif
