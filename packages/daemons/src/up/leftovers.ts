// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { sendSignal } from '@vnfpool/platform/processes';
import { isStillThere, type ProcessRecord, recordProcess } from '../process-record.ts';

/** Name of the file in which a running `up` stands. */
const OWNER = 'up.json';

export class AlreadyRunningError extends Error {
  readonly code = 'ALREADY_RUNNING';
}

/** Writes down that this process owns the folder. */
export function own(folder: string): void {
  writeFileSync(`${folder}/${OWNER}`, `${JSON.stringify(recordProcess(process.pid))}\n`, { mode: 0o600 });
}

/**
 * Ends what a killed `up` left behind: processes written down in the folder (on loopback; inside a process
 * namespace the kernel has ended them) and sockets; with `keep` the state itself stays.
 *
 * @throws AlreadyRunningError when the owner still lives
 */
export function clearLeftovers(folder: string, keep: boolean, say: (line: string) => void): void {
  if (!existsSync(folder)) return;
  const owner = readRecords(`${folder}/${OWNER}`)[0];
  if (owner && isStillThere(owner)) {
    throw new AlreadyRunningError(
      `it is already running here (process ${owner.pid}, folder ${folder}); end that first`,
    );
  }
  const left = readRecords(`${folder}/processes.json`);
  for (const name of readdirSync(folder)) left.push(...readRecords(`${folder}/${name}/functions.json`));
  const killed = left.filter((record) => isStillThere(record) && sendSignal(record.pid, 'SIGKILL'));
  if (owner) {
    say(
      `cleaned up after an earlier run that was killed${killed.length > 0 ? ` (${killed.length} processes)` : ''}`,
    );
  }
  if (!keep) rmSync(folder, { recursive: true, force: true });
  else
    for (const name of [OWNER, 'processes.json', 'api.sock', 'lab.sock'])
      rmSync(`${folder}/${name}`, { force: true });
}

function readRecords(path: string): ProcessRecord[] {
  try {
    const said: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return (Array.isArray(said) ? said : [said]) as ProcessRecord[];
  } catch {
    return [];
  }
}
