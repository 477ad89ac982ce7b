// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { Conntrack, type ConntrackEntry, type ConntrackFilter } from '@vnfpool/platform/conntrack';
import { NetworkGate } from '@vnfpool/platform/gate';
import { createPrivateNetwork, inNamespace } from '@vnfpool/platform/namespaces';
import { encodeFlowState, invertTuple } from '@vnfpool/wire/flow-state';
import type { StateKind } from '@vnfpool/wire/function-socket';
import { describe, expect, onTestFinished, test } from 'vitest';
import { labMissing } from '../../../../platform/test/support/lab.ts';
import { ConntrackFunctionState, functionStateLimits } from '../../../src/node/function-state/index.ts';
import { movableNetwork, movesRefusal } from '../../../src/node/movable-network.ts';

/* State that a real kernel has, in namespaces as functions get them. */

const missing = labMissing || (movesRefusal() ?? '');
const never = new AbortController().signal;
const label = randomBytes(3).toString('hex');
let made = 0;

async function gateway(options: { filter?: ConntrackFilter; events?: '1' | '2' } = {}) {
  const { filter = {}, events = '1' } = options;
  made += 1;
  const peer = `c${label}${made}`;
  const interfaces = [{ name: 'wan', peer, addresses: ['192.0.2.1/24'], peerAddresses: [] }];
  const sysctls = { 'net.netfilter.nf_conntrack_events': events };
  const network = await createPrivateNetwork(label, `g${made}`, movableNetwork({ interfaces, sysctls }));
  onTestFinished(() => network.close());
  const news: string[] = [];
  const state = new ConntrackFunctionState({
    network,
    filter,
    format: null,
    limits: functionStateLimits,
    onCount: () => undefined,
    onNews: (message) => news.push(message),
  });
  onTestFinished(() => state.close());
  const [table, gate] = inNamespace(
    network.namespace.fd,
    () => [new Conntrack(), new NetworkGate()] as const,
  );
  onTestFinished(() => {
    table.close();
    gate.dispose();
  });
  const flows = (): string[] =>
    [...table.dump()]
      .flat()
      .map(({ original, reply, mark, tcp }) => JSON.stringify([original, reply, mark, tcp?.state]))
      .sort();
  return { state, table, gate, news, flows };
}

/** A connection that is translated to a port of the gateway. */
function connection(number: number, more: Partial<ConntrackEntry> = {}): ConntrackEntry {
  const original = {
    source: Uint8Array.of(10, 1, number >> 8, number & 0xff),
    destination: Uint8Array.of(198, 51, 100, 7),
    protocol: 6,
    layer4: { kind: 'ports' as const, source: 40_000, destination: 443 },
  };
  const reply = invertTuple(original);
  return {
    original,
    reply: {
      ...reply,
      destination: Uint8Array.of(192, 0, 2, 1),
      layer4: { kind: 'ports', source: 443, destination: 20_000 + number },
    },
    status: 0x6,
    timeoutSeconds: 3600,
    zone: 0,
    zoneDirection: 'both',
    mark: 0,
    tcp: { state: 3, originalScale: 7, replyScale: 7, originalFlags: 3, replyFlags: 3 },
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
    ...more,
  };
}

const many = (count: number): ConntrackEntry[] => Array.from({ length: count }, (_, n) => connection(n));

/** What an export writes, which may then be imported. */
async function exported(state: ConntrackFunctionState, kind: StateKind): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  const write = (chunk: Uint8Array): Promise<void> => {
    chunks.push(chunk.slice());
    return Promise.resolve();
  };
  const { bytes } = await state.export(kind, write, never);
  expect(bytes).toBe(chunks.reduce((sum, { length }) => sum + length, 0));
  return chunks;
}

async function* given(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: { code: string }) => error.code,
  );

describe.skipIf(missing !== '')(`connections as state ${missing}`, () => {
  test('snapshot while serving, delta, and the last behind the gate: the other has the same', async () => {
    const [from, to] = [await gateway(), await gateway()];
    await from.state.role('active');
    expect(from.table.insert(many(3000))).toEqual([]);
    const carry = async (kind: StateKind): Promise<void> =>
      to.state.import(kind, given(await exported(from.state, kind)), never);
    await carry('snapshot');
    expect([from.state.movedSessions, to.state.movedSessions]).toEqual([3000, 3000]);

    from.table.remove(many(100));
    from.table.insert([connection(5000), connection(2000, { mark: 9 })], { ifExists: 'replace' });
    await carry('delta');
    from.table.remove([connection(200)]);
    await from.state.quiesce();
    expect(from.gate.dropped('quiesced')).not.toBeNull();
    await carry('last');
    expect(to.flows()).toEqual(from.flows());
    expect(to.state.movedSessions).toBe(2900);

    expect(to.gate.dropped('standby')).not.toBeNull();
    await to.state.role('active');
    expect(to.gate.dropped('standby')).toBeNull();
    expect(from.news).toEqual([]);
  });

  test('what a helper expects goes over in the last part', async () => {
    const [from, to] = [await gateway(), await gateway()];
    const control = connection(1, { helper: 'tftp', tcp: null });
    const udp = { ...control.original, protocol: 17 };
    const master = { ...control, original: udp, reply: { ...control.reply, protocol: 17 } };
    expect(from.table.insert([master])).toEqual([]);
    const tuple = { ...invertTuple(udp), layer4: { kind: 'ports' as const, source: 0, destination: 40_000 } };
    const mask = { ...tuple, layer4: { kind: 'ports' as const, source: 0, destination: 0xffff } };
    const expectation = { master: udp, tuple, mask, timeoutSeconds: 100, flags: 0, class: 0, zone: 0 };
    const nothing = { helper: 'tftp', translation: null, function: null };
    expect(from.table.expect([{ ...expectation, ...nothing }])).toEqual([]);
    await to.state.import('snapshot', given(await exported(from.state, 'snapshot')), never);
    expect(to.table.expectations()).toEqual([]);
    await to.state.import('last', given(await exported(from.state, 'last')), never);
    expect(to.table.expectations()).toMatchObject([{ master: udp, helper: 'tftp' }]);
    expect(to.news).toEqual([]);
  });

  test('given up: the source goes on, the destination has nothing; a delta then continues nothing', async () => {
    const [from, to] = [await gateway(), await gateway()];
    await from.state.role('active');
    from.table.insert(many(50));
    await to.state.import('snapshot', given(await exported(from.state, 'snapshot')), never);
    await from.state.quiesce();
    await from.state.resume();
    expect(from.gate.dropped('quiesced')).toBeNull();
    expect(from.news).toEqual(['frames dropped while it stood still']);
    await to.state.discard();
    expect(to.flows()).toEqual([]);
    expect(to.gate.dropped('standby')).not.toBeNull();
    expect(await codeOf(exported(from.state, 'delta'))).toBe('out-of-sequence');
    expect(await codeOf(to.state.import('delta', given([]), never))).toBe('out-of-sequence');
    await from.state.resume();
    expect(await exported(from.state, 'snapshot')).not.toEqual([]);
  });

  test('what the kernel refuses ends the import, with the reason', async () => {
    const { state } = await gateway();
    const { tcp } = connection(1);
    const nonsense = connection(1, { tcp: tcp && { ...tcp, state: 99 } });
    const octets = encodeFlowState([connection(2), nonsense].map((entry) => ({ kind: 'flow', entry })));
    await expect(state.import('snapshot', given([octets]), never)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/^the kernel refuses 1 of 2 connections: E/),
    });
  });

  test('what was cut off, or is something else, is refused; an abort is one', async () => {
    const { state } = await gateway();
    const octets = encodeFlowState([{ kind: 'flow', entry: connection(2) }]);
    expect(await codeOf(state.import('snapshot', given([octets.subarray(0, 40)]), never))).toBe('refused');
    expect(await codeOf(state.import('snapshot', given([Buffer.from('hello')]), never))).toBe('refused');
    const aborted = AbortSignal.abort(new Error('enough'));
    expect(await codeOf(state.import('snapshot', given([octets]), aborted))).toBe('aborted');
    await state.import('snapshot', given([octets]), never);
    await state.close();
    expect(await codeOf(state.import('snapshot', given([octets]), never))).toBe('closed');
  });

  test('only what the filter admits moves', async () => {
    const filter = { protocols: [6], addresses: [{ network: Uint8Array.of(10, 1, 0, 0), prefix: 24 }] };
    const from = await gateway({ filter });
    from.table.insert([connection(1), connection(2), connection(300)]);
    await exported(from.state, 'snapshot');
    expect(from.state.movedSessions).toBe(2);
  });

  test('where connections do not tell of their changes, every part lists them, and it is said', async () => {
    const from = await gateway({ events: '2' });
    from.table.insert(many(10));
    const whole = await exported(from.state, 'snapshot');
    const sizeOf = (chunks: readonly Uint8Array[]): number => Buffer.concat(chunks).length;
    expect(sizeOf(await exported(from.state, 'delta'))).toBe(sizeOf(whole));
    expect(from.news).toEqual(['connections do not tell of their changes: each part lists all of them']);
  });

  test('a standby lets nothing pass, whatever it was before', async () => {
    const { state, gate } = await gateway();
    await state.role('active');
    await state.role('active');
    expect(gate.dropped('standby')).toBeNull();
    await state.role('spare');
    expect(gate.dropped('standby')).not.toBeNull();
  });
});
