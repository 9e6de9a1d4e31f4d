"""A small TCP proxy between the reviewers and the web server, which loses replies on their way."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress

BEFORE = "reply cut before its first byte"
WITHIN = "reply cut in the middle"
RESET = "reply replaced by a reset"
LEFT = "client gone while it was served"
KINDS = [BEFORE, WITHIN, RESET, LEFT]
_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)


class Proxy:
    """Forwards to a port on loopback from a port of its own. While ``share`` is above 0, so much of the calls that
    change something lose their reply: always after the server was given the whole request."""

    def __init__(self, to: int, *, seed: int = 1) -> None:
        self.to = to
        self.port = 0
        self.share = 0.0
        self.lost: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self._kinds = itertools.cycle(KINDS)
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        assert self._up.wait(timeout=10)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._busy: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        await self._stop.wait()
        server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._connection(reader, writer))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A server that is down or dies is passed on as what it is to a client: a connection that ends.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.to)
            try:
                while await self._exchange(reader, writer, up_reader, up_writer):
                    pass
            finally:
                up_writer.close()
        writer.close()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> bool:
        """One request and its reply; False when the connection is over."""
        request = await _message(reader)
        kind = self._fate(request)
        up_writer.write(request)
        await up_writer.drain()
        if kind == LEFT:
            return False
        reply = await _message(up_reader)
        if kind == RESET:
            # Lingering for no time at all makes closing a reset.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        if kind in {RESET, BEFORE}:
            return False
        writer.write(reply[: len(reply) // 2] if kind == WITHIN else reply)
        await writer.drain()
        return kind is None

    def _fate(self, request: bytes) -> str | None:
        if request.startswith(b"GET ") or self._chance.random() >= self.share:
            return None
        kind = next(self._kinds)
        self.lost[kind] += 1
        return kind


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A request or a reply, whole. Every one of ours says its length or has no body."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = _LENGTH.search(head)
    return head + await reader.readexactly(int(found.group(1)) if found else 0)
