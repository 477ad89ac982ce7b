// SPDX-License-Identifier: Apache-2.0
import type { CertificateRole } from '@vnfpool/runtime/certificates';
import { formatToken, MemoryTokenLedger } from '@vnfpool/runtime/join';
import { type JoinEvent, type JoinServer, startJoinServer } from '@vnfpool/runtime/join-server';
import { type TestSet, testSet } from './test-set.ts';

/** A manager's join port on loopback, and nothing else of a manager. */
export interface TestManager {
  readonly set: TestSet;
  readonly server: JoinServer;
  readonly events: readonly JoinEvent[];
  /** A fresh token's text. */
  token(role: CertificateRole, name?: string): Promise<string>;
  /** The first event that `wanted` accepts, past or to come. */
  seen(wanted: (event: JoinEvent) => boolean): Promise<JoinEvent>;
  close(): Promise<void>;
}

export async function testManager(options: { readonly validityMs?: number } = {}): Promise<TestManager> {
  const set = await testSet();
  const ledger = new MemoryTokenLedger(Date.now);
  const events: JoinEvent[] = [];
  const watchers = new Set<(event: JoinEvent) => void>();
  const server = await startJoinServer({
    host: '127.0.0.1',
    port: 0,
    authority: set.authority,
    ledger,
    credentials: await set.credentials({ role: 'manager', name: 'm' }),
    onEvent: (event) => {
      events.push(event);
      for (const watcher of watchers) watcher(event);
    },
    ...options,
  });
  return {
    set,
    server,
    events,
    token: async (role, name) =>
      formatToken({
        address: server.address,
        port: server.port,
        caFingerprint: set.authority.fingerprint,
        ...(await ledger.create(role, name ?? null, 60_000)),
      }),
    seen: (wanted) => {
      const past = events.find(wanted);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve) => {
        const watcher = (event: JoinEvent): void => {
          if (!wanted(event)) return;
          watchers.delete(watcher);
          resolve(event);
        };
        watchers.add(watcher);
      });
    },
    close: () => server.close(),
  };
}
