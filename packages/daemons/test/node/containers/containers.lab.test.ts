// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { openFunctionGroups } from '@vnfpool/platform/cgroups';
import { createLinuxClocks } from '@vnfpool/platform/clocks';
import { isAlive, readProcessStat } from '@vnfpool/platform/processes';
import type { ContainerSpecification, FunctionSpecification } from '@vnfpool/wire/mobility';
import pino from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FunctionContainers } from '../../../src/node/containers/index.ts';
import { FunctionHost } from '../../../src/node/function-host.ts';
import { FunctionNetworks } from '../../../src/node/function-networks.ts';
import { FunctionStates } from '../../../src/node/function-states.ts';
import { makeRootFileSystem, noRootFileSystem } from './root-file-system.ts';

// Containers of this machine's runtime, with a file system that we make.
const base = mkdtempSync(join(tmpdir(), 'vnfpool-'));
const opened = await FunctionContainers.open(mkdtempSync(join(base, 'probe-')));
const reason = typeof opened === 'string' ? opened : noRootFileSystem();
const rootfs = reason === null ? makeRootFileSystem(`${base}/root`) : '';
const ID = functionId(1);
const patient = { timeout: 20_000 };
const id = randomBytes(3).toString('hex');

async function createHost(where: 'auto' | 'none' = 'auto') {
  const folder = mkdtempSync(join(base, 'node-'));
  const given: AgentInput[] = [];
  const warnings: string[] = [];
  const give = (input: AgentInput) => given.push(input);
  const containers = await FunctionContainers.open(folder);
  const logger = pino({ level: 'silent' });
  const states = new FunctionStates({ folder: `${folder}/s`, give, logger });
  const host = new FunctionHost({
    folder,
    address: '127.0.0.1',
    freePorts: true,
    clocks: createLinuxClocks(),
    give,
    groups: await openFunctionGroups({ label: `ct-${randomBytes(4).toString('hex')}`, where }),
    networks: FunctionNetworks.open(id),
    containers,
    states,
    warn: (message) => warnings.push(message),
  });
  onTestFinished(async () => {
    await host.close();
    expect(warnings).toEqual([]);
  });
  const start = (
    script: string,
    more: Partial<FunctionSpecification> = {},
    container: ContainerSpecification = { rootfs },
  ) => {
    const specification: FunctionSpecification = {
      v: 1,
      kind: 'container',
      command: ['/bin/sh', '-c', `exec 2>&1; ${script}`],
      container,
      ...more,
    };
    return host.start({ type: 'start', functionId: ID, run: 1, name: 'web#1', specification });
  };
  const stop = (graceMs = 5_000) =>
    host.stop({ type: 'stop', functionId: ID, run: 1, signal: 'SIGTERM', graceMs });
  const of = <Type extends AgentInput['type']>(type: Type) =>
    given.filter((input): input is AgentInput & { type: Type } => input.type === type);
  /** What it has written, once its last line is `end`; what it waits for when it is to go on. */
  const output = async (last = 'end') => {
    await expect.poll(() => of('output').at(-1)?.lines.at(-1), patient).toBe(last);
    return of('output').at(-1)?.lines ?? [];
  };
  const exit = async () => {
    await expect.poll(() => of('exited'), patient).toHaveLength(1);
    return of('exited')[0]?.reason;
  };
  return { host, folder, start, stop, of, output, exit, states, containers };
}

describe.skipIf(reason !== null)(
  `functions of kind container${reason === null ? '' : ` [${reason}]`}`,
  () => {
    test('a program sees its own file system, name and processes, and has no more rights than it is given', async () => {
      const { start, output } = await createHost();
      await start(
        'hostname; echo $$; cat /etc/* 2>/dev/null; touch /x || echo read-only; touch /tmp/x && echo tmp; grep CapEff /proc/self/status; echo $GREETING {name}; echo end; exec sleep 600',
        { env: { GREETING: 'hello' } },
      );
      expect(await output()).toEqual([
        'web-1',
        '1',
        'touch: /x: Read-only file system',
        'read-only',
        'tmp',
        // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE.
        'CapEff:\t00000000000004fb',
        'hello web#1',
        'end',
      ]);
    });
  },
);
