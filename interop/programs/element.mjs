// SPDX-License-Identifier: Apache-2.0
// A pool element of ours that echoes, with a number that counts the messages of the session: node element.mjs
// '{"id":…,"pool":…,"address":…,"registrars":[…]}'. It leaves the number with the user as a cookie, so that another
// element goes on counting. It tells what becomes of it, a JSON object a line, and takes commands the same way:
// {"policy":…}, {"deregister":true}.
import { createInterface } from 'node:readline';
import { cookieSeal, PoolElement } from '@vnfpool/client';

const options = JSON.parse(process.argv[2]);
const tell = (what) =>
  process.stdout.write(`${JSON.stringify({ atMs: Math.round(performance.now()), ...what })}\n`);

const element = new PoolElement({
  registrars: options.registrars ?? [],
  announcements: options.announcements ?? false,
  security: 'open',
  profile: 'rsplib',
  poolHandle: options.pool,
  id: options.id,
  listen: { kind: 'sctp', host: options.address, addresses: options.addresses ?? [] },
  asap: { kind: 'sctp', host: options.address, addresses: options.addresses ?? [] },
  policy: options.policy ?? { type: 'round-robin' },
  lifeMs: options.lifeMs ?? 30_000,
  onEvent: ({ event, reason }) => tell({ event, reason }),
  onTrouble: (trouble) => tell({ trouble }),
});

createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  if (command.policy) element.update(command.policy);
  if (command.deregister) {
    element.deregister().then(
      () => tell({ left: true }),
      (error) => tell({ error: error.message }),
    );
  }
});

const decoder = new TextDecoder();
await element.serve(
  async (session) => {
    let count = session.restored === null ? 0 : Number(decoder.decode(session.restored));
    tell({ user: session.peer.address, restored: session.restored !== null, count });
    for await (const message of session) {
      count += 1;
      await session.send(`${count}: ${decoder.decode(message)}`);
      session.saveState(String(count));
    }
  },
  {
    timeoutMs: 60_000,
    cookies: cookieSeal({ secrets: [new Uint8Array(32).fill(7)], poolHandle: options.pool }),
    onCookieRefused: (fault) => tell({ fault }),
    onError: (error) => tell({ error: error.message }),
  },
);
tell({ inPool: true });
