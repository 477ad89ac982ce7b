// SPDX-License-Identifier: Apache-2.0
// Takes whatever comes and throws it away; counts it for the curious. `use --megabytes N` measures how fast.
import { main, poolUser, serveUntilStopped, tell } from './common.mjs';

export function serve(values) {
  return serveUntilStopped(values, 'discard', async (session) => {
    let octets = 0;
    for await (const message of session) octets += message.length;
    console.log(`discarded ${octets} octets`);
  });
}

export async function use(values) {
  const user = poolUser(values);
  const session = await user.open(values.pool ?? 'discard', { onEvent: tell });
  const block = new Uint8Array(64 * 1024);
  const megabytes = Number(values.megabytes ?? 64);
  const began = performance.now();
  // `send` waits while too much is on its way.
  for (let sent = 0; sent < megabytes * 16; sent += 1) await session.send(block);
  session.close();
  user.close();
  const seconds = (performance.now() - began) / 1000;
  console.log(`${megabytes} MiB in ${seconds.toFixed(2)} s`);
}

await main(import.meta.url, { serve, use, options: { megabytes: { type: 'string' } } });
