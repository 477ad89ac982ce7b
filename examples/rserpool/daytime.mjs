// SPDX-License-Identifier: Apache-2.0
// Says what time it is, and ends the session: who opens one and only listens needs a server that speaks first.
import { main, poolUser, serveUntilStopped, tell, textOf } from './common.mjs';

export function serve(values) {
  return serveUntilStopped(values, 'daytime', (session) => session.send(`${new Date().toISOString()}\n`));
}

export async function use(values) {
  const user = poolUser(values);
  const session = await user.open(values.pool ?? 'daytime', { peerClose: 'end', onEvent: tell });
  for await (const message of session) process.stdout.write(textOf(message));
  user.close();
}

await main(import.meta.url, { serve, use });
