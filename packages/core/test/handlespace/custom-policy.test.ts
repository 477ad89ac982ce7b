// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import {
  type CustomPolicy,
  drawingSelector,
  Handlespace,
  policyTable,
  rankedSelector,
} from '@vnfpool/core/handlespace';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { OtherPolicy, PoolElement } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { CachedPool } from '../../src/pool-user/cached-pool.ts';
import { seededRandom } from './seeded-random.ts';

/* What docs/policies.md shows under "One's own", and does with it. */

// docs: begin
const COLDEST = 0x80000101;

/** Degrees Celsius, an unsigned 32-bit number, as all fields of policies are. */
function temperatureOf({ data }: OtherPolicy): number {
  return new DataView(data.buffer, data.byteOffset).getUint32(0);
}

/** An element says so of itself when it registers. */
function coldest(temperature: number): OtherPolicy {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, temperature);
  return { type: 'other', code: COLDEST, data };
}

/** The coldest first; each use since its last registration counts as a tenth of a degree; equals by turns. */
const coldestFirst: CustomPolicy = {
  name: 'coldest-first',
  code: COLDEST,
  increment: 1,
  accepts: ({ data }) => data.length >= 4,
  selector: () => rankedSelector((policy: OtherPolicy, uses) => temperatureOf(policy) + uses / 10),
};

const policies = policyTable([coldestFirst]);
// docs: end

const web = encodeUtf8('web');
const element = (id: number, policy: OtherPolicy): PoolElement => ({
  id,
  homeRegistrar: 1,
  registrationLife: 60,
  userTransport: { type: 'tcp', port: 80, address: '10.0.0.1' },
  policy,
});

test('the document shows this very code', () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  const [, code = 'no such part'] = read('./custom-policy.test.ts').split(/^\/\/ docs: (?:begin|end)\n/m);
  expect(read('../../../../docs/policies.md')).toContain(code.trim());
});

describe("a policy of one's own", () => {
  test('a handlespace selects by it', () => {
    const space = new Handlespace(seededRandom(1), { policies });
    for (const [id, temperature] of [
      [1, 40],
      [2, 35],
      [3, 35],
    ] as const)
      expect(space.set(web, element(id, coldest(temperature))).kind).toBe('added');
    const select = (count: number): number[] | undefined =>
      space
        .pool(web)
        ?.select(count)
        .map(({ id }) => id);
    expect([select(3), select(1), select(1), select(3)]).toEqual([[2, 3, 1], [3], [2], [3, 2, 1]]);
    space.set(web, element(1, coldest(20)));
    expect(select(1)).toEqual([1]);
  });

  test('a user follows it, and without it takes the order of the registrar', () => {
    const elements = [element(1, coldest(40)), element(2, coldest(35))];
    const response = {
      type: 'handle-resolution-response',
      updatesAccepted: false,
      poolHandle: web,
      // The values of the pool's own policy mean nothing.
      policy: { type: 'other', code: COLDEST, data: new Uint8Array(0) },
      elements,
      causes: [],
    } as const;
    const ids = (pool: CachedPool): number[] => pool.select().map(({ id }) => id);
    expect(ids(new CachedPool(response, seededRandom(1), 0, policies))).toEqual([2, 1]);
    expect(ids(new CachedPool(response, seededRandom(1), 0))).toEqual([1, 2]);
  });

  test('malformed values are refused, and the policy is unknown where nobody added it', () => {
    const malformed = element(1, { ...coldest(0), data: new Uint8Array(3) });
    const space = new Handlespace(seededRandom(1), { policies });
    expect(space.set(web, malformed)).toMatchObject({ reason: 'policy-unsupported' });
    expect(space.set(web, element(1, coldest(1))).kind).toBe('added');
    expect(space.set(web, malformed)).toMatchObject({ reason: 'policy-unsupported' });
    const plain = new Handlespace(seededRandom(1));
    expect(plain.set(web, element(1, coldest(1)))).toMatchObject({ reason: 'policy-unsupported' });
  });

  test('one that draws by weight', () => {
    const hotOrNot: CustomPolicy = {
      name: 'hot-or-not',
      code: 0x80000102,
      increment: 0,
      selector: (random) =>
        drawingSelector(random, (policy: OtherPolicy) => Math.max(0, 100 - temperatureOf(policy))),
    };
    const space = new Handlespace(seededRandom(2), { policies: policyTable([coldestFirst, hotOrNot]) });
    for (const [id, temperature] of [
      [1, 25],
      [2, 75],
      [3, 100],
    ] as const)
      space.set(web, element(id, { ...coldest(temperature), code: 0x80000102 }));
    let first = 0;
    for (let time = 0; time < 4000; time++) if (space.pool(web)?.select(1)[0]?.id === 1) first += 1;
    expect(Math.abs(first / 4000 - 0.75)).toBeLessThan(0.04);
    expect(space.pool(web)?.select(3)).toHaveLength(2);
  });

  test.each<[string, number]>([
    ['of the standard', 1],
    ['of rsplib', 0xb0001001],
    ['no policy type', 0],
    ['no policy type either', 0x40000000],
    ['more than 32 bits', 2 ** 32 + 1],
    ['not whole', 1.5],
  ])('a code that is %s is refused', (_name, code) => {
    expect(() => policyTable([{ ...coldestFirst, code }])).toThrow(RangeError);
  });

  test('a code twice is refused', () => {
    expect(() => policyTable([coldestFirst, coldestFirst])).toThrow('its code is that of coldest-first');
  });
});
