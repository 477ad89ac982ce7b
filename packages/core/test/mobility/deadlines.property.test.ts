// SPDX-License-Identifier: Apache-2.0
import {
  MobilityManager,
  type MobilityManagerInput,
  type MobilityManagerOutput,
} from '@vnfpool/core/mobility';
import type { MobilityMessage, Registration } from '@vnfpool/wire/mobility';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NodeId, nodeId } from '../../src/identity.ts';
import { takeInput } from '../../src/mobility/manager/inputs.ts';
import { close } from '../../src/mobility/manager/membership.ts';
import { ManagerEndpointState } from '../../src/mobility/manager/state.ts';
import { expireNode, isDue, nodeDeadline } from '../../src/mobility/manager/supervision.ts';
import { seeded } from './world.ts';

const OPTIONS = {
  random: seeded(7),
  instance: 9n,
  term: 0n,
  keepAliveIntervalMs: 100,
  keepAliveMisses: 2,
  ackTimeoutMs: 250,
  registrationTimeoutMs: 150,
  operationsMax: 4,
  plainNumbers: new Map(),
};

/** The slow twin: looks at every node and every connection, each time. */
class SlowManager {
  readonly #state = new ManagerEndpointState(OPTIONS);

  handle(input: MobilityManagerInput, nowMs: number): MobilityManagerOutput[] {
    this.#state.nowMs = nowMs;
    takeInput(this.#state, input);
    return this.#state.drain();
  }

  expire(nowMs: number): MobilityManagerOutput[] {
    this.#state.nowMs = nowMs;
    for (const [id, { deadlineMs }] of this.#state.connections)
      if (isDue(deadlineMs, nowMs)) close(this.#state, id, 'no registration in time');
    for (const node of this.#state.nodes.values()) expireNode(this.#state, node);
    return this.#state.drain();
  }

  nextDeadline(): number | undefined {
    const nodes = [...this.#state.nodes.values()].map((node) => nodeDeadline(this.#state, node));
    const connections = [...this.#state.connections.values()].map(
      ({ deadlineMs }) => deadlineMs ?? Number.POSITIVE_INFINITY,
    );
    const earliest = Math.min(Number.POSITIVE_INFINITY, ...nodes, ...connections);
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  }
}

/** Something that happens, and after how long; `who` is a Node ID, `which` one of its connections. */
type Happening = readonly [what: number, who: number, which: number, afterMs: number];
const happenings = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 8 }),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 0, max: 1 }),
    fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 260 })),
  ),
  { minLength: 1, maxLength: 60 },
);

function registration(node: NodeId, bootTime: bigint, sequence: number): Registration {
  const extensions = { hello: { version: 1, instance: bootTime } };
  return { type: 'registration', sequence, nodes: [{ id: node, information: { bootTime }, extensions }] };
}

/** Plays it on both and compares what comes out, and when each next wants to be woken. */
function play(story: readonly Happening[]): void {
  const [fast, slow] = [new MobilityManager(OPTIONS), new SlowManager()];
  let nowMs = 0;
  let request = 0;
  /** The newest message to each node that it may acknowledge. */
  const unanswered = new Map<number, MobilityMessage>();
  /** A connection is made once; its number may come again when it is gone. */
  const open = new Set<number>();
  const told = (outputs: readonly MobilityManagerOutput[]): string[] =>
    outputs.map((output) =>
      JSON.stringify(output, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    );
  const compare = (
    ours: MobilityManagerOutput[],
    theirs: MobilityManagerOutput[],
    isOrdered: boolean,
  ): void => {
    for (const output of ours) {
      if (output.type === 'close') open.delete(output.connection);
      if (output.type === 'send' && output.message.type !== 'ack')
        unanswered.set(output.connection, output.message);
    }
    // What is due at one time is due in any order.
    if (isOrdered) expect(told(ours)).toEqual(told(theirs));
    else expect(told(ours).sort()).toEqual(told(theirs).sort());
    expect(fast.nextDeadline()).toBe(slow.nextDeadline());
  };
  const wait = (untilMs: number): void => {
    for (let at = fast.nextDeadline(); at !== undefined && at <= untilMs; at = fast.nextDeadline()) {
      nowMs = Math.max(nowMs, at);
      compare(fast.expire(nowMs), slow.expire(nowMs), false);
    }
    nowMs = untilMs;
  };
  const submit = (input: MobilityManagerInput): void =>
    compare(fast.handle(input, nowMs), slow.handle(input, nowMs), true);
  for (const [what, who, which, afterMs] of story) {
    wait(nowMs + afterMs);
    const node = nodeId(who);
    const connection = who * 10 + which;
    const message = unanswered.get(connection);
    request += 1;
    if (what === 0) {
      if (open.has(connection)) continue;
      open.add(connection);
      submit({ type: 'connected', connection, identity: { node, name: `n${who}` } });
    } else if (what <= 2)
      submit({ type: 'message', connection, message: registration(node, BigInt(what), request) });
    else if (what <= 4 && message) {
      const subType = message.type === 'operation' ? 1 : 0;
      const ack = {
        type: 'ack' as const,
        subType,
        code: 0,
        sequence: message.sequence,
        nodes: [{ id: node }],
      };
      submit({ type: 'message', connection, message: ack });
    } else if (what === 5) {
      open.delete(connection);
      submit({ type: 'disconnected', connection });
    } else if (what === 6) submit({ type: 'get', node, functionId: 0 as never, requestId: request });
    else if (what === 7) submit({ type: 'deregister', node, requestId: request });
    else if (what === 8)
      submit({
        type: 'message',
        connection,
        message: { type: 'deregistration', sequence: request, nodes: [{ id: node }] },
      });
  }
  wait(nowMs + 2000);
}

test('deadlines that are kept agree with those that are looked for among all nodes', () => {
  fc.assert(fc.property(happenings, play), { numRuns: 300 });
});
