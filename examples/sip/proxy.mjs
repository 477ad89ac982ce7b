// SPDX-License-Identifier: Apache-2.0
// A SIP proxy and registrar over UDP whose calls outlive its node: no message goes out before the standby has what it rests upon.
//
//     node proxy.mjs --address 127.0.0.1 --port 5060 --domain example.test
import { createSocket } from 'node:dgram';
import { parseArgs } from 'node:util';
import { StatefulFunction } from '@vnfpool/client/stateful';
import { SipProxy } from '../ims/sip-proxy.mjs';
import { SharedTables } from './shared-tables.mjs';

const { values: options } = parseArgs({
  options: {
    // That of the slot: in Via and Record-Route, and what is sent comes from it.
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '5060' },
    // This node's own, where the agent asks how we are.
    probed: { type: 'string' },
    domain: { type: 'string', default: 'example.test' },
  },
});

const TICK_MS = 50;
/** Messages whose answers wait for the standby; more are dropped, and clients repeat them. */
const WAITING_MAX = 4_000;

async function open(address) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1_048_576, sendBufferSize: 1_048_576 });
  await new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(Number(options.port), address, resolve);
  });
  // An address that cannot be sent to is told to who sends.
  socket.removeAllListeners('error').on('error', () => count('socket.errors'));
  return socket;
}

const socket = await open(options.address);
const tables = new SharedTables();
const proxy = new SipProxy({
  domain: options.domain.toLowerCase(),
  advertised: { host: options.address, port: Number(options.port) },
  tells: true,
  state: tables,
});
let waiting = 0;

await StatefulFunction.start({
  shared: tables.map,
  onTakeOver: () => proxy.takeOver(Date.now()),
  // The agent refuses us. One that is only gone may be starting anew, and is looked for.
  onEnd: () => process.exit(1),
});

function count(name) {
  proxy.counters[name] = (proxy.counters[name] ?? 0) + 1;
}

/** Runs what changes the state, and sends what comes of it once the standby has it. */
async function change(run) {
  if (!tables.map.isHolder) return count('dropped.inactive');
  if (waiting >= WAITING_MAX) return count('dropped.overload');
  waiting += 1;
  try {
    let outputs = [];
    await tables.change(() => {
      run(Date.now());
      outputs = proxy.take();
    });
    for (const output of outputs) send(socket, output);
  } catch (error) {
    // Refused, or the slot is lost: whoever has it now sends what is due, and is asked again for the rest.
    if (error.code !== 'closed' && error.code !== 'refused' && error.code !== 'overloaded') throw error;
    count('dropped.unsettled');
  } finally {
    waiting -= 1;
  }
}

function send(by, { bytes, address, port }) {
  by.send(bytes, port, address, (error) => {
    if (error) count('dropped.unsendable');
  });
}

function probed(by, datagram, source, own) {
  if (datagram.subarray(0, 8).toString('latin1') !== 'OPTIONS ') return false;
  if (!proxy.probe(datagram, source, own)) return false;
  for (const output of proxy.take()) send(by, output);
  return true;
}

socket.on('message', (datagram, source) => {
  if (!probed(socket, datagram, source)) void change((now) => proxy.handle(datagram, source, now));
});
if (options.probed !== undefined && options.probed !== options.address) {
  const own = { host: options.probed, port: Number(options.port) };
  const other = await open(options.probed);
  other.on('message', (datagram, source) => void probed(other, datagram, source, own));
}
setInterval(() => {
  if (tables.map.isHolder) void change((now) => proxy.tick(now));
}, TICK_MS);

console.log(`listening on ${options.address}:${options.port}`);
