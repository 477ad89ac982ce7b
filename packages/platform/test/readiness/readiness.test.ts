// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { AF_UNIX, libc, native, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../../src/libc/index.ts';
import { READABLE, WRITABLE, watch } from '../../src/readiness/index.ts';

const linux = process.platform === 'linux';
const built = new URL('../../dist/readiness/index.js', import.meta.url);

function socketPair() {
  const pair = new Int32Array(2);
  const signature = 'int socketpair(int, int, int, void *)';
  native().call('socketpair', signature, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
  const [near = -1, far = -1] = pair;
  const open = new Set([near, far]);
  const close = (fd: number): void => {
    if (open.delete(fd)) libc().close(fd);
  };
  onTestFinished(() => {
    for (const fd of open) libc().close(fd);
  });
  return { near, far, close };
}

const put = (fd: number): void => {
  native().call('write', 'long write(int, const void *, size_t)', fd, Uint8Array.of(7), 1);
};
const take = (fd: number): number => libc().receive(fd, new Uint8Array(16), 0);
const turns = async (count: number): Promise<void> => {
  for (let each = 0; each < count; each += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Collects what is told and lets a test wait for the next. */
function told() {
  const events: number[] = [];
  let wake: () => void = () => {};
  return {
    events,
    ready: (event: number): void => {
      events.push(event);
      wake();
    },
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
  };
}

test.runIf(linux)('tells what is wanted, again until it is dealt with, and nothing else', async () => {
  const { near, far } = socketPair();
  const seen = told();
  const watched = watch(near, seen.ready);
  put(far);
  await turns(5);
  expect(seen.events).toEqual([]);
  watched.want(READABLE);
  await seen.next();
  await seen.next();
  expect(new Set(seen.events)).toEqual(new Set([READABLE]));
  expect(take(near)).toBe(1);
  await turns(3);
  const count = seen.events.length;
  await turns(5);
  expect(seen.events).toHaveLength(count);
  watched.want(READABLE | WRITABLE);
  await seen.next();
  expect(seen.events.at(-1)).toBe(WRITABLE);
  put(far);
  while (seen.events.at(-1) !== (READABLE | WRITABLE)) await seen.next();
  watched.want(0);
  await turns(2);
  const silent = seen.events.length;
  await turns(5);
  expect(seen.events).toHaveLength(silent);
  watched.end();
});

test.runIf(linux)('the end of the other side is told as what was wanted', async () => {
  const { near, far, close } = socketPair();
  const seen = told();
  const watched = watch(near, seen.ready);
  watched.want(READABLE);
  close(far);
  await seen.next();
  expect(seen.events[0]).toBe(READABLE);
  expect(take(near)).toBe(0);
  watched.end();
});

test.runIf(linux)('a handler that ends another watch hears no more of it', async () => {
  const pairs = [socketPair(), socketPair()];
  const heard: number[] = [];
  const watches = pairs.map(({ near }, index) =>
    watch(near, () => {
      heard.push(index);
      for (const each of watches) each.end();
    }),
  );
  for (const each of watches) each.want(READABLE);
  for (const { far } of pairs) put(far);
  await turns(10);
  expect(heard).toHaveLength(1);
});

test.runIf(linux)('more at once than one turn takes are all told', async () => {
  const pairs = Array.from({ length: 300 }, socketPair);
  const heard = new Set<number>();
  const all = new Promise<void>((resolve) => {
    for (const { near, far } of pairs) {
      const watched = watch(near, () => {
        heard.add(near);
        watched.end();
        if (heard.size === pairs.length) resolve();
      });
      watched.want(READABLE);
      put(far);
    }
  });
  await all;
});

test.runIf(linux && existsSync(built))(
  'a process ends when nothing is wanted, and by exit when something is',
  () => {
    const script = (last: string): string => `
    const { watch } = await import('${built.href}');
    const { native } = await import('${new URL('../libc/index.js', built).href}');
    const pair = new Int32Array(2);
    native().call('socketpair', 'int socketpair(int, int, int, void *)', 1, 1, 0, pair);
    const watched = watch(pair[0], () => {});
    watched.want(1);
    setTimeout(() => { ${last} }, 20);`;
    for (const last of ['watched.want(0)', 'watched.end()', 'process.exit(0)']) {
      const run = spawnSync(process.execPath, ['--input-type=module', '-e', script(last)], {
        timeout: 20_000,
      });
      expect([last, run.status, run.stderr.toString()]).toEqual([last, 0, '']);
    }
  },
);
