// SPDX-License-Identifier: Apache-2.0
// Keys and values over TCP, which a node agent can move while they change: state by the local socket.
//
//     node kv.mjs --address 127.0.0.1 --port 7000
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { StatefulFunction, TrackedMap } from '@vnfpool/client/stateful';

const { values: options } = parseArgs({
  options: { address: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '0' } },
});

const store = new TrackedMap({ entriesMax: 100_000, isValue: (value) => typeof value === 'string' });
const made = await StatefulFunction.start({
  state: store,
  // Nobody could tell our role any more.
  onEnd: () => process.exit(0),
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

async function serve(socket) {
  socket.on('error', () => undefined);
  try {
    for await (const line of createInterface({ input: socket })) {
      // While we are quiesced a change waits here.
      const answer =
        line === 'list'
          ? list()
          : await made.change(() => respond(line.split(' '))).catch(({ code }) => code);
      socket.write(`${answer === 'overloaded' ? 'full' : answer}\n`);
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
