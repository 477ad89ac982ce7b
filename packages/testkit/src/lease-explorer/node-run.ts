// SPDX-License-Identifier: Apache-2.0
import type { LeaseInput, LeaseRules } from '@vnfpool/core/lease';
import type { LeaseMessage } from '@vnfpool/wire/lease';
import { diskLast } from '../lease-world/agent-manners.ts';
import type { Action } from '../lease-world/describe.ts';
import { takeFenceEnds } from '../lease-world/fence-ends.ts';
import { type FenceKind, FenceModel } from '../lease-world/fence-model.ts';
import type { NodeClock } from '../lease-world/node-clock.ts';
import type { Datagram, Datagrams } from './datagrams.ts';
import { stored } from './disk.ts';
import { NodeProcess } from './node-process.ts';
import { NO_CUTS, type NodeState, unborn } from './node-state.ts';
import type { LonelyManners } from './options.ts';
import { brokenAlone, claimsOf, type Witnessed } from './promises.ts';
import type { Setting } from './setting.ts';
import type { Cut } from './steps.ts';

/** What all runs of one search share. */
export interface RunParts {
  readonly setting: Setting;
  readonly rules: LeaseRules;
  readonly manners: LonelyManners;
  readonly fence: FenceKind;
  readonly datagrams: Datagrams;
}

/** Repetitions that one step passes over at most. */
const TIMERS_MAX = 50;

export type Watch = (node: number, what: LeaseInput | Action) => void;

const NOTHING: readonly never[] = [];

/** States are many: those without anything share it. */
function kept<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NOTHING : list;
}

/** A state whose number is still to be given. */
export type FreshState = Mutable<NodeState>;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * One step of one node: takes a former state, carries out what the step brings, and gives the state after it. The
 * engine is brought to the former state by the calls that led there.
 */
export class NodeRun {
  readonly #node: number;
  readonly #parts: RunParts;
  readonly #clock: NodeClock;
  #nowUs: number;
  #cut: Cut | undefined;
  readonly #watch: Watch | undefined;
  readonly #s: FreshState;
  readonly #news: Witnessed[] = [];
  readonly #backlog: Action[];
  readonly #inbox: LeaseInput[];
  readonly #answers: LeaseInput[];
  #process: NodeProcess;
  #performed = 0;
  readonly #cuts = { crash: [] as number[], pause: [] as number[], isSlow: false };

  constructor(
    node: number,
    former: NodeState,
    nowUs: number,
    parts: RunParts,
    cut: Cut | undefined,
    watch: Watch | undefined,
  ) {
    this.#node = node;
    this.#parts = parts;
    this.#clock = parts.setting.clock(node);
    this.#nowUs = nowUs;
    this.#cut = cut;
    this.#watch = watch;
    this.#s = { ...former, next: undefined };
    this.#backlog = [...former.backlog];
    this.#inbox = [...former.inbox];
    this.#answers = [...former.answers];
    this.#process = new NodeProcess(node, former.life, former.calls, parts);
  }

  /** A node whose first process starts at `nowUs`. */
  static born(node: number, nowUs: number, parts: RunParts): FreshState {
    const clock = parts.setting.clock(node);
    const startedAtMs = clock.bootMs(nowUs / 1000);
    const fence = new FenceModel(parts.fence, clock);
    const nothing = unborn(parts.setting.slots.length, fence, startedAtMs, nowUs);
    const run = new NodeRun(node, nothing, nowUs, parts, undefined, undefined);
    run.#start();
    return run.end();
  }

  deliver(datagram: number): void {
    this.#catchUp();
    const { from, header, messages } = this.#parts.datagrams.of(datagram);
    if (this.#s.delivered.includes(datagram)) this.#spend('duplicates');
    this.#s.delivered = [...this.#s.delivered, datagram];
    for (const message of messages) {
      if (message.type === 'renew-many' || message.type === 'renew-again') {
        this.#news.push({ type: 'asked', from, incarnation: header.incarnation, message });
      }
    }
    this.#work({ type: 'datagram', from, header, messages });
  }

  /**
   * Its timer, and the next ones for as long as they say nothing new: a repetition is the first sending that comes
   * later, so it is no step of its own.
   */
  timer(): void {
    this.#catchUp();
    for (let times = 0; times < TIMERS_MAX; times++) {
      const actions = this.#process.expire(this.#nowMs);
      const isNews = actions.some((action) => this.#isNews(action));
      this.#take(actions);
      this.#work();
      const dueUs = isNews ? undefined : this.#armed();
      if (dueUs === undefined) return;
      this.#nowUs = Math.max(this.#nowUs, dueUs);
    }
  }

  resume(): void {
    this.#s.isPaused = false;
    this.#work();
  }

  /** The oldest answer that function or kernel still owe. */
  answer(): void {
    this.#catchUp();
    const input = this.#answers.shift();
    this.#work(...(input === undefined ? [] : [input]));
  }

  crash(): void {
    this.#spend('crashes');
    this.#start();
  }

  order(inputs: readonly LeaseInput[], change: Partial<NodeState> = {}): void {
    this.#catchUp();
    this.#spend('orders');
    Object.assign(this.#s, change);
    this.#work(...inputs);
  }

  /** The state after the step; `id` and `next` are the caller's. */
  end(): FreshState {
    const s = this.#s;
    s.backlog = kept(this.#backlog);
    s.inbox = kept(this.#inbox);
    s.answers = kept(this.#answers);
    const { crash, pause, isSlow } = this.#cuts;
    s.cutPoints = crash.length + pause.length > 0 || isSlow ? { crash, pause, isSlow } : NO_CUTS;
    if (!s.isPaused) s.timerUs = this.#armed();
    s.calls = this.#process.calls;
    s.atUs = this.#nowUs;
    const nowMs = this.#nowMs;
    s.voiceUs = this.#usAt(nowMs + this.#process.muteMs(nowMs));
    if (this.#news.length > 0) {
      s.witnessed = [...s.witnessed, ...this.#news];
      const claims = this.#news.flatMap((what) => claimsOf(this.#node, what));
      if (claims.length > 0) s.claims = new Map([...s.claims, ...claims]);
      s.broken ??= brokenAlone(this.#parts.setting.council.version, this.#node, s.witnessed);
    }
    return s;
  }

  get #nowMs(): number {
    return this.#clock.bootMs(this.#nowUs / 1000);
  }

  /** The first whole microsecond of true time at which this node's clock shows `bootMs`. */
  #usAt(bootMs: number): number {
    let us = Math.ceil(this.#clock.trueMs(bootMs) * 1000);
    while (this.#clock.bootMs(us / 1000) < bootMs) us += 1;
    return us;
  }

  // The process -----------------------------------------------------------------------------------------

  /** When its timer is due, µs. */
  #armed(): number | undefined {
    const deadlineMs = this.#process.nextDeadline();
    return deadlineMs === undefined ? undefined : this.#usAt(deadlineMs);
  }

  /**
   * An engine that has nothing to do is called now and then all the same, so that it can tell when its driver was late.
   * These calls are no steps: they came in time. What it has to do may still come late.
   */
  #catchUp(): void {
    for (let dueUs = this.#quietUs(); dueUs !== undefined; dueUs = this.#quietUs()) {
      const nowUs = this.#nowUs;
      this.#nowUs = dueUs;
      this.#take(this.#process.expire(this.#nowMs));
      this.#work();
      this.#nowUs = nowUs;
    }
  }

  #quietUs(): number | undefined {
    const dueUs = this.#armed();
    return dueUs !== undefined && dueUs < this.#nowUs && this.#process.isMereCall ? dueUs : undefined;
  }

  #isNews(action: Action): boolean {
    if (action.type === 'send') return !this.#wasSent(this.#datagram(action.to, action.messages));
    return action.type !== 'observed';
  }

  /** The former process is gone, if there was one; kernel, disk and functions stay. */
  #start(): void {
    const s = this.#s;
    const { setting, manners } = this.#parts;
    this.#backlog.length = 0;
    this.#inbox.length = 0;
    this.#answers.length = 0;
    s.isPaused = false;
    this.#newFence().restarted();
    s.holding = setting.slots.map(() => undefined);
    const { repeatsIncarnation, startsTooEarlyMs = 0 } = manners;
    const { life } = s;
    s.life = {
      number: life.number + 1n,
      incarnation: life.number > 0n && repeatsIncarnation === true ? life.incarnation : life.incarnation + 1n,
      startedAtMs: this.#nowMs - startsTooEarlyMs,
      restored: s.disk,
    };
    this.#process = new NodeProcess(this.#node, s.life, undefined, this.#parts);
    this.#work(
      setting.configuration(s.isReordered),
      ...(this.#node > setting.candidates ? [] : this.#candidates()),
    );
  }

  #candidates(): LeaseInput[] {
    const { setting } = this.#parts;
    return this.#s.functionIncarnations.map((incarnation, slot) =>
      setting.candidate(this.#node, slot, incarnation),
    );
  }

  /** Carries out what is left, then takes the next input, until paused or done. */
  #work(...inputs: readonly LeaseInput[]): void {
    this.#inbox.push(...inputs);
    for (;;) {
      const action = this.#backlog[0];
      if (action === undefined) {
        const input = this.#inbox.shift();
        if (input === undefined) return;
        this.#watch?.(this.#node, input);
        this.#take(this.#process.handle(input, this.#nowMs));
      } else if (this.#isCutBefore(action)) {
        const { kind } = this.#cut ?? {};
        this.#cut = undefined;
        if (kind === 'crash') this.crash();
        else this.#pause();
        return;
      } else {
        this.#backlog.shift();
        this.#performed += 1;
        this.#watch?.(this.#node, action);
        this.#perform(action);
      }
    }
  }

  #take(actions: readonly Action[]): void {
    this.#backlog.push(...(this.#parts.manners.answersBeforeDisk === true ? diskLast(actions) : actions));
  }

  /*
   * Not before each action: a send that a crash forestalls is a datagram that is lost, one that a pause holds back
   * is a slow one, and both come without. So a crash is worth trying before what lasts, and a pause before what the
   * kernel is told.
   */
  #isCutBefore({ type }: Action): boolean {
    const at = this.#performed;
    const isKernel = type === 'fence-until' || type === 'fence-write' || type === 'fence-close';
    if (at > 0 && (isKernel || type === 'persist')) this.#cuts.crash.push(at);
    if (isKernel) this.#cuts.pause.push(at);
    return this.#cut !== undefined && this.#cut.kind !== 'slow' && this.#cut.at === at;
  }

  #pause(): void {
    this.#spend('pauses');
    this.#s.isPaused = true;
  }

  #perform(action: Action): void {
    const { incarnation } = this.#s.life;
    switch (action.type) {
      case 'persist':
        this.#s.disk = stored(this.#s.disk, action.records);
        this.#news.push({ type: 'persisted', records: action.records });
        break;
      case 'send':
        this.#send(action.to, action.messages);
        break;
      case 'granted': {
        const { slot, epoch } = action;
        this.#news.push({ type: 'granted', incarnation, slot, epoch });
        this.#hold(slot, epoch);
        this.#answer({ type: 'activate', slot, epoch });
        break;
      }
      case 'renumbered': {
        const { slot, epoch } = action;
        this.#news.push({ type: 'granted', incarnation, slot, epoch });
        this.#hold(slot, epoch);
        break;
      }
      case 'fence-until': {
        const ends = takeFenceEnds(action, this.#backlog, this.#parts.manners.fenceBeyondLeaseMs ?? 0);
        for (const [slot, { epoch }] of ends) this.#news.push({ type: 'fence', incarnation, slot, epoch });
        const write = this.#s.fence.compute(ends, this.#nowUs / 1000);
        this.#backlog.unshift({ type: 'fence-write', write });
        break;
      }
      case 'fence-write':
        this.#newFence().write(action.write, this.#nowUs / 1000);
        break;
      case 'fence-close': {
        const { slot, epoch } = action;
        this.#newFence().close(slot);
        this.#answer({ type: 'fence-closed', slot, epoch });
        break;
      }
      case 'lost':
        this.#hold(action.slot, undefined);
        break;
      case 'observed':
      case 'council':
      case 'clock':
      case 'offered':
      case 'hand-over-failed':
      case 'rejected':
        break;
    }
  }

  /** Of function or kernel: at once, unless this is the step in which they are slow. */
  #answer(input: LeaseInput): void {
    this.#cuts.isSlow = true;
    if (this.#cut?.kind !== 'slow') {
      this.#inbox.push(input);
      return;
    }
    if (this.#answers.length === 0) this.#spend('pauses');
    this.#answers.push(input);
  }

  #send(to: number, messages: readonly LeaseMessage[]): void {
    const { incarnation } = this.#s.life;
    for (const message of messages) this.#news.push({ type: 'sent', incarnation, to, message });
    const datagram = this.#datagram(to, messages);
    if (!this.#wasSent(datagram)) this.#s.sent = [...this.#s.sent, datagram.id];
  }

  #datagram(to: number, messages: readonly LeaseMessage[]): Datagram {
    const { datagrams, setting } = this.#parts;
    const header = {
      sender: this.#node,
      receiver: to,
      incarnation: this.#s.life.incarnation,
      sequence: 1n,
      councilId: setting.council.id,
      council: setting.council.version,
      clockUs: BigInt(Math.round(this.#nowMs * 1000)),
    };
    return datagrams.add(header, messages);
  }

  #wasSent({ content }: Datagram): boolean {
    return this.#s.sent.some((id) => this.#parts.datagrams.of(id).content === content);
  }

  #spend(what: keyof NodeState['spent']): void {
    const { spent } = this.#s;
    this.#s.spent = { ...spent, [what]: spent[what] + 1 };
  }

  #hold(slot: string, epoch: number | undefined): void {
    const at = this.#parts.setting.slots.indexOf(slot);
    this.#s.holding = this.#s.holding.map((former, index) => (index === at ? epoch : former));
  }

  /** In place of the former one: states share their fences, so none is ever written to. */
  #newFence(): FenceModel {
    this.#s.fence = this.#s.fence.copy();
    return this.#s.fence;
  }
}
