// SPDX-License-Identifier: Apache-2.0
import { toHex } from '@vnfpool/wire/bytes';
import { SESSION_SELECTORS_MAX, type SessionForward } from '@vnfpool/wire/function-socket';
import { MobilityError, type SessionInformation } from '@vnfpool/wire/mobility';
import type { FunctionId, NodeId } from '../identity.ts';
import type { TransferDestination, TransferToken } from '../mobility/types.ts';
import type { TransferEnd } from '../state-transfer/types.ts';
import type { FunctionLife } from './function-life.ts';
import { type ResidentTransfer, transferWith } from './transfers.ts';
import type { AgentInput, AgentOutput } from './types.ts';

interface Resident {
  readonly life: FunctionLife;
  transfer: ResidentTransfer | null;
}

interface Refusal {
  readonly code: number;
  readonly text: string;
  readonly error?: number;
}

/** What the function is being asked for. */
type Asked =
  | {
      readonly role: 'source';
      readonly operation: number;
      readonly targetFunctionId: FunctionId;
      readonly destination: TransferDestination;
      readonly selection: readonly SessionInformation[];
      readonly token: TransferToken;
    }
  | {
      readonly role: 'destination';
      readonly operation: number;
      readonly token: TransferToken;
      readonly from: NodeId;
    };

const OK = 0;
const FAILED = 128;
const INSUFFICIENT = 129;
const PROHIBITED = 130;
/** Octets of URIs and contacts in one order: they go to the function in one line, to the destination in one frame. */
const SELECTION_BYTES_MAX = 32_768;

/**
 * MOVE_SESSION at a node agent: some sessions of a function go to another one that runs already. Both functions are asked
 * first, so that an order which cannot be carried out is refused and not begun.
 */
export class SessionMoves {
  readonly #residents: ReadonlyMap<FunctionId, Resident>;
  /** One question at a time for each function, as it is in one transfer at a time. */
  readonly #asked = new Map<FunctionId, Asked>();

  constructor(residents: ReadonlyMap<FunctionId, Resident>) {
    this.#residents = residents;
  }

  /** Order to the source: which sessions are they? */
  move(input: AgentInput & { readonly type: 'move-session' }): AgentOutput[] {
    const { operation, sessions: selection, destination, token } = input;
    const found = this.#source(input.functionId);
    const refusal = 'life' in found ? refusesToGive(found, input) : found;
    if (refusal || !('life' in found)) return [refused(operation, refusal ?? unknownFunction)];
    const { life } = found;
    const targetFunctionId = input.targetFunctionId ?? life.id;
    found.transfer = transferWith('source', 'sessions', destination.node, toHex(token));
    this.#asked.set(life.id, { role: 'source', operation, targetFunctionId, destination, selection, token });
    return [{ type: 'select-sessions', functionId: life.id, sessions: selection }];
  }

  /** Order to the destination: a function that runs is to take sessions beside those that it has. */
  expect(input: AgentInput & { readonly type: 'prepare' }, resident: Resident): AgentOutput[] {
    const { operation, from, functionId, token } = input;
    const refusal = refusesToTake(input, resident);
    if (refusal || from === null) return [refused(operation, refusal ?? noSource)];
    resident.transfer = transferWith('destination', 'sessions', from, toHex(token));
    this.#asked.set(functionId, { role: 'destination', operation, token, from });
    return [{ type: 'expect-sessions', functionId }];
  }

  /** The function has selected; at 0 nothing moves. */
  selected(functionId: FunctionId, count: number): AgentOutput[] {
    const { asked, resident } = this.#answered(functionId);
    if (asked?.role !== 'source') return [];
    const { operation, targetFunctionId, destination, selection, token } = asked;
    if (resident?.life.status !== 'Running' || !resident.transfer)
      return this.#notAny(asked, resident, 'the function has ended');
    const { life } = resident;
    if (count > 0) life.note(`${sessionsText(count)} go to node ${destination.node}`);
    const answer: AgentOutput = {
      type: 'answer',
      operation,
      code: OK,
      status: life.status,
      report: life.report(),
      sessions: BigInt(count),
    };
    if (count === 0) {
      resident.transfer = null;
      return [answer];
    }
    return [answer, { type: 'send-sessions', functionId, targetFunctionId, destination, selection, token }];
  }

  /** The function is ready to take sessions. */
  expected(functionId: FunctionId, forward: SessionForward | null): AgentOutput[] {
    const { asked, resident } = this.#answered(functionId);
    if (asked?.role !== 'destination') return [];
    if (resident?.life.status !== 'Running' || !resident.transfer)
      return this.#notAny(asked, resident, 'the function has ended');
    const { operation, token, from } = asked;
    const { life } = resident;
    return [
      { type: 'answer', operation, code: OK, status: life.status, report: life.report() },
      { type: 'receive-sessions', functionId, token, from, forward },
    ];
  }

  /** The function does not do what it was asked for. */
  refused(functionId: FunctionId, reason: string): AgentOutput[] {
    const { asked, resident } = this.#answered(functionId);
    return asked ? this.#notAny(asked, resident, reason) : [];
  }

  #answered(functionId: FunctionId): {
    readonly asked: Asked | undefined;
    readonly resident: Resident | undefined;
  } {
    const asked = this.#asked.get(functionId);
    this.#asked.delete(functionId);
    return { asked, resident: this.#residents.get(functionId) };
  }

  #notAny({ operation }: Asked, resident: Resident | undefined, reason: string): AgentOutput[] {
    if (resident) resident.transfer = null;
    const status = resident?.life.status;
    const refusal = { code: FAILED, error: MobilityError.sessionNotMovable, text: reason };
    return [{ ...refused(operation, refusal), ...(status === undefined ? {} : { status }) }];
  }

  /** The function that was named; without a name the only one here whose sessions can move. */
  #source(functionId: FunctionId | null): Resident | Refusal {
    if (functionId !== null) return this.#residents.get(functionId) ?? unknownFunction;
    const [only, ...more] = [...this.#residents.values()].filter(
      ({ life }) => life.movesSessions && life.status === 'Running',
    );
    if (only && more.length === 0) return only;
    const ids = [only, ...more].map((each) => each?.life.id).join(', ');
    return only
      ? { code: FAILED, text: `name a function: sessions of ${ids} can move` }
      : { code: FAILED, error: MobilityError.sessionNotMovable, text: 'no function here moves sessions' };
  }
}

/** What becomes of a function when some of its sessions have moved, or have not. */
export function afterSessions(resident: Resident, end: TransferEnd): void {
  const { life, transfer } = resident;
  if (!transfer) return;
  const isSource = transfer.role === 'source';
  resident.transfer = null;
  if (end.outcome === 'committed')
    life.note(`${sessionsText(end.sessions)} ${isSource ? 'moved to' : 'came from'} node ${transfer.peer}`);
  else life.note(`sessions not moved ${isSource ? 'to' : 'here from'} node ${transfer.peer}: ${end.text}`);
}

/** Whether a prepared ADD of a function that is here asks it to take sessions: as it runs, or with its own specification. */
export function asksForSessions(
  { specificationOctets }: AgentInput & { readonly type: 'prepare' },
  known: Resident | undefined,
): known is Resident {
  if (!known) return false;
  if (specificationOctets === null) return true;
  const { movesSessions, octets } = known.life;
  return (
    movesSessions &&
    octets.length === specificationOctets.length &&
    octets.every((octet, at) => octet === specificationOctets[at])
  );
}

function refusesToGive(
  { life, transfer }: Resident,
  { destination, sessions }: AgentInput & { readonly type: 'move-session' },
): Refusal | undefined {
  const busy = refusesAny(life, transfer);
  if (busy) return busy;
  if (destination.addresses.length === 0 || destination.port === null)
    return { code: FAILED, text: 'the order does not say where the destination takes state' };
  const bytes = sessions.reduce((sum, session) => sum + namedBytes(session), 0);
  return sessions.length > SESSION_SELECTORS_MAX || bytes > SELECTION_BYTES_MAX
    ? { code: INSUFFICIENT, text: `at most ${SESSION_SELECTORS_MAX} selections of 32 KiB together` }
    : undefined;
}

function refusesToTake(
  { assignment, from }: AgentInput & { readonly type: 'prepare' },
  { life, transfer }: Resident,
): Refusal | undefined {
  if (from === null) return noSource;
  if (assignment)
    return { code: FAILED, text: 'sessions come to a function as it is, without an assignment' };
  return refusesAny(life, transfer);
}

function refusesAny(life: FunctionLife, transfer: ResidentTransfer | null): Refusal | undefined {
  if (transfer) return { code: FAILED, text: `${life.name} takes part in a transfer already` };
  if (life.status !== 'Running') return { code: FAILED, text: `${life.name} is ${life.status}` };
  const text = `${life.name} does not move single sessions`;
  return life.movesSessions ? undefined : { code: FAILED, error: MobilityError.sessionNotMovable, text };
}

const unknownFunction: Refusal = {
  code: FAILED,
  error: MobilityError.unknownFunction,
  text: 'no such function here',
};
const noSource: Refusal = {
  code: PROHIBITED,
  error: MobilityError.badToken,
  text: 'the order does not say from which node the sessions come',
};

function refused(operation: number, refusal: Refusal): AgentOutput & { readonly type: 'answer' } {
  return { type: 'answer', operation, ...refusal };
}

/** In UTF-8 a character has at most 3 octets for each of its units. */
function namedBytes(session: SessionInformation): number {
  if (session.type === 'sip-uri') return session.uri.length * 3;
  return session.type === 'contact' ? session.contact.length : 0;
}

function sessionsText(count: number | null): string {
  if (count === null) return 'sessions';
  return count === 1 ? '1 session' : `${count} sessions`;
}
