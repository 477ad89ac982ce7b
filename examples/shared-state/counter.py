#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counters over TCP that outlive their node: the standbys have each count before a client is told of it.

    python3 counter.py --address 127.0.0.1 --port 7000

What is said to the node agent: docs/function-socket.md, "Shared state". Nothing but the standard library is needed.
"""
import argparse
import asyncio
import json
import os
import re
import struct

COUNTERS_MAX = 100_000
FRAME_BYTES_MAX = 262_144
UPDATES, ACK, END = 5, 6, 8


def varint(number):
    """Seven bits an octet, the lowest first, the highest bit set where more follow."""
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])


class Fields:
    """Reads the fields of one message."""

    def __init__(self, octets):
        self.octets, self.at = octets, 0

    def take(self, count):
        if self.at + count > len(self.octets):
            raise ValueError("the message is too short")
        self.at += count
        return self.octets[self.at - count : self.at]

    def varint(self):
        number, shift = 0, 0
        while (octet := self.take(1)[0]) > 0x7F:
            number, shift = number | (octet & 0x7F) << shift, shift + 7
        return number | octet << shift


async def read_message(reader):
    (size,) = struct.unpack(">I", await reader.readexactly(4))
    if not 0 < size <= FRAME_BYTES_MAX - 4:
        raise ValueError("no message is as long")
    octets = await reader.readexactly(size)
    return octets[0], Fields(octets[1:])


def message(kind, body):
    return struct.pack(">IB", len(body) + 1, kind) + body


def update(number, key, value):
    """One key is something else; None: it is no more. A message may have several, this one has one."""
    octets = b"\0" if value is None else varint(len(value) + 1) + value
    return message(UPDATES, b"\0" + varint(number) + varint(len(key)) + key + octets)


class SharedState:
    """A dictionary of octets whose changes go to the agent."""

    def __init__(self, alone):
        self.entries = {}
        self.alone = alone  # active, and nobody wants what changes
        self.was_held = False  # it was the state of a slot since we were started
        self.writer = None  # to the agent, while we hold the slot
        self.number = 0  # of the last change
        self.safe = 0  # effects of changes up to this number may be let out
        self.waiting = []  # number of a change, and who waits until its effect may be let out

    @property
    def held(self):
        return self.alone or self.writer is not None

    def become(self, role):
        """The state of a slot would have come before."""
        self.alone = role == "active" and self.writer is None
        self.was_held = self.was_held or self.alone

    async def set(self, key, value):
        self.entries[key] = value
        if not self.alone:
            self.number += 1
            self.writer.write(update(self.number, key, value))
        await self.settled()

    async def settled(self):
        """Until all changes so far are where the next holder finds them. Raises ConnectionError when the slot is lost."""
        if self.alone or not self.waiting and self.number == self.safe:
            return
        done = asyncio.get_running_loop().create_future()
        self.waiting.append((self.number, done))
        await done

    async def share(self, path, own):
        """We get the slot: its state comes first, then what changes goes back by the same connection."""
        reader, writer = await asyncio.open_unix_connection(path)
        theirs, mark = {}, None
        while mark is None:
            kind, fields = await read_message(reader)
            if kind != UPDATES:
                raise ValueError(f"message {kind} instead of the state")
            if fields.take(1) == b"\1":
                mark = fields.varint()
                fields.varint(), fields.take(8), fields.varint()  # keys, digest, clock
            while fields.at < len(fields.octets):
                fields.varint()  # its number
                key = fields.take(fields.varint())
                theirs[key] = fields.take(fields.varint() - 1)
        self.lose()
        is_unsafe = self.number > self.safe
        self.number = self.safe = 0
        if own and self.was_held:
            # Ours is as new or newer: say where it is other.
            for key in theirs.keys() | self.entries.keys():
                if theirs.get(key) != self.entries.get(key):
                    self.number += 1
                    writer.write(update(self.number, key, self.entries.get(key)))
            if is_unsafe and self.number == 0:
                # The agent has it all, standbys perhaps not: what was not safe is with what comes behind it.
                self.number = 1
                writer.write(update(1, b"nothing of this name", None))
        else:
            self.entries = theirs
        writer.write(message(ACK, varint(mark) + b"\0\0"))
        self.writer, self.was_held, self.alone = writer, True, False
        self.task = asyncio.create_task(self.listen(reader, writer))

    async def listen(self, reader, writer):
        try:
            while True:
                kind, fields = await read_message(reader)
                self.safe = fields.varint()
                while self.waiting and self.waiting[0][0] <= self.safe:
                    self.waiting.pop(0)[1].set_result(None)
                if kind == END:
                    break
        except (OSError, EOFError):
            pass  # the agent is gone; one that comes again shares anew
        if self.writer is writer:
            self.lose()
        writer.close()  # behind what was written

    def lose(self):
        """What has not settled may be lost: nobody is told of it."""
        self.writer, waiting, self.waiting = None, self.waiting, []
        for _, done in waiting:
            if not done.done():
                done.set_exception(ConnectionError("the slot is lost"))


async def talk(state, path):
    """The control socket: lines of JSON."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b'{"op":"hello","v":1,"shares":true}\n')
    while line := await reader.readline():
        order = json.loads(line)
        if order["op"] == "refused":
            raise SystemExit(f"the agent says: {order['reason']}")
        if order.get("role"):
            state.become(order["role"])
        if "id" not in order or order["op"] == "cancel":
            continue
        answer = {"id": order["id"], "ok": True}
        try:
            if order["op"] == "share":
                await state.share(order["data"], order["own"])
            elif order["op"] not in ("role", "quiesce", "resume", "discard"):
                raise ValueError("its state is shared, it does not move")
        except Exception as error:
            answer.update(ok=False, error=f"{type(error).__name__}: {error}"[:1000])
        writer.write(json.dumps(answer).encode() + b"\n")


async def serve(state, reader, writer):
    try:
        while line := await reader.readline():
            writer.write((await respond(state, line.decode(errors="replace").split()) + "\n").encode())
            await writer.drain()
    except (OSError, ValueError):
        pass  # gone, a line that is too long, or the slot is lost: then the client asks the next holder
    finally:
        writer.close()


async def respond(state, words):
    match words:
        case _ if not state.held:
            return "not active"
        case ["add" | "get", name, *_] if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            return "bad name"
        case ["add", name]:
            if name.encode() not in state.entries and len(state.entries) >= COUNTERS_MAX:
                return "full"
            count = int(state.entries.get(name.encode(), b"0")) + 1
            await state.set(name.encode(), str(count).encode())
            return f"value {count}"
        case ["get", name]:
            count = int(state.entries.get(name.encode(), b"0"))
            await state.settled()  # it may be another client's, and not safe yet
            return f"value {count}"
    return "what?"


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    path = os.environ.get("VNFPOOL_SOCKET")
    state = SharedState(alone=path is None)
    server = await asyncio.start_server(
        lambda reader, writer: serve(state, reader, writer), options.address, options.port
    )
    print(f"listening on {options.address}:{server.sockets[0].getsockname()[1]}", flush=True)
    while path:
        try:
            await talk(state, path)
        except (OSError, ValueError):
            pass
        # The agent may be starting anew.
        await asyncio.sleep(0.2)
    await server.serve_forever()


asyncio.run(main())
