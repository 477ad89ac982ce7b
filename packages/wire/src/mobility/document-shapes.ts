// SPDX-License-Identifier: Apache-2.0

import { containerSpecification } from './container.ts';
import type {
  CouncilVersion,
  FailoverRecord,
  FunctionLimits,
  FunctionReport,
  FunctionSpecification,
  HealthCheck,
  Hooks,
  LeaseEndpoint,
  LeasePeer,
  SetConfiguration,
  SlotAssignment,
  SlotCandidate,
  SlotDefinition,
  SlotReport,
  SlotState,
  TransferReport,
} from './documents.ts';
import { MobilityError } from './extensions.ts';
import { checkKind, type FunctionKind, networkSpecification } from './netns.ts';
import {
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
  text,
  uint32,
  versioned,
} from './shape.ts';
import { checkStateAccess, stateAccess } from './state-access.ts';

const COUNT_MAX = Number.MAX_SAFE_INTEGER;
const count = integer(0, COUNT_MAX);
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

const councilVersion: Shape<CouncilVersion> = object({ generation: count, number: count, randomId: hex64 });
const candidate: Shape<SlotCandidate> = object({ node: uint32, functionId: uint32 });

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
    { handover: object({ to: uint32, nonce: text }) },
  ),
);

const leasePeer: Shape<LeasePeer> = object({ node: uint32, name: text, address: text, port, key: key32 });

const lastResort: Shape<SlotDefinition['lastResort']> = (value, path) => {
  const { rule } = object({ rule: oneOf('never', 'after') })(value, path);
  return rule === 'never' ? { rule } : { rule, ...object({ afterMs: milliseconds })(value, path) };
};

const slotDefinition: Shape<SlotDefinition> = object(
  {
    id: hex64,
    pool: text,
    index: count,
    leaseMs: milliseconds,
    addresses: list(text),
    genesis: object({ randomId: text, candidates: list(candidate) }),
    candidates: list(candidate),
    lastResort,
  },
  { slotsPerFunction: integer(1, 64) },
);

export const setConfiguration: Shape<SetConfiguration> = versioned(
  object({
    v: oneOf(1),
    set: text,
    council: object({ version: councilVersion, members: list(uint32) }),
    nodes: list(leasePeer),
    slots: list(slotDefinition),
    registrars: list(object({ address: text, port })),
  }),
);

export const leaseEndpoint: Shape<LeaseEndpoint> = versioned(
  object({
    v: oneOf(1),
    name: text,
    address: text,
    port,
    key: key32,
    version: text,
    fence: oneOf('nft', 'none'),
  }),
);

const slotState: Shape<SlotState> = object({
  id: hex64,
  state: oneOf('holding', 'held', 'free'),
  epoch: decimal,
  holder: nullable(candidate),
  candidates: list(candidate),
  reason: text,
});

const failoverRecord: Shape<FailoverRecord> = object({
  id: text,
  slot: hex64,
  epoch: decimal,
  from: nullable(candidate),
  to: candidate,
  cause: oneOf('genesis', 'lease-expired', 'function-exit', 'function-unhealthy', 'handover'),
  fencedBy: oneOf('release', 'timeout', 'none'),
  steps: list(
    object({
      name: oneOf('detected', 'decided', 'committed', 'switched', 'serving'),
      atMs: milliseconds,
    }),
  ),
});

export const slotReport: Shape<SlotReport> = versioned(
  object({ v: oneOf(1), muteMs: milliseconds, slots: list(slotState), failovers: list(failoverRecord) }),
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
    { sessions: count, transfer: transferReport },
  ),
);
