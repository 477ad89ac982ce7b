// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/* The same as echo.pl on Node: `node echo.mjs PORT NAME`. The kernel needs 3 to 4 ms to take a dead Node apart. */

const [port, name] = process.argv.slice(2);
const suffix = Buffer.from(name);
const udp = createSocket('udp4');
udp.on('message', (bytes, from) => udp.send([bytes, suffix], from.port, from.address));
udp.bind(Number(port), '0.0.0.0');
createServer((peer) => peer.on('error', () => {}).end()).listen(Number(port), '0.0.0.0');
