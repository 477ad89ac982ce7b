// SPDX-License-Identifier: Apache-2.0
import {
  MobilityManager,
  type MobilityManagerInput,
  type MobilityManagerOutput,
  MobilityNode,
  type MobilityNodeInput,
  type MobilityNodeOutput,
  type NodeOptions,
  type PlainNumbers,
} from '@vnfpool/core/mobility';
import { toHex } from '@vnfpool/wire/bytes';
import { decodeMobility, encodeMobility } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { functionId, type NodeId, nodeId } from '../../src/identity.ts';
import { ids, type PlainMessage, readPlain, textOf } from './support/plain-codec.ts';
import { PlainManager } from './support/plain-manager.ts';
import { PlainNode } from './support/plain-node.ts';
import { seeded } from './world.ts';

/* Either end against peers that know the draft alone, over octets. */

const OUR_EXTENSIONS = '00007ed9';
const T = 1000;
const ADDRESS = '2001:db8::11';
/** As a plain node reads it, octet by octet. */
const ADDRESS_OCTETS = [0x20, 0x01, 0x0d, 0xb8, ...Array(11).fill(0), 0x11].join('.');

/** Our manager and plain nodes; what is sent arrives in the same instant, in order. */
class PlainWorld {
  nowMs = 0;
  readonly outputs: MobilityManagerOutput[] = [];
  /** What our manager sent, on all connections. */
  readonly octets: Uint8Array[] = [];
  /** What survives of the manager. */
  readonly disk = new Map<NodeId, PlainNumbers>();
  #manager = new MobilityManager({ random: seeded(3), instance: 1n, term: 1n });
  readonly #nodes = new Map<number, PlainNode>();
  readonly #queue: (() => void)[] = [];
  #isRunning = false;
  #last = 0;

  connect(node: PlainNode): number {
    const connection = ++this.#last;
    this.#nodes.set(connection, node);
    node.send = (octets) =>
      this.#later(() => {
        const message = decodeMobility(octets);
        if (this.#nodes.has(connection)) this.give({ type: 'message', connection, message });
      });
    this.give({ type: 'connected', connection, identity: { node: nodeId(node.id), name: `n${node.id}` } });
    node.register();
    return connection;
  }

  /** Another process in place of the manager, with what it had on disk. */
  restart(): void {
    this.#nodes.clear();
    const plainNumbers = new Map(this.disk);
    this.#manager = new MobilityManager({ random: seeded(4), instance: 2n, term: 2n, plainNumbers });
  }

  cut(connection: number): void {
    this.#nodes.delete(connection);
    this.give({ type: 'disconnected', connection });
  }

  give(input: MobilityManagerInput): void {
    this.#later(() => this.#carryOut(this.#manager.handle(input, this.nowMs)));
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    for (let spins = 0; spins < 10_000; spins++) {
      const deadline = this.#manager.nextDeadline();
      if (deadline === undefined || deadline > untilMs) break;
      this.nowMs = deadline;
      this.#later(() => this.#carryOut(this.#manager.expire(this.nowMs)));
    }
    this.nowMs = untilMs;
  }

  of<Type extends MobilityManagerOutput['type']>(
    type: Type,
  ): Extract<MobilityManagerOutput, { type: Type }>[] {
    return this.outputs.filter((output) => output.type === type) as never;
  }

  result(requestId: number): Extract<MobilityManagerOutput, { type: 'operation-result' }> | undefined {
    return this.of('operation-result').find((result) => result.requestId === requestId);
  }

  #carryOut(outputs: readonly MobilityManagerOutput[]): void {
    this.outputs.push(...outputs);
    for (const output of outputs) {
      if (output.type === 'reserve-numbers') this.disk.set(output.node, output);
      if (output.type !== 'send') continue;
      const octets = encodeMobility(output.message);
      this.octets.push(octets);
      const { bootTime, upTo } = this.disk.get(nodeId(10)) ?? { bootTime: -1n, upTo: 0 };
      if (output.message.type !== 'ack' && output.message.nodes[0]?.id === 10) {
        expect(output.message.sequence, `reserved with boot time ${bootTime}`).toBeLessThanOrEqual(upTo);
      }
      this.#later(() => this.#nodes.get(output.connection)?.take(octets));
    }
  }

  /** One after the other, never one within the other. */
  #later(run: () => void): void {
    this.#queue.push(run);
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) next();
    this.#isRunning = false;
  }
}

function plainPair(): { world: PlainWorld; a: PlainNode; b: PlainNode; first: number } {
  const world = new PlainWorld();
  const b = new PlainNode(11, ['HSS']);
  const a = new PlainNode(10, ['HSS'], (address, port) =>
    address === ADDRESS_OCTETS && port === 51_000 ? b : undefined,
  );
  const first = world.connect(a);
  world.connect(b);
  return { world, a, b, first };
}

const hss = { node: nodeId(10), functionId: functionId(101) };
const to = { node: nodeId(11), addresses: [ADDRESS], port: 51_000 };

describe('our manager and plain nodes', () => {
  test('they register, are kept alive, and get none of our extensions', () => {
    const { world, a } = plainPair();
    world.run(10 * T);
    expect(world.of('node-registered').map(({ node, leaseEndpoint }) => [node, leaseEndpoint])).toEqual([
      [10, null],
      [11, null],
    ]);
    expect(world.of('node-registered')[0]).toMatchObject({ addresses: ['192.0.2.10'] });
    expect(world.of('node-suspect')).toEqual([]);
    expect(world.octets.filter((octets) => octets[0] === 2).length).toBeGreaterThanOrEqual(18);
    expect(a.acknowledged).toEqual([{ sequence: 1, code: 0 }]);
    expect(world.octets.map(toHex).filter((hex) => hex.includes(OUR_EXTENSIONS))).toEqual([]);
  });

  test('ADD by name, GET of each value, DELETE', () => {
    const { world, a } = plainPair();
    world.give({ type: 'add', requestId: 1, ...hss, name: 'HSS' });
    world.give({ type: 'add', requestId: 2, ...hss, functionId: functionId(102), name: 'none such' });
    world.give({ type: 'get', requestId: 3, ...hss });
    world.give({ type: 'get', requestId: 4, ...hss, functionId: functionId(103) });
    expect(world.result(1)).toMatchObject({ code: 0, status: 'Starting' });
    expect(world.result(2)).toMatchObject({ code: 128, text: 'no program none such' });
    expect(world.result(3)?.functions).toEqual([
      { functionId: 101, information: { name: 'HSS', status: 'Running' }, report: null },
    ]);
    expect(world.result(4)).toMatchObject({ code: 131 });
    expect(world.of('function-status').map(({ status }) => status)).toEqual([
      'Starting',
      'Running',
      'Running',
    ]);
    world.give({ type: 'delete', requestId: 5, ...hss });
    expect(world.result(5)).toMatchObject({ code: 0, status: 'Terminating' });
    expect(world.of('function-status').at(-1)).toMatchObject({
      status: 'Unknown',
      gone: true,
      reason: 'terminated',
    });
    expect(a.done).toEqual(['add 101', 'delete 101']);
  });

  test('plain MOVE: the address and port of the destination, no token; both tell how it ended', () => {
    const { world, a, b } = plainPair();
    world.give({ type: 'add', requestId: 1, ...hss, name: 'HSS' });
    world.give({ type: 'move', requestId: 2, ...hss, destination: to, token: null });
    const move = world.octets.find((octets) => octets[0] === 3 && octets[1] === 4);
    // As the worked example E10 but for its number.
    expect(move && toHex(move)).toBe(
      '0304003600000002040000040000000a040000040000000b0200001020010db80000000000000000000000110300' +
        '0002c7380500000400000065',
    );
    expect(world.result(2)).toMatchObject({ code: 0, status: 'Running' });
    const told = world.of('function-status').map(({ node, status, gone }) => [node, status, gone]);
    expect(told.slice(-3)).toEqual([
      [11, 'Running', false],
      [10, 'Terminating', false],
      [10, 'Unknown', true],
    ]);
    expect([a.functions.size, b.functions.get(101)]).toEqual([0, { name: 'HSS', state: 'Running' }]);
    expect(world.octets.map(toHex).filter((hex) => hex.includes(OUR_EXTENSIONS))).toEqual([]);
  });

  test('what needs our extensions is not sent to them: a token, a prepared destination', () => {
    const { world } = plainPair();
    const before = world.octets.length;
    const token = new Uint8Array(16);
    world.give({ type: 'move', requestId: 1, ...hss, destination: to, token });
    const prepare = { token, from: nodeId(11) };
    world.give({ type: 'add', requestId: 2, ...hss, name: 'HSS', prepare });
    expect([world.result(1)?.code, world.result(1)?.error]).toEqual([128, 4]);
    expect([world.result(2)?.code, world.result(2)?.error]).toEqual([128, 4]);
    expect(world.octets.length).toBe(before);
  });

  test('a MOVE whose answer was lost is sent again under its number, and done once', () => {
    const { world, a, first } = plainPair();
    world.give({ type: 'add', requestId: 1, ...hss, name: 'HSS' });
    const { send } = a;
    a.send = () => {};
    world.give({ type: 'move', requestId: 2, ...hss, destination: to, token: null });
    a.send = send;
    expect(world.result(2)).toBeUndefined();
    world.cut(first);
    world.connect(a);
    expect(a.done).toEqual(['add 101', 'move 101']);
    expect(world.result(2)).toMatchObject({ code: 0 });
    expect(world.of('node-registered').at(-1)).toMatchObject({ resumed: true });
  });

  test('to one that does not tell its boot time numbers go on: it may remember the old ones', () => {
    const world = new PlainWorld();
    const node = new PlainNode(10, ['HSS']);
    node.tellsBootTime = false;
    const first = world.connect(node);
    world.give({ type: 'add', requestId: 1, ...hss, name: 'HSS' });
    world.cut(first);
    world.connect(node);
    world.give({ type: 'delete', requestId: 2, ...hss });
    expect(node.done).toEqual(['add 101', 'delete 101']);
    expect(world.result(2)).toMatchObject({ code: 0, status: 'Terminating' });
  });

  test.each([{ tellsBootTime: true }, { tellsBootTime: false }])(
    'after a restart of the manager numbers go on behind those on disk, boot time told: $tellsBootTime',
    ({ tellsBootTime }) => {
      const world = new PlainWorld();
      const node = new PlainNode(10, ['HSS']);
      node.tellsBootTime = tellsBootTime;
      world.connect(node);
      world.give({ type: 'add', requestId: 1, ...hss, name: 'HSS' });
      world.run(10_000 * T);
      expect(world.of('reserve-numbers').length).toBe(3);
      world.restart();
      world.connect(node);
      world.give({ type: 'delete', requestId: 2, ...hss });
      expect(node.done).toEqual(['add 101', 'delete 101']);
      expect(world.result(2)).toMatchObject({ code: 0, status: 'Terminating' });
    },
  );

  test('numbers of another boot time are of no concern', () => {
    const world = new PlainWorld();
    world.disk.set(nodeId(10), { bootTime: 1n, upTo: 5000 });
    world.restart();
    world.connect(new PlainNode(10, ['HSS']));
    world.give({ type: 'add', requestId: 1, ...hss, name: 'HSS' });
    const add = world.octets.find((octets) => octets[0] === 3);
    expect(add && readPlain(add).sequence).toBe(1);
  });

  test('ERROR is acknowledged, DE-REGISTRATION too; forced to leave, a node answers', () => {
    const { world, a, b } = plainPair();
    a.error('out of memory');
    expect(world.of('event')).toMatchObject([{ event: 'peer-error', reason: 'out of memory' }]);
    a.leave();
    expect(a.acknowledged.map(({ sequence, code }) => [sequence, code])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    world.give({ type: 'deregister', requestId: 1, node: nodeId(b.id) });
    expect(world.result(1)).toMatchObject({ code: 0 });
    expect(world.of('node-left').map(({ node }) => node)).toEqual([10, 11]);
  });
});

/** A plain manager and our node; its agent does at once what it is told. */
class PlainManagement {
  nowMs = 0;
  readonly manager = new PlainManager(10);
  readonly outputs: MobilityNodeOutput[] = [];
  /** What our node sent. */
  readonly octets: Uint8Array[] = [];
  readonly #node: MobilityNode;
  #connection = 0;

  constructor(options: Partial<NodeOptions> = {}) {
    this.#node = new MobilityNode({
      random: seeded(5),
      nodeId: 0,
      highestTerm: 0n,
      bootTime: 0xed00_3780_8000_0000n,
      instance: 4n,
      addresses: ['192.0.2.10'],
      information: { memoryBytes: 8_589_934_592n },
      ...options,
    });
    this.manager.send = (octets) =>
      this.give({ type: 'message', connection: this.#connection, message: decodeMobility(octets) });
    this.give({ type: 'start' });
  }

  give(input: MobilityNodeInput): void {
    this.#carryOut(this.#node.handle(input, this.nowMs));
  }

  run(forMs: number): void {
    this.nowMs += forMs;
    this.#carryOut(this.#node.expire(this.nowMs));
  }

  #carryOut(outputs: readonly MobilityNodeOutput[]): void {
    this.outputs.push(...outputs);
    for (const output of outputs) {
      if (output.type === 'connect') this.give({ type: 'connected', connection: ++this.#connection });
      if (output.type === 'send') {
        const octets = encodeMobility(output.message);
        this.octets.push(octets);
        this.manager.take(octets);
      }
      if (!('operation' in output) || output.type === 'configure' || output.type === 'state-order') continue;
      const { operation, functionId: id } = output;
      const [now, then] =
        output.type === 'add' ? (['Starting', 'Running'] as const) : (['Running', 'Unknown'] as const);
      this.give({ type: 'answer', operation, code: 0, status: now });
      if (id === null) continue;
      const information = output.type === 'add' && output.name !== null ? { name: output.name } : {};
      this.give({
        type: 'function-changed',
        functionId: id,
        status: then,
        report: null,
        information,
        reason: then === 'Unknown' ? output.type : '',
      });
    }
  }
}

/** Type, sub-type and code, then the values of 7/50. */
function said(message: PlainMessage | undefined): (number | string)[] {
  if (message === undefined) return [];
  const statuses = message.options.filter(({ type, sub }) => type === 7 && sub === 50).map(textOf);
  return [message.type, message.sub, message.code, ...statuses];
}

describe('a plain manager and our node', () => {
  test('it gives the node its ID, and the node is managed while it asks', () => {
    const world = new PlainManagement();
    const { manager, outputs, octets } = world;
    expect(said(manager.told[0])).toEqual([1, 0, 0]);
    expect(outputs).toContainEqual({ type: 'persist', nodeId: 10, highestTerm: 0n });
    expect(outputs).toContainEqual({ type: 'managed', nodeId: 10, term: null });
    for (let at = 0; at < 10; at++) {
      world.run(T);
      manager.keepAlive();
    }
    expect(manager.acks.map(said)).toEqual(Array(10).fill([6, 0, 0]));
    expect(outputs.some(({ type }) => type === 'unmanaged')).toBe(false);
    // Only REGISTRATION may tell who knows more.
    const extended = octets.filter((each) => toHex(each).includes(OUR_EXTENSIONS)).map((each) => each[0]);
    expect(extended).toEqual([1]);
  });

  test('ADD, GET and DELETE by the draft alone', () => {
    const { manager, outputs, octets } = new PlainManagement();
    manager.add(101, 'HSS');
    expect(outputs.find(({ type }) => type === 'add')).toMatchObject({
      functionId: 101,
      name: 'HSS',
      specification: null,
      assignment: null,
    });
    expect(said(manager.acks.at(-1))).toEqual([6, 2, 0, 'Starting']);
    expect(said(manager.told.at(-1))).toEqual([4, 0, 0, 'Running']);
    manager.get(101, 1, 50);
    expect(said(manager.acks.at(-1))).toEqual([6, 1, 0, 'Running']);
    expect(manager.acks.at(-1)?.options.map(({ type, sub }) => [type, sub])).toEqual([
      [4, 0],
      [5, 0],
      [7, 1],
      [7, 50],
    ]);
    manager.get(0, 10);
    expect(textOf(manager.acks.at(-1)?.options.find(({ type }) => type === 6))).toBe('8589934592');
    manager.get(999, 50);
    expect(said(manager.acks.at(-1))).toEqual([6, 1, 128]);
    manager.delete(101);
    expect(said(manager.told.at(-1))).toEqual([4, 0, 0, 'Unknown']);
    expect(textOf(manager.told.at(-1)?.options.find(({ type }) => type === 9))).toBe('delete');
    expect(octets.slice(1).filter((each) => toHex(each).includes(OUR_EXTENSIONS))).toEqual([]);
  });

  test('its MOVE is refused with 130; both Node IDs, the function and its status are named', () => {
    const { manager, outputs } = new PlainManagement({ transfers: true });
    manager.add(101, 'HSS');
    manager.move(101, 11, [192, 0, 2, 11], 51_000);
    const ack = manager.acks.at(-1);
    expect(said(ack)).toEqual([6, 4, 130, 'Running']);
    expect(ack && [ids(ack, 4), ids(ack, 5)]).toEqual([[10, 11], [101]]);
    expect(outputs.some(({ type }) => type === 'move')).toBe(false);
  });

  test('its MOVE is carried out where plain peers are admitted', () => {
    const { manager, outputs, octets } = new PlainManagement({ transfers: true, admitPlainTransfers: true });
    manager.add(101, 'HSS');
    manager.move(101, 11, [192, 0, 2, 11], 51_000);
    expect(outputs.find(({ type }) => type === 'move')).toMatchObject({
      functionId: 101,
      destination: { node: 11, addresses: ['192.0.2.11'], port: 51_000 },
      token: null,
    });
    expect(said(manager.acks.at(-1))).toEqual([6, 4, 0, 'Running']);
    expect(said(manager.told.at(-1))).toEqual([4, 0, 0, 'Unknown']);
    expect(octets.slice(1).filter((each) => toHex(each).includes(OUR_EXTENSIONS))).toEqual([]);
  });

  test('a node that it forces to leave stays away for 60 s and tells its functions again', () => {
    const world = new PlainManagement();
    world.manager.add(101, 'HSS');
    world.manager.forceToLeave();
    expect(said(world.manager.acks.at(-1))).toEqual([6, 0, 0]);
    const before = world.manager.told.length;
    world.run(59_000);
    expect(world.manager.told.length).toBe(before);
    world.run(1_001);
    expect(world.manager.told.slice(before).map(said)).toEqual([
      [1, 0, 0],
      [4, 0, 0, 'Running'],
    ]);
  });
});

test('the second reader and ours read one thing', () => {
  const octets = encodeMobility({ type: 'deregistration', sequence: 0x010203, nodes: [{ id: 10 }] });
  expect(readPlain(octets)).toMatchObject({ type: 5, sub: 0, code: 0, sequence: 0x010203 });
});
