// SPDX-License-Identifier: Apache-2.0
// Counts the pings of a session. The count is in a cookie, sealed with a secret of the pool, so it goes on where another
// element takes over. Kill the one in use (it says its process number) and watch. As a function of a set, in a pool with
// `sharing: { method: [cookie] }`, it seals with the secret that the set hands out.
import { createHash } from 'node:crypto';
import { cookieSeal, handedCookieSeal } from '@vnfpool/client';
import { main, poolUser, serveUntilStopped, tell, textOf } from './common.mjs';

/** All elements need the same one. A real one is 32 random octets in a file that only they can read. */
function poolSecret({ secret = 'only an example' }) {
  return createHash('sha256').update(secret).digest();
}

export function serve(values) {
  const poolHandle = values.pool ?? 'ping-pong';
  const isHanded = process.env.VNFPOOL_COOKIE_SECRETS !== undefined;
  const cookies = isHanded ? handedCookieSeal() : cookieSeal({ secrets: [poolSecret(values)], poolHandle });
  const pingPong = async (session) => {
    let pings = session.restored === null ? 0 : Number(textOf(session.restored));
    for await (const message of session) {
      pings += 1;
      session.saveState(String(pings));
      await session.send(`pong ${pings} to ${textOf(message)}, from process ${process.pid}`);
    }
  };
  return serveUntilStopped(values, 'ping-pong', pingPong, { serve: { cookies } });
}

export async function use(values) {
  const user = poolUser(values);
  const session = await user.open(values.pool ?? 'ping-pong', { resend: 'unacknowledged', onEvent: tell });
  const answers = session[Symbol.asyncIterator]();
  const pings = Number(values.pings ?? Number.POSITIVE_INFINITY);
  const intervalMs = Number(values.interval ?? 500);
  for (let ping = 1; ping <= pings; ping += 1) {
    const number = await session.send(`ping ${ping}`);
    const { value, done } = await answers.next();
    if (done) break;
    session.acknowledge(number);
    console.log(textOf(value));
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  session.close();
  user.close();
}

const options = { secret: { type: 'string' }, pings: { type: 'string' }, interval: { type: 'string' } };
await main(import.meta.url, { serve, use, options });
