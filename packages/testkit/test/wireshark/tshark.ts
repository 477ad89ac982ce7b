// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPTS: string = fileURLToPath(new URL('../../../../wireshark/', import.meta.url));
/** As root, tshark neither looks into an unpacked package's folders nor promises to run scripts. */
const AS_NOBODY: readonly string[] = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];

export interface Tshark {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
}

/** tshark of Debian's packages, unpacked into a folder of the user; or why it cannot be had, or runs no scripts. */
export async function findTshark(): Promise<Tshark | { readonly reason: string }> {
  const { tshark } = (await import('../../../../interop/lib/programs.mjs' as string)) as {
    tshark: () => {
      readonly program: string;
      readonly env: Record<string, string>;
      readonly version: string;
    };
  };
  const found = tshark();
  if ('reason' in found) return found as { reason: string };
  const { program, env, version } = found;
  const command = process.getuid?.() === 0 ? [...AS_NOBODY, program] : [program];
  const [name = '', ...rest] = command;
  const tried = spawnSync(name, [...rest, '-v'], { encoding: 'utf8', env: { ...process.env, ...env } });
  if (tried.status !== 0) return { reason: `${name} does not run tshark: ${tried.stderr || tried.error}` };
  if (!/with Lua/.test(tried.stdout.replaceAll(/\s+/g, ' ')))
    return { reason: `${program} was made without Lua` };
  return { command, env, version };
}

/**
 * What a capture says by the dissector: the `fields` of each frame; several values of one are parted by `;`.
 * @param preferences `name:value`
 * @param script of our dissectors
 */
export function readCapture(
  { command, env }: Tshark,
  capture: string,
  fields: readonly string[],
  preferences: readonly string[] = [],
  script = 'service-mobility.lua',
): readonly (readonly string[])[] {
  const [program = '', ...before] = command;
  const done = spawnSync(
    program,
    [
      ...before,
      '-n',
      '-X',
      `lua_script:${SCRIPTS}${script}`,
      '-r',
      capture,
      '-T',
      'fields',
      '-E',
      'separator=\x1f',
      '-E',
      'aggregator=;',
      ...preferences.flatMap((preference) => ['-o', preference]),
      ...fields.flatMap((name) => ['-e', name]),
    ],
    {
      encoding: 'utf8',
      env: { ...process.env, ...env, TZ: 'UTC' },
      maxBuffer: 64 * 1024 * 1024,
      timeout: 100_000,
    },
  );
  // Faults of the script are told there, or as text of a frame; the status knows nothing of them.
  if (done.status !== 0 || /lua/i.test(done.stderr)) throw new Error(`tshark: ${done.stderr || done.error}`);
  return done.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\x1f'));
}
