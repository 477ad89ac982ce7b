// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex } from '@vnfpool/wire/bytes';
import { WIRE_PROTOCOLS } from '@vnfpool/wire/json';
import { describe, expect, test } from 'vitest';
import { type CliIo, processIo, run } from 'vnfpool';
import { MESSAGES } from '../../../wire/test/json/vectors.ts';
import { ethernet, ipv4, ipv6, PFSYNC, pcapFile } from './captures.ts';

interface Done {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line with this as standard input. */
async function wire(args: readonly string[], input: string, part: Partial<CliIo> = {}): Promise<Done> {
  let out = '';
  let err = '';
  const code = await run(['wire', ...args], {
    ...processIo(),
    colour: false,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readPieces: async function* () {
      yield new TextEncoder().encode(input);
    },
    ...part,
  });
  return { code, out, err };
}

describe.each(WIRE_PROTOCOLS)('%s', (protocol) => {
  test('decode | encode gives every message of the repository again', async () => {
    const vectors = MESSAGES[protocol];
    // One of each line's forms: white space within, comments and blank lines between.
    const input = vectors.map(({ name, hex }) => `# ${name}\n\n ${hex.replaceAll(/\s+/g, ' ')}\r\n`).join('');
    const decoded = await wire(['decode', '--protocol', protocol], input);
    expect([decoded.code, decoded.err]).toEqual([0, '']);
    expect(decoded.out.split('\n')).toHaveLength(vectors.length + 1);
    const encoded = await wire(['encode', '--protocol', protocol], decoded.out);
    expect(encoded).toEqual({
      code: 0,
      out: vectors.map(({ hex }) => `${toHex(fromHex(hex))}\n`).join(''),
      err: '',
    });
  });
});

const RESOLUTION = '0500000b 00090007 77656200';

test('the example of the help', async () => {
  const { out } = await wire(['decode', '--protocol', 'asap'], RESOLUTION);
  expect(out).toBe(
    '{"protocol":"asap","padding":"excluded","message":{"type":"handle-resolution","sendUpdates":false,"poolHandle":{"hex":"776562","text":"web"}}}\n',
  );
  expect((await wire(['decode', '--help'], '')).out).toContain(out.trim());
});

test('bad lines are told with their place, the others go on, the exit code is 1', async () => {
  const input = ['05000003', RESOLUTION, 'zz', `${RESOLUTION} 05000004`, 'ff'.repeat(600_000)].join('\n');
  const { code, out, err } = await wire(['decode', '--protocol', 'asap'], input);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ line, code: fault, offset }) => [line, fault, offset])).toEqual([
    [1, 'length', 2],
    [undefined, undefined, undefined],
    [3, 'value', 0],
    [4, 'trailing', 11],
    [5, 'limit', 0],
  ]);
  expect(lines[0]?.['error']).toMatch(/^message length 3/);
  expect([code, err]).toEqual([1, 'vnfpool: 4 of 5 lines are not a message\n']);
});

test('with files, errors name the file', async () => {
  const files: Readonly<Record<string, string>> = { a: `${RESOLUTION}\n05`, b: '' };
  const { out } = await wire(['decode', '--protocol', 'asap', 'a', 'b'], '', {
    readPieces: async function* (path) {
      yield new TextEncoder().encode(files[path]);
    },
  });
  expect(JSON.parse(out.split('\n')[1] ?? '')).toMatchObject({ file: 'a', line: 2, code: 'short' });
});

test('a file that is not there', async () => {
  const { code, err } = await wire(['decode', '--protocol', 'asap', '/nowhere/at/all'], '', {
    readPieces: (path) => processIo().readPieces(path),
  });
  expect([code, err]).toEqual([
    1,
    expect.stringMatching(/^vnfpool: \/nowhere\/at\/all cannot be read: ENOENT/),
  ]);
});

test('lines that cannot be encoded are told by field, the others go on', async () => {
  const good = (await wire(['decode', '--protocol', 'asap'], RESOLUTION)).out;
  const input = `{"protocol":"asap","message":{"type":"cookie","cookie":"a"}}\n${good}{\n{"line":1,"error":"no"}\n`;
  expect(await wire(['encode'], input)).toEqual({
    code: 1,
    out: '0500000b0009000777656200\n',
    err: [
      '-:1: message.cookie must be an even number of hexadecimal digits',
      '-:3: not JSON (value at offset 0)',
      '-:4: line tells an error: no',
      'vnfpool: 3 of 4 lines are not a message\n',
    ].join('\n'),
  });
});

test('what a peer sent cannot steer the terminal', async () => {
  // The running status text of function 100: a CSI in one octet, and a right-to-left override.
  const hex = '07 00 00 15 00 00 00 01 04 00 00 04 00 00 00 0a 09 01 00 05 c2 9b e2 80 ae';
  const { out } = await wire(['decode', '--protocol', 'mobility'], hex);
  expect(out).toContain('"text":"\\u009b\\u202e"');
  expect((await wire(['encode'], out)).out).toBe(`${hex.replaceAll(' ', '')}\n`);
});

test('no more is read than who reads has taken', async () => {
  let taken = 0;
  let written = 0;
  let most = 0;
  const { code } = await wire(['decode', '--protocol', 'asap'], `${RESOLUTION}\n`.repeat(100), {
    out: () => {
      written += 1;
    },
    drained: () => {
      most = Math.max(most, written - taken);
      taken = written;
      return Promise.resolve();
    },
  });
  expect([code, written, most]).toEqual([0, 100, 1]);
});

test('a protocol must be said, and known', async () => {
  expect((await wire(['decode'], '')).code).toBe(2);
  expect((await wire(['decode', '--protocol', 'sip'], '')).code).toBe(2);
});

describe('a capture', () => {
  const messages = MESSAGES.pfsync.map(({ hex }) => fromHex(hex));
  const [first = new Uint8Array()] = messages;

  /** Reads this as a capture file. */
  const decode = (file: Uint8Array, ...args: readonly string[]): Promise<Done> =>
    wire(['decode', '--protocol', 'pfsync', '--pcap', 'sync.pcap', ...args], '', {
      readPieces: async function* (path) {
        if (path !== 'sync.pcap') throw new Error(`${path} was not asked for`);
        yield file;
      },
    });

  test('gives what its messages give as digits, over IPv4 and IPv6; other packets are passed over', async () => {
    const records = messages.flatMap((octets) => [
      { octets: ethernet(0x0806, new Uint8Array(28)) },
      { octets: ethernet(0x0800, ipv4(PFSYNC, octets)) },
      { octets: ethernet(0x0800, ipv4(6, octets)) },
      { octets: ethernet(0x86dd, ipv6(PFSYNC, octets)) },
    ]);
    const digits = messages.map((octets) => `${toHex(octets)}\n`.repeat(2)).join('');
    const expected = await wire(['decode', '--protocol', 'pfsync'], digits);
    expect(expected.out.split('\n')).toHaveLength(2 * messages.length + 1);
    expect(await decode(pcapFile(1, records))).toEqual(expected);
    expect((await wire(['encode'], expected.out)).out).toBe(digits);
  });

  test('what cannot be decoded is told with the number of its packet, the others go on, the exit code is 1', async () => {
    const whole = { octets: ipv4(PFSYNC, first) };
    const { code, out, err } = await decode(
      pcapFile(101, [
        { octets: ipv4(6, first) },
        { octets: ipv4(PFSYNC, first.with(0, 5)) },
        whole,
        { octets: whole.octets, keptBytes: 30 },
        { octets: ipv4(PFSYNC, first, { fragment: 0x2000 }) },
        { octets: ipv4(PFSYNC, first.subarray(0, 10)) },
        { octets: new Uint8Array(262_145) },
        whole,
      ]),
    );
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ file, packet, code: fault, offset }) => [file, packet, fault, offset])).toEqual([
      ['sync.pcap', 2, 'unknown', 0],
      [undefined, undefined, undefined, undefined],
      ['sync.pcap', 4, 'short', 0],
      ['sync.pcap', 5, 'unknown', 0],
      ['sync.pcap', 6, 'length', 2],
      ['sync.pcap', 7, 'limit', 0],
      [undefined, undefined, undefined, undefined],
    ]);
    expect(lines.map(({ error }) => error)).toEqual([
      expect.stringMatching(/^pfsync version 5/),
      undefined,
      `cut off by the capture: 30 of ${whole.octets.length} octets were kept`,
      'a fragment of a packet, from octet 0 on: fragments are not put together',
      expect.stringMatching(/^length \d+ of 10 octets/),
      'a packet of 262145 octets, at most 262144',
      undefined,
    ]);
    expect([code, err]).toEqual([1, 'vnfpool: 5 of 7 packets are not a message\n']);
  });

  test('an end within a packet is told behind those ahead of it', async () => {
    const file = pcapFile(101, [{ octets: ipv4(PFSYNC, first) }, { octets: ipv4(PFSYNC, first) }]);
    const { code, out } = await decode(file.subarray(0, -1));
    const [good = '', bad = ''] = out.split('\n');
    expect(JSON.parse(good)).toMatchObject({ protocol: 'pfsync' });
    expect(JSON.parse(bad)).toMatchObject({ packet: 2, code: 'short' });
    expect(code).toBe(1);
  });

  test('from standard input, no file is named', async () => {
    const { out } = await wire(['decode', '--protocol', 'pfsync', '--pcap', '-'], '', {
      readPieces: async function* () {
        yield pcapFile(101, [{ octets: ipv4(PFSYNC, first.with(0, 7)) }]);
      },
    });
    expect(Object.keys(JSON.parse(out) as object)).toEqual(['packet', 'error', 'code', 'offset']);
  });

  test('without any message it says so', async () => {
    expect(await decode(pcapFile(101, [{ octets: ipv4(6, first) }]))).toEqual({
      code: 0,
      out: '',
      err: 'vnfpool: sync.pcap: none of 1 packets has such a message\n',
    });
  });

  test('what is no capture, or of a link that is not known, is refused', async () => {
    expect(await decode(new TextEncoder().encode('0600 0014 0011223344556677'))).toEqual({
      code: 1,
      out: '',
      err: 'vnfpool: sync.pcap: no pcap file: it begins with something else\n',
    });
    expect(await decode(pcapFile(147, [{ octets: first }]))).toEqual({
      code: 1,
      out: '',
      err: 'vnfpool: sync.pcap: link type 147 is not read\n',
    });
    const { code, err } = await wire(['decode', '--protocol', 'pfsync', '--pcap', '/nowhere/at/all'], '', {
      readPieces: (path) => processIo().readPieces(path),
    });
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^vnfpool: \/nowhere\/at\/all cannot be read: ENOENT/),
    ]);
  });

  test('it is of pfsync, and alone', async () => {
    expect(await wire(['decode', '--protocol', 'asap', '--pcap', 'sync.pcap'], '')).toEqual({
      code: 2,
      out: '',
      err: 'vnfpool: --pcap reads messages that lie in IP: pfsync, not asap\n',
    });
    expect((await decode(pcapFile(101, []), 'more.hex')).code).toBe(2);
  });

  test('no more is read than who reads has taken', async () => {
    let taken = 0;
    let written = 0;
    let most = 0;
    const { code } = await wire(['decode', '--protocol', 'pfsync', '--pcap', '-'], '', {
      readPieces: async function* () {
        yield pcapFile(101, Array(50).fill({ octets: ipv4(PFSYNC, first) }));
      },
      out: () => {
        written += 1;
      },
      drained: () => {
        most = Math.max(most, written - taken);
        taken = written;
        return Promise.resolve();
      },
    });
    expect([code, written, most]).toEqual([0, 50, 1]);
  });
});
