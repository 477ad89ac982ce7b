// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import { componentId, StatusMonitor, StatusReporter } from '@vnfpool/runtime/component-status';
import type { ComponentStatus } from '@vnfpool/wire/csp';
import { expect, onTestFinished, test } from 'vitest';

async function monitor() {
  const reports: ComponentStatus[] = [];
  const malformed: string[] = [];
  const waiters: (() => void)[] = [];
  const wake = (): void => {
    for (const waiter of waiters.splice(0)) waiter();
  };
  const listening = await StatusMonitor.listen({
    address: '127.0.0.1',
    port: 0,
    onReport: (report) => {
      reports.push(report);
      wake();
    },
    onMalformed: (reason) => {
      malformed.push(reason);
      wake();
    },
  });
  onTestFinished(() => listening.close());
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await new Promise<void>((resolve) => waiters.push(resolve));
  };
  return { reports, malformed, until, port: listening.port };
}

test('reports come at intervals, and the last one says that it is', async () => {
  const { reports, until, port } = await monitor();
  let load = 0.25;
  const reporter = new StatusReporter({
    to: { address: '127.0.0.1', port },
    intervalMs: 5,
    sender: componentId('registrar', 0x0a0b0c0d),
    location: 'rack 7',
    report: () => ({ status: '3 pools', workload: load, associations: [] }),
    onTrouble: (error) => expect.unreachable(error.message),
  });
  await until(() => reports.length >= 2);
  load = 0.75;
  await reporter.stop();
  await until(() => reports.at(-1)?.final === true);
  expect(reports[0]).toMatchObject({
    final: false,
    sender: { group: 1, identifier: 0x0a0b0c0dn },
    intervalUs: 5000,
    location: 'rack 7',
    status: '3 pools',
  });
  expect(reports.filter((report) => report.final)).toHaveLength(1);
  expect(reports.at(-1)?.workload).toBeCloseTo(0.75, 3);
});

test('what is no report is told with its reason', async () => {
  const { malformed, until, port } = await monitor();
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.send(Uint8Array.of(1, 2, 3), port, '127.0.0.1');
  await until(() => malformed.length > 0);
  expect(malformed).toHaveLength(1);
});
