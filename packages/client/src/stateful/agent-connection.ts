// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { WireError } from '@vnfpool/wire/bytes';
import {
  type AgentRequest,
  type AgentWelcome,
  boundReason,
  encodeFunctionMessage,
  type FunctionAnswer,
  type FunctionMessage,
  LineSplitter,
  parseAgentMessage,
} from '@vnfpool/wire/function-socket';
import { PoolError } from '../pool-error.ts';

/** What a request that was done is answered with. */
export type Done = Omit<Extract<FunctionAnswer, { readonly ok: true }>, 'id' | 'ok'>;

export interface AgentConnectionOptions {
  readonly socket: Socket;
  readonly onWelcome: (welcome: AgentWelcome) => void;
  /** Does what is asked; the signal is raised when the agent gives it up, or is gone. */
  readonly onRequest: (request: AgentRequest, signal: AbortSignal) => Promise<Done>;
  readonly onEnd: (error: PoolError) => void;
}

/** Requests under way; an agent makes 16. */
const REQUESTS_MAX = 64;

/** The function's end of the control socket. */
export class AgentConnection {
  readonly #options: AgentConnectionOptions;
  readonly #splitter = new LineSplitter();
  readonly #running = new Map<number, AbortController>();
  #ended = false;

  constructor(options: AgentConnectionOptions) {
    this.#options = options;
    const { socket } = options;
    let cause: Error | undefined;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => {
      cause = error;
    });
    socket.once('close', () => this.end(new PoolError('closed', 'the connection to the agent ended', cause)));
  }

  say(message: FunctionMessage): void {
    if (!this.#ended) this.#options.socket.write(encodeFunctionMessage(message));
  }

  end(error: PoolError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.socket.destroy();
    for (const controller of this.#running.values()) controller.abort(error);
    this.#options.onEnd(error);
  }

  #take(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.push(chunk)) {
        if (this.#ended) return;
        this.#handle(line);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.end(new PoolError('internal', `the agent is not understood: ${error.message}`, error));
    }
  }

  #handle(line: Uint8Array): void {
    const message = parseAgentMessage(line);
    switch (message.op) {
      case 'welcome':
        this.#options.onWelcome(message);
        break;
      case 'refused':
        this.end(new PoolError('refused', `the agent says: ${message.reason}`));
        break;
      case 'cancel':
        this.#running.get(message.id)?.abort(new PoolError('aborted', 'the agent has given it up'));
        break;
      default:
        void this.#answer(message);
    }
  }

  async #answer(request: AgentRequest): Promise<void> {
    const { id } = request;
    if (this.#running.size >= REQUESTS_MAX || this.#running.has(id)) {
      this.end(new PoolError('internal', 'the agent asks too much at once'));
      return;
    }
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      this.say({ id, ok: true, ...(await this.#options.onRequest(request, controller.signal)) });
    } catch (error) {
      this.say({ id, ok: false, error: boundReason(error instanceof Error ? error.message : String(error)) });
    } finally {
      this.#running.delete(id);
    }
  }
}
