// SPDX-License-Identifier: Apache-2.0
/*
 * A load balancer of layer 4: the kernel's rules spread new connections over those backends that answer, and what the kernel tracks
 * keeps each connection at its own. This program only asks the backends whether they are there, and writes the rules.
 *
 *   node balancer.mjs --address 10.78.0.100 --port 7002 --backends 10.79.0.51,10.79.0.52,10.79.0.53
 *
 * It runs at the standby, too, which so knows at once where new connections may go when it takes over.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const EVERY_MS = 500;
const ANSWER_MS = 400;
/** Checks in a row that must fail before a backend is left out. */
const FALL = 2;

const { values: options } = parseArgs({
  options: {
    address: { type: 'string' },
    port: { type: 'string' },
    backends: { type: 'string' },
  },
});
const backends = options.backends.split(',').map((address) => ({ address, failed: FALL }));
const rules = join(dirname(fileURLToPath(import.meta.url)), 'balancer.nft');

function nft(words, input = '') {
  const { status, stderr, error } = spawnSync('nft', words, { input, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`nft: ${stderr.trim()}`);
}

/** In one transaction: there is no moment without a rule. Without a backend a connection is refused by the host itself. */
function spreadOver(addresses) {
  const map = addresses.map((address, number) => `${number} : ${address}`).join(', ');
  const to = `ip daddr ${options.address} tcp dport ${options.port} dnat to numgen inc mod ${addresses.length} map { ${map} }`;
  const rule = addresses.length === 0 ? '' : `add rule ip balancer choose ${to}\n`;
  nft(['-f', '-'], `flush chain ip balancer choose\n${rule}`);
}

function answers(address) {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: Number(options.port), timeout: ANSWER_MS });
    const end = (isThere) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

nft(['-f', rules]);
// Behind a failover the kernel has not seen the last segments of a connection: their numbers are taken as they come.
writeFileSync('/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal', '1');
// A connection that is in no table is not taken up in its middle: without its state it would break, and show it.
writeFileSync('/proc/sys/net/netfilter/nf_conntrack_tcp_loose', '0');
writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');

for (let before = ''; ; await pause(EVERY_MS)) {
  const answered = await Promise.all(backends.map(({ address }) => answers(address)));
  for (const [at, backend] of backends.entries()) backend.failed = answered[at] ? 0 : backend.failed + 1;
  const well = backends.filter(({ failed }) => failed < FALL).map(({ address }) => address);
  if (well.join() === before) continue;
  before = well.join();
  spreadOver(well);
}
