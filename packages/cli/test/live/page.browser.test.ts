// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, launchChromium } from '../../../dashboard/test/support/chromium.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const cli = `${root}packages/cli/bin/vnfpool.js`;
const chromium = findChromium();
const built = existsSync(`${root}packages/cli/dist/main.js`);
const missing = [chromium === undefined ? 'no Chromium' : '', built ? '' : 'not built']
  .filter(Boolean)
  .join(', ');

/** A living set; its page is the one that people see. */
describe.skipIf(missing !== '')(`the page of a living set${missing && ` (skipped: ${missing})`}`, () => {
  let folder: string;
  let up: ChildProcess;
  let ended: Promise<unknown>;
  let url: string;
  let browser: Browser;
  let page: Page;
  const said: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(`${tmpdir()}/vp-`);
    up = spawn(
      process.execPath,
      [cli, 'up', `${root}examples/edge/set.yaml`, '--state', `${folder}/s`, '--port', '0'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    ended = new Promise((resolve) => up.once('exit', resolve));
    url = await new Promise<string>((resolve, reject) => {
      void ended.then(() => reject(new Error(`up ended: ${said.join('\n')}`)));
      createInterface({ input: up.stdout as NonNullable<typeof up.stdout> }).on('line', (line) => {
        said.push(line);
        const found = /^page\s+(http:\S+)$/.exec(line)?.[1];
        if (found) resolve(found);
      });
    });
    browser = await launchChromium(chromium ?? '');
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  });

  afterAll(async () => {
    await browser?.close();
    up?.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  test('shows who is active, and what a kill does', async () => {
    await page.goto(url);
    // Whoever was born first holds it: on a busy machine not always the same.
    await page
      .getByRole('button', { name: /^Kill web#/ })
      .first()
      .waitFor();
    await expect.poll(() => poolIsWhole('web'), { timeout: 60_000 }).toBe(true);
    // Who kills before anybody asks measures no outage.
    await expect.poll(() => trafficFlows('web'), { timeout: 60_000 }).toBe(true);
    const holder = (await slotOfWeb()).holder;
    expect(holder).not.toBeNull();
    await page
      .getByRole('button', { name: `Kill ${holder}`, exact: false })
      .first()
      .click();
    await expect.poll(async () => (await slotOfWeb()).holder, { timeout: 30_000 }).not.toBe(holder);
    await page
      .getByText(/first.served/i)
      .first()
      .waitFor();
    await expect.poll(() => poolIsWhole('web'), { timeout: 60_000 }).toBe(true);
    const picture = process.env['VNFPOOL_PAGE_PICTURE'];
    if (picture) await page.screenshot({ path: picture });
    else expect((await page.screenshot()).length).toBeGreaterThan(10_000);
  });

  async function ask<T>(path: string): Promise<T> {
    const { origin, hash } = new URL(url);
    const token = hash.replace('#token=', '');
    const answer = await fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return (await answer.json()) as T;
  }

  async function poolIsWhole(name: string): Promise<boolean> {
    const { items } = await ask<{ items: { name: string; health: string }[] }>('/v1/pools');
    return items.some((pool) => pool.name === name && pool.health === 'whole');
  }

  async function trafficFlows(name: string): Promise<boolean> {
    const { items } = await ask<{ items: { pool: string; ok: number; failingSince: number | null }[] }>(
      '/v1/traffic',
    );
    return items.some(({ pool, ok, failingSince }) => pool === name && ok > 0 && failingSince === null);
  }

  async function slotOfWeb(): Promise<{ holder: string | null }> {
    const { items } = await ask<{ items: { pool: string; holder: string | null }[] }>('/v1/slots');
    return items.find(({ pool }) => pool === 'web') ?? { holder: null };
  }
});
