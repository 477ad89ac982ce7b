// SPDX-License-Identifier: Apache-2.0
import { epochOf } from '@vnfpool/core';
import type { EventView, FailoverView, StateView, TrafficView } from '@vnfpool/core/management';

/** 2026-11-01T12:00:00Z */
export const NOW = Date.UTC(2026, 10, 1, 12);

export function event(id: number, message = `event ${id}`, subject = 'pool web'): EventView {
  return { id, at: NOW - 10_000 + id * 1_000, type: 'slot.taken', severity: 'info', subject, message };
}

export const traffic: TrafficView = {
  source: 'probe-web',
  pool: 'web',
  target: 'http://10.77.0.100:80/',
  intervalMs: 10,
  deadlineMs: 50,
  sent: 1_000,
  ok: 990,
  failed: 10,
  latencyMsP50: 0.8,
  latencyMsP99: 2.5,
  outages: [],
  failingSince: null,
  series: [],
  updatedAt: NOW - 500,
  history: [{ lastOkAt: NOW - 60_000, firstOkAt: NOW - 59_874, failed: 10 }],
};

export const failover: FailoverView = {
  id: 'f1',
  pool: 'web',
  slot: 0,
  epoch: epochOf(1, 7),
  from: 'web#3',
  to: 'web#1',
  fromNode: 'node-c',
  toNode: 'node-a',
  cause: 'lease ran out',
  fencedBy: 'timeout',
  steps: [
    { name: 'detected', at: NOW - 60_000, source: 'node-a' },
    { name: 'decided', at: NOW - 59_998, source: 'node-a' },
    { name: 'committed', at: NOW - 59_990, source: 'node-a' },
    { name: 'switched', at: NOW - 59_985, source: 'node-a' },
    { name: 'serving', at: NOW - 59_980, source: 'node-a' },
  ],
  outageMs: 126,
  failedRequests: 10,
};

const instance = {
  role: 'none',
  slot: null,
  status: 'running',
  healthy: true,
  address: '10.77.0.4',
  port: 80,
  restarts: 0,
  reason: '',
  output: [],
  move: null,
} as const;

/** One set with a pool of one slot: web#1 holds it, web#2 stands by; web#3 died. A pool calc without address beside it. */
export function edgeState(): StateView {
  return {
    at: NOW,
    sets: [
      {
        name: 'edge',
        mode: 'namespaces',
        generation: 3,
        appliedAt: NOW - 3_600_000,
        pools: ['web', 'calc'],
        nodes: ['node-a', 'node-b'],
        council: { version: '1', members: ['node-a', 'node-b', 'node-c'], reachable: 2 },
        health: 'degraded',
      },
    ],
    pools: [
      {
        name: 'web',
        set: 'edge',
        health: 'whole',
        reason: 'slot held, standby ready',
        slots: 1,
        slotsHeld: 1,
        standbys: 1,
        standbysReady: 1,
        spares: 1,
        sparesReady: 0,
        policy: 'priority',
        addresses: ['10.77.0.100/24'],
        port: 80,
        leaseMs: 100,
      },
      {
        name: 'calc',
        set: 'edge',
        health: 'down',
        reason: 'no instance runs',
        slots: 2,
        slotsHeld: 0,
        standbys: 0,
        standbysReady: 0,
        spares: 0,
        sparesReady: 0,
        policy: 'round-robin',
        addresses: [],
        port: null,
        leaseMs: 100,
      },
    ],
    instances: [
      {
        ...instance,
        name: 'web#1',
        pool: 'web',
        functionId: 1,
        node: 'node-a',
        role: 'active',
        slot: 0,
        pid: 41,
      },
      { ...instance, name: 'web#2', pool: 'web', functionId: 2, node: 'node-b', role: 'standby', pid: 42 },
      {
        ...instance,
        name: 'web#3',
        pool: 'web',
        functionId: 3,
        node: null,
        status: 'failing',
        healthy: false,
        address: null,
        port: null,
        pid: null,
        restarts: 2,
        reason: 'exited with 1',
        output: ['listen: address in use \u001b[31mred\u001b[0m'],
      },
    ],
    nodes: [
      {
        name: 'node-a',
        nodeId: 1,
        status: 'registered',
        reason: '',
        address: '10.77.0.4',
        council: true,
        fence: 'nft',
        muteMs: 20,
        functions: ['web#1'],
        version: '0.1.0',
        lastHeardAt: NOW - 200,
        drain: null,
      },
      {
        name: 'node-b',
        nodeId: 2,
        status: 'lost',
        reason: 'no keep-alive for 3 s',
        address: '10.77.0.5',
        council: true,
        fence: 'none',
        muteMs: 20,
        functions: ['web#2'],
        version: '0.1.0',
        lastHeardAt: NOW - 65_000,
        drain: null,
      },
    ],
    slots: [
      {
        pool: 'web',
        index: 0,
        id: '00000000000000a1',
        epoch: epochOf(1, 7),
        holder: 'web#1',
        node: 'node-a',
        addresses: ['10.77.0.100/24'],
        standbys: ['web#2'],
        leaseMs: 100,
        since: NOW - 59_985,
        reason: 'granted by node-a, node-b',
      },
      {
        pool: 'calc',
        index: 0,
        id: '00000000000000b2',
        epoch: 0,
        holder: null,
        node: null,
        addresses: [],
        standbys: [],
        leaseMs: 100,
        since: null,
        reason: 'no candidate is ready',
      },
    ],
    failovers: [failover],
    traffic: [traffic],
    events: [
      event(3, 'node-b is lost', 'node node-b'),
      event(2, 'web#1 took slot 0', 'slot web/0'),
      event(1),
    ],
  };
}
