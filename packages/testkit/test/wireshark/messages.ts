// SPDX-License-Identifier: Apache-2.0

const NODE = '04000004 0000000a';
const FUNCTION = '05000004 00000065';

/** What a receiver must reject, as the specification's rows and one of each kind beside them. */
export const REJECTED: readonly { readonly name: string; readonly hex: string }[] = [
  { name: 'Length below 4', hex: '02000003 000000' },
  { name: 'Node ID of Length 3', hex: '0400000b 00000009 04000003 00000a' },
  { name: 'option past the end', hex: '0200000c 0000000a 04000005 0000000a' },
  { name: 'MOVE without destination', hex: `03040014 0000000b ${NODE}${FUNCTION}` },
  { name: 'COPY without function', hex: `03050018 0000000b ${NODE}${NODE}06020000` },
  { name: 'MOVE_SESSION without sessions', hex: `0306001c 0000000b ${NODE}${NODE}${FUNCTION}` },
  { name: 'no Node ID', hex: '02000004 0000000d' },
  { name: 'unknown Type', hex: `0800000c 0000000e ${NODE}` },
  { name: 'unknown command', hex: `03070014 0000000f ${NODE}${FUNCTION}` },
  { name: 'no command', hex: `03000014 0000000f ${NODE}${FUNCTION}` },
  { name: 'IPv4 address of 5 octets', hex: `01000015 00000010 ${NODE} 01000005 c000020a00` },
  { name: 'load with a sign', hex: `04000012 00000011 ${NODE} 06020002 2d31` },
  { name: 'memory beyond 64 bits', hex: `04000024 00000011 ${NODE} 060a0014 ${'39'.repeat(20)}` },
  { name: 'boot time of 4 octets', hex: `04000014 00000011 ${NODE} 06280004 00000001` },
  { name: 'unknown running status', hex: `0400001b 00000012 ${NODE} ${FUNCTION} 07320003 4f6666` },
  { name: 'text that is not UTF-8', hex: `07000011 00000013 ${NODE} 09010001 ff` },
  { name: 'hello cut short', hex: `01000017 00000014 ${NODE} 09ff0007 00007ed9 0000 01` },
  {
    name: 'transfer role 3',
    hex: `0302002f 00000015 ${NODE} ${FUNCTION} 09ff0017 00007ed9 0001 ${'00'.repeat(16)} 03`,
  },
  {
    name: 'an extension twice',
    hex: `06000024 00000016 ${NODE} 09ff0008 00007ed9 0004 0003 09ff0008 00007ed9 0004 0003`,
  },
  { name: 'part 3 of 2', hex: `0400001a 00000018 ${NODE} 09ff000a 00007ed9 000d 0003 0002` },
  { name: 'a part of 17', hex: `0400001a 00000019 ${NODE} 09ff000a 00007ed9 000d 0001 0011` },
  { name: 'three octets of an option', hex: `0400000f 00000017 ${NODE} 060200` },
];

/** What a receiver passes over, which is remarked upon but no error. */
export const PASSED_OVER: readonly { readonly name: string; readonly hex: string }[] = [
  { name: 'Sub-Type and Code of a STATUS-UPDATE', hex: `0405000c 81000002 ${NODE}` },
  { name: 'unknown OP-Type', hex: `04000011 00000002 ${NODE} 0a000001 ff` },
  { name: 'unknown Sub-OP-Type', hex: `04000011 00000002 ${NODE} 06630001 ff` },
  { name: 'unknown extension', hex: `04000016 00000002 ${NODE} 09ff0006 00007ed9 0063` },
  { name: 'function information without a function', hex: `04000011 00000002 ${NODE} 07020001 31` },
  { name: 'options before the first Node ID', hex: `04000011 00000002 06020001 31 ${NODE}` },
  { name: 'ACK with a code of failure', hex: `06020014 83000002 ${NODE} ${FUNCTION}` },
];
