// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { OUTPUT_FILE_BYTES_MAX, sendSignal } from '@vnfpool/platform/processes';

/** Keeps output within its bound while no agent does. */
export interface OutputWarden {
  /** The agent ends, and functions stay: its turn. */
  release(): void;
  /** Functions end with the agent: nobody needs it. */
  end(): void;
}

/**
 * Reads from us until we end, however that is; that takes no time. Then it cuts what has grown too long each second, as
 * `OutputFile.bound` does, until another agent has the lock, or no function is left, or the folder is gone.
 */
const SCRIPT = `
cat > /dev/null
while sleep 1; do
  [ "$(cat "$1/agent.lock" 2> /dev/null)" = "$3" ] || exit 0
  left=
  for pid in $(tr , '\\n' < "$1/functions.json" | sed -n 's/.*"pid":\\([0-9]*\\).*/\\1/p'); do
    kill -0 "$pid" 2> /dev/null && left=1
  done
  [ -n "$left" ] || exit 0
  for file in "$1"/output/*.log; do
    [ -f "$file" ] && [ "$(wc -c < "$file")" -gt "$2" ] || continue
    tail -c "$2" "$file" > "$file.1"
    : > "$file"
  done
done
`;

const NONE: OutputWarden = { release: () => undefined, end: () => undefined };

/** @param folder of the agent, which it has locked; where there are no locks nobody comes back either */
export function startOutputWarden(folder: string): OutputWarden {
  if (process.platform !== 'linux') return NONE;
  const values = [realpathSync(folder), String(OUTPUT_FILE_BYTES_MAX), String(process.pid)];
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'vnfpool-output', ...values], {
    // What ends us, such as a signal to our process group, does not end it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  const { pid } = child;
  return {
    release: () => void child.stdin.end(),
    end: () => {
      if (pid !== undefined && child.exitCode === null && child.signalCode === null)
        sendSignal(-pid, 'SIGKILL');
    },
  };
}
