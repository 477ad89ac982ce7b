// SPDX-License-Identifier: Apache-2.0
// Who may register: a small store, like a home subscriber server, over TCP. A node agent can move it while it changes.
//
//     node hss.mjs --address 127.0.0.1 --port 7001
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { StatefulFunction, TrackedMap } from '@vnfpool/client/stateful';
import { LineSplitter } from '@vnfpool/wire/function-socket';
import { addressOfRecord, parseSipUri } from '@vnfpool/wire/sip';

const { values: options } = parseArgs({
  options: { address: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '0' } },
});

const isBound = (value, max) =>
  value === undefined || (Number.isInteger(value) && value >= 1 && value <= max);
const isLimits = (value) =>
  value !== null &&
  typeof value === 'object' &&
  !Array.isArray(value) &&
  isBound(value.expiresMaxS, 2 ** 31) &&
  isBound(value.contactsMax, 10);
const subscribers = new TrackedMap({ entriesMax: 100_000, isValue: isLimits });
const made = await StatefulFunction.start({
  state: subscribers,
  // The agent refuses us. One that is only gone may be starting anew, and is looked for.
  onEnd: () => process.exit(1),
});

const OPERATIONS = {
  may: (identity) => {
    const limits = subscribers.get(identity);
    return limits === undefined ? { may: false } : Object.assign({ may: true }, limits);
  },
  put: (identity, { expiresMaxS, contactsMax }) => {
    const limits = JSON.parse(JSON.stringify({ expiresMaxS, contactsMax }));
    if (!isLimits(limits)) throw new Error('expiresMaxS or contactsMax is out of its range');
    subscribers.set(identity, limits);
    return {};
  },
  remove: (identity) => ({ was: subscribers.delete(identity) }),
};

function respond(request) {
  if (made.role !== 'active') throw new Error('not active');
  const operation = Object.hasOwn(OPERATIONS, request.op) ? OPERATIONS[request.op] : undefined;
  if (operation === undefined) throw new Error('what?');
  if (typeof request.identity !== 'string' || request.identity.length > 256) throw new Error('no identity');
  return operation(addressOfRecord(parseSipUri(request.identity)), request);
}

async function answer(line) {
  let id = null;
  try {
    const request = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line));
    if (request === null || typeof request !== 'object') throw new Error('no object');
    if (Number.isSafeInteger(request.id)) id = request.id;
    // While we are quiesced a request waits here.
    return { id, ok: true, ...(await made.change(() => respond(request))) };
  } catch (error) {
    return { id, ok: false, error: error.message };
  }
}

async function serve(socket) {
  socket.on('error', () => undefined);
  const splitter = new LineSplitter();
  try {
    for await (const chunk of socket) {
      for (const line of splitter.push(chunk)) {
        // A client that does not read is not read from.
        if (!socket.write(`${JSON.stringify(await answer(line))}\n`))
          await new Promise((resolve) => {
            socket.once('drain', resolve);
            socket.once('close', resolve);
          });
      }
    }
  } catch {
    // The client is gone, or its line was too long.
  }
  socket.destroy();
}

const server = createServer((socket) => void serve(socket));
server.maxConnections = 256;
server.listen(Number(options.port), options.address, () => {
  console.log(`listening on ${options.address}:${server.address().port}`);
});
