/* jot: rows in a text file, as a Syncretic adapter in C99 (and C++).
 *
 *   #jot 1
 *   id<TAB>title<TAB>note[<TAB>anything else]
 *
 * Tabs, line breaks and backslashes in a cell are written \t \n \r \\, and NUL \0. The file is read anew for each call,
 * edited line by line, written beside itself and exchanged. What a step displaced lies in .NAME.syncretic/
 * until the step is settled.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syncretic_adapter.h"
#include "syncretic_cbor.h"

#define ID "org.example.jot"
#define HEADER "#jot 1\n"
#define PRINT 24

static const syn_host *host;

static const char DESCRIPTION[] =
    "{\"id\":\"" ID "\",\"summary\":\"Rows in a jot file: id, title and note, one a line.\",\"kinds\":[\"row\"],\"options\":[]}";
static const char PROFILE[] =
    "{\"kinds\":[\"row\"],\"keys\":\"stable\",\"atomicity\":\"batch\",\"view\":[\"cells/id\",\"cells/title\",\"cells/note\"],"
    "\"volatile\":[],\"unique\":null}";

typedef struct {
  char *path;
} jot;

/* A buffer that grows. */
typedef struct {
  uint8_t *at;
  size_t length, room;
} buffer;

static int grow(buffer *to, size_t more) {
  uint8_t *at;
  size_t room = to->room ? to->room : 256;
  if (more > SIZE_MAX / 4 - to->length) return 0;
  while (room < to->length + more) room *= 2;
  if (room == to->room) return 1;
  at = (uint8_t *)realloc(to->at, room);
  if (!at) return 0;
  to->at = at;
  to->room = room;
  return 1;
}

static int append(buffer *to, const void *bytes, size_t length) {
  if (!grow(to, length)) return 0;
  if (length > 0) memcpy(to->at + to->length, bytes, length);
  to->length += length;
  return 1;
}

/* One line without its ending: where it stands, its cells undone, and what became of it. */
typedef struct {
  buffer text;             /* as it stands in the file, or as it will                  */
  size_t ending;           /* bytes of its ending: 0, 1 or 2                           */
  int task, gone, touched; /* whether it holds a row; whether it goes; whether it was operated on */
  buffer id, title, note;
  int has_note;
} line;

typedef struct {
  line *at;
  size_t count, room;
} lines;

static void free_line(line *one) {
  free(one->text.at);
  free(one->id.at);
  free(one->title.at);
  free(one->note.at);
}

static void free_lines(lines *all) {
  size_t n;
  for (n = 0; n < all->count; n++) free_line(&all->at[n]);
  free(all->at);
}

static syn_bytes lend(const void *bytes, size_t length) {
  syn_bytes lent;
  lent.ptr = (const uint8_t *)bytes;
  lent.len = length;
  return lent;
}

static syn_bytes text(const char *words) { return lend(words, strlen(words)); }

static syn_status fails(syn_call call, syn_status code, const char *message, const char *subject, int os_error) {
  syn_error error;
  memset(&error, 0, sizeof error);
  error.size = sizeof error;
  error.code = code;
  error.retry_after_ms = SYN_UNKNOWN;
  error.message = text(message);
  error.subject = text(subject);
  error.os_error = os_error;
  host->fail(call, &error);
  return code;
}

static syn_status fails_io(syn_call call, const char *path) { return fails(call, SYN_E_IO, strerror(errno), path, errno); }
static syn_status fails_memory(syn_call call) { return fails(call, SYN_E_FATAL, "there is no memory left", "", 0); }

/* Two hashes (FNV-1a from two starts) and the length: a fingerprint of the bytes. */
static void print_of(const uint8_t *bytes, size_t length, uint8_t print[PRINT]) {
  uint64_t parts[3];
  size_t n;
  parts[0] = UINT64_C(14695981039346656037);
  parts[1] = UINT64_C(0x9ae16a3b2f90404f);
  parts[2] = length;
  for (n = 0; n < length; n++) {
    parts[0] = (parts[0] ^ bytes[n]) * UINT64_C(1099511628211);
    parts[1] = (parts[1] ^ bytes[length - 1 - n]) * UINT64_C(0x9e3779b97f4a7c15);
  }
  for (n = 0; n < PRINT; n++) print[n] = (uint8_t)(parts[n / 8] >> (8 * (n % 8)));
}

static int utf8(const uint8_t *at, size_t length) {
  const uint8_t *end = at + length;
  while (at < end) {
    uint32_t c = *at++;
    int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : -1;
    uint32_t value = more == 1 ? c & 31 : more == 2 ? c & 15 : c & 7;
    int left = more;
    if (more < 0 || end - at < more) return 0;
    for (; left > 0; left--, at++) {
      if ((*at & 0xc0) != 0x80) return 0;
      value = value << 6 | (*at & 63);
    }
    if ((more == 2 && value < 0x800) || (more == 3 && (value < 0x10000 || value > 0x10ffff))) return 0;
    if (value >= 0xd800 && value < 0xe000 && more > 0) return 0;
  }
  return 1;
}

static int unescape(const uint8_t *at, size_t length, buffer *to) {
  const uint8_t *end = at + length;
  for (; at < end; at++) {
    uint8_t c = *at;
    if (c == '\\') {
      if (++at == end) return 0;
      switch (*at) {
        case 't': c = '\t'; break;
        case 'n': c = '\n'; break;
        case 'r': c = '\r'; break;
        case '0': c = 0; break;
        case '\\': break;
        default: return 0;
      }
    }
    if (!append(to, &c, 1)) return 0;
  }
  return 1;
}

static int escape(const uint8_t *at, size_t length, buffer *to) {
  for (; length > 0; length--, at++) {
    const char *word = *at == '\t' ? "\\t" : *at == '\n' ? "\\n" : *at == '\r' ? "\\r" : *at == 0 ? "\\0" : *at == '\\' ? "\\\\" : NULL;
    if (!(word ? append(to, word, 2) : append(to, at, 1))) return 0;
  }
  return 1;
}

/* Finds where a line's third tab is, behind which anything may stand. */
static size_t rest_of(const line *one) {
  size_t n, tabs = 0;
  for (n = 0; n < one->text.length; n++)
    if (one->text.at[n] == '\t' && ++tabs == 3) return n;
  return one->text.length;
}

/* Reads the cells of a line; NULL, or what is wrong. */
static const char *understand(line *one) {
  size_t start = 0, cell, end = rest_of(one);
  buffer *cells[3];
  one->task = 0;
  one->id.length = one->title.length = one->note.length = 0;
  one->has_note = 0;
  if (one->text.length == 0 || one->text.at[0] == '#') return NULL;
  if (!utf8(one->text.at, one->text.length)) return "the line is not UTF-8; save the file as UTF-8";
  cells[0] = &one->id;
  cells[1] = &one->title;
  cells[2] = &one->note;
  for (cell = 0; cell < 3 && start <= end; cell++) {
    const uint8_t *tab = (const uint8_t *)memchr(one->text.at + start, '\t', end - start);
    size_t stop = tab ? (size_t)(tab - one->text.at) : end;
    if (!unescape(one->text.at + start, stop - start, cells[cell])) return "a backslash stands before something else than t, n, r, 0 or \\";
    one->has_note = cell == 2 && one->note.length > 0;
    start = stop + 1;
  }
  if (cell < 2) return "the line has no tab; write an id, a tab and a title";
  if (one->id.length == 0) return "the line has no id; write one before the first tab";
  one->task = 1;
  return NULL;
}

static line *add(lines *all) {
  if (all->count == all->room) {
    size_t room = all->room ? 2 * all->room : 64;
    line *at = (line *)realloc(all->at, room * sizeof(line));
    if (!at) return NULL;
    all->at = at;
    all->room = room;
  }
  memset(&all->at[all->count], 0, sizeof(line));
  return &all->at[all->count++];
}

/* Reads the whole file. */
static syn_status load(jot *self, syn_call call, buffer *content) {
  struct stat found;
  FILE *file;
  uint8_t chunk[65536];
  size_t length;
  if (stat(self->path, &found) != 0) {
    if (errno == ENOENT) return fails(call, SYN_E_SOURCE, "is not there; restore it, or correct `path`", self->path, 0);
    return fails_io(call, self->path);
  }
  if (!S_ISREG(found.st_mode)) return fails(call, SYN_E_SOURCE, "is no file; name a jot file", self->path, 0);
  file = fopen(self->path, "rb");
  if (!file) return fails_io(call, self->path);
  while ((length = fread(chunk, 1, sizeof chunk, file)) > 0)
    if (!append(content, chunk, length)) {
      fclose(file);
      return fails_memory(call);
    }
  if (ferror(file)) {
    fclose(file);
    return fails_io(call, self->path);
  }
  fclose(file);
  if (content->length < sizeof HEADER - 2 || memcmp(content->at, HEADER, sizeof HEADER - 2) != 0)
    return fails(call, SYN_E_SOURCE, "does not begin with `#jot 1`: it is no jot file, or it is torn", self->path, 0);
  return SYN_OK;
}

/* Splits the content into lines; the cells of none are read yet. */
static syn_status cut(syn_call call, const buffer *content, lines *all) {
  size_t start = 0;
  while (start < content->length) {
    const uint8_t *end = (const uint8_t *)memchr(content->at + start, '\n', content->length - start);
    size_t stop = end ? (size_t)(end - content->at) : content->length, next = end ? stop + 1 : stop;
    line *one = add(all);
    if (!one) return fails_memory(call);
    if (end && stop > start && content->at[stop - 1] == '\r') stop--;
    if (!append(&one->text, content->at + start, stop - start)) return fails_memory(call);
    one->ending = next - stop;
    start = next;
  }
  return SYN_OK;
}

/* Writes what a line shows as CBOR. */
static int record_of(const line *one, buffer *to) {
  syn_cbor out;
  int turn;
  to->length = 0;
  for (turn = 0; turn < 2; turn++) {
    out.bytes = to->at;
    out.room = to->room;
    out.length = 0;
    syn_cbor_begin(&out, "row", one->has_note ? 3 : 2);
    syn_cbor_text(&out, "cells/id", one->id.at, one->id.length);
    if (one->has_note) syn_cbor_text(&out, "cells/note", one->note.at, one->note.length);
    syn_cbor_text(&out, "cells/title", one->title.at, one->title.length);
    if (out.length <= out.room) break;
    if (!grow(to, out.length)) return 0;
  }
  to->length = out.length;
  return 1;
}

static syn_status describe(syn_call call) { return host->document(call, text(DESCRIPTION)); }

static syn_status open_jot(syn_call call, syn_bytes path, const syn_option *options, size_t count, size_t stride, void **self) {
  jot *opened;
  buffer content = {NULL, 0, 0};
  syn_status status;
  (void)stride;
  if (count > 0) {
    char name[128];
    size_t length = options->name.len < sizeof name - 1 ? options->name.len : sizeof name - 1;
    memcpy(name, options->name.ptr, length);
    name[length] = 0;
    return fails(call, SYN_E_CONFIG, "there is no such option; remove it", name, 0);
  }
  opened = (jot *)calloc(1, sizeof *opened);
  if (!opened) return fails_memory(call);
  opened->path = (char *)calloc(1, path.len + 1);
  if (!opened->path) {
    free(opened);
    return fails_memory(call);
  }
  memcpy(opened->path, path.ptr, path.len);
  status = load(opened, call, &content);
  free(content.at);
  if (status != SYN_OK) {
    free(opened->path);
    free(opened);
    return status;
  }
  *self = opened;
  return SYN_OK;
}

static void close_jot(void *self) {
  free(((jot *)self)->path);
  free(self);
}

static syn_status profile(void *self, syn_call call) {
  (void)self;
  return host->document(call, text(PROFILE));
}

/* Reports one line. */
static syn_status report(syn_call call, line *one, size_t number, buffer *record) {
  syn_item item;
  syn_fingerprint known;
  uint8_t print[PRINT];
  const uint8_t *tab = (const uint8_t *)memchr(one->text.at, '\t', one->text.length);
  memset(&item, 0, sizeof item);
  item.size = sizeof item;
  item.line = number;
  if (one->text.length == 0 || one->text.at[0] == '#') return SYN_OK;
  print_of(one->text.at, one->text.length, print);
  memset(&known, 0, sizeof known);
  known.size = sizeof known;
  item.fingerprint = lend(print, sizeof print);
  /* A key without a backslash stands in the line as it is: an unchanged row is not read at all. */
  if (tab && tab > one->text.at && !memchr(one->text.at, '\\', (size_t)(tab - one->text.at)) && utf8(one->text.at, (size_t)(tab - one->text.at))) {
    item.key = lend(one->text.at, (size_t)(tab - one->text.at));
    if (host->known(call, item.key, &known) == SYN_OK && known.length == PRINT && memcmp(known.bytes, print, PRINT) == 0) {
      item.state = SYN_UNCHANGED;
      return host->emit(call, &item, 1, sizeof item);
    }
  }
  item.reason = text("");
  {
    const char *wrong = understand(one);
    if (wrong) {
      item.state = SYN_BROKEN;
      item.key = item.fingerprint = lend(NULL, 0);
      item.reason = text(wrong);
      return host->emit(call, &item, 1, sizeof item);
    }
  }
  item.state = SYN_ITEM;
  item.key = lend(one->id.at, one->id.length);
  if (!record_of(one, record)) return fails_memory(call);
  item.record = lend(record->at, record->length);
  return host->emit(call, &item, 1, sizeof item);
}

static int same_bytes(const buffer *one, const buffer *other) {
  return one->length == other->length && memcmp(one->at, other->at, one->length) == 0;
}

static int by_id(const void *one, const void *other) {
  const line *a = *(line *const *)one, *b = *(line *const *)other;
  size_t length = a->id.length < b->id.length ? a->id.length : b->id.length;
  int order = memcmp(a->id.at, b->id.at, length);
  return order ? order : a->id.length < b->id.length ? -1 : a->id.length > b->id.length;
}

/* Two rows of one id cannot be told apart: both are broken, with their own key, so neither is taken for deleted. */
static syn_status refuse_twins(syn_call call, lines *all, char *twin) {
  line **sorted = (line **)malloc((all->count + 1) * sizeof *sorted);
  size_t n, count = 0;
  if (!sorted) return fails_memory(call);
  for (n = 0; n < all->count; n++) {
    understand(&all->at[n]);
    if (all->at[n].task) sorted[count++] = &all->at[n];
  }
  qsort(sorted, count, sizeof *sorted, by_id);
  for (n = 1; n < count; n++)
    if (same_bytes(&sorted[n - 1]->id, &sorted[n]->id)) twin[sorted[n - 1] - all->at] = twin[sorted[n] - all->at] = 1;
  free(sorted);
  return SYN_OK;
}

static syn_status scan(void *instance, syn_call call) {
  jot *self = (jot *)instance;
  buffer content = {NULL, 0, 0}, record = {NULL, 0, 0};
  lines all = {NULL, 0, 0};
  char *twin = NULL, *root;
  size_t n;
  syn_status status = load(self, call, &content);
  if (status == SYN_OK) status = cut(call, &content, &all);
  if (status == SYN_OK && !(twin = (char *)calloc(1, all.count + 1))) status = fails_memory(call);
  if (status == SYN_OK) status = refuse_twins(call, &all, twin);
  for (n = 0; status == SYN_OK && n < all.count; n++) {
    if (host->cancelled(call)) status = fails(call, SYN_E_CANCELLED, "cancelled", "", 0);
    else if (twin[n]) {
      syn_item item;
      memset(&item, 0, sizeof item);
      item.size = sizeof item;
      item.state = SYN_BROKEN;
      item.key = lend(all.at[n].id.at, all.at[n].id.length);
      item.line = n + 1;
      item.reason = text("another line has the same id; give each its own");
      status = host->emit(call, &item, 1, sizeof item);
    } else status = report(call, &all.at[n], n + 1, &record);
  }
  if (status == SYN_OK) {
    root = realpath(self->path, NULL);
    status = root ? host->scanned(call, text(root), text("")) : fails_io(call, self->path);
    free(root);
  }
  free(twin);
  free(content.at);
  free(record.at);
  free_lines(&all);
  return status;
}

/* Composes a line's text from the record of an operation; NULL, or why it cannot. */
static const char *compose(line *one, const syn_op *op) {
  static const char *const names[3] = {"cells/id", "cells/title", "cells/note"};
  buffer now = {NULL, 0, 0};
  size_t rest = rest_of(one), cell;
  int found[3], ok = 1;
  const uint8_t *value[3];
  size_t length[3];
  char id[33];
  for (cell = 0; cell < 3; cell++) {
    found[cell] = syn_cbor_find(op->record.ptr, op->record.len, names[cell], &value[cell], &length[cell]);
    if (found[cell] < 0) return "the record cannot be read";
    if (!found[cell]) length[cell] = 0;
  }
  if (!found[0] || length[0] == 0) {
    /* A row from elsewhere gets the id that it has everywhere. */
    if (one->task) {
      value[0] = one->id.at;
      length[0] = one->id.length;
    } else {
      for (cell = 0; cell < 16; cell++) sprintf(id + 2 * cell, "%02x", op->id[cell]);
      value[0] = (const uint8_t *)id;
      length[0] = 32;
    }
  }
  if (value[0][0] == '#') return "an id cannot begin with `#` in a jot file";
  ok = escape(value[0], length[0], &now) && append(&now, "\t", 1) && escape(value[1], length[1], &now);
  /* The third column stays away where it was away and has nothing to hold. */
  if (ok && (length[2] > 0 || rest < one->text.length)) ok = append(&now, "\t", 1) && escape(value[2], length[2], &now);
  if (ok) ok = append(&now, one->text.at + rest, one->text.length - rest);
  if (!ok) {
    free(now.at);
    return "there is no memory left";
  }
  /* The same cells may stand there in another way: then nothing is written. */
  {
    line read;
    const char *wrong;
    int same;
    memset(&read, 0, sizeof read);
    read.text = now;
    wrong = understand(&read);
    same = one->task && same_bytes(&read.id, &one->id) && same_bytes(&read.title, &one->title) && same_bytes(&read.note, &one->note);
    if (wrong || !read.task || same) {
      free_line(&read);
      return wrong ? wrong : same ? NULL : "the row would not be read as one";
    }
    free(one->text.at);
    free(one->id.at);
    free(one->title.at);
    free(one->note.at);
    one->text = read.text;
    one->id = read.id;
    one->title = read.title;
    one->note = read.note;
    one->has_note = read.has_note;
    one->task = 1;
  }
  return NULL;
}

/* An operation's line, and what is answered. */
typedef struct {
  uint32_t outcome;
  size_t line;
  uint64_t bytes;
  const char *reason;
} verdict;

static size_t find(const lines *all, const uint8_t *id, size_t length, size_t before) {
  size_t n;
  for (n = 0; n < before; n++)
    if (all->at[n].task && !all->at[n].gone && all->at[n].id.length == length && memcmp(all->at[n].id.at, id, length) == 0) return n;
  return all->count;
}

static void judge_standing(lines *all, const syn_op *op, size_t before, verdict *out) {
  uint8_t print[PRINT];
  size_t n = find(all, op->key.ptr, op->key.len, before);
  line *one;
  out->outcome = SYN_STALE;
  if (n == all->count || op->expect != SYN_EXPECT_FINGERPRINT || all->at[n].touched) return;
  one = &all->at[n];
  print_of(one->text.at, one->text.length, print);
  if (op->fingerprint.len != PRINT || memcmp(op->fingerprint.ptr, print, PRINT) != 0) return;
  one->touched = 1;
  out->line = n;
  if (op->op == SYN_DELETE) {
    one->gone = 1;
    out->outcome = SYN_DELETED;
    out->bytes = one->text.length;
    return;
  }
  out->reason = compose(one, op);
  out->outcome = out->reason ? SYN_REFUSED : SYN_DONE;
  if (!out->reason) {
    uint8_t now[PRINT];
    print_of(one->text.at, one->text.length, now);
    out->bytes = memcmp(print, now, PRINT) == 0 ? 0 : one->text.length;
  }
}

static syn_status judge_new(syn_call call, lines *all, const syn_op *op, verdict *out) {
  line *one;
  size_t before = all->count;
  if (before > 0 && all->at[before - 1].ending == 0) all->at[before - 1].ending = 1;
  one = add(all);
  if (!one) return fails_memory(call);
  one->ending = 1;
  out->line = before;
  out->reason = compose(one, op);
  out->outcome = out->reason ? SYN_REFUSED : SYN_DONE;
  out->bytes = one->text.length;
  if (!out->reason && find(all, one->id.at, one->id.length, before) != all->count) out->outcome = SYN_STALE;
  if (out->outcome != SYN_DONE) {
    free_line(one);
    memset(one, 0, sizeof *one);
    one->gone = 1;
  }
  return SYN_OK;
}

static int put_together(const lines *all, buffer *content) {
  size_t n;
  for (n = 0; n < all->count; n++) {
    const line *one = &all->at[n];
    if (one->gone) continue;
    if (!append(content, one->text.at, one->text.length) || !append(content, one->ending == 2 ? "\r\n" : "\n", one->ending)) return 0;
  }
  return 1;
}

/* Where a step keeps its files. */
typedef struct {
  char area[PATH_MAX], folder[PATH_MAX], file[PATH_MAX], journal[PATH_MAX], target[PATH_MAX];
} places;

static syn_status name_places(jot *self, syn_call call, const uint8_t *step, places *out) {
  char *target = realpath(self->path, NULL), *slash, id[33];
  size_t n, folder;
  if (!target) {
    /* The folder may still tell what became of a step whose file is gone. */
    target = (char *)calloc(1, strlen(self->path) + 1);
    if (!target) return fails_memory(call);
    strcpy(target, self->path);
  }
  slash = strrchr(target, '/');
  folder = slash ? (size_t)(slash - target) + 1 : 0;
  if (strlen(target) + 64 > PATH_MAX - 16) {
    free(target);
    return fails(call, SYN_E_SOURCE, "has a path that is too long", self->path, 0);
  }
  for (n = 0; n < 16; n++) sprintf(id + 2 * n, "%02x", step[n]);
  strcpy(out->target, target);
  memcpy(out->area, target, folder);
  sprintf(out->area + folder, ".%.200s.syncretic", target + folder);
  free(target);
  strcpy(out->folder, out->area);
  strcat(strcat(out->folder, "/"), id);
  strcat(strcpy(out->file, out->folder), "/new");
  strcat(strcpy(out->journal, out->folder), "/journal");
  return SYN_OK;
}

static int write_file(const char *path, const uint8_t *bytes, size_t length, mode_t mode) {
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  size_t done = 0;
  if (file < 0) return 0;
  while (done < length) {
    ssize_t wrote = write(file, bytes + done, length - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      close(file);
      return 0;
    }
    done += (size_t)wrote;
  }
  if (fchmod(file, mode) != 0 || fsync(file) != 0) {
    close(file);
    return 0;
  }
  return close(file) == 0;
}

static void sync_folder(const char *path) {
  int folder = open(path, O_RDONLY);
  if (folder < 0) return;
  fsync(folder);
  close(folder);
}

/* Tells what a file holds: 1 and its fingerprint, or 0. */
static int print_file(const char *path, uint8_t print[PRINT]) {
  buffer content = {NULL, 0, 0};
  uint8_t chunk[65536];
  size_t length;
  FILE *file = fopen(path, "rb");
  int ok = 1;
  if (!file) return 0;
  while (ok && (length = fread(chunk, 1, sizeof chunk, file)) > 0) ok = append(&content, chunk, length);
  ok = ok && !ferror(file);
  fclose(file);
  if (ok) print_of(content.at, content.length, print);
  free(content.at);
  return ok;
}

static int write_journal(const places *at, const uint8_t was[PRINT], const uint8_t now[PRINT], const lines *all, const verdict *verdicts, size_t count) {
  buffer journal = {NULL, 0, 0};
  size_t n;
  int ok = append(&journal, was, PRINT) && append(&journal, now, PRINT);
  for (n = 0; ok && n < count; n++) {
    uint8_t head[5];
    uint8_t print[PRINT];
    const line *one = verdicts[n].outcome == SYN_DONE ? &all->at[verdicts[n].line] : NULL;
    uint32_t length = one ? (uint32_t)one->id.length : 0;
    head[0] = (uint8_t)verdicts[n].outcome;
    memcpy(head + 1, &length, 4);
    memset(print, 0, PRINT);
    if (one) print_of(one->text.at, one->text.length, print);
    ok = append(&journal, head, 5) && append(&journal, print, PRINT) && (!one || append(&journal, one->id.at, length));
  }
  ok = ok && write_file(at->journal, journal.at, journal.length, 0600);
  free(journal.at);
  return ok;
}

static void clear(const places *at) {
  unlink(at->journal);
  unlink(at->file);
  rmdir(at->folder);
  rmdir(at->area);
}

/* Exchanges two files in one step. */
static int swap(const char *one, const char *other) {
#ifdef RENAME_EXCHANGE
  return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0;
#else
  return rename(one, other) == 0;
#endif
}

/* Replaces the file: 1 done, 0 someone else saved it meanwhile, -1 failed with errno. */
static int exchange(const places *at, const buffer *was, const buffer *now, const lines *all, const verdict *verdicts, size_t count) {
  struct stat found;
  uint8_t expected[PRINT], print[PRINT], new_print[PRINT];
  int saved;
  print_of(was->at, was->length, expected);
  print_of(now->at, now->length, new_print);
  if (stat(at->target, &found) != 0) return -1;
  if (mkdir(at->area, 0700) != 0 && errno != EEXIST) return -1;
  if (mkdir(at->folder, 0700) != 0) return -1;
  if (!write_file(at->file, now->at, now->length, found.st_mode & 07777) || !write_journal(at, expected, new_print, all, verdicts, count)) {
    saved = errno;
    clear(at);
    errno = saved;
    return -1;
  }
  sync_folder(at->folder);
  /* Both files change places at once; what was displaced shows whether it is what was read. */
  if (!swap(at->file, at->target)) {
    saved = errno;
    clear(at);
    errno = saved;
    return saved == ENOENT ? 0 : -1;
  }
  if (!print_file(at->file, print) || memcmp(print, expected, PRINT) != 0) {
    if (swap(at->file, at->target)) clear(at);
    return 0;
  }
  {
    char folder[PATH_MAX];
    char *slash;
    strcpy(folder, at->target);
    slash = strrchr(folder, '/');
    if (slash) *slash = 0;
    sync_folder(slash ? folder : ".");
  }
  return 1;
}

static syn_status answer_all(syn_call call, const lines *all, const verdict *verdicts, size_t count, int lost) {
  buffer record = {NULL, 0, 0};
  size_t n;
  syn_status status = SYN_OK;
  for (n = 0; status == SYN_OK && n < count; n++) {
    uint8_t print[PRINT];
    syn_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.size = sizeof answer;
    answer.index = n;
    answer.outcome = lost && verdicts[n].outcome != SYN_REFUSED ? (uint32_t)SYN_STALE : verdicts[n].outcome;
    if (answer.outcome == SYN_REFUSED) answer.reason = text(verdicts[n].reason);
    if (answer.outcome == SYN_DONE || answer.outcome == SYN_DELETED) answer.bytes = verdicts[n].bytes;
    if (answer.outcome == SYN_DONE) {
      const line *one = &all->at[verdicts[n].line];
      if (!record_of(one, &record)) status = fails_memory(call);
      print_of(one->text.at, one->text.length, print);
      answer.key = lend(one->id.at, one->id.length);
      answer.fingerprint = lend(print, PRINT);
      answer.record = lend(record.at, record.length);
    }
    if (status == SYN_OK) status = host->answer(call, &answer, 1, sizeof answer);
  }
  free(record.at);
  return status;
}

static syn_status apply(void *instance, syn_call call, const uint8_t *step, const syn_op *ops, size_t count, size_t stride, uint32_t mode) {
  jot *self = (jot *)instance;
  buffer content = {NULL, 0, 0}, now = {NULL, 0, 0};
  lines all = {NULL, 0, 0};
  verdict *verdicts = (verdict *)calloc(count + 1, sizeof(verdict));
  places *at = (places *)malloc(sizeof(places));
  size_t n, standing;
  int lost = 0;
  syn_status status = verdicts && at ? load(self, call, &content) : fails_memory(call);
  if (status == SYN_OK) status = cut(call, &content, &all);
  for (n = 0; n < all.count; n++) understand(&all.at[n]);
  if (status == SYN_OK && host->cancelled(call)) status = fails(call, SYN_E_CANCELLED, "cancelled", "", 0);
  standing = all.count;
  for (n = 0; status == SYN_OK && n < count; n++) {
    const syn_op *op = (const syn_op *)((const uint8_t *)ops + n * stride);
    if (op->key.len > 0) judge_standing(&all, op, standing, &verdicts[n]);
    else status = judge_new(call, &all, op, &verdicts[n]);
  }
  if (status == SYN_OK && !put_together(&all, &now)) status = fails_memory(call);
  if (status == SYN_OK && host->cancelled(call)) status = fails(call, SYN_E_CANCELLED, "cancelled", "", 0);
  if (status == SYN_OK && mode == SYN_PERFORM && !same_bytes(&now, &content)) {
    status = name_places(self, call, step, at);
    if (status == SYN_OK) {
      int placed = exchange(at, &content, &now, &all, verdicts, count);
      lost = placed == 0;
      if (placed < 0 && errno == EEXIST) status = fails(call, SYN_E_SOURCE, "this step was begun before; recover and settle it first", at->folder, 0);
      else if (placed < 0) status = fails_io(call, at->target);
    }
  }
  if (status == SYN_OK) status = answer_all(call, &all, verdicts, count, lost);
  free(verdicts);
  free(at);
  free(content.at);
  free(now.at);
  free_lines(&all);
  return status;
}

/* Tells the fates that a journal holds. */
static syn_status tell(syn_call call, const buffer *journal, uint32_t fate) {
  const uint8_t *at = journal->at + 2 * PRINT, *end = journal->at + journal->length;
  syn_status status = SYN_OK;
  while (status == SYN_OK && end - at >= 5 + PRINT) {
    syn_fate told;
    uint32_t length;
    memset(&told, 0, sizeof told);
    told.size = sizeof told;
    memcpy(&length, at + 1, 4);
    if (length > (size_t)(end - at - 5 - PRINT)) break;
    told.fate = at[0] == SYN_STALE || at[0] == SYN_REFUSED ? (uint32_t)SYN_FATE_NOT_DONE : fate;
    if (told.fate == SYN_FATE_DONE && at[0] == SYN_DONE) {
      told.fingerprint = lend(at + 5, PRINT);
      told.key = lend(at + 5 + PRINT, length);
    }
    at += 5 + PRINT + length;
    status = host->fate(call, &told, 1, sizeof told);
  }
  return status;
}

static syn_status recover(void *instance, syn_call call, const uint8_t *step) {
  jot *self = (jot *)instance;
  places *at = (places *)malloc(sizeof(places));
  buffer journal = {NULL, 0, 0};
  uint8_t print[PRINT], chunk[65536];
  size_t length;
  FILE *file;
  syn_status status = at ? name_places(self, call, step, at) : fails_memory(call);
  if (status == SYN_OK) {
    file = fopen(at->journal, "rb");
    if (file) {
      while ((length = fread(chunk, 1, sizeof chunk, file)) > 0)
        if (!append(&journal, chunk, length)) status = fails_memory(call);
      fclose(file);
    } else if (errno != ENOENT) status = fails_io(call, at->journal);
  }
  if (status == SYN_OK && journal.length >= 2 * PRINT) {
    uint32_t fate = SYN_FATE_UNKNOWN;
    if (print_file(at->target, print)) {
      if (memcmp(print, journal.at + PRINT, PRINT) == 0) fate = SYN_FATE_DONE;
      else if (memcmp(print, journal.at, PRINT) == 0) fate = SYN_FATE_NOT_DONE;
    }
    status = tell(call, &journal, fate);
  } else if (status == SYN_OK) {
    /* Cut off before its journal was whole: nothing was exchanged. */
    clear(at);
  }
  free(journal.at);
  free(at);
  return status;
}

static syn_status settle(void *instance, syn_call call, const uint8_t *step) {
  places *at = (places *)malloc(sizeof(places));
  syn_status status = at ? name_places((jot *)instance, call, step, at) : fails_memory(call);
  if (status == SYN_OK) clear(at);
  free(at);
  return status;
}

static const syn_adapter ADAPTER = {
    sizeof(syn_adapter), SYN_ABI_MAJOR, SYN_ABI_MINOR, ID, describe, open_jot, close_jot, profile, scan, apply, recover, settle, NULL,
};

SYN_EXPORT const syn_adapter *syncretic_adapter_v1(const syn_host *offered) {
  if (!offered || offered->abi_major != SYN_ABI_MAJOR || offered->size < sizeof(syn_host)) return NULL;
  host = offered;
  return &ADAPTER;
}
