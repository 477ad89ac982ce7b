// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clocks, createOf, FenceRig, type Form, WEB, whyNoPrograms } from '../support/fence-rig.ts';
import { labMissing, until } from '../support/lab.ts';

// A process has no test runner to read TypeScript for it.
const built = new URL('../../dist/', import.meta.url);
const notBuilt = existsSync(new URL('bpf/index.js', built)) ? '' : 'build the package first';
const WRITER = fileURLToPath(new URL('../support/fence-writer.mjs', import.meta.url));
const EVERYTHING = ['in4', 'out4', 'in6', 'out6'];
const LEASE_MS = 400;

const noLab = labMissing || notBuilt;
const forms: { form: Form; missing: string }[] = [
  { form: 'nft', missing: noLab },
  { form: 'bpf', missing: noLab || whyNoPrograms() },
];

for (const { form, missing } of forms) {
  describe.skipIf(missing !== '')(`an agent with a fence by ${form} ${missing}`, () => {
    let rig: FenceRig;
    let agent: ChildProcess;
    let said: string[];

    beforeEach(() => {
      rig = new FenceRig();
      said = [];
    });

    afterEach(async () => {
      agent.kill('SIGKILL');
      if (agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit');
      rig.close();
    });

    const start = async (mode: 'renew' | 'late'): Promise<void> => {
      const words = [WRITER, built.href, form, mode, String(LEASE_MS)];
      agent = rig.on('a', () => spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] }));
      agent.stdout?.on('data', (text: Buffer) => said.push(...text.toString().split('\n').filter(Boolean)));
      await until('the agent to open', () => said.includes('open'));
    };
    const leaseOver = async (): Promise<void> => {
      const endMs = clocks.boottimeMs() + LEASE_MS;
      await until('the lease to end', () => clocks.boottimeMs() > endMs);
    };
    const successor = async (): Promise<void> => {
      const next = rig.on('a', () => createOf(form));
      expect(next.guarded).toHaveLength(2);
      expect(await rig.passing()).toEqual([]);
      next.guard([WEB]);
      next.openUntil(new Map([['web', clocks.boottimeMs() + 60_000]]));
      expect(await rig.passing()).toEqual(EVERYTHING);
      next.dispose();
    };

    test('that is stopped is silenced by the kernel, and speaks again when it renews', async () => {
      await start('renew');
      await rig.acquaint();
      expect(await rig.passing()).toEqual(EVERYTHING);
      agent.kill('SIGSTOP');
      await leaseOver();
      expect(await rig.passing()).toEqual([]);
      expect(await rig.answers()).toEqual([]);
      agent.kill('SIGCONT');
      await until('a renewal', () => {
        rig.peer4.send('again', '10.9.0.100', 7000);
        return rig.virtual4.poll().includes('again');
      });
    });

    test('that is killed leaves its fence, which closes; the next one takes it over', async () => {
      await start('renew');
      await rig.acquaint();
      agent.kill('SIGKILL');
      await once(agent, 'exit');
      await leaseOver();
      expect(await rig.passing()).toEqual([]);
      expect(await rig.answers()).toEqual([]);
      await successor();
    });

    test('that is stopped between computing and writing does not open when it goes on', async () => {
      await start('late');
      await until('it to have computed', () => said.length > 1);
      const endMs = Number(said[1]);
      expect(endMs).toBeGreaterThan(0);
      agent.kill('SIGSTOP');
      await until('the lease to end', () => clocks.boottimeMs() > endMs);
      agent.kill('SIGCONT');
      agent.stdin?.end();
      await until('it to have written', () => said.includes('written'));
      expect(await rig.passing()).toEqual([]);
      expect(await rig.answers()).toEqual([]);
    });
  });
}
