// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SlotSharingView, StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { ADDRESSES, declaration, NODES } from './ledger-set.ts';
import { instanceOf, isWhole, slotOf } from './running-set.ts';
import { ask } from './support.ts';

/* A function that serves, and whose changes do not get to anybody: its slot does not count as protected. */

const program = fileURLToPath(new URL('faulty-function.mjs', import.meta.url));

describe.skipIf(missing !== '')(`a function that does not tell its state ${missing}`, () => {
  let hosts: Hosts;

  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  const sharingOf = (state: StateView): SlotSharingView | null | undefined => slotOf(state, 'ledger').sharing;
  const isWell = (state: StateView): boolean =>
    isWhole(state) && sharingOf(state)?.isProtected === true && sharingOf(state)?.fault === undefined;
  const told = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await hosts.cli('manager', ...args);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  /** To the function that holds the slot. */
  const signal = (state: StateView, name: NodeJS.Signals): void => {
    const { pid } = instanceOf(state, slotOf(state, 'ledger').holder ?? '');
    if (pid === null) throw new Error('the holder has no process');
    process.kill(pid, name);
  };

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    await hosts.startSet('ledger', NODES);
    const file = `${hosts.folder}/set.yaml`;
    writeFileSync(file, declaration.replace(/arguments: \[\S+ledger\.mjs/, `arguments: [${program}`));
    const applied = await hosts.cli('manager', 'apply', file);
    expect(applied.code, applied.stderr).toBe(0);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => hosts.tellStory('manager'));
  });
  afterAll(async () => {
    await hosts?.takeDown();
  });

  test('one that says more than it may, and is refused each time that it comes: steadily in fault, until it behaves', async () => {
    const well = await untilState('a standby has the state', isWell);
    signal(well, 'SIGUSR2');
    const words = /^its function was refused \((once|\d+ times)\): shared state: .*value of 65537 octets/;
    const faulty = await untilState('it is a fault', (state) => words.test(sharingOf(state)?.fault ?? ''));
    expect(sharingOf(faulty)?.isProtected).toBe(false);
    expect(faulty.pools[0]?.health).toBe('degraded');
    const seen = new Set<string>();
    const refused = await untilState('it is refused again and again', (state) => {
      seen.add((sharingOf(state)?.fault ?? 'none').replace(/\d+ times|once/, 'n times'));
      return (sharingOf(state)?.refusals ?? 0) > 8;
    });
    expect([...seen]).toEqual([expect.stringContaining('n times')]);
    expect(await told('get', 'slots')).toContain('not all is told');
    expect(await told('explain', 'slot', 'ledger/0')).toContain('its function was refused');
    const { text } = await ask({ socketPath: `${hosts.stateOf('manager')}/api.sock` }, '/v1/metrics');
    expect(text).toMatch(/^vnfpool_slot_function_refusals_count\{.*pool="ledger".*\} \d+$/m);
    expect(text).toMatch(/^vnfpool_slot_protected_state\{.*pool="ledger".*\} 0$/m);
    // Nobody took the slot from it: it serves.
    expect(slotOf(refused, 'ledger').holder).toBe(slotOf(well, 'ledger').holder);
    signal(refused, 'SIGUSR2');
    await untilState('it is well again', isWell);
    const events = await told('events');
    expect(
      events.match(/Not all of the state of slot 0 of ledger is told: its function was refused/g),
    ).toHaveLength(1);
    expect(events).toContain('All of the state of slot 0 of ledger is told again.');
  });

  test('one that has closed its connection, and serves on: in fault, until it comes again', async () => {
    const well = await untilState('a standby has the state', isWell);
    signal(well, 'SIGWINCH');
    const away = await untilState('it is a fault', (state) =>
      /its function has not been connected for \d+ s/.test(sharingOf(state)?.fault ?? ''),
    );
    expect(sharingOf(away)?.isProtected).toBe(false);
    expect(slotOf(away, 'ledger').holder).toBe(slotOf(well, 'ledger').holder);
    signal(away, 'SIGWINCH');
    await untilState('it is well again', isWell);
  });
});
