// SPDX-License-Identifier: Apache-2.0
import type { PoolReplica } from '@vnfpool/runtime/gossip';
import type { OctetReader } from '@vnfpool/transport/local';
import {
  FUNCTION_SOCKET_VARIABLE,
  FUNCTION_SOCKET_VERSION,
  type StateKind,
} from '@vnfpool/wire/function-socket';
import type { Role } from '@vnfpool/wire/mobility';
import { MergeSource } from '../pool-state/merge-source.ts';
import { SocketSource } from '../slot-state/socket-source.ts';
import type { StateSource } from '../slot-state/state-source.ts';
import { Continuity } from './continuity.ts';
import { ControlSocket } from './control-socket.ts';
import { CurrentLink, type Stop } from './current-link.ts';
import { DataSocket } from './data-socket.ts';
import type { FunctionContext } from './function-context.ts';
import type { Done, FunctionLink } from './function-link.ts';
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
import { orAborted } from './waiting.ts';

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
  /** It is to share its state, whether it has said that it can or has still to connect. */
  readonly shares?: boolean;
  /** The mergeable state that it takes part in now; null, or absent: none. */
  readonly replica?: () => PoolReplica | null;
  readonly onHealth: (health: { readonly ok: boolean; readonly reason: string }) => void;
  /** What it says of its sessions: whether single ones can move, and how many there are; null: not yet said. */
  readonly onSessions: (sessions: { readonly movable: boolean; readonly count: number | null }) => void;
  /** A connection was refused, and why. */
  readonly onRefused: (error: FunctionStateError) => void;
  /** For people. */
  readonly onNews?: (message: string, figures: Readonly<Record<string, string | number>>) => void;
  /** Of a clock that only goes forward; default: the process's. */
  readonly nowMs?: () => number;
}

/** What the function is, by the last word of the agent. */
interface Told {
  readonly role: Role;
  readonly epoch: string;
}

/** State by a local socket, as docs/function-socket.md describes it for authors of functions. */
export class SocketFunctionState implements FunctionState {
  readonly #options: SocketStateOptions;
  readonly #folder: SocketFolder;
  readonly #current: CurrentLink;
  #control: ControlSocket | undefined;
  #format: string | null;
  #changeRate: number | null = null;
  #role: Told | null = null;
  readonly #continuity = { export: new Continuity('export'), import: new Continuity('import') };
  readonly #sessions: SocketSessions = new SocketSessions({
    ask: (order, signal, answerMs) => this.#current.ask(order, signal, answerMs),
    export: (order, continuity, write, signal) => this.#export(order, continuity, write, signal),
    import: (order, continuity, chunks, signal) => this.#import(order, continuity, chunks, signal),
  });
  readonly #source: SocketSource;
  readonly #merging: MergeSource;
  #movesSessions = false;
  #shares = false;
  #moving = false;

  private constructor(options: SocketStateOptions, folder: SocketFolder) {
    this.#options = options;
    this.#folder = folder;
    this.#current = new CurrentLink(options.limits);
    this.#source = new SocketSource({ ...options, current: this.#current, folder });
    const { limits, onRefused, replica = () => null } = options;
    this.#merging = new MergeSource({ current: this.#current, folder, limits, replica, onRefused });
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
        onConnected: (link, format, hello) => {
          const { sessions = false, shares = false, merges = false } = hello;
          state.#source.greeted(hello);
          state.#connected(link, format, shares);
          if (merges) state.#merging.connected(link);
          state.#movesSessions = sessions;
          if (sessions) options.onSessions({ movable: true, count: null });
        },
        onMessage: (message) => {
          if (message.op === 'changes') state.#changeRate = message.bytesPerSecond;
          else if (message.op === 'sessions')
            options.onSessions({ movable: state.#movesSessions, count: message.count });
          else options.onHealth({ ok: message.ok, reason: message.ok ? '' : message.reason });
        },
        onDisconnected: () => {
          state.#current.disconnected();
          state.#source.disconnected();
          state.#merging.disconnected();
          state.#restart();
          state.#changeRate = null;
        },
        onRefused: (error) => {
          state.#source.refused(error);
          options.onRefused(error);
        },
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

  get source(): StateSource | null {
    return this.#options.shares === true || this.#shares ? this.#source : null;
  }

  mergeAnew(): void {
    this.#merging.refresh();
  }

  get changeRate(): number | null {
    return this.#changeRate;
  }

  async role(role: Role, epoch: string): Promise<void> {
    this.#role = { role, epoch };
    await this.#source.given();
    await this.#current.ask({ op: 'role', role, epoch });
  }

  async quiesce(signal: AbortSignal): Promise<void> {
    await this.#current.ask({ op: 'quiesce' }, signal);
  }

  async resume(): Promise<void> {
    this.#continuity.export.reset();
    await this.#current.ask({ op: 'resume' });
  }

  async discard(): Promise<void> {
    this.#restart();
    await this.#current.ask({ op: 'discard' });
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
    this.#current.close();
    await this.#source.close();
    this.#merging.disconnected();
    await this.#control?.close(isLeft);
    if (!isLeft) this.#folder.remove();
  }

  #connected(link: FunctionLink, format: string | null, shares: boolean): void {
    const { isHeld } = this.#source;
    if (isHeld && !shares)
      throw new FunctionStateError('protocol', 'it says no more that it shares its state, and holds a slot');
    this.#shares = shares;
    this.#format = format;
    const known = this.#role;
    // It is not to serve before it has the state of its slot.
    const { role = null, epoch = null } = isHeld ? {} : (known ?? {});
    link.send({ op: 'welcome', v: FUNCTION_SOCKET_VERSION, name: this.#options.name, role, epoch });
    this.#current.connected(link);
    if (isHeld) void this.#giveState(link, known);
  }

  async #giveState(link: FunctionLink, known: Told | null): Promise<void> {
    const hasState = await this.#source.connected(link);
    // A role that was told meanwhile waited for this, too.
    if (!hasState || known === null || known !== this.#role) return;
    // That it does not answer is found where somebody waits for it.
    await this.#current.ask({ op: 'role', ...known }).catch(() => undefined);
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
    const stop = this.#current.stop(signal);
    let data: DataSocket | undefined;
    try {
      const link = await this.#current.wait(stop);
      const name = this.#folder.fresh();
      data = await DataSocket.listen(this.#folder.path(name));
      const answered = link.request({ ...order, data: this.#folder.share(name) }, stop.signal);
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
}
