// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { StateView } from '@vnfpool/core/management';
import { OciRuntime, probeContainers } from '@vnfpool/platform/containers';
import { afterAll, describe, expect, test } from 'vitest';
import { noRootFileSystem } from '../../../daemons/test/node/containers/root-file-system.ts';
import { RunningSet } from './running-set.ts';
import { notBuilt } from './support.ts';

/* A set whose functions run in containers, as people declare it: examples/container. */

const example = fileURLToPath(new URL('../../../../examples/container', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/vnfpool-containers-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const missing = notBuilt || (noRootFileSystem() ?? '') || (await whyNoContainers());

async function whyNoContainers(): Promise<string> {
  const runtime = await OciRuntime.find(`${folder}/runtime`);
  if (typeof runtime === 'string') return runtime;
  return (await probeContainers(runtime, folder)).containers ?? '';
}

/** Processes whose command has this word. */
const running = (word: string): string[] =>
  readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });

describe.skipIf(missing !== '')(`functions of kind container ${missing}`, () => {
  test('declared in a set: it serves, a node that cannot run it says why, and nothing is left', async () => {
    cpSync(example, folder, { recursive: true, filter: (path) => !path.endsWith('/image') });
    const made = spawnSync('sh', [`${folder}/make-root.sh`], { encoding: 'utf8' });
    expect(made.stderr).toBe('');
    const file = `${folder}/set.yaml`;
    appendFileSync(
      file,
      `  lost:
    function: { program: /bin/sh, container: { rootfs: nowhere } }
`,
    );
    const set = await RunningSet.start({ file, args: ['--mode', 'loopback'] });
    try {
      const of = ({ instances }: StateView, pool: string) =>
        instances.filter((instance) => instance.pool === pool);
      const state = await set.untilState(
        'both serve, lost is refused',
        (now) =>
          of(now, 'web').filter(({ status, healthy }) => status === 'running' && healthy).length === 2 &&
          of(now, 'lost').some(({ reason }) => reason.includes('refused')),
      );
      expect(of(state, 'lost')[0]?.reason).toContain(`there is no folder ${folder}/nowhere`);
      const [web] = of(state, 'web');
      const answer = await fetch(`http://${web?.address}:${web?.port}/`);
      expect(await answer.text()).toBe('from a container\n');
      expect(running(`${set.folder}/`).length).toBeGreaterThan(0);
    } finally {
      await set.takeDown();
    }
    expect(running(`${set.folder}/`)).toEqual([]);
  });
});
