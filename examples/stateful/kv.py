#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keys and values over TCP, which a node agent can move while they change, all together or some of them: state by the
local socket. Each key is a session; it is found by the key as its SIP URI, and by its value as its contact.

    python3 kv.py --address 127.0.0.1 --port 7000

What is said over the socket: docs/function-socket.md. Nothing but the standard library is needed.
"""
import argparse
import asyncio
import json
import os
import re
import struct

LINE_BYTES_MAX = 65_536
BLOCK_BYTES_MAX = 1_048_576
ENTRIES_MAX = 100_000
IMPORT_BYTES_MAX = 256 * 1_048_576


class Store:
    """A dictionary that knows which keys have changed since the last export began."""

    def __init__(self):
        self.entries = {}
        self.changed = None  # None: nobody wants to know
        self.changed_bytes = 0
        self.selected = set()  # keys that are about to move
        self.coming = {}  # what came of another instance and is not served yet
        self.moved = {}  # key -> where it is served now

    def set(self, key, value):
        self.entries[key] = value
        self.note(key, len(key) + len(value) + 12)

    def delete(self, key):
        if self.entries.pop(key, None) is not None:
            self.note(key, len(key) + 14)

    def note(self, key, octets):
        if self.changed is None or key not in self.changed:
            self.changed_bytes += octets
        if self.changed is not None:
            self.changed.add(key)

    async def export(self, kind, write, some=False):
        before, self.changed = self.changed, set()
        whole = kind == "snapshot" or before is None
        if whole and not some:
            await write(["clear"])
        if some:  # beside what the other side has: nothing is cleared there
            keys = list(self.selected if whole else self.selected & before)
        else:
            keys = list(self.entries if whole else before)
        # The keys of now. Values may change while we wait for the reader: then they are in the next delta.
        for key in keys:
            value = self.entries.get(key)
            if value is not None:
                await write(["set", key, value])
            elif some or not whole:
                await write(["delete", key])

    def select(self, selectors):
        """The union; ratios are rounded half up, to at least one, and counts above all mean all."""
        total, first, named = len(self.entries), 0, set()
        for each in selectors:
            match each["type"]:
                case "all":
                    first = total
                case "count":
                    first = max(first, min(total, each["count"]))
                case "ratio":
                    millionths = round(each["ratio"] * 1_000_000)
                    share = (millionths * total * 2 + 1_000_000) // 2_000_000
                    first = max(first, max(share, 1) if millionths and total else 0)
                case "sip-uri":
                    named |= {key for key in self.entries if each["uri"] == f"sip:{key}@example.com"}
                case "contact":
                    named |= {key for key, value in self.entries.items() if each["contact"] == value}
        self.selected = named | set(list(self.entries)[:first])
        return len(self.selected)

    def stage(self, kind, changes):
        self.coming = self.applied({} if kind == "snapshot" else self.coming, changes)
        if here := self.coming.keys() & self.entries.keys():
            raise ValueError(f"there is a session {min(here)} already")
        return len(self.coming)

    def accept(self):
        if here := self.coming.keys() & self.entries.keys():
            raise ValueError(f"there is a session {min(here)} already")
        if len(self.entries) + len(self.coming) > ENTRIES_MAX:
            raise ValueError(f"more than {ENTRIES_MAX} entries")
        for key, value in self.coming.items():
            self.moved.pop(key, None)
            self.set(key, value)
        self.coming = {}

    def forget(self, forward):
        where = f"moved {forward['address']} {forward['port']}" if forward else "moved"
        for key in self.selected:
            if self.entries.pop(key, None) is not None:
                self.moved[key] = where
        self.selected, self.changed = set(), None

    def apply(self, kind, changes):
        self.entries, self.changed = self.applied({} if kind == "snapshot" else self.entries, changes), None

    @staticmethod
    def applied(entries, changes):
        entries = dict(entries)
        for verb, *rest in changes:
            if verb == "set":
                entries[str(rest[0])] = str(rest[1])
            elif verb == "delete":
                entries.pop(rest[0], None)
            elif verb == "clear":
                entries = {}
            else:
                raise ValueError(f"no change: {verb}")
        if len(entries) > ENTRIES_MAX:
            raise ValueError(f"more than {ENTRIES_MAX} entries")
        return entries


class Function:
    """The function's end of the agent's socket."""

    def __init__(self, store):
        self.store = store
        self.role = "active"  # without an agent
        self.going = asyncio.Event()  # cleared while quiesced
        self.going.set()
        self.staying = asyncio.Event()  # cleared while the selected keys are
        self.staying.set()
        self.address = None  # where clients find us
        self.writer = None
        self.transfers = {}  # id of the request -> task

    async def connect(self, path):
        reader, self.writer = await asyncio.open_unix_connection(path, limit=LINE_BYTES_MAX)
        self.say(op="hello", v=1, format="kv/1", sessions=True)
        welcome = json.loads(await reader.readline())
        if welcome.get("op") != "welcome":
            raise SystemExit(f"the agent says: {welcome.get('reason')}")
        # An agent that is starting anew may not have decided yet: all stays as it is.
        self.role = welcome["role"] or self.role
        return reader

    async def connect_again(self, path):
        while True:
            await asyncio.sleep(0.2)
            try:
                return await self.connect(path)
            except (OSError, ValueError):
                pass  # not there yet, or gone again

    async def serve(self, reader):
        rates = asyncio.create_task(self.tell_rates())
        while line := await line_of(reader):
            message = json.loads(line)
            if message["op"] in ("export", "import"):
                task = asyncio.create_task(self.answer(message))
                self.transfers[message["id"]] = task
                task.add_done_callback(lambda _, id=message["id"]: self.transfers.pop(id, None))
            elif message["op"] == "cancel":
                if message["id"] in self.transfers:
                    self.transfers[message["id"]].cancel()
            elif message["op"] == "refused":
                raise SystemExit(f"the agent says: {message['reason']}")
            else:
                # At once and in order, also beside a transfer.
                await self.answer(message)
        rates.cancel()

    async def answer(self, message):
        try:
            scope = "_sessions" if message.get("scope") == "sessions" else ""
            told = await getattr(self, f"on_{message['op']}{scope}")(message)
            self.say(id=message["id"], ok=True, **(told or {}))
        except Exception as error:
            self.say(id=message["id"], ok=False, error=f"{type(error).__name__}: {error}"[:1000])

    def say(self, **message):
        self.writer.write(json.dumps(message).encode() + b"\n")

    async def tell_rates(self):
        while True:
            await asyncio.sleep(1)
            self.say(op="changes", bytesPerSecond=self.store.changed_bytes)
            self.say(op="sessions", count=len(self.store.entries))
            self.store.changed_bytes = 0

    async def on_role(self, message):
        self.role = message["role"]

    async def on_quiesce(self, _message):
        # A change here never waits in its middle, so none is under way now.
        self.going.clear()

    async def on_resume(self, _message):
        self.store.changed = None
        self.going.set()

    async def on_discard(self, _message):
        self.store.entries, self.store.changed = {}, None

    async def on_select(self, message):
        await self.on_resume_sessions(message)
        return {"count": self.store.select(message["sessions"])}

    async def on_quiesce_sessions(self, _message):
        self.staying.clear()

    async def on_resume_sessions(self, _message):
        self.store.selected, self.store.changed = set(), None
        self.staying.set()

    async def on_moved(self, message):
        self.store.forget(message["forward"])
        self.staying.set()

    async def on_expect(self, _message):
        self.store.coming = {}
        host, port = self.address
        return {"forward": {"address": host, "port": port}}

    async def on_accept(self, _message):
        self.store.accept()

    async def on_discard_sessions(self, _message):
        self.store.coming = {}

    async def on_export_sessions(self, message):
        await self.on_export(message, some=True)
        return {"count": len(self.store.selected & self.store.entries.keys())}

    async def on_import_sessions(self, message):
        return {"count": await self.on_import(message, self.store.stage)}

    async def on_export(self, message, some=False):
        _, writer = await asyncio.open_unix_connection(message["data"])
        try:
            async def write(change):
                block = json.dumps(change).encode() + b"\n"
                writer.write(struct.pack(">I", len(block)) + block)
                await writer.drain()  # waits while the agent is busy

            await self.store.export(message["kind"], write, some)
            writer.write(struct.pack(">I", 0))  # the end: all is there
            await writer.drain()
        finally:
            writer.close()

    async def on_import(self, message, apply=None):
        reader, writer = await asyncio.open_unix_connection(message["data"])
        try:
            octets = bytearray()
            # Breaking off before the end raises IncompleteReadError, and nothing is applied.
            while size := struct.unpack(">I", await reader.readexactly(4))[0]:
                if size > BLOCK_BYTES_MAX:
                    raise ValueError("the block is too long")
                octets += await reader.readexactly(size)
                if len(octets) > IMPORT_BYTES_MAX:
                    raise ValueError("the state is too large")
            changes = [json.loads(line) for line in octets.splitlines()]
            return (apply or self.store.apply)(message["kind"], changes)
        finally:
            writer.close()


async def handle(function, reader, writer):
    store = function.store
    try:
        while line := await reader.readline():
            words = line.decode(errors="replace").rstrip("\r\n").split(" ", 2)
            if words[0] != "list":
                await function.going.wait()
                while len(words) > 1 and words[1] in store.selected and not function.staying.is_set():
                    await function.staying.wait()
            writer.write((respond(store, function.role, words) + "\n").encode())
            await writer.drain()
    except (ConnectionError, ValueError):
        pass  # gone, or a line that is too long
    finally:
        writer.close()


def respond(store, role, words):
    match words:
        case ["list"]:
            return "\n".join([*(f"{key} {value}" for key, value in sorted(store.entries.items())), "end"])
        case _ if role != "active":
            return "not active"
        case [_, key, *_] if key in store.moved:
            return store.moved[key]
        case [_, key, *_] if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", key):
            return "bad key"
        case ["set" | "add", key, *_] if key not in store.entries and len(store.entries) >= ENTRIES_MAX:
            return "full"
        case ["get", key]:
            return f"value {store.entries[key]}" if key in store.entries else "none"
        case ["set", key, value]:
            store.set(key, value)
            return "ok"
        case ["del", key]:
            store.delete(key)
            return "ok"
        case ["add", key, *more]:
            numbers = [store.entries.get(key, "0"), *(more or ["1"])]
            if not all(re.fullmatch(r"-?[0-9]{1,17}", number) for number in numbers):
                return "no number"
            store.set(key, str(sum(map(int, numbers))))
            return f"value {store.entries[key]}"
    return "what?"


async def line_of(reader):
    try:
        return await reader.readline()
    except ConnectionError:
        return b""


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    function = Function(Store())
    path = os.environ.get("VNFPOOL_SOCKET")
    if path:
        function.role = None
    agent = await function.connect(path) if path else None
    server = await asyncio.start_server(
        lambda reader, writer: handle(function, reader, writer), options.address, options.port, limit=LINE_BYTES_MAX
    )
    function.address = server.sockets[0].getsockname()[:2]
    print(f"listening on {options.address}:{server.sockets[0].getsockname()[1]}", flush=True)
    while agent:
        await function.serve(agent)
        # It may be starting anew. What is quiesced stays so: another instance may have the state.
        agent = await function.connect_again(path)
    await server.serve_forever()


asyncio.run(main())
