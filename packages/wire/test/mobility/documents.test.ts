// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeUtf8, WireError } from '@vnfpool/wire/bytes';
import {
  answerWords,
  DocumentError,
  encodeFunctionReport,
  encodeFunctionSpecification,
  encodeHandedCookies,
  encodeLeaseEndpoint,
  encodeSetConfiguration,
  encodeSlotAssignment,
  encodeSlotReport,
  encodeStateAnswer,
  encodeStateOrder,
  FOUND_CHECKPOINTS_MAX,
  FOUND_SLOTS_MAX,
  type FunctionSpecification,
  parseFunctionReport,
  parseFunctionSpecification,
  parseHandedCookies,
  parseLeaseEndpoint,
  parseSetConfiguration,
  parseSlotAssignment,
  parseSlotReport,
  parseStateAnswer,
  parseStateOrder,
  RECORDED_UPDATES_MAX,
  recordedLine,
} from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';

const KEY = `${'A'.repeat(42)}A=`;
const council = { generation: 1, number: 2, randomId: '00000000000000aa' };
const candidate = { node: 10, functionId: 101 };

const specification: FunctionSpecification = {
  v: 1,
  kind: 'process',
  command: ['/bin/hss', '--port', '{port}'],
  env: { B: '2', A: '1' },
  directory: '/srv',
  port: 0,
  health: { type: 'http', path: '/health', intervalMs: 100, timeoutMs: 50.5, rise: 1, fall: 2 },
  stop: { signal: 'SIGTERM', graceMs: 1000 },
  restart: { backoffMsMin: 100, backoffMsMax: 10_000 },
  registration: { poolHandle: 'hss', policy: 'least-used', load: 'cpu' },
  state: { via: 'hooks', format: 'kv/1' },
  hooks: {
    export: ['/bin/kv', 'export'],
    import: ['/bin/kv', 'import'],
    quiesce: ['/bin/kv', 'quiesce'],
    resume: ['/bin/kv', 'resume'],
    discard: ['/bin/kv', 'discard'],
    role: ['/bin/kv', 'role'],
  },
};
const assignment = {
  v: 1,
  pool: 'hss',
  name: 'hss#1',
  slot: { id: '00000000000000ff', index: 0 },
  role: 'standby',
  epoch: '8',
  addresses: ['192.0.2.1/24'],
  council,
  ranking: [101, 102],
  handover: { to: 102, nonce: 'x' },
  cookies: { secrets: ['ab'.repeat(32), '01'.repeat(32)], maxAgeMs: 60_000 },
} as const;
const configuration = {
  v: 1,
  set: 'edge',
  councils: [
    { id: 1, version: council, members: [10, 11, 12] },
    { id: 2, version: council, members: [13] },
  ],
  nodes: [{ node: 10, name: 'a', address: '192.0.2.10', port: 5000, key: KEY }],
  slots: [
    {
      id: '00000000000000ff',
      pool: 'hss',
      index: 0,
      councilId: 2,
      leaseMs: 300,
      addresses: ['192.0.2.1/24'],
      genesis: { randomId: '00000000000000bb', candidates: [candidate] },
      candidates: [candidate],
      lastResort: { rule: 'after', afterMs: 5000 },
      slotsPerFunction: 3,
    },
  ],
  registrars: [{ address: '192.0.2.9', port: 3863 }],
} as const;
const endpoint = {
  v: 1,
  name: 'a',
  address: '::1',
  port: 1,
  key: KEY,
  version: '0.1.0',
  fence: 'nft',
} as const;
const slotReport = {
  v: 1,
  muteMs: 0,
  slots: [
    { id: '00000000000000ff', state: 'held', epoch: '8', holder: candidate, candidates: [], reason: '' },
  ],
  failovers: [
    {
      id: '00000000000000ff/8',
      slot: '00000000000000ff',
      epoch: '8',
      from: null,
      to: candidate,
      cause: 'genesis',
      fencedBy: 'none',
      steps: [{ name: 'detected', atMs: 1_700_000_000_000.25 }],
    },
  ],
} as const;
const functionReport = {
  v: 1,
  pid: null,
  address: '192.0.2.1',
  port: 80,
  incarnation: '0000000000000001',
  healthy: true,
  restarts: 3,
  failing: false,
  reason: '',
  output: ['ready'],
} as const;
const transferReport = {
  ...functionReport,
  transfer: {
    id: '00112233445566778899aabbccddeeff',
    role: 'destination',
    phase: 'deltas',
    bytes: 1_048_576,
    bytesTotal: null,
    bytesPerSecond: 125_000.5,
    changePerSecond: 0,
    expectedPauseMs: 12.5,
    expectedEndMs: null,
    peer: 11,
  },
} as const;

interface Codec {
  readonly name: string;
  readonly document: object;
  readonly parse: (octets: Uint8Array) => object;
  readonly encode: (document: never) => Uint8Array;
}

const stateOrder = { v: 1, id: '00000000000000a1', slot: '00000000000000b1', from: 0, stop: false } as const;
const checkpointOrder = { ...stateOrder, task: 'checkpoint', isFull: true } as const;
const restoreOrder = { ...stateOrder, task: 'restore', epoch: 7, number: 3 } as const;
const recordOrder = { ...stateOrder, task: 'record', forMs: 60_000, octetsMax: 16_777_216 } as const;
const stateAnswer = { v: 1, id: '00000000000000a1', isOver: true, fault: '' } as const;
const madeAnswer = {
  ...stateAnswer,
  made: { kind: 'full', epoch: 7, number: 3, sequence: 40, keys: 5, octets: 900, tookMs: 12.5 },
} as const;
const foundAnswer = {
  ...stateAnswer,
  found: [
    {
      epoch: 7,
      first: 1,
      number: 3,
      kind: 'full',
      wallMs: 1_795_251_600_120,
      node: 2,
      sequence: 40,
      octets: 900,
      damage: 'its last piece is missing',
      isRestorable: false,
    },
  ],
  hasMore: true,
} as const;
const recordingAnswer = {
  ...stateAnswer,
  recording: {
    updates: [
      [0.5, 1, 64],
      [12, 1, -1],
    ],
    elapsedMs: 60_000,
    end: 'time',
  },
} as const;

const CODECS: readonly Codec[] = [
  {
    name: 'specification',
    document: specification,
    parse: parseFunctionSpecification,
    encode: encodeFunctionSpecification,
  },
  { name: 'assignment', document: assignment, parse: parseSlotAssignment, encode: encodeSlotAssignment },
  {
    name: 'configuration with a hook',
    document: {
      ...configuration,
      nodes: configuration.nodes.map((peer) => ({ ...peer, fence: 'none' as const })),
      fenceHook: { command: ['switch-off', '--now'], timeoutMs: 30_000 },
    },
    encode: encodeSetConfiguration,
    parse: parseSetConfiguration,
  },
  {
    name: 'configuration',
    document: configuration,
    parse: parseSetConfiguration,
    encode: encodeSetConfiguration,
  },
  { name: 'lease endpoint', document: endpoint, parse: parseLeaseEndpoint, encode: encodeLeaseEndpoint },
  { name: 'slot report', document: slotReport, parse: parseSlotReport, encode: encodeSlotReport },
  {
    name: 'function report',
    document: functionReport,
    parse: parseFunctionReport,
    encode: encodeFunctionReport,
  },
  {
    name: 'function report of a transfer',
    document: transferReport,
    parse: parseFunctionReport,
    encode: encodeFunctionReport,
  },
  ...[checkpointOrder, restoreOrder, recordOrder].map((document) => ({
    name: `state order: ${document.task}`,
    document,
    parse: parseStateOrder,
    encode: encodeStateOrder,
  })),
  ...[madeAnswer, foundAnswer, recordingAnswer].map((document) => ({
    name: `state answer: ${Object.keys(document).join(', ')}`,
    document,
    parse: parseStateAnswer,
    encode: encodeStateAnswer,
  })),
];

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('accepted');
}

function octets(value: unknown): Uint8Array {
  return encodeUtf8(JSON.stringify(value));
}

describe.each(CODECS)('$name', ({ document, parse, encode }) => {
  test('is what it was after encoding and parsing', () => {
    expect(parse(encode(document as never))).toEqual(document);
  });

  test('is written the same whatever the order of its keys', () => {
    const reversed = Object.fromEntries(Object.entries(document).reverse());
    expect(encode(reversed as never)).toEqual(encode(document as never));
  });

  test('unknown keys are ignored', () => {
    expect(parse(octets({ ...document, later: { a: 1 } }))).toEqual(document);
  });

  test('another version is error 4, even when the rest is different', () => {
    expect(errorOf(() => parse(octets({ v: 2 })))).toMatchObject({ errorNumber: 4 });
    expect(errorOf(() => parse(octets({ ...document, v: '1' })))).toMatchObject({ errorNumber: 4 });
  });

  test('each of its keys has a shape: a wrong one is a DocumentError', () => {
    for (const key of Object.keys(document)) {
      expect(errorOf(() => parse(octets({ ...document, [key]: { odd: [] } })))).toBeInstanceOf(DocumentError);
    }
  });

  test('a duplicate key, no JSON, no object', () => {
    const text = decodeUtf8(encode(document as never));
    const twice = encodeUtf8(`${text.slice(0, -1)},"\\u0076":1}`);
    expect(errorOf(() => parse(twice))).toMatchObject({ code: 'duplicate' });
    expect(errorOf(() => parse(encodeUtf8('{')))).toBeInstanceOf(WireError);
    expect(errorOf(() => parse(encodeUtf8('[]')))).toMatchObject({ errorNumber: 1 });
    expect(errorOf(() => parse(encodeUtf8('null')))).toMatchObject({ errorNumber: 1 });
    expect(errorOf(() => parse(Uint8Array.of(0xff)))).toBeInstanceOf(WireError);
  });
});

test.each(Object.keys(transferReport.transfer))('a transfer without its %s is refused', (key) => {
  const { [key as 'id']: _missing, ...rest } = transferReport.transfer;
  const broken = { ...transferReport, transfer: rest };
  expect(errorOf(() => parseFunctionReport(octets(broken)))).toMatchObject({
    message: `functionReport.transfer.${key} is missing`,
  });
});

test('a transfer tells a digest, never a negative or unknown amount', () => {
  const { transfer } = transferReport;
  for (const wrong of [{ id: 'token' }, { bytes: -1 }, { bytes: 1.5 }, { peer: 2 ** 32 }, { role: 'both' }]) {
    const broken = { ...transferReport, transfer: { ...transfer, ...wrong } };
    expect(errorOf(() => parseFunctionReport(octets(broken)))).toBeInstanceOf(DocumentError);
  }
});

test('orders and answers about states have bounds', () => {
  const refusedOrder = (change: object) =>
    errorOf(() => parseStateOrder(octets({ ...recordOrder, ...change })));
  for (const change of [
    { task: 'remove' },
    { forMs: 0 },
    { forMs: 3_600_001 },
    { octetsMax: 67_108_865 },
    { from: -1 },
    { slot: 'kv/0' },
    { id: 7 },
  ])
    expect(refusedOrder(change)).toBeInstanceOf(DocumentError);
  const { forMs: _forMs, ...endless } = recordOrder;
  expect(errorOf(() => parseStateOrder(octets(endless)))).toMatchObject({
    message: 'stateOrder.forMs is missing',
  });
  const fromOther = { ...recordOrder, task: 'restore-from', source: '00000000000000c1', epoch: 7, number: 4 };
  expect(parseStateOrder(octets(fromOther))).toMatchObject({ task: 'restore-from', number: 4 });
  for (const wrong of [{ source: undefined }, { source: 'kv/1' }, { number: -1 }, { format: 'kv 1' }])
    expect(errorOf(() => parseStateOrder(octets({ ...fromOther, ...wrong })))).toBeInstanceOf(DocumentError);
  const [update] = recordingAnswer.recording.updates;
  for (const updates of [
    Array.from({ length: 1_001 }, () => update),
    [[1, 2]],
    [[1, 0, 2]],
    [[1, 1, -2]],
    [7],
  ]) {
    const broken = { ...recordingAnswer, recording: { ...recordingAnswer.recording, updates } };
    expect(errorOf(() => parseStateAnswer(octets(broken)))).toBeInstanceOf(DocumentError);
  }
  const many = { ...foundAnswer, found: Array.from({ length: 33 }, () => foundAnswer.found[0]) };
  expect(errorOf(() => parseStateAnswer(octets(many)))).toBeInstanceOf(DocumentError);
});

test('the largest answers about states fit their extension', () => {
  const most = 49_152;
  const longest = [3_599_999.9, 0xffff_ffff, 0x7fff_ffff] as const;
  const updates = Array.from({ length: RECORDED_UPDATES_MAX }, () => longest);
  const recording = { ...recordingAnswer.recording, elapsedMs: 3_599_999.123_456, updates };
  expect(encodeStateAnswer({ ...recordingAnswer, recording }).length).toBeLessThanOrEqual(most);
  const large = Number.MAX_SAFE_INTEGER;
  const numbers = {
    epoch: large,
    first: large,
    number: large,
    wallMs: large,
    sequence: large,
    octets: large,
  };
  // What takes most octets in JSON.
  const damage = answerWords('\u0001'.repeat(500));
  const one = {
    ...numbers,
    node: 0xffff_ffff,
    kind: 'incremental',
    damage,
    isRestorable: false,
    keys: large,
  } as const;
  const found = Array.from({ length: FOUND_CHECKPOINTS_MAX }, () => one);
  expect(encodeStateAnswer({ ...foundAnswer, found }).length).toBeLessThanOrEqual(most);
  const name = '"'.repeat(100);
  const slot = {
    slot: '00000000000000a1',
    set: name,
    pool: name,
    index: large,
    format: name,
    full: large,
    epoch: large,
    number: large,
    wallMs: large,
    keys: large,
    damage,
    misfit: damage,
  };
  const slots = Array.from({ length: FOUND_SLOTS_MAX }, () => slot);
  expect(encodeStateAnswer({ ...foundAnswer, slots }).length).toBeLessThanOrEqual(most);
});

test('a line of a recording has a number for the key and no value', () => {
  expect(recordedLine([12.5, 3, 64])).toBe('{"at":12.5,"key":"3","octets":64}\n');
  expect(recordedLine([13, 3, -1])).toBe('{"at":13,"key":"3","value":null}\n');
});

test('maps are written in the order of their keys', () => {
  const swapped = { ...specification, env: { A: '1', B: '2' } };
  expect(encodeFunctionSpecification(swapped)).toEqual(encodeFunctionSpecification(specification));
});

test('the same key in two objects is no duplicate, nor is a key-like text', () => {
  const odd = { ...specification, command: ['/bin/x', '"env": {', '}', 'a\\":'] };
  expect(parseFunctionSpecification(octets(odd))).toEqual(odd);
});

test('a kind that is not available is error 6', () => {
  const other = { v: 1, kind: 'unikernel', command: ['/bin/x'] };
  expect(errorOf(() => parseFunctionSpecification(octets(other)))).toMatchObject({ errorNumber: 6 });
});

test('a key that is not 32 octets, an empty command, a slot id in capitals are refused', () => {
  expect(errorOf(() => parseLeaseEndpoint(octets({ ...endpoint, key: 'AAAA' })))).toMatchObject({
    errorNumber: 1,
  });
  expect(errorOf(() => parseFunctionSpecification(octets({ ...specification, command: [] })))).toMatchObject({
    errorNumber: 1,
  });
  expect(
    errorOf(() => parseSlotAssignment(octets({ ...assignment, slot: { id: '00000000000000FF', index: 0 } }))),
  ).toMatchObject({ message: 'assignment.slot.id must be 16 hexadecimal digits' });
});

test.each([
  ['state by hooks that are not there', { hooks: undefined }, 'specification.hooks.export is missing'],
  [
    'state by hooks without resume',
    { hooks: { ...specification.hooks, resume: undefined } },
    'specification.hooks.resume is missing',
  ],
  [
    'hooks beside a socket',
    { state: { via: 'socket' } },
    'specification.hooks are not called beside a socket',
  ],
])('%s is error 6', (_name, change, message) => {
  expect(errorOf(() => parseFunctionSpecification(octets({ ...specification, ...change })))).toMatchObject({
    errorNumber: 6,
    message,
  });
});

test('state by the socket needs nothing else, and hooks may be there without state', () => {
  const { hooks: _hooks, state: _state, ...plain } = specification;
  const socket = { ...plain, state: { via: 'socket' } };
  expect(parseFunctionSpecification(octets(socket))).toEqual(socket);
  const role = { ...plain, hooks: { role: ['/bin/kv', 'role'] } };
  expect(parseFunctionSpecification(octets(role))).toEqual(role);
});

test.each([
  ['an empty hook', { hooks: { ...specification.hooks, export: [] } }],
  ['a format of two lines', { state: { via: 'hooks', format: 'a\nb' } }],
  ['a way that is none', { state: { via: 'mail' } }],
])('%s is error 1', (_name, change) => {
  expect(errorOf(() => parseFunctionSpecification(octets({ ...specification, ...change })))).toMatchObject({
    errorNumber: 1,
  });
});

test.each([
  ['no council', { councils: [] }, 'configuration.councils must name a council'],
  [
    'a council twice',
    { councils: [configuration.councils[0], configuration.councils[0]] },
    'configuration.councils must not name a council twice',
  ],
  [
    'a slot of a council that is not there',
    { councils: [configuration.councils[0]] },
    'configuration.slots[0].councilId must be one of 1',
  ],
])('%s is error 1', (_name, change, message) => {
  expect(errorOf(() => parseSetConfiguration(octets({ ...configuration, ...change })))).toMatchObject({
    errorNumber: 1,
    message,
  });
});

const standbys = { method: 'replicate', lossUpdates: 5, acknowledgedBy: 1, overload: 'block' } as const;
const checkpoints = {
  method: 'checkpoint',
  store: 'file:///mnt/shared',
  intervalMs: 2_000,
  windowOctets: 524_288,
  overload: 'degrade',
  withoutAfterMs: 10_000,
} as const;
const through = {
  method: 'shared',
  store: 'etcd://store',
  writes: { type: 'through' },
  windowOctets: 524_288,
  overload: 'block',
} as const;
const behind = { ...through, writes: { type: 'behind', lag: { ms: 200 } }, withoutAfterMs: 0 } as const;
const withSharing = (sharing: unknown): Uint8Array =>
  octets({ ...configuration, slots: [{ ...configuration.slots[0], sharing }] });

test.each([
  ['standbys', standbys],
  ['standbys, and first packets wait for them', { ...standbys, method: 'conntrack', defers: true }],
  ['a store', checkpoints],
  ['a store that keeps many', { ...checkpoints, keepFull: 100 }],
  ['a store, before the function is answered', through],
  ['a store, a moment later', behind],
])('the state of a slot goes to %s', (_name, sharing) => {
  expect(parseSetConfiguration(withSharing(sharing)).slots[0]?.sharing).toEqual(sharing);
});

test('a holder says of the state what is wrong with it, or nothing; what a later one may say is left out', () => {
  const sharing = {
    keys: 5,
    bytes: 160,
    sequence: 40,
    updatesPerSecond: 10,
    waiting: 0,
    isLossy: false,
    standbys: [],
  };
  const parsed = (more: object): object | undefined => {
    const slots = [{ ...slotReport.slots[0], state: 'holding', sharing: { ...sharing, ...more } }];
    return parseSlotReport(octets({ ...slotReport, slots })).slots[0]?.sharing;
  };
  expect(parsed({})).toEqual(sharing);
  expect(parsed({ fault: 'the copy is full', later: 1 })).toEqual({ ...sharing, fault: 'the copy is full' });
  expect(errorOf(() => parsed({ fault: 5 }))).toMatchObject({ errorNumber: 1 });
  const overruns = { times: 3, isAmid: true };
  expect(parsed({ overruns })).toEqual({ ...sharing, overruns });
  expect(errorOf(() => parsed({ overruns: { times: -1, isAmid: true } }))).toMatchObject({ errorNumber: 1 });
  expect(parsed({ refusals: 3 })).toEqual({ ...sharing, refusals: 3 });
  expect(errorOf(() => parsed({ refusals: -1 }))).toMatchObject({ errorNumber: 1 });
  const damage = { found: 3, now: 1 };
  expect(parsed({ damage })).toEqual({ ...sharing, damage });
  expect(errorOf(() => parsed({ damage: { found: 3 } }))).toMatchObject({ errorNumber: 1 });
  const checkpoint = { sequence: 40, ageMs: 0, isCurrent: true, fault: '' };
  for (const each of [checkpoint, { ...checkpoint, lagBytes: 96 }])
    expect(parsed({ checkpoint: each })).toEqual({ ...sharing, checkpoint: each });
});

test('of each copy it says what went there and how its digests compare, unless it is of an earlier version', () => {
  const standby = {
    node: 2,
    isListed: true,
    state: 'following',
    lagUpdates: 3,
    lagMs: 2,
    lagBytes: 96,
    roundTripMs: null,
  };
  const stream = {
    silentMs: null,
    updatesPerSecond: 10,
    bytesPerSecond: 320,
    updatesSent: 90,
    bytesSent: 2_880,
    underWayBytes: 32,
    fills: 1,
  };
  const digests = { agreed: 40, differed: 0, sinceAgreedMs: 80, isDiffering: false };
  const parsed = (more: object): unknown => {
    const amounts = { keys: 5, bytes: 160, sequence: 40, updatesPerSecond: 10, waiting: 0, isLossy: false };
    const sharing = { ...amounts, standbys: [{ ...standby, ...more }] };
    const slots = [{ ...slotReport.slots[0], state: 'holding', sharing }];
    return parseSlotReport(octets({ ...slotReport, slots })).slots[0]?.sharing?.standbys[0];
  };
  const breaks = { times: 3, reason: 'type 99', isAmid: true };
  for (const more of [
    {},
    { stream },
    { stream, digests, breaks },
    { digests: { ...digests, filledInMs: 1_950.5 } },
  ])
    expect(parsed(more)).toEqual({ ...standby, ...more });
  for (const more of [
    { stream: { ...stream, fills: -1 } },
    { stream: { ...stream, silentMs: 'never' } },
    { digests: { ...digests, isDiffering: 1 } },
    { digests: { agreed: 1 } },
    { breaks: { times: 3 } },
  ])
    expect(errorOf(() => parsed(more))).toMatchObject({ errorNumber: 1 });
});

test.each([
  ['a store without an address', { ...checkpoints, store: undefined }],
  ['a store that keeps one', { ...checkpoints, keepFull: 1 }],
  ['no interval', { ...checkpoints, intervalMs: 0 }],
  ['a store, somehow', { ...through, writes: { type: 'perhaps' } }],
  ['a store, at some time', { ...behind, writes: { type: 'behind', lag: {} } }],
  ['a method that is none', { ...standbys, method: 'mail' }],
  ['nothing', null],
])('state that goes to %s is error 1', (_name, sharing) => {
  expect(errorOf(() => parseSetConfiguration(withSharing(sharing)))).toMatchObject({ errorNumber: 1 });
});

test('why a node would not serve a slot stands in its report; a rule that nobody knows is error 1', () => {
  const parsed = (refusal: unknown) =>
    parseSlotReport(octets({ ...slotReport, slots: [{ ...slotReport.slots[0], refusal }] })).slots[0]
      ?.refusal;
  for (const rule of ['link', 'address', 'clock', 'fence-hook'])
    expect(parsed({ rule, why: 'no carrier' })).toEqual({ rule, why: 'no carrier' });
  for (const wrong of [{ rule: 'mood', why: '' }, { rule: 'link' }, 'link'])
    expect(errorOf(() => parsed(wrong))).toMatchObject({ errorNumber: 1 });
});

test('that a node passed a slot on by itself stands in its report; an epoch that is no number is error 1', () => {
  const parsed = (passedOn: unknown) =>
    parseSlotReport(octets({ ...slotReport, slots: [{ ...slotReport.slots[0], passedOn }] })).slots[0]
      ?.passedOn;
  const told = { epoch: '7', rule: 'link', why: 'link eth1 has no carrier for forwarding' };
  expect(parsed(told)).toEqual(told);
  expect(parsed(undefined)).toBeUndefined();
  for (const wrong of [
    { ...told, epoch: 'x' },
    { ...told, rule: 'mood' },
    { rule: 'link', why: '' },
  ])
    expect(errorOf(() => parsed(wrong))).toMatchObject({ errorNumber: 1 });
});

const handedCookies = { v: 1, pool: 'web', ...assignment.cookies } as const;

test('what functions are handed of cookies is read as it was written', () => {
  expect(parseHandedCookies(encodeHandedCookies(handedCookies))).toEqual(handedCookies);
});

test.each<[string, object, string]>([
  ['no secret', { secrets: [] }, 'cookies.secrets must have 1 to 8 entries'],
  ['nine', { secrets: Array(9).fill('ab'.repeat(32)) }, 'cookies.secrets must have 1 to 8 entries'],
  ['one that is short', { secrets: ['ab'] }, 'cookies.secrets[0] must be 64 hexadecimal digits'],
  ['no age', { maxAgeMs: 0 }, 'cookies.maxAgeMs'],
  ['another version', { v: 2 }, 'cookies.v must be 1'],
])('cookies with %s are refused', (_, change, message) => {
  expect(() => parseHandedCookies(octets({ ...handedCookies, ...change }))).toThrow(message);
});
