// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import type { PoolElement } from '@vnfpool/client';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { OpenRegistrar } from './open-scope.ts';

type Values = Readonly<Record<string, unknown>>;
interface Example {
  readonly serve: (values: Values) => Promise<PoolElement>;
  readonly use: (
    values: Values,
    rest?: readonly string[],
    lines?: AsyncIterable<string>,
  ) => Promise<Readonly<Record<string, number>>>;
}

/** An example, so many of its elements, and what its user prints. */
async function example(name: string, elements: number, more: Values = {}) {
  const module = (await import(`../../../examples/rserpool/${name}.mjs`)) as Example;
  const registrar = await new OpenRegistrar(1).listen();
  const { host, port } = registrar.address;
  const values = { registrar: [`${host}:${port}`], address: '127.0.0.1', sctp: false, ...more };
  let printed = '';
  for (const method of ['log', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((text) => {
      printed += `${text}\n`;
    });
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const served: PoolElement[] = [];
  for (let each = 0; each < elements; each += 1) {
    const element = await module.serve(values);
    served.push(element);
    onTestFinished(() => element.close());
  }
  return { ...module, values, served, printed: () => printed };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function* lines(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

// Each element of an example waits for a signal.
process.setMaxListeners(64);

describe('examples', () => {
  test('echo', async () => {
    const { use, values, printed } = await example('echo', 1);
    await use(values, [], lines('one', 'two'));
    expect(printed()).toContain('one\ntwo\n');
  });

  test('echo by standard input: no line is lost that came before the session was open', async () => {
    const { values, printed } = await example('echo', 1);
    expect(printed()).toContain('registered');
    const [registrar = ''] = values['registrar'] as string[];
    const file = fileURLToPath(new URL('../../../examples/rserpool/echo.mjs', import.meta.url));
    const child = spawn(process.execPath, [file, 'use', '--registrar', registrar]);
    child.stdin.end('one\ntwo\n');
    expect(await text(child.stdout)).toBe('one\ntwo\n');
  });

  test.each([
    ['--help', 0, 'usage: node '],
    ['--nonsense', 2, "Unknown option '--nonsense'"],
    ['--registrar=nowhere', 2, '--registrar nowhere: it is HOST:PORT'],
  ])('says how it is used: %s', async (flag, code, said) => {
    const file = fileURLToPath(new URL('../../../examples/rserpool/echo.mjs', import.meta.url));
    const child = spawn(process.execPath, [file, 'use', flag]);
    const [out, err, [ended]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    expect(ended).toBe(code);
    expect(out + err).toContain(said);
    expect(out + err).not.toContain('    at ');
  });

  test('discard', async () => {
    const { use, values, printed } = await example('discard', 1, { megabytes: '2' });
    await use(values);
    expect(printed()).toContain('2 MiB in ');
    await expect.poll(printed).toContain(`discarded ${2 * 1024 * 1024} octets`);
  });

  test('daytime', async () => {
    const { use, values, printed } = await example('daytime', 1);
    await use(values);
    expect(printed()).toMatch(/\d{4}-\d\d-\d\dT/);
  });

  test('character generator: no line is missing after a failover', async () => {
    const { use, values, served, printed } = await example('chargen', 2, { lines: '40' });
    const done = use(values);
    await expect.poll(() => printed().split('\n').length).toBeGreaterThan(10);
    // One of them has the session.
    served[0]?.close();
    await done;
    const numbers = [...printed().matchAll(/^ *(\d+) /gm)].map(([, number]) => Number(number));
    expect(numbers.length).toBeGreaterThanOrEqual(40);
    expect(new Set(numbers).size).toBe((numbers.at(-1) ?? 0) + 1);
  });

  test('ping-pong: counts on where another takes over', async () => {
    const { use, values, served, printed } = await example('ping-pong', 2, { pings: '30', interval: '5' });
    const done = use(values);
    await expect.poll(printed).toContain('pong 10 ');
    served[0]?.close();
    await done;
    const counts = [...printed().matchAll(/pong (\d+) to ping (\d+)/g)].map(([, count]) => Number(count));
    expect(counts).toHaveLength(30);
    // A ping that the lost element had counted and not answered counts twice: no fewer than were sent.
    expect(counts.at(-1)).toBeGreaterThanOrEqual(30);
    expect(counts.toSorted((a, b) => a - b)).toEqual(counts);
  });

  test('fractal: a picture by two elements', async () => {
    const { use, values, printed } = await example('fractal', 2, {
      width: '64',
      height: '48',
      sessions: '3',
    });
    const file = join(folder(), 'picture.png');
    await use(values, [file]);
    expect(printed()).toContain('64 x 48');
    const picture = readFileSync(file);
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
    const at = picture.indexOf('IDAT');
    const rows = inflateSync(picture.subarray(at + 4, at + 4 + picture.readUInt32BE(at - 4)));
    expect(rows.length).toBe(65 * 48);
    expect(new Set(rows).size).toBeGreaterThan(5);
  });

  test('script pool: runs nothing unless it may, and then within bounds', async () => {
    const file = join(folder(), 'script.mjs');
    writeFileSync(file, 'console.log(6 * 7, Object.keys(process.env).length)');
    onTestFinished(() => {
      process.exitCode = undefined;
    });
    const careful = await example('script-pool', 1);
    await careful.use(careful.values, [file]);
    expect(careful.printed()).toContain('refused: started without --allow');
    const willing = await example('script-pool', 1, { allow: true });
    await willing.use(willing.values, [file]);
    expect(willing.printed()).toContain('42 0');
  });

  test('load test: counts sessions and failovers', async () => {
    const { values, served, printed } = await example('echo', 2, { seconds: '1', parallel: '4' });
    const { use } = (await import('../../../examples/rserpool/load-test.mjs' as string)) as Example;
    const done = use(values);
    setTimeout(() => served[0]?.close(), 200);
    const { sessions, errors } = await done;
    expect(sessions).toBeGreaterThan(10);
    expect(errors).toBe(0);
    expect(printed()).toMatch(/p50 [\d.]+ ms, p99 [\d.]+ ms/);
  });
});
