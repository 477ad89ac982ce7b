// SPDX-License-Identifier: Apache-2.0
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { StateKind } from '@vnfpool/wire/function-socket';
import type { Hooks, Role } from '@vnfpool/wire/mobility';
import { Continuity } from './continuity.ts';
import type { FunctionContext } from './function-context.ts';
import { type FunctionState, FunctionStateError, type FunctionStateLimits } from './function-state.ts';
import { HookSessions, type HookVariables, moveSessions, type SessionHook } from './hooks-sessions.ts';
import type { FunctionSessions } from './moved-state.ts';
import { refuseBeyond } from './octets.ts';
import { type HookOptions, runHook } from './run-hook.ts';
import { spool } from './spool.ts';

export interface HooksStateOptions {
  /** Name of the instance, for people. */
  readonly name: string;
  readonly hooks: Hooks;
  /** Folder for what function and hooks share; made when it is not there. */
  readonly folder: string;
  /** What a function that runs already shares with them. */
  readonly formerFolder?: string | null;
  readonly format: string | null;
  readonly limits: FunctionStateLimits;
  /** What hooks get besides our variables; the same as the function. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Process of the function, as far as there is one. */
  readonly pid: () => number | null;
  /** Of the function, when it does not live as we do. */
  readonly context?: FunctionContext;
}

/** Hooks that wait for their turn. */
const QUEUE_MAX = 16;
/** Time to select, or to say that sessions may come: the manager waits for the answer. */
const SELECT_MS = 3_000;
/** Characters of an answer. */
const WORDS_MAX = 4_096;

/** State by commands, as docs/function-socket.md describes them for authors of functions. */
export class HooksFunctionState implements FunctionState {
  readonly environment: Readonly<Record<string, string>>;
  /** Hooks say nothing by themselves. */
  readonly changeRate = null;
  readonly #options: HooksStateOptions;
  readonly #folder: string;
  readonly #closing = new AbortController();
  #role: { readonly role: Role; readonly epoch: string } | null = null;
  readonly #continuity = { export: new Continuity('export'), import: new Continuity('import') };
  readonly #sessions: HookSessions | null;
  #moving = false;
  #spooled = 0;
  #queued = 0;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: HooksStateOptions) {
    this.#options = options;
    const { folder, formerFolder = null } = options;
    mkdirSync(formerFolder ?? folder, { recursive: true, mode: 0o700 });
    this.#folder = formerFolder ?? mkdtempSync(join(folder, 'h'));
    const { owner = null, seenAt = this.#folder } = options.context ?? {};
    if (owner !== null) chownSync(this.#folder, owner.uid, owner.gid);
    this.environment = { VNFPOOL_FOLDER: seenAt };
    this.#sessions = moveSessions(options.hooks)
      ? new HookSessions({
          inTurn: (hook, variables, aborted) => this.#heard(hook, variables, aborted),
          export: (...given) => this.#export(...given),
          import: (...given) => this.#import(...given),
        })
      : null;
  }

  get folder(): string {
    return this.#folder;
  }

  get format(): string | null {
    return this.#options.format;
  }

  get movableSessions(): FunctionSessions | null {
    return this.#sessions;
  }

  async role(role: Role, epoch: string): Promise<void> {
    this.#role = { role, epoch };
    await this.#inTurn('role', {});
  }

  async quiesce(signal: AbortSignal): Promise<void> {
    await this.#inTurn('quiesce', {}, signal);
  }

  async resume(): Promise<void> {
    this.#continuity.export.reset();
    await this.#inTurn('resume', {});
  }

  async discard(): Promise<void> {
    this.#continuity.export.reset();
    this.#continuity.import.reset();
    await this.#inTurn('discard', {});
  }

  async export(
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly bytes: number }> {
    return await this.#export(this.#continuity.export, kind, write, signal, {});
  }

  async import(kind: StateKind, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await this.#import(this.#continuity.import, kind, chunks, signal, {});
  }

  async #export(
    continuity: Continuity,
    kind: StateKind,
    write: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
    variables: HookVariables,
  ): Promise<{ readonly bytes: number }> {
    const { limits } = this.#options;
    let bytes = 0;
    const take = async (chunk: Uint8Array): Promise<void> => {
      bytes += chunk.length;
      refuseBeyond(limits.bytesMax, bytes);
      await write(chunk);
    };
    await this.#transfer(continuity, kind, () =>
      this.#run('export', { kind, signal, deadlineMs: limits.stallMs, take, variables }),
    );
    return { bytes };
  }

  async #import(
    continuity: Continuity,
    kind: StateKind,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    variables: HookVariables,
  ): Promise<void> {
    const { limits } = this.#options;
    await this.#transfer(continuity, kind, async () => {
      this.#spooled += 1;
      const path = join(this.#folder, `.import-${this.#spooled}`);
      const file = await spool(
        path,
        chunks,
        limits.bytesMax,
        AbortSignal.any([signal, this.#closing.signal]),
      );
      try {
        await this.#run('import', { kind, signal, deadlineMs: limits.applyMs, input: file.fd, variables });
      } finally {
        await file.close();
      }
    });
  }

  async close(isLeft = false): Promise<void> {
    this.#closing.abort(new FunctionStateError('closed', 'the agent is done with the function'));
    await Promise.allSettled(this.#running);
    if (!isLeft) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Hooks without octets run one after the other, in the order of the calls. One that is not there is not missed. */
  async #inTurn(
    hook: SessionHook,
    variables: HookVariables,
    signal?: AbortSignal,
    take?: (chunk: Uint8Array) => Promise<void>,
  ): Promise<void> {
    if (this.#options.hooks[hook] === undefined) return;
    if (this.#queued >= QUEUE_MAX)
      throw new FunctionStateError('busy', `${QUEUE_MAX} hooks wait for their turn`);
    this.#queued += 1;
    const { answerMs } = this.#options.limits;
    const deadlineMs = hook === 'select' || hook === 'expect' ? Math.min(answerMs, SELECT_MS) : answerMs;
    const options = { deadlineMs, variables, ...(signal ? { signal } : {}), ...(take ? { take } : {}) };
    const run = (): Promise<void> => this.#run(hook, options);
    const done = this.#turn.then(run).finally(() => {
      this.#queued -= 1;
    });
    this.#turn = done.catch(() => undefined);
    await done;
  }

  /** As `#inTurn`, and gives what it wrote. */
  async #heard(hook: SessionHook, variables: HookVariables, signal?: AbortSignal): Promise<string> {
    let words = '';
    await this.#inTurn(hook, variables, signal, async (chunk) => {
      words += Buffer.from(chunk).toString();
      if (words.length > WORDS_MAX)
        throw new FunctionStateError('too-large', `hook ${hook} writes more than ${WORDS_MAX} characters`);
    });
    return words;
  }

  async #transfer(continuity: Continuity, kind: StateKind, move: () => Promise<void>): Promise<void> {
    if (this.#moving) throw new FunctionStateError('busy', 'an export or import is under way');
    await continuity.run(kind, async () => {
      this.#moving = true;
      try {
        await this.#kept(move());
      } finally {
        this.#moving = false;
      }
    });
  }

  async #run(
    hook: keyof Hooks,
    options: { kind?: StateKind; signal?: AbortSignal; variables: HookVariables } & Pick<
      HookOptions,
      'deadlineMs' | 'take' | 'input'
    >,
  ): Promise<void> {
    const { directory, environment, format, hooks, name, pid } = this.#options;
    const command = hooks[hook];
    if (command === undefined) throw new FunctionStateError('unsupported', `there is no hook ${hook}`);
    const { kind, signal, variables, ...rest } = options;
    const { role = '', epoch = '' } = this.#role ?? {};
    const ours = {
      ...this.environment,
      VNFPOOL_HOOK: hook,
      VNFPOOL_NAME: name,
      VNFPOOL_PID: String(pid() ?? ''),
      VNFPOOL_ROLE: role,
      VNFPOOL_EPOCH: epoch,
      VNFPOOL_FORMAT: format ?? '',
      ...(kind === undefined ? {} : { VNFPOOL_KIND: kind }),
      ...variables,
    };
    const { context } = this.#options;
    const entered = context?.enter(command, ours);
    await this.#kept(
      runHook({
        name: `hook ${hook}`,
        ...(entered ?? { command, ...(directory === undefined ? {} : { directory }) }),
        environment: { ...environment, ...(entered ? {} : ours) },
        signal: AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]),
        ...rest,
      }),
    );
  }

  /** Waited for by `close`. */
  async #kept(promise: Promise<void>): Promise<void> {
    this.#running.add(promise);
    try {
      await promise;
    } finally {
      this.#running.delete(promise);
    }
  }
}
