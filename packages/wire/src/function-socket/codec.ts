// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8, WireError } from '../bytes/index.ts';
import { parseStrictJson } from '../mobility/json.ts';
import {
  decimal,
  fail,
  flag,
  integer,
  matching,
  nullable,
  object,
  oneOf,
  type Shape,
  text,
} from '../mobility/shape.ts';
import { formatIp, parseIp } from '../parameters/ip-text.ts';
import { FUNCTION_LINE_BYTES_MAX, FUNCTION_REASON_CHARACTERS_MAX } from './bounds.ts';
import type {
  AgentMessage,
  AgentRequest,
  FunctionAnswer,
  FunctionHealth,
  FunctionMessage,
  SessionForward,
} from './messages.ts';
import { sessionSelectorList } from './selectors.ts';

/*
 * Lines to messages and back. Parsers throw `WireError` for whatever is not a message; unknown keys are ignored.
 * Encoders give the line with its line feed.
 */

const LINE_FEED = 10;

const id = integer(1, Number.MAX_SAFE_INTEGER);
const role = oneOf('active', 'standby', 'spare');
const kind = oneOf('snapshot', 'delta', 'last');
const format = matching(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 printable ASCII characters');
const reason: Shape<string> = (value, path) => {
  const given = text(value, path);
  return given.length <= FUNCTION_REASON_CHARACTERS_MAX
    ? given
    : fail(path, `must have at most ${FUNCTION_REASON_CHARACTERS_MAX} characters`);
};
const rate: Shape<number> = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? value
    : fail(path, 'must be a number from 0');

const count = integer(0, Number.MAX_SAFE_INTEGER);

const address: Shape<string> = (value, path) => formatIp(parseIp(text(value, path)));
const forward: Shape<SessionForward> = object({ address, port: integer(1, 65_535) });

const answer: Shape<FunctionAnswer> = (value, path) => {
  const { ok, ...rest } = object({ id, ok: flag })(value, path);
  if (!ok) return { ...rest, ok, error: object({ error: reason })(value, path).error };
  return { ...rest, ok, ...object({}, { count, forward })(value, path) };
};

const health: Shape<FunctionHealth> = (value, path) => {
  const { ok, op } = object({ op: oneOf('health'), ok: flag })(value, path);
  return ok ? { op, ok } : { op, ok, reason: object({ reason })(value, path).reason };
};

const FUNCTION_MESSAGES: Readonly<Record<string, Shape<FunctionMessage>>> = {
  hello: object(
    { op: oneOf('hello'), v: integer(0, 0xffff_ffff) },
    { format, sessions: flag, shares: flag, secrets: flag, merges: flag },
  ),
  changes: object({ op: oneOf('changes'), bytesPerSecond: rate }),
  sessions: object({ op: oneOf('sessions'), count }),
  health,
};

const scope = oneOf('sessions');
const bare: Shape<AgentRequest> = object({ id, op: oneOf('quiesce', 'resume', 'discard') }, { scope });
const coming: Shape<AgentRequest> = object({ id, op: oneOf('expect', 'accept') });
const transfer: Shape<AgentRequest> = object(
  { id, op: oneOf('export', 'import'), kind, data: text },
  { scope },
);
const AGENT_MESSAGES: Readonly<Record<string, Shape<AgentMessage>>> = {
  welcome: object({
    op: oneOf('welcome'),
    v: oneOf(1),
    name: text,
    role: nullable(role),
    epoch: nullable(decimal),
  }),
  refused: object({ op: oneOf('refused'), reason }),
  role: object({ id, op: oneOf('role'), role, epoch: decimal }),
  export: transfer,
  import: transfer,
  quiesce: bare,
  resume: bare,
  discard: bare,
  select: object({ id, op: oneOf('select'), sessions: sessionSelectorList }),
  moved: object({ id, op: oneOf('moved'), forward: nullable(forward) }),
  expect: coming,
  accept: coming,
  share: object(
    { id, op: oneOf('share'), data: text, epoch: decimal, own: flag },
    { secrets: oneOf('excluded', 're-derive', 'sealed') },
  ),
  merge: object({ id, op: oneOf('merge'), data: text }),
  cancel: object({ op: oneOf('cancel'), id }),
};

/** Reads a line of a function, without its line feed. */
export function parseFunctionMessage(line: Uint8Array): FunctionMessage {
  const { value, op } = readLine(line);
  if (op === undefined) return answer(value, 'answer');
  return shapeOf(FUNCTION_MESSAGES, op)(value, op);
}

/** Reads a line of an agent, without its line feed. */
export function parseAgentMessage(line: Uint8Array): AgentMessage {
  const { value, op } = readLine(line);
  if (op === undefined) return fail('op', 'is missing');
  return shapeOf(AGENT_MESSAGES, op)(value, op);
}

export function encodeFunctionMessage(message: FunctionMessage): Uint8Array {
  return encodeLine(message);
}

export function encodeAgentMessage(message: AgentMessage): Uint8Array {
  return encodeLine(message);
}

/** A reason that fits a line, whatever it was. */
export function boundReason(reason: string): string {
  return reason.slice(0, FUNCTION_REASON_CHARACTERS_MAX);
}

function readLine(line: Uint8Array): { readonly value: object; readonly op: string | undefined } {
  const value = parseStrictJson(line);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    fail('the line', 'must be an object');
  const { op } = value as { op?: unknown };
  if (op !== undefined && typeof op !== 'string') fail('op', 'must be a string');
  return { value: value as object, op: op as string | undefined };
}

function shapeOf<Message>(shapes: Readonly<Record<string, Shape<Message>>>, op: string): Shape<Message> {
  const shape = Object.hasOwn(shapes, op) ? shapes[op] : undefined;
  return shape ?? fail('op', `${JSON.stringify(op.slice(0, 64))} is not known`);
}

function encodeLine(message: AgentMessage | FunctionMessage): Uint8Array {
  const json = encodeUtf8(JSON.stringify(message));
  if (json.length >= FUNCTION_LINE_BYTES_MAX)
    throw new WireError('limit', json.length, 'a line has at most 64 KiB');
  const line = new Uint8Array(json.length + 1);
  line.set(json);
  line[json.length] = LINE_FEED;
  return line;
}
