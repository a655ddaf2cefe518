"""What `cpim.py` can, beside what the examples need of it: an adapter that says what comes, and does what it is told to.

    python3 toolkit.py speak|wait
"""

import asyncio
import sys

import cpim

FRED = "fred@a.example"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Toolkit:
    def __init__(self):
        self.session = cpim.Session("lines", "<adapter/>", self)
        self.here = asyncio.Event()

    async def opened(self):
        self.here.set()

    async def message(self, source, destination, content):
        around = cpim.arrival.get()
        say("came", around["transID"], around["auth"], cpim.text_of(content))
        return cpim.SUCCESS

    async def notify(self, watcher, target, tuples):
        say("told", *(status for _, status, _ in tuples))

    async def speak(self):
        im, pres = self.session.uri("im", "wilma"), self.session.uri("pres", "wilma")
        once = [self.session.send_message(im, f"im:{FRED}", "once", named="said-again") for _ in range(2)]
        say("answers", *(answer.status for answer in await asyncio.gather(*once)))
        say("later", await self.session.send_message(im, f"im:{FRED}", "once", named="said-again"))
        granted = await self.session.send_subscribe(pres, f"pres:{FRED}", 600)
        say("granted", granted.status, granted.duration)
        say("again", await self.session.send_subscribe(pres, f"pres:{FRED}", 600))
        renewed = await self.session.send_subscribe(pres, f"pres:{FRED}", 900, granted.subscription)
        say("renewed", renewed.duration, renewed.subscription == granted.subscription)
        say("ended", await self.session.send_unsubscribe(pres, f"pres:{FRED}"))
        granted = await self.session.send_subscribe(pres, f"pres:{FRED}", 600)
        say("anew", granted.status)


async def main():
    toolkit = Toolkit()
    running = asyncio.create_task(toolkit.session.run())
    here = asyncio.create_task(toolkit.here.wait())
    await asyncio.wait([running, here], return_when=asyncio.FIRST_COMPLETED)
    if sys.argv[1] == "speak" and not running.done():
        await toolkit.speak()
    await running


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except cpim.Refused as refused:
        sys.exit(str(refused))
