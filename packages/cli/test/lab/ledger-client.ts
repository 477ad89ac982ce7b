// SPDX-License-Identifier: Apache-2.0
import type { Hosts } from './hosts.ts';
import { until } from './support.ts';

/** The ledger of the examples, as whoever asks it from a test's host `client` sees it. */
export interface LedgerClient {
  /** One request, from any host and to any of them; the text of an answer with 200, else nothing. */
  readonly request: (host: string, to: string, method: string, path: string) => Promise<string>;
  /** The text of an answer with 200; asked until there is one. */
  readonly ask: (method: string, path: string) => Promise<string>;
  readonly accounts: () => Promise<Readonly<Record<string, number>>>;
  /** One more on an account, whose balance then is what comes back. */
  readonly add: (name: string) => Promise<number>;
}

/** @param hosts there may be none yet */
export function ledgerClient(hosts: () => Hosts, service: string): LedgerClient {
  const request = async (host: string, to: string, method: string, path: string): Promise<string> => {
    const script = `fetch('http://${to}:8080${path}', { method: '${method}', signal: AbortSignal.timeout(1000) })
      .then((answer) => (answer.ok ? answer.text() : '')).then((text) => process.stdout.write(text)).catch(() => {}).finally(() => process.exit());`;
    const child = hosts().start(host, [process.execPath, '-e', script]);
    await child.ended;
    return child.stdout();
  };
  const ask = (method: string, path: string): Promise<string> =>
    until(`${method} ${path}`, async () => (await request('client', service, method, path)) || null);
  return {
    request,
    ask,
    accounts: async () => JSON.parse(await ask('GET', '/accounts')),
    add: async (name) =>
      (JSON.parse(await ask('POST', `/accounts/${name}/add`)) as { balance: number }).balance,
  };
}
