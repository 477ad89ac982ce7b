// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { testSet } from '@vnfpool/testkit/certificates';
import { complianceRule as rule } from '@vnfpool/testkit/compliance';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { TlsTransport } from '@vnfpool/transport/tls';
import { expect, onTestFinished, test } from 'vitest';

const missing = process.platform === 'linux' ? '' : '(the kernel does not tell its timers)';
const set = await testSet('edge');
const credentials = await set.credentials({ role: 'registrar', name: 'r' });
/** Of the kernel's table: nothing is under way, and the timer of an idle connection runs. */
const IDLE = '02';
const HERTZ = 100;

/** The kernel's timer at the end of a connection that has this port, and the milliseconds until it asks. */
function timerAt(from: number, to: number): { readonly kind: string; readonly inMs: number } {
  const hex = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/self/net/tcp', 'utf8')
    .split('\n')
    .map((each) => each.trim().split(/\s+/))
    .find(([, local, remote]) => local?.endsWith(hex(from)) === true && remote?.endsWith(hex(to)) === true);
  const [kind = '', ticks = ''] = line?.[5]?.split(':') ?? [];
  return { kind, inMs: (Number.parseInt(ticks, 16) * 1_000) / HERTZ };
}

test.skipIf(missing !== '').each<[string, (limits: { keepAliveMs: number }) => StreamTransport]>([
  ['tcp', (limits) => new TcpTransport({ rule, limits })],
  ['tls', (limits) => new TlsTransport({ rule, limits, credentials })],
])(`of a silent %s connection both ends ask whether the other one is there ${missing}`, async (_, make) => {
  const accepted: Connection[] = [];
  const listener = await make({ keepAliveMs: 60_000 }).listen({
    host: '127.0.0.1',
    port: 0,
    onConnection: (each) => {
      accepted.push(each);
      each.onFrame((frame) => void each.send(frame.slice()));
    },
  });
  onTestFinished(() => listener.close());
  const { port } = listener.address;
  const near = await make({ keepAliveMs: 3_600_000 }).connect({ host: '127.0.0.1', port });
  onTestFinished(() => near.close());
  const echoed = new Promise((resolve) => {
    near.onFrame(resolve);
  });
  near.send(Uint8Array.of(0, 0, 0, 5, 1));
  await echoed;
  // What was said last is acknowledged within the time of a delayed acknowledgement.
  await expect.poll(() => timerAt(near.local.port, port).kind, { interval: 10, timeout: 10_000 }).toBe(IDLE);
  await expect.poll(() => timerAt(port, near.local.port).kind, { interval: 10, timeout: 10_000 }).toBe(IDLE);
  const own = timerAt(near.local.port, port).inMs;
  expect(own).toBeLessThanOrEqual(3_600_000);
  expect(own).toBeGreaterThan(60_000);
  expect(timerAt(port, near.local.port).inMs).toBeLessThanOrEqual(60_000);
});
