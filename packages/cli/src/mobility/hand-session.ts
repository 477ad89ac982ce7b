// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { functionId, nodeId } from '@vnfpool/core';
import type { HandEvent, HandManager, HandOrder, HandResult } from '@vnfpool/daemons/hand-manager';
import { toHex } from '@vnfpool/wire/bytes';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { painter } from '../output/paint.ts';
import { renderTable } from '../output/table.ts';
import { HAND_HELP, type HandCommand, HandCommandError, parseHandCommand } from './hand-command.ts';
import {
  describeEvent,
  describeInformation,
  describeResult,
  handFunctionColumns,
  handNodeColumns,
} from './show.ts';
import { readSpecification } from './specification-file.ts';
import {
  cancelOrder,
  isPrepared,
  type Program,
  prepareOrder,
  type Transfer,
  targetOf,
  transferOrder,
} from './transfers.ts';

const TOKEN_BYTES = 16;
/** Functions whose last line is remembered; then all are news again. */
const TOLD_MAX = 16_384;

export interface HandSessionOptions {
  readonly io: CliIo;
  /** Lines of JSON in place of text. */
  readonly json: boolean;
  /** Longest time for an answer, or for what is waited for. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Writes a line above whatever is being typed. */
  readonly print: (text: string) => void;
}

type Manager = Pick<HandManager, 'node' | 'nodes' | 'order'>;
type Answer = { readonly done: boolean; readonly text: string; readonly value: object };

/** Takes commands for a hand-held manager and tells what happens at its nodes. */
export class HandSession {
  readonly #options: HandSessionOptions;
  readonly #watchers = new Set<() => void>();
  /** Last line of each function: loads change all the time, and are nobody's news. */
  readonly #told = new Map<string, string>();
  /** What functions were started with here, by node and function. */
  readonly #programs = new Map<string, Program>();
  #manager: Manager | null = null;

  constructor(options: HandSessionOptions) {
    this.#options = options;
  }

  use(manager: Manager): void {
    this.#manager = manager;
  }

  tell(event: HandEvent): void {
    const { json, print } = this.#options;
    const line = describeEvent(event);
    if (json) print(`${toJson({ event: event.type, ...withoutType(event) })}\n`);
    else if (line !== null && this.#isNews(event, line)) print(`${line}\n`);
    if (event.type === 'function-status' && event.gone)
      this.#programs.delete(`${event.node} ${event.functionId}`);
    for (const look of this.#watchers) look();
  }

  /**
   * Carries out one line. True: it was done, or there was nothing to do; false: it was refused, or is wrong, which
   * has been told as of `place`; `quit`: enough.
   */
  async take(line: string, place: string): Promise<boolean | 'quit'> {
    const { io, json, print, signal } = this.#options;
    try {
      const command = parseHandCommand(line);
      if (command === undefined) return true;
      if (command.type === 'quit') return 'quit';
      const { done, text, value } = await this.#carryOut(command);
      if (json) print(`${toJson({ command: line.trim(), done, ...value })}\n`);
      else if (done) print(text);
      if (!done) io.err(`${place}: ${text}`);
      return done;
    } catch (error) {
      if (signal.aborted) return 'quit';
      if (!(error instanceof HandCommandError || error instanceof CliError)) throw error;
      if (json) print(`${toJson({ command: line.trim(), done: false, error: error.message })}\n`);
      io.err(`${place}: ${error.message}\n`);
      return false;
    }
  }

  async #carryOut(command: Exclude<HandCommand, { type: 'quit' }>): Promise<Answer> {
    if (this.#manager === null) throw new Error('no manager');
    const manager = this.#manager;
    const { io } = this.#options;
    const table = { now: io.now(), paint: painter(io.colour) };
    switch (command.type) {
      case 'help':
        return { done: true, text: HAND_HELP, value: { help: HAND_HELP } };
      case 'nodes': {
        const nodes = manager.nodes();
        const text =
          nodes.length === 0 ? 'no node is registered\n' : renderTable(handNodeColumns, nodes, table);
        return { done: true, text, value: { nodes } };
      }
      case 'show': {
        const node = manager.node(command.node);
        if (node === undefined) throw new HandCommandError(`no node ${command.node} is registered`);
        const head = `node ${node.nodeId} (${node.name}) ${node.state} at ${node.addresses.join(', ')}\n`;
        const functions =
          node.functions.length === 0
            ? 'no functions\n'
            : renderTable(handFunctionColumns, node.functions, table);
        return {
          done: true,
          text: `${head}${describeInformation(node.information)}${functions}`,
          value: { node },
        };
      }
      case 'wait':
        await this.#wait(command, manager);
        return { done: true, text: '', value: {} };
      case 'add':
        return await this.#add(command, manager);
      case 'move':
      case 'copy':
      case 'move-session':
        return await this.#transfer(command, manager);
      case 'deregister':
        return this.#resultOf(await this.#order(manager, { type: 'deregister', node: nodeId(command.node) }));
      case 'get':
      case 'delete': {
        const { type, node, function: id } = command;
        const result = await this.#order(manager, { type, node: nodeId(node), functionId: functionId(id) });
        const answer = this.#resultOf(result);
        const known =
          type === 'get' && id === 0 ? describeInformation(manager.node(node)?.information ?? {}) : '';
        const functions = (result.functions ?? [])
          .filter((each) => each.functionId !== 0)
          .map((each) => `function ${each.functionId}\n${describeInformation(each.information)}`);
        return { ...answer, text: `${answer.text}${known}${functions.join('')}` };
      }
    }
  }

  async #add(command: HandCommand & { readonly type: 'add' }, manager: Manager): Promise<Answer> {
    const { node, name, from } = command;
    const program = await this.#programOf(command);
    const { specification } = program;
    const token = from === null ? null : new Uint8Array(randomBytes(TOKEN_BYTES));
    const result = await this.#order(manager, {
      type: 'add',
      node: nodeId(node),
      functionId: functionId(command.function),
      ...(name === null ? {} : { name }),
      ...(specification === null ? {} : { specification }),
      ...(token === null || from === null ? {} : { prepare: { token, from: nodeId(from) } }),
    });
    const answer = this.#resultOf(result);
    if (answer.done && (name !== null || specification !== null))
      this.#programs.set(`${node} ${command.function}`, program);
    if (token === null || !answer.done) return answer;
    return {
      done: true,
      text: `${answer.text}token ${toHex(token)}, for 30 s\n`,
      value: { ...answer.value, token: toHex(token) },
    };
  }

  async #programOf({
    name,
    specification: file,
  }: HandCommand & { readonly type: 'add' | Transfer['type'] }): Promise<Program> {
    return { name, specification: file === null ? null : await readSpecification(file, this.#options.io) };
  }

  /** Both ends get one token, the destination first; what was prepared in vain is deleted again. */
  async #transfer(command: Transfer, manager: Manager): Promise<Answer> {
    if (!isPrepared(command))
      return this.#resultOf(await this.#order(manager, transferOrder(command, manager, command.token)));
    const program = await this.#programTo(command);
    const token = new Uint8Array(randomBytes(TOKEN_BYTES));
    const prepared = await this.#order(manager, prepareOrder(command, program, token));
    const at = `node ${command.to.node}: `;
    if (prepared.code >= 128)
      return { done: false, text: `${at}${describeResult(prepared)}\n`, value: { prepared } };
    const result = await this.#order(manager, transferOrder(command, manager, token));
    const answer = this.#resultOf(result);
    // Nobody will come with the token.
    if (!answer.done || result.sessions === 0n) await this.#order(manager, cancelOrder(command, token));
    else if (command.type !== 'move-session')
      this.#programs.set(`${command.to.node} ${targetOf(command)}`, program);
    return { ...answer, value: { prepared, result } };
  }

  /** What the destination has to run; of a function that takes sessions it runs already. */
  async #programTo(command: Transfer): Promise<Program> {
    const { type, node, function: source } = command;
    if (type === 'move-session') {
      if (source !== null) return { name: null, specification: null };
      throw new HandCommandError('move-session: say FUNCTION, unless with --token or --plain');
    }
    const isSaid = command.name !== null || command.specification !== null;
    const program = isSaid ? await this.#programOf(command) : this.#programs.get(`${node} ${source}`);
    if (program !== undefined) return program;
    throw new HandCommandError(
      `${type}: function ${source} of node ${node} was not started here: say --name or --spec`,
    );
  }

  #resultOf(result: HandResult): Answer {
    return { done: result.code < 128, text: `${describeResult(result)}\n`, value: { result } };
  }

  async #order(manager: Manager, order: HandOrder): Promise<HandResult> {
    return await this.#within(manager.order(order), `no answer to ${order.type}`);
  }

  async #wait(command: HandCommand & { readonly type: 'wait' }, manager: Manager): Promise<void> {
    const { node: id, function: of, status } = command;
    const isSo = (): boolean => {
      const node = manager.node(id);
      if (of === null) return node?.state === 'registered';
      const found = node?.functions.find((each) => each.functionId === of);
      return status === 'gone' ? node !== undefined && found === undefined : found?.status === status;
    };
    let look = (): void => {};
    const reached = new Promise<void>((resolve) => {
      look = () => {
        if (isSo()) resolve();
      };
      this.#watchers.add(look);
      look();
    });
    const what = of === null ? `node ${id} is not registered` : `node ${id} function ${of} is not ${status}`;
    try {
      await this.#within(reached, what);
    } finally {
      this.#watchers.delete(look);
    }
  }

  /** @throws CliError with `what` when the time is over; the signal's reason when it is aborted */
  async #within<T>(wanted: Promise<T>, what: string): Promise<T> {
    const { timeoutMs, signal } = this.#options;
    signal.throwIfAborted();
    let cleanUp = (): void => {};
    const ended = new Promise<never>((_resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      const timer = setTimeout(
        () => reject(new CliError(1, `${what} within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      signal.addEventListener('abort', onAbort, { once: true });
      cleanUp = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
    });
    try {
      return await Promise.race([wanted, ended]);
    } finally {
      cleanUp();
    }
  }

  #isNews(event: HandEvent, line: string): boolean {
    if (event.type !== 'function-status') return true;
    const key = `${event.node} ${event.functionId}`;
    if (this.#told.get(key) === line) return false;
    if (this.#told.size >= TOLD_MAX) this.#told.clear();
    if (event.gone) this.#told.delete(key);
    else this.#told.set(key, line);
    return true;
  }
}

function withoutType<T extends { readonly type: string }>({ type: _type, ...rest }: T): object {
  // An event of the endpoint has a field of that name itself.
  return 'event' in rest ? { ...rest, event: 'event', of: rest.event } : rest;
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
}
