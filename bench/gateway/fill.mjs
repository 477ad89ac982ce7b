// SPDX-License-Identifier: Apache-2.0
// `node fill.mjs FROM TO`: so many more established connections behind the gateway of its namespace.
import { setTimeout as pause } from 'node:timers/promises';
import { Conntrack } from '@vnfpool/platform/conntrack';
import { connection } from '../flow-sharing/flows.mjs';

const AT_ONCE = 1_000;
/** Ports of one gateway to one server. */
const PORTS = 40_000;

function behindGateway(number) {
  const flow = connection(number);
  const client = Uint8Array.of(10, 79, 0, 40 + (number % 200));
  const server = Uint8Array.of(198, 51, 100, 1 + Math.floor(number / PORTS));
  const { original, reply } = flow;
  const clientPort = 2_000 + Math.floor(number / 200);
  const layer4 = { ...original.layer4, source: clientPort };
  return {
    ...flow,
    original: { ...original, source: client, destination: server, layer4 },
    reply: { ...reply, source: server, destination: Uint8Array.of(10, 78, 0, 100) },
  };
}

const [first, count] = process.argv.slice(2).map(Number);
const table = new Conntrack();
for (let from = first; from < count; from += AT_ONCE) {
  const flows = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, n) => behindGateway(from + n));
  const [failure] = table.insert(flows);
  if (failure !== undefined) throw failure.error;
  // Whoever listens is to hear of all.
  await pause(2);
}
process.stdout.write(`${JSON.stringify({ filled: count - first })}\n`);
process.exit();
