// SPDX-License-Identifier: Apache-2.0
// The service of examples/stateful without its niceties, for tests: a step of a move waits while the file hold-STEP is in
// the folder that is said, and held-STEP tells that it does. `list` gives what it serves.
//
//     node held-sessions.mjs --address 127.0.0.1 --port 7000 --folder /tmp/x
import { once } from 'node:events';
import { existsSync, watch, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { StatefulFunction, TrackedMap, TrackedSessions } from '@vnfpool/client/stateful';

const { values: options } = parseArgs({
  options: { address: { type: 'string' }, port: { type: 'string' }, folder: { type: 'string' } },
});

const store = new TrackedMap();
const sessions = new TrackedSessions(store);

async function held(step) {
  const path = `${options.folder}/hold-${step}`;
  if (!existsSync(path)) return;
  writeFileSync(`${options.folder}/held-${step}`, '');
  await new Promise((resolve) => {
    const watcher = watch(options.folder, look);
    function look() {
      if (existsSync(path)) return;
      watcher.close();
      resolve();
    }
    look();
  });
}

/** The same, with a pause before each step. */
const slow = {
  get count() {
    return sessions.count;
  },
  get selectedCount() {
    return sessions.selectedCount;
  },
  export: (kind) => sessions.export(kind),
  resume: () => sessions.resume(),
  discard: () => sessions.discard(),
  ...Object.fromEntries(
    ['select', 'quiesce', 'moved', 'expect', 'import', 'accept'].map((step) => [
      step,
      async (...given) => {
        await held(step);
        // What was given up meanwhile must not happen any more.
        for (const each of given) if (each instanceof AbortSignal) each.throwIfAborted();
        return await sessions[step](...given);
      },
    ]),
  ),
};

async function answer([verb, key, value]) {
  if (verb === 'list') return [...store.entries()].map(([name]) => `${name}\n`).join('') + 'end';
  return await sessions.change(key, () => {
    if (verb === 'set') store.set(key, value);
    return verb === 'set' ? 'ok' : (store.get(key) ?? 'none');
  });
}

async function serve(socket) {
  socket.on('error', () => undefined);
  for await (const line of createInterface({ input: socket }))
    socket.write(`${await answer(line.split(' ')).catch(({ code }) => code)}\n`);
}

// Who is told of sessions connects at once: listen first.
const server = createServer((socket) => void serve(socket).catch(() => socket.destroy())).listen(
  Number(options.port),
  options.address,
);
await once(server, 'listening');
await StatefulFunction.start({ state: store, sessions: slow, onEnd: () => process.exit(1) });
