// SPDX-License-Identifier: Apache-2.0
import type { FailoverCause, HostPause, HostReport, PassedOn, SlotState } from '@vnfpool/wire/mobility';
import type { FailoverView, FailureClass } from '../management/views.ts';
import type { Journal } from './journal.ts';
import type { ManagerState } from './state.ts';

/** Evidence that comes later than this after a failover is not looked at any more. */
const OPEN_MS = 120_000;
/** Failovers from different nodes within this time have one cause more likely than two. */
const AT_ONCE_MS = 5_000;
/** By so much the wall clocks of two nodes may differ. */
const CLOCKS_MS = 1_000;
/** Failovers whose class may still change. */
const LOOKED_AT_MAX = 64;

/** What is known of a node beside its functions: from itself, and from the way to it. */
export interface NodeEvidence {
  readonly link: HostReport['link'] | null;
  readonly pauses: readonly HostPause[];
}

interface Finding {
  readonly class: FailureClass;
  readonly evidence: string;
  /** In words, where more is known than the record says. */
  readonly cause?: string;
}

/** Takes what a host shows of itself, and tells what is new. */
export function takeHost(
  state: ManagerState,
  journal: Journal,
  node: string,
  host: HostReport | undefined,
  wallMs: number,
): void {
  if (!host) return;
  const known = state.evidence.get(node);
  const link = host.link ?? null;
  const isLost = link !== null && !link.hasCarrier;
  const wasLost = known?.link?.hasCarrier === false;
  // A node that is reached by that link alone tells it when it is over.
  const wasAway = link !== null && link.lostAtMs !== known?.link?.lostAtMs;
  state.evidence.set(node, { link, pauses: host.pauses });
  if (link && (isLost !== wasLost || wasAway)) {
    const message = isLost ? 'lost its carrier' : wasLost ? 'has its carrier again' : 'had lost its carrier';
    const type = isLost ? 'node.link-down' : 'node.link-up';
    journal.event(
      wallMs,
      type,
      isLost ? 'error' : 'info',
      `node ${node}`,
      `Link ${link.name} of ${node} ${message}.`,
    );
  }
  const heard = new Set(known?.pauses.map(({ untilMs }) => untilMs));
  for (const pause of host.pauses) {
    if (heard.has(pause.untilMs)) continue;
    journal.event(
      wallMs,
      'node.paused',
      'warning',
      `node ${node}`,
      `${node} ${pauseText(pause)}; it was not dead.`,
    );
  }
  reclassify(state, journal, node, wallMs);
}

/** Takes that a node passed a slot on by itself: the failover to whoever took it was no wish of anybody's. */
export function takePassedOn(
  state: ManagerState,
  journal: Journal,
  node: string,
  { id, passedOn }: SlotState,
  wallMs: number,
): void {
  const known = state.passedOn.get(id) ?? new Map<string, PassedOn>();
  if (known.get(node)?.epoch === passedOn?.epoch) return;
  if (passedOn === undefined) known.delete(node);
  else known.set(node, passedOn);
  if (known.size === 0) state.passedOn.delete(id);
  else state.passedOn.set(id, known);
  if (passedOn !== undefined) reclassify(state, journal, node, wallMs);
}

/** What a failover was, as far as that is known now. */
export function classify(state: ManagerState, view: FailoverView, cause: FailoverCause): Finding {
  const node = view.fromNode;
  const evidence = node === null ? undefined : state.evidence.get(node);
  const atMs = view.steps[0]?.at ?? 0;
  if (cause === 'handover')
    return passedOnBy(state, view) ?? { class: 'planned', evidence: 'both sides were alive' };
  const linkLostMs = evidence?.link?.lostAtMs ?? null;
  if (cause !== 'function-exit' && linkLostMs !== null && Math.abs(linkLostMs - atMs) < AT_ONCE_MS) {
    return {
      class: 'link',
      evidence: `link ${evidence?.link?.name ?? ''} of ${node} had lost its carrier`,
      cause: 'its link lost its carrier',
    };
  }
  if (cause === 'function-exit') return { class: 'function', evidence: 'its own agent saw it end' };
  if (cause === 'function-unhealthy') return { class: 'function', evidence: 'its own agent checked it' };
  const pause = evidence?.pauses.find((each) => covers(each, atMs));
  if (pause) return { class: 'pause', evidence: `${node} ${pauseText(pause)}` };
  const life = node === null ? undefined : state.lives.get(node);
  switch (life?.state) {
    case 'lost':
    case 'suspect':
      return { class: 'node', evidence: `${node} does not answer the manager either` };
    case 'absent':
      return { class: 'node', evidence: `${node} has left the manager` };
    case 'registered':
      return {
        class: 'node',
        evidence: `${node} did not renew its lease; the manager has not lost it: its agent began anew, the way to the others is cut, or it has only just died`,
      };
    case undefined:
      return { class: 'node', evidence: 'its lease was not renewed' };
  }
}

/** A hand-over that the former holder's node brought about, by its own word; undefined: it did not, or that was another one. */
function passedOnBy(state: ManagerState, { id, epoch, fromNode }: FailoverView): Finding | undefined {
  const slot = id.slice(0, id.lastIndexOf('/'));
  const told = fromNode === null ? undefined : state.passedOn.get(slot)?.get(fromNode);
  const former = Number(told?.epoch);
  if (told === undefined || former >= epoch) return undefined;
  const isOther = state.failovers.some(
    (other) => other.id.startsWith(`${slot}/`) && other.epoch > former && other.epoch < epoch,
  );
  if (isOther) return undefined;
  return {
    class: told.rule === 'link' ? 'link' : 'planned',
    evidence: `${fromNode}: ${told.why}`,
    cause: 'its node could not serve it whole',
  };
}

/** A new failover: its class, and that of others which turn out to belong to it. Returns it with its class. */
export function withClass(state: ManagerState, view: FailoverView, cause: FailoverCause): FailoverView {
  const found = classify(state, view, cause);
  const words = found.cause === undefined ? view : { ...view, cause: found.cause };
  return withOthers(state, words, found);
}

function withOthers(state: ManagerState, view: FailoverView, found: Finding): FailoverView {
  const together = found.class === 'planned' || found.class === 'function' ? [] : companions(state, view);
  if (together.length === 0) return { ...view, class: found.class, evidence: found.evidence };
  const nodes = [...new Set([view.fromNode, ...together.map(({ fromNode }) => fromNode)])].join(', ');
  const evidence = `several nodes at once (${nodes}); ${found.evidence}`;
  return { ...view, class: 'several', evidence };
}

/** Later evidence about a node: the failovers from it that are still fresh are looked at again. */
export function reclassify(state: ManagerState, journal: Journal, node: string, wallMs: number): void {
  const fresh = state.failovers.slice(-LOOKED_AT_MAX);
  for (const view of fresh) {
    const atMs = view.steps[0]?.at ?? 0;
    if (view.fromNode !== node || view.class === undefined || wallMs - atMs > OPEN_MS) continue;
    // What was wanted is so, unless the node itself says otherwise.
    if (view.class === 'planned' && passedOnBy(state, view) === undefined) continue;
    const cause = causeOf(view);
    const next = withClass(state, view, cause);
    if (next.class === view.class && next.evidence === view.evidence) continue;
    // What was once explained is not unexplained by less.
    if (WEIGHT[next.class ?? 'node'] < WEIGHT[view.class]) continue;
    state.failovers[state.failovers.indexOf(view)] = next;
    journal.save({ table: 'failovers', key: failoverKey(next), value: next });
    if (next.class === view.class) continue;
    const message = `The failover of slot ${view.slot} of ${view.pool} was of class ${next.class}, not ${view.class}: ${next.evidence}.`;
    journal.event(wallMs, 'failover.class', 'info', `slot ${view.pool}/${view.slot}`, message);
  }
}

/** A new failover may show that others were not alone. */
export function reclassifyOthers(
  state: ManagerState,
  journal: Journal,
  view: FailoverView,
  wallMs: number,
): void {
  if (view.class !== 'several') return;
  for (const { fromNode } of companions(state, view))
    if (fromNode !== null) reclassify(state, journal, fromNode, wallMs);
}

/** Of its row: padded wall-clock time and id. */
export function failoverKey(view: FailoverView): string {
  const at = Math.max(0, Math.floor(view.steps[0]?.at ?? 0));
  return `${String(at).padStart(15, '0')} ${view.id}`.slice(0, 200);
}

const WEIGHT: Readonly<Record<FailureClass, number>> = {
  planned: 0,
  node: 1,
  function: 1,
  pause: 2,
  link: 2,
  several: 3,
};

function companions(state: ManagerState, view: FailoverView): FailoverView[] {
  if (view.fromNode === null) return [];
  const atMs = view.steps[0]?.at ?? 0;
  return state.failovers.slice(-LOOKED_AT_MAX).filter((other) => {
    if (other.fromNode === null || other.fromNode === view.fromNode) return false;
    const isOfNodes = other.class !== undefined && other.class !== 'planned' && other.class !== 'function';
    return isOfNodes && Math.abs((other.steps[0]?.at ?? 0) - atMs) < AT_ONCE_MS;
  });
}

function covers({ untilMs, forMs }: HostPause, atMs: number): boolean {
  return atMs >= untilMs - forMs - CLOCKS_MS && atMs <= untilMs + CLOCKS_MS;
}

/** The view has the cause in words only; of these it matters whether the holder let go. */
function causeOf({ fencedBy, class: known }: FailoverView): FailoverCause {
  if (fencedBy !== 'release') return 'lease-expired';
  return known === 'function' ? 'function-unhealthy' : 'handover';
}

function pauseText({ kind, forMs }: HostPause): string {
  const seconds = Math.max(0.1, Math.round(forMs / 100) / 10);
  switch (kind) {
    case 'suspended':
      return `was suspended for ${seconds} s`;
    case 'stopped':
      return `was stopped for ${seconds} s (a signal, a freezer, the disk, or the whole machine)`;
    case 'starved':
      return `had no processor for ${seconds} s: others used it`;
    case 'stolen':
      return `had no processor for ${seconds} s: the hypervisor used it`;
    case 'busy':
      return `was busy for ${seconds} s`;
  }
}
