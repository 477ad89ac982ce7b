// SPDX-License-Identifier: Apache-2.0
// Counters over TCP that outlive their node: the standbys have each count before a client is told of it.
//
//     node counter.mjs --address 127.0.0.1 --port 7000
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { jsonValues, SharedMap, StatefulFunction } from '@vnfpool/client/stateful';

const { values: options } = parseArgs({
  options: { address: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '0' } },
});

const counters = new SharedMap({ values: jsonValues(Number.isSafeInteger), entriesMax: 100_000 });

async function respond([verb, name = '', ...more]) {
  if (!counters.isHolder) return 'not active';
  if (more.length > 0 || !['add', 'get'].includes(verb)) return 'what?';
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) return 'bad name';
  const count = (counters.get(name) ?? 0) + (verb === 'add' ? 1 : 0);
  if (verb === 'add') await counters.set(name, count);
  // It may be another client's, and not safe yet.
  else await counters.settled();
  return `value ${count}`;
}

async function serve(socket) {
  socket.on('error', () => socket.destroy());
  try {
    for await (const line of createInterface({ input: socket })) {
      socket.write(`${await respond(line.trim().split(/\s+/))}\n`);
    }
  } catch {
    // The slot is lost: nobody is told of what may be lost with it, and the client asks the next holder.
    socket.destroy();
  }
}

const server = createServer((socket) => void serve(socket));
await StatefulFunction.start({ shared: counters, onEnd: (error) => console.error(error.message) });
server.listen(Number(options.port), options.address, () => {
  console.log(`listening on ${options.address}:${server.address().port}`);
});
