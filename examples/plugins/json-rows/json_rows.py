#!/usr/bin/env python3
"""json-rows: a file with one JSON object a line, as a Syncretic adapter that is a program.

Every member that is a text is a column; `id` names the row. Members of other types stay as they are. The protocol is
docs/plugins/protocol.md: one JSON object a line on standard input and output, everything else on standard error.
"""
import collections
import ctypes
import functools
import hashlib
import io
import json
import os
import sys

ID = "org.example.json-rows"
DESCRIPTION = {
    "id": ID,
    "summary": "Rows in a file with one JSON object a line.",
    "kinds": ["row"],
    "options": [],
}
PROFILE = {
    "kinds": ["row"],
    "keys": "stable",
    "atomicity": "batch",
    "view": ["cells/*"],
    "volatile": [],
    "unique": None,
}


class Failed(Exception):
    """An error that Syncretic shows: its code, what is wrong, and what it is about."""

    def __init__(self, code, message, subject=""):
        super().__init__(message)
        self.body = {"code": code, "message": message, "subject": subject}


encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
quoted = json.encoder.encode_basestring


def say(name, body):
    sys.stdout.write(encode({name: body}) + "\n")


def show(row, number):
    """Says an item; as encode would, but a scan says many of them."""
    fields = ", ".join([pointer(name) + quoted(value) for name, value in row.row.items() if isinstance(value, str)])
    sys.stdout.write(
        '{"item": {"key": %s, "fingerprint": "%s", "line": %d, "record": {"kind": "row", "fields": {%s}}}}\n'
        % (quoted(row.key), row.fingerprint, number, fields)
    )


def digest(data):
    return hashlib.sha256(data).hexdigest()


def escape(name):
    return name.replace("~", "~0").replace("/", "~1")


@functools.lru_cache(maxsize=4096)
def pointer(name):
    """A column's pointer as JSON, with the colon behind it."""
    return quoted("cells/" + escape(name)) + ": "


def unescape(name):
    return name.replace("~1", "/").replace("~0", "~")


def understand(line):
    """Returns the object of a line, or what is wrong with it; nothing for an empty line."""
    if not line.strip():
        return None, None
    try:
        found = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None, "the line is no JSON; correct it"
    if not isinstance(found, dict):
        return None, "the line is no JSON object; write one object a line"
    if not isinstance(found.get("id"), str) or not found["id"]:
        return None, "the object has no text `id`; give it one"
    # Half of a pair can only be written as an escape.
    if b"\\u" in line and any(isinstance(value, str) and not sound(value) for value in list(found.values()) + list(found)):
        return None, "the line holds half of a surrogate pair, which is no text"
    return found, None


def sound(text):
    try:
        text.encode("utf-8")
        return True
    except UnicodeEncodeError:
        return False


def record(row):
    fields = {"cells/" + escape(name): value for name, value in row.items() if isinstance(value, str)}
    return {"kind": "row", "fields": fields}


def written(text):
    """Returns each member's value as it is written: 2.50 stays 2.50."""
    decoder, found, at = json.JSONDecoder(), {}, text.index("{") + 1
    skip = lambda at: at + len(text[at:]) - len(text[at:].lstrip(" \t,:"))
    while text[skip(at)] == '"':
        name, at = json.decoder.scanstring(text, skip(at) + 1)
        start = skip(at)
        _, at = decoder.raw_decode(text, start)
        found[name] = text[start:at]
    return found


class Row:
    """A line: its bytes, its ending, and what it holds; a line that is known by its fingerprint is not parsed."""

    __slots__ = ("line", "ending", "fingerprint", "key", "row", "wrong")

    def __init__(self, raw, keys):
        self.ending = b"\r\n" if raw.endswith(b"\r\n") else b"\n" if raw.endswith(b"\n") else b""
        self.line = raw[: len(raw) - len(self.ending)]
        self.fingerprint = digest(self.line)
        self.key, self.row, self.wrong = keys.get(self.fingerprint), None, None
        if self.key is None:
            self.row, self.wrong = understand(self.line)
            self.key = self.row["id"] if self.row else None

    def change(self, line, row):
        self.line, self.fingerprint, self.row, self.key = line, digest(line), row, row["id"]


class Endpoint:
    def __init__(self, path, options):
        if not isinstance(path, str):
            raise Failed("config", "the path is not UTF-8", "path")
        for name in options:
            raise Failed("config", "there is no such option; remove it", name)
        self.path = path
        self.content()

    def content(self):
        try:
            if not os.path.isfile(self.path):
                there = os.path.exists(self.path)
                raise Failed("source", "is no file" if there else "is not there; restore it, or correct `path`", self.path)
            with open(self.path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise Failed("io", str(error), self.path) from error
        if not data:
            raise Failed("source", "is empty, as a file that was torn is; if no row is left, put an empty line into it", self.path)
        return data

    @staticmethod
    def cut(data, keys={}):
        return [Row(line, keys) for line in io.BytesIO(data)]

    def scan(self, known):
        rows = self.cut(self.content(), {fingerprint: key for key, fingerprint in known.items()})
        count = collections.Counter(row.key for row in rows)
        for number, row in enumerate(rows, 1):
            if row.wrong:
                say("broken", {"line": number, "reason": row.wrong})
            elif row.key is None:
                continue
            elif count[row.key] > 1:
                say("broken", {"key": row.key, "line": number, "reason": "another line has the same id; give each its own"})
            elif row.row is None:
                sys.stdout.write('{"unchanged": {"key": %s, "fingerprint": "%s"}}\n' % (quoted(row.key), row.fingerprint))
            else:
                show(row, number)
        say("scanned", {"root": os.path.realpath(self.path)})

    # A step's files lie beside the file: the new content, the old content, and a journal that is durable first.

    def area(self):
        folder, name = os.path.split(os.path.realpath(self.path))
        return os.path.join(folder, "." + name + ".syncretic")

    def apply(self, step, mode, ops):
        before = self.content()
        rows = self.cut(before)
        places = {}
        for at, row in enumerate(rows):
            if row.key is not None:
                places[row.key] = None if row.key in places else at
        touched, answers = set(), []
        for op in ops:
            answers.append(self.operate(op, rows, places, touched))
        data = b"".join(row.line + row.ending for row in rows if row.line is not None) or b"\n"
        for answer in answers:
            at = answer.pop("at", None)
            if at is not None:
                answer.update(key=rows[at].key, fingerprint=rows[at].fingerprint, record=record(rows[at].row))
        if mode == "perform" and data != before and not self.exchange(step, before, data, answers):
            answers = [a if a["outcome"] == "refused" else {"outcome": "stale"} for a in answers]
        for index, answer in enumerate(answers):
            say("answer", dict(answer, index=index))

    def operate(self, op, rows, places, touched):
        verb, body = op
        key = body.get("key")
        if key is None:
            return self.make(body, rows, places)
        at = places.get(key)
        if at is None or at in touched or body.get("fingerprint") != rows[at].fingerprint:
            return {"outcome": "stale"}
        touched.add(at)
        row = rows[at]
        if verb == "delete":
            size = len(row.line)
            row.line = None
            places[key] = None
            return {"outcome": "deleted", "bytes": size}
        wanted = self.cells(body["record"])
        wanted.setdefault("id", key)
        # Members of other types stay, and so does the order.
        now = {n: v if not isinstance(v, str) or wanted.get(n) == v else wanted[n] for n, v in row.row.items() if n in wanted or not isinstance(v, str)}
        if any(n in now and not isinstance(row.row.get(n), str) and n in row.row for n in wanted):
            return {"outcome": "refused", "reason": "a member of this name holds something that is no text; rename one of them"}
        now.update({n: v for n, v in wanted.items() if n not in now})
        if now == row.row:
            return {"outcome": "done", "bytes": 0, "at": at}
        return self.rewrite(row, now, at)

    @staticmethod
    def rewrite(row, now, at):
        was = written(row.line.decode("utf-8")) if row.row else {}
        same = {n for n, v in now.items() if row.row and n in row.row and row.row[n] is v}
        parts = ["%s: %s" % (quoted(n), was[n] if n in same else quoted(v)) for n, v in now.items()]
        line = ("{" + ", ".join(parts) + "}").encode("utf-8")
        found, wrong = understand(line)
        if wrong or found != now:
            return {"outcome": "refused", "reason": wrong or "the row would read back otherwise"}
        row.change(line, now)
        return {"outcome": "done", "bytes": len(line), "at": at}

    def make(self, body, rows, places):
        now = self.cells(body["record"])
        # A row from elsewhere gets the id that it has everywhere.
        now = dict({"id": now.get("id") or body["id"]}, **{n: v for n, v in now.items() if n != "id"})
        if places.get(now["id"]) is not None:
            return {"outcome": "stale"}
        if rows and not rows[-1].ending:
            rows[-1].ending = b"\n"
        row = Row(b"\n", {})
        answer = self.rewrite(row, now, len(rows))
        if answer["outcome"] == "done":
            places[now["id"]] = len(rows)
            rows.append(row)
        return answer

    @staticmethod
    def cells(wanted):
        fields = wanted["fields"].items()
        return {unescape(name[6:]): value for name, value in fields if name.startswith("cells/") and isinstance(value, str)}

    def exchange(self, step, before, data, answers):
        folder = os.path.join(self.area(), step)
        target = os.path.realpath(self.path)
        try:
            os.makedirs(self.area(), mode=0o700, exist_ok=True)
            os.mkdir(folder, 0o700)
        except FileExistsError as error:
            raise Failed("source", "this step was begun before; recover and settle it first", folder) from error
        except OSError as error:
            raise Failed("io", str(error), folder) from error
        try:
            write(os.path.join(folder, "new"), data, os.stat(target).st_mode & 0o7777)
            journal = {"was": digest(before), "now": digest(data), "answers": answers}
            write(os.path.join(folder, "journal"), json.dumps(journal).encode(), 0o600)
            sync(folder)
            # Both files change places at once; what was displaced shows whether it is what was read.
            swap(os.path.join(folder, "new"), target)
            with open(os.path.join(folder, "new"), "rb") as file:
                lost = digest(file.read()) != journal["was"]
            if lost:
                swap(os.path.join(folder, "new"), target)
            sync(os.path.dirname(target))
        except OSError as error:
            self.settle(step)
            raise Failed("io", str(error), target) from error
        if lost:
            self.settle(step)
        return not lost

    def recover(self, step):
        if not os.path.isdir(os.path.dirname(os.path.realpath(self.path))):
            raise Failed("source", "its folder is not there; what the last sync did is found out once it is back", self.path)
        try:
            with open(os.path.join(self.area(), step, "journal"), "rb") as file:
                journal = json.load(file)
        except (FileNotFoundError, ValueError):
            # Cut off before its journal was whole: nothing was exchanged.
            self.settle(step)
            return
        now = digest(self.content())
        fate = "done" if now == journal["now"] else "not-done" if now == journal["was"] else "unknown"
        for answer in journal["answers"]:
            if answer["outcome"] not in ("done", "deleted"):
                say("fate", {"fate": "not-done"})
            elif fate == "done" and answer["outcome"] == "done":
                say("fate", {"fate": "done", "key": answer["key"], "fingerprint": answer["fingerprint"]})
            else:
                say("fate", {"fate": fate})

    def settle(self, step):
        folder = os.path.join(self.area(), step)
        for name in ("journal", "new"):
            try:
                os.unlink(os.path.join(folder, name))
            except FileNotFoundError:
                pass
        for name in (folder, self.area()):
            try:
                os.rmdir(name)
            except OSError:
                pass


def swap(one, other):
    """Exchanges two files in one step (Linux)."""
    exchange, here = 2, -100
    if ctypes.CDLL(None, use_errno=True).renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), other)


def write(path, data, mode):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def sync(folder):
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def main():
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    endpoint, known, ops = None, {}, []
    for line in sys.stdin:
        (name, body), = json.loads(line).items()
        try:
            if name == "hello":
                say("hello", {"protocol": "syncretic-adapter", "version": "1.0", "encoding": "json"})
                sys.stdout.flush()
                continue
            elif name == "known":
                known[body["key"]] = body["fingerprint"]
                continue
            elif name in ("put", "delete"):
                ops.append((name, body))
                continue
            elif name == "cancel":
                continue
            elif name == "describe":
                say("document", DESCRIPTION)
            elif name == "open":
                endpoint = Endpoint(body["path"], body["options"])
            elif name == "profile":
                say("document", PROFILE)
            elif name == "same":
                say("same", False)
            elif name == "scan":
                endpoint.scan(known)
            elif name == "apply":
                endpoint.apply(body["step"], body["mode"], ops)
            elif name == "recover":
                endpoint.recover(body["step"])
            elif name == "settle":
                endpoint.settle(body["step"])
            else:
                raise Failed("unsupported", "there is no request `%s` here" % name)
            say("done", {})
        except Failed as failed:
            say("error", failed.body)
        known, ops = {}, []
        sys.stdout.flush()


main()
