// SPDX-License-Identifier: Apache-2.0

/*
 * JSON schemas of request bodies. Bounds are here, so that no backend sees a list or text beyond them.
 */

/** Fastify compiles it; nothing here reads it. */
type JsonSchema = Readonly<Record<string, unknown>>;

const name: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 63,
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
};
const instanceName: JsonSchema = {
  type: 'string',
  minLength: 3,
  maxLength: 80,
  pattern: '^[A-Za-z0-9._-]+#[0-9]+$',
};
const count: JsonSchema = { type: 'integer', minimum: 0 };
const time: JsonSchema = { type: 'number', minimum: 0 };

const outage: JsonSchema = {
  type: 'object',
  required: ['lastOkAt', 'firstOkAt', 'failed'],
  additionalProperties: false,
  properties: {
    lastOkAt: time,
    firstOkAt: time,
    failed: count,
    reason: { type: 'string', maxLength: 200 },
  },
};

export const declarationSchema: JsonSchema = {
  type: 'object',
  required: ['text', 'file'],
  additionalProperties: false,
  properties: {
    text: { type: 'string', minLength: 1 },
    file: { type: 'string', minLength: 1, maxLength: 4096 },
  },
};

export const handoverSchema: JsonSchema = {
  type: 'object',
  required: ['pool', 'slot'],
  additionalProperties: false,
  properties: {
    pool: name,
    slot: { type: 'integer', minimum: 0, maximum: 65_535 },
    to: instanceName,
    acceptsLoss: { type: 'boolean' },
  },
};

export const checkpointSchema: JsonSchema = {
  type: 'object',
  required: ['pool', 'slot'],
  additionalProperties: false,
  properties: {
    pool: name,
    slot: { type: 'integer', minimum: 0, maximum: 65_535 },
    full: { type: 'boolean' },
  },
};

/** As it is declared of a function: a name and a version. */
export const STATE_FORMAT: RegExp = /^[!-.0-~]{1,64}\/[1-9][0-9]{0,4}$/;

export const restoreSchema: JsonSchema = {
  type: 'object',
  required: ['pool', 'slot', 'epoch', 'number'],
  additionalProperties: false,
  properties: {
    pool: name,
    slot: { type: 'integer', minimum: 0, maximum: 65_535 },
    epoch: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    number: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    from: { type: 'string', pattern: '^[0-9a-f]{16}$' },
    format: { type: 'string', pattern: STATE_FORMAT.source },
  },
};

export const forgetSchema: JsonSchema = {
  type: 'object',
  required: ['id', 'pool', 'slot'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: '^[0-9a-f]{16}$' },
    pool: name,
    slot: { type: 'integer', minimum: 0, maximum: 65_535 },
    gone: { type: 'array', items: name, maxItems: 16 },
  },
};

export const moveSchema: JsonSchema = {
  type: 'object',
  required: ['instance'],
  additionalProperties: false,
  properties: { instance: instanceName, to: name, cancel: { type: 'boolean' } },
};

export const moveSessionsSchema: JsonSchema = {
  type: 'object',
  required: ['from', 'to'],
  additionalProperties: false,
  properties: {
    from: instanceName,
    to: instanceName,
    all: { type: 'boolean' },
    ratio: { type: 'number', minimum: 0, maximum: 1 },
    count: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    uri: { type: 'string', minLength: 1, maxLength: 1_024 },
    contact: { type: 'string', minLength: 2, maxLength: 45 },
  },
};

export const drainSchema: JsonSchema = {
  type: 'object',
  required: ['node'],
  additionalProperties: false,
  properties: { node: name, cancel: { type: 'boolean' } },
};

export const forceCouncilSchema: JsonSchema = {
  type: 'object',
  required: ['members', 'othersAreDead'],
  additionalProperties: false,
  properties: {
    members: { type: 'array', minItems: 1, maxItems: 5, items: name },
    council: name,
    othersAreDead: { type: 'boolean', const: true },
  },
};
export const emptySchema: JsonSchema = { type: 'object', additionalProperties: false, properties: {} };

export const maintenanceSchema: JsonSchema = {
  type: 'object',
  required: ['node'],
  additionalProperties: false,
  properties: {
    node: name,
    forMs: { type: 'integer', minimum: 1_000, maximum: 30 * 24 * 3_600_000 },
    off: { type: 'boolean' },
    force: { type: 'boolean' },
  },
};

export const upgradeSchema: JsonSchema = {
  type: 'object',
  required: ['pool', 'action'],
  additionalProperties: false,
  properties: { pool: name, action: { type: 'string', enum: ['pause', 'resume', 'rollback'] } },
};

export const rotateSecretSchema: JsonSchema = {
  type: 'object',
  required: ['pool'],
  additionalProperties: false,
  properties: { pool: name },
};

export const tokenSchema: JsonSchema = {
  type: 'object',
  required: ['role', 'name', 'ttlMs'],
  additionalProperties: false,
  properties: {
    role: { type: 'string', enum: ['node', 'registrar', 'element', 'user'] },
    name,
    ttlMs: { type: 'integer', minimum: 1_000, maximum: 30 * 24 * 3_600_000 },
  },
};

export const trafficSchema: JsonSchema = {
  type: 'object',
  required: [
    'source',
    'pool',
    'target',
    'intervalMs',
    'deadlineMs',
    'sent',
    'ok',
    'failed',
    'latencyMsP50',
    'latencyMsP99',
    'outages',
    'failingSince',
    'series',
  ],
  additionalProperties: false,
  properties: {
    source: { type: 'string', minLength: 1, maxLength: 128 },
    pool: name,
    target: { type: 'string', minLength: 1, maxLength: 256 },
    intervalMs: { type: 'number', exclusiveMinimum: 0 },
    deadlineMs: { type: 'number', exclusiveMinimum: 0 },
    sent: count,
    ok: count,
    failed: count,
    latencyMsP50: time,
    latencyMsP99: time,
    outages: { type: 'array', maxItems: 100, items: outage },
    failingSince: { type: ['number', 'null'], minimum: 0 },
    series: {
      type: 'array',
      maxItems: 100,
      items: {
        type: 'object',
        required: ['at', 'ok', 'failed'],
        additionalProperties: false,
        properties: { at: time, ok: count, failed: count },
      },
    },
  },
};
