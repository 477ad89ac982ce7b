// SPDX-License-Identifier: Apache-2.0
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { ScopeHosts } from './scope-hosts.ts';
import { agree, homeOf, lists } from './scope-views.ts';
import { has, notBuilt } from './support.ts';
import type { UserSession } from './user-session.ts';

/*
 * Three registrars on hosts of their own, elements on two more, a user on a sixth: processes as shipped. Registrars
 * are killed, cut off, stopped and started again; what must be so then is read from their status sockets: all that live
 * have each element once, with the same home, and the same checksums, and sessions go on.
 */

const missing = labMissing || notBuilt || (has('mkfifo', '--version') ? '' : 'mkfifo is not installed');
const REGISTRARS = { r1: '10.78.0.1', r2: '10.78.0.2', r3: '10.78.0.3' } as const;
type Host = keyof typeof REGISTRARS;
const ALL = ['r1', 'r2', 'r3'] as const;
/** Where each element is, and which registrars it looks for in which order. */
const ELEMENTS = {
  '0x00000011': ['e1', 'echo', 7001, ['r1', 'r2', 'r3']],
  '0x00000012': ['e1', 'other', 7002, ['r1', 'r3', 'r2']],
  '0x00000021': ['e2', 'echo', 7001, ['r2', 'r3', 'r1']],
  '0x00000022': ['e2', 'echo', 7002, ['r3', 'r1', 'r2']],
} as const;
const IDS = Object.keys(ELEMENTS) as (keyof typeof ELEMENTS)[];

describe.skipIf(missing !== '')(`a scope on several hosts ${missing}`, () => {
  let scope: ScopeHosts;
  /** Open for as long as all of this, with the one element of its pool. */
  let session: UserSession;

  async function startElement(id: keyof typeof ELEMENTS): Promise<void> {
    const [host, pool, port, order] = ELEMENTS[id];
    await scope.element(host, pool, id, port, order);
  }

  /** These registrars, and no others, are of one mind, and the session goes on. */
  async function allIsWell(hosts: readonly Host[] = ALL, elements: readonly string[] = IDS): Promise<void> {
    await scope.untilSettled(`${hosts.join()} agree`, hosts, (views) => agree(views, elements));
    expect(await session.say()).toBe('0x00000012');
  }

  /** The registrar of an element, the two others, and a session by way of the first. */
  async function home(element: keyof typeof ELEMENTS): Promise<[Host, Host[], UserSession]> {
    const views = await scope.untilSettled(`${element} has a home`, ALL, (all) => agree(all, IDS));
    const host = ALL.find((_, index) => views[index]?.registrarId === homeOf(views[0], element));
    if (host === undefined) throw new Error(`${element} is nowhere`);
    const others = ALL.filter((each) => each !== host);
    return [host, others, await scope.session('user', 'echo', [host, ...others])];
  }

  beforeAll(async () => {
    scope = new ScopeHosts(REGISTRARS, { e1: '10.78.0.11', e2: '10.78.0.12', user: '10.78.0.30' });
    for (const host of ALL) await scope.registrar(host);
    await Promise.all(IDS.map(startElement));
    session = await scope.session('user', 'other', ALL);
  });
  // One that failed half-way must not spoil the others.
  afterEach(() => scope?.mend());
  afterAll(() => scope?.takeDown());

  test('all know the same, with the same checksums; a user is served through each', async () => {
    await allIsWell();
    for (const host of ALL) {
      const own = await scope.session('user', 'echo', [host]);
      expect(await own.say()).toMatch(/^0x000000(11|21|22)$/);
      await own.close();
    }
  });

  test('kill -9 of a registrar: its elements are with the others', async () => {
    const [dead, others, own] = await home('0x00000012');
    await scope.kill(dead);
    expect(await own.say()).not.toBe('');
    await allIsWell(others);
    // Who asks the dead one first finds the next.
    const late = await scope.session('user', 'other', [dead, ...others]);
    expect(await late.say()).toBe('0x00000012');

    await scope.registrar(dead);
    await allIsWell();
    expect(scope.child(dead).stderr()).toContain('"reason":"with the table of a mentor","msg":"joined"');
    expect(await own.say()).not.toBe('');
    await Promise.all([own.close(), late.close()]);
  });

  test('a registrar that is cut off: its elements are with the others; healed, all agree', async () => {
    const [away, others, own] = await home('0x00000021');
    scope.cut(away);
    await allIsWell(others);
    const late = await scope.session('user', 'other', [away, ...others]);
    expect(await late.say()).toBe('0x00000012');
    scope.heal(away);
    await allIsWell();
    expect(await own.say()).not.toBe('');
    await Promise.all([own.close(), late.close()]);
  });

  test('a registrar that was stopped for longer than the limits goes on as one of them', async () => {
    const [stopped, others, own] = await home('0x00000022');
    scope.child(stopped).process.kill('SIGSTOP');
    await allIsWell(others);
    const late = await scope.session('user', 'other', [stopped, ...others]);
    expect(await late.say()).toBe('0x00000012');
    scope.child(stopped).process.kill('SIGCONT');
    await allIsWell();
    expect(await own.say()).not.toBe('');
    await Promise.all([own.close(), late.close()]);
  });

  test('an element is killed while a registrar is stopped: the session goes on at another', async () => {
    const [stopped, others, own] = await home('0x00000011');
    scope.child(stopped).process.kill('SIGSTOP');
    const server = (await own.say()) as keyof typeof ELEMENTS;
    await scope.killBusy(server, () => own.send());
    const next = await own.failedOver();
    expect(next).not.toBe(server);
    expect(await own.say()).toBe(next);
    const left = IDS.filter((id) => id !== server);
    await allIsWell(others, left);
    scope.child(stopped).process.kill('SIGCONT');
    await allIsWell(ALL, left);
    await startElement(server);
    await allIsWell();
    await own.close();
  });

  test('two registrars that do not reach each other: the third has all elements; healed, all agree', async () => {
    const [one, [two = one, third = one], own] = await home('0x00000011');
    const ids = (await Promise.all([one, two].map((host) => scope.view(host)))).map(
      ({ registrarId }) => registrarId,
    );
    await scope.part(one, two);
    // Either takes the other over, and elements go with whichever asked them last.
    await scope.untilSettled('the split is noticed', [one, two, third], (views) => {
      const known = views.slice(0, 2).flatMap(({ peers }) => peers.filter(({ id }) => ids.includes(id)));
      return known.every(({ state }) => state !== 'active') && lists(views[2], IDS);
    });
    expect(await own.say()).not.toBe('');
    expect(await session.say()).toBe('0x00000012');
    await scope.join(one, two);
    await allIsWell();
    expect(await own.say()).not.toBe('');
    await own.close();
  });

  test('only one registrar is left: it has all elements', async () => {
    const [last, others, own] = await home('0x00000011');
    await Promise.all(others.map((host) => scope.kill(host)));
    await allIsWell([last]);
    await Promise.all(others.map((host) => scope.registrar(host)));
    await allIsWell();
    expect(await own.say()).not.toBe('');
    await own.close();
  });

  test('all registrars are restarted, one after the other', async () => {
    for (const host of ALL) {
      await scope.stop(host);
      await scope.registrar(host);
      await allIsWell();
    }
  });
});
