// SPDX-License-Identifier: Apache-2.0
import { startProgram } from '@vnfpool/platform/processes';
import type { HealthResult } from './health-check.ts';
import { afterOwnTime } from './own-time.ts';

/** Characters of its last words that become the reason. */
const WORDS_MAX = 200;

export interface CommandCheck {
  /** Program and arguments; no shell in between. */
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Working directory, default ours. */
  readonly directory?: string;
  /** Ends what is not in its process group; called when it is over, or shall be. */
  readonly end?: () => void;
}

/** Runs a program: exit code 0 is healthy. At the deadline it is killed with all of its process group. */
export async function checkCommand(check: CommandCheck, timeoutMs: number): Promise<HealthResult> {
  const [program = '', ...rest] = check.command;
  const started = startProgram({
    command: [program, ...rest],
    ...(check.environment === undefined ? {} : { environment: check.environment }),
    ...(check.directory === undefined ? {} : { directory: check.directory }),
    output: { linesMax: 1 },
  });
  let isLate = false;
  const limit = afterOwnTime(timeoutMs, () => {
    isLate = true;
    check.end?.();
    void started.stop(0, 'SIGKILL');
  });
  const { status, signal, failure } = await started.exited;
  limit.cancel();
  // What it left behind goes with it: checks come again and again.
  check.end?.();
  void started.stop(0);
  if (isLate) return { ok: false, reason: `no result within ${timeoutMs} ms` };
  if (failure !== undefined) return { ok: false, reason: failure };
  const how = signal === null ? `exit code ${status}` : `killed by ${signal}`;
  const said = status === 0 ? undefined : started.lines().at(-1)?.slice(0, WORDS_MAX);
  return { ok: status === 0, reason: said === undefined || said === '' ? how : `${how}: ${said}` };
}
