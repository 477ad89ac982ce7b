// SPDX-License-Identifier: Apache-2.0
// Opens session after session with the echo pool, one message each, and says how fast that goes. Kill elements meanwhile:
// it counts the failovers, and what they cost.
import { main, poolUser } from './common.mjs';

export async function use(values) {
  const user = poolUser(values);
  const untilMs = performance.now() + Number(values.seconds ?? 10) * 1000;
  const tookMs = [];
  const failovers = [];
  const errors = new Map();
  const onEvent = (event) => {
    if (event.event === 'failed-over') failovers.push(event.tookMs);
  };

  const worker = async () => {
    while (performance.now() < untilMs) {
      const began = performance.now();
      try {
        const session = await user.open(values.pool ?? 'echo', {
          resend: 'unacknowledged',
          onEvent,
          timeoutMs: 5000,
        });
        await session.send('hello');
        await session[Symbol.asyncIterator]().next();
        session.close();
        tookMs.push(performance.now() - began);
      } catch (error) {
        errors.set(error.code ?? error.message, (errors.get(error.code ?? error.message) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: Number(values.parallel ?? 16) }, worker));
  const seconds = (performance.now() - began) / 1000;
  user.close();

  const at = (list, share) =>
    list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * share)] ?? Number.NaN;
  const ms = (value) => `${value.toFixed(1)} ms`;
  console.log(`${tookMs.length} sessions, ${(tookMs.length / seconds).toFixed(0)} a second`);
  console.log(`from opening to the answer: p50 ${ms(at(tookMs, 0.5))}, p99 ${ms(at(tookMs, 0.99))}`);
  console.log(
    failovers.length === 0
      ? 'no failover'
      : `${failovers.length} failovers: p50 ${ms(at(failovers, 0.5))}, at most ${ms(Math.max(...failovers))}`,
  );
  for (const [error, count] of errors) console.log(`${count} errors: ${error}`);
  return { sessions: tookMs.length, failovers: failovers.length, errors: errors.size };
}

await main(import.meta.url, { use, options: { seconds: { type: 'string' }, parallel: { type: 'string' } } });
