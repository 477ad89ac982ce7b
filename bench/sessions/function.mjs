// SPDX-License-Identifier: Apache-2.0
import { StatefulFunction, TrackedMap, TrackedSessions } from '@vnfpool/client/stateful';
import { sessionsOf } from './session.mjs';

/*
 * `node function.mjs COUNT`: a function with so many sessions. 'again' on its standard input: as it was at the start; the
 * answer is how many it had.
 */

const map = new TrackedMap();
const fill = () => {
  for (const [key] of map.entries()) map.delete(key);
  for (const [key, session] of sessionsOf(Number(process.argv[2]))) map.set(key, session);
};
const sessions = new TrackedSessions(map, { hasUri: (session, uri) => session.from === uri, movedMax: 1 });
fill();
await StatefulFunction.start({ state: map, sessions });
process.stdin.on('data', () => {
  const had = map.size;
  fill();
  process.stdout.write(`had ${had}\n`);
});
process.stdout.write('ready\n');
