// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { checkHealth, type HealthResult } from '../health/health-check.ts';

/** How it is found out whether a server program serves. */
export type ElementHealth =
  | { readonly type: 'none' }
  | { readonly type: 'tcp' }
  | { readonly type: 'http'; readonly path: string }
  | { readonly type: 'command'; readonly command: string };

/** Makes one check; settles at `timeoutMs` at the latest. */
export function checkElement(
  health: ElementHealth,
  at: { readonly address: string; readonly port: number },
  timeoutMs: number,
): Promise<HealthResult> {
  switch (health.type) {
    case 'none':
      return Promise.resolve({ ok: true, reason: 'not checked' });
    case 'tcp':
    case 'http':
      return checkHealth(
        health.type === 'http' ? { type: 'http', path: health.path, timeoutMs } : { type: 'tcp', timeoutMs },
        at.address,
        at.port,
      );
    case 'command':
      return checkCommand(health.command, at, timeoutMs);
  }
}

/** Exit status 0 is healthy. The command is the shell's; where the server is stands in its environment. */
function checkCommand(
  command: string,
  { address, port }: { readonly address: string; readonly port: number },
  timeoutMs: number,
): Promise<HealthResult> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', command], {
      stdio: 'ignore',
      env: { ...process.env, ADDRESS: address, PORT: String(port) },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    child.once('error', (error) => resolve({ ok: false, reason: error.message }));
    child.once('exit', (code, signal) =>
      resolve({
        ok: code === 0,
        reason: signal === null ? `status ${code}` : `no result within ${timeoutMs} ms`,
      }),
    );
  });
}
