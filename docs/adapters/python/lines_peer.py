"""Plays two users of LINES for the conformance kit: what the kit says comes as one JSON object a line on standard input,
what the users see goes out as one on standard output (docs/adapters/conformance.md).

    cpim-gateway conform lines --adapter 'python3 lines.py 127.0.0.1:{port}' --peer 'python3 lines_peer.py {port}'
"""

import asyncio
import base64
import json
import sys

USERS = ["wilma", "betty"]


def say(**what):
    print(json.dumps(what), flush=True)


class Cannot(Exception):
    """LINES has no way to say it."""


class User:
    """One user, who connects when told so."""

    def __init__(self, name, port):
        self.name, self.port, self.writer, self.reading = name, port, None, None

    async def arrive(self):
        if self.writer:
            return
        while True:
            reader, writer = await self.connect()
            writer.write(f"I {self.name}\n".encode())
            if (await reader.readline()).startswith(b"hello"):
                break
            # The name is not free yet: the connection before this one is about to end.
            writer.close()
            await asyncio.sleep(0.01)
        self.writer = writer
        self.reading = asyncio.create_task(self.read(reader))

    async def connect(self):
        for _ in range(500):
            try:
                return await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
            except OSError:
                await asyncio.sleep(0.01)  # the adapter is about to listen
        raise OSError("the adapter does not listen")

    def leave(self):
        if self.writer:
            self.reading.cancel()
            self.writer.close()
            self.writer = None

    async def read(self, reader):
        while line := (await reader.readline()).decode().rstrip("\n"):
            verb, _, rest = line.partition(" ")
            if verb == "from":
                source, number, text = (rest.split(" ", 2) + [""])[:3]
                say(seen={"ticket": f"{self.name} {number}", "from": source, "to": self.name, "text": text})
            elif verb in ("ok", "no", "maybe"):
                tag, _, words = rest.partition(" ")
                status = {"ok": "success", "no": "failure"}.get(verb, "indeterminant")
                say(told={"tag": tag, "status": status, "text": words.replace(" ", ": ", 1)})
            elif verb == "is":
                whom, status = rest.split(" ")[:2]
                say(seen={"kind": "notify", "from": whom, "to": self.name, "presence": status})
        say(gone=True)

    def write(self, line):
        if not self.writer:
            raise OSError("not connected")
        self.writer.write(line)


def line(told):
    """A message as a user types it."""
    text = told.get("text")
    if text is None or not text or any(c in text for c in "\r\n\0") or text != text.strip():
        raise Cannot
    if any(told.get(name) for name in ("subject", "date", "from_name", "to_name", "ref", "refs", "automatic")):
        raise Cannot
    written = f"to {told['to']} {told['tag']} {text}\n".encode()
    if len(written) > 1_000 or " " in told["to"]:
        raise Cannot
    return written


async def do(users, told):
    what = told["do"]
    if what == "arrive":
        for user in users.values():
            await user.arrive()
    elif what == "leave":
        for user in users.values():
            user.leave()
    elif what == "send":
        user, written = users[told["from"]], line(told)
        cut = told.get("cut", len(written))
        user.write(written[:cut])
        if "cut" in told:
            await user.writer.drain()
            user.leave()
            return {"partial": cut < len(written)}
        await user.writer.drain()
    elif what == "forge":
        forger = User("forger", next(iter(users.values())).port)
        await forger.arrive()
        forger.write(line(told))
        await forger.writer.drain()
        forger.leave()
    elif what == "answer":
        name, number = told["ticket"].split(" ") if " " in told["ticket"] else (USERS[0], told["ticket"])
        if told["status"] != "success":
            raise Cannot
        users[name].write(f"got {number}\n".encode())
    elif what == "forge-answer":
        # Another user says that he has it.
        name, number = told["ticket"].split(" ")
        other = next(user for user in users.values() if user.name != name)
        other.write(f"got {number}\n".encode())
    elif what == "raw":
        _, writer = await asyncio.open_connection("127.0.0.1", next(iter(users.values())).port)
        writer.write(base64.b64decode(told["octets"]))
        writer.close()
    elif what == "presence":
        users[told["user"]].write(b"here\n" if told["status"] == "open" else b"away\n")
    elif what == "watch":
        users[told["user"]].write(f"watch im:{told['target'].split(':', 1)[1]}\n".encode())
    else:
        raise Cannot
    return {}


async def main():
    port = int(sys.argv[1])
    users = {name: User(name, port) for name in USERS}
    say(users=USERS, takes=["message", "notify"], words=True, outcomes=True, repeats=False, names_kept=True,
        waiting=100, readable=700,
        spellings={"canonical": ["fred"], "same": [["Fred", "fred"]], "refused": ["fred flintstone", "x" * 21]})
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=1 << 23)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while command := await reader.readline():
        told = json.loads(command)
        try:
            say(n=told["n"], **await do(users, told))
        except Cannot:
            say(n=told["n"], cannot=True)
        except (OSError, KeyError) as error:
            say(n=told["n"], failed=repr(error))


if __name__ == "__main__":
    asyncio.run(main())
