// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findChromium, launchChromium } from './support/chromium.ts';
import { MockApi, mockToken } from './support/mock-api.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const executablePath = findChromium();
const title =
  executablePath === undefined ? 'the page (skipped: no Chromium; set CHROMIUM to its path)' : 'the page';

/** Set to a folder to keep pictures of the page there. */
const pictures = process.env['SCREENSHOTS'];

describe.skipIf(executablePath === undefined)(title, () => {
  let dist: string;
  let browser: Browser;
  let api: MockApi;
  let origin: string;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    dist = await mkdtemp(join(tmpdir(), 'vnfpool-page-'));
    await build({
      root,
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: dist },
    });
    browser = await launchChromium(executablePath ?? '');
  });

  afterAll(async () => {
    await browser?.close();
    await rm(dist, { recursive: true, force: true });
  });

  beforeEach(async () => {
    api = new MockApi(dist);
    origin = await api.listen();
    faults = [];
    await openPage({ width: 1440, height: 900 });
  });

  afterEach(async () => {
    await page.context().close();
    await api.close();
    expect(faults).toEqual([]);
    expect(api.unknownPaths).toEqual([]);
  });

  async function openPage(viewport: { width: number; height: number }, colorScheme?: 'dark'): Promise<void> {
    const context = await browser.newContext({
      viewport,
      reducedMotion: 'reduce',
      colorScheme: colorScheme ?? 'light',
    });
    page = await context.newPage();
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) faults.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(origin)) faults.push(`asked elsewhere: ${request.url()}`);
    });
  }

  async function reopen(viewport: { width: number; height: number }, colorScheme?: 'dark'): Promise<void> {
    await page.context().close();
    await openPage(viewport, colorScheme);
  }

  async function enter(token: string = mockToken): Promise<void> {
    await page.goto(`${origin}/#token=${token}`);
  }

  async function picture(name: string): Promise<void> {
    if (pictures !== undefined)
      await page.screenshot({
        path: join(pictures, `${name}.png`),
        fullPage: !name.endsWith('first-screen'),
      });
  }

  const holder = (pool: string) => page.getByTestId(`holder-${pool}-0`);
  const news = () => page.getByRole('status', { name: 'Latest news' });
  const textOf = async (selector: ReturnType<typeof holder>, text: string): Promise<void> => {
    await selector.filter({ hasText: text }).waitFor();
  };

  test('opens with the token of the address, which it clears, and shows who is active and why', async () => {
    await enter();
    await textOf(holder('web'), 'web#1');
    await textOf(holder('calc'), 'calc#1');
    await textOf(page.getByTestId('verdict'), 'web and calc are whole.');
    await page.getByText('First candidate when the slot was taken').first().waitFor();
    await page.getByText('council 3 of 3').waitFor();
    expect(page.url()).toBe(`${origin}/`);
    await page.reload();
    await textOf(holder('web'), 'web#1');
    await picture('light-calm');
  });

  test('Kill sends the request; the takeover, its steps and its outage show', async () => {
    await enter();
    await page.getByRole('button', { name: 'Kill node-a' }).click();
    await textOf(news(), 'node-a was killed.');
    await textOf(news(), 'web#2 took over web slot 0 from web#1. Traffic saw an outage of 214 ms.');
    expect(api.posts).toEqual([{ path: '/v1/lab', body: { action: 'kill', target: 'node-a' } }]);
    await textOf(holder('web'), 'web#2');
    await textOf(page.getByTestId('verdict'), 'web serves with less redundancy than declared.');
    await textOf(page.getByTestId('outage'), '214 ms');
    const steps = await page.locator('.timeline tbody th').allInnerTexts();
    expect(steps.map((step) => step.split('\n')[0])).toEqual([
      'outage',
      'detected',
      'fenced',
      'decided',
      'committed',
      'switched',
      'serving',
      'first-served',
    ]);
    await page.getByText('A kernel fence is closed by then').waitFor();
    await page.getByRole('button', { name: 'Start node-a' }).waitFor();
    await picture('light-killed');
    await page.mouse.wheel(0, -5000);
    await page.waitForFunction(() => scrollY === 0);
    await picture('light-first-screen');
  });

  test('a frozen set says so on top, and a failover what failed', async () => {
    api.scenario.freeze('2 of 3 nodes were lost at once (node-b, node-c)');
    await enter();
    await textOf(
      page.getByTestId('frozen'),
      'edge is frozen: 2 of 3 nodes were lost at once (node-b, node-c)',
    );
    await page.getByRole('button', { name: 'Kill node-a' }).click();
    await textOf(page.getByTestId('failure-class'), 'its node, or the way to it: node-a does not answer');
    await picture('light-frozen');
  });

  test('a council that does not survive a node says so, and what helps', async () => {
    api.scenario.weakness =
      'The council is node-a alone: when node-a is gone, no slot is granted or renewed.';
    await enter();
    await textOf(page.getByTestId('weakness'), api.scenario.weakness);
    await page.getByText('council 3 of 3, survives no loss').waitFor();
  });

  test('tells who has the state of a slot, and how far behind', async () => {
    const standby = {
      instance: 'web#2',
      node: 'node-b',
      lagUpdates: 3,
      lagMs: 2,
      lagBytes: 96,
      roundTripMs: 0.4,
    };
    api.scenario.share('web', {
      method: 'replicate',
      isProtected: true,
      isLossy: false,
      verdict: 'A failover loses up to 2000 ms.',
      state: { at: 0, keys: 5, bytes: 160, sequence: 40, updatesPerSecond: 10, waiting: 0 },
      standbys: [
        { ...standby, isListed: true, state: 'following' },
        { ...standby, instance: 'web#3', node: 'node-c', isListed: false, state: 'filling' },
      ],
    });
    await enter();
    await page.getByText('A failover loses up to 2000 ms.').waitFor();
    await page.getByText('follows, 3 updates (2 ms, 96 octets) behind').waitFor();
    await page.getByText('being filled, may not take over, 3 updates (2 ms, 96 octets) behind').waitFor();
    await picture('light-sharing');
    // What is told of its copies, and what is wrong with one of them.
    const rates = { updatesPerSecond: 10, bytesPerSecond: 320, updatesSent: 40, bytesSent: 1_280 };
    const stream = { silentMs: 60, ...rates, underWayBytes: 32, fills: 1 };
    const digests = { agreed: 412, differed: 0, agreedAt: Date.now(), isDiffering: false };
    const alarm =
      'web#3 on node-c had another state than the holder of slot 0 of web: it gets all of it anew.';
    api.scenario.share('web', {
      method: 'conntrack',
      isProtected: true,
      isLossy: false,
      verdict: 'A failover loses up to 1000 ms.',
      alarms: [alarm],
      overruns: { times: 9, isAmid: false },
      state: { at: 0, keys: 5, bytes: 160, sequence: 40, updatesPerSecond: 10, waiting: 0 },
      standbys: [
        { ...standby, isListed: true, state: 'following', stream, digests },
        {
          ...standby,
          instance: 'web#3',
          node: 'node-c',
          isListed: false,
          state: 'filling',
          stream: { ...stream, fills: 2 },
          digests: { ...digests, differed: 1, isDiffering: true },
        },
      ],
    });
    api.publish();
    await page.getByText(alarm).waitFor();
    await page.getByText('9 times, and all connections were listed anew').waitFor();
    await page.getByText('10 updates (320 octets) a second; digests agree: last').waitFor();
    await page.getByText('differed 1 time; got all 2 times').waitFor();
    await picture('light-sharing-alarm');
  });

  test('a paused node tells what its fence does, and offers to resume', async () => {
    await enter();
    await page.getByRole('button', { name: 'Pause node-a' }).click();
    await page.getByText('the fence closes by the kernel’s own clock').waitFor();
    await page.getByRole('button', { name: 'Resume node-a' }).click();
    await textOf(news(), 'node-a goes on');
    expect(api.posts.map(({ body }) => body)).toEqual([
      { action: 'pause', target: 'node-a' },
      { action: 'resume', target: 'node-a' },
    ]);
  });

  test('a refusal is shown with its reason and stays until dismissed', async () => {
    await enter();
    api.refusal = { code: 'conflict', message: 'node-b is starting' };
    await page.getByRole('button', { name: 'Kill node-b' }).click();
    await textOf(news(), 'The request to kill node-b was refused: node-b is starting');
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.getByText('was refused').waitFor({ state: 'detached' });
  });

  test('hands over to the standby that was chosen, and explains a pool', async () => {
    await enter();
    await page.getByLabel('Who takes over web slot 0').selectOption('web#3');
    await page.getByRole('button', { name: 'Hand over web slot 0' }).click();
    await textOf(news(), 'Hand-over of web slot 0 was asked for.');
    expect(api.posts).toEqual([{ path: '/v1/handover', body: { pool: 'web', slot: 0, to: 'web#3' } }]);
    await page.getByText('Explain web').click();
    await page.getByRole('cell', { name: 'ready to take it' }).first().waitFor();
  });

  test('a node is drained and used again; a move shows how far it is, and can be taken back', async () => {
    await enter();
    api.scenario.moves.set('web#1', {
      to: 'node-c',
      startedAt: Date.now(),
      phase: 'sending',
      bytes: 34_000_000,
      bytesTotal: 100_000_000,
      bytesPerSecond: 55_000_000,
      changePerSecond: 1_000_000,
      expectedPauseMs: 12,
      expectedEndMs: 1_200,
    });
    await page.getByRole('button', { name: 'Drain node-a' }).click();
    await textOf(news(), 'node-a is drained: what it runs moves away.');
    await page.getByText('34 MB of 100 MB of its state are on node-c').waitFor();
    expect(await page.getByRole('progressbar', { name: 'Move of web#1' }).getAttribute('value')).toBe('0.34');
    await picture('light-move');
    await page.getByRole('button', { name: 'Cancel move of web#1' }).click();
    await textOf(news(), 'web#1 was asked to stay.');
    await page.getByRole('progressbar').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Use again node-a' }).click();
    await page.getByText('what it runs moves to other nodes').waitFor({ state: 'detached' });
    expect(api.posts).toEqual([
      { path: '/v1/drain', body: { node: 'node-a' } },
      { path: '/v1/move', body: { instance: 'web#1', cancel: true } },
      { path: '/v1/drain', body: { node: 'node-a', cancel: true } },
    ]);
  });

  test('a node goes into maintenance and comes back', async () => {
    await enter();
    await page.getByRole('button', { name: 'Maintenance 2 h node-b' }).click();
    await textOf(news(), 'node-b is in maintenance.');
    await page.getByText('In maintenance for 120 min more: its silence is expected.').waitFor();
    expect(await page.getByRole('button', { name: 'Drain node-b' }).count()).toBe(0);
    await page.getByRole('button', { name: 'End maintenance node-b' }).click();
    // The news of its beginning says "in maintenance" too, and may still be there.
    await page.getByText(/^In maintenance for/).waitFor({ state: 'detached' });
    expect(api.posts).toEqual([
      { path: '/v1/maintenance', body: { node: 'node-b', forMs: 7_200_000 } },
      { path: '/v1/maintenance', body: { node: 'node-b', off: true } },
    ]);
  });

  test('an upgrade shows how far it is; it can be paused and rolled back', async () => {
    api.scenario.upgrades.set('web', {
      state: 'going',
      reason: 'the function has changed',
      startedAt: Date.now(),
      goal: 'new',
      done: 1,
      total: 3,
      next: 'waits: web#2 has to prove itself',
      canRollBack: true,
      batch: 1,
      gateMs: 5_000,
      deadlineMs: 60_000,
      onFailure: 'rollback',
      instances: [],
    });
    await enter();
    await page.getByText('1 of 3 run the new version').waitFor();
    await picture('light-upgrade');
    await page.getByRole('button', { name: 'Pause the upgrade of web' }).click();
    await textOf(news(), 'The upgrade of web is paused.');
    await page.getByRole('button', { name: 'Roll back the upgrade of web' }).click();
    await textOf(news(), 'The upgrade of web is rolled back.');
    await page.getByText('Upgrade rolling back').waitFor();
    expect(api.posts).toEqual([
      { path: '/v1/upgrade', body: { pool: 'web', action: 'pause' } },
      { path: '/v1/upgrade', body: { pool: 'web', action: 'rollback' } },
    ]);
  });

  test('older failovers can be chosen, and events filtered', async () => {
    await enter();
    await page.getByRole('button', { name: 'Kill node-a' }).click();
    await textOf(holder('web'), 'web#2');
    await page.getByRole('button', { name: 'Kill calc#1' }).click();
    await textOf(holder('calc'), 'calc#2');
    await page.getByRole('heading', { name: 'calc#2 took over calc slot 0' }).waitFor();
    await page.getByRole('button', { name: /web\/0 to web#2/ }).click();
    await page.getByRole('heading', { name: 'web#2 took over web slot 0' }).waitFor();
    await picture('light-older');
    const messages = page.getByRole('region', { name: 'Events, newest first' }).getByRole('listitem');
    await messages.filter({ hasText: 'declaration.applied' }).waitFor();
    await page.getByRole('radio', { name: 'Errors' }).check();
    await messages.filter({ hasText: 'declaration.applied' }).waitFor({ state: 'detached' });
    expect(await messages.count()).toBe(1);
  });

  test('works by keyboard alone: everything is reached in turn, with a visible focus, and nothing traps it', async () => {
    await enter();
    await page.getByRole('button', { name: 'Kill node-a' }).waitFor();
    const seen: string[] = [];
    for (let press = 0; press < 80; press += 1) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === null || element === document.body) return null;
        const drawn = element.matches('input[type=radio]')
          ? (element.nextElementSibling ?? element)
          : element;
        const name = element.getAttribute('aria-label') ?? element.textContent ?? '';
        return { name, outline: getComputedStyle(drawn).outlineStyle };
      });
      if (focused === null) break;
      expect(focused).toMatchObject({ outline: 'solid' });
      seen.push(focused.name);
    }
    expect(seen[0]).toBe('Skip to the pools');
    expect(seen).toEqual(
      expect.arrayContaining([
        'Kill node-a',
        'Pause node-c',
        'Kill web#3',
        'Hand over web slot 0',
        'Explain calc',
      ]),
    );
    expect(seen).toContain('Events, newest first');
    expect(seen.length).toBeLessThan(80);

    await page.getByRole('button', { name: 'Kill node-a' }).focus();
    await page.keyboard.press('Enter');
    await textOf(holder('web'), 'web#2');
    const started = page.getByRole('button', { name: 'Start node-a' });
    await started.waitFor();
    expect(await started.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  test('fits a phone: nothing scrolls sideways, buttons are large enough to touch', async () => {
    await reopen({ width: 390, height: 844 });
    await enter();
    await page.getByRole('button', { name: 'Kill node-a' }).click();
    await textOf(holder('web'), 'web#2');
    await page.getByText('Explain web').click();
    await page.getByRole('cell', { name: 'ready to take it' }).first().waitFor();
    await page.getByRole('button', { name: 'Start node-a' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    for (const button of await page.locator('.action').all()) {
      expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(40);
    }
    await picture('phone');
  });

  test('follows the colour scheme of the system, and the choice made on the page', async () => {
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await enter();
    await textOf(holder('web'), 'web#1');
    const light = await paper();
    await page.getByRole('radio', { name: 'Dark' }).check();
    await expect.poll(paper).not.toBe(light);
    const dark = await paper();
    await page.reload();
    await textOf(holder('web'), 'web#1');
    await expect.poll(paper).toBe(dark);

    await reopen({ width: 1440, height: 900 }, 'dark');
    await enter();
    await textOf(holder('web'), 'web#1');
    await expect.poll(paper).toBe(dark);
    await page.getByRole('button', { name: 'Pause node-a' }).click();
    await textOf(holder('web'), 'web#2');
    await picture('dark-paused');
  });

  test('a lost stream is told, and found again', async () => {
    await enter();
    await textOf(holder('web'), 'web#1');
    api.goDown();
    await page.getByText('Connection lost, trying again.').waitFor();
    await picture('light-lost');
    api.scenario.failOver('web', Date.now(), 'lease-expired');
    api.comeBack();
    await textOf(holder('web'), 'web#2');
    await page.getByText('Connection lost, trying again.').waitFor({ state: 'detached' });
  });

  test('a manager that was killed from the page can be started from it', async () => {
    await enter();
    await page.getByRole('button', { name: 'Kill manager' }).click();
    await page.getByText('Connection lost, trying again.').waitFor();
    await page.getByText('Reason: the manager does not answer').waitFor();
    await page.getByRole('button', { name: 'Start manager' }).click();
    await page.getByText('Connection lost, trying again.').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Kill manager' }).waitFor();
  });

  test('a wrong token is explained, and the right one can be typed', async () => {
    await enter('wrong');
    await page.getByRole('heading', { name: 'does not accept this token' }).waitFor();
    await picture('light-token');
    await page.keyboard.type(mockToken);
    await page.keyboard.press('Enter');
    await textOf(holder('web'), 'web#1');
  });

  test('without a token it asks for one; without a lab it shows no fault buttons', async () => {
    api.labAvailable = false;
    await page.goto(origin);
    await page.getByRole('heading', { name: 'This page needs a token' }).waitFor();
    await page.getByLabel('Token').fill(mockToken);
    const asked = page.waitForResponse((response) => response.url().endsWith('/v1/lab'));
    await page.getByRole('button', { name: 'Open' }).click();
    expect((await asked).status()).toBe(404);
    await textOf(holder('web'), 'web#1');
    expect(await page.getByRole('button', { name: /^(Kill|Pause)/ }).count()).toBe(0);
    await page.getByRole('button', { name: 'Hand over web slot 0' }).waitFor();
  });

  test('fits a tablet', async () => {
    await reopen({ width: 834, height: 1112 });
    await enter();
    await textOf(holder('web'), 'web#1');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(834);
    await picture('tablet');
  });

  test('tells while requests fail', async () => {
    await enter();
    api.scenario.startFailing(Date.now());
    await page.getByText(/^failing for/).waitFor();
    await picture('light-failing');
  });
});
