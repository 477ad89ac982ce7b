// SPDX-License-Identifier: Apache-2.0
import { lookup, Resolver } from 'node:dns/promises';
import type { SrvRecord } from './srv-order.ts';

/** What is asked of DNS. Both throw an Error with the reason when there is no answer. */
export interface DnsQueries {
  srv(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]>;
  addresses(host: string, signal: AbortSignal): Promise<readonly string[]>;
}

const QUERY_MS = 1_500;
const TRIES = 2;

/**
 * Asks the system's DNS servers, as they are at each question; names of hosts also by its hosts file.
 *
 * @param servers Asked instead, for everything: `192.0.2.53`, `192.0.2.53:5353` or `[2001:db8::53]:5353`
 * @throws TypeError when a server is none of these
 */
export function dnsQueries(servers: readonly string[] = []): DnsQueries {
  const resolver = (): Resolver => {
    const made = new Resolver({ timeout: QUERY_MS, tries: TRIES });
    if (servers.length > 0) made.setServers(servers);
    return made;
  };
  // Now, rather than at the first question.
  resolver();
  return {
    srv: (name, signal) => cancelled(resolver(), signal, (asked) => asked.resolveSrv(name)),
    addresses: async (host, signal) => {
      if (servers.length === 0) return (await lookup(host, { all: true })).map(({ address }) => address);
      return await cancelled(resolver(), signal, async (asked) => {
        const [four, six] = await Promise.allSettled([asked.resolve4(host), asked.resolve6(host)]);
        const found = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
        if (found.length === 0 && four.status === 'rejected') throw four.reason;
        return found;
      });
    },
  };
}

async function cancelled<T>(
  resolver: Resolver,
  signal: AbortSignal,
  ask: (resolver: Resolver) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await ask(resolver);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
