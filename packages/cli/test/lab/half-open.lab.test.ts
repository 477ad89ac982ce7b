// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { ScopeHosts } from './scope-hosts.ts';
import { lists } from './scope-views.ts';
import { has, notBuilt, until } from './support.ts';

/*
 * A connection of which one end is gone without the other's knowing: nothing was sent while it went, and what the kernel said was lost.
 * An element tells of itself every few minutes only.
 */

const missing = labMissing || notBuilt || (has('mkfifo', '--version') ? '' : 'mkfifo is not installed');
const ELEMENT = '0x00000011';
/** Of the kernel's table: closed here, and the other end has not said that it knows. */
const FIN_WAIT = '04';

describe.skipIf(missing !== '')(`a scope with one registrar ${missing}`, () => {
  let scope: ScopeHosts;

  /** As of a host that loses its power: the kernel gives up soon what processes leave behind. */
  const forgetsSoon = (host: string): void =>
    scope.hosts.on(host, () => writeFileSync('/proc/sys/net/ipv4/tcp_orphan_retries', '1'));
  const isForgotten = (host: string): boolean =>
    scope.hosts.on(host, () =>
      readFileSync('/proc/thread-self/net/tcp', 'utf8')
        .split('\n')
        .every((line) => line.trim().split(/\s+/)[3] !== FIN_WAIT),
    );

  beforeAll(async () => {
    scope = new ScopeHosts({ r1: '10.78.0.1' }, { e1: '10.78.0.11', user: '10.78.0.30' });
    forgetsSoon('r1');
    await scope.registrar('r1');
    await scope.element('e1', 'echo', ELEMENT, 7001, ['r1']);
  });
  afterAll(() => scope?.takeDown());

  test('that is killed unheard, and started again, hears of its elements soon', async () => {
    const hasElement = () =>
      scope.untilSettled('the element is known', ['r1'], ([view]) => lists(view, [ELEMENT]));
    await hasElement();
    await scope.part('r1', 'e1');
    await scope.kill('r1');
    await until('nothing is left of the connection', () => isForgotten('r1'));
    await scope.registrar('r1');
    await scope.join('r1', 'e1');
    await hasElement();
    const session = await scope.session('user', 'echo', ['r1']);
    expect(await session.say()).toBe(ELEMENT);
  });
});
