// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { probeNamespaces } from '@vnfpool/platform/capabilities';

export const description =
  'outage of an address for a 1 ms UDP probe, lease 100 ms, by kind of fault; beside keepalived, advert 100 ms (--fast: 24 and 10; --slow: 3,000 and 1,000), and beside moving it at once; no failover under hogs';

export const limitMs = 20 * 60_000;

const FAULTS = [
  'process killed',
  'node killed',
  'node silent',
  'agent paused',
  'node paused',
  'planned hand-over',
  // Last: a link that is lost again and again has its node stand behind the others for half a minute.
  'link lost',
];
/** Lease of ours, and advert of the reference. */
const NORMAL = { leaseMs: 100, advertMs: 100 };
const FAST = { leaseMs: 24, advertMs: 10 };
/** Profile `calm`, and what keepalived does where nothing is said. */
const SLOW = { leaseMs: 3_000, advertMs: 1_000 };
const HOGS = 'hogs';

/** `--trials N` (default 10) of each fault; `--only FAULT`, or `--only hogs`; `--fast`: profile `fast`; `--slow`: `calm`. */
export async function run({ options, cleanup, signal, emit, say }) {
  const namespaces = probeNamespaces();
  if (namespaces.mode === 'none')
    throw new Error(`needs network namespaces: ${namespaces.reason}; ${namespaces.remedy}`);
  if (spawnSync('keepalived', ['--version']).error)
    throw new Error('needs the reference: apt install keepalived');
  const isWanted = (fault) => options.only === undefined || options.only === fault;
  const task = {
    folder: cleanup.folder(),
    trials: Number(options.trials ?? 10),
    ...(options.fast === true ? FAST : options.slow === true ? SLOW : NORMAL),
    verbose: options.verbose === true,
    isFloorWanted: options.only === undefined,
    // They know one profile only.
    areHogsWanted: options.only === HOGS || (options.only === undefined && !options.fast && !options.slow),
    plan: {
      small: FAULTS.filter(isWanted),
      node: FAULTS.slice(0, 1).filter((fault) => isWanted(`${fault}, node function`)),
    },
  };
  const inside = join(import.meta.dirname, 'inside.mjs');
  const child = cleanup.spawn([...namespaces.enter, process.execPath, inside, JSON.stringify(task)], {
    // A process group of its own: Ctrl-C reaches only us. The child ends when its standard input does.
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  let failure = 'the process inside ended early';
  let isDone = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line);
    if (said.say) say(said.say);
    else if (said.measured) emit(said.measured);
    else failure = said.failed;
  });
  await new Promise((resolve) => {
    child.once('close', (code) => {
      isDone = code === 0;
      resolve();
    });
  });
  if (!isDone) throw new Error(failure);
}
