// SPDX-License-Identifier: Apache-2.0
// A SIP proxy and registrar over UDP, which a node agent can move in the middle of calls.
//
//     node proxy.mjs --address 127.0.0.1 --port 5060 --domain example.test
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';
import { ForwardingPort } from '@vnfpool/client/forwarding';
import { StatefulFunction } from '@vnfpool/client/stateful';
import { CallSessions } from './call-sessions.mjs';
import { HssClient } from './hss-client.mjs';
import { parsePlace } from './messages.mjs';
import { ProxyState } from './proxy-state.mjs';
import { SipProxy } from './sip-proxy.mjs';

const { values: options } = parseArgs({
  options: {
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    // What is in Via and Record-Route: an address that moves along. Default where it listens.
    advertise: { type: 'string' },
    // Where proxies bring messages of moved calls to each other: an address that stays. Default that of --address.
    forward: { type: 'string' },
    domain: { type: 'string', default: 'example.test' },
    // Who may register; without it everybody of the domain.
    hss: { type: 'string' },
    // Tell counters to whoever asks by OPTIONS with `Accept: application/json`.
    counters: { type: 'boolean', default: false },
    'expires-min': { type: 'string', default: '60' },
  },
});

const TICK_MS = 50;

const socket = createSocket({ type: isIPv6(options.address) ? 'udp6' : 'udp4', recvBufferSize: 1_048_576 });
await new Promise((resolve, reject) => {
  socket.once('error', reject);
  socket.bind(Number(options.port), options.address, resolve);
});
const at = socket.address();
const own = `${isIPv6(at.address) ? `[${at.address}]` : at.address}:${at.port}`;

const hss = options.hss === undefined ? null : parsePlace(options.hss);
const subscribers = hss === null ? null : new HssClient(hss.host.replaceAll(/[[\]]/g, ''), hss.port);
const proxy = new SipProxy({
  domain: options.domain.toLowerCase(),
  advertised: parsePlace(options.advertise ?? own),
  asks: subscribers !== null,
  tells: options.counters,
  expiresMinS: Number(options['expires-min']),
});

const now = () => Date.now();
const port = await ForwardingPort.open({
  address: options.forward ?? options.address,
  onArrived: (transfer, packet) => void held(() => proxy.forwarding.fromHome(transfer, packet, now())),
  onSend: (transfer, packet) => void held(() => proxy.forwarding.fromHolder(transfer, packet)),
  onEnded: (transfer, session) => void held(() => proxy.forwarding.elsewhereEnded(transfer, session)),
  onOver: (transfer, waited) => void held(() => proxy.forwarding.transferOver(transfer, waited, now())),
});
const state = new ProxyState(proxy, port);

const made = await StatefulFunction.start({
  state,
  sessions: new CallSessions({ proxy, port, flush }),
  onRole: (role) => {
    if (role === 'active') state.takeOver(now());
  },
  // The agent refuses us. One that is only gone may be starting anew, and is looked for.
  onEnd: () => process.exit(1),
});

function count(name) {
  proxy.counters[name] = (proxy.counters[name] ?? 0) + 1;
}

/** Runs what changes the state, and then sends; while we are quiesced it waits here. */
async function change(run) {
  await held(() => {
    if (made.role === 'active') run();
    else count('dropped.inactive');
  });
}

/** Also of calls that another proxy has, or had, in any role. */
async function held(run) {
  try {
    await made.change(() => {
      run();
      flush();
    });
  } catch (error) {
    if (error.code !== 'overloaded' && error.code !== 'closed') throw error;
    // Over UDP clients repeat what was not answered.
    count('dropped.overload');
  }
}

function flush() {
  for (const output of proxy.take()) {
    if (output.forward !== undefined) port[output.forward](output.transfer, output.packet);
    else if (output.ended !== undefined) port.ended(output.transfer, output.ended);
    else if (output.drop !== undefined) port.drop(output.drop);
    else if (output.ask === undefined) {
      socket.send(output.bytes, output.port, output.address, (error) => {
        if (error) count('dropped.unsendable');
      });
    } else void ask(output);
  }
}

async function ask({ ask: id, aor }) {
  const verdict = await subscribers.may(aor);
  await change(() => proxy.admit(id, verdict, now()));
  // If it waited too long for its turn, the client may try again.
  proxy.forget(id);
}

// An address that cannot be sent to is told to who sends.
socket.on('error', () => count('socket.errors'));
socket.on('message', (datagram, source) => {
  // The agent asks us where we run, whatever is advertised.
  const isProbe = datagram.subarray(0, 8).toString('latin1') === 'OPTIONS ';
  if (isProbe && (proxy.probe(datagram, source) || proxy.probe(datagram, source, parsePlace(own)))) flush();
  else void change(() => proxy.handle(datagram, source, now()));
});

let isTicking = false;
setInterval(() => {
  if (isTicking) return;
  isTicking = true;
  void change(() => proxy.tick(now())).finally(() => {
    isTicking = false;
  });
}, TICK_MS);

console.log(`listening on ${own}`);
