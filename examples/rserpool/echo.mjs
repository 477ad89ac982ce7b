// SPDX-License-Identifier: Apache-2.0
// Says again what it hears. `node echo.mjs serve` any number of times, then `node echo.mjs use`, and type.
import { createInterface } from 'node:readline';
import { main, poolUser, serveUntilStopped, tell, textOf } from './common.mjs';

export function serve(values) {
  return serveUntilStopped(values, 'echo', async (session) => {
    for await (const message of session) await session.send(message);
  });
}

export async function use(values, _rest, given) {
  const user = poolUser(values);
  // A line that a dead element may have had is said again to the next one.
  const session = await user.open(values.pool ?? 'echo', { resend: 'unacknowledged', onEvent: tell });
  const answers = session[Symbol.asyncIterator]();
  // Not before somebody listens: it drops what it reads until then.
  const lines = given ?? createInterface({ input: process.stdin });
  for await (const line of lines) {
    const number = await session.send(line);
    const { value } = await answers.next();
    session.acknowledge(number);
    console.log(textOf(value));
  }
  session.close();
  user.close();
}

await main(import.meta.url, { serve, use });
