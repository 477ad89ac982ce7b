// SPDX-License-Identifier: Apache-2.0
import { ReplicaSocket } from '@vnfpool/runtime/replication';
import type { FunctionHello } from '@vnfpool/wire/function-socket';
import type { CurrentLink, Stop } from '../function-state/current-link.ts';
import { DataSocket } from '../function-state/data-socket.ts';
import type { FunctionLink } from '../function-state/function-link.ts';
import { FunctionStateError, type FunctionStateLimits } from '../function-state/function-state.ts';
import type { SocketFolder } from '../function-state/socket-folder.ts';
import { orAborted } from '../function-state/waiting.ts';
import { FunctionFault } from './function-fault.ts';
import { type Bounded, SharedStream } from './shared-stream.ts';
import type { StateEntry, StateSink, StateSource } from './state-source.ts';

export interface SocketSourceOptions {
  readonly current: CurrentLink;
  readonly folder: SocketFolder;
  readonly limits: FunctionStateLimits;
  /** The function cannot go on sharing, and why; its connection was closed, or is gone. */
  readonly onRefused: (error: FunctionStateError) => void;
  /** For people. */
  readonly onNews?: (message: string, figures: Readonly<Record<string, string | number>>) => void;
  /** Of a clock that only goes forward; default: the process's. */
  readonly nowMs?: () => number;
}

/** From `begin` to `end`. */
interface Held {
  readonly sink: StateSink;
  readonly epoch: string;
  /** Raised at the end. */
  readonly over: AbortController;
  readonly fault: FunctionFault;
  stream: SharedStream | null;
  /** Resolves when `stream` has brought all. */
  running: Promise<void>;
  /** `begin` has succeeded: from here on a function that comes again gets the state anew. */
  isBegun: boolean;
}

/**
 * Shared state of a program, by its local socket. A function that comes again while the slot is held, after a crash too, is
 * given the state of the slot again.
 */
export class SocketSource implements StateSource {
  readonly #options: SocketSourceOptions;
  #held: Held | null = null;
  /** The function is being given the state. */
  #giving: Promise<void> | null = null;
  /** By the last `hello`. */
  #knowsSecrets = false;

  constructor(options: SocketSourceOptions) {
    this.#options = options;
  }

  async begin(
    entries: Iterable<StateEntry>,
    sink: StateSink,
    options: { readonly isOwn: boolean; readonly epoch: string; readonly signal: AbortSignal },
  ): Promise<void> {
    if (this.#held !== null) throw new FunctionStateError('busy', 'the state of a slot is shared already');
    const { isOwn, epoch, signal } = options;
    const running = Promise.resolve();
    const { nowMs = () => performance.now() } = this.#options;
    const held: Held = {
      sink,
      epoch,
      over: new AbortController(),
      fault: new FunctionFault(nowMs),
      stream: null,
      running,
      isBegun: false,
    };
    this.#held = held;
    try {
      await this.#giveIn(() => this.#share(held, null, entries, isOwn, signal));
      held.isBegun = true;
    } catch (error) {
      this.#drop(held);
      throw error;
    }
  }

  async end(): Promise<void> {
    const held = this.#held;
    if (held === null) return;
    const { answerMs } = this.#options.limits;
    const stream = held.isBegun && this.#giving === null ? held.stream : null;
    // Nothing is done anew from here on, whoever comes.
    this.#held = null;
    held.over.abort(new FunctionStateError('aborted', 'the slot is held no more'));
    if (stream === null) {
      held.stream?.destroy();
      return;
    }
    const stop = this.#options.current.stop(undefined);
    stop.deadline.arm(answerMs, 'the function did not end its connection for shared state');
    try {
      await orAborted(stream.end(), stop.signal);
      await orAborted(held.running, stop.signal);
    } catch (error) {
      const { code } = error as FunctionStateError;
      if (code === 'not-answered' || code === 'protocol')
        this.#options.onRefused(error as FunctionStateError);
    } finally {
      stop.deadline.disarm();
      stream.destroy();
    }
  }

  /** Its connection ends as if the agent were gone: it comes again, and says what it has otherwise. */
  tellAnew(): void {
    const held = this.#held;
    if (held === null) return;
    void this.given().then(() => {
      if (this.#held === held) this.#options.current.link?.leave();
    });
  }

  fault(): string | null {
    const held = this.#held;
    return held?.isBegun === true ? held.fault.words(isOpen(this.#options.current)) : null;
  }

  refusals(): number {
    return this.#held?.fault.refusals ?? 0;
  }

  /** A connection to the socket was refused, whoever's it is. One beside that of the function is nothing to the state. */
  refused(error: FunctionStateError): void {
    if (!isOpen(this.#options.current)) this.#held?.fault.refused(error);
  }

  close(): Promise<void> {
    if (this.#held !== null) this.#drop(this.#held);
    return Promise.resolve();
  }

  /** What the function that connects says of itself. */
  greeted({ secrets = false }: Pick<FunctionHello, 'secrets'>): void {
    this.#knowsSecrets = secrets;
  }

  /** A function that connects is given the state of a slot before it hears its role. */
  get isHeld(): boolean {
    return this.#held !== null;
  }

  /** The function was welcomed; resolves when it has the state of the slot that is held, if there is one. Whether it has it is told. */
  async connected(link: FunctionLink): Promise<boolean> {
    const held = this.#held;
    if (held === null) return true;
    try {
      // Else it came while `begin` waited for it.
      await (held.isBegun ? this.#giveIn(() => this.#shareAgain(held, link)) : this.#giving);
      return true;
    } catch {
      return false;
    }
  }

  disconnected(): void {
    this.#held?.fault.ceased();
    this.#held?.stream?.destroy();
  }

  /** While the function is being given the state. */
  async given(): Promise<void> {
    await this.#giving?.catch(() => undefined);
  }

  async #giveIn(give: () => Promise<void>): Promise<void> {
    const giving = give();
    this.#giving = giving;
    try {
      await giving;
    } finally {
      if (this.#giving === giving) this.#giving = null;
    }
  }

  async #shareAgain(held: Held, link: FunctionLink): Promise<void> {
    const { signal } = held.over;
    try {
      // What the former connection brought may not be among the entries yet.
      if (held.stream !== null) await orAborted(held.stream.taken(), signal);
      if (link.ended) throw new FunctionStateError('ended', 'the connection of the function ended');
      await this.#share(held, link, held.sink.entries(), true, signal);
    } catch (error) {
      if (!signal.aborted) this.#refuse(link, error as FunctionStateError);
      throw error;
    }
  }

  /** @param expected the connection that is meant; null: the one there is, or the next */
  async #share(
    held: Held,
    expected: FunctionLink | null,
    entries: Iterable<StateEntry>,
    isOwn: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { current, folder, limits } = this.#options;
    const stop = current.stop(AbortSignal.any([signal, held.over.signal]));
    const name = folder.fresh();
    const link = expected ?? (await current.wait(stop));
    let data: DataSocket | undefined;
    let stream: SharedStream | null = null;
    let answered: Promise<unknown> | undefined;
    try {
      data = await DataSocket.listen(folder.path(name));
      const order = { op: 'share', data: folder.share(name), epoch: held.epoch, own: isOwn } as const;
      const secrets = this.#knowsSecrets ? (held.sink.securityState ?? 'excluded') : undefined;
      answered = link.request({ ...order, ...(secrets && { secrets }) }, stop.signal);
      answered.catch(stop.expire);
      stop.deadline.arm(limits.stallMs, 'the function did not connect to share its state');
      const socket = new ReplicaSocket(await orAborted(data.connection, stop.signal));
      stop.deadline.disarm();
      await data.leave();
      stream = new SharedStream(socket, held.sink, (error) => this.#refuse(link, error));
      held.stream = stream;
      const known = this.#knowsSecrets ? entries : this.#withoutSecrets(entries);
      await orAborted(stream.begin(known, isOwn, boundedBy(stop, limits)), stop.signal);
      // It may change its state before it answers.
      held.running = this.#run(stream, link, stop.expire);
      stop.deadline.arm(limits.applyMs, 'the function did not answer share');
      await answered;
      // It may be gone again.
      if (!link.ended) held.fault.shares();
    } catch (error) {
      if (held.stream === stream) held.stream = null;
      stream?.destroy();
      const { code } = error as FunctionStateError;
      if (code === 'protocol') this.#refuse(link, error as FunctionStateError);
      // It closed the connection: why, it may be about to say.
      if (code === 'ended' && !stop.signal.aborted) {
        stop.deadline.arm(limits.answerMs, 'the function did not answer share');
        await answered?.catch((answer: FunctionStateError) => {
          if (answer.code === 'refused') throw answer;
        });
      }
      throw error;
    } finally {
      stop.deadline.disarm();
      stop.expire(new FunctionStateError('aborted', 'the function was given its state'));
      await data?.close(stop.signal);
    }
  }

  /** They stay in the state, for the next function that knows what they are. */
  *#withoutSecrets(entries: Iterable<StateEntry>): Generator<StateEntry, void> {
    let count = 0;
    for (const entry of entries) {
      if (entry[2] === undefined) yield entry;
      else count += 1;
    }
    if (count > 0) this.#options.onNews?.('the function does not say that it takes secrets', { kept: count });
  }

  async #run(stream: SharedStream, link: FunctionLink, expire: Stop['expire']): Promise<void> {
    try {
      await stream.run();
    } catch (error) {
      expire(error);
      stream.destroy();
      if (this.#held?.stream === stream) this.#refuse(link, error as FunctionStateError);
    }
  }

  /** It can share no more by this connection; it may come again. */
  #refuse(link: FunctionLink, error: FunctionStateError): void {
    if (link.ended) return;
    link.refuse(error);
    // The socket tells of these itself, and `refused` hears of them.
    if (error.code === 'protocol' || error.code === 'not-answered') return;
    this.#held?.fault.refused(error);
    this.#options.onRefused(error);
  }

  #drop(held: Held): void {
    if (this.#held === held) this.#held = null;
    held.over.abort(new FunctionStateError('closed', 'the state is shared no more'));
    held.stream?.destroy();
  }
}

/** A connection that has just been refused is still the current one, and over. */
function isOpen({ link }: CurrentLink): boolean {
  return link !== null && !link.ended;
}

function boundedBy({ deadline, signal }: Stop, { applyMs, stallMs }: FunctionStateLimits): Bounded {
  return async (turn, run) => {
    if (turn === 'take') deadline.arm(stallMs, 'the function took no octet of the state');
    else deadline.arm(applyMs, 'the function did not confirm the state');
    try {
      return await orAborted(run(), signal);
    } finally {
      deadline.disarm();
    }
  };
}
