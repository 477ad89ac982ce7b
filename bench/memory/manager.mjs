// SPDX-License-Identifier: Apache-2.0
import '@vnfpool/daemons/manager';
import { ManagerCore, restoreState } from '@vnfpool/core/manager';

/*
 * A manager's core with 1,000 instances on 50 nodes that obey at once, in one process with everything that the manager
 * daemon loads. Says { ready, instances } when all of them run, then stays as it is, asked for its views every second.
 */

const NODES = 50;
const POOLS = 20;
const PER_POOL = 50;

let seed = 1n;
const u64 = () => (seed = (seed * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn);
const random = { u64, u32: () => Number(u64() >> 32n), fraction: () => Number(u64() >> 32n) / 2 ** 32 };
const startedAt = Date.now();

const names = Array.from({ length: NODES }, (_, n) => `node-${n + 1}`);
const declared = {
  name: 'bench',
  nodes: names.map((name) => ({ name })),
  councils: [{ name: 'main', members: names.slice(0, 3) }],
  pools: Array.from({ length: POOLS }, (_, n) => ({
    name: `pool-${n + 1}`,
    council: 'main',
    function: {
      program: 'node',
      arguments: ['server.mjs', '--port', '{port}'],
      environment: {},
      directory: '/srv',
      port: 8000 + n,
      health: { kind: 'tcp', intervalMs: 500, timeoutMs: 400, rise: 1, fall: 2 },
      stop: { signal: 'SIGTERM', graceMs: 2000 },
    },
    redundancy: { slots: 1, standbys: 1, spares: PER_POOL - 2 },
    policy: 'priority',
    addresses: [],
    failover: { leaseMs: 300 },
  })),
  probes: [],
};

const core = new ManagerCore(
  { random, wallMs: (nowMs) => startedAt + nowMs, mode: 'namespaces' },
  await restoreState(async () => []),
);
let nowMs = 0;
const inputs = [];
let refusal = null;

function carryOut(outputs) {
  for (const output of outputs) {
    if (output.type === 'persist') inputs.push({ type: 'persisted', id: output.id });
    else if (output.type === 'mobility') obey(output.input);
    else if (output.type === 'reply' && !output.reply.ok) refusal = output.reply;
  }
}

function obey({ type, node, functionId, requestId, specification }) {
  const done = { type: 'operation-result', requestId, code: 0, error: null, text: '', report: null };
  const status = type === 'delete' ? 'Unknown' : specification ? 'Starting' : functionId ? 'Running' : null;
  inputs.push({ ...done, status });
  if (!specification) return;
  const report = {
    v: 1,
    pid: 1000 + functionId,
    address: `10.0.0.${node}`,
    port: 8080,
    incarnation: functionId.toString(16).padStart(16, '0'),
    healthy: true,
    restarts: 0,
    failing: false,
    reason: '',
    output: ['listening'],
  };
  const told = { node, functionId, status: 'Running', gone: false, report, information: {}, reason: '' };
  inputs.push({ type: 'function-status', ...told });
}

function give(input) {
  inputs.push(input);
  for (let next = inputs.shift(); next; next = inputs.shift()) carryOut(core.handle(next, (nowMs += 1)));
}

give({ type: 'registrar', address: '10.0.1.9', port: 3863 });
for (const [index, name] of names.entries()) {
  const node = index + 1;
  const leaseEndpoint = {
    v: 1,
    name,
    address: `10.0.0.${node}`,
    port: 7000,
    key: Buffer.alloc(32, index).toString('base64'),
    version: '1',
    fence: 'nft',
  };
  give({
    type: 'node-registered',
    node,
    name,
    resumed: false,
    bootTime: 7n,
    addresses: [leaseEndpoint.address],
    information: {},
    leaseEndpoint,
  });
  give({ type: 'node-functions', node, functionIds: [] });
}
give({ type: 'apply', requestId: 1, declared, text: 'set: bench', file: 'set.yaml' });
if (refusal) throw new Error(JSON.stringify(refusal));
const running = core.views(nowMs).instances.filter(({ status }) => status === 'running').length;
if (running !== POOLS * PER_POOL) throw new Error(`${running} instances run, not ${POOLS * PER_POOL}`);
process.stdout.write(`${JSON.stringify({ ready: true, instances: running })}\n`);
setInterval(() => {
  nowMs += 1000;
  while ((core.nextDeadline() ?? Number.POSITIVE_INFINITY) <= nowMs) carryOut(core.expire(nowMs));
  for (let next = inputs.shift(); next; next = inputs.shift()) carryOut(core.handle(next, nowMs));
  core.views(nowMs);
}, 1000);
