// SPDX-License-Identifier: Apache-2.0
// Keys and values over TCP, which a node agent can move while they change, all together or some of them: state by the
// local socket. Each key is a session; it is found by the key as its SIP URI, and by its value as its contact.
//
//     node kv.mjs --address 127.0.0.1 --port 7000
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { SessionMovedError, StatefulFunction, TrackedMap, TrackedSessions } from '@vnfpool/client/stateful';

const { values: options } = parseArgs({
  options: { address: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '0' } },
});

const store = new TrackedMap({ entriesMax: 100_000, isValue: (value) => typeof value === 'string' });
const sessions = new TrackedSessions(store, {
  hasUri: (value, uri, key) => uri === `sip:${key}@example.com`,
  hasContact: (value, contact) => value === contact,
  // Whom to ask for what came from elsewhere. A function with packets would say where it takes those.
  forward: () => ({ address: options.address, port: server.address().port }),
});
const made = await StatefulFunction.start({
  state: store,
  sessions,
  // The agent refuses us. One that is only gone may be starting anew, and is looked for.
  onEnd: () => process.exit(1),
});

function respond([verb, key = '', ...rest]) {
  if (made.role !== 'active') return 'not active';
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(key)) return key === '' ? 'what?' : 'bad key';
  const value = rest.join(' ');
  const old = store.get(key);
  switch (verb) {
    case 'get':
      return old === undefined ? 'none' : `value ${old}`;
    case 'set':
      if (rest.length === 0) return 'what?';
      store.set(key, value);
      return 'ok';
    case 'del':
      store.delete(key);
      return 'ok';
    case 'add': {
      const numbers = [old ?? '0', rest.length === 0 ? '1' : value];
      if (!numbers.every((number) => /^-?[0-9]{1,17}$/.test(number))) return 'no number';
      const sum = String(BigInt(numbers[0]) + BigInt(numbers[1]));
      store.set(key, sum);
      return `value ${sum}`;
    }
    default:
      return 'what?';
  }
}

function list() {
  const lines = [...store.entries()].map(([key, value]) => `${key} ${value}`);
  return [...lines.toSorted(), 'end'].join('\n');
}

/** Waits while all is quiesced, or the key moves. */
function change(words) {
  const run = () => made.change(() => respond(words));
  return words.length > 1 ? sessions.change(words[1], run) : run();
}

function told(error) {
  if (!(error instanceof SessionMovedError)) return error.code === 'overloaded' ? 'full' : error.code;
  return error.forward === null ? 'moved' : `moved ${error.forward.address} ${error.forward.port}`;
}

async function serve(socket) {
  socket.on('error', () => undefined);
  try {
    for await (const line of createInterface({ input: socket })) {
      const answer = line === 'list' ? list() : await change(line.split(' ')).catch(told);
      socket.write(`${answer}\n`);
    }
  } catch {
    // The client is gone.
  }
  socket.destroy();
}

const server = createServer((socket) => void serve(socket));
server.listen(Number(options.port), options.address, () => {
  console.log(`listening on ${options.address}:${server.address().port}`);
});
