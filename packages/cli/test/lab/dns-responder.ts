// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** What the responder says about a name; who is not there does not exist (NXDOMAIN). */
export interface DnsZone {
  /** SRV records by owner, in lower case. */
  readonly srv: Readonly<
    Record<
      string,
      readonly {
        readonly priority: number;
        readonly weight: number;
        readonly port: number;
        readonly target: string;
      }[]
    >
  >;
  /** IPv4 addresses by owner, in lower case. */
  readonly a: Readonly<Record<string, string>>;
}

export interface DnsResponder {
  readonly port: number;
  /** Names that were asked for. */
  readonly asked: readonly string[];
  zone: DnsZone;
  close(): Promise<void>;
}

const A = 1;
const SRV = 33;
const NXDOMAIN = 3;

/** A DNS server of one zone that can be changed at any time, on a free UDP port of this machine. @see RFC 1035 §4 */
export async function startDnsResponder(zone: DnsZone): Promise<DnsResponder> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  const responder = {
    port: 0,
    asked,
    zone,
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
  socket.on('message', (query, from) => {
    const { name, type, end } = readQuestion(query);
    asked.push(name);
    const records = answersTo(responder.zone, name, type);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    const code = records === null ? NXDOMAIN : 0;
    header.writeUInt16BE(0x8580 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records?.length ?? 0, 6);
    socket.send(
      Buffer.concat([header, query.subarray(12, end), ...(records ?? [])]),
      from.port,
      from.address,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  responder.port = socket.address().port;
  return responder;
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** Null: there is no such name. */
function answersTo(zone: DnsZone, name: string, type: number): Buffer[] | null {
  const address = zone.a[name];
  const services = zone.srv[name];
  if (address === undefined && services === undefined) return null;
  if (type === A && address !== undefined) return [record(A, Buffer.from(address.split('.').map(Number)))];
  if (type !== SRV || services === undefined) return [];
  return services.map(({ priority, weight, port, target }) => {
    const numbers = Buffer.alloc(6);
    numbers.writeUInt16BE(priority, 0);
    numbers.writeUInt16BE(weight, 2);
    numbers.writeUInt16BE(port, 4);
    return record(SRV, Buffer.concat([numbers, encodeName(target)]));
  });
}

/** Its owner is the name in the question; it lives no second. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
}
