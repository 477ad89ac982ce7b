// SPDX-License-Identifier: Apache-2.0
import { SO_ATTACH_FILTER, SOL_SOCKET } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { native, type StableMemory } from '../libc/native.ts';

/** Of a message's header. */
const PORT_AT = 12;
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const STEPS = 4;
const STEP_BYTES = 8;
/** struct sock_fprog: length 2, pad 6, pointer 8. */
const HEAD_BYTES = 16;

/** Used again for each: the kernel copies what it is given. */
let program: StableMemory | undefined;

/**
 * Lets the kernel drop what a netlink socket would be told of changes that this port asked for, before it takes room in the socket: nobody
 * has to read what he did himself.
 * @throws PlatformError
 */
export function dropMessagesOf(fd: number, port: number): void {
  program ??= native().allocate(HEAD_BYTES + STEPS * STEP_BYTES);
  const { view, bytes, address } = program;
  view.setUint16(0, STEPS, true);
  view.setBigUint64(8, address + BigInt(HEAD_BYTES), true);
  let at = HEAD_BYTES;
  const step = (code: number, ifTrue: number, ifFalse: number, value: number): void => {
    view.setUint16(at, code, true);
    view.setUint8(at + 2, ifTrue);
    view.setUint8(at + 3, ifFalse);
    view.setUint32(at + 4, value, true);
    at += STEP_BYTES;
  };
  step(LOAD_WORD, 0, 0, PORT_AT);
  // A filter loads in network order, and the port stands in the host's.
  const octets = new DataView(new ArrayBuffer(4));
  octets.setUint32(0, port, true);
  step(JUMP_IF_EQUAL, 0, 1, octets.getUint32(0));
  step(RETURN, 0, 0, 0);
  step(RETURN, 0, 0, 0xffffffff);
  libc().setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, bytes.subarray(0, HEAD_BYTES));
}
