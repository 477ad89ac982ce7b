// SPDX-License-Identifier: Apache-2.0
import { changesBetween, type StateLevel } from '@vnfpool/core/state-level';
import { expect, test } from 'vitest';
import { behind, bounded, checkpoint, conntrack, cookie, gossip, held, through } from './levels.ts';

const none: StateLevel = { method: 'none' };
const inStore = (store: string, writes: typeof behind | typeof through = behind): StateLevel => ({
  ...writes,
  store,
});
const [live, restart] = ['live', 'restart'];
const byAgents = 'node agents take the state of running functions, and begin with a snapshot';
const byItself = 'the function moves its state itself, as it was told when it started';
const told = 'running instances are told';

test.each<[string, StateLevel, StateLevel, readonly string[]]>([
  ['nothing', held, { ...held, protection: { ...held.protection } }, []],
  ['to a stream', checkpoint, held, [`method: checkpoint → replicate: ${live}: ${byAgents}`]],
  ['to state at last', none, conntrack, [`method: none → conntrack: ${live}: ${byAgents}`]],
  [
    'to nothing',
    checkpoint,
    none,
    [
      `method: checkpoint → none: ${live}: node agents stop taking state, and running functions need not know`,
    ],
  ],
  [
    'to gossip',
    held,
    gossip,
    [
      `method: replicate → gossip: ${live}: node agents let running functions take part in a state that begins with nothing`,
    ],
  ],
  [
    'from cookies',
    cookie,
    none,
    [
      `method: cookie → none: ${restart}: by cookie a function moves its state itself, which is decided when it starts`,
    ],
  ],
  [
    'an interval',
    checkpoint,
    { ...checkpoint, intervalMs: 500 },
    [`loss: up to 1000 ms → up to 500 ms: ${live}: ${told}`],
  ],
  [
    'held output',
    bounded,
    held,
    [
      `consistency: bounded → held: ${live}: it counts from the next output on, a stricter one once all that is under way has arrived`,
      `loss: up to 100 updates → nothing that was acknowledged outside: ${live}: ${told}`,
      `acknowledged: 0 → 1: ${live}: ${told}`,
    ],
  ],
  [
    'amounts of gossip',
    gossip,
    { ...gossip, updatesPerSecond: 10, windowOctets: 1_000, recovery: 'relaxed' },
    [
      `recovery: near → relaxed: ${live}: ${told}`,
      `rate: 5000 a second → 10 a second: ${live}: ${told}`,
      `window: 65536 octets → 1000 octets: ${live}: ${told}`,
    ],
  ],
  [
    'a format of agents',
    held,
    { ...held, granularity: 'key', format: { encoding: 'json', schema: 'kv', version: 3 } },
    [
      `granularity: session → key: ${live}: node agents begin anew with a snapshot`,
      `format: json kv/2 → json kv/3: ${live}: node agents begin anew with a snapshot`,
    ],
  ],
  [
    'a format of gossip',
    gossip,
    { ...gossip, overload: 'shed', format: { encoding: 'json', schema: 'kv', version: 3 } },
    [
      `format: json kv/2 → json kv/3: ${restart}: ${byItself}`,
      `overload: block → shed: ${restart}: ${byItself}`,
    ],
  ],
  [
    'a store',
    inStore('a'),
    inStore('b'),
    [`store: a → b: ${live}: node agents write all of it into the other store`],
  ],
  [
    'writing through',
    inStore('a'),
    inStore('a', through),
    [
      `consistency: bounded → held: ${live}: it counts from the next output on, a stricter one once all that is under way has arrived`,
      `loss: up to 200 ms → nothing that was acknowledged outside: ${live}: ${told}`,
    ],
  ],
  [
    'deferred packets',
    conntrack,
    { ...conntrack, defer: true },
    [`defer: false → true: ${live}: it is a rule of the kernel, which node agents set`],
  ],
  [
    'protection',
    held,
    { ...held, protection: { integrity: true, encryption: false, securityState: 're-derive' } },
    [
      `encryption: true → false: ${live}: node agents open their connections anew`,
      `security-state: excluded → re-derive: ${restart}: which of its secrets a function gives away is decided when it starts`,
    ],
  ],
])('%s', (_, former, next, expected) => {
  expect(
    changesBetween(former, next).map(
      ({ axis, from, to, needsRestart, reason }) =>
        `${axis}: ${from} → ${to}: ${needsRestart ? restart : live}: ${reason}`,
    ),
  ).toEqual(expected);
});
