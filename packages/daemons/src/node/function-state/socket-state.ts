// SPDX-License-Identifier: Apache-2.0
import type { OctetReader } from '@vnfpool/transport/local';
import {
  FUNCTION_SOCKET_VARIABLE,
  FUNCTION_SOCKET_VERSION,
  type StateKind,
} from '@vnfpool/wire/function-socket';
import type { Role } from '@vnfpool/wire/mobility';
import { Continuity } from './continuity.ts';
import { ControlSocket } from './control-socket.ts';
import { DataSocket } from './data-socket.ts';
import type { FunctionContext } from './function-context.ts';
import type { Done, FunctionLink, Order } from './function-link.ts';
import {
  type FunctionState,
  FunctionStateError,
  type FunctionStateLimits,
  type StateChunks,
} from './function-state.ts';
import type { FunctionSessions } from './moved-state.ts';
import { receiveOctets, sendOctets } from './octets.ts';
import { SocketFolder } from './socket-folder.ts';
import { type Octets, SocketSessions } from './socket-sessions.ts';
import { Deadline, orAborted } from './waiting.ts';

export interface SocketStateOptions {
  /** Name of the instance, for people. */
  readonly name: string;
  /** Folder for its sockets; made when it is not there. */
  readonly folder: string;
  /** Where a function that runs already has them. */
  readonly formerFolder?: string | null;
  /** Of the function, when it does not see what we see. */
  readonly context?: FunctionContext;
  readonly format: string | null;
  readonly limits: FunctionStateLimits;
  readonly onHealth: (health: { readonly ok: boolean; readonly reason: string }) => void;
  /** What it says of its sessions: whether single ones can move, and how many there are; null: not yet said. */
  readonly onSessions: (sessions: { readonly movable: boolean; readonly count: number | null }) => void;
  /** A connection was refused, and why. */
  readonly onRefused: (error: FunctionStateError) => void;
}

/** State by a local socket, as docs/function-socket.md describes it for authors of functions. */
export class SocketFunctionState implements FunctionState {
  readonly #options: SocketStateOptions;
  readonly #folder: SocketFolder;
  readonly #closing = new AbortController();
  readonly #waiting = new Set<() => void>();
  #control: ControlSocket | undefined;
  #link: FunctionLink | null = null;
  #format: string | null;
  #changeRate: number | null = null;
  #role: { readonly role: Role; readonly epoch: string } | null = null;
  readonly #continuity = { export: new Continuity('export'), import: new Continuity('import') };
  readonly #sessions: SocketSessions = new SocketSessions({
    ask: (order, signal, answerMs) => this.#ask(order, signal, answerMs),
    export: (order, continuity, write, signal) => this.#export(order, continuity, write, signal),
    import: (order, continuity, chunks, signal) => this.#import(order, continuity, chunks, signal),
  });
  #movesSessions = false;
  #moving = false;
  #transfers = 0;

  private constructor(options: SocketStateOptions, folder: SocketFolder) {
    this.#options = options;
    this.#folder = folder;
    this.#format = options.format;
  }

  /** Listens; the function is started after that, with `environment`. */
  static async listen(options: SocketStateOptions): Promise<SocketFunctionState> {
    const folder = SocketFolder.make(options.folder, options.context, options.formerFolder);
    const state = new SocketFunctionState(options, folder);
    try {
      state.#control = await ControlSocket.listen({
        path: folder.path('s'),
        format: options.format,
        helloMs: options.limits.answerMs,
        onConnected: (link, format, movesSessions) => {
          state.#connected(link, format);
          state.#movesSessions = movesSessions;
          if (movesSessions) options.onSessions({ movable: true, count: null });
        },
        onMessage: (message) => {
          if (message.op === 'changes') state.#changeRate = message.bytesPerSecond;
          else if (message.op === 'sessions')
            options.onSessions({ movable: state.#movesSessions, count: message.count });
          else options.onHealth({ ok: message.ok, reason: message.ok ? '' : message.reason });
        },
        onDisconnected: () => {
          state.#link = null;
          state.#restart();
          state.#changeRate = null;
        },
        onRefused: options.onRefused,
      });
    } catch (error) {
      folder.remove();
      throw error;
    }
    return state;
  }

  get environment(): Readonly<Record<string, string>> {
    return { [FUNCTION_SOCKET_VARIABLE]: this.#folder.share('s') };
  }

  get folder(): string {
    return this.#folder.root;
  }

  get format(): string | null {
    return this.#format;
  }

  get movableSessions(): FunctionSessions | null {
    return this.#movesSessions ? this.#sessions : null;
  }

  get changeRate(): number | null {
    return this.#changeRate;
  }

  async role(role: Role, epoch: string): Promise<void> {
    this.#role = { role, epoch };
    await this.#ask({ op: 'role', role, epoch });
  }

  async quiesce(signal: AbortSignal): Promise<void> {
    await this.#ask({ op: 'quiesce' }, signal);
  }

  async resume(): Promise<void> {
    this.#continuity.export.reset();
    await this.#ask({ op: 'resume' });
  }

  async discard(): Promise<void> {
    this.#restart();
    await this.#ask({ op: 'discard' });
  }

  async export(
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }> {
    const { bytes } = await this.#export({ kind }, this.#continuity.export, write, signal);
    return { bytes };
  }

  async import(kind: StateKind, chunks: StateChunks, signal: AbortSignal): Promise<void> {
    await this.#import({ kind }, this.#continuity.import, chunks, signal);
  }

  async close(isLeft = false): Promise<void> {
    this.#closing.abort(new FunctionStateError('closed', 'the agent is done with the function'));
    await this.#control?.close();
    if (!isLeft) this.#folder.remove();
  }

  #connected(link: FunctionLink, format: string | null): void {
    const { name } = this.#options;
    const { role = null, epoch = null } = this.#role ?? {};
    this.#link = link;
    this.#format = format;
    link.send({ op: 'welcome', v: FUNCTION_SOCKET_VERSION, name, role, epoch });
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #restart(): void {
    this.#continuity.export.reset();
    this.#continuity.import.reset();
    this.#sessions.reset();
  }

  async #export(
    order: Octets,
    continuity: Continuity,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number; readonly done: Done }> {
    const { limits } = this.#options;
    const { result: bytes, done } = await this.#transfer(
      { op: 'export', ...order },
      continuity,
      signal,
      limits.stallMs,
      (reader, stop) => receiveOctets(reader, write, { limits, signal: stop.signal, expire: stop.expire }),
    );
    return { bytes, done };
  }

  async #import(
    order: Octets,
    continuity: Continuity,
    chunks: StateChunks,
    signal: AbortSignal,
  ): Promise<Done> {
    const { limits } = this.#options;
    const { done } = await this.#transfer(
      { op: 'import', ...order },
      continuity,
      signal,
      limits.applyMs,
      (reader, stop) => sendOctets(reader, chunks, { limits, signal: stop.signal, expire: stop.expire }),
    );
    return done;
  }

  /** An order without octets. */
  async #ask(
    order: Order,
    signal?: AbortSignal,
    answerMs: number = this.#options.limits.answerMs,
  ): Promise<Done> {
    const stop = this.#stop(signal);
    try {
      const link = await this.#connection(stop);
      stop.deadline.arm(answerMs, `the function did not answer ${order.op}`);
      return await link.request(order, stop.signal);
    } finally {
      stop.deadline.disarm();
    }
  }

  /** An order with octets: both the order and its octets must succeed, and what fails first ends the other. */
  async #transfer<Result>(
    order: Octets & { readonly op: 'export' | 'import' },
    continuity: Continuity,
    signal: AbortSignal,
    answerMs: number,
    move: (reader: OctetReader, stop: Stop) => Promise<Result>,
  ): Promise<{ readonly result: Result; readonly done: Done }> {
    if (this.#moving) throw new FunctionStateError('busy', 'an export or import is under way');
    return continuity.run(order.kind, () => this.#moveOctets(order, signal, answerMs, move));
  }

  async #moveOctets<Result>(
    order: Octets & { readonly op: 'export' | 'import' },
    signal: AbortSignal,
    answerMs: number,
    move: (reader: OctetReader, stop: Stop) => Promise<Result>,
  ): Promise<{ readonly result: Result; readonly done: Done }> {
    const { op } = order;
    this.#moving = true;
    const stop = this.#stop(signal);
    let data: DataSocket | undefined;
    try {
      const link = await this.#connection(stop);
      this.#transfers += 1;
      data = await DataSocket.listen(this.#folder.path(String(this.#transfers)));
      const answered = link.request(
        { ...order, data: this.#folder.share(String(this.#transfers)) },
        stop.signal,
      );
      answered.catch((error: FunctionStateError) => stop.expire(error));
      stop.deadline.arm(this.#options.limits.stallMs, `the function did not connect for its ${op}`);
      const reader = await orAborted(data.connection, stop.signal);
      stop.deadline.disarm();
      try {
        const result = await move(reader, stop);
        stop.deadline.arm(answerMs, `the function did not answer ${op}`);
        return { result, done: await answered };
      } catch (error) {
        // It closed the connection: why, it may be about to say.
        if (error instanceof FunctionStateError && error.code === 'ended' && !stop.signal.aborted) {
          stop.deadline.arm(this.#options.limits.answerMs, `the function did not answer ${op}`);
          await answered.catch((answer: FunctionStateError) => {
            if (answer.code === 'refused') throw answer;
          });
        }
        stop.expire(error);
        throw error;
      }
    } finally {
      stop.deadline.disarm();
      await data?.close(stop.signal);
      this.#moving = false;
    }
  }

  async #connection(stop: Stop): Promise<FunctionLink> {
    if (this.#link) return this.#link;
    const { answerMs } = this.#options.limits;
    const timer = setTimeout(
      () =>
        stop.expire(
          new FunctionStateError('not-connected', `the function did not connect in ${answerMs} ms`),
        ),
      answerMs,
    );
    let found: (() => void) | undefined;
    try {
      const connected = new Promise<void>((resolve) => {
        found = resolve;
        this.#waiting.add(resolve);
      });
      await orAborted(connected, stop.signal);
    } finally {
      clearTimeout(timer);
      if (found) this.#waiting.delete(found);
    }
    // It may have come and gone again.
    if (!this.#link) throw new FunctionStateError('ended', 'the connection of the function ended');
    return this.#link;
  }

  #stop(signal: AbortSignal | undefined): Stop {
    const own = new AbortController();
    const expire = (error: unknown): void => own.abort(error);
    const signals = [own.signal, this.#closing.signal, ...(signal ? [signal] : [])];
    return { signal: AbortSignal.any(signals), expire, deadline: new Deadline(expire) };
  }
}

/** What ends one call. */
interface Stop {
  readonly signal: AbortSignal;
  readonly expire: (error: unknown) => void;
  readonly deadline: Deadline;
}
