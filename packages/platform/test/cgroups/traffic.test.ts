// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { GroupTraffic, type Nft, trafficRules } from '../../src/cgroups/index.ts';

const counters = (...entries: [table: string, name: string, bytes: number][]): string =>
  JSON.stringify({
    nftables: [
      { metainfo: { version: '1' } },
      ...entries.map(([table, name, bytes]) => ({
        counter: { family: 'inet', table, name, packets: 1, bytes },
      })),
    ],
  });

/** An nft that writes down what it is told. */
function createNft(answer: () => string) {
  const scripts: string[] = [];
  const nft: Nft = {
    apply: (script) => {
      scripts.push(script);
      return Promise.resolve();
    },
    counters: () => Promise.resolve(answer()),
  };
  return { scripts, nft };
}

test('rules count both directions of a group; with a limit they drop before they count', () => {
  const plain = trafficRules('t', 'a/b c', undefined);
  expect(plain).toContain('socket cgroupv2 level 2 "a/b c" counter name "received"');
  expect(plain).toContain('socket cgroupv2 level 2 "a/b c" counter name "sent"');
  expect(plain).not.toContain('drop');
  const limited = trafficRules('t', 'a', 8_000_000);
  expect(limited).toContain('limit rate over 1000000 bytes/second burst 100000 bytes drop');
  expect(limited.indexOf('drop')).toBeLessThan(limited.indexOf('counter name "received"'));
});

test('counts are told by name, of own tables only; a group is forgotten with its end', async () => {
  let answer = counters();
  const { scripts, nft } = createNft(() => answer);
  const traffic = await GroupTraffic.open({ label: 't', mount: '/cg', nft }, 'vnfpool.t');
  if (typeof traffic === 'string') throw new Error(traffic);
  await traffic.begin('web#1.1', 'vnfpool.t/web#1.1', undefined);
  const table = /^table inet (\S+)/.exec(scripts.at(-1) ?? '')?.[1] ?? '';
  expect(table).toMatch(/^vnfpool_t_[A-Za-z0-9_]+$/);
  answer = counters([table, 'received', 10], [table, 'sent', 20], ['vnfpool_u_x', 'sent', 99]);
  expect(await traffic.counts(['web#1.1', 'other'])).toEqual(
    new Map([['web#1.1', { receivedBytes: 10, sentBytes: 20 }]]),
  );
  await traffic.end('web#1.1');
  expect(scripts.at(-1)).toContain(`delete table inet ${table}`);
  const before = scripts.length;
  await traffic.end('web#1.1');
  await traffic.close();
  expect(scripts).toHaveLength(before);
});

test('tables that an agent with this label left behind are removed, of another label not', async () => {
  const { scripts, nft } = createNft(() =>
    counters(['vnfpool_t_old', 'sent', 1], ['vnfpool_u_old', 'sent', 1]),
  );
  await GroupTraffic.open({ label: 't', mount: '/cg', nft }, 'vnfpool.t');
  expect(scripts[0]).toContain('delete table inet vnfpool_t_old');
  expect(scripts.join('')).not.toContain('vnfpool_u_old');
});

test('a group that is to be kept is counted on, and forgotten with its end', async () => {
  const table = 'vnfpool_t_web_2e_7';
  const { scripts, nft } = createNft(() => counters([table, 'received', 10], [table, 'sent', 20]));
  const options = { label: 't', mount: '/cg', nft, keep: new Set(['web.7']) };
  const traffic = await GroupTraffic.open(options, 'vnfpool.t');
  if (typeof traffic === 'string') throw new Error(traffic);
  expect(scripts.join('')).not.toContain(table);
  expect(await traffic.counts(['web.7'])).toEqual(new Map([['web.7', { receivedBytes: 10, sentBytes: 20 }]]));
  await traffic.end('web.7');
  expect(scripts.at(-1)).toContain(`delete table inet ${table}`);
});

test('where nft does not work the reason is told', async () => {
  const nft: Nft = {
    apply: () => Promise.reject(new Error('nft: Operation not permitted')),
    counters: () => Promise.resolve(counters()),
  };
  expect(await GroupTraffic.open({ label: 't', mount: '/cg', nft }, 'x')).toBe(
    'nft: Operation not permitted',
  );
});
