// SPDX-License-Identifier: Apache-2.0
import { CAUSE, describeCause, type ErrorCause } from '@vnfpool/wire/parameters';

/** Codes that rsplib puts on the wire and no registry knows. */
const RSPLIB: ReadonlyMap<number, string> = new Map([
  [0x10, 'invalid message'],
  [0x11, 'invalid value'],
  [0x100a, 'inconsistent transport type'],
  [0x100b, 'pool policy not supported'],
  [0xf000, 'invalid PE identifier'],
  [0xf001, "the registrar's own identifier"],
  [0xf002, 'PE identifier not unique'],
  [0xf003, 'invalid policy'],
  [0xf004, 'invalid pool handle'],
  [0xf005, 'invalid addresses'],
  [0xf006, 'invalid registrar'],
  [0xf007, 'no usable ASAP address'],
  [0xf008, 'no usable user address'],
]);

/** Why a request was refused, for people. */
export function causesInWords(causes: readonly ErrorCause[]): string {
  if (causes.length === 0) return 'no reason given';
  return causes.map((cause) => RSPLIB.get(cause.code) ?? describeCause(cause)).join(', ');
}

/**
 * Whether an ASAP_ERROR refuses the request that is open. One that only reports parameters which its sender skipped
 * (the two highest bits set) does not: the answer follows.
 * @see RFC 5354 §2.2
 */
export function refusesRequest(causes: readonly ErrorCause[]): boolean {
  return !causes.every(
    ({ code, info }) => code === CAUSE.unrecognizedParameter && ((info[0] ?? 0) & 0xc0) === 0xc0,
  );
}
