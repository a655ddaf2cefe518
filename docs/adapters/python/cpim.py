"""The native CPIM binding for external adapters: one session that serves a selector, kept up for as long as the program
runs. Nothing but the standard library; copy it beside your adapter.

What it sees to, so that an adapter need not:
  - frames, pings, the order to close, reconnecting;
  - a message of yours that has no answer yet when the connection goes is sent again on the next one with the same
    transID, so that the gateway, which remembers it, answers it once and delivers it once;
  - each operation that comes is answered exactly once, whatever your code does.

The pages behind it: docs/native-cpim.md for the wire, docs/adapters/socket.md for what an adapter owes.
"""

import asyncio
import contextvars
import email
import email.policy
import os
import re
import secrets
import sys
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape, quoteattr

XML_OCTETS, CONTENT_OCTETS = 65_536, 1_048_576  # the limits of the binding
# What XML cannot hold, not even as a reference (XML 1.0 section 2.2).
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SILENCE_S = 100  # the gateway pings after 60 s of silence: whoever says nothing for longer is gone
WAITING = 1_000  # our operations that may wait for their answers at once
PAUSES_S = (0.1, 0.2, 0.5, 1, 2, 5)  # between attempts to connect


# What stands around the operation that a handler is at: its transID, and what is said before its element (`auth`, `id`,
# `wait`), each as text. A mapping, of the handler's own task: `arrival.get()["transID"]`.
arrival = contextvars.ContextVar("arrival")


class Refused(Exception):
    """The gateway refuses the session, and would again: that is for a person to mend."""


class Answer:
    """What became of an operation: `success`, `failure` or `indeterminant`, a code and words for people. To a subscribe
    of yours it also tells for how long it was granted, in seconds, and the subscription's name."""

    def __init__(self, status, code="", words="", duration=None, subscription=None):
        self.status, self.code, self.words = status, code, words
        self.duration, self.subscription = duration, subscription

    @classmethod
    def read(cls, element):
        code, _, words = "".join(element.itertext()).partition(": ")
        duration = element.get("duration")
        return cls(element.get("status"), code, words, duration and int(duration), element.get("subscriptID"))

    def __str__(self):
        return " ".join(filter(None, [self.status, self.code and self.code + ":", self.words]))


SUCCESS = Answer("success")


def failure(code, words):
    """The other side has it not, and never will."""
    return Answer("failure", code, words)


def unknown(words):
    """Nobody can know whether the other side has it."""
    return Answer("indeterminant", "timeout", words)


class Unreadable(Exception):
    """Content that cannot be read. Raised from a handler, it is answered `unsupported`: nothing was shown."""


def route(selector, address, relay):
    """The local-part for an address of yours: every octet but letters, digits, `-`, `_`, `.` and `/` as `~hh`, and
    also a `.` or `/` in a place where it could not stand (docs/addresses.md)."""
    octets = address.encode()
    out = []
    for at, octet in enumerate(octets):
        before, after = octets[at - 1 : at], octets[at + 1 : at + 2]
        plain = chr(octet).isascii() and (chr(octet).isalnum() or chr(octet) in "-_./")
        if chr(octet) == "." and (at == 0 or not after or before == b"."
                                  or (before == b"/" and after == b"/")):
            plain = False
        if chr(octet) == "/" and not after:
            plain = False
        out.append(chr(octet) if plain else f"~{octet:02x}")
    return f"{selector}={''.join(out)}@{relay}"


def address_of(uri):
    """The foreign address within a URI such as `im:lines=wilma@gw.example`."""
    local = uri.split(":", 1)[1].rsplit("@", 1)[0]
    value = local.split("=", 1)[1].encode()
    out, at = bytearray(), 0
    while at < len(value):
        if value[at : at + 1] == b"~":
            out.append(int(value[at + 1 : at + 3], 16))
            at += 3
        else:
            out.append(value[at])
            at += 1
    return out.decode()


def text_of(content):
    """The text of a `text/plain` entity, whatever its charset and encoding, with LF as line end and without the last one.

    Raises `Unreadable` where it is another entity, there is no such charset, or the octets are not of it.
    """
    entity = email.message_from_bytes(content, policy=email.policy.default)
    if entity.get_content_type() != "text/plain":
        raise Unreadable(f"{entity.get_content_type()} is no text")
    octets = entity.get_payload(decode=True)
    # Without a charset it should be ASCII, and is often UTF-8, of which ASCII is a part.
    try:
        text = octets.decode(entity.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError) as error:
        raise Unreadable(f"text that cannot be read: {error}") from error
    return text.replace("\r\n", "\n").removesuffix("\n")


def entity_of(text):
    """A text as a MIME entity: the way back from `text_of`."""
    lines = text.replace("\r\n", "\n").replace("\n", "\r\n")
    # Half a character is none, and of one user's making: it ends nobody's session.
    return b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + lines.encode("utf-8", "replace")


class Message:
    """A message's own entity, and what the gateway has put around it: a subject, a date, names. They are around it as
    Message/CPIM (RFC 3862), and only where there are any and the adapter does not drop them."""

    # The namespace of what RFC 3862 has no header for.
    METADATA = "tag:cpim-gateway.example,2026:metadata"

    def __init__(self, content, subject=None, date=None, source_name=None, destination_name=None, ref=None, refs=(),
                 automatic=False):
        self.content = content
        self.subject, self.date, self.ref, self.refs = subject, date, ref, list(refs)
        self.source_name, self.destination_name, self.automatic = source_name, destination_name, automatic

    @classmethod
    def read(cls, content):
        head, _, body = content.partition(b"\r\n\r\n")
        if email.message_from_bytes(head + b"\r\n\r\n").get_content_type() != "message/cpim":
            return cls(content)
        headers, _, inner = body.partition(b"\r\n\r\n")
        message, ours = cls(inner), None
        for line in headers.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(": ")
            name = name.partition(";")[0]  # a subject may come in several languages: `Subject;lang=de`
            if name == "NS":
                prefix, _, space = value.partition(" ")
                ours = prefix if space == f"<{cls.METADATA}>" else ours
            elif name in ("From", "To"):
                called = re.match(r'(?:"(.*)"|(.*?)) ?<', value)
                if called and (called[1] or called[2]):
                    who = "source_name" if name == "From" else "destination_name"
                    setattr(message, who, unescaped(called[1] or called[2]))
            elif name == "DateTime":
                message.date = value
            elif name == "Subject" and message.subject is None:
                message.subject = unescaped(value)
            elif ours and name == f"{ours}.Message-Ref":
                message.ref = unescaped(value)
            elif ours and name == f"{ours}.Reference":
                message.refs.append(unescaped(value))
            elif ours and name == f"{ours}.Automatic":
                message.automatic = True
        return message

    def write(self, source, destination):
        """The content to send; for a message without anything around it, its own entity."""
        headers = [("DateTime", self.date), ("Subject", self.subject)]
        own = [("Message-Ref", self.ref), *(("Reference", ref) for ref in self.refs),
               ("Automatic", "yes" if self.automatic else None)]
        if not any([self.source_name, self.destination_name, *(value for _, value in headers + own)]):
            return self.content
        lines = ["Content-Type: Message/CPIM", ""]
        for name, called, uri in (("From", self.source_name, source), ("To", self.destination_name, destination)):
            quoted = '"{}" '.format(escaped(called).replace('"', '\\"')) if called else ""
            lines.append(f"{name}: {quoted}<{uri}>")
        lines += [f"{name}: {escaped(value)}" for name, value in headers if value]
        if any(value for _, value in own):
            lines.append(f"NS: x <{self.METADATA}>")
        lines += [f"x.{name}: {escaped(value)}" for name, value in own if value]
        return "\r\n".join(lines + ["", ""]).encode("utf-8", "replace") + self.content


def escaped(text):
    """The value of a Message/CPIM header (RFC 3862 section 2.3.1)."""
    short = {"\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return re.sub("[\\x00-\\x1f\\x7f\\\\]", lambda c: short.get(c[0]) or f"\\u{ord(c[0]):04X}", text)


def unescaped(value):
    def meant(match):
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        return {"b": "\b", "t": "\t", "n": "\n", "r": "\r"}.get(code, code)

    return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", meant, value)


class Session:
    """The session. `claims` is the `<adapter>` element; the handler has the coroutines

    async def message(self, source, destination, content) -> Answer
    async def subscribe(self, watcher, target, duration) -> Answer
    async def unsubscribe(self, watcher, target) -> Answer
    async def notify(self, watcher, target, tuples)      # tuples: (destination, "open" or "closed", text)
    async def opened(self)                               # a new session: the gateway asks anew whom to observe
    """

    def __init__(self, selector, claims, handler):
        self.selector, self.claims, self.handler = selector, claims, handler
        self.server = os.environ.get("CPIM_SERVER", "127.0.0.1:5870")
        self.secret = os.environ.get("CPIM_SECRET") or sys.exit("CPIM_SECRET is not set: the secret of this adapter")
        self.relay = None  # the gateway's domain, once it has told it
        self._writer = None
        self._waiting = {}  # ours that have no answer yet: transID -> (frame, future), in the order they were sent
        self._room = asyncio.Semaphore(WAITING)
        self._tasks = set()

    def uri(self, scheme, address):
        """How the gateway addresses one of your users."""
        return f"{scheme}:{route(self.selector, address, self.relay)}"

    async def run(self):
        """Keeps the session up, for ever; `Refused` where that cannot be."""
        tries = 0
        while True:
            try:
                reader, self._writer = await self._connect()
                tries = 0
                await self._serve(reader)
            except asyncio.IncompleteReadError:
                print("no session: the gateway has hung up", file=sys.stderr, flush=True)
            except (OSError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError) as error:
                print(f"no session: {error or type(error).__name__}", file=sys.stderr, flush=True)
            finally:
                if self._writer:
                    self._writer.close()
                self._writer = None
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1

    async def send_message(self, source, destination, text, named=None, **around):
        """Sends a text, and waits for what became of it, over as many sessions as that takes; `around` is what else
        `Message` has: `subject="Dinner"`.

        `named` is the transID, for a protocol that says a message again: said again with the same transID and content,
        it is delivered once, and answered as before, also after a restart of either side. Draw it by `trans_id`, and
        keep it beside the name that your protocol has for the message."""
        content = Message(entity_of(text), **around).write(source, destination)
        return await self.send_content(source, destination, content, named)

    async def send_content(self, source, destination, content, named=None):
        """The same with any content, which is one MIME entity: `b"Content-Type: image/png\\r\\n\\r\\n" + octets`."""
        return await self._ask("message", {"source": source, "destination": destination}, content, named)

    async def send_subscribe(self, watcher, target, duration, subscription=None):
        """Asks for the presence of somebody; the notifications come to the handler. What is granted may be shorter, and
        ends then: the answer's `duration`. With the `subscription` of an earlier answer, that one is renewed. With the
        duration 0 it is told once."""
        attributes = {"watcher": watcher, "target": target, "duration": str(duration)}
        if subscription:
            attributes["subscriptID"] = subscription
        return await self._ask("subscribe", attributes)

    async def send_unsubscribe(self, watcher, target):
        """Ends it."""
        return await self._ask("unsubscribe", {"watcher": watcher, "target": target})

    def send_notify(self, watcher, target, destination, status, text=""):
        """Tells presence. It has no answer; without a session it is not told: a new one asks again."""
        inside = (f"<presence><tuple destination={quoteattr(destination)} status={quoteattr(status)}>"
                  f"{escape(text)}</tuple></presence>")
        self._write(element("notify", {"watcher": watcher, "target": target, "transID": trans_id()}, inside))

    # The session itself.

    async def _connect(self):
        host, _, port = self.server.rpartition(":")
        if host:
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), limit=2_048)
        else:
            reader, writer = await asyncio.open_unix_connection(self.server, limit=2_048)
        attributes = {"version": "1", "serves": f"{self.selector}:", "secret": self.secret}
        writer.write(frame(element("open", attributes, self.claims)))
        xml, _, _ = await asyncio.wait_for(read_frame(reader), 10)
        if xml.tag != "open":
            writer.close()
            raise Refused(f"the gateway refuses the session: {xml.get('reason')}: {xml.text}")
        self.relay = xml.get("domain")
        for ignored in xml.iter("ignored"):
            print(f"the gateway ignores {ignored.text}", file=sys.stderr, flush=True)
        return reader, writer

    async def _serve(self, reader):
        print(f"in contact with {self.relay}", file=sys.stderr, flush=True)
        for sent, _ in self._waiting.values():
            self._writer.write(sent)
        await self.handler.opened()
        while True:
            xml, content, around = await asyncio.wait_for(read_frame(reader), SILENCE_S)
            if xml.tag == "ping":
                self._respond(xml.get("transID"), SUCCESS)
            elif xml.tag == "response":
                _, answered = self._waiting.get(xml.get("transID"), (None, None))
                if answered and not answered.done():
                    answered.set_result(Answer.read(xml))
            elif xml.tag == "close":
                # What is open is answered first: the other side waits ten seconds for it.
                if self._tasks:
                    await asyncio.wait(self._tasks, timeout=9)
                self._write("<close/>")
                raise EOFError(f"the gateway closes: {xml.get('reason', 'in order')}")
            else:
                # Begun in the order in which they came, so that a pair's messages stay in order.
                task = asyncio.create_task(self._handle(xml, content, around))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _handle(self, xml, content, around):
        handler, get = self.handler, xml.get
        arrival.set({**around, "transID": get("transID")})
        try:
            if xml.tag == "message":
                answer = await handler.message(get("source"), get("destination"), content)
            elif xml.tag == "subscribe":
                answer = await handler.subscribe(get("watcher"), get("target"), int(get("duration", "0")))
            elif xml.tag == "unsubscribe":
                answer = await handler.unsubscribe(get("watcher"), get("target"))
            elif xml.tag == "notify":
                told = [(t.get("destination"), t.get("status"), "".join(t.itertext())) for t in xml.iter("tuple")]
                return await handler.notify(get("watcher"), get("target"), told)
            else:
                answer = failure("unsupported", f"no {xml.tag} here")
        except Unreadable as error:
            answer = failure("unsupported", str(error))
        except Exception as error:  # whatever went wrong, it is not known how far it got
            print(f"{xml.tag}: {error!r}", file=sys.stderr, flush=True)
            answer = unknown("the adapter failed")
        # On the connection that there is: on a later one than it came on it still settles it, where that can still be.
        # Without any it is lost, and nobody can know.
        self._respond(get("transID"), answer)

    def _respond(self, answered, answer):
        text = escape(f"{answer.code}: {answer.words}" if answer.code else answer.words)
        self._write(element("response", {"status": answer.status, "transID": answered}, text))

    async def _ask(self, name, attributes, content=b"", mine=None):
        async with self._room:
            mine = mine or trans_id()
            if mine in self._waiting:  # said again before it was answered: it has the same answer
                return await asyncio.shield(self._waiting[mine][1])
            xml = element(name, {**attributes, "transID": mine})
            # Written, these would end the session, and all that waits on it: what one user says must not harm others.
            if NOT_XML.search(xml):
                return failure("bad-address", "characters that no address can have")
            if len(xml.encode()) > XML_OCTETS or len(content) > CONTENT_OCTETS:
                return failure("too-large", f"{CONTENT_OCTETS} octets are taken")
            sent = frame(xml, content)
            answered = asyncio.get_running_loop().create_future()
            self._waiting[mine] = (sent, answered)
            try:
                if self._writer:
                    self._writer.write(sent)
                    await self._writer.drain()
            except OSError:
                pass  # it is sent again on the next session
            try:
                return await answered
            finally:
                del self._waiting[mine]

    def _write(self, xml):
        if self._writer:
            # Words for people, of one user, are not to end the session of all.
            self._writer.write(frame(NOT_XML.sub("\ufffd", xml)))


def trans_id():
    """Never used twice, also over restarts: an answer that was kept for an earlier one must not be taken for this."""
    return secrets.token_hex(8)


def element(name, attributes, inside=""):
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{inside}</{name}>"


def frame(xml, content=b""):
    octets = xml.encode()
    return b"CPIM/1 %d %d\r\n" % (len(octets), len(content)) + octets + content


async def read_frame(reader):
    """The next frame: its element, its content, and what is said before both."""
    start = await reader.readuntil(b"\r\n")
    words = start.decode("ascii").rstrip("\r\n").split(" ")
    xml_octets, content_octets = int(words[1]), int(words[2])
    if words[0] != "CPIM/1" or xml_octets > XML_OCTETS or content_octets > CONTENT_OCTETS:
        raise EOFError(f"not a frame: {start!r}")
    xml = await reader.readexactly(xml_octets)
    content = await reader.readexactly(content_octets)
    around = dict(word.split("=", 1) for word in words[3:] if "=" in word)
    return ElementTree.fromstring(xml), content, around
