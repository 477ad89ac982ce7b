// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { WireError } from '@vnfpool/wire/bytes';
import {
  type AgentMessage,
  type AgentRequest,
  boundReason,
  encodeAgentMessage,
  type FunctionAnswer,
  type FunctionMessage,
  LineSplitter,
  parseFunctionMessage,
} from '@vnfpool/wire/function-socket';
import { FunctionStateError } from './function-state.ts';
import { orAborted } from './waiting.ts';

type WithoutId<Request> = Request extends unknown ? Omit<Request, 'id'> : never;
/** A request before it has its number. */
export type Order = WithoutId<AgentRequest>;
/** What the answer to a request that was done says. */
export type Done = Omit<Extract<FunctionAnswer, { readonly ok: true }>, 'id' | 'ok'>;

export interface FunctionLinkOptions {
  readonly socket: Socket;
  /** A line that answers nothing. Throws `FunctionStateError` to refuse the connection. */
  readonly onMessage: (message: Exclude<FunctionMessage, FunctionAnswer>) => void;
  /** Called once; the connection is over. */
  readonly onEnd: (error: FunctionStateError) => void;
}

/** Lines of a function in a second; more are a flood. */
const LINES_PER_SECOND_MAX = 1_000;
const PENDING_MAX = 16;
/** Octets that wait for a function that does not read. */
const UNREAD_BYTES_MAX = 65_536;

interface Pending {
  readonly resolve: (done: Done) => void;
  readonly reject: (error: FunctionStateError) => void;
}

/** One connection of a function: its lines, and our requests with their answers. */
export class FunctionLink {
  readonly #options: FunctionLinkOptions;
  readonly #splitter = new LineSplitter();
  readonly #pending = new Map<number, Pending>();
  #id = 0;
  #lines = 0;
  #window: NodeJS.Timeout | undefined;
  #end: FunctionStateError | undefined;

  constructor(options: FunctionLinkOptions) {
    this.#options = options;
    const { socket } = options;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#over(new FunctionStateError('ended', 'the connection of the function ended'));
    });
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Resolves when the function has done it. Given up at the signal: it is told, and its answer is ignored. */
  async request(order: Order, signal: AbortSignal): Promise<Done> {
    if (this.#end) throw this.#end;
    if (this.#pending.size >= PENDING_MAX)
      throw new FunctionStateError('busy', `${PENDING_MAX} requests wait for answers of the function`);
    this.#id += 1;
    const id = this.#id;
    this.send({ id, ...order } as AgentRequest);
    const answered = new Promise<Done>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
    try {
      return await orAborted(answered, signal);
    } finally {
      // Still there: it was not answered but given up.
      if (this.#pending.delete(id)) this.send({ op: 'cancel', id });
    }
  }

  send(message: AgentMessage): void {
    if (this.#end) return;
    const { socket } = this.#options;
    socket.write(encodeAgentMessage(message));
    if (socket.writableLength > UNREAD_BYTES_MAX)
      this.#over(new FunctionStateError('protocol', 'the function does not read what it is told'));
  }

  /** Ends the connection without a word: the function looks for the next agent. */
  leave(): void {
    this.#over(new FunctionStateError('closed', 'the agent leaves the function'));
  }

  /** Ends the connection and says why. */
  refuse(error: FunctionStateError): void {
    this.send({ op: 'refused', reason: boundReason(error.message) });
    this.#over(error);
  }

  #take(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.push(chunk)) {
        if (this.#end) return;
        this.#count();
        this.#handle(parseFunctionMessage(line));
      }
    } catch (error) {
      if (error instanceof FunctionStateError) this.refuse(error);
      else if (error instanceof WireError)
        this.refuse(new FunctionStateError('protocol', `not understood: ${error.message}`, error));
      else throw error;
    }
  }

  #count(): void {
    this.#window ??= setTimeout(() => {
      this.#window = undefined;
      this.#lines = 0;
    }, 1_000).unref();
    this.#lines += 1;
    if (this.#lines > LINES_PER_SECOND_MAX)
      throw new FunctionStateError('protocol', `more than ${LINES_PER_SECOND_MAX} lines a second`);
  }

  #handle(message: FunctionMessage): void {
    if ('op' in message) {
      this.#options.onMessage(message);
      return;
    }
    if (message.id > this.#id)
      throw new FunctionStateError('protocol', `an answer to request ${message.id}, which was not made`);
    const pending = this.#pending.get(message.id);
    // Late: its request was given up.
    if (!pending) return;
    this.#pending.delete(message.id);
    if (message.ok) pending.resolve(message);
    else pending.reject(new FunctionStateError('refused', `the function says: ${message.error}`));
  }

  #over(error: FunctionStateError): void {
    if (this.#end) return;
    this.#end = error;
    clearTimeout(this.#window);
    const { socket, onEnd } = this.#options;
    // What was said last still goes out, if it is read; octets that come are not kept.
    socket.pause();
    socket.destroySoon();
    setTimeout(() => socket.destroy(), 1_000).unref();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    onEnd(error);
  }
}
