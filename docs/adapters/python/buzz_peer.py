"""Plays the server of BUZZ, with two users, for the conformance kit: what the kit says comes as one JSON object a line on
standard input, what the users see goes out as one on standard output (docs/adapters/conformance.md).

    cpim-gateway conform buzz:// --adapter 'python3 buzz.py 127.0.0.1:{port} buzz.example' --peer 'python3 buzz_peer.py {port}'
"""

import asyncio
import base64
import json
import sys

NAME = "buzz.example"
USERS = ["wilma", "betty"]
LINE_OCTETS = 16_384
VERBS = {"success": "OK", "failure": "NO", "indeterminant": "MAYBE"}


def say(**what):
    print(json.dumps(what), flush=True)


class Cannot(Exception):
    """BUZZ has no way to say it."""


class Server:
    """The server: who is told to arrive begins to listen, and has arrived once the adapter has connected."""

    def __init__(self, port):
        self.port, self.listener, self.writer, self.reading = port, None, None, None
        self.there = {user: "open" for user in USERS}

    async def connected(self, garbage=None):
        """Listens until the adapter connects, and is its server; or says garbage to it, and hangs up."""
        came = asyncio.get_running_loop().create_future()

        def arrived(reader, writer):
            came.done() and writer.close() or came.done() or came.set_result((reader, writer))

        self.listener = await asyncio.start_server(arrived, "127.0.0.1", self.port, limit=1 << 20)
        reader, writer = await came
        self.listener.close()
        if garbage is not None:
            writer.write(garbage)
            writer.close()
            return
        if not (await reader.readline()).startswith(b"BRIDGE "):
            raise OSError("no BRIDGE")
        who = "".join(f"WHO {user} {status}\n" for user, status in self.there.items())
        writer.write(f"WELCOME {NAME}\n{who}".encode())
        self.writer, self.reading = writer, asyncio.create_task(self.read(reader))

    async def arrive(self):
        if self.writer is None:
            await self.connected()

    def leave(self):
        if self.writer:
            self.reading.cancel()
            self.writer.close()
            self.writer = None

    async def read(self, reader):
        while (line := await reader.readline()).endswith(b"\n"):
            verb, number, rest = (line.decode().rstrip("\n").split(" ", 2) + [""])[:3]
            if verb == "SEND":
                source, user, said = rest.split(" ", 2)
                say(seen={"ticket": number, "from": source, "to": f"{NAME}/{user}", **json.loads(said)})
            else:
                status = next(status for status, known in VERBS.items() if known == verb)
                say(told={"tag": number, "status": status, "text": rest})
        say(gone=True)

    def write(self, octets):
        if self.writer is None:
            raise OSError("not connected")
        self.writer.write(octets)


def line(told):
    """A message as the server passes it on."""
    if told.get("text") is None or any(c in told["to"] for c in " \r\n"):
        raise Cannot
    if any(told.get(name) for name in ("date", "from_name", "to_name", "ref", "refs", "automatic")):
        raise Cannot
    said = json.dumps({name: told[name] for name in ("text", "subject") if told.get(name) is not None})
    written = f"SEND {told['tag']} {told['from'].rpartition('/')[2]} {told['to']} {said}\n".encode()
    if len(written) > LINE_OCTETS:
        raise Cannot
    return written


async def do(server, told):
    what = told["do"]
    if what == "arrive":
        await server.arrive()
    elif what == "leave":
        server.leave()
    elif what == "send":
        written = line(told)
        cut = told.get("cut", len(written))
        server.write(written[:cut])
        await server.writer.drain()
        if "cut" in told:
            server.leave()
            return {"partial": cut < len(written)}
    elif what == "answer":
        text = " ".join(told.get("text", "").split())
        server.write(f"{VERBS[told['status']]} {told['ticket']} {text}".rstrip().encode() + b"\n")
    elif what == "raw":
        # Nobody else can speak to the adapter: the server itself loses its senses, and comes back.
        server.leave()
        await server.connected(garbage=base64.b64decode(told["octets"]))
        await server.arrive()
    elif what == "presence":
        user = told["user"].rpartition("/")[2]
        server.there[user] = "open" if told["status"] == "open" else "away"
        server.write(f"WHO {user} {server.there[user]}\n".encode())
    else:
        raise Cannot
    return {}


async def main():
    server = Server(int(sys.argv[1]))
    say(users=[f"{NAME}/{user}" for user in USERS], words=True, outcomes=True, waiting=100, readable=5_000,
        spellings={"canonical": [f"{NAME}/fred"], "same": [["Buzz.Example/Fred", f"{NAME}/fred"]],
                   "refused": [f"{NAME}/fred flintstone", "x" * 81]})
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=1 << 23)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while command := await reader.readline():
        told = json.loads(command)
        try:
            say(n=told["n"], **await do(server, told))
        except Cannot:
            say(n=told["n"], cannot=True)
        except (OSError, KeyError) as error:
            say(n=told["n"], failed=repr(error))


if __name__ == "__main__":
    asyncio.run(main())
