// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CHILD_TASK, type ChildTask, type ChildWord, type Order } from './orders.ts';

/** A process of a run came to an end of its own, or could not do what it was to. */
export class EvaluationError extends Error {
  override readonly name: string = 'EvaluationError';
}

type Word<Type extends ChildWord['type']> = Extract<ChildWord, { readonly type: Type }>;

interface Expected {
  readonly type: ChildWord['type'];
  readonly settle: (word: ChildWord) => void;
  readonly fail: (error: Error) => void;
}

/** One process of a run, from outside. */
export class EvaluationProcess {
  readonly ended: Promise<unknown>;
  /** Times and positions in turn that it told of by itself. */
  readonly reached: number[] = [];
  readonly #child: ChildProcess;
  readonly #happened: (what: string) => void;
  #expected: Expected[] = [];
  #over: Error | undefined;

  constructor(task: ChildTask, happened: (what: string) => void) {
    this.#happened = happened;
    this.#child = fork(fileURLToPath(new URL('./child/main.js', import.meta.url)), [], {
      env: { ...process.env, [CHILD_TASK]: JSON.stringify(task) },
      // Maps and arrays of numbers go as they are.
      serialization: 'advanced',
      // What a child has to complain of is seen; standard output is the command's.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // No flags of ours: inspectors and loaders would change what is measured.
      execArgv: [],
    });
    this.ended = once(this.#child, 'exit');
    this.#child.on('message', (word: ChildWord) => this.#hear(word));
    const over = (why: string): void => this.#fail(new EvaluationError(`${task.mechanism}: ${why}`));
    this.#child.on('error', (error) => over(error.message));
    this.#child.on('exit', (code, signal) => over(`a process ended: ${signal ?? `exit code ${code}`}`));
  }

  /** What it says next of this kind. @throws EvaluationError */
  next<Type extends ChildWord['type']>(type: Type): Promise<Word<Type>> {
    return new Promise((settle, fail) => {
      if (this.#over !== undefined) fail(this.#over);
      else this.#expected.push({ type, settle: settle as (word: ChildWord) => void, fail });
    });
  }

  /** @throws EvaluationError */
  order<Type extends Order['type']>(order: Order & { readonly type: Type }): Promise<Word<Type>> {
    const answer = this.next(order.type);
    if (this.#child.connected) this.#child.send(order);
    return answer as Promise<Word<Type>>;
  }

  /** At once, and without a word to it. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #hear(word: ChildWord): void {
    if (word.type === 'happened') {
      this.#happened(word.what);
      return;
    }
    if (word.type === 'reached') {
      this.reached.push(...word.reached);
      return;
    }
    if (word.type === 'failed') {
      this.#fail(new EvaluationError(word.message));
      return;
    }
    const at = this.#expected.findIndex(({ type }) => type === word.type);
    const [expected] = at < 0 ? [] : this.#expected.splice(at, 1);
    expected?.settle(word);
  }

  #fail(error: Error): void {
    this.#over ??= error;
    for (const { fail } of this.#expected.splice(0)) fail(error);
  }
}
