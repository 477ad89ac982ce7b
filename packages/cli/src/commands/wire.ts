// SPDX-License-Identifier: Apache-2.0
import { toHex, WireError } from '@vnfpool/wire/bytes';
import { messageFromJsonText, WIRE_PROTOCOLS, type WireProtocol } from '@vnfpool/wire/json';
import { type Command, Option } from 'commander';
import type { CliIo } from '../io.ts';
import { plain } from '../output/plain.ts';
import { decodeLine } from '../wire/decode.ts';
import { eachLine } from '../wire/each-line.ts';

const afterDecode = `
Example:
  $ echo '0500000b 00090007 77656200' | vnfpool wire decode --protocol asap
  {"protocol":"asap","padding":"excluded","message":{"type":"handle-resolution","sendUpdates":false,"poolHandle":{"hex":"776562","text":"web"}}}

A line that is no message gives {"line":…,"error":…,"code":…,"offset":…}; the next ones go on, and the exit code is 1.`;

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
    .addHelpText('after', afterDecode)
    .action((files: readonly string[], { protocol }: { readonly protocol: WireProtocol }) =>
      eachLine(files, io, (line, file) => {
        const { ok, json } = decodeLine(protocol, line, file === '-' ? undefined : file);
        io.out(`${json}\n`);
        return ok;
      }),
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

function protocolOption(description: string): Option {
  return new Option('--protocol <name>', description).choices(WIRE_PROTOCOLS);
}
