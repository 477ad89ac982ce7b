// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FunctionId, functionId, type NodeId, nodeId } from '../../src/identity.ts';
import { TransferAgents } from './support/transfer-agents.ts';
import { type Host, World } from './world.ts';

/*
 * Random lives of a manager and three nodes that give each other functions and sessions. Whatever connections do
 * and whichever process ends: each order is carried out at most once, ends with one result that is true, and in the
 * end the manager knows what runs where.
 */

const kind = fc.constantFrom('move' as const, 'copy' as const, 'move-session' as const);
const host = fc.nat(2);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), host, fn: fc.nat(2) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('transfer' as const),
      host,
      to: fc.integer({ min: 1, max: 2 }),
      fn: fc.nat(2),
      kind,
      prepared: fc.boolean(),
      prepareMs: fc.nat(10),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), host, fn: fc.nat(2) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('run' as const), forMs: fc.integer({ min: 0, max: 60 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('run' as const), forMs: fc.integer({ min: 60, max: 8000 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reset' as const), host }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('silence' as const), host }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('heal' as const), host }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unreachable' as const), host }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reachable' as const), host }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('restart' as const), host, sameBoot: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('new-manager' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deregister' as const), host }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move-away' as const), host, address: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('agent' as const), host, agentMs: fc.nat(300) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

interface Request {
  /** What the agent is given when it is carried out: `move:TOKEN`. */
  readonly given: string;
  /** How many managers there were before the one it was given to. */
  readonly manager: number;
}

class Life {
  readonly world: World = new World({ keepAliveIntervalMs: 500 });
  readonly agents: TransferAgents = new TransferAgents(this.world);
  readonly requests: Map<number, Request> = new Map();
  readonly addresses: string[] = ['192.0.2.10', '192.0.2.10', '192.0.2.10'];
  managers = 0;
  /** Outputs before these are of managers that are gone. */
  managerSince = 0;
  #instances = 0;
  #lastRequest = 0;

  constructor() {
    for (const name of ['a', 'b', 'c']) {
      const each = this.world.host(name, 10 + this.world.hosts.length, { transfers: true });
      // Long enough that connections break while an order is carried out.
      each.agentMs = 20;
      this.world.toHost(each, { type: 'start' });
    }
    this.world.run(20);
  }

  take(what: Step): void {
    const { world } = this;
    if (what.do === 'run') return world.run(what.forMs);
    if (what.do === 'new-manager') return this.#replaceManager();
    const at = world.hosts[what.host] as Host;
    const link = world.links.findLast((candidate) => candidate.host === at);
    switch (what.do) {
      case 'add':
        return this.#order(`add:r${this.#lastRequest + 1}`, {
          type: 'add',
          node: at.identity,
          functionId: functionId(100 + what.fn),
          name: `r${this.#lastRequest + 1}`,
        });
      case 'delete':
        return this.#order(null, {
          type: 'delete',
          node: at.identity,
          functionId: functionId(100 + what.fn),
        });
      case 'transfer':
        return this.#transfer(at, what);
      case 'reset':
        return link && world.reset(link);
      case 'silence':
      case 'heal':
        if (link) link.silent = what.do === 'silence';
        return;
      case 'unreachable':
      case 'reachable':
        at.reachable = what.do === 'reachable';
        return;
      case 'restart':
        return this.#restart(at, what.host, what.sameBoot);
      case 'deregister':
        return this.#order(null, { type: 'deregister', node: at.identity });
      case 'move-away':
        this.addresses[what.host] = `198.51.100.${what.address}`;
        return world.toHost(at, { type: 'node-changed', addresses: [`198.51.100.${what.address}`] });
      case 'agent':
        at.agentMs = what.agentMs;
    }
  }

  /** All faults end; whatever is under way comes to its end. */
  settle(): void {
    for (const each of this.world.hosts) {
      each.reachable = true;
      each.agentMs = 0;
    }
    for (const link of this.world.links) link.silent = false;
    this.world.run(100_000);
  }

  /** What the present manager knows to run on each node, from its outputs alone. */
  known(): Map<NodeId, Map<FunctionId, string>> {
    const nodes = new Map(this.world.hosts.map(({ identity }) => [identity, new Map<FunctionId, string>()]));
    for (const output of this.world.outputs.slice(this.managerSince)) {
      const functions = 'node' in output && output.node !== null ? nodes.get(output.node) : undefined;
      if (functions === undefined) continue;
      if (output.type === 'node-left') functions.clear();
      if (output.type === 'function-status') {
        if (output.gone) functions.delete(output.functionId);
        else functions.set(output.functionId, output.status);
      }
      if (output.type === 'node-functions') {
        for (const id of functions.keys()) if (!output.functionIds.includes(id)) functions.delete(id);
      }
    }
    return nodes;
  }

  #transfer(source: Host, what: Extract<Step, { do: 'transfer' }>): void {
    const destination = this.world.hosts[(what.host + what.to) % 3] as Host;
    const token = new Uint8Array(16);
    new DataView(token.buffer).setUint32(0, this.#lastRequest + 1);
    const hex = [...token].map((octet) => octet.toString(16).padStart(2, '0')).join('');
    const id = functionId(100 + what.fn);
    if (what.prepared) {
      const prepare = { token, from: source.identity };
      this.#order(`prepare:${hex}`, { type: 'add', node: destination.identity, functionId: id, prepare });
      this.world.run(what.prepareMs);
    }
    const to = { node: destination.identity, addresses: ['2001:db8::11'], port: 51000 };
    const common = { node: source.identity, functionId: id, destination: to, token };
    this.#order(`${what.kind}:${hex}`, {
      ...common,
      ...(what.kind === 'move-session'
        ? { type: 'move-session', sessions: [{ type: 'ratio', ratio: 0.3 }] }
        : { type: what.kind }),
    });
  }

  #order(given: string | null, order: object): void {
    const requestId = ++this.#lastRequest;
    this.requests.set(requestId, { given: given ?? '', manager: this.managers });
    this.world.toManager({ requestId, ...order } as Parameters<World['toManager']>[0]);
  }

  #restart(at: Host, index: number, sameBoot: boolean): void {
    const instance = BigInt(5000 + ++this.#instances);
    const boot = sameBoot ? {} : { bootTime: BigInt(this.#instances) << 32n };
    const addresses = [this.addresses[index] ?? ''];
    const former = this.#boots.get(at) ?? {};
    this.#boots.set(at, { ...former, ...boot });
    this.world.restartHost(at, { transfers: true, addresses, instance, ...former, ...boot });
    this.agents.restarted(at, sameBoot);
  }

  readonly #boots = new Map<Host, { bootTime?: bigint }>();

  #replaceManager(): void {
    this.managers++;
    this.managerSince = this.world.outputs.length;
    const term = BigInt(this.managers + 1);
    this.world.restartManager({ keepAliveIntervalMs: 500, instance: term, term });
  }
}

test('MOVE, COPY and MOVE_SESSION are carried out at most once, and what runs where is known in the end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const life = new Life();
      const { world, agents } = life;
      for (const what of steps) life.take(what);
      life.settle();
      for (const [requestId, { given, manager }] of life.requests) {
        const results = world.of('operation-result').filter((result) => result.requestId === requestId);
        // A manager that ended has told no result, or the one.
        if (manager === life.managers) expect(results, `results of ${requestId} ${given}`).toHaveLength(1);
        else expect(results.length, `results of ${requestId} ${given}`).toBeLessThanOrEqual(1);
        if (given === '') continue;
        const times = agents.given.filter((each) => each === given).length;
        expect(times, `executions of ${given}`).toBeLessThanOrEqual(1);
        const [result] = results;
        if (result?.code === 0) expect(times, `${given} was said to be accepted`).toBe(1);
        if (result?.text.startsWith('not sent')) expect(times, `${given} was said not to be sent`).toBe(0);
      }
      const known = life.known();
      const registered = world.outputs.filter(
        (output) => output.type === 'node-registered' || output.type === 'node-moved',
      );
      for (const [at, each] of world.hosts.entries()) {
        const functions = [...(known.get(nodeId(each.identity)) ?? [])];
        expect(functions.map(([id, status]) => `${id} ${status}`).toSorted()).toEqual(agents.table(each));
        const last = registered.findLast((output) => output.node === each.identity);
        expect(last?.addresses).toEqual([life.addresses[at]]);
      }
    }),
    {
      numRuns: 150,
      examples: [
        // An address changes between REGISTRATION and the answer of a manager that is another one.
        [
          [
            { do: 'new-manager' },
            { do: 'transfer', host: 0, to: 1, fn: 0, kind: 'move', prepared: true, prepareMs: 1 },
            { do: 'move-away', host: 0, address: 0 },
          ],
        ],
        // An answer that was lost is asked for again behind the news that the function is gone.
        [
          [
            { do: 'transfer', host: 0, to: 2, fn: 1, kind: 'move', prepared: true, prepareMs: 5 },
            { do: 'delete', host: 2, fn: 1 },
            { do: 'transfer', host: 0, to: 1, fn: 0, kind: 'move', prepared: true, prepareMs: 7 },
            { do: 'run', forMs: 26 },
            { do: 'reset', host: 2 },
          ],
        ],
      ],
    },
  );
}, 90_000);
