"""A complete external adapter for a system that has a server of its own: the toy protocol BUZZ. The adapter connects to
the server, which passes on to it what its users say to others, and shows them what others say to them.

    CPIM_SERVER=127.0.0.1:5870 CPIM_SECRET=... python3 buzz.py 127.0.0.1:7778 buzz.example

BUZZ, as both sides speak it; LF ends a line, which has at most 16,384 octets, and NUMBER is drawn by who sends:

    BRIDGE gw.example                     the adapter, first
    WELCOME buzz.example                  the server; then WHO of each user who is there
    WHO wilma open                        the server, now and at each change: open, away or gone
    SEND NUMBER FROM TO {"text": ".."}    either side; the JSON may have a "subject"
    OK NUMBER                             the other: the user has it (or, of the adapter: whoever it was for)
    NO NUMBER CODE: WORDS                 he has it not, and never will
    MAYBE NUMBER CODE: WORDS              nobody can know

A user of BUZZ is named with his server: buzz://buzz.example/wilma is im:buzz=buzz.example/wilma@gw.example to everybody
else.
"""

import asyncio
import json
import sys

import cpim

# `any-content` is not rejected, because then a subject would never come (docs/adapters/socket.md): what is no text is
# refused here.
CLAIMS = """<adapter presence='observe' max-content='8192' horizon='900'>
  <address fold='ascii' characters='a-z0-9./-' max-octets='80'/>
  <feature name='any-content' support='degraded' how='text is shown, anything else is refused'/>
  <feature name='date' support='dropped'/>
  <feature name='display-names' support='dropped'/>
  <feature name='rich-presence' support='degraded' how='open or closed'/>
  <feature name='threads' support='dropped'/>
</adapter>"""

LINE_OCTETS = 16_384
ANSWERED_WITHIN_S = 60  # a server that says nothing for so long may have shown it or not
WAITING = 100  # what users of the server say and the gateway has not answered yet
PAUSES_S = (0.1, 0.2, 0.5, 1, 2, 5)  # between attempts to connect


class Buzz:
    """The adapter: the server on one side, the session on the other."""

    def __init__(self, address, name):
        self.host, _, self.port = address.rpartition(":")
        self.name = name
        self.server = None  # the server's writer, while it is there
        self.turn = asyncio.Lock()  # who writes to it next
        self.last = 0
        self.handed = {}  # what it was given and has not answered: number -> future
        self.there = {}  # what it has told of its users: name -> "open" or "away"
        self.observed = set()  # whose presence the gateway wants to know
        self.tasks = set()
        self.session = cpim.Session("buzz", CLAIMS, self)

    # What comes from the gateway.

    def user_of(self, uri):
        """The user within an address; None for a server that is not ours."""
        server, _, user = cpim.address_of(uri).partition("/")
        return user if server == self.name and user and "/" not in user else None

    async def message(self, source, destination, content):
        user = self.user_of(destination)
        if user is None:
            return cpim.failure("bad-address", f"addresses are {self.name}/USER")
        message = cpim.Message.read(content)
        said = {"text": cpim.text_of(message.content)}
        if message.subject is not None:
            said["subject"] = message.subject
        async with self.turn:
            # Until something is written, nothing has been taken: then `busy` is true, and the gateway tries again.
            server = self.server
            if server is None:
                return cpim.failure("busy", "the server is away")
            self.last += 1
            number = str(self.last)
            line = f"SEND {number} {source} {user} {json.dumps(said)}\n".encode()
            if len(line) > LINE_OCTETS:
                return cpim.failure("too-large", f"a line has {LINE_OCTETS} octets")
            try:
                await server.drain()  # a server that reads slowly is waited for here, in order
            except ConnectionError:
                return cpim.failure("busy", "the server is away")
            if server is not self.server:
                return cpim.failure("busy", "the server is away")
            answered = self.handed[number] = asyncio.get_running_loop().create_future()
            server.write(line)
        # From here on the user may have it. Only the server's word makes that certain.
        try:
            return await asyncio.wait_for(answered, ANSWERED_WITHIN_S)
        except asyncio.TimeoutError:
            return cpim.unknown("given to the server, which has not answered")
        finally:
            self.handed.pop(number, None)

    async def subscribe(self, watcher, target, duration):
        user = self.user_of(target)
        if user is None:
            return cpim.failure("bad-address", f"addresses are {self.name}/USER")
        self.observed.add(user)
        asyncio.get_running_loop().call_soon(self.tell, user)
        return cpim.SUCCESS

    async def unsubscribe(self, watcher, target):
        self.observed.discard(self.user_of(target))
        return cpim.SUCCESS

    async def notify(self, watcher, target, tuples):
        pass  # users of BUZZ watch nobody

    async def opened(self):
        """A new session: whom to observe is asked for anew."""
        self.observed.clear()

    def tell(self, user):
        if user in self.observed:
            uri, status = self.session.uri, "open" if self.there.get(user) == "open" else "closed"
            address = f"{self.name}/{user}"
            self.session.send_notify(f"pres:gateway@{self.session.relay}", uri("pres", address), uri("im", address), status)

    # What comes from the server.

    async def run(self):
        """Keeps the connection to the server up, for ever."""
        tries = 0
        while True:
            try:
                reader, writer = await asyncio.open_connection(self.host, int(self.port), limit=LINE_OCTETS)
                try:
                    await self.serve(reader, writer)
                    tries = 0
                finally:
                    self.gone()
                    writer.close()
            except (OSError, ValueError, asyncio.TimeoutError) as error:
                print(f"no server: {error or type(error).__name__}", file=sys.stderr, flush=True)
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1

    async def serve(self, reader, writer):
        while self.session.relay is None:
            await asyncio.sleep(0.05)  # what users say could not be passed on yet
        writer.write(f"BRIDGE {self.session.relay}\n".encode())
        if await asyncio.wait_for(reader.readline(), 10) != f"WELCOME {self.name}\n".encode():
            raise ValueError(f"that is not {self.name}")
        self.server = writer
        print(f"in contact with {self.name}", file=sys.stderr, flush=True)
        # What is cut off at the end of a connection is no line.
        while (line := await reader.readline()).endswith(b"\n"):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            word, _, rest = rest.partition(" ")
            if verb == "WHO" and word:
                self.there[word] = rest
                self.tell(word)
            elif verb in ("OK", "NO", "MAYBE"):
                self.answered(verb, word, rest)
            elif verb == "SEND" and len(self.tasks) >= WAITING:
                writer.write(f"NO {word} busy: not now\n".encode())
            elif verb == "SEND":
                task = asyncio.create_task(self.pass_on(writer, word, rest))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    def answered(self, verb, number, text):
        """The word of the server on what it was given; a second one, or one on nothing, changes nothing."""
        waiting = self.handed.get(number)
        if waiting and not waiting.done():
            code, _, words = text.partition(": ")
            status = {"OK": "success", "NO": "failure"}.get(verb, "indeterminant")
            default = {"success": "", "failure": "refused"}.get(status, "timeout")
            waiting.set_result(cpim.Answer(status, code or default, words))

    def gone(self):
        """The server is away. What it had and has not answered, nobody knows; and nobody of it is there."""
        self.server = None
        for waiting in self.handed.values():
            if not waiting.done():
                waiting.set_result(cpim.unknown("given to the server, which went away"))
        users, self.there = list(self.there), {}
        for user in users:
            self.tell(user)

    async def pass_on(self, writer, number, rest):
        source, _, rest = rest.partition(" ")
        to, _, rest = rest.partition(" ")
        try:
            said = json.loads(rest)
            text, subject = said["text"], said.get("subject")
            if not isinstance(text, str) or not isinstance(subject, (str, type(None))):
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError):
            answer = cpim.failure("unsupported", "SEND NUMBER FROM TO and JSON with a text")
        else:
            source = self.session.uri("im", f"{self.name}/{source}")
            answer = await self.session.send_message(source, to, text, subject=subject)
        # On the connection that it came on: a later one has its own numbers.
        if writer is self.server:
            verb = {"success": "OK", "failure": "NO"}.get(answer.status, "MAYBE")
            words = " ".join(f"{answer.code}: {answer.words}".split()) if answer.code else ""
            writer.write(f"{verb} {number} {words}".rstrip().encode("utf-8", "replace") + b"\n")


async def main():
    address, name = (sys.argv[1:] + ["127.0.0.1:7778", "buzz.example"][len(sys.argv) - 1 :])[:2]
    buzz = Buzz(address, name)
    await asyncio.gather(buzz.session.run(), buzz.run())


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except cpim.Refused as refused:
        sys.exit(str(refused))
