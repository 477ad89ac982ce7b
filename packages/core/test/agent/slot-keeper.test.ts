// SPDX-License-Identifier: Apache-2.0
import {
  type HandedOnSlots,
  type KeeperInput,
  type KeeperOutput,
  openEnds,
  SlotKeeper,
} from '@vnfpool/core/agent';
import type { NodeLeases, NodeLeasesInput, NodeLeasesOutput } from '@vnfpool/core/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';

const SLOT = '00000000000000a1';
const holder = { node: 1, functionId: 7, functionIncarnation: 1n };
const council = { id: 1, version: { generation: 1, number: 1, randomId: '00000000000000c0' }, members: [1] };

const at = (address: string) => ({ address, link: null, own: null });

function definition(id: string, addresses: readonly string[]): SlotDefinition {
  return {
    id,
    pool: 'web',
    index: 0,
    leaseMs: 300,
    addresses,
    genesis: { randomId: '00000000000000e5', candidates: [] },
    candidates: [],
    lastResort: { rule: 'never' },
  };
}

const observed: NodeLeasesOutput = {
  type: 'observed',
  slot: SLOT,
  state: 'held',
  holder,
  epoch: 5,
  candidates: [],
  isReleased: false,
};
const granted: NodeLeasesOutput = {
  type: 'granted',
  slot: SLOT,
  epoch: 5,
  functionId: 7,
  functionIncarnation: 1n,
  cause: 'lease-expired',
  fencedBy: 'timeout',
  previous: null,
  candidates: [],
  lossMark: false,
  detectedAtMs: 0,
  leaseUntilMs: 300,
};

/** A keeper over an engine that says what the test wants, and hands that carry out as the driver must. */
function keeper(
  answer: (input: NodeLeasesInput) => NodeLeasesOutput[],
  handedOn?: HandedOnSlots,
  isClockOutside: () => boolean = () => false,
) {
  const slots: SlotDefinition[] = [];
  const engine = {
    handle: (input: NodeLeasesInput) => {
      if (input.type === 'configure') slots.splice(0, slots.length, ...input.slots);
      return answer(input);
    },
    expire: () => [],
    nextDeadline: () => undefined,
    councils: [],
    isClockOutside,
    handOn: () => ({
      councils: [{ slots: slots.map((each) => ({ definition: each, hold: { leaseUntilMs: 300 } })) }],
    }),
  };
  const core = new SlotKeeper(engine as unknown as NodeLeases, 1, handedOn);
  const done: KeeperOutput[] = [];
  const give = (input: KeeperInput): KeeperOutput[] => {
    const from = done.length;
    const queue = core.handle(input, 10);
    for (let output = queue.shift(); output; output = queue.shift()) {
      done.push(output);
      if (output.type === 'mark') {
        const { slots: taken, step } = output;
        queue.unshift(...core.handle({ type: 'marked', slots: taken, step, wallMs: 10 }, 10));
      } else if (output.type === 'close') {
        const { slot, epoch } = output;
        queue.unshift(...core.handle({ type: 'fence-closed', slot, epoch }, 10));
      }
    }
    return done.slice(from);
  };
  const configure = (...slots: SlotDefinition[]) => give({ type: 'configure', councils: [council], slots });
  const expire = (nowMs: number) => core.expire(nowMs);
  return { core, give, configure, expire };
}

const offer: KeeperInput = {
  type: 'candidate-state',
  slot: SLOT,
  functionId: 7,
  functionIncarnation: 1n,
  ready: true,
  rank: 0,
};
/** The slot was somebody's, whose lease ran out. */
function takenFrom(node: number): (input: NodeLeasesInput) => NodeLeasesOutput[] {
  const previous = { node, functionId: 9, functionIncarnation: 1n };
  return (input) =>
    input.type === 'candidate-state' ? [{ ...granted, previous }, observed] : answers(input);
}
const release: KeeperInput = { type: 'release', slot: SLOT, reason: 'operator' };

function answers(input: NodeLeasesInput): NodeLeasesOutput[] {
  switch (input.type) {
    case 'candidate-state':
      return [granted, observed];
    case 'release':
      return [{ type: 'fence-close', slot: SLOT, epoch: 5, reason: 'operator' }, observed];
    case 'fence-closed':
      return [{ type: 'lost', slot: SLOT, epoch: 5, reason: 'operator' }];
    default:
      return [];
  }
}

const statesOf = (outputs: readonly KeeperOutput[]) =>
  outputs.flatMap((output) => (output.type === 'slot' ? [output.state.state] : []));

const refusalsOf = (outputs: readonly KeeperOutput[]) =>
  outputs.flatMap((output) => (output.type === 'slot' ? [output.state.refusal] : []));

test("a node whose own clock is off says so of every slot, and when it is not any more; others' clocks are no matter", () => {
  let isOutside = false;
  const clock = (node: number, deviation: number): NodeLeasesOutput => ({
    type: 'clock',
    node,
    isOutside,
    deviation,
  });
  const says: NodeLeasesOutput[] = [];
  const { give, configure } = keeper(
    () => says.splice(0),
    undefined,
    () => isOutside,
  );
  configure(definition(SLOT, []), definition('00000000000000a2', []));
  says.push(clock(2, 0.0082));
  expect(refusalsOf(give(offer))).toEqual([]);
  isOutside = true;
  says.push(clock(1, 0.0082));
  const off = { rule: 'clock', why: 'its clock runs 0.82 % faster than the others, out of the bound' };
  expect(refusalsOf(give(offer))).toEqual([off, off]);
  expect(refusalsOf(give(offer))).toEqual([]);
  isOutside = false;
  says.push(clock(1, 0.001));
  expect(refusalsOf(give(offer))).toEqual([undefined, undefined]);
});

test('what an earlier process found out about the clock is said from the beginning, without the figure', () => {
  const { configure } = keeper(
    () => [],
    undefined,
    () => true,
  );
  expect(refusalsOf(configure(definition(SLOT, [])))).toEqual([
    { rule: 'clock', why: 'its clock runs at another rate than the others do, out of the bound' },
  ]);
});

test('slots that are barred for the sake of a link say so, each until it is not any more', () => {
  const { give, configure } = keeper(() => []);
  const other = '00000000000000a2';
  configure(definition(SLOT, []), definition(other, []));
  const bar = (...slots: string[]): KeeperInput => ({
    type: 'barred',
    slots: new Set(slots),
    why: 'link eth0 has no carrier',
  });
  const refusal = { rule: 'link', why: 'link eth0 has no carrier' };
  expect(refusalsOf(give(bar(SLOT)))).toEqual([refusal]);
  expect(refusalsOf(give(bar(SLOT, other)))).toEqual([refusal]);
  expect(refusalsOf(give(bar(other)))).toEqual([undefined]);
  expect(refusalsOf(give(bar()))).toEqual([undefined]);
});

test('whoever goes on for it looks after the addresses again, and neither takes nor tells the slot anew', () => {
  const { core, give, configure } = keeper(answers);
  const web = definition(SLOT, ['10.0.0.100/24']);
  configure(web);
  expect(core.handOn(10)?.holdings).toEqual([]);
  give(offer);
  const handedOn = core.handOn(10);
  expect(handedOn?.guarded).toMatchObject([{ slot: SLOT, addresses: ['10.0.0.100'] }]);
  expect(handedOn && openEnds(handedOn)).toEqual(new Map([[SLOT, 300]]));
  expect([core.heldBelow(300), core.heldBelow(301)]).toEqual([[], [SLOT]]);

  const next = keeper(answers, handedOn);
  const resumed = next.core.resume();
  expect(resumed.map(({ type }) => type)).toEqual(['follow', 'raise', 'slot']);
  expect(resumed[1]).toMatchObject({ places: [at('10.0.0.100')], isPrepared: true, isQuiet: false });
  expect(statesOf(resumed)).toEqual(['holding']);
  const configured = next.configure(web);
  expect(configured.map(({ type }) => type)).toEqual(['guard']);
  expect(next.give(release).map(({ type }) => type)).toContain('withdraw');
});

test('whoever goes on for it asks again for an address that was not raised, and raises the others', () => {
  const { core, give, configure } = keeper(answers);
  configure(definition(SLOT, ['10.0.0.100/24']));
  give(offer);
  const both = definition(SLOT, ['10.0.0.100/24', '10.0.0.101/24']);
  configure(both);
  const next = keeper(answers, core.handOn(10));
  const resumed = next.core.resume();
  expect(resumed.map(({ type }) => type)).toEqual(['follow', 'raise', 'probe', 'slot']);
  expect(resumed[1]).toMatchObject({ places: [at('10.0.0.100')] });
  expect(resumed[2]).toMatchObject({ places: [at('10.0.0.101')] });
  expect(next.configure(both).map(({ type }) => type)).toEqual(['guard']);
  expect(next.give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] })).toMatchObject([
    { type: 'raise', places: [at('10.0.0.101')] },
  ]);
});

test('nothing is handed on while a slot is being taken, or stays closed', () => {
  const { core, configure } = keeper(answers);
  configure(definition(SLOT, ['10.0.0.100/24']));
  core.handle(offer, 10);
  expect(core.handOn(10)).toBeUndefined();
});

test('the last word on a slot that was taken is that it is held here', () => {
  const { give, configure } = keeper(answers);
  configure(definition(SLOT, ['10.0.0.100/24']));
  expect(statesOf(give(offer))).toEqual(['holding']);
});

test('the last word on a slot that was left is that it is not held here', () => {
  const { give, configure } = keeper(answers);
  configure(definition(SLOT, ['10.0.0.100/24']));
  give(offer);
  expect(statesOf(give(release)).at(-1)).toBe('held');
});

test('addresses that an earlier process may have left are withdrawn, once', () => {
  const { configure } = keeper(answers);
  const withdraw = { type: 'withdraw', addresses: ['10.0.0.100'] };
  const follow = { type: 'follow', places: [at('10.0.0.100')], links: [] };
  const guard = { type: 'guard', slots: [{ slot: SLOT, addresses: ['10.0.0.100'], links: [], on: [] }] };
  expect(configure(definition(SLOT, ['10.0.0.100/24']))).toEqual([withdraw, follow, guard]);
  expect(configure(definition(SLOT, ['10.0.0.100/24']))).toEqual([guard]);
});

test('a holder whose address changes leaves the old one, asks for the new one and takes it, under the fence', () => {
  const { give, configure } = keeper(answers);
  configure(definition(SLOT, ['10.0.0.100/24']));
  give(offer);
  expect(configure(definition(SLOT, ['10.0.0.120/24']))).toEqual([
    { type: 'withdraw', addresses: ['10.0.0.100', '10.0.0.120'] },
    { type: 'follow', places: [at('10.0.0.120')], links: [] },
    { type: 'guard', slots: [{ slot: SLOT, addresses: ['10.0.0.120'], links: [], on: [] }] },
    { type: 'probe', slot: SLOT, attempt: 1, places: [at('10.0.0.120')] },
  ]);
  expect(give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] })).toEqual([
    { type: 'raise', places: [at('10.0.0.120')], isPrepared: false, isQuiet: false },
  ]);
});

describe('the slot of a gateway', () => {
  const gateway = (nodes: readonly number[]): SlotDefinition => ({
    ...definition(SLOT, ['10.0.0.100/24']),
    addressing: { forwarding: ['eth1'] },
    candidates: nodes.map((node) => ({ node, functionId: node })),
  });
  const forwardingOf = (outputs: readonly KeeperOutput[]): unknown =>
    outputs
      .flatMap((output) => (output.type === 'guard' ? output.slots : []))
      .map(({ forwarding }) => forwarding);

  test('forwarding is under the fence where there is a candidate, and stays so as long as there is the slot', () => {
    const { configure } = keeper(answers);
    expect(forwardingOf(configure(gateway([2])))).toEqual([undefined]);
    expect(forwardingOf(configure(gateway([2, 1])))).toEqual([['eth1']]);
    expect(forwardingOf(configure(gateway([2])))).toEqual([['eth1']]);
    configure();
    expect(forwardingOf(configure(gateway([2])))).toEqual([undefined]);
  });

  test('a slot that is no gateway any more leaves forwarding alone', () => {
    const { configure } = keeper(answers);
    configure(gateway([1]));
    expect(forwardingOf(configure(definition(SLOT, ['10.0.0.100/24'])))).toEqual([undefined]);
  });
});

test('a holder whose address goes to another link, or gets a hardware address of its own, raises it there', () => {
  const { give, configure } = keeper(answers);
  configure(definition(SLOT, ['10.0.0.100/24']));
  give(offer);
  const kinds = (outputs: readonly KeeperOutput[]) => outputs.map(({ type }) => type);
  const moved = configure(definition(SLOT, ['10.0.0.100%eth1/24']));
  expect(kinds(moved)).toEqual(['withdraw', 'follow', 'guard', 'probe']);
  expect(kinds(give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] }))).toEqual(['raise']);
  expect(moved.at(-1)).toMatchObject({ places: [{ ...at('10.0.0.100'), link: 'eth1' }] });
  const own = configure({ ...definition(SLOT, ['10.0.0.100%eth1/24']), addressing: { sameMac: {} } });
  expect(kinds(own)).toEqual(['withdraw', 'follow', 'guard', 'raise']);
  const often = { sameMac: {}, announce: { repeats: 1, everyMs: 100 } };
  expect(kinds(configure({ ...definition(SLOT, ['10.0.0.100%eth1/24']), addressing: often }))).toEqual([
    'guard',
  ]);
});

test('a holder whose address changes announces the new one', () => {
  const { give, configure, expire } = keeper(answers);
  configure(definition(SLOT, ['10.0.0.100/24']));
  give(offer);
  expire(100_000);
  configure(definition(SLOT, ['10.0.0.120/24']));
  give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] });
  expect(expire(100_000)).toEqual([{ type: 'announce', places: [at('10.0.0.120')] }]);
});

test('a slot that is gone is forgotten with its addresses, at once', () => {
  const { configure } = keeper(answers);
  configure(definition(SLOT, ['10.0.0.100/24']));
  const other = definition('00000000000000a2', ['10.0.0.101/24']);
  const guarded = { slot: '00000000000000a2', addresses: ['10.0.0.101'], links: [], on: [] };
  const guard = { type: 'guard', slots: [guarded] };
  expect(configure(other)).toContainEqual(guard);
  expect(configure(other)).toEqual([guard]);
});

test('a slot that goes while it is held leaves the link and then the fence, once its fence is closed', () => {
  const { give, configure } = keeper((input) =>
    input.type === 'configure' && input.slots.length === 0
      ? [{ type: 'fence-close', slot: SLOT, epoch: 5, reason: 'council-forced' }]
      : answers(input),
  );
  const addresses = ['10.0.0.100/24'];
  configure(definition(SLOT, addresses));
  give(offer);
  expect(configure().filter(({ type }) => type !== 'slot')).toEqual([
    { type: 'guard', slots: [{ slot: SLOT, addresses: ['10.0.0.100'], links: [], on: [] }] },
    { type: 'close', slot: SLOT, epoch: 5 },
    { type: 'withdraw', addresses: ['10.0.0.100'] },
    { type: 'follow', places: [], links: [] },
    { type: 'guard', slots: [] },
  ]);
});

test('what one step renews is one opening, and no closing is overtaken by it', () => {
  const other = '00000000000000a2';
  const renewed = (slot: string, untilMs: number): NodeLeasesOutput => ({
    type: 'fence-until',
    slot,
    epoch: 5,
    untilMs,
  });
  const { give, configure } = keeper((input) =>
    input.type === 'candidate-state'
      ? [
          renewed(SLOT, 300),
          { ...observed, slot: other },
          renewed(other, 310),
          { type: 'fence-close', slot: SLOT, epoch: 5, reason: 'operator' },
          renewed(other, 320),
        ]
      : answers(input),
  );
  configure(definition(SLOT, ['10.0.0.100/24']), definition(other, ['2001:db8::1/64']));
  expect(give(offer).filter(({ type }) => type === 'open' || type === 'close')).toEqual([
    {
      type: 'open',
      ends: new Map([
        [SLOT, 300],
        [other, 310],
      ]),
    },
    { type: 'close', slot: SLOT, epoch: 5 },
    { type: 'open', ends: new Map([[other, 320]]) },
  ]);
});

describe('slots that one step grants', () => {
  const OTHER = '00000000000000a2';
  const THIRD = '00000000000000a3';
  const grant = (slot: string): NodeLeasesOutput => ({ ...granted, slot }) as NodeLeasesOutput;
  const until = (slot: string): NodeLeasesOutput => ({ type: 'fence-until', slot, epoch: 5, untilMs: 300 });
  const send: NodeLeasesOutput = { type: 'send', councilId: 1, to: 2, messages: [] };
  const closing: NodeLeasesOutput = { type: 'fence-close', slot: THIRD, epoch: 5, reason: 'operator' };
  /** An engine that says `first` to the candidate, and what it must to those that are raised. */
  const says =
    (first: NodeLeasesOutput[], raised = (slot: string): NodeLeasesOutput[] => [until(slot)]) =>
    (input: NodeLeasesInput): NodeLeasesOutput[] => {
      if (input.type === 'candidate-state') return first.splice(0);
      return input.type === 'activate' ? raised(input.slot) : [];
    };
  const three = [
    definition(SLOT, ['10.0.0.100/24']),
    definition(OTHER, ['10.0.0.101/24']),
    definition(THIRD, ['10.0.0.102/24']),
  ];
  /** What was done, with the slots or addresses that it was done for by their last digit. */
  const lines = (outputs: readonly KeeperOutput[]): string[] =>
    outputs.map((output) => {
      const last = (names: Iterable<string>): string => [...names].map((name) => name.slice(-1)).join();
      switch (output.type) {
        case 'mark':
          return `${output.step} ${last(output.slots.map(({ slot }) => slot))}`;
        case 'open':
          return `open ${last(output.ends.keys())}`;
        case 'raise':
        case 'announce':
          return `${output.type} ${last(output.places.map(({ address }) => address))}`;
        case 'close':
          return `close ${last([output.slot])}`;
        case 'failover':
          return `failover ${last([output.record.slot])}`;
        default:
          return output.type;
      }
    });

  test('are opened by one write of the fence, and each is announced behind it', () => {
    const { give, configure } = keeper(says([grant(SLOT), observed, send, grant(OTHER)]));
    configure(...three);
    expect(lines(give(offer))).toEqual([
      'committed 1,2',
      'raise 0',
      'raise 1',
      'raised 1,2',
      'open 1,2',
      'switched 1,2',
      'announce 0,1',
      'serving 1,2',
      'slot',
      'failover 1',
      'slot',
      'failover 2',
      'send',
    ]);
  });

  test('have a record each, with all steps', () => {
    const { give, configure } = keeper(says([grant(SLOT), grant(OTHER)]));
    configure(...three);
    const records = give(offer).flatMap((output) => (output.type === 'failover' ? [output.record] : []));
    expect(records.map(({ slot, steps }) => [slot, steps.map(({ name }) => name)])).toEqual(
      [SLOT, OTHER].map((slot) => [
        slot,
        ['detected', 'fenced', 'decided', 'committed', 'switched', 'serving'],
      ]),
    );
  });

  test('overtake neither what is to be on the disk first nor a closing', () => {
    const persist: NodeLeasesOutput = { type: 'persist', records: [] };
    const first = [grant(SLOT), persist, grant(OTHER), until(THIRD), closing, grant(THIRD)];
    const { give, configure } = keeper(says(first));
    configure(...three);
    const done = lines(give(offer));
    const places = ['open 1', 'persist', 'open 2', 'open 3', 'close 3', 'committed 3'].map((each) =>
      done.indexOf(each),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  test('behind the ends that were renewed before them', () => {
    const { give, configure } = keeper(says([until(THIRD), grant(SLOT), grant(OTHER)]));
    configure(...three);
    const done = lines(give(offer)).filter((line) => line.startsWith('open'));
    expect(done).toEqual(['open 3', 'open 1,2']);
  });

  test('do not wait for one that waits for something', () => {
    const { give, configure } = keeper(says([grant(SLOT), grant(OTHER)]));
    configure(
      { ...definition(SLOT, ['10.0.0.100/24']), sharing: shared.sharing } as SlotDefinition,
      three[1]!,
    );
    expect(lines(give(offer)).slice(0, 5)).toEqual([
      'committed 2',
      'take-state',
      'raise 1',
      'raised 2',
      'open 2',
    ]);
    expect(lines(give(stateTaken(true))).slice(0, 4)).toEqual([
      'committed 1',
      'raise 0',
      'raised 1',
      'open 1',
    ]);
  });

  test('go on without one whose lease ended meanwhile, and whose closing nothing overtakes', () => {
    const raised = (slot: string): NodeLeasesOutput[] =>
      slot === OTHER
        ? [
            { type: 'fence-close', slot, epoch: 5, reason: 'expired' },
            { type: 'lost', slot, epoch: 5, reason: 'expired' },
          ]
        : [until(slot)];
    const { give, configure } = keeper(says([grant(SLOT), grant(OTHER), grant(THIRD)], raised));
    configure(...three);
    const done = lines(give(offer));
    expect(done.slice(done.indexOf('raised 1,2,3'))).toEqual([
      'raised 1,2,3',
      'open 1',
      'close 2',
      'withdraw',
      'slot',
      'open 3',
      'switched 1,3',
      'announce 0,2',
      'serving 1,3',
      'slot',
      'failover 1',
      'slot',
      'failover 3',
    ]);
  });
});

const typesOf = (outputs: readonly KeeperOutput[]) => outputs.map(({ type }) => type);
const fencedBy = (outputs: readonly KeeperOutput[]) =>
  outputs.flatMap((output) => (output.type === 'failover' ? [output.record.fencedBy] : []));

const stepsOf = (outputs: readonly KeeperOutput[]) =>
  outputs.flatMap((output) =>
    output.type === 'failover' ? output.record.steps.map(({ name }) => name) : [],
  );

test.each([
  ['by release', 'release', ['detected', 'fenced', 'decided', 'committed', 'switched', 'serving']],
  ['by timeout', 'timeout', ['detected', 'fenced', 'decided', 'committed', 'switched', 'serving']],
  ['not at all', 'none', ['detected', 'decided', 'committed', 'switched', 'serving']],
] as const)('the record of a former holder that was fenced %s has these steps', (_, by, steps) => {
  const { give, configure } = keeper((input) =>
    takenFrom(2)(input).map((output) => (output.type === 'granted' ? { ...output, fencedBy: by } : output)),
  );
  configure(definition(SLOT, ['10.0.0.100/24']));
  expect(stepsOf(give(offer))).toEqual(steps);
});

test('a slot of a node that no kernel silences is raised and opened only when that node is off', () => {
  const { give, configure, expire } = keeper(takenFrom(2));
  configure(definition(SLOT, ['10.0.0.100/24']));
  give({ type: 'unfenced', nodes: new Set([2, 3]), hasHook: true });
  const order = { type: 'fence-node', slot: SLOT, epoch: 5, node: 2 };
  const taken = give(offer);
  expect(taken).toContainEqual(order);
  expect(typesOf(taken)).not.toContain('raise');
  // Others take it for the holder: it says itself that it does not serve.
  const waits = 'it has the lease, and waits for the hook that switches node 2 off';
  expect(refusalsOf(taken)).toEqual([{ rule: 'fence-hook', why: waits }]);

  const failed = give({ type: 'node-fenced', slot: SLOT, epoch: 5, isOff: false, reason: 'no power' });
  expect(typesOf(failed)).toEqual(['event', 'slot']);
  expect(refusalsOf(failed)).toEqual([
    { rule: 'fence-hook', why: `${waits}, which failed: no power; it is tried again` },
  ]);
  expect(failed[0]).toMatchObject({ severity: 'error', message: expect.stringContaining('no power') });
  expect(expire(1_000)).toEqual([]);
  expect(expire(10_000)).toEqual([order]);
  expect(expire(20_000)).toEqual([]);

  const done = give({ type: 'node-fenced', slot: SLOT, epoch: 5, isOff: true, reason: '' });
  expect(typesOf(done)).toContain('raise');
  expect(refusalsOf(done)).toEqual([undefined]);
  expect(fencedBy(done)).toEqual(['hook']);
  expect(stepsOf(done)).toEqual(['detected', 'decided', 'committed', 'fenced', 'switched', 'serving']);
  // Told twice, it counts once.
  expect(give({ type: 'node-fenced', slot: SLOT, epoch: 5, isOff: true, reason: '' })).toEqual([]);
});

test.each([
  { what: 'a node with a fence', previous: 4, nodes: [2, 3] },
  { what: 'the same node', previous: 1, nodes: [1, 2] },
])('a slot of $what is taken at once', ({ previous, nodes }) => {
  for (const hasHook of [true, false]) {
    const { give, configure } = keeper(takenFrom(previous));
    configure(definition(SLOT, ['10.0.0.100/24']));
    give({ type: 'unfenced', nodes: new Set(nodes), hasHook });
    expect(fencedBy(give(offer))).toEqual(['timeout']);
  }
});

test('without a hook a slot of a node that no kernel silences is taken at once, and the record says so', () => {
  const { give, configure } = keeper(takenFrom(2));
  configure(definition(SLOT, ['10.0.0.100/24']));
  give({ type: 'unfenced', nodes: new Set([2]), hasHook: false });
  const taken = give(offer);
  expect(typesOf(taken)).not.toContain('fence-node');
  expect(fencedBy(taken)).toEqual(['none']);
  expect(stepsOf(taken)).toEqual(['detected', 'decided', 'committed', 'switched', 'serving']);
});

test('a hook that ends after its slot was left changes nothing, and a new epoch does not get past it', () => {
  const { give, configure } = keeper((input) =>
    input.type === 'hand-over'
      ? [{ type: 'renumbered', slot: SLOT, epoch: 6, formerEpoch: 5, candidates: [], listSerial: 0 }]
      : takenFrom(2)(input),
  );
  configure(definition(SLOT, ['10.0.0.100/24']));
  give({ type: 'unfenced', nodes: new Set([2]), hasHook: true });
  give(offer);
  const renumber: KeeperInput = { type: 'hand-over', slot: SLOT, to: { node: 1, functionId: 7 }, nonce: 'a' };
  expect(give(renumber)).toEqual([]);
  const off: KeeperInput = { type: 'node-fenced', slot: SLOT, epoch: 5, isOff: true, reason: '' };
  const done = give(off);
  expect(done).toContainEqual({ type: 'mark', slots: [{ slot: SLOT, epoch: 6 }], step: 'raised' });
  give(release);
  give(offer);
  give(release);
  expect(give(off)).toEqual([]);
});

const shared: SlotDefinition = {
  ...definition(SLOT, ['10.0.0.100/24']),
  sharing: { method: 'replicate', lossUpdates: 0, acknowledgedBy: 0, overload: 'block' },
};
const takeState = {
  type: 'take-state',
  slot: SLOT,
  epoch: 5,
  functionId: 7,
  listed: [],
  previous: { node: 2, functionId: 9 },
  isReleased: false,
  isLossy: false,
  isResumed: false,
};
const stateTaken = (isTaken: boolean): KeeperInput => ({
  type: 'state-taken',
  slot: SLOT,
  epoch: 5,
  isTaken,
  reason: isTaken ? '' : 'no room',
});

describe('a slot whose state is shared', () => {
  test('is raised and opened only when its function has the state', () => {
    const { give, configure } = keeper(takenFrom(2));
    configure(shared);
    const taken = give(offer);
    expect(taken).toContainEqual(takeState);
    expect(typesOf(taken)).not.toContain('raise');
    expect(give({ ...stateTaken(true), epoch: 4 } as KeeperInput)).toEqual([]);
    const done = give(stateTaken(true));
    expect(typesOf(done)).toContain('raise');
    expect(stepsOf(done)).toEqual(['detected', 'fenced', 'decided', 'committed', 'switched', 'serving']);
    expect(give(stateTaken(true))).toEqual([]);
  });

  test('waits for the hook and for the state', () => {
    const { give, configure } = keeper(takenFrom(2));
    configure(shared);
    give({ type: 'unfenced', nodes: new Set([2]), hasHook: true });
    give(offer);
    expect(typesOf(give(stateTaken(true)))).not.toContain('raise');
    const off: KeeperInput = { type: 'node-fenced', slot: SLOT, epoch: 5, isOff: true, reason: '' };
    expect(typesOf(give(off))).toContain('raise');
  });

  test('is given up where its function cannot have the state, and is left in the end', () => {
    const { give, configure } = keeper(takenFrom(2));
    configure(shared);
    give(offer);
    const left = give(stateTaken(false));
    expect(left[0]).toMatchObject({ type: 'event', message: expect.stringContaining('no room') });
    expect(typesOf(left)).not.toContain('raise');
    expect(left).toContainEqual({ type: 'leave-state', slot: SLOT });
    expect(give(stateTaken(true))).toEqual([]);
  });

  test('tells the list of each new value, and is not raised by it', () => {
    const { give, configure } = keeper((input) =>
      input.type === 'list'
        ? [
            {
              type: 'renumbered',
              slot: SLOT,
              epoch: 6,
              formerEpoch: 5,
              candidates: [{ node: 3, functionId: 8, functionIncarnation: 0n }],
              listSerial: 0,
            },
          ]
        : takenFrom(2)(input),
    );
    configure(shared);
    give(offer);
    const listed = give({ type: 'list', slot: SLOT, epoch: 5, candidates: [], serial: 1 });
    expect(listed).toEqual([
      { type: 'listed', slot: SLOT, epoch: 6, listed: [{ node: 3, functionId: 8 }], serial: 0 },
    ]);
    expect(give(stateTaken(true))).toContainEqual({
      type: 'mark',
      slots: [{ slot: SLOT, epoch: 6 }],
      step: 'raised',
    });
  });

  test('that the process before held is served on, and its state taken anew', () => {
    const { core, give, configure } = keeper(takenFrom(2));
    configure(shared);
    give(offer);
    expect(core.handOn(10)).toBeUndefined();
    give(stateTaken(true));
    const next = keeper(takenFrom(2), core.handOn(10));
    const resumed = next.core.resume();
    expect(resumed.at(-1)).toEqual({ ...takeState, isResumed: true });
    expect(statesOf(resumed)).toEqual(['holding']);
    expect(next.give(stateTaken(true))).toEqual([]);
  });

  test('from now on, while it is served: its state is taken from its function, and so when it goes elsewhere', () => {
    const { give, configure } = keeper(takenFrom(2));
    const alone = definition(SLOT, ['10.0.0.100/24']);
    configure(alone);
    give(offer);
    const anew = { ...takeState, isResumed: true };
    expect(configure(shared).filter(({ type }) => type.endsWith('state'))).toEqual([anew]);
    expect(configure(shared).filter(({ type }) => type.endsWith('state'))).toEqual([]);
    const bounded = { ...shared, sharing: { ...shared.sharing, lossUpdates: 9 } } as SlotDefinition;
    const leave = { type: 'leave-state', slot: SLOT };
    expect(configure(bounded).filter(({ type }) => type.endsWith('state'))).toEqual([leave, anew]);
    expect(configure(alone).filter(({ type }) => type.endsWith('state'))).toEqual([leave]);
  });
});
