// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { PoolError } from '../src/pool-error.ts';
import { SendTurns } from '../src/send-turns.ts';

function turns(waitingMax = 100) {
  const taken: number[] = [];
  const room = { left: 0 };
  const made = new SendTurns<number>({
    waitingMax,
    hasRoom: (bytes) => bytes <= room.left,
    take: (bytes) => {
      room.left -= bytes;
      return taken.push(bytes);
    },
  });
  return { made, taken, room };
}

test('nobody overtakes: a short message waits behind a long one', async () => {
  const { made, taken, room } = turns();
  room.left = 5;
  const sent = [made.send(5, undefined), made.send(4, undefined), made.send(1, undefined)];
  room.left = 3;
  sent.push(made.send(2, undefined));
  made.pump();
  expect(taken).toEqual([5]);
  room.left = 6;
  made.pump();
  expect(taken).toEqual([5, 4, 1]);
  room.left = 2;
  made.pump();
  expect(await Promise.all(sent)).toEqual([1, 2, 3, 4]);
});

test('who gives up makes way; more than the bound are refused; the end is told to all', async () => {
  const { made, taken, room } = turns(2);
  const giving = new AbortController();
  const long = made.send(9, giving.signal);
  const short = made.send(1, undefined);
  await expect(made.send(1, undefined)).rejects.toMatchObject({ code: 'overloaded' });
  room.left = 1;
  giving.abort();
  await expect(long).rejects.toMatchObject({ code: 'aborted' });
  expect(await short).toBe(1);
  expect(taken).toEqual([1]);
  const late = made.send(1, undefined);
  made.end(new PoolError('closed', 'the session is over'));
  await expect(late).rejects.toMatchObject({ code: 'closed' });
  await expect(made.send(0, undefined)).rejects.toMatchObject({ code: 'closed' });
});
