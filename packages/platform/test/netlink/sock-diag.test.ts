// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { errnoError } from '../../src/libc/errno.ts';
import { destroyConnections, undestroyable } from '../../src/netlink/sock-diag.ts';
import type { NetlinkSocket } from '../../src/netlink/socket.ts';

const TCP = 6;
const UDP = 17;
const LIST = 'list sockets';
const DESTROY = 'destroy socket';

/** A kernel that answers for each protocol with an errno. */
function kernel(answers: Readonly<Record<string, number>>) {
  const asked: string[] = [];
  const answer = (call: string, bytes: Uint8Array | undefined): void => {
    const question = `${call} ${bytes?.[1] === TCP ? 'TCP' : 'UDP'}`;
    asked.push(question);
    const errno = answers[question] ?? (call === DESTROY ? 2 : 0);
    if (errno !== 0) throw errnoError(call, errno);
  };
  const socket = {
    dump: (call: string, _type: number, [bytes]: readonly Uint8Array[]) => {
      answer(call, bytes);
      return [];
    },
    request: (call: string, _type: number, _flags: number, [bytes]: readonly Uint8Array[]) =>
      answer(call, bytes),
  };
  return { socket: socket as unknown as NetlinkSocket, asked };
}

test.each([
  ['nothing', {}, []],
  ['SOCK_DESTROY', { [`${DESTROY} TCP`]: 95, [`${DESTROY} UDP`]: 95 }, [TCP, UDP]],
  ['SOCK_DESTROY, as before Linux 4.5', { [`${DESTROY} TCP`]: 22, [`${DESTROY} UDP`]: 22 }, [TCP, UDP]],
  ['the listing of UDP', { [`${LIST} UDP`]: 2 }, [UDP]],
] as const)(
  'of a kernel that lacks %s it is known before any connection has to be ended',
  (_, answers, protocols) => {
    expect([...undestroyable(kernel(answers).socket).keys()]).toEqual(protocols);
  },
);

test('what is wrong otherwise is not taken for a kernel that cannot', () => {
  expect(() => undestroyable(kernel({ [`${LIST} TCP`]: 105 }).socket)).toThrow(/ENOBUFS/);
});

test('one that the kernel does not end does not keep the others', () => {
  const listed = { type: 20, body: new Uint8Array(72) };
  const refusals = [errnoError(DESTROY, 95)];
  const socket = {
    dump: (_call: string, _type: number, [bytes]: readonly Uint8Array[]) =>
      bytes?.[0] === 2 && bytes[1] === TCP ? [listed, listed, listed] : [],
    request: () => {
      const refusal = refusals.pop();
      if (refusal !== undefined) throw refusal;
    },
  };
  expect(destroyConnections(socket as unknown as NetlinkSocket, '10.0.0.1')).toBe(2);
});

test('where the kernel can end those of TCP only, these are ended', () => {
  const { socket, asked } = kernel({ [`${LIST} UDP`]: 2 });
  expect(destroyConnections(socket, '10.0.0.1', new Set([UDP]))).toBe(0);
  expect(asked).toEqual([`${LIST} TCP`, `${LIST} TCP`]);
});
