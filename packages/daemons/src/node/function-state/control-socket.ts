// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server, type Socket } from 'node:net';
import {
  FUNCTION_SOCKET_VERSION,
  type FunctionAnswer,
  type FunctionHello,
  type FunctionMessage,
} from '@vnfpool/wire/function-socket';
import { listenOnUnixSocket, removeUnixSocket } from '../../management-api/unix-socket.ts';
import { FunctionLink } from './function-link.ts';
import { FunctionStateError } from './function-state.ts';
import { Deadline } from './waiting.ts';

export interface ControlSocketOptions {
  readonly path: string;
  /** What the specification says; a function that says another is refused. */
  readonly format: string | null;
  /** Time for the first line. */
  readonly helloMs: number;
  /** A function is there. Throws `FunctionStateError` to refuse it. */
  readonly onConnected: (link: FunctionLink, format: string | null, hello: FunctionHello) => void;
  /** It says something unasked, after its first line. */
  readonly onMessage: (message: Exclude<FunctionMessage, FunctionAnswer | { readonly op: 'hello' }>) => void;
  /** It is gone. */
  readonly onDisconnected: (error: FunctionStateError) => void;
  /** A connection was refused. */
  readonly onRefused: (error: FunctionStateError) => void;
}

/** Connections at once, those that have not said their first line included; more are closed by the system. */
const CONNECTIONS_MAX = 4;

/** The socket on which an agent waits for one function: one connection that has said `hello` counts. */
export class ControlSocket {
  readonly #options: ControlSocketOptions;
  readonly #server: Server;
  readonly #links = new Set<FunctionLink>();
  #current: FunctionLink | null = null;

  private constructor(options: ControlSocketOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  static async listen(options: ControlSocketOptions): Promise<ControlSocket> {
    const socket = new ControlSocket(options);
    await listenOnUnixSocket(socket.#server, options.path);
    return socket;
  }

  /** @param isLeft the function lives on, and is to look for the next agent */
  async close(isLeft: boolean): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const link of this.#links) {
      if (isLeft) link.leave();
      else link.refuse(new FunctionStateError('closed', 'the agent is done'));
    }
    await closed;
    await removeUnixSocket(this.#options.path);
  }

  #accept(socket: Socket): void {
    const { helloMs, onDisconnected, onMessage, onRefused } = this.#options;
    const deadline = new Deadline((error) => link.refuse(error));
    const link: FunctionLink = new FunctionLink({
      socket,
      onMessage: (message) => {
        if (message.op === 'hello') {
          this.#welcome(link, message);
          deadline.disarm();
        } else if (this.#current === link) onMessage(message);
        else throw new FunctionStateError('protocol', 'the first line is not hello');
      },
      onEnd: (error) => {
        deadline.disarm();
        this.#links.delete(link);
        if (error.code === 'protocol' || error.code === 'not-answered') onRefused(error);
        if (this.#current !== link) return;
        this.#current = null;
        onDisconnected(error);
      },
    });
    this.#links.add(link);
    deadline.arm(helloMs, 'a connection said no hello');
  }

  #welcome(link: FunctionLink, hello: FunctionHello): void {
    const { onConnected, format: expected } = this.#options;
    const { v } = hello;
    const format = hello.format ?? null;
    const refuse = (why: string): never => {
      throw new FunctionStateError('protocol', why);
    };
    if (v !== FUNCTION_SOCKET_VERSION)
      refuse(`version ${v} is not understood; ${FUNCTION_SOCKET_VERSION} is`);
    if (this.#current === link) refuse('hello was said before');
    if (this.#current) refuse('another connection of this function is open');
    if (expected !== null && format !== null && format !== expected)
      refuse(`the format is ${format}, the specification has ${expected}`);
    this.#current = link;
    onConnected(link, format ?? expected, hello);
  }
}
