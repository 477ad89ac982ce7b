// SPDX-License-Identifier: Apache-2.0
import type { ContainerSpecification } from './container.ts';
import type { FunctionKind, NetworkSpecification } from './netns.ts';
import type { StateAccess } from './state-access.ts';
import type { LossBound } from './state-level.ts';

/*
 * The JSON documents that our extensions of the service-mobility protocol carry (option 9/255, enterprise
 * number, extension number). Every document has a version `v`; unknown keys are ignored, an unknown version
 * is refused with error 4.
 */

/** Extension 5, in ADD: what to run. Its identity is the digest of its exact octets. At most 32,768 octets. */
export interface FunctionSpecification {
  readonly v: 1;
  /**
   * `process`: a program; `netns`: a program, or only rules of the kernel, in a network namespace of its own; `container`: a
   * program with a file system of its own, and with a network of its own where `netns` is there.
   */
  readonly kind: FunctionKind;
  /**
   * Program and arguments. `{port}`, `{address}`, `{name}` are replaced by the node agent. Empty: no program, which only
   * kind `netns` may be without, or that of the container's `bundle`.
   */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; absolute. Of a container: inside it. */
  readonly directory?: string;
  /** TCP port on which the function serves; 0 lets the agent choose a free one. */
  readonly port?: number;
  readonly health?: HealthCheck;
  readonly stop?: { readonly signal: string; readonly graceMs: number };
  readonly restart?: { readonly backoffMsMin: number; readonly backoffMsMax: number };
  /** What the function with all that it starts may use; a node that cannot enforce one of them refuses the ADD (error 6). */
  readonly limits?: FunctionLimits;
  /** How the instance registers at the registrar; absent: it does not. */
  readonly registration?: {
    readonly poolHandle: string;
    readonly policy: 'round-robin' | 'least-used' | 'priority';
    /** Where the load of a least-used element comes from: its processor time. */
    readonly load?: 'cpu';
  };
  /** How its state is taken and given; absent: it has none, or none that can be moved. */
  readonly state?: StateAccess;
  /** Commands that the agent runs on occasion. */
  readonly hooks?: Hooks;
  /** Of kind `netns`; of kind `container` where it has a network of its own. */
  readonly netns?: NetworkSpecification;
  /** Of kind `container`, and of no other. */
  readonly container?: ContainerSpecification;
}

/** Each a program and its arguments, with the replacements of `command`. Only without `state`, or with `state.via: hooks`. */
export interface Hooks {
  /** Writes the state to its standard output. */
  readonly export?: readonly string[];
  /** Reads state from its standard input. */
  readonly import?: readonly string[];
  /** The state changes no more once this has ended. */
  readonly quiesce?: readonly string[];
  readonly resume?: readonly string[];
  /** Throws away what was imported. */
  readonly discard?: readonly string[];
  readonly role?: readonly string[];
  /** Single sessions: they can move where all of these are, but for `expect`. See docs/function-socket.md. */
  readonly select?: readonly string[];
  readonly moved?: readonly string[];
  readonly expect?: readonly string[];
  readonly accept?: readonly string[];
}

/** Bounds of a function and of every process that it starts; what is absent is not bounded. */
export interface FunctionLimits {
  /** Processors it may keep busy, fractions allowed: 0.5 is half of one. From 0.01. */
  readonly processors?: number;
  /** Memory, octets. A function that wants more is ended by the kernel. From 1 MiB. */
  readonly memoryBytes?: number;
  /** Processes and threads at a time; starting more fails. */
  readonly processes?: number;
  /** Octets that it may write. Of kind `container` only: its root is its own, in memory, and what it wrote ends with it. */
  readonly storageBytes?: number;
  /** Bits a second, in each direction; what is above is dropped. */
  readonly bandwidthBps?: number;
}

/** How it is found out whether a function serves. */
export interface HealthCheck {
  /**
   * `tcp` a connection, `http` a request, `command` a program's exit code, `sip-options` OPTIONS over UDP (status 200 to 299), `function`
   * its own word, which it must repeat: silence for `intervalMs` and `timeoutMs` together is a failure.
   */
  readonly type: 'tcp' | 'http' | 'command' | 'sip-options' | 'function';
  /** Path of an HTTP check; a status from 200 to 399 is healthy. */
  readonly path?: string;
  /** Program and arguments of a `command` check; exit code 0 is healthy. `{port}`, `{address}`, `{name}` are replaced. */
  readonly command?: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Successes in a row that make it healthy. */
  readonly rise: number;
  /** Failures in a row that make it unhealthy. */
  readonly fall: number;
}

export type Role = 'active' | 'standby' | 'spare';

/** Secrets of a pool whose sessions leave cookies with their users, as its functions are handed them. */
export interface CookieSecrets {
  /** 64 hexadecimal digits each, 1 to 8: the first seals, all of them open. */
  readonly secrets: readonly string[];
  /** Older cookies are refused. */
  readonly maxAgeMs: number;
}

/** Extension 6, in ADD, first or later: what the instance is for. At most 4,096 octets. */
export interface SlotAssignment {
  readonly v: 1;
  readonly pool: string;
  /** Name for people, `type#n`. */
  readonly name: string;
  /** Slot that the instance holds or may hold; null: none. */
  readonly slot: { readonly id: string; readonly index: number } | null;
  /** What the manager wants it to be. Only a lease makes it active. */
  readonly role: Role;
  /** Highest epoch of the slot that the manager knows, decimal. */
  readonly epoch: string;
  readonly addresses: readonly string[];
  /** Council version that the assignment was made for. */
  readonly council: CouncilVersion;
  /** Function IDs in the order in which they should try for the slot; the holder need not be first. */
  readonly ranking: readonly number[];
  /** A planned hand-over: the holder passes the slot to this Function ID. `nonce` tells orders apart. */
  readonly handover?: { readonly to: number; readonly nonce: string };
  /** An operator's word: this instance may take the slot, which nobody has held since this epoch (decimal), without its state. */
  readonly acceptedLoss?: string;
  /** Starts in place before the slot goes to another candidate; absent: none. Each must make it ready within `readyMs`. */
  readonly restart?: { readonly inPlace: number; readonly withinMs: number; readonly readyMs: number };
  /** How its failures count against it as a candidate; absent: as the agent is made. */
  readonly flap?: {
    readonly penalty: number;
    readonly suppress: number;
    readonly reuse: number;
    readonly halfLifeMs: number;
  };
  /** What the pool's cookies are sealed with; absent: it has none. */
  readonly cookies?: CookieSecrets;
  /** For so long it does not try for a slot after it lost one by a failure; absent: 0. */
  readonly holdDownMs?: number;
}

export interface CouncilVersion {
  readonly generation: number;
  readonly number: number;
  /** 16 hexadecimal digits. */
  readonly randomId: string;
}

/**
 * Extension 7, in ADD at node scope (Function ID 0): the set as a node needs to know it. Replaces the
 * former one whole; a lower version of one of its councils is refused (130, error 5). At most 32,768 octets.
 */
export interface SetConfiguration {
  readonly v: 1;
  readonly set: string;
  /** At least one; each slot belongs to one of them, for ever. */
  readonly councils: readonly CouncilDefinition[];
  /** Every node that takes part in leases: council members and hosts of candidates. */
  readonly nodes: readonly LeasePeer[];
  readonly slots: readonly SlotDefinition[];
  readonly registrars: readonly { readonly address: string; readonly port: number }[];
  /** Pools whose instances keep mergeable state together; absent: there are none. */
  readonly mergeable?: readonly MergeablePool[];
  /** What makes sure that a node is off whose kernel does not silence it. */
  readonly fenceHook?: FenceHook;
}

/** A pool whose nodes tell each other of its mergeable state by gossip, each as one origin, which is its Node ID. */
export interface MergeablePool {
  readonly pool: string;
  /** All of them; one that is on its way to another node stands here twice. */
  readonly instances: readonly SlotCandidate[];
}

/** A command, the name of the node to end as its last argument; it is off when the command ends with 0 within the time. */
export interface FenceHook {
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

/** Node IDs under a version. */
export interface CouncilMembership {
  readonly version: CouncilVersion;
  readonly members: readonly number[];
}

/** The council in force, as the manager knows it. */
export interface CouncilDefinition extends CouncilMembership {
  /** Its number in the set, 1 to 255; never that of another one. */
  readonly id: number;
  /** The one before, in the same generation: its members hand their registers over. Absent: there was none. */
  readonly former?: CouncilMembership;
  /** An operator decided that the others are dead; nothing of a former council counts. */
  readonly forced?: boolean;
  /** To be stored only: it is in force once the manager says so, or a peer works under it. */
  readonly next?: CouncilMembership;
}

export interface LeasePeer {
  readonly node: number;
  readonly name: string;
  readonly address: string;
  /** UDP port of the node's lease datagrams. */
  readonly port: number;
  /** X25519 public key, base64 of 32 octets. */
  readonly key: string;
  /** What silences it when its lease ends; absent: not told. */
  readonly fence?: 'bpf' | 'nft' | 'none';
  /** TCP port at which the node takes the state of holders of slots; absent: it takes none. */
  readonly replicationPort?: number;
  /** X25519 public key to which secrets of its copies are sealed, base64 of 32 octets; absent: it takes no secrets. */
  readonly sealKey?: string;
}

export interface SlotDefinition {
  /** 16 hexadecimal digits; never used twice. */
  readonly id: string;
  readonly pool: string;
  readonly index: number;
  /** The council that grants it; absent: 1. */
  readonly councilId?: number;
  readonly leaseMs: number;
  /** Virtual addresses in text form: `10.0.0.1/24`, `2001:db8::1%eth1/64`. */
  readonly addresses: readonly string[];
  /** How they are raised and announced; absent: all as it is by default. */
  readonly addressing?: SlotAddressing;
  /** Durable value from which the register starts; the absence of a value is never genesis. */
  readonly genesis: {
    readonly randomId: string;
    readonly candidates: readonly SlotCandidate[];
    /** The council under which the slot was made; absent: the first. Nothing can have been decided before it. */
    readonly council?: Pick<CouncilVersion, 'generation' | 'number'>;
  };
  /** The candidates the holder should list now, in order; with `sharing`, of those that have the state. */
  readonly candidates: readonly SlotCandidate[];
  readonly lastResort: { readonly rule: 'never' } | { readonly rule: 'after'; readonly afterMs: number };
  /** How many slots of the pool one function may hold at a time; absent: one. */
  readonly slotsPerFunction?: number;
  /** Where the holder's state goes; absent: nobody has it. */
  readonly sharing?: SlotSharing;
}

/** What node agents do with the state of a slot's holder, as it was settled. */
export type SlotSharing = StandbySharing | CheckpointSharing | StoreSharing;

/** It goes to the other candidates, and only those that have it are listed. */
export interface StandbySharing {
  /** Where the updates come from: the function tells them, or the kernel tracks its connections. */
  readonly method: 'replicate' | 'conntrack';
  /** Updates that a listed standby may lack; 0: none of those whose effect was let out. */
  readonly lossUpdates: number;
  /** Age in ms of the oldest update that a listed standby may lack; absent: any. */
  readonly lossMs?: number;
  /** Listed standbys that have to confirm an update before what it brings about leaves the function; 0: nobody has to. */
  readonly acknowledgedBy: number;
  /** Near the bound: updates wait, or the standby leaves the list before. */
  readonly overload: 'block' | 'degrade';
  /** What becomes of keys that the function marks as secret; absent: they stay with it. */
  readonly securityState?: 're-derive' | 'sealed';
  /** Of connections: the first packet of a translated flow waits until the listed standbys have the flow. */
  readonly defers?: boolean;
}

/** It goes to a store outside of the set, where every candidate finds it: all are listed. */
export interface CheckpointSharing {
  readonly method: 'checkpoint';
  /** Address of the store: `file:`, `redis:`, `rediss:`, `redis+unix:`. */
  readonly store: string;
  /** Age in ms of the oldest change that the store may lack. */
  readonly intervalMs: number;
  /** Octets of changes that the store may lack before the next checkpoint is made at once. */
  readonly windowOctets: number;
  /** When the store falls behind: updates wait, or the holder goes on and more may be lost. */
  readonly overload: 'block' | 'degrade';
  /** A new holder that cannot read the store for so long begins without the state; absent: never. */
  readonly withoutAfterMs?: number;
  /** Full checkpoints that the store keeps, with what is behind them: 2 to 100; absent: 2. */
  readonly keepFull?: number;
  /** Name and version of what the values are, `kv/1`; absent: not known. */
  readonly format?: string;
}

/** It lives in a store outside of the set that itself refuses stale holders: all candidates are listed. */
export interface StoreSharing {
  readonly method: 'shared';
  /** Address of the store: `redis:`, `rediss:`, `redis+unix:`, `etcd:`, `etcds:`. */
  readonly store: string;
  /** What the store may lack: nothing whose effect was let out, or so much. */
  readonly writes: { readonly type: 'through' } | { readonly type: 'behind'; readonly lag: LossBound };
  /** Octets of changes that wait for the store one by one; beyond it gets what each key is by then. */
  readonly windowOctets: number;
  /** When the store falls further behind than it may: updates wait, or the holder goes on and more may be lost. */
  readonly overload: 'block' | 'degrade';
  /** A new holder that cannot read the store for so long begins without the state; absent: never. */
  readonly withoutAfterMs?: number;
}

/** How the addresses of a slot are raised, announced and guarded. */
export interface SlotAddressing {
  /** Announcements behind the first; absent: after 100 ms, 1 s and 3 s. */
  readonly announce?: { readonly repeats: number; readonly everyMs: number };
  /**
   * When somebody outside the set has an address as the slot is born: `raise` it anyway, with a warning; absent: it is not
   * raised as long as that lasts.
   */
  readonly onConflict?: 'raise';
  /**
   * The addresses have a hardware address of their own, the same at every holder; absent: that of the link. With `vrid` it is
   * that of a virtual router, 1–255, one for each family; else it is derived from the slot.
   * @see RFC 9568 §7.3
   */
  readonly sameMac?: { readonly vrid?: number };
  /** Links of the node, into and out of which it forwards only while it holds the slot: that of a gateway. */
  readonly forwarding?: readonly string[];
}

export interface SlotCandidate {
  readonly node: number;
  readonly functionId: number;
}

/** Extension 8, in REGISTRATION: where and with which key the node takes lease datagrams. */
export interface LeaseEndpoint {
  readonly v: 1;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly key: string;
  readonly version: string;
  readonly fence: 'bpf' | 'nft' | 'none';
  /** As in `LeasePeer`. */
  readonly replicationPort?: number;
  readonly sealKey?: string;
}

/** Extension 9, in STATUS-UPDATE and the ACK of KEEP-ALIVE at node scope: what the node knows of slots. */
export interface SlotReport {
  readonly v: 1;
  /** Time the node stays mute for others after a restart; 0 when it has its voice. */
  readonly muteMs: number;
  readonly slots: readonly SlotState[];
  /** New failover records, oldest first; resent until acknowledged. */
  readonly failovers: readonly FailoverRecord[];
  /** Absent: the node was told of none yet. */
  readonly councils?: readonly CouncilReport[];
  /** How late the node's lease worker was called in the last minutes; absent: it did not measure. */
  readonly stalls?: StallReport;
  /** What the host itself shows; absent: nothing to tell. */
  readonly host?: HostReport;
  /** Mergeable state of pools that is kept here, as of a moment ago; absent: none is. */
  readonly mergeable?: readonly MergeableReport[];
}

/** The mergeable state of a pool at one node. Amounts change all the time and are told once a second. */
export interface MergeableReport {
  readonly pool: string;
  /** Counters, registers and elements of sets, and the octets of them. */
  readonly cells: number;
  readonly bytes: number;
  /** Lives of nodes that left something in it. */
  readonly replicas: number;
  /** That are known there, by whoever: what they grow by is the rate of changes; absent: by an agent of an earlier version. */
  readonly steps?: number;
  /** Pieces that memory had otherwise than they came, since the replica is there; absent: by an agent of an earlier version. */
  readonly damaged?: number;
  /** Why changes are refused, or lost on the way; empty: nothing is wrong. */
  readonly trouble: string;
  readonly peers: readonly MergeablePeerReport[];
}

/** What a node knows of another one that has the same state. */
export interface MergeablePeerReport {
  readonly node: number;
  /** Steps that are known here and not there, as it last said itself. */
  readonly behind: number;
  /** About how many octets of pieces these touched; absent: by an agent of an earlier version. */
  readonly behindBytes?: number;
  /** How long it lacks the first of these, in whole seconds; absent: by an agent of an earlier version. */
  readonly behindMs?: number;
  /** Since it was last heard, in whole seconds. */
  readonly silentMs: number;
  /** How its digest compares with the one here whenever both know the same; absent: by an agent of an earlier version. */
  readonly digests?: MergeableDigests;
}

export interface MergeableDigests {
  /** Times that it was another one, since the present life of the peer is known. */
  readonly differed: number;
  /** Since it was the same, in whole seconds; null: it never was. */
  readonly agreedMs: number | null;
  /** It was another one when they were last compared. */
  readonly isDiffering: boolean;
}

/** The council that a node works under, which may be ahead of what its manager knows. */
export interface CouncilReport extends CouncilMembership {
  readonly id: number;
  /** The one that it has stored and would follow. */
  readonly next: CouncilVersion | null;
  /** As a member: slots for which it has no voice yet, since it has not heard what the former council decided. */
  readonly voiceless: number;
  /** Another council of the same generation, of which it has heard: it acts for no slot until a person decides. */
  readonly rival: CouncilVersion | null;
  /** Node IDs of members of which it hears nothing, though it asks them every second; absent: of all it does. */
  readonly silent?: readonly number[];
}

/** Lateness of a loop in ms, rounded up: what 99 of 100 wake-ups kept, and the worst one. */
export interface StallReport {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Evidence of what happened to a node, by its own host. */
export interface HostReport {
  /** The link of virtual addresses; absent: there is none. */
  readonly link?: {
    readonly name: string;
    readonly hasCarrier: boolean;
    /** When it lost its carrier last, wall-clock milliseconds. */
    readonly lostAtMs: number;
  };
  /** Times in which the node stood still, oldest first, at most 8. */
  readonly pauses: readonly HostPause[];
}

/**
 * `suspended`: the machine was, clocks and all; `stopped`: the process was, by a signal, a freezer or the disk; `starved`: others
 * had its processor; `stolen`: the hypervisor had; `busy`: it was at something that took long.
 */
export type PauseKind = 'suspended' | 'stopped' | 'starved' | 'stolen' | 'busy';

export interface HostPause {
  readonly kind: PauseKind;
  /** Its end, wall-clock milliseconds. */
  readonly untilMs: number;
  readonly forMs: number;
}

export interface SlotState {
  readonly id: string;
  /** As this node sees it: `holding` serves; `held` by someone else; `free` nobody that it knows of. */
  readonly state: 'holding' | 'held' | 'free';
  readonly epoch: string;
  readonly holder: SlotCandidate | null;
  /** Candidates in the accepted value. */
  readonly candidates: readonly SlotCandidate[];
  /** Why the node does not hold it although it has a candidate. */
  readonly reason: string;
  /** Where nobody holds it: it was let go by its holder, so that nobody acts under this epoch again; absent: its lease ran out, or no word. */
  readonly isReleased?: boolean;
  /** What is wrong with its addresses and links on this node, whether it holds the slot or not; absent: nothing. */
  readonly trouble?: string;
  /** Why this node would not serve it, whatever its function says of itself; of the slot's holder, why it is not served whole. Absent: it would. */
  readonly refusal?: SlotRefusal;
  /** How the last holding of this node ended, if it passed the slot on by itself; absent: otherwise, or it holds the slot again. */
  readonly passedOn?: PassedOn;
  /** Of the holder of a slot whose state is shared, as of a moment ago; absent: it is not shared, or not held here. */
  readonly sharing?: SharingReport;
}

/**
 * What keeps a node from serving a slot. `link`: a link that the slot needs is not there, or has no carrier; `address`: the kernel refuses one of them;
 * `clock`: the node's clock is out of its bound; `fence-hook`: it was granted the lease, and waits until the former holder's node is off.
 */
export interface SlotRefusal {
  readonly rule: 'link' | 'address' | 'clock' | 'fence-hook';
  /** In words, without the name of the node. */
  readonly why: string;
}

/** A node could not serve a slot whole, and another one took it over by a hand-over that nobody had asked for. */
export interface PassedOn extends SlotRefusal {
  /** Of its holding. */
  readonly epoch: string;
}

/** How the state of a slot goes to its standbys, by its holder. Amounts change all the time and are told once a second. */
export interface SharingReport {
  /** Pieces of state, and the octets of their keys and values. */
  readonly keys: number;
  readonly bytes: number;
  /** Number of the last update, and how many there were in the last second. */
  readonly sequence: number;
  readonly updatesPerSecond: number;
  /** Updates that wait for room, or to be confirmed. */
  readonly waiting: number;
  /** Its holder may have begun without some of the state: by the last resort, without the last word of the one before, or nobody had it. */
  readonly isLossy: boolean;
  readonly standbys: readonly StandbyReport[];
  /** Of state that goes to a store; absent: it goes to standbys. */
  readonly checkpoint?: CheckpointReport;
  /** Of connections whose first packets wait; absent: none do. */
  readonly firstPackets?: FirstPacketReport;
  /** Of connections: how often the kernel lost events of them; absent: it never did, or it is another state. */
  readonly overruns?: OverrunReport;
  /** Values that were damaged in the memory of its holder; absent: none were, or it goes to a store. */
  readonly damage?: DamageReport;
  /** Why the holder's function, or its kernel, does not tell all of the state; absent: it does. */
  readonly fault?: string;
  /** Connections of the holder's function that were refused since the slot is held; absent: none were, or it is the kernel's state. */
  readonly refusals?: number;
}

/** Values of a state that were damaged in the memory of its holder: no standby is given them until its function says them again. */
export interface DamageReport {
  /** Since the slot is held. */
  readonly found: number;
  /** Are so now. */
  readonly now: number;
}

/** Events of connections that the kernel dropped, since they came faster than they were read, since the slot is held. */
export interface OverrunReport {
  readonly times: number;
  /** The connections have not been listed anew, or the last time was less than five seconds ago. */
  readonly isAmid: boolean;
}

/** What became of the first packets of flows since the slot is held. */
export interface FirstPacketReport {
  /** Flows whose first packet waits now. */
  readonly waiting: number;
  /** Let go, as the standbys had their flow. */
  readonly released: number;
  /** Dropped, for whatever reason. */
  readonly dropped: number;
  /** Some were since the report before. */
  readonly isDropping: boolean;
}

/** What a store has of a slot's state. */
export interface CheckpointReport {
  /** Of the last update that it has. */
  readonly sequence: number;
  /** Age of the oldest change that it has not; 0: it has all. */
  readonly ageMs: number;
  /** Octets of the changes that it has not, each with 8 more; absent: by an agent of an earlier version. */
  readonly lagBytes?: number;
  /** It has what it should. */
  readonly isCurrent: boolean;
  /** Why the last try failed; empty: it did not. */
  readonly fault: string;
}

/** What a holder knows of one copy of its state. */
export interface StandbyReport {
  readonly node: number;
  /** It may take over. */
  readonly isListed: boolean;
  readonly state: 'away' | 'opening' | 'filling' | 'following' | 'silent';
  readonly lagUpdates: number;
  readonly lagMs: number;
  /** Of the keys that it lacks, with their values and 8 octets each; by an agent of an earlier version: octets on their way. */
  readonly lagBytes: number;
  /** Null: not measured yet. */
  readonly roundTripMs: number | null;
  /** Absent: by an agent of an earlier version. */
  readonly stream?: StreamReport;
  /** Absent: by an agent of an earlier version. */
  readonly digests?: DigestReport;
  /** Absent: its stream never broke off so. */
  readonly breaks?: BreakReport;
}

/** A stream that ended as one end refused, or did not understand, what the other one said, since the slot is held. */
export interface BreakReport {
  readonly times: number;
  /** Of the last one. */
  readonly reason: string;
  /** The last one was less than five seconds ago. */
  readonly isAmid: boolean;
}

/** What goes from a holder to one copy. */
export interface StreamReport {
  /** Since the copy said anything; null: it has not since the slot is held. */
  readonly silentMs: number | null;
  /** Updates that were sent in the last second, and their octets. */
  readonly updatesPerSecond: number;
  readonly bytesPerSecond: number;
  /** The same since the slot is held. */
  readonly updatesSent: number;
  readonly bytesSent: number;
  /** Sent and not confirmed: the memory that the copy takes at the holder. */
  readonly underWayBytes: number;
  /** How often all of the state was sent, since the slot is held. */
  readonly fills: number;
}

/** How the digests of a copy compare with those of its holder, since the slot is held. */
export interface DigestReport {
  /** Marks at which they agreed; and how often the copy had another state, and got all of it anew. */
  readonly agreed: number;
  readonly differed: number;
  /** Since the last that agreed; null: none has. */
  readonly sinceAgreedMs: number | null;
  /** The copy had another state, and they have not agreed for five seconds since. */
  readonly isDiffering: boolean;
  /** Before it is filled anew, as it has differed again and again; absent: there is no such pause. */
  readonly filledInMs?: number;
}

export type FailoverCause =
  | 'genesis'
  | 'lease-expired'
  | 'function-exit'
  | 'function-unhealthy'
  | 'handover'
  | 'clock';

/** One taking of a slot, told by its new holder. Times are wall-clock milliseconds, read together with the steps. */
export interface FailoverRecord {
  /** `slot id/epoch`. */
  readonly id: string;
  readonly slot: string;
  readonly epoch: string;
  readonly from: SlotCandidate | null;
  readonly to: SlotCandidate;
  readonly cause: FailoverCause;
  readonly fencedBy: 'release' | 'timeout' | 'hook' | 'none';
  /** In order: detected, fenced, decided, committed, switched, serving; by a hook, fenced comes behind committed. */
  readonly steps: readonly { readonly name: FailoverStep; readonly atMs: number }[];
}

export type FailoverStep = 'detected' | 'fenced' | 'decided' | 'committed' | 'switched' | 'serving';

/** Extension 10, in STATUS-UPDATE and ACK beside 7/50: what the draft has no option for. */
export interface FunctionReport {
  readonly v: 1;
  readonly pid: number | null;
  readonly address: string | null;
  readonly port: number | null;
  /** New at every start of the function; 16 hexadecimal digits. */
  readonly incarnation: string;
  readonly healthy: boolean;
  readonly restarts: number;
  /** True while it ends again and again. */
  readonly failing: boolean;
  readonly reason: string;
  /** Last lines of its output, at most 10 of at most 200 characters. */
  readonly output: readonly string[];
  /** How many sessions it serves, by its own word; absent: it does not say. */
  readonly sessions?: number;
  /** Of a transfer of this function's state that goes on, or was the last to end. */
  readonly transfer?: TransferReport;
  /** Absent: it never failed there. */
  readonly trouble?: TroubleReport;
}

/** What a function's failures have brought it, as of the last time that this changed. */
export interface TroubleReport {
  /** Ends that nobody asked for, and checks that turned bad. */
  readonly failures: number;
  /** Starts in place while it kept its slot. */
  readonly startsInPlace: number;
  readonly penalty: number;
  /** It ranks behind all others for so long; 0: it does not. */
  readonly lastForMs: number;
  /** It does not try for a slot for so long. */
  readonly heldDownForMs: number;
  /** What the ladder did last; may be empty. */
  readonly note: string;
}

/** How the transfer of a function's state goes, as one of its two ends sees it. */
export interface TransferReport {
  /** Digest of its token, hexadecimal; the token itself is nobody's business. */
  readonly id: string;
  readonly role: 'source' | 'destination';
  /** Absent: this end does not know it yet. */
  readonly mode?: 'move' | 'copy' | 'sessions';
  /** What it is doing, as the channel's own machines call it. */
  readonly phase: string;
  /** Octets of state that went over. */
  readonly bytes: number;
  /** Octets there are; null: not known. */
  readonly bytesTotal: number | null;
  readonly bytesPerSecond: number;
  /** How fast the state changes under the transfer, octets a second. */
  readonly changePerSecond: number;
  /** How long the function will stand still at the end; null: no forecast. */
  readonly expectedPauseMs: number | null;
  /** Time from now to the end; null: no forecast. */
  readonly expectedEndMs: number | null;
  /** Node ID of the other end. */
  readonly peer: number;
}
