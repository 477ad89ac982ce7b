// SPDX-License-Identifier: Apache-2.0
/*
 * An agent's part that writes the fence, as a process of its own. `renew`: it renews every few milliseconds until it is
 * stopped or killed. `late`: it says what end it has computed for the kernel, stands still until its standard input ends,
 * and writes.
 */
import { readFileSync, writeSync } from 'node:fs';

const [built, form, mode, leaseMs] = process.argv.slice(2);
const load = (folder) => import(`${built}${folder}/index.js`);
const { createLinuxClocks } = await load('clocks');
const { createFence, createNftFence } = await load('fence');

const linux = createLinuxClocks();
let endMs = 0;
let isLate = false;
const clocks = {
  wallMs: () => linux.wallMs(),
  boottimeMs: () => {
    const reading = linux.boottimeMs();
    if (isLate) {
      isLate = false;
      writeSync(1, `${endMs}\n`);
      readFileSync(0);
    }
    return reading;
  },
};
const options = { interfaces: ['eth0'], clocks, owner: 'off' };
const fence = form === 'nft' ? createNftFence(options) : createFence(options);
const guarded = [
  { what: 'address', address: '10.9.0.100' },
  { what: 'address', address: '2001:db8:9::100' },
];
fence.guard([{ slot: 'web', guarded }]);
const renew = () => {
  endMs = linux.boottimeMs() + Number(leaseMs);
  fence.openUntil(new Map([['web', endMs]]));
};

renew();
writeSync(1, 'open\n');
if (mode === 'late') {
  fence.close('web');
  isLate = true;
  renew();
  writeSync(1, 'written\n');
}
setInterval(() => mode === 'renew' && renew(), 10);
