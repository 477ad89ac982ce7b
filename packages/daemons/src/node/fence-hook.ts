// SPDX-License-Identifier: Apache-2.0
import { startProgram } from '@vnfpool/platform/processes';
import type { SetConfiguration } from '@vnfpool/wire/mobility';

/** Whether a node is off; the reason why not, else empty. */
export interface HookOutcome {
  readonly isOff: boolean;
  readonly reason: string;
}

/** Ending a hook that does not end by itself. */
const GRACE_MS = 100;
/** Of a hook's last line of output, in a reason. */
const WORDS_MAX = 200;

/**
 * The declared command that makes sure that a node is off. It runs once at a time for a node, however many slots wait for
 * it, and for at most its declared time.
 */
export class FenceHook {
  readonly #running = new Map<number, Promise<HookOutcome>>();
  #configuration: SetConfiguration | undefined;

  configure(configuration: SetConfiguration): void {
    this.#configuration = configuration;
  }

  /** Never rejects: whatever goes wrong, the node is not known to be off. */
  switchOff(node: number): Promise<HookOutcome> {
    const running = this.#running.get(node);
    if (running !== undefined) return running;
    const started = this.#run(node).finally(() => this.#running.delete(node));
    this.#running.set(node, started);
    return started;
  }

  async #run(node: number): Promise<HookOutcome> {
    const { fenceHook, nodes = [] } = this.#configuration ?? {};
    const name = nodes.find((each) => each.node === node)?.name;
    const [program, ...words] = fenceHook?.command ?? [];
    if (fenceHook === undefined || program === undefined) return failed('no hook is declared any more');
    if (name === undefined) return failed(`node ${node} is in the set no more`);
    const run = startProgram({ command: [program, ...words, name] });
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      run.stop(GRACE_MS, 'SIGKILL').catch(() => {});
    }, fenceHook.timeoutMs);
    const exit = await run.exited;
    clearTimeout(late);
    if (isLate) return failed(`${program} took longer than ${fenceHook.timeoutMs} ms`);
    if (exit.failure !== undefined) return failed(exit.failure);
    if (exit.status === 0) return { isOff: true, reason: '' };
    const said = run.lines().at(-1)?.slice(0, WORDS_MAX) ?? '';
    const how = exit.signal === null ? `ended with ${exit.status}` : `was ended by ${exit.signal}`;
    return failed(`${program} ${how}${said === '' ? '' : `: ${said}`}`);
  }
}

function failed(reason: string): HookOutcome {
  return { isOff: false, reason };
}
