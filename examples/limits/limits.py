#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls counted and limited by several instances that all serve at the same time: limits.mjs in Python.

    python3 limits.py --address 127.0.0.1 --port 8080

What is said to the node agent: docs/function-socket.md, "Mergeable state". Nothing but the standard library is needed.
"""
import argparse
import asyncio
import json
import os
import re
import struct

FRAME_BYTES_MAX = 131_072
WAITING_MAX = 1_000
COUNT, WRITE = 1, 2
FIRST, LAST, COUNTER, REGISTER = 1, 2, 4, 8


def string(octets):
    return struct.pack(">H", len(octets)) + octets


class Fields:
    """Reads the fields of one frame."""

    def __init__(self, octets):
        self.octets, self.at = octets, 0

    def take(self, count):
        if self.at + count > len(self.octets):
            raise ValueError("the frame is too short")
        self.at += count
        return self.octets[self.at - count : self.at]

    def number(self, layout):
        return struct.unpack(">" + layout, self.take(struct.calcsize(layout)))[0]

    def string(self):
        return self.take(self.number("H"))


class Limits:
    """What all instances have counted and written, as far as it has come to this node."""

    def __init__(self):
        self.known, self.coming, self.part = {}, None, None
        self.writer, self.number, self.waiting = None, 0, {}

    def calls(self, customer):
        return self.known.get(customer, (None, None))[0] or 0

    def limit(self, customer):
        limit = self.known.get(customer, (None, None))[1]
        return float("inf") if limit is None else int(limit)

    def request(self, what, customer, rest):
        """Resolves when it is made; fails with the agent's reason, or when the agent goes away meanwhile."""
        if self.writer is None:
            raise ConnectionError("the state of the pool is not here")
        if len(self.waiting) >= WAITING_MAX:
            raise ConnectionError("too much waits")
        self.number += 1
        body = struct.pack(">BQB", 1, self.number, what) + string(customer.encode()) + rest
        self.writer.write(struct.pack(">I", len(body)) + body)
        made = self.waiting[self.number] = asyncio.get_running_loop().create_future()
        return made

    async def join(self, path):
        """Takes part until the connection ends."""
        reader, self.writer = await asyncio.open_unix_connection(path)
        self.coming, self.part, self.number = {}, None, 0
        try:
            while True:
                (size,) = struct.unpack(">I", await reader.readexactly(4))
                if not 0 < size <= FRAME_BYTES_MAX - 4:
                    raise ValueError("no frame is as long")
                self.take(Fields(await reader.readexactly(size)))
        finally:
            self.writer.close()
            self.writer, waiting, self.waiting = None, self.waiting, {}
            for made in waiting.values():
                made.set_exception(ConnectionError("whether it was made is not known"))

    def take(self, frame):
        kind = frame.number("B")
        if kind == 2:
            while frame.at < len(frame.octets):
                self.take_key(frame)
        elif kind == 3:
            self.done(frame.number("Q"))
        elif kind == 4:
            made = self.waiting.pop(frame.number("Q"), None)
            if made is not None and not made.done():
                made.set_exception(ValueError(f"refused for reason {frame.number('B')}"))
        else:
            raise ValueError(f"a frame of type {kind}")

    def take_key(self, frame):
        key, flags = frame.string().decode(errors="replace"), frame.number("B")
        counter = frame.number("q") if flags & COUNTER else None
        register = frame.string().decode() if flags & REGISTER else None
        # There are no sets in this state; another function of the pool might make some.
        for _ in range(frame.number("H")):
            frame.string()
        if flags & FIRST:
            self.part = (counter, register)
        if flags & LAST:
            known = self.known if self.coming is None else self.coming
            known.pop(key, None)
            if self.part != (None, None):
                known[key] = self.part

    def done(self, number):
        if self.coming is not None:
            self.known, self.coming = self.coming, None
        # In the order of their numbers.
        for made in [each for each in self.waiting if each <= number]:
            future = self.waiting.pop(made)
            if not future.done():
                future.set_result(None)


async def speak(limits, path):
    """One connection to the agent, until its end."""
    reader, writer = await asyncio.open_unix_connection(path)
    joined = None

    def say(line):
        writer.write(json.dumps(line).encode() + b"\n")

    try:
        say({"op": "hello", "v": 1, "merges": True})
        while line := await reader.readline():
            order = json.loads(line)
            if order["op"] == "refused":
                raise SystemExit(order["reason"])
            if order["op"] == "merge":
                if joined:
                    joined.cancel()
                joined = asyncio.create_task(limits.join(order["data"]))
            if "id" in order and order["op"] != "cancel":
                known = order["op"] in ("merge", "role")
                say({"id": order["id"], "ok": True} if known else {"id": order["id"], "ok": False, "error": "not known here"})
    finally:
        if joined:
            joined.cancel()
        writer.close()


async def keep_speaking(limits, path):
    while True:
        try:
            await speak(limits, path)
        except OSError:
            pass  # The agent may be starting anew.
        await asyncio.sleep(0.2)


async def answer(limits, method, url):
    if url == "/health":
        return 200, {"joined": limits.writer is not None and limits.coming is None}
    if (method, url) == ("GET", "/calls"):
        return 200, {customer: limits.calls(customer) for customer in limits.known}
    found = re.fullmatch(r"/(calls|limits)/([A-Za-z0-9_-]{1,64})(?:/([0-9]{1,9}))?", url)
    what, customer, limit = found.groups() if found else (None, None, None)
    if (method, what) == ("PUT", "limits") and limit is not None:
        await limits.request(WRITE, customer, string(limit.encode()))
        return 200, {"limit": int(limit)}
    if what != "calls" or limit is not None or method not in ("POST", "DELETE"):
        return 404, {"error": "no such thing"}
    if method == "POST" and limits.calls(customer) >= limits.limit(customer):
        return 429, {"error": "as many calls as there may be"}
    await limits.request(COUNT, customer, struct.pack(">q", 1 if method == "POST" else -1))
    return 200, {"calls": limits.calls(customer)}


async def serve(limits, reader, writer):
    """One request a connection."""
    try:
        method, url, _ = (await asyncio.wait_for(reader.readline(), 5)).decode("latin1").split()
        while (await asyncio.wait_for(reader.readline(), 5)).strip():
            pass
        try:
            status, body = await answer(limits, method, url)
        except (OSError, ValueError) as error:
            status, body = 503, {"error": str(error)}
        text = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + text)
        await writer.drain()
    except (OSError, ValueError, asyncio.TimeoutError):
        pass  # A client that says no request, or left.
    finally:
        writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()
    path = os.environ.get("VNFPOOL_SOCKET")
    if path is None:
        raise SystemExit("there is no agent to count with: VNFPOOL_SOCKET is not set")
    limits = Limits()
    server = await asyncio.start_server(lambda *ends: serve(limits, *ends), options.address, options.port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await keep_speaking(limits, path)


asyncio.run(main())
