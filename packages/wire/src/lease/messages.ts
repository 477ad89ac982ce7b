// SPDX-License-Identifier: Apache-2.0

/*
 * Lease datagrams between node agents: what they say. Slots are 16 hexadecimal digits, node and function
 * numbers are unsigned 32-bit integers, incarnations unsigned 64-bit integers that are never repeated.
 */

/** Who a round belongs to, for ever: one run of one node's agent. */
export interface Proposer {
  readonly node: number;
  readonly incarnation: bigint;
}

/** The instance that acts for a slot. `node` 0 is nobody (only in the genesis value). */
export interface LeaseHolder {
  readonly node: number;
  readonly functionId: number;
  /** New at every start of the function; kept apart from the agent's. */
  readonly functionIncarnation: bigint;
}

/** An instance that may take the slot next; incarnation 0n: any start of that function. */
export type LeaseCandidate = LeaseHolder;

/** What happens when no listed candidate is left: never, or an unlisted one `afterMs` after the lease's end. */
export type LastResort = { readonly rule: 'never' } | { readonly rule: 'after'; readonly afterMs: number };

/** What a round decides. Every change of it is a new round; a renewal only extends its time. */
export interface LeaseValue {
  readonly holder: LeaseHolder;
  /** In order; at most `CANDIDATES_MAX`. */
  readonly candidates: readonly LeaseCandidate[];
  readonly lastResort: LastResort;
  /** True when the holder came in by the last resort: state may have been lost. */
  readonly lossMark: boolean;
  readonly leaseMs: number;
  /** 16 hexadecimal digits: tells two values of equal content apart. */
  readonly randomId: string;
}

/** Most candidates in a value. */
export const CANDIDATES_MAX = 16;

/**
 * Why a holder released; `abandoned`: a candidate that found no majority took its own proposal back; `clock`: its clock
 * runs at another rate than the others'; `expired`: a majority did not answer its renewals, and its lease is over.
 */
export type ReleaseReason = (typeof RELEASE_REASONS)[number];

/** In the order of their numbers on the wire. */
export const RELEASE_REASONS = [
  'function-exit',
  'function-unhealthy',
  'handover',
  'operator',
  'abandoned',
  'clock',
  'expired',
] as const;

/** A value as a member stored it. */
export interface AcceptedValue {
  readonly round: number;
  readonly proposer: Proposer;
  readonly value: LeaseValue;
  /** Set once the holder released this round. */
  readonly released: ReleaseReason | null;
}

/** Council version; travels in every datagram. */
export interface LeaseCouncilVersion {
  readonly generation: number;
  readonly number: number;
  /** 16 hexadecimal digits. */
  readonly randomId: string;
}

/** Head of every datagram. The sender and its incarnation are the proposer of the requests that follow. */
export interface LeaseHeader {
  readonly sender: number;
  readonly receiver: number;
  readonly incarnation: bigint;
  /** Grows by one with every datagram to this receiver in this incarnation. */
  readonly sequence: bigint;
  /** Number within the set of the council that all messages are about, 1 to 255. */
  readonly councilId: number;
  /** That council's version, as the sender has it. */
  readonly council: LeaseCouncilVersion;
  /** The sender's CLOCK_BOOTTIME in microseconds, for measuring drift. */
  readonly clockUs: bigint;
}

/** Why a member refused. */
export type RefusalReason =
  /** An unexpired lease of another holder. */
  | 'leased'
  /** A higher round, or the same of another proposer, is promised. */
  | 'promised'
  /** The round was released: final. */
  | 'released'
  /** The round is not the one accepted here. */
  | 'not-accepted'
  /** The member restarted and has no voice yet. */
  | 'mute'
  /** The round lies too far above the highest known. */
  | 'jump'
  | 'unknown-slot'
  /** The request was made for another council version. */
  | 'council';

interface Request {
  readonly slot: string;
  /** Echoed by the answer; only answers with one serial add up. Unsigned 32-bit. */
  readonly serial: number;
  readonly round: number;
}

interface Answer extends Request {
  /** The asker's incarnation, echoed: serials start again with every incarnation. */
  readonly incarnation: bigint;
}

/** Asks for the promise of a round, for the named function on the proposer's node. */
export interface Prepare extends Request {
  readonly type: 'prepare';
  readonly functionId: number;
  readonly functionIncarnation: bigint;
}

export interface PromiseMessage extends Answer {
  readonly type: 'promise';
  /** The last value accepted, expired or not; null only if the member has none. */
  readonly accepted: AcceptedValue | null;
  /** For how long that value's lease has been over, by the member's clock. */
  readonly endedForMs: number;
}

export interface Accept extends Request {
  readonly type: 'accept';
  readonly value: LeaseValue;
}

export interface Accepted extends Answer {
  readonly type: 'accepted';
}

export interface Renew extends Request {
  readonly type: 'renew';
}

export interface Renewed extends Answer {
  readonly type: 'renewed';
}

/** One slot in a renewal of many. */
export interface Renewal {
  readonly slot: string;
  readonly round: number;
}

/** Most slots in one message: it fills a datagram. */
export const RENEWALS_MAX = 80;

/** Renewals of 1 to `RENEWALS_MAX` slots under one serial. A repetition has the same slots at the same places. */
export interface RenewMany {
  readonly type: 'renew-many';
  readonly serial: number;
  readonly renewals: readonly Renewal[];
}

/** A `renew-many` of the very slots and rounds, at the same places, that its receiver was told before. */
export interface RenewAgain {
  readonly type: 'renew-again';
  readonly serial: number;
  /** Serial of the `renew-many` of this incarnation that told them. */
  readonly list: number;
}

/** Which slots of a `renew-many` or `renew-again` were renewed, by their places; of the others there is a `refuse` each. */
export interface RenewedMany {
  readonly type: 'renewed-many';
  readonly serial: number;
  /** The asker's incarnation, echoed. */
  readonly incarnation: bigint;
  readonly renewed: readonly boolean[];
}

/** No, to a prepare, accept or renew; `round` is the one refused. */
export interface Refuse extends Answer {
  readonly type: 'refuse';
  readonly reason: RefusalReason;
  /** Highest round promised here. */
  readonly promised: number;
  readonly accepted: AcceptedValue | null;
  /** Until this member could say yes; 0 when time is not the reason. Encoded in microseconds, rounded up. */
  readonly timeLeftMs: number;
}

/** Who goes on, and by which round: one that was reserved for it. */
export interface Successor {
  readonly proposer: Proposer;
  readonly round: number;
}

/** The end of `round` and every lower one of its sender: final. */
export interface Release extends Request {
  readonly type: 'release';
  readonly reason: ReleaseReason;
  /** In a hand-over: from now on what was reserved is the successor's. */
  readonly successor: Successor | null;
}

export interface Released extends Answer {
  readonly type: 'released';
}

/**
 * What a holder asks for: `order`: it would pass the slot on to this one; `first`: it lets go in any case, and means only whoever is first
 * in the queue; `heir`: it stays, and wants to know to whom of those that are first it could let go at any time.
 */
export type OfferPurpose = 'order' | 'first' | 'heir';

/** The holder of `round` asks a node whether its function could take over. */
export interface Offer extends Request {
  readonly type: 'offer';
  readonly functionId: number;
  /** 16 hexadecimal digits, of the order. */
  readonly nonce: string;
  readonly purpose: OfferPurpose;
}

/** The successor is ready; `serial` echoes the offer. */
export interface Ready extends Answer {
  readonly type: 'ready';
  readonly nonce: string;
  readonly functionId: number;
  readonly functionIncarnation: bigint;
  /** Serial of the `hand-on` that answers this. */
  readonly handOnSerial: number;
}

/**
 * A holder that is about to let go asks to accept a round of its own, whose value names its successor. Nobody acts by it before the
 * holder has let go; it is answered by `accepted`.
 */
export interface Reserve extends Request {
  readonly type: 'reserve';
  /** Of the agent of the node that the value names as holder: the round will be its own. */
  readonly successorIncarnation: bigint;
  readonly value: LeaseValue;
}

/**
 * A holder that stays asks to keep `round`, which comes after its own, for its heir: promised to nobody else, and accepted of that one
 * also while the holder's lease runs. The holder's own round goes on beside it.
 */
export interface Entrust extends Request {
  readonly type: 'entrust';
  /** The one that the holder acts by. */
  readonly heldRound: number;
  readonly heir: Proposer;
}

export interface Entrusted extends Answer {
  readonly type: 'entrusted';
}

/** The holder has let go: `round` is the receiver's. `serial` is that of its `ready`; answered by `released`. */
export interface HandOn extends Answer {
  readonly type: 'hand-on';
  readonly value: LeaseValue;
  /** What the sender has let go of. */
  readonly former: AcceptedValue;
  /**
   * To an heir, whose round nobody has accepted yet: of the sender's requests that the receiver has answered, one whose answer was there
   * before the sender's last renewal went out. The lease counts from that answer. Null: the round was reserved.
   */
  readonly answeredSerial: number | null;
}

/**
 * How much of a slot's state a candidate has that could go on only by the last resort; who has more says so in the same way. `round` is
 * of the value that it would follow on, `serial` 0: nothing is echoed.
 */
export interface Standing extends Request {
  readonly type: 'standing';
  readonly functionId: number;
  /** Of the last update that its copy has; 0 and 0: it has none. Up to 2^53 - 1 each. */
  readonly epoch: number;
  readonly sequence: number;
}

/** The highest round that a member has promised, and to whom. */
export interface StoredPromise {
  readonly round: number;
  readonly proposer: Proposer;
  /** It was released. */
  readonly closed: boolean;
  /** Kept for the heir of the holder whose value is accepted; absent: the proposer has asked for it itself. */
  readonly isHeirs?: true;
}

/** What a member keeps of a slot for ever, as another member takes it over when the council changes. */
export interface StoredRegister {
  readonly promised: StoredPromise;
  readonly accepted: AcceptedValue;
  /** Longest lease that may still run by what the member accepted. */
  readonly longestLeaseMs: number;
}

/** Asks a member of the former council for its register. `round` is 0. Only within the council that follows on it. */
export interface Fetch extends Request {
  readonly type: 'fetch';
}

/** The register of a member that has left the former council, so that nothing of that changes it any more. */
export interface RegisterMessage extends Answer {
  readonly type: 'register';
  /** Null: it has none, so it never promised or accepted anything. */
  readonly stored: StoredRegister | null;
  /** Until its lease is over, by the member's clock; 0 when it is. Encoded in microseconds, rounded up. */
  readonly timeLeftMs: number;
}

/** A message about one slot. */
export type LeaseSlotMessage =
  | Fetch
  | RegisterMessage
  | Prepare
  | PromiseMessage
  | Accept
  | Accepted
  | Renew
  | Renewed
  | Refuse
  | Release
  | Released
  | Offer
  | Ready
  | Reserve
  | Entrust
  | Entrusted
  | HandOn
  | Standing;

/** Carries nothing but the head, with the sender's clock: for those who have nothing else to say to each other. */
export interface ClockMessage {
  readonly type: 'clock';
  /** The receiver sends one as well, which wants no answer. */
  readonly wantsAnswer: boolean;
}

export type LeaseMessage = LeaseSlotMessage | RenewMany | RenewAgain | RenewedMany | ClockMessage;
