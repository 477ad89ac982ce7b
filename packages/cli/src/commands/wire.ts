// SPDX-License-Identifier: Apache-2.0
import { toHex, WireError } from '@vnfpool/wire/bytes';
import { messageFromJsonText, WIRE_PROTOCOLS, type WireProtocol } from '@vnfpool/wire/json';
import { type Command, Option } from 'commander';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { plain } from '../output/plain.ts';
import { decodeLine, decodePacket, IP_PROTOCOLS } from '../wire/decode.ts';
import { eachLine } from '../wire/each-line.ts';
import { eachPacket } from '../wire/each-packet.ts';

const afterDecode = `
Example:
  $ echo '0500000b 00090007 77656200' | vnfpool wire decode --protocol asap
  {"protocol":"asap","padding":"excluded","message":{"type":"handle-resolution","sendUpdates":false,"poolHandle":{"hex":"776562","text":"web"}}}
  $ vnfpool wire decode --protocol pfsync --pcap sync.pcap

A line that is no message gives {"line":…,"error":…,"code":…,"offset":…}; the next ones go on, and the exit code is 1.
Of a capture it is {"packet":…,"error":…}, with the number that the packet has in Wireshark.`;

const afterEncode = `
Example:
  $ vnfpool wire decode --protocol enrp captured.hex > captured.jsonl
  $ vnfpool wire encode captured.jsonl          # the same octets again

A line that cannot be encoded is told on standard error; the next ones go on, and the exit code is 1.`;

export function addWire(program: Command, io: CliIo): void {
  const wire = program
    .command('wire')
    .helpCommand(false)
    .description('Turns messages of the protocols into JSON, and back.')
    .summary('decode and encode messages');

  wire
    .command('decode')
    .summary('octets to JSON')
    .description(
      'Reads messages as hexadecimal digits, one a line, and writes each as a line of JSON. White space within a line, blank lines and lines that start with # are passed over.',
    )
    .argument('[file...]', 'what to read; - or none: standard input')
    .addOption(protocolOption('what the messages are').makeOptionMandatory())
    .option(
      '--pcap <file>',
      'read the messages of this capture instead, - for standard input; packets of other protocols are passed over. Of pfsync',
    )
    .addHelpText('after', afterDecode)
    .action(
      (
        files: readonly string[],
        { protocol, pcap }: { readonly protocol: WireProtocol; readonly pcap?: string },
      ) => (pcap === undefined ? decodeLines(protocol, files, io) : decodePackets(protocol, files, pcap, io)),
    );

  wire
    .command('encode')
    .summary('JSON to octets')
    .description(
      'Reads messages as JSON, one a line, as `wire decode` writes them, and writes each as a line of hexadecimal digits. Whatever decoded gives the same octets again.',
    )
    .argument('[file...]', 'what to read; - or none: standard input')
    .addOption(protocolOption('refuse lines of another protocol; lines need not say it then'))
    .addHelpText('after', afterEncode)
    .action((files: readonly string[], { protocol }: { readonly protocol?: WireProtocol }) =>
      eachLine(files, io, (line, file) => {
        try {
          if ('fault' in line) throw new WireError(line.code, 0, line.fault);
          io.out(`${toHex(messageFromJsonText(line.text, protocol))}\n`);
          return true;
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
          io.err(`${plain(`${file}:${line.number}: ${error.message}`, 'one line')}\n`);
          return false;
        }
      }),
    );
}

function decodeLines(protocol: WireProtocol, files: readonly string[], io: CliIo): Promise<void> {
  return eachLine(files, io, (line, file) => {
    const { ok, json } = decodeLine(protocol, line, file === '-' ? undefined : file);
    io.out(`${json}\n`);
    return ok;
  });
}

async function decodePackets(
  protocol: WireProtocol,
  files: readonly string[],
  pcap: string,
  io: CliIo,
): Promise<void> {
  if (files.length > 0) throw new CliError(2, '--pcap names what is read: say no file besides');
  if (!IP_PROTOCOLS.has(protocol))
    throw new CliError(
      2,
      `--pcap reads messages that lie in IP: ${[...IP_PROTOCOLS.keys()].join(', ')}, not ${protocol}`,
    );
  await eachPacket(pcap, io, (packet) => {
    const decoded = decodePacket(protocol, packet, pcap === '-' ? undefined : pcap);
    if (decoded === null) return null;
    io.out(`${decoded.json}\n`);
    return decoded.ok;
  });
}

function protocolOption(description: string): Option {
  return new Option('--protocol <name>', description).choices(WIRE_PROTOCOLS);
}
