// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { fromHex, WireError } from '@vnfpool/wire/bytes';
import {
  ALL_FUNCTIONS,
  NODE_SCOPE,
  type RunningStatus,
  type SessionInformation,
} from '@vnfpool/wire/mobility';
import { parseIp } from '@vnfpool/wire/parameters';
import { splitWords } from './words.ts';

/** A destination as it was said; addresses that were not are those that the node told. */
export interface SaidDestination {
  readonly node: number;
  readonly address: string | null;
  readonly port: number | null;
}

/** What one line asks for. */
export type HandCommand =
  | { readonly type: 'help' }
  | { readonly type: 'nodes' }
  | { readonly type: 'quit' }
  | { readonly type: 'show' | 'deregister'; readonly node: number }
  | { readonly type: 'get' | 'delete'; readonly node: number; readonly function: number }
  | {
      readonly type: 'add';
      readonly node: number;
      readonly function: number;
      readonly name: string | null;
      /** A file. */
      readonly specification: string | null;
      /** A destination is prepared to take the function's state from this node. */
      readonly from: number | null;
    }
  | {
      readonly type: 'move' | 'copy' | 'move-session';
      readonly node: number;
      /** Null: of the only function whose sessions can move. */
      readonly function: number | null;
      readonly to: SaidDestination;
      /** Null: the destination is prepared with a new one, unless it is a plain order. */
      readonly token: Uint8Array | null;
      /** As the draft has it, without a token. */
      readonly plain: boolean;
      /** What runs at the destination; null: what this manager started it with. */
      readonly name: string | null;
      readonly specification: string | null;
      /** What it is called at the destination; of sessions the function that takes them. Null: as here. */
      readonly copyId: number | null;
      readonly sessions: readonly SessionInformation[];
    }
  | {
      readonly type: 'wait';
      readonly node: number;
      /** Null: for the node itself. */
      readonly function: number | null;
      readonly status: RunningStatus | 'gone';
    };

/** A line that is no command; the message says what was expected. */
export class HandCommandError extends Error {
  override readonly name: string = 'HandCommandError';
}

export const HAND_HELP = `help                                   this
nodes                                  who registered
show NODE                              a node, with what it told, and its functions
get NODE FUNCTION|node|all             ask for a function, the node itself, or all functions
add NODE FUNCTION [--name NAME] [--spec FILE] [--from NODE]
                                       start a function: by its name in the node's catalogue, or by a specification;
                                       --from: it is to take its state from that node, which needs the token that is printed
delete NODE FUNCTION                   stop it
move NODE FUNCTION --to NODE [--name NAME] [--spec FILE] [--at ADDRESS:PORT] [--token HEX | --plain]
copy NODE FUNCTION --to NODE [--as FUNCTION] [--name NAME] [--spec FILE] [--at ADDRESS:PORT] [--token HEX | --plain]
                                       prepare the destination, then order the source; --name and --spec only for what
                                       another manager started; --token: the destination is prepared; --plain: as the
                                       draft has it, without preparation and token
move-session NODE [FUNCTION] --to NODE [--as FUNCTION] [--all] [--ratio N] [--count N] [--uri SIP-URI] [--contact ADDRESS] [--at ADDRESS:PORT] [--token HEX | --plain]
                                       prepare the function that runs at the destination, by the same number or that of --as,
                                       then order the source; what is said of sessions is added up
deregister NODE                        make it leave; it keeps its functions and stays away for 60 s
wait NODE                              until it is registered
wait NODE FUNCTION STATUS              until it is Starting, Running, Terminating, Unknown, or gone
quit
`;

const OPTIONS = {
  name: { type: 'string' },
  spec: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  at: { type: 'string' },
  as: { type: 'string' },
  token: { type: 'string' },
  ratio: { type: 'string' },
  count: { type: 'string' },
  uri: { type: 'string' },
  contact: { type: 'string' },
  all: { type: 'boolean' },
  plain: { type: 'boolean' },
} as const;
type Said = {
  readonly [Name in Exclude<keyof typeof OPTIONS, 'all' | 'plain'>]?: string | undefined;
} & { readonly all?: boolean | undefined; readonly plain?: boolean | undefined };

/** Sub-OP-Type under which an empty value means all sessions. */
const ALL_BY_RATIO = 3;

/** Arguments and options of each command. */
const SHAPES: Readonly<Record<HandCommand['type'], readonly [least: number, most: number, options: string]>> =
  {
    help: [0, 0, ''],
    nodes: [0, 0, ''],
    quit: [0, 0, ''],
    show: [1, 1, ''],
    deregister: [1, 1, ''],
    get: [2, 2, ''],
    delete: [2, 2, ''],
    add: [2, 2, 'name spec from'],
    move: [2, 2, 'to at token plain name spec'],
    copy: [2, 2, 'to at token plain name spec as'],
    'move-session': [1, 2, 'to at token plain as all ratio count uri contact'],
    wait: [1, 3, ''],
  };

/**
 * Reads one line. Undefined: blank, or a remark that begins with #.
 * @throws HandCommandError
 */
export function parseHandCommand(line: string): HandCommand | undefined {
  const [word, ...rest] = splitWords(line);
  if (word === undefined || word.startsWith('#')) return undefined;
  if (!Object.hasOwn(SHAPES, word)) throw new HandCommandError(`there is no command "${word}"; say help`);
  const type = word as HandCommand['type'];
  const { values, positionals } = argumentsOf(type, rest);
  const [least, most] = SHAPES[type];
  if (positionals.length < least || positionals.length > most)
    throw new HandCommandError(`${type}: ${usageOf(type)}`);
  return build(type, positionals, values);
}

function argumentsOf(type: HandCommand['type'], words: string[]): { values: Said; positionals: string[] } {
  let parsed: { values: Said; positionals: string[] };
  try {
    parsed = parseArgs({ args: words, options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new HandCommandError(`${type}: ${(error as Error).message.split('. ')[0]}`);
  }
  const allowed = SHAPES[type][2].split(' ');
  const foreign = Object.keys(parsed.values).find((name) => !allowed.includes(name));
  if (foreign !== undefined) throw new HandCommandError(`${type} has no --${foreign}: ${usageOf(type)}`);
  return parsed;
}

/** The line of the help. */
function usageOf(type: string): string {
  const line = HAND_HELP.split('\n').find((each) => each.split(' ')[0] === type) ?? type;
  return `say ${line.split('   ')[0]?.trim()}`;
}

function build(type: HandCommand['type'], [first = '', second, third]: string[], said: Said): HandCommand {
  switch (type) {
    case 'help':
    case 'nodes':
    case 'quit':
      return { type };
    case 'show':
    case 'deregister':
      return { type, node: nodeOf(first) };
    case 'get':
    case 'delete':
      return { type, node: nodeOf(first), function: functionOf(second ?? '', type === 'get') };
    case 'add':
      return {
        type,
        node: nodeOf(first),
        function: functionOf(second ?? ''),
        name: said.name ?? null,
        specification: said.spec ?? null,
        from: said.from === undefined ? null : nodeOf(said.from),
      };
    case 'wait':
      return waitOf(first, second, third);
    default:
      return {
        type,
        node: nodeOf(first),
        function: second === undefined ? null : functionOf(second),
        to: destinationOf(type, said),
        token: said.token === undefined ? null : tokenOf(said),
        plain: said.plain ?? false,
        name: said.name ?? null,
        specification: said.spec ?? null,
        copyId: said.as === undefined ? null : functionOf(said.as),
        sessions: sessionsOf(type, said),
      };
  }
}

function waitOf(node: string, second: string | undefined, status: string | undefined): HandCommand {
  if ((second === undefined) !== (status === undefined))
    throw new HandCommandError('wait: say wait NODE, or wait NODE FUNCTION STATUS');
  const known = ['Starting', 'Running', 'Terminating', 'Unknown', 'gone'] as const;
  const found = status === undefined ? 'Running' : known.find((each) => each === status);
  if (found === undefined) throw new HandCommandError(`wait: "${status}" is none of ${known.join(', ')}`);
  return {
    type: 'wait',
    node: nodeOf(node),
    function: second === undefined ? null : functionOf(second),
    status: found,
  };
}

function nodeOf(text: string): number {
  return numberOf(text, 'a node', 0xffff_fffe);
}

function functionOf(text: string, scopes = false): number {
  if (scopes && text === 'node') return NODE_SCOPE;
  if (scopes && text === 'all') return ALL_FUNCTIONS;
  return numberOf(text, 'a function', 0xffff_fffe);
}

function numberOf(text: string, what: string, most: number): number {
  const value = Number(text);
  if (!/^[1-9]\d{0,9}$/.test(text) || value > most)
    throw new HandCommandError(`"${text}" is no number of ${what}: 1 to ${most}`);
  return value;
}

function destinationOf(type: string, { to, at }: Said): SaidDestination {
  if (to === undefined) throw new HandCommandError(`${type} has a destination: ${usageOf(type)}`);
  if (at === undefined) return { node: nodeOf(to), address: null, port: null };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(at) ?? [];
  const address = bracketed ?? plain ?? '';
  const port = Number(digits);
  if (isIP(address) === 0 || !(port >= 1 && port <= 65_535))
    throw new HandCommandError(`--at ${at}: it is ADDRESS:PORT, where the destination takes state`);
  return { node: nodeOf(to), address, port };
}

function tokenOf({ token: text = '', plain = false }: Said): Uint8Array {
  if (plain) throw new HandCommandError('a plain order has no --token');
  try {
    const token = fromHex(text);
    if (token.length === 16) return token;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
  throw new HandCommandError('--token is 32 hexadecimal digits');
}

function sessionsOf(
  type: string,
  { all = false, ratio, count, uri, contact }: Said,
): readonly SessionInformation[] {
  if (type !== 'move-session') return [];
  const sessions: SessionInformation[] = [];
  if (all) sessions.push({ type: 'all', subType: ALL_BY_RATIO });
  if (uri !== undefined) sessions.push({ type: 'sip-uri', uri });
  if (contact !== undefined) sessions.push({ type: 'contact', contact: contactOf(contact) });
  if (ratio !== undefined) {
    const value = Number(ratio);
    if (!/^[01](\.\d{1,6})?$/.test(ratio) || value > 1)
      throw new HandCommandError(`--ratio ${ratio}: it is 0 to 1, with six decimals at most`);
    sessions.push({ type: 'ratio', ratio: value });
  }
  if (count !== undefined) {
    if (!/^(0|[1-9]\d{0,18})$/.test(count)) throw new HandCommandError(`--count ${count}: it is a number`);
    sessions.push({ type: 'count', count: BigInt(count) });
  }
  if (sessions.length === 0)
    throw new HandCommandError('move-session: say which, by --all, --ratio, --count, --uri or --contact');
  return sessions;
}

function contactOf(contact: string): Uint8Array {
  try {
    return parseIp(contact);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new HandCommandError(`--contact ${contact}: it is an IPv4 or IPv6 address`);
  }
}
