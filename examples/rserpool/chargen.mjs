// SPDX-License-Identifier: Apache-2.0
// Lines of characters without end (RFC 864). Its state is the number of the next line: after a failover no line is
// missing and none comes twice, but for those that were on their way.
import { main, poolUser, serveUntilStopped, tell, textOf } from './common.mjs';

/** 72 of the 95 visible characters, one further on each line. */
export function line(number) {
  const characters = Array.from({ length: 72 }, (_, at) => String.fromCharCode(32 + ((number + at) % 95)));
  return `${String(number).padStart(8)} ${characters.join('')}\n`;
}

export function serve(values) {
  return serveUntilStopped(values, 'chargen', async (session) => {
    let number = session.restored === null ? 0 : Number(textOf(session.restored));
    for (; !session.signal.aborted; number += 1) {
      await session.send(line(number));
      session.saveState(String(number + 1));
      // Not faster than anyone can read.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
}

export async function use(values) {
  const user = poolUser(values);
  const session = await user.open(values.pool ?? 'chargen', { onEvent: tell });
  let left = Number(values.lines ?? Number.POSITIVE_INFINITY);
  for await (const message of session) {
    process.stdout.write(textOf(message));
    left -= 1;
    if (left <= 0) session.close();
  }
  user.close();
}

await main(import.meta.url, { serve, use, options: { lines: { type: 'string' } } });
