// SPDX-License-Identifier: Apache-2.0

import { COUNCIL_ID_MAX } from '../lease/index.ts';
import { containerSpecification } from './container.ts';
import type {
  CheckpointSharing,
  CookieSecrets,
  CouncilMembership,
  CouncilReport,
  CouncilVersion,
  FailoverRecord,
  FunctionLimits,
  FunctionReport,
  FunctionSpecification,
  HealthCheck,
  Hooks,
  HostReport,
  LeaseEndpoint,
  LeasePeer,
  MergeableReport,
  SetConfiguration,
  SharingReport,
  SlotAddressing,
  SlotAssignment,
  SlotCandidate,
  SlotDefinition,
  SlotRefusal,
  SlotReport,
  SlotSharing,
  SlotState,
  StandbySharing,
  StoreSharing,
  TransferReport,
  TroubleReport,
} from './documents.ts';
import { MobilityError } from './extensions.ts';
import { checkKind, type FunctionKind, networkSpecification } from './netns.ts';
import {
  byKey,
  DocumentError,
  decimal,
  fail,
  flag,
  hex64,
  integer,
  list,
  matching,
  milliseconds,
  nullable,
  object,
  oneOf,
  port,
  record,
  type Shape,
  stateFormat,
  text,
  uint32,
  versioned,
} from './shape.ts';
import { checkStateAccess, stateAccess } from './state-access.ts';
import { lag } from './state-level.ts';
import { KEEP_FULL_MAX, KEEP_FULL_MIN } from './state-order.ts';
import { isLinkName, virtualAddress } from './virtual-address.ts';

const COUNT_MAX = Number.MAX_SAFE_INTEGER;
const count = integer(0, COUNT_MAX);
const linkName: Shape<string> = (value, path) => {
  const name = text(value, path);
  return isLinkName(name) ? name : fail(path, 'must be the name of a link');
};
const absolutePath = matching(/^\//, 'must be an absolute path');
/** 43 digits and one pad character carry 32 octets; the last digit has two bits that must be zero. */
const key32 = matching(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'must be base64 of 32 octets');

const kind: Shape<FunctionKind> = (value, path) => {
  if (typeof value !== 'string') fail(path, 'must be a string');
  if (value !== 'process' && value !== 'netns' && value !== 'container') {
    throw new DocumentError(
      MobilityError.specificationRefused,
      path,
      `${value.slice(0, 64)} is not available`,
    );
  }
  return value;
};

const command: Shape<readonly string[]> = (value, path) => {
  const words = list(text)(value, path);
  return words[0] ? words : fail(path, 'must name a program');
};

/** Empty where there is no program, only rules, or where a bundle says it. */
const mainCommand: Shape<readonly string[]> = (value, path) =>
  Array.isArray(value) && value.length === 0 ? [] : command(value, path);

const healthFields = object(
  {
    type: oneOf('tcp', 'http', 'command', 'sip-options', 'function'),
    intervalMs: milliseconds,
    timeoutMs: milliseconds,
    rise: integer(1, COUNT_MAX),
    fall: integer(1, COUNT_MAX),
  },
  { path: absolutePath, command },
);

const healthCheck: Shape<HealthCheck> = (value, path) => {
  const check = healthFields(value, path);
  if (check.type === 'command' && !check.command) fail(`${path}.command`, 'is missing');
  return check;
};

const processors: Shape<number> = (value, path) =>
  typeof value === 'number' && value >= 0.01 && value <= 65_536
    ? value
    : fail(path, 'must be a number from 0.01 to 65536');

const limits: Shape<FunctionLimits> = object(
  {},
  {
    processors,
    memoryBytes: integer(1_048_576, COUNT_MAX),
    processes: integer(1, 4_194_304),
    storageBytes: integer(1, COUNT_MAX),
    bandwidthBps: integer(8_000, COUNT_MAX),
  },
);

const hooks: Shape<Hooks> = object(
  {},
  {
    export: command,
    import: command,
    quiesce: command,
    resume: command,
    discard: command,
    role: command,
    select: command,
    moved: command,
    expect: command,
    accept: command,
  },
);

/** The parts must go together: kind, command and network; `state` and the `hooks` that there are. */
function consistent(shape: Shape<FunctionSpecification>): Shape<FunctionSpecification> {
  return (value, path) => {
    const specification = shape(value, path);
    checkKind(specification, path);
    checkStateAccess(specification, path);
    return specification;
  };
}

export const functionSpecification: Shape<FunctionSpecification> = versioned(
  consistent(
    object(
      { v: oneOf(1), kind, command: mainCommand },
      {
        env: record(text),
        directory: absolutePath,
        port,
        health: healthCheck,
        stop: object({ signal: text, graceMs: milliseconds }),
        restart: object({ backoffMsMin: milliseconds, backoffMsMax: milliseconds }),
        limits,
        registration: object(
          { poolHandle: text, policy: oneOf('round-robin', 'least-used', 'priority') },
          { load: oneOf('cpu') },
        ),
        state: stateAccess,
        hooks,
        netns: networkSpecification,
        container: containerSpecification,
      },
    ),
  ),
);

/** It divides, or its logarithm is taken. */
const above0: Shape<number> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : fail(path, 'must be above 0');

const councilVersion: Shape<CouncilVersion> = object({ generation: count, number: count, randomId: hex64 });
const membership: Shape<CouncilMembership> = object({ version: councilVersion, members: list(uint32) });
const councilId: Shape<number> = integer(1, COUNCIL_ID_MAX);
const candidate: Shape<SlotCandidate> = object({ node: uint32, functionId: uint32 });

const cookieSecret = matching(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');

const cookieSecrets: Shape<readonly string[]> = (value, path) => {
  const secrets = list(cookieSecret)(value, path);
  return secrets.length >= 1 && secrets.length <= 8 ? secrets : fail(path, 'must have 1 to 8 entries');
};

export const cookies: Shape<CookieSecrets> = object({ secrets: cookieSecrets, maxAgeMs: above0 });

export const slotAssignment: Shape<SlotAssignment> = versioned(
  object(
    {
      v: oneOf(1),
      pool: text,
      name: text,
      slot: nullable(object({ id: hex64, index: count })),
      role: oneOf('active', 'standby', 'spare'),
      epoch: decimal,
      addresses: list(text),
      council: councilVersion,
      ranking: list(uint32),
    },
    {
      handover: object({ to: uint32, nonce: text }),
      acceptedLoss: decimal,
      restart: object({ inPlace: integer(0, 100), withinMs: milliseconds, readyMs: milliseconds }),
      flap: object({
        penalty: above0,
        suppress: above0,
        reuse: above0,
        halfLifeMs: above0,
      }),
      holdDownMs: milliseconds,
      cookies,
    },
  ),
);

const fenceKind: Shape<'bpf' | 'nft' | 'none'> = oneOf('bpf', 'nft', 'none');

const leasePeer: Shape<LeasePeer> = object(
  { node: uint32, name: text, address: text, port, key: key32 },
  { fence: fenceKind, replicationPort: port, sealKey: key32 },
);

const lastResort: Shape<SlotDefinition['lastResort']> = (value, path) => {
  const { rule } = object({ rule: oneOf('never', 'after') })(value, path);
  return rule === 'never' ? { rule } : { rule, ...object({ afterMs: milliseconds })(value, path) };
};

const slotAddressing: Shape<SlotAddressing> = object(
  {},
  {
    announce: object({ repeats: integer(0, 60), everyMs: integer(20, 60_000) }),
    onConflict: oneOf('raise'),
    sameMac: object({}, { vrid: integer(1, 255) }),
    forwarding: list(linkName),
  },
);

const standbySharing: Shape<StandbySharing> = object(
  {
    method: oneOf('replicate', 'conntrack'),
    lossUpdates: count,
    acknowledgedBy: count,
    overload: oneOf('block', 'degrade'),
  },
  { lossMs: above0, securityState: oneOf('re-derive', 'sealed'), defers: flag },
);

const checkpointSharing: Shape<CheckpointSharing> = object(
  {
    method: oneOf('checkpoint'),
    store: text,
    intervalMs: above0,
    windowOctets: above0,
    overload: oneOf('block', 'degrade'),
  },
  { withoutAfterMs: milliseconds, keepFull: integer(KEEP_FULL_MIN, KEEP_FULL_MAX), format: stateFormat },
);

const storeSharing: Shape<StoreSharing> = object(
  {
    method: oneOf('shared'),
    store: text,
    writes: byKey('type', {
      through: object({ type: oneOf('through') }),
      behind: object({ type: oneOf('behind'), lag }),
    }),
    windowOctets: above0,
    overload: oneOf('block', 'degrade'),
  },
  { withoutAfterMs: milliseconds },
);

const slotSharing: Shape<SlotSharing> = byKey('method', {
  replicate: standbySharing,
  conntrack: standbySharing,
  checkpoint: checkpointSharing,
  shared: storeSharing,
});

const slotDefinition: Shape<SlotDefinition> = object(
  {
    id: hex64,
    pool: text,
    index: count,
    leaseMs: milliseconds,
    addresses: list(virtualAddress),
    genesis: object(
      { randomId: text, candidates: list(candidate) },
      { council: object({ generation: count, number: count }) },
    ),
    candidates: list(candidate),
    lastResort,
  },
  { councilId, addressing: slotAddressing, slotsPerFunction: integer(1, 64), sharing: slotSharing },
);

/** Every council has a number of its own, and every slot one of them. */
function withCouncils(shape: Shape<SetConfiguration>): Shape<SetConfiguration> {
  return (value, path) => {
    const configuration = shape(value, path);
    const { councils, slots } = configuration;
    const ids = new Set(councils.map(({ id }) => id));
    if (ids.size === 0) fail(`${path}.councils`, 'must name a council');
    if (ids.size < councils.length) fail(`${path}.councils`, 'must not name a council twice');
    for (const [index, { councilId: id = 1 }] of slots.entries())
      if (!ids.has(id)) fail(`${path}.slots[${index}].councilId`, `must be one of ${[...ids].join(', ')}`);
    return configuration;
  };
}

export const setConfiguration: Shape<SetConfiguration> = versioned(
  withCouncils(
    object(
      {
        v: oneOf(1),
        set: text,
        councils: list(
          object(
            { id: councilId, version: councilVersion, members: list(uint32) },
            { former: membership, forced: flag, next: membership },
          ),
        ),
        nodes: list(leasePeer),
        slots: list(slotDefinition),
        registrars: list(object({ address: text, port })),
      },
      {
        fenceHook: object({ command: list(text), timeoutMs: milliseconds }),
        mergeable: list(object({ pool: text, instances: list(candidate) })),
      },
    ),
  ),
);

export const leaseEndpoint: Shape<LeaseEndpoint> = versioned(
  object(
    {
      v: oneOf(1),
      name: text,
      address: text,
      port,
      key: key32,
      version: text,
      fence: fenceKind,
    },
    { replicationPort: port, sealKey: key32 },
  ),
);

const sharingReport: Shape<SharingReport> = object(
  {
    keys: count,
    bytes: count,
    sequence: count,
    updatesPerSecond: count,
    waiting: count,
    isLossy: flag,
    standbys: list(
      object(
        {
          node: uint32,
          isListed: flag,
          state: oneOf('away', 'opening', 'filling', 'following', 'silent'),
          lagUpdates: count,
          lagMs: milliseconds,
          lagBytes: count,
          roundTripMs: nullable(milliseconds),
        },
        {
          stream: object({
            silentMs: nullable(milliseconds),
            updatesPerSecond: count,
            bytesPerSecond: count,
            updatesSent: count,
            bytesSent: count,
            underWayBytes: count,
            fills: count,
          }),
          digests: object(
            { agreed: count, differed: count, sinceAgreedMs: nullable(milliseconds), isDiffering: flag },
            { filledInMs: milliseconds },
          ),
          breaks: object({ times: count, reason: text, isAmid: flag }),
        },
      ),
    ),
  },
  {
    checkpoint: object(
      { sequence: count, ageMs: milliseconds, isCurrent: flag, fault: text },
      { lagBytes: count },
    ),
    overruns: object({ times: count, isAmid: flag }),
    damage: object({ found: count, now: count }),
    firstPackets: object({ waiting: count, released: count, dropped: count, isDropping: flag }),
    fault: text,
    refusals: count,
  },
);

const refusalRule: Shape<SlotRefusal['rule']> = oneOf('link', 'address', 'clock', 'fence-hook');

const slotState: Shape<SlotState> = object(
  {
    id: hex64,
    state: oneOf('holding', 'held', 'free'),
    epoch: decimal,
    holder: nullable(candidate),
    candidates: list(candidate),
    reason: text,
  },
  {
    isReleased: flag,
    trouble: text,
    refusal: object({ rule: refusalRule, why: text }),
    passedOn: object({ epoch: decimal, rule: refusalRule, why: text }),
    sharing: sharingReport,
  },
);

const failoverRecord: Shape<FailoverRecord> = object({
  id: text,
  slot: hex64,
  epoch: decimal,
  from: nullable(candidate),
  to: candidate,
  cause: oneOf('genesis', 'lease-expired', 'function-exit', 'function-unhealthy', 'handover', 'clock'),
  fencedBy: oneOf('release', 'timeout', 'hook', 'none'),
  steps: list(
    object({
      name: oneOf('detected', 'fenced', 'decided', 'committed', 'switched', 'serving'),
      atMs: milliseconds,
    }),
  ),
});

const councilReport: Shape<CouncilReport> = object(
  {
    id: councilId,
    version: councilVersion,
    members: list(uint32),
    next: nullable(councilVersion),
    voiceless: count,
    rival: nullable(councilVersion),
  },
  { silent: list(uint32) },
);
const host: Shape<HostReport> = object(
  {
    pauses: list(
      object({
        kind: oneOf('suspended', 'stopped', 'starved', 'stolen', 'busy'),
        untilMs: milliseconds,
        forMs: milliseconds,
      }),
    ),
  },
  { link: object({ name: text, hasCarrier: flag, lostAtMs: milliseconds }) },
);

const mergeableReport: Shape<MergeableReport> = object(
  {
    pool: text,
    cells: count,
    bytes: count,
    replicas: count,
    trouble: text,
    peers: list(
      object(
        { node: uint32, behind: count, silentMs: milliseconds },
        {
          behindBytes: count,
          behindMs: milliseconds,
          digests: object({ differed: count, agreedMs: nullable(milliseconds), isDiffering: flag }),
        },
      ),
    ),
  },
  { steps: count, damaged: count },
);

export const slotReport: Shape<SlotReport> = versioned(
  object(
    { v: oneOf(1), muteMs: milliseconds, slots: list(slotState), failovers: list(failoverRecord) },
    {
      councils: list(councilReport),
      stalls: object({ p99Ms: milliseconds, maxMs: milliseconds }),
      host,
      mergeable: list(mergeableReport),
    },
  ),
);

/** An amount a second: any finite number from 0. */
const rate: Shape<number> = milliseconds;

const transferReport: Shape<TransferReport> = object(
  {
    id: matching(/^[0-9a-f]{8,64}$/, 'must be 8 to 64 hexadecimal digits'),
    role: oneOf('source', 'destination'),
    phase: text,
    bytes: count,
    bytesTotal: nullable(count),
    bytesPerSecond: rate,
    changePerSecond: rate,
    expectedPauseMs: nullable(milliseconds),
    expectedEndMs: nullable(milliseconds),
    peer: uint32,
  },
  { mode: oneOf('move', 'copy', 'sessions') },
);

const trouble: Shape<TroubleReport> = object({
  failures: count,
  startsInPlace: count,
  penalty: milliseconds,
  lastForMs: milliseconds,
  heldDownForMs: milliseconds,
  note: text,
});

export const functionReport: Shape<FunctionReport> = versioned(
  object(
    {
      v: oneOf(1),
      pid: nullable(integer(1, COUNT_MAX)),
      address: nullable(text),
      port: nullable(port),
      incarnation: hex64,
      healthy: flag,
      restarts: count,
      failing: flag,
      reason: text,
      output: list(text),
    },
    { sessions: count, transfer: transferReport, trouble },
  ),
);
