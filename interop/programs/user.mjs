// SPDX-License-Identifier: Apache-2.0
// A pool user of ours: node user.mjs '{"pool":…,"registrars":[…]}'. Every line it reads is a message for the pool; answers
// and what becomes of the session are told, a JSON object a line.
import { createInterface } from 'node:readline';
import { PoolUser } from '@vnfpool/client';

const options = JSON.parse(process.argv[2]);
const tell = (what) =>
  process.stdout.write(`${JSON.stringify({ atMs: Math.round(performance.now()), ...what })}\n`);

const user = new PoolUser({
  registrars: options.registrars ?? [],
  announcements: options.announcements ?? false,
  security: 'open',
  profile: 'rsplib',
  onTrouble: (trouble) => tell({ trouble }),
  tuning: { updates: options.updates ?? false },
  onPoolChanged: (_, elements) => tell({ pool: elements.map(({ id }) => id) }),
});
const session = await user.open(options.pool, {
  timeoutMs: 60_000,
  onEvent: ({ event, reason, to, cookieSent }) => tell({ event, reason, to: to?.id, cookieSent }),
});
tell({ open: true, element: session.element?.id });
createInterface({ input: process.stdin }).on('line', (line) => {
  session.send(`${line}\n`).catch((error) => tell({ error: error.message }));
});
const decoder = new TextDecoder();
for await (const message of session) {
  tell({ answer: decoder.decode(message).trimEnd(), from: session.element?.id });
}
