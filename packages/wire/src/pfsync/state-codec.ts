// SPDX-License-Identifier: Apache-2.0
import type { ByteReader, ByteWriter } from '../bytes/index.ts';
import {
  IPV6_BYTES,
  readFamily,
  readInterfaceName,
  readKey,
  readPeer,
  readRule,
  writeFamily,
  writeInterfaceName,
  writeKey,
  writeOctets,
  writePeer,
  writeRule,
} from './fields.ts';
import type { PfsyncState } from './messages.ts';

/*
 * A state, 264 octets:
 *
 *     0 id 8            8 interface 16    24 wire key 40     64 stack key 40
 *   104 source 32     136 destination 32 168 route address 16
 *   184 rule 4        188 anchor 4       192 NAT rule 4     196 age 4        200 expires in 4
 *   204 packets 8, 8  220 octets 8, 8    236 creator 4      240 routing tables 4, 4
 *   248 segment 2     250 family 1       251 protocol 1     252 direction 1  253 log 1      254 route 1
 *   255 time-out 1    256 sync flags 1   257 updates 1      258 TTL 1        259 TOS 1
 *   260 flags 2       262 priorities 1, 1
 */
export const STATE_BYTES = 264;

/** Addresses share memory with the input. */
export function readState(reader: ByteReader): PfsyncState {
  return {
    id: reader.u64(),
    interfaceName: readInterfaceName(reader),
    wire: readKey(reader),
    stack: readKey(reader),
    source: readPeer(reader),
    destination: readPeer(reader),
    routeAddress: reader.bytes(IPV6_BYTES),
    rule: readRule(reader),
    anchor: readRule(reader),
    natRule: readRule(reader),
    ageSeconds: reader.u32(),
    expireSeconds: reader.u32(),
    forwardPackets: reader.u64(),
    reversePackets: reader.u64(),
    forwardBytes: reader.u64(),
    reverseBytes: reader.u64(),
    creatorId: reader.u32(),
    routingTables: [reader.i32(), reader.i32()],
    segmentBytesMax: reader.u16(),
    family: readFamily(reader),
    protocol: reader.u8(),
    direction: reader.u8(),
    log: reader.u8(),
    route: reader.u8(),
    timeout: reader.u8(),
    syncFlags: reader.u8(),
    updates: reader.u8(),
    ttlMin: reader.u8(),
    tos: reader.u8(),
    stateFlags: reader.u16(),
    priorities: [reader.u8(), reader.u8()],
  };
}

export function writeState(writer: ByteWriter, state: PfsyncState): void {
  writer.u64(state.id);
  writeInterfaceName(writer, state.interfaceName);
  writeKey(writer, state.wire);
  writeKey(writer, state.stack);
  writePeer(writer, state.source);
  writePeer(writer, state.destination);
  writeOctets(writer, state.routeAddress, IPV6_BYTES, 'route address');
  writeRule(writer, state.rule);
  writeRule(writer, state.anchor);
  writeRule(writer, state.natRule);
  writer.u32(state.ageSeconds).u32(state.expireSeconds);
  writer.u64(state.forwardPackets).u64(state.reversePackets);
  writer.u64(state.forwardBytes).u64(state.reverseBytes);
  writer.u32(state.creatorId).i32(state.routingTables[0]).i32(state.routingTables[1]);
  writer.u16(state.segmentBytesMax);
  writeFamily(writer, state.family);
  writer.u8(state.protocol).u8(state.direction).u8(state.log).u8(state.route).u8(state.timeout);
  writer.u8(state.syncFlags).u8(state.updates).u8(state.ttlMin).u8(state.tos);
  writer.u16(state.stateFlags).u8(state.priorities[0]).u8(state.priorities[1]);
}
