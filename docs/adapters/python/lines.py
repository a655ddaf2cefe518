"""A complete external adapter: the toy protocol LINES, in which people talk by lines of text, joined to the gateway.

    CPIM_SERVER=127.0.0.1:5870 CPIM_SECRET=... python3 lines.py 127.0.0.1:7777

LINES, as its users see it (`nc 127.0.0.1 7777`); LF or CRLF ends a line, which has at most 1,000 octets:

    you say                           you are told
    I wilma                           hello wilma
    to im:fred@a.example 1 Yabba!     ok 1, no 1 WHY or maybe 1 WHY
                                      from im:fred@a.example 7 Dabba!
    got 7                             (this is how the sender knows that you have it)
    watch im:fred@a.example           is im:fred@a.example open TEXT, now and at each change
    away / here                       (what those see who watch you)

Its addresses are names: letters, digits and `-`, in which capitals make no difference, so that wilma is
`lines:wilma` and `im:lines=wilma@gw.example` to everybody else.
"""

import asyncio
import re
import sys

import cpim

CLAIMS = """<adapter presence='observe' standing='claimed' max-content='900'>
  <address fold='ascii' characters='a-z0-9-' max-octets='20'/>
  <feature name='any-content' support='rejected'/>
  <feature name='date' support='dropped'/>
  <feature name='display-names' support='dropped'/>
  <feature name='multi-line' support='rejected'/>
  <feature name='rich-presence' support='degraded' how='open or closed, and the text beside it'/>
  <feature name='subject' support='dropped'/>
  <feature name='threads' support='dropped'/>
</adapter>"""

LINE_OCTETS = 1_000
NAME = re.compile(r"[a-z0-9-]{1,20}")
ACKNOWLEDGED_WITHIN_S = 20  # a user who says nothing for so long may have it or not
USERS = 1_000


class User:
    """Somebody who is connected."""

    def __init__(self, name, writer):
        self.name, self.writer = name, writer
        self.open = True
        self.last = 0
        self.handed = {}  # what was shown and not acknowledged: number -> future

    def show(self, line):
        self.writer.write(line.encode() + b"\n")


class Lines:
    """The adapter: people on one side, the session on the other."""

    def __init__(self):
        self.users = {}  # by name
        self.observed = set()  # whose presence the gateway wants to know
        self.session = cpim.Session("lines", CLAIMS, self)

    # What comes from the gateway.

    async def message(self, source, destination, content):
        text = cpim.text_of(content)
        user = self.users.get(cpim.address_of(destination))
        if user is None:
            # Nothing has been shown to anybody: that is certain.
            return cpim.failure("unreachable", "not connected")
        line = f"from {source} {user.last + 1} {text}"
        if len(line.encode()) > LINE_OCTETS:
            return cpim.failure("too-large", f"a line has {LINE_OCTETS} octets")
        if "\r" in text or "\n" in text or "\0" in text:
            return cpim.failure("unsupported", "one line, without control characters")
        user.last += 1
        got = user.handed[user.last] = asyncio.get_running_loop().create_future()
        user.show(line)
        # From here on it may have been seen. `success` is said only when it is known.
        number = user.last
        try:
            return await asyncio.wait_for(got, ACKNOWLEDGED_WITHIN_S)
        except asyncio.TimeoutError:
            return cpim.unknown("shown, but not acknowledged")
        finally:
            user.handed.pop(number, None)

    async def subscribe(self, watcher, target, duration):
        """The gateway asks once for each user, and tells everybody who watches."""
        name = cpim.address_of(target)
        self.observed.add(name)
        asyncio.get_running_loop().call_soon(self.tell, name)
        return cpim.SUCCESS

    async def unsubscribe(self, watcher, target):
        self.observed.discard(cpim.address_of(target))
        return cpim.SUCCESS

    async def notify(self, watcher, target, tuples):
        user = self.users.get(cpim.address_of(watcher))
        if user:
            _, status, text = tuples[0]
            inbox = "im:" + target.split(":", 1)[1]
            user.show(" ".join(f"is {inbox} {status} {text}".split()))

    async def opened(self):
        """A new session: whom to observe is asked for anew."""
        self.observed.clear()

    def tell(self, name):
        if name in self.observed:
            user, uri = self.users.get(name), self.session.uri
            status = "open" if user and user.open else "closed"
            gateway = f"pres:gateway@{self.session.relay}"
            self.session.send_notify(gateway, uri("pres", name), uri("im", name), status)

    # What comes from people.

    async def serve(self, reader, writer):
        user, tasks = None, set()
        try:
            # What is cut off at the end of a connection is no line.
            while (line := await reader.readline()).endswith(b"\n"):
                verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
                if user is None:
                    user = self.welcome(rest.lower(), writer) if verb == "I" else None
                    if user is None:
                        writer.write(b"no: say I and a free name of a-z, 0-9 and -\n")
                elif verb == "got":
                    got = user.handed.get(int(rest) if rest.isdecimal() else 0)
                    if got and not got.done():
                        got.set_result(cpim.SUCCESS)
                elif verb in ("away", "here"):
                    user.open = verb == "here"
                    self.tell(user.name)
                elif verb in ("to", "watch") and self.session.relay and len(tasks) < 100:
                    work = self.send(user, rest) if verb == "to" else self.watch(user, rest)
                    task = asyncio.create_task(work)
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                else:
                    user.show("no: not now" if verb in ("to", "watch") else "no: to, watch, got, away, here")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # gone, or a line that is too long
        finally:
            if user:
                self.goodbye(user)
            writer.close()

    def welcome(self, name, writer):
        if not NAME.fullmatch(name) or name in self.users or len(self.users) >= USERS:
            return None
        user = self.users[name] = User(name, writer)
        user.show(f"hello {name}")
        self.tell(name)
        return user

    def goodbye(self, user):
        del self.users[user.name]
        for got in user.handed.values():
            if not got.done():
                got.set_result(cpim.unknown("shown, and gone without a word"))
        self.tell(user.name)

    async def send(self, user, rest):
        to, _, rest = rest.partition(" ")
        number, _, text = rest.partition(" ")
        answer = await self.session.send_message(self.session.uri("im", user.name), to, text)
        word = {"success": "ok", "failure": "no"}.get(answer.status, "maybe")
        user.show(" ".join(filter(None, [word, number, answer.code, answer.words])))

    async def watch(self, user, inbox):
        watcher, target = self.session.uri("pres", user.name), "pres:" + inbox.removeprefix("im:")
        answer = await self.session.send_subscribe(watcher, target, 86_400)
        if answer.status != "success":
            user.show(f"no: {answer}")


async def main():
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7777").rpartition(":")
    lines = Lines()
    server = await asyncio.start_server(lines.serve, host, int(port), limit=LINE_OCTETS)
    print("listening at {}:{}".format(*server.sockets[0].getsockname()[:2]), file=sys.stderr, flush=True)
    await lines.session.run()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except cpim.Refused as refused:
        sys.exit(str(refused))
