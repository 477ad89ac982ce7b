// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';

export type Side = 'node' | 'manager';

const MANAGER_PORT = 49877;
const ADDRESSES: Readonly<Record<Side, number>> = { node: 0xc000020a, manager: 0xc0000201 };
/** Raw IPv4, without a link layer. */
const LINKTYPE_RAW = 101;
const SEGMENT_BYTES_MAX = 60_000;
const IP_TCP = 6;
const IP_SCTP = 132;

/**
 * A capture file put together from what travelled: TCP segments as if between 192.0.2.10, a node, and port 49877 of
 * 192.0.2.1, its manager; each stream from a port of its own, a segment a millisecond.
 * @see draft-ietf-opsawg-pcap
 */
export class Capture {
  readonly #records: Uint8Array[] = [];
  readonly #sequences = new Map<string, number>();

  get frames(): number {
    return this.#records.length;
  }

  /** Octets of one direction of a stream, cut into segments of at most `segmentBytes`; returns the last frame's number. */
  add(stream: number, from: Side, octets: Uint8Array, segmentBytes: number = SEGMENT_BYTES_MAX): number {
    for (let at = 0; at < octets.length; at += segmentBytes) {
      this.#segment(stream, from, octets.subarray(at, at + segmentBytes));
    }
    return this.frames;
  }

  /** One user message over SCTP; returns the frame's number. */
  addSctp(from: Side, octets: Uint8Array): number {
    const sctp = Buffer.alloc(28 + Math.ceil(octets.length / 4) * 4);
    writePorts(sctp, from, 50_000);
    sctp.writeUInt16BE(0x0003, 12); // DATA, a whole message
    sctp.writeUInt16BE(16 + octets.length, 14);
    sctp.writeUInt32BE(this.frames + 1, 16);
    sctp.set(octets, 28);
    this.#packet(from, IP_SCTP, sctp);
    return this.frames;
  }

  /** A packet of any other protocol in IP; returns the frame's number. */
  addIp(from: Side, protocol: number, octets: Uint8Array): number {
    this.#packet(from, protocol, octets);
    return this.frames;
  }

  write(path: string): void {
    const header = Buffer.alloc(24);
    header.writeUInt32LE(0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(0x40000, 16);
    header.writeUInt32LE(LINKTYPE_RAW, 20);
    writeFileSync(path, Buffer.concat([header, ...this.#records]));
  }

  #segment(stream: number, from: Side, octets: Uint8Array): void {
    const to = from === 'node' ? 'manager' : 'node';
    const tcp = Buffer.alloc(20);
    writePorts(tcp, from, 50_000 + stream);
    tcp.writeUInt32BE(this.#sequence(stream, from), 4);
    tcp.writeUInt32BE(this.#sequence(stream, to), 8);
    tcp.writeUInt16BE(0x5018, 12); // five words of header; PSH, ACK
    tcp.writeUInt16BE(0xffff, 14);
    this.#sequences.set(`${stream} ${from}`, this.#sequence(stream, from) + octets.length);
    this.#packet(from, IP_TCP, Buffer.concat([tcp, octets]));
  }

  #packet(from: Side, protocol: number, payload: Uint8Array): void {
    const ip = Buffer.alloc(20);
    ip.writeUInt16BE(0x4500, 0);
    ip.writeUInt16BE(ip.length + payload.length, 2);
    ip.writeUInt16BE(0x4000 | protocol, 8); // 64 hops
    ip.writeUInt32BE(ADDRESSES[from], 12);
    ip.writeUInt32BE(ADDRESSES[from === 'node' ? 'manager' : 'node'], 16);
    const packet = Buffer.concat([ip, payload]);
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_767_225_600 + Math.floor(this.frames / 1000), 0);
    record.writeUInt32LE((this.frames % 1000) * 1000, 4);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    this.#records.push(Buffer.concat([record, packet]));
  }

  #sequence(stream: number, side: Side): number {
    return this.#sequences.get(`${stream} ${side}`) ?? 1;
  }
}

function writePorts(header: Buffer, from: Side, nodePort: number): void {
  header.writeUInt16BE(from === 'node' ? nodePort : MANAGER_PORT, 0);
  header.writeUInt16BE(from === 'node' ? MANAGER_PORT : nodePort, 2);
}
