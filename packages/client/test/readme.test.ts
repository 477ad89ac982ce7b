// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cookieSeal, PoolElement, PoolUser } from '@vnfpool/client';
import { expect, onTestFinished, test } from 'vitest';
import { OpenRegistrar } from './open-scope.ts';

/* What the README shows is run as it stands, but for addresses. */

const blocks = [
  ...readFileSync(new URL('../README.md', import.meta.url), 'utf8').matchAll(/```ts\n([^]*?)```/g),
].map(([, code = '']) =>
  code
    .replaceAll(/^import .*$/gm, '')
    .replaceAll(/^const registrars = .*$/gm, '')
    .replaceAll('10.0.0.21', '127.0.0.1'),
);
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...names: string[]
) => (...values: unknown[]) => Promise<unknown>;

async function run(code: string, names: Readonly<Record<string, unknown>>): Promise<unknown> {
  return new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
}

async function scope() {
  const registrar = await new OpenRegistrar(1).listen();
  return { registrars: [registrar.address], PoolElement, PoolUser, cookieSeal };
}

test('a server and its client', async () => {
  const names = await scope();
  const element = (await run(`${blocks[0]}; return element;`, names)) as PoolElement;
  onTestFinished(() => element.close());
  const printed: unknown[] = [];
  await run(blocks[1] ?? '', { ...names, console: { log: (text: unknown) => printed.push(text) } });
  expect(printed).toEqual(['hello']);
});

test('a server with state', async () => {
  const names = await scope();
  const elements = [1, 2].map(
    () =>
      new PoolElement({
        registrars: names.registrars,
        security: 'open',
        poolHandle: 'count',
        listen: { host: '127.0.0.1' },
      }),
  );
  onTestFinished(() => {
    for (const element of elements) element.close();
  });
  const secret = randomBytes(32);
  for (const element of elements) await run(blocks[2] ?? '', { ...names, element, secret });
  const user = new PoolUser({ registrars: names.registrars, security: 'open' });
  onTestFinished(() => user.close());
  const session = await user.open('count');
  const answers = session[Symbol.asyncIterator]();
  const ask = async () => {
    await session.send('?');
    return new TextDecoder().decode((await answers.next()).value as Uint8Array);
  };
  expect([await ask(), await ask()]).toEqual(['1', '2']);
  const { id } = session.element ?? {};
  elements.find((element) => element.id === id)?.close();
  await expect.poll(() => session.element !== undefined && session.element.id !== id).toBe(true);
  expect(await ask()).toBe('3');
});
