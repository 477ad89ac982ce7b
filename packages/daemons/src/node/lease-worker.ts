// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { type KeeperInput, type KeeperOutput, LinkGate, SlotKeeper } from '@vnfpool/core/agent';
import { type LeaseDatagram, NodeLeases } from '@vnfpool/core/lease';
import type { AddressListener, Clocks, Fence } from '@vnfpool/platform';
import {
  CarrierWatch,
  createVirtualAddresses,
  type LinuxVirtualAddresses,
} from '@vnfpool/platform/addresses';
import {
  createFence,
  createNoFence,
  type FenceHandedOn,
  type PreparedFence,
  prepareFence,
  rehearseFence,
} from '@vnfpool/platform/fence';
import { lockInNamespace, type NamespaceLock } from '@vnfpool/platform/lock';
import { isAlive, readProcessStat, watchEnd } from '@vnfpool/platform/processes';
import { requestRealtime } from '@vnfpool/platform/realtime';
import { deriveLeaseKeys, LeaseSeal, openLeaseKey } from '@vnfpool/runtime/lease-seal';
import { systemRandom } from '@vnfpool/runtime/random';
import type { SetConfiguration } from '@vnfpool/wire/mobility';
import { agentClocks } from './agent-clocks.ts';
import { CandidateWatch } from './candidate-watch.ts';
import { guaranteeOf } from './guarantee.ts';
import { fenceHandedOn, LeaseHands } from './lease-hands.ts';
import { openRegister } from './lease-journal.ts';
import { LeaseLink } from './lease-link.ts';
import { rehearse } from './lease-rehearsal.ts';
import { writeMarker } from './marker.ts';
import { PauseWatch } from './pause-watch.ts';
import type { FromWorker, GoesOn, ToWorker, WorkerTask } from './worker-messages.ts';

/*
 * The lease worker: a thread of its own, so that nothing the agent's main thread does (garbage collection, TLS,
 * JSON) can cost a slot. Everything it does on the way of a failover is synchronous.
 */

const COUNTERS_MS = 1_000;
/** Between looks whether somebody changed the fence; a renewal looks, too. */
const FENCE_CHECK_MS = 500;
const STALLS_MS = 10_000;
/** Datagrams in one step. */
const BURST_MAX = 64;
/** The fence is taken over some 100 ms after the last renewal, when two thirds of a lease are left. */
const HANDED_ON_LEASE_MS = 200;
/** Failovers that are played through at a start; more make the next one no quicker. */
const REHEARSED = 12;
/** Steps in a row without a turn of the loop, so that datagrams are read in between. */
const DUE_AT_ONCE_MAX = 4;

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}

async function main(
  task: WorkerTask,
  goesOn: GoesOn | null,
  prepared: PreparedFence | undefined,
): Promise<void> {
  const clocks = agentClocks();
  // The caller holds the node's lock, so whoever acted before has ended.
  const startedAtMs = clocks.boottimeMs();
  const realtime =
    process.platform === 'linux'
      ? requestRealtime()
      : { isGranted: false as const, reason: 'not on this system' };
  let isStopped = false;
  /** What comes about while an output is carried out is an input of its own. */
  const later = (input: KeeperInput): void =>
    queueMicrotask(() => {
      act(() => hands.handle(input));
    });
  const {
    slots: handedOn,
    fence: fenceRecord,
    link: handedOnLink,
    incarnation: goesOnAs = null,
  } = goesOn?.handedOn ?? {};
  const { journal, incarnation } = openRegister(task.folder, goesOnAs);
  const leases = new NodeLeases({
    node: task.node,
    incarnation,
    startedAtMs,
    restored: journal.restored,
    ...(handedOn && { handedOn: handedOn.leases }),
    random: systemRandom(),
    namesHeirs: true,
  });
  const slots = new SlotKeeper(leases, task.node, handedOn);
  const keeper = new LinkGate(slots, task.node, task.interface ?? '');
  const ownKey = openLeaseKey(`${task.folder}/lease-key.pem`);

  const counters: Record<string, number> = {};
  let told = '{}';
  /** Datagrams of this turn of the loop. */
  let waiting: LeaseDatagram[] = [];
  let set = '';
  const link = new LeaseLink({
    node: task.node,
    incarnation,
    boottimeMs: () => clocks.boottimeMs(),
    council: (id) => leases.council(id)?.version,
    sealFor: (peer) =>
      new LeaseSeal(
        deriveLeaseKeys(ownKey, Buffer.from(peer.key, 'base64').toString('base64url'), {
          set,
          ownNode: task.node,
          peerNode: peer.node,
        }),
      ),
    receive: (datagram) => {
      waiting.push(datagram);
      if (waiting.length === BURST_MAX) readWaiting();
      else if (waiting.length === 1) setImmediate(readWaiting);
    },
    count: (reason) => {
      counters[reason] = (counters[reason] ?? 0) + 1;
    },
    ...(handedOnLink && { handedOn: handedOnLink }),
  });
  const usePeers = (configuration: SetConfiguration): void => {
    set = configuration.set;
    link.configure(configuration.nodes);
  };
  // Peers know the port that was any.
  const port = await link.listen(task.listen.address, handedOnLink?.port ?? task.listen.port);
  const silentMs = (): number => clocks.boottimeMs() - (goesOn?.handedOn.silentAtMs ?? 0);
  let before: KeeperOutput[] = [];
  let renewedMs = 0;
  if (goesOn !== null) {
    usePeers(goesOn.configuration);
    before = keeper.expire(clocks.boottimeMs());
    // Renewals go out at once: the kernel keeps the fence as it was while it is being taken over, which takes longer.
    for (let [first] = before; first?.type === 'send'; [first] = before) {
      link.send(first.councilId, first.to, first.messages);
      before.shift();
    }
    renewedMs = silentMs();
  }
  const { fence, addresses, namespace } = openFence(task, clocks, addressListener(later), {
    prepared,
    handedOn: handedOn && fenceHandedOn(handedOn, fenceRecord),
  });
  const goneOn = goesOn && { renewedMs, fencedMs: silentMs() };
  const hands = new LeaseHands(keeper, {
    clocks,
    fence,
    addresses,
    journal,
    send: (councilId, to, messages) => link.send(councilId, to, messages),
    tell,
    muteMs: () => leases.muteMs(clocks.boottimeMs()),
    later,
  });

  /** All that one turn of the loop has read is one step, with one write to the disk. */
  function readWaiting(): void {
    const [first, ...more] = waiting;
    if (first === undefined) return;
    const datagrams = waiting;
    waiting = [];
    act(() => hands.handle(more.length === 0 ? first : { type: 'datagrams', datagrams }));
  }

  /** One change of address after the other. */
  let moving: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  /** Does something and arms the one timer anew. */
  function act(body: () => void): void {
    if (isStopped) return;
    body();
    clearTimeout(timer);
    let deadline = keeper.nextDeadline();
    // What is due already (a standby that has just heard of a release) does not wait for a timer, which takes 1 ms.
    for (let n = 0; n < DUE_AT_ONCE_MAX && deadline !== undefined && deadline <= clocks.boottimeMs(); n++) {
      hands.expire();
      deadline = keeper.nextDeadline();
    }
    if (deadline === undefined) return;
    const waitMs = Math.max(0, Math.ceil(deadline - clocks.boottimeMs()));
    timer = setTimeout(() => act(() => hands.expire()), Math.min(waitMs, 2 ** 31 - 1));
  }

  function watchCarrier(name: string): CarrierWatch {
    return new CarrierWatch(name, {
      changed: (hasCarrier) => {
        act(() => hands.handle({ type: 'link', isUp: hasCarrier }));
        tell({ type: 'link', name, hasCarrier, wallMs: clocks.wallMs() });
      },
      failed: (error) =>
        tell({ type: 'event', severity: 'error', message: `news of links ended: ${error.message}` }),
    });
  }

  const reporting = setInterval(() => {
    const text = JSON.stringify(counters);
    if (text === told) return;
    told = text;
    tell({ type: 'counters', counters: { ...counters } });
  }, COUNTERS_MS);
  let stallsTold = '';
  const measuring = setInterval(() => {
    const stalls = leases.stalls(clocks.boottimeMs());
    const text = JSON.stringify(stalls);
    if (stalls === undefined || text === stallsTold) return;
    stallsTold = text;
    tell({ type: 'stalls', stalls });
  }, STALLS_MS);

  const checking = setInterval(() => act(() => hands.checkFence()), FENCE_CHECK_MS);

  const candidates = new CandidateWatch(watchProcess, (slot, functionId) =>
    act(() => hands.handle({ type: 'candidate-gone', slot, functionId })),
  );

  function configure(configuration: SetConfiguration): void {
    usePeers(configuration);
    addresses?.usePeers(configuration.nodes.map(({ address }) => address));
    const leases = configuration.slots.map(({ leaseMs }) => leaseMs);
    pauses.use(leases.length === 0 ? undefined : Math.min(...leases));
    act(() => hands.handle({ type: 'unfenced', ...unfencedNodes(configuration) }));
    act(() =>
      hands.handle({ type: 'configure', councils: configuration.councils, slots: configuration.slots }),
    );
  }

  /** From here on nothing is done any more; what the kernel has stays as it is. */
  function fallSilent(): void {
    isStopped = true;
    clearInterval(reporting);
    clearInterval(checking);
    clearInterval(measuring);
    clearTimeout(timer);
    candidates.close();
    carrier?.close();
    pauses.close();
    link.close();
  }

  /** Whether it is handed on: that is all or nothing. */
  function handOn({ from, to }: ToWorker & { type: 'hand-on' }): boolean {
    // A lease that would run out meanwhile is passed on as planned, which costs less.
    const short = slots.heldBelow(HANDED_ON_LEASE_MS);
    for (const slot of short) act(() => hands.handle({ type: 'release', slot, reason: 'operator' }));
    const kept = slots.handOn(clocks.boottimeMs());
    if (isStopped || kept === undefined) return false;
    const record = fence.handOn();
    const silentAtMs = clocks.boottimeMs();
    const handedOnNow = {
      silentAtMs,
      incarnation,
      slots: kept,
      link: link.handOn(),
      ...(record && { fence: record }),
    };
    fallSilent();
    journal.close();
    // The next agent takes them, and does not wait for the kernel to take this process down.
    fence.abandon();
    namespace?.release();
    writeMarker(task.folder, from, to, handedOnNow);
    return true;
  }

  parentPort?.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'begin':
        return;
      case 'configure':
        configure(message.configuration);
        return;
      case 'hand-on':
        if (handOn(message)) process.exit(0);
        tell({ type: 'not-handed-on' });
        return;
      case 'address':
        moving = moving.then(() => link.move(message.address));
        moving = moving.catch((error: Error) => {
          tell({
            type: 'event',
            severity: 'error',
            message: `lease datagrams cannot be taken at ${message.address}: ${error.message}`,
          });
        });
        return;
      case 'stop':
        fallSilent();
        hands.cleanUp();
        journal.close();
        parentPort?.close();
        return;
      case 'candidate-state': {
        const { pid, ...candidate } = message;
        candidates.follow(message.slot, message.functionId, pid);
        act(() => hands.handle(candidate));
        return;
      }
      case 'candidate-gone':
        candidates.forget(message.slot);
        act(() => hands.handle(message));
        return;
      default:
        act(() => hands.handle(message));
    }
  });

  const carrier = task.interface === null ? undefined : watchCarrier(task.interface);
  const pauses = new PauseWatch({ clocks, tell: (pause) => tell({ type: 'paused', pause }) });
  if (goesOn !== null) {
    hands.carryOut([...before, ...slots.resume()]);
    configure(goesOn.configuration);
  }
  const { guarantee, lacking } = guaranteeOf(fence, addresses);
  if (lacking !== undefined) tell({ type: 'event', severity: 'warning', message: lacking });
  tell({
    type: 'ready',
    port,
    fence: fence.kind,
    guarantee,
    realtime: realtime.isGranted ? 'granted' : realtime.reason,
    muteMs: leases.muteMs(clocks.boottimeMs()),
    goneOn,
  });
}

/** A process that has ended already is the main thread's to tell. */
function watchProcess(pid: number, ended: () => void): (() => void) | undefined {
  const process = readProcessStat(pid);
  return process === undefined || !isAlive(process) ? undefined : watchEnd(process, ended);
}

/** Nodes that say that no kernel silences them, and whether there is a hook for them. */
function unfencedNodes({ nodes, fenceHook }: SetConfiguration): { nodes: Set<number>; hasHook: boolean } {
  const none = nodes.filter(({ fence }) => fence === 'none');
  return { nodes: new Set(none.map(({ node }) => node)), hasHook: fenceHook !== undefined };
}

function openFence(
  task: WorkerTask,
  clocks: Clocks,
  listener: AddressListener,
  {
    prepared,
    handedOn,
  }: { readonly prepared: PreparedFence | undefined; readonly handedOn: FenceHandedOn | undefined },
): { fence: Fence; addresses: LinuxVirtualAddresses | null; namespace: NamespaceLock | null } {
  if (task.interface === null) return { fence: createNoFence(clocks), addresses: null, namespace: null };
  // Held for life. A second agent here, of another set say, would take our fence and addresses for a dead one's.
  const namespace = lockInNamespace('vnfpool fence');
  const changed = (message: string): void => tell({ type: 'fence-changed', message });
  const fence = createFence({
    interfaces: [task.interface],
    clocks,
    changed,
    ...(handedOn && { handedOn }),
    ...(prepared && { prepared }),
  });
  return { fence, addresses: createVirtualAddresses({ interface: task.interface, listener }), namespace };
}

function addressListener(later: (input: KeeperInput) => void): AddressListener {
  return {
    claimed: (claim) => later({ type: 'address-claimed', claim }),
    placed: (address, missing) => later({ type: 'address-placed', address, missing }),
    linkPlaced: (link, missing) => later({ type: 'link-placed', link, missing }),
    vanished: (address) => later({ type: 'address-vanished', address }),
    failed: (error) => {
      const message = `what happens to links and addresses is not known: ${error.message}`;
      tell({ type: 'event', severity: 'error', message });
    },
  };
}

const task = workerData as WorkerTask;
// What takes time and changes nothing comes before leases wait for it.
const prepared = task.interface === null ? undefined : prepareFence(agentClocks());
// Else the code of a failover, which may not run for weeks, is thrown away again.
setFlagsFromString('--no-flush-bytecode');
rehearse(REHEARSED);
if (task.interface !== null) rehearseFence(agentClocks(), REHEARSED);
parentPort?.once('message', (message: ToWorker) => {
  // What it throws ends the thread, and with it the agent.
  if (message.type === 'begin') void main(task, message.goesOn, prepared);
});
tell({ type: 'loaded' });
