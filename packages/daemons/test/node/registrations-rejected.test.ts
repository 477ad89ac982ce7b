// SPDX-License-Identifier: Apache-2.0
import type { PoolElementClientOptions } from '@vnfpool/client';
import { functionId } from '@vnfpool/core';
import type { Credentials } from '@vnfpool/runtime/certificates';
import { silentLogger } from '@vnfpool/runtime/logging';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Registrations } from '../../src/node/registrations.ts';

const opened = vi.hoisted((): { readonly options: PoolElementClientOptions; isClosed: boolean }[] => []);

vi.mock('@vnfpool/client', () => ({
  PoolElement: class {
    readonly #own: (typeof opened)[number];

    constructor(options: PoolElementClientOptions) {
      this.#own = { options, isClosed: false };
      opened.push(this.#own);
    }

    register = (): Promise<void> => Promise.resolve();
    deregister = (): Promise<void> => Promise.resolve();
    close = (): void => {
      this.#own.isClosed = true;
    };
  },
}));

const wanted = {
  type: 'register',
  poolHandle: 'web',
  functionId: functionId(1),
  address: '127.0.0.1',
  port: 8080,
  policy: { type: 'round-robin' },
} as const;

function reject(at: number): void {
  const event = {
    poolHandle: new Uint8Array(),
    elementId: 1,
    event: 'rejected',
    reason: '',
    causes: [],
  } as const;
  opened[at]?.options.onEvent?.({ type: 'event', ...event });
}

test('an element that a registrar refuses is registered again, as long as it is wanted', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const registrations = new Registrations({ credentials: () => ({}) as Credentials, logger: silentLogger });
  registrations.useRegistrars([{ address: '127.0.0.1', port: 1 }]);
  registrations.register(wanted);
  expect(opened).toHaveLength(1);

  reject(0);
  expect(opened).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  expect(opened).toHaveLength(2);
  expect(opened[0]?.isClosed).toBe(true);

  reject(1);
  registrations.deregister({ type: 'deregister', poolHandle: 'web', functionId: functionId(1) });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(opened).toHaveLength(2);
});
