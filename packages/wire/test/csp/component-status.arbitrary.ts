// SPDX-License-Identifier: Apache-2.0
import type { ComponentStatus } from '@vnfpool/wire/csp';
import fc from 'fast-check';
import { u16, u32 } from '../parameters/parameters.arbitrary.ts';

const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const component = fc.record({
  group: fc.nat(255),
  identifier: fc.bigInt({ min: 0n, max: 0x00ff_ffff_ffff_ffffn }),
});
// Some graphemes are long.
const text = fc
  .string({ unit: 'grapheme', maxLength: 8 })
  .filter((t) => !t.includes('\0') && Buffer.byteLength(t) <= 128);

export const componentStatus: fc.Arbitrary<ComponentStatus> = fc.record({
  type: fc.constant('report' as const),
  final: fc.boolean(),
  sender: component,
  timestamp: u64,
  intervalUs: u32,
  location: text,
  status: text,
  workload: fc.option(fc.nat(0xfffe).map((code) => code / 0xfffe)),
  associations: fc.array(
    fc.record({
      receiver: component,
      durationUs: fc.option(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_fffen })),
      flags: u16,
      protocol: u16,
      payloadProtocol: u32,
    }),
    { maxLength: 4 },
  ),
});
