// SPDX-License-Identifier: Apache-2.0
import { functionId, nodeId } from '@vnfpool/core';
import { type HandEvent, type HandManagerOptions, runHandManager } from '@vnfpool/daemons/hand-manager';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { fromHex, toHex } from '@vnfpool/wire/bytes';
import { type Ack, decodeMobility, MESSAGE_BYTES_MAX, type MobilityMessage } from '@vnfpool/wire/mobility';
import { expect, onTestFinished } from 'vitest';
import { ScriptedNode, type ScriptedNodeOptions } from './scripted-node.ts';

/*
 * What manager and node promise each other, whatever carries it: one suite for every transport, over real sockets.
 */

/** How both ends speak; `node`: the transport of the node with this ID. */
export interface Way {
  readonly transport: NonNullable<HandManagerOptions['transports']>[number];
  readonly security: HandManagerOptions['security'];
  node(id: number): StreamTransport;
}

export interface ProtocolCase {
  readonly name: string;
  run(way: Way): Promise<void>;
}

const WAIT = { timeout: 30_000, interval: 10 };
const FUNCTION = functionId(101);
const TOKEN = fromHex('00112233445566778899aabbccddeeff');

interface Scene {
  readonly manager: Awaited<ReturnType<typeof runHandManager>>['manager'];
  readonly at: { readonly host: string; readonly port: number };
  readonly events: HandEvent[];
  node(options: Pick<ScriptedNodeOptions, 'nodeId' | 'holds'>): ScriptedNode;
  /** A peer that says what it is told to, octet by octet. */
  peer(id: number): Promise<RawPeer>;
}

async function scene(way: Way, keepAliveIntervalMs = 1000): Promise<Scene> {
  const events: HandEvent[] = [];
  const running = await runHandManager({
    host: '127.0.0.1',
    port: 0,
    transports: [way.transport],
    security: way.security,
    keepAliveIntervalMs,
    onEvent: (event) => void events.push(event),
    onFault: (error) => {
      throw error;
    },
  });
  onTestFinished(() => running.stop());
  const { manager, address } = running;
  const at = { host: '127.0.0.1', port: address.port };
  return {
    manager,
    at,
    events,
    node: (options) => {
      const node = new ScriptedNode({ ...options, transport: way.node(options.nodeId), manager: at });
      onTestFinished(() => node.close());
      return node;
    },
    peer: async (id) => {
      const connection = await way.node(id).connect(at);
      onTestFinished(() => connection.close());
      return new RawPeer(connection);
    },
  };
}

class RawPeer {
  readonly connection: Connection;
  readonly messages: MobilityMessage[] = [];
  closed = false;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.onFrame((frame) => void this.messages.push(decodeMobility(new Uint8Array(frame))));
    connection.onClose(() => {
      this.closed = true;
    });
  }

  say(hex: string): void {
    this.connection.send(fromHex(hex.replaceAll(' ', '')));
  }

  async ack(sequence: number): Promise<Ack> {
    const find = () => this.messages.find((each) => each.type === 'ack' && each.sequence === sequence);
    await expect.poll(find, WAIT).toBeDefined();
    return find() as Ack;
  }
}

const add = { type: 'add', node: nodeId(10), functionId: FUNCTION, name: 'HSS' } as const;
const registered = (scene: Scene, ...ids: readonly number[]) =>
  expect
    .poll(
      () =>
        scene.manager
          .nodes()
          .filter(({ state }) => state === 'registered')
          .map((each) => each.nodeId),
      WAIT,
    )
    .toEqual(ids);
const eventsOf = ({ events }: Scene, type: HandEvent['type']) =>
  events.filter((event) => event.type === type);
const statuses = ({ events }: Scene) =>
  events.flatMap((event) =>
    event.type === 'function-status' ? [event.gone ? 'gone' : `${event.node} ${event.status}`] : [],
  );

/** REGISTRATION of node 10 by hand, sequence 1, a boot time, no extensions. */
const REGISTRATION = '0100 0018 0000 0001 0400 0004 0000 000a 0628 0008 ed00 3780 8000 0000';

export const protocolCases: readonly ProtocolCase[] = [
  {
    name: 'a node registers: addresses, state port and figures arrive; KEEP-ALIVEs go on',
    run: async (way) => {
      const here = await scene(way, 50);
      here.node({ nodeId: 10 });
      await registered(here, 10);
      expect(here.manager.node(10)).toMatchObject({
        addresses: ['127.0.0.1'],
        statePort: 50_010,
        information: { capacityGhz: 2.4, bootTime: 0xed00_3780_8000_0000n },
      });
      // It would be suspect if a KEEP-ALIVE were not answered; asked by hand, so that there are some.
      for (let n = 0; n < 20; n += 1)
        expect(
          await here.manager.order({ type: 'get', node: nodeId(10), functionId: functionId(0) }),
        ).toMatchObject({ code: 0 });
      expect(eventsOf(here, 'node-suspect')).toEqual([]);
    },
  },
  {
    name: 'a node that does not answer KEEP-ALIVEs is suspect, then lost, and its connection is closed',
    run: async (way) => {
      const here = await scene(way, 50);
      const peer = await here.peer(10);
      peer.say(REGISTRATION);
      expect(await peer.ack(1)).toMatchObject({ code: 0, nodes: [{ id: 10 }] });
      await expect.poll(() => peer.closed, WAIT).toBe(true);
      expect(peer.messages.filter(({ type }) => type === 'keep-alive').length).toBeGreaterThan(0);
      expect(here.events.map(({ type }) => type)).toEqual(
        expect.arrayContaining(['node-registered', 'node-suspect', 'node-lost']),
      );
    },
  },
  {
    name: 'ADD, GET, DELETE: each answered once, and every change told',
    run: async (way) => {
      const here = await scene(way);
      const node = here.node({ nodeId: 10 });
      await registered(here, 10);
      expect(await here.manager.order(add)).toMatchObject({ code: 0, status: 'Starting' });
      await expect.poll(() => statuses(here), WAIT).toContain('10 Running');
      const got = await here.manager.order({ type: 'get', node: nodeId(10), functionId: FUNCTION });
      expect(got).toMatchObject({
        code: 0,
        functions: [{ functionId: 101, information: { status: 'Running' } }],
      });
      const deletion = { type: 'delete', node: nodeId(10), functionId: FUNCTION } as const;
      expect(await here.manager.order(deletion)).toMatchObject({ code: 0, status: 'Unknown' });
      expect(await here.manager.order(deletion)).toMatchObject({ code: 0, status: 'Unknown' });
      expect(statuses(here)).toContain('gone');
      expect(node.orders.map(({ type }) => type)).toEqual(['add', 'delete', 'delete']);
    },
  },
  {
    name: 'MOVE: the destination is prepared first, the source is told where and by which token',
    run: async (way) => {
      const here = await scene(way);
      const [source, destination] = [here.node({ nodeId: 10 }), here.node({ nodeId: 11 })];
      await registered(here, 10, 11);
      expect(await here.manager.order(add)).toMatchObject({ code: 0 });
      const prepare = { token: TOKEN, from: nodeId(10) };
      expect(await here.manager.order({ ...add, node: nodeId(11), prepare })).toMatchObject({
        code: 0,
        status: 'Starting',
      });
      const { addresses, statePort } = here.manager.node(11) ?? { addresses: [], statePort: null };
      const to = { node: nodeId(11), addresses, port: statePort };
      const move = { type: 'move', node: nodeId(10), functionId: FUNCTION, destination: to } as const;
      expect(await here.manager.order({ ...move, token: TOKEN })).toMatchObject({
        code: 0,
        status: 'Running',
      });
      expect(destination.orders).toMatchObject([{ type: 'prepare', from: 10 }]);
      for (const order of [destination.orders[0], source.orders[1]])
        expect(order !== undefined && 'token' in order && toHex(order.token ?? new Uint8Array())).toBe(
          toHex(TOKEN),
        );
      expect(source.orders[1]).toMatchObject({
        type: 'move',
        destination: { node: 11, addresses: ['127.0.0.1'], port: 50_011 },
      });
      // As it ends: each side says what became of the function there, in the order in which it did.
      destination.give({ type: 'function-changed', functionId: FUNCTION, status: 'Running', report: null });
      await expect.poll(() => statuses(here), WAIT).toContain('11 Running');
      for (const status of ['Terminating', 'Unknown'] as const)
        source.give({ type: 'function-changed', functionId: FUNCTION, status, report: null });
      await expect.poll(() => statuses(here).slice(-2), WAIT).toEqual(['10 Terminating', 'gone']);
    },
  },
  {
    name: 'DE-REGISTRATION, by the node and by the manager',
    run: async (way) => {
      const here = await scene(way);
      const [leaving, forced] = [here.node({ nodeId: 10 }), here.node({ nodeId: 11 })];
      await registered(here, 10, 11);
      leaving.give({ type: 'stop' });
      await registered(here, 11);
      expect(await here.manager.order({ type: 'deregister', node: nodeId(11) })).toMatchObject({ code: 0 });
      await registered(here);
      await expect.poll(() => forced.events, WAIT).toContain('unmanaged: forced to leave');
      expect(eventsOf(here, 'node-left')).toMatchObject([{ node: 10 }, { node: 11 }]);
    },
  },
  {
    name: 'a connection that breaks: resumed on the next one; what was not answered is sent again and done once',
    run: async (way) => {
      const here = await scene(way);
      const node = here.node({ nodeId: 10, holds: true });
      await registered(here, 10);
      const result = here.manager.order(add);
      await expect.poll(() => node.orders.length, WAIT).toBe(1);
      node.cut();
      await expect.poll(() => node.connections.length, WAIT).toBe(2);
      await expect
        .poll(() => eventsOf(here, 'node-registered'), WAIT)
        .toMatchObject([{ resumed: false }, { resumed: true }]);
      // The number of the ADD comes again, and is known.
      await expect
        .poll(() => node.events.filter((event) => event.startsWith('duplicate')), WAIT)
        .toHaveLength(1);
      node.answerAll();
      expect(await result).toMatchObject({ code: 0, status: 'Starting' });
      expect(node.orders.map(({ type }) => type)).toEqual(['add']);
      await registered(here, 10);
    },
  },
  {
    name: 'a message of the greatest size is taken as any other',
    run: async (way) => {
      const here = await scene(way);
      const peer = await here.peer(10);
      const head = fromHex(REGISTRATION.replaceAll(' ', ''));
      const frame = new Uint8Array(MESSAGE_BYTES_MAX);
      frame.set(head);
      const view = new DataView(frame.buffer);
      view.setUint16(2, MESSAGE_BYTES_MAX - 4);
      // OP-Type 200, which nobody knows, fills the rest.
      frame[head.length] = 200;
      view.setUint16(head.length + 2, MESSAGE_BYTES_MAX - head.length - 4);
      peer.connection.send(frame);
      expect(await peer.ack(1)).toMatchObject({ code: 0 });
      await registered(here, 10);
    },
  },
  {
    name: 'malformed: ACK 128 with what could be read of it, and the connection goes on',
    run: async (way) => {
      const here = await scene(way);
      const peer = await here.peer(10);
      peer.say(REGISTRATION);
      await peer.ack(1);
      // Node ID of Length 3, then an option that runs past the end.
      peer.say('0400 000b 0000 0009 0400 0003 0000 0a');
      expect(await peer.ack(9)).toMatchObject({ code: 128, subType: 0, nodes: [{ id: 10 }] });
      peer.say('0400 000c 0000 000a 0400 0005 0000 000a');
      expect(await peer.ack(10)).toMatchObject({ code: 128 });
      peer.say('0900 000c 0000 000b 0400 0004 0000 000a');
      expect(await peer.ack(11)).toMatchObject({ code: 128 });
      // A good one behind them.
      peer.say('0500 000c 0000 000c 0400 0004 0000 000a');
      expect(await peer.ack(12)).toMatchObject({ code: 0 });
      await registered(here);
    },
  },
  {
    name: 'a Node ID that is not that of the registration: ACK 130',
    run: async (way) => {
      const here = await scene(way);
      const peer = await here.peer(10);
      peer.say(REGISTRATION);
      await peer.ack(1);
      peer.say('0500 000c 0000 0002 0400 0004 0000 000b');
      expect(await peer.ack(2)).toMatchObject({ code: 130 });
      await registered(here, 10);
    },
  },
];

/** What cannot be framed: of a stream a Length below 4; of messages one that is longer than Length can tell. */
export function unframeableCase(name: string, octets: Uint8Array): ProtocolCase {
  return {
    name,
    run: async (way) => {
      const here = await scene(way);
      const peer = await here.peer(10);
      peer.say(REGISTRATION);
      await peer.ack(1);
      peer.connection.send(octets);
      await expect.poll(() => peer.closed, WAIT).toBe(true);
      expect(peer.messages.at(-1)).toMatchObject({ type: 'error', nodes: [{ id: 10 }] });
      expect(eventsOf(here, 'event')).toMatchObject([{ event: 'malformed' }]);
      // The manager goes on for others, and for this one.
      const again = await here.peer(10);
      again.say(REGISTRATION);
      expect(await again.ack(1)).toMatchObject({ code: 0 });
    },
  };
}
