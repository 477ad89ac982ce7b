// SPDX-License-Identifier: Apache-2.0
import {
  type ManagerOptions,
  MobilityManager,
  type MobilityManagerInput,
  type MobilityManagerOutput,
  MobilityNode,
  type MobilityNodeInput,
  type MobilityNodeOutput,
  type NodeOptions,
} from '@vnfpool/core/mobility';
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodeMobility,
  encodeMobility,
  MobilityDecodeError,
  mobilityFrameBytes,
} from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../../wire/test/mobility/vectors.ts';
import { functionId, nodeId } from '../../src/identity.ts';
import { seeded } from './world.ts';

/* The messages worked out by hand, given to the endpoints and said by them, octet for octet. */

/** `E4` without its blanks. */
function example(name: string): string {
  const vector = VECTORS.find((candidate) => candidate.name.startsWith(`${name} `));
  if (vector === undefined) throw new Error(`no ${name}`);
  return toHex(fromHex(vector.hex));
}

type Frame = Extract<MobilityNodeInput, { readonly type: 'message' | 'malformed' | 'unframeable' }>;

/** What a driver makes of a frame, on connection 1. */
function frame(hex: string): Frame {
  const octets = fromHex(hex);
  const connection = 1;
  try {
    mobilityFrameBytes(octets.subarray(0, 4));
  } catch (error) {
    return { type: 'unframeable', connection, reason: (error as WireError).message };
  }
  try {
    return { type: 'message', connection, message: decodeMobility(octets) };
  } catch (error) {
    if (!(error instanceof MobilityDecodeError)) throw error;
    return { type: 'malformed', connection, error };
  }
}

/** Our node, registered at a plain manager; knows what the examples tell of functions 100 and 101. */
class Node {
  readonly outputs: MobilityNodeOutput[] = [];
  readonly #core: MobilityNode;

  constructor(options: Partial<NodeOptions> = {}, ack = example('E2')) {
    this.#core = new MobilityNode({
      random: seeded(1),
      nodeId: 10,
      highestTerm: 0n,
      bootTime: 0xed00_3780_8000_0000n,
      instance: 1n,
      addresses: [],
      information: { load: 3 },
      transfers: true,
      admitPlainTransfers: true,
      ...options,
    });
    this.give({ type: 'start' });
    this.give({ type: 'connected', connection: 1 });
    this.give(frame(ack));
    this.outputs.length = 0;
  }

  give(input: MobilityNodeInput): void {
    this.outputs.push(...this.#core.handle(input, 0));
  }

  /** What it said since the last call, as octets. */
  said(): string[] {
    const said = this.outputs.flatMap((output) =>
      output.type === 'send' ? [toHex(encodeMobility(output.message))] : [],
    );
    this.outputs.length = 0;
    return said;
  }

  runs(id: number, information: { name?: string; load?: number } = {}): void {
    const change = { functionId: functionId(id), information, report: null };
    this.give({ type: 'function-changed', status: 'Running', ...change });
    this.outputs.length = 0;
  }

  answer(rest: Omit<MobilityNodeInput & { type: 'answer' }, 'type' | 'operation'>): void {
    const order = this.outputs.find((output) => 'operation' in output);
    if (order === undefined || !('operation' in order)) throw new Error('the agent was given nothing');
    this.outputs.length = 0;
    this.give({ type: 'answer', operation: order.operation, ...rest });
  }
}

/** Our manager; the plain node of E1 is registered on connection 1. */
class Manager {
  readonly outputs: MobilityManagerOutput[] = [];
  readonly #core: MobilityManager;

  constructor(options: Partial<ManagerOptions> = {}) {
    this.#core = new MobilityManager({ random: seeded(1), instance: 1n, term: 1n, ...options });
    this.give({ type: 'connected', connection: 1, identity: { node: nodeId(10), name: 'a' } });
    this.give(frame(example('E1')));
  }

  give(input: MobilityManagerInput): void {
    this.outputs.push(...this.#core.handle(input, 0));
  }

  said(): string[] {
    const said = this.outputs.flatMap((output) =>
      output.type === 'send' ? [toHex(encodeMobility(output.message))] : [],
    );
    this.outputs.length = 0;
    return said;
  }
}

describe('our node says', () => {
  test('E4 to E3: its load and the status of a function', () => {
    const node = new Node();
    node.runs(100);
    node.give(frame(example('E3')));
    expect(node.said()).toEqual([example('E4')]);
  });

  test('E6 to E5: name, load and status', () => {
    const node = new Node();
    node.runs(100, { name: 'P-CSCF', load: 0.75 });
    node.give(frame(example('E5')));
    expect(node.said()).toEqual([example('E6')]);
  });

  test('E8 to E7, then E9: a function is Starting, then Running', () => {
    const node = new Node();
    node.give(frame(example('E7')));
    node.answer({ code: 0, status: 'Starting' });
    expect(node.said()).toEqual([example('E8')]);
    node.give({ type: 'function-changed', functionId: functionId(101), status: 'Running', report: null });
    expect(node.said()).toEqual([example('E9')]);
  });

  test('E11 to E10: MOVE is accepted', () => {
    const node = new Node();
    node.give(frame(example('E10')));
    expect(node.outputs).toEqual([
      {
        type: 'move',
        operation: 1,
        functionId: 101,
        destination: { node: 11, addresses: ['2001:db8::11'], port: 51000 },
        token: null,
      },
    ]);
    node.answer({ code: 0, status: 'Running' });
    expect(node.said()).toEqual([example('E11')]);
  });

  test('E13 to E12: COPY is refused with a reason', () => {
    const node = new Node();
    node.give(frame(example('E12')));
    expect(node.outputs).toMatchObject([
      { type: 'copy', functionId: 100, copyId: null, destination: { node: 12, addresses: [], port: null } },
    ]);
    node.answer({ code: 129, status: 'Running', text: 'no memory on 12' });
    expect(node.said()).toEqual([example('E13')]);
  });

  test('E15 to E14: how many sessions it selected', () => {
    const node = new Node();
    node.give(frame(example('E14')));
    expect(node.outputs).toMatchObject([
      { type: 'move-session', functionId: 100, sessions: [{ type: 'ratio', ratio: 0.3 }] },
    ]);
    node.answer({ code: 0, status: 'Running', sessions: 300n });
    expect(node.said()).toEqual([example('E15')]);
  });

  test('the answer to E16 and what follows it', () => {
    const node = new Node();
    node.runs(100);
    node.give(frame(example('E16')));
    node.answer({ code: 0, status: 'Terminating' });
    expect(node.said()).toEqual([
      '0603002300000007040000040000000a0500000400000064073200' + '0b5465726d696e6174696e67',
    ]);
  });

  test('an ACK to E18: an ERROR is heard', () => {
    const node = new Node();
    node.give(frame(example('E18')));
    expect(node.outputs).toContainEqual(
      expect.objectContaining({ event: 'peer-error', reason: 'manager overload' }),
    );
    expect(node.said()).toEqual(['0600000c00000008040000040000000a']);
  });

  test('131 to E19, of the last number there is, when it does not know its memory', () => {
    const node = new Node();
    node.give(frame(example('E19')));
    expect(node.said()[0]?.slice(0, 16)).toMatch(/^0601....83ffffff$/);
  });

  test('of E21 the very octets of the specification go to the agent', () => {
    const node = new Node();
    node.give(frame(example('E21')));
    const [order] = node.outputs;
    expect(order?.type === 'add' && order.specificationOctets && toHex(order.specificationOctets)).toBe(
      example('E21').slice(-94),
    );
  });

  test('to E23 it prepares, and to the same token again E24 with a reason besides', () => {
    const hello =
      '0600002700000001040000040000000b09ff00170000' + '7ed90000010000000000000009' + '0000000000000001';
    const node = new Node({ nodeId: 11 }, hello);
    node.give(frame(example('E23')));
    expect(node.outputs).toMatchObject([
      {
        type: 'prepare',
        functionId: 101,
        token: fromHex('00112233445566778899aabbccddeeff'),
        from: null,
      },
    ]);
    node.answer({ code: 0, status: 'Starting' });
    node.said();
    node.give(frame(example('E23').replace('0000000b04', '0000000c04')));
    const refusal = node.outputs.find(({ type }) => type === 'send');
    const [part] = refusal?.type === 'send' ? (refusal.message.nodes[0]?.functions ?? []) : [];
    const { text, ...rest } = part ?? {};
    expect(text).toBe('the token was used before');
    const bare = { ...(refusal as { message: object }).message, sequence: 11 } as never;
    expect(
      toHex(encodeMobility({ ...(bare as object), nodes: [{ id: 11, functions: [rest] }] } as never)),
    ).toBe(example('E24'));
  });

  test('E17 when it stops, of its own number', () => {
    const node = new Node();
    node.runs(100);
    node.give({ type: 'stop' });
    expect(node.said()).toEqual([example('E17')]);
  });
});

describe('our manager says', () => {
  test('E2 to E1', () => {
    const manager = new Manager();
    expect(manager.outputs.find(({ type }) => type === 'node-registered')).toMatchObject({
      node: 10,
      addresses: ['192.0.2.10'],
      information: { capacityGhz: 2.4, memoryBytes: 8_589_934_592n },
    });
    expect(manager.said()).toEqual([example('E2')]);
  });

  test('E10, E12, E14 and E16, and understands E11, E13 and E15', () => {
    const manager = new Manager();
    const node = nodeId(10);
    const token = null;
    for (const requestId of [1, 2, 3]) {
      manager.give({ type: 'get', requestId, node, functionId: functionId(100) });
    }
    manager.said();
    const ipv6 = { node: nodeId(11), addresses: ['2001:db8::11'], port: 51_000 };
    const bare = { addresses: [], port: null };
    manager.give({
      type: 'move',
      requestId: 4,
      node,
      functionId: functionId(101),
      destination: ipv6,
      token,
    });
    manager.give({
      type: 'copy',
      requestId: 5,
      node,
      functionId: functionId(100),
      destination: { node: nodeId(12), ...bare },
      token,
    });
    manager.give({
      type: 'move-session',
      requestId: 6,
      node,
      functionId: functionId(100),
      sessions: [{ type: 'ratio', ratio: 0.3 }],
      destination: { node: nodeId(11), ...bare },
      token,
    });
    manager.give({ type: 'delete', requestId: 7, node, functionId: functionId(100) });
    expect(manager.said()).toEqual(['E10', 'E12', 'E14', 'E16'].map(example));
    for (const name of ['E11', 'E13', 'E15']) manager.give(frame(example(name)));
    expect(manager.outputs.filter(({ type }) => type === 'operation-result')).toMatchObject([
      { requestId: 4, code: 0, status: 'Running' },
      { requestId: 5, code: 129, status: 'Running', text: 'no memory on 12' },
      { requestId: 6, code: 0, status: 'Running', sessions: 300n },
    ]);
  });

  test('an ACK to E9 and E17, the reports of a node', () => {
    const manager = new Manager();
    manager.said();
    manager.give(frame(example('E9')));
    expect(manager.outputs.find(({ type }) => type === 'function-status')).toMatchObject({
      functionId: 101,
      status: 'Running',
    });
    manager.give(frame(example('E17')));
    expect(manager.said()).toEqual(['0600000c00000002040000040000000a', '0600000c00000003040000040000000a']);
  });

  test('to E20 an ID and its own extension 0', () => {
    const manager = new Manager();
    manager.give({ type: 'connected', connection: 1, identity: { node: nodeId(12), name: 'b' } });
    manager.said();
    manager.give(frame(example('E20')));
    const [ack] = manager.said();
    expect(
      ack?.startsWith('06000039' + '00000001' + '040000040000000c' + '09ff00170000' + '7ed9000001'),
    ).toBe(true);
  });
});

describe('to be rejected', () => {
  const rejections = [
    { name: 'Node ID of Length 3', hex: '0400000b000000090400000300000a', sequence: 9, subType: 0 },
    { name: 'option past the end', hex: '0200000c0000000a040000050000000a', sequence: 10, subType: 0 },
    {
      name: 'MOVE without destination',
      hex: '030400140000000b040000040000000a0500000400000065',
      sequence: 11,
      subType: 4,
    },
  ];

  test.each(rejections)('$name: ACK 128 with a reason, by either end', ({ hex, sequence, subType }) => {
    const [node, manager] = [new Node(), new Manager()];
    manager.said();
    for (const end of [node, manager]) {
      end.give(frame(hex));
      const said = end.said();
      expect(said).toHaveLength(1);
      const ack = decodeMobility(fromHex(said[0] ?? ''));
      expect(ack).toMatchObject({ type: 'ack', code: 128, sequence, subType, nodes: [{ id: 10 }] });
      expect(ack.nodes[0]?.text).toMatch(/\w/);
    }
  });

  test('Length below 4: ERROR and close, by either end', () => {
    const [node, manager] = [new Node(), new Manager()];
    manager.said();
    for (const end of [node, manager]) {
      end.give(frame('02000003000000'));
      expect(end.outputs.filter(({ type }) => type === 'close')).toHaveLength(1);
      const types = end.outputs.map(({ type }) => type);
      expect(types.indexOf('send')).toBeLessThan(types.indexOf('close'));
      expect(decodeMobility(fromHex(end.said()[0] ?? ''))).toMatchObject({ type: 'error' });
    }
  });
});
