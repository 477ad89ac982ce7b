// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { type FunctionId, functionId, nodeId } from '@vnfpool/core';
import {
  type HandEvent,
  type HandFunction,
  type HandManager,
  type HandResult,
  runHandManager,
} from '@vnfpool/daemons/hand-manager';
import { runNodeAlone } from '@vnfpool/daemons/node-alone';
import { silentLogger } from '@vnfpool/runtime/logging';
import type { FunctionSpecification, SessionInformation } from '@vnfpool/wire/mobility';
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../node/function-state/fake-function.ts';
import { Client } from '../node/function-state/programs.ts';

/** The function at node 10, from which sessions go, and that at node 11. */
export const HERE: FunctionId = functionId(101);
export const THERE: FunctionId = functionId(202);
export const WAIT = { timeout: 30_000 };
export const ALL = { type: 'all', subType: 3 } as const;

/** A manager and the agents of two nodes. */
export class Scene {
  readonly manager: HandManager;
  readonly events: HandEvent[];

  constructor(manager: HandManager, events: HandEvent[]) {
    this.manager = manager;
    this.events = events;
  }

  static async open(): Promise<Scene> {
    const events: HandEvent[] = [];
    const running = await runHandManager({
      host: '127.0.0.1',
      port: 0,
      security: { kind: 'plain' },
      onEvent: (event) => void events.push(event),
      onFault: (error) => {
        throw error;
      },
    });
    onTestFinished(() => running.stop());
    const { manager, address } = running;
    for (const id of [10, 11]) {
      const agent = await runNodeAlone(
        {
          state: temporaryFolder(),
          manager: { host: '127.0.0.1', port: address.port },
          security: { kind: 'plain' },
          listen: '127.0.0.1',
          statePort: 0,
          loopback: true,
          nodeId: id,
          catalogue: null,
        },
        silentLogger,
      );
      onTestFinished(() => agent.stop());
    }
    await expect.poll(() => manager.nodes().map(({ nodeId: id }) => id), WAIT).toEqual([10, 11]);
    return new Scene(manager, events);
  }

  /** Starts the program on both nodes. */
  async start(
    specification: FunctionSpecification,
    there: FunctionSpecification = specification,
  ): Promise<readonly [Client, Client]> {
    const clients: Client[] = [];
    for (const [node, id, program] of [
      [10, HERE, specification],
      [11, THERE, there],
    ] as const) {
      const order = {
        node: nodeId(node),
        functionId: id,
        name: 'kv',
        specification: { ...program, port: 0 },
      };
      expect(await this.manager.order({ type: 'add', ...order })).toMatchObject({ code: 0 });
      clients.push(await this.client(node, id));
    }
    return clients as [Client, Client];
  }

  find(node: number, id: number): HandFunction | undefined {
    return this.manager.node(node)?.functions.find((each) => each.functionId === id);
  }

  /** A client of a program that serves, and whose agent knows that its sessions can move. */
  async client(node: number, id: number): Promise<Client> {
    await expect.poll(() => this.find(node, id)?.report?.sessions, WAIT).toBeTypeOf('number');
    let client: Client | null = null;
    await expect
      .poll(async () => {
        client = await Client.open(this.find(node, id)?.report?.port ?? 0);
        return await client.ask('get nothing');
      }, WAIT)
      .toBe('none');
    return client as unknown as Client;
  }

  async prepare(token: Uint8Array, specification?: FunctionSpecification): Promise<HandResult> {
    return await this.manager.order({
      type: 'add',
      node: nodeId(11),
      functionId: THERE,
      ...(specification ? { specification: { ...specification, port: 0 } } : {}),
      prepare: { token, from: nodeId(10) },
    });
  }

  async order(
    token: Uint8Array | null,
    sessions: readonly SessionInformation[],
    id: FunctionId | null = HERE,
  ): Promise<HandResult> {
    const told = this.manager.node(11);
    const destination = { node: nodeId(11), addresses: told?.addresses ?? [], port: told?.statePort ?? null };
    const target = id === null ? {} : { targetFunctionId: THERE };
    return await this.manager.order({
      type: 'move-session',
      node: nodeId(10),
      functionId: id,
      ...target,
      sessions,
      destination,
      token,
    });
  }

  /** Prepares, orders and waits for the end; once more where a busy machine would make the pause too long. */
  async move(...sessions: SessionInformation[]): Promise<HandResult> {
    for (let attempt = 0; ; attempt += 1) {
      const token = new Uint8Array(randomBytes(16));
      expect(await this.prepare(token)).toMatchObject({ code: 0, status: 'Running' });
      const before = this.events.length;
      const result = await this.order(token, sessions);
      if (result.code !== 0 || result.sessions === 0n) return result;
      const what = result.sessions === 1n ? '1 session' : `${result.sessions} sessions`;
      const ends = [`10: ${what} moved to node 11`, `11: ${what} came from node 10`];
      const failed = (): string[] =>
        ['10: sessions not moved to node 11', '11: sessions not moved here'].flatMap(
          (begin) => this.reasons(before).find((each) => each.startsWith(begin)) ?? [],
        );
      const isOver = (): boolean =>
        failed().length === 2 || ends.every((each) => this.reasons(before).includes(each));
      await expect.poll(isOver, WAIT).toBe(true);
      const [why] = failed();
      if (why === undefined) return result;
      if (attempt === 5 || !why.includes('the pause would be')) throw new Error(why);
    }
  }

  /** What was told of the functions since then, each once. */
  reasons(from = 0): string[] {
    const told = this.events
      .slice(from)
      .flatMap((event) => (event.type === 'function-status' ? [`${event.node}: ${event.reason}`] : []));
    return [...new Set(told)];
  }
}
