// SPDX-License-Identifier: Apache-2.0
import { type FailoverRecord, type SlotDefinition, type SlotState } from '@vnfpool/wire/mobility';
import type { Core } from '../core.ts';
import type { NodeLeases, NodeLeasesOutput } from '../lease/index.ts';
import { AddressPartings } from './address-partings.ts';
import type { AddressPlace } from './address-places.ts';
import { AddressUpkeep } from './address-upkeep.ts';
import { CouncilNews } from './council-news.ts';
import { FitCandidates } from './fit-candidates.ts';
import { FormerHolders } from './former-holders.ts';
import type { HandedOnSlots } from './handed-on-slots.ts';
import { failoverRecord, type Holding, slotState } from './holding.ts';
import { leaseEvent } from './lease-events.ts';
import { SlotDefinitions } from './slot-definitions.ts';
import type { KeeperInput, KeeperOutput, TakenSlot } from './slot-keeper-types.ts';
import { SlotRefusals } from './slot-refusals.ts';
import { plain, StateTakings, takeState } from './state-takings.ts';
import { mark, type Taking, Takings } from './takings.ts';

/**
 * Takes and leaves slots in the right order: what happens between the lease engine's word and the first packet.
 *
 * granted → (at its birth: ask whether somebody has the address) → the function gets the shared state → (switch the former holder's node off) → raise the address → fence opens → announce → serving; at the end fence closes →
 * withdraw. The fence follows the lease; nothing here decides who holds.
 */
export class SlotKeeper implements Core<KeeperInput, KeeperOutput> {
  readonly #leases: NodeLeases;
  readonly #node: number;
  readonly #definitions: SlotDefinitions;
  readonly #upkeep: AddressUpkeep;
  readonly #partings = new AddressPartings();
  readonly #candidates = new FitCandidates((slot) => this.#upkeep.unfitness(slot));
  /** What was said to be wrong with the addresses of a slot. */
  readonly #troubles = new Map<string, string>();
  readonly #refusals: SlotRefusals;
  /** Why this node was said not to serve a slot. */
  readonly #refusalsTold = new Map<string, string>();
  /** Slots of which that may be another reason now. */
  readonly #rejudged = new Set<string>();
  readonly #holdings = new Map<string, Holding>();
  readonly #observed = new Map<string, NodeLeasesOutput & { type: 'observed' }>();
  readonly #council = new CouncilNews();
  readonly #formerHolders: FormerHolders;
  readonly #states = new StateTakings();
  readonly #askedBefore: HandedOnSlots['asked'];

  /** @param handedOn of the process before; `leases` goes on with its */
  constructor(leases: NodeLeases, node: number, handedOn?: HandedOnSlots) {
    this.#leases = leases;
    this.#node = node;
    const held = {
      isRaised: (slot: string) => {
        const holding = this.#holdings.get(slot);
        if (holding === undefined || holding.closing) return false;
        return !this.#isWaiting(slot);
      },
      isFree: (slot: string) => !this.#holdings.has(slot),
    };
    this.#upkeep = new AddressUpkeep(held, node);
    this.#formerHolders = new FormerHolders(node);
    this.#refusals = new SlotRefusals(
      this.#formerHolders,
      (slot) => leases.isClockOutside(slot),
      this.#upkeep,
    );
    this.#definitions = new SlotDefinitions(node, this.#upkeep, handedOn);
    this.#askedBefore = handedOn?.asked;
    for (const { granted, epoch, steps, announceAtMs } of handedOn?.holdings ?? []) {
      const holding = { granted, epoch, steps: [...steps], serving: true, closing: false };
      this.#holdings.set(granted.slot, { ...holding, announceAtMs: [...announceAtMs] });
    }
  }

  /** Slots that are held here by leases shorter than this. */
  heldBelow(leaseMs: number): string[] {
    return [...this.#holdings.keys()].filter((slot) => (this.#definitions.get(slot)?.leaseMs ?? 0) < leaseMs);
  }

  /**
   * As the last act of this process: what the next one goes on with. Undefined while a slot is being taken, left or passed
   * on, which is soon over; or stays closed since somebody else has its address.
   */
  handOn(nowMs: number): HandedOnSlots | undefined {
    const isServed = [...this.#holdings.values()].every(({ serving, closing }) => serving && !closing);
    const leases = isServed && this.#upkeep.isAtRest ? this.#leases.handOn(nowMs) : undefined;
    if (leases === undefined) return undefined;
    const holdings = [...this.#holdings.values()].map(({ granted, epoch, steps, announceAtMs }) => ({
      granted,
      epoch,
      steps,
      announceAtMs,
    }));
    const { asked } = this.#upkeep;
    const kept = { leases, holdings, guarded: this.#definitions.guarded() };
    return asked.length === 0 ? kept : { ...kept, asked };
  }

  /** First of all when it goes on for another process: its addresses are looked after again. */
  resume(): KeeperOutput[] {
    const followed = this.#upkeep.define(this.#definitions.all);
    const asked = (this.#askedBefore ?? []).flatMap(({ slot, addresses }) =>
      this.#upkeep.probeAdded(slot, this.#upkeep.placesOf(slot, addresses)),
    );
    const places = [...this.#holdings.keys()].flatMap((slot) => this.#upkeep.settledPlacesOf(slot));
    return [
      ...followed,
      { type: 'raise', places, isPrepared: true, isQuiet: false },
      ...asked,
      ...[...this.#holdings.keys()].map((slot) => ({ type: 'slot' as const, state: this.#stateOf(slot) })),
      ...[...this.#holdings].flatMap(([slot, { granted, epoch }]) =>
        this.#isShared(slot) ? [takeState(granted, epoch, true)] : [],
      ),
    ];
  }

  handle(input: KeeperInput, nowMs: number): KeeperOutput[] {
    const outputs = this.#react(input, nowMs);
    return [...outputs, ...this.#tellTroubles(nowMs), ...this.#council.tell(this.#leases)];
  }

  #react(input: KeeperInput, nowMs: number): KeeperOutput[] {
    switch (input.type) {
      case 'marked':
        return this.#marked(input, nowMs);
      case 'probed':
        return this.#probed(input, nowMs);
      case 'address-claimed':
      case 'address-vanished':
      case 'address-placed':
      case 'link-placed':
      case 'address-refused':
      case 'address-accepted':
        return this.#attend(input, nowMs);
      case 'barred':
        for (const slot of this.#refusals.bar(input)) this.#rejudged.add(slot);
        return [];
      case 'unfenced':
        this.#formerHolders.configure(input);
        return [];
      case 'node-fenced':
        return this.#nodeFenced(input, nowMs);
      case 'state-taken':
        return this.#stateTaken(input, nowMs);
      case 'candidate-state':
        return this.#follow(this.#leases.handle(this.#candidates.say(input), nowMs), nowMs);
      case 'candidate-gone':
        this.#candidates.end(input);
        return this.#follow(this.#leases.handle(input, nowMs), nowMs);
      case 'configure': {
        const guard = this.#guard(input.slots, nowMs);
        return [...guard, ...this.#follow(this.#leases.handle(input, nowMs), nowMs)];
      }
      default:
        return this.#follow(this.#leases.handle(input, nowMs), nowMs);
    }
  }

  expire(nowMs: number): KeeperOutput[] {
    return [
      ...this.#follow(this.#leases.expire(nowMs), nowMs),
      ...this.#formerHolders.due(nowMs),
      ...this.#announceAgain(nowMs),
      ...this.#upkeep.expire(nowMs),
      ...this.#partAgain(nowMs),
      ...this.#tellTroubles(nowMs),
      ...this.#council.tell(this.#leases),
    ];
  }

  nextDeadline(): number | undefined {
    const all = [...this.#holdings.values()].flatMap(({ announceAtMs }) => announceAtMs[0] ?? []);
    all.push(...this.#formerHolders.nextDeadlines());
    for (const slot of this.#unfitHeld()) {
      const dueAtMs = this.#partings.dueAtMs(slot);
      if (dueAtMs < Number.POSITIVE_INFINITY) all.push(dueAtMs);
    }
    for (const own of [this.#leases.nextDeadline(), this.#upkeep.nextDeadline()])
      if (own !== undefined) all.push(own);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  /**
   * Takes over the addresses of the slots. Those that are new to this process are withdrawn: an earlier one may
   * have left them on the link. A holder whose addresses changed goes on with those that stay, asks for the new
   * ones, and raises what is free; from its next renewal on it answers under it.
   */
  #guard(slots: readonly SlotDefinition[], nowMs: number): KeeperOutput[] {
    // An address that stays on another link is another place.
    const heldNow = (): Map<string, AddressPlace> =>
      new Map(
        this.#raisedSlots()
          .flatMap((slot) => this.#upkeep.settledPlacesOf(slot))
          .map((place) => [`${place.address}%${place.own?.name ?? place.link ?? ''}`, place]),
      );
    // One that was the slot's before stays so with another link of its own.
    const onLink = ({ address, link }: AddressPlace): string => `${address}%${link ?? ''}`;
    const known = new Set(
      [...this.#holdings.keys()].flatMap((slot) => this.#upkeep.placesOf(slot).map(onLink)),
    );
    const former = new Set(this.#definitions.addresses);
    const raised = heldNow();
    const resharing = slots.flatMap((slot) => this.#reshared(slot));
    this.#definitions.define(slots);
    this.#forget();
    const followed = this.#upkeep.define(this.#definitions.all);
    const asked = [...this.#holdings.keys()].flatMap((slot) => {
      const added = this.#upkeep.placesOf(slot).filter((place) => !known.has(onLink(place)));
      return this.#upkeep.probeAdded(slot, added);
    });
    const wanted = heldNow();
    const held = new Set([...wanted.values()].map(({ address }) => address));
    const withdrawn = [
      ...[...raised].flatMap(([place, { address }]) => (wanted.has(place) ? [] : [address])),
      ...this.#definitions.addresses.filter((address) => !former.has(address) && !held.has(address)),
    ];
    const places = [...wanted].flatMap(([key, place]) => (raised.has(key) ? [] : [place]));
    const added = places.map(({ address }) => address);
    for (const [slot, holding] of this.#holdings)
      if (this.#upkeep.placesOf(slot, added).length > 0) this.#announceAnew(slot, holding, nowMs);
    return [
      // What leaves the link first leaves the fence second, and what comes is under the fence first.
      ...(withdrawn.length === 0 ? [] : [{ type: 'withdraw' as const, addresses: withdrawn }]),
      // Links of a slot's own are made, down, before the fence stands at them.
      ...followed,
      this.#definitions.underFence(),
      ...(places.length === 0 ? [] : [{ type: 'raise' as const, places, isPrepared: false, isQuiet: false }]),
      ...(followed.length > 0 ? this.#probeAnew() : []),
      ...asked,
      ...resharing,
    ];
  }

  /** Whoever waits for an answer about other addresses asks for these; who has none any more waits for nothing. */
  #probeAnew(): KeeperOutput[] {
    return [...this.#holdings].flatMap(([slot, { epoch, closing }]) => {
      if (closing || !this.#upkeep.isProbing(slot)) return [];
      const asked = this.#upkeep.probe(slot);
      return this.#upkeep.isProbing(slot) ? asked : this.#raise([{ slot, epoch }]);
    });
  }

  /** The state of a slot that is served here goes elsewhere from now on, or otherwise: it is taken from its function anew. */
  #reshared({ id, sharing }: SlotDefinition): KeeperOutput[] {
    const former = this.#definitions.get(id)?.sharing;
    const holding = this.#holdings.get(id);
    if (holding?.serving !== true || holding.closing) return [];
    if (JSON.stringify(former) === JSON.stringify(sharing)) return [];
    return [
      ...(former === undefined ? [] : [{ type: 'leave-state' as const, slot: id }]),
      ...(sharing === undefined ? [] : [takeState(holding.granted, holding.epoch, true)]),
    ];
  }

  #raisedSlots(): string[] {
    return [...this.#holdings.keys()].filter((slot) => !this.#isWaiting(slot));
  }

  /** Slots that are gone, and whose last holding has ended. */
  #forget(): void {
    for (const slot of this.#definitions.forget((each) => this.#holdings.has(each))) {
      this.#observed.delete(slot);
      this.#candidates.forget(slot);
      this.#partings.forget(slot);
      this.#troubles.delete(slot);
      this.#refusalsTold.delete(slot);
    }
  }

  #follow(outputs: readonly NodeLeasesOutput[], nowMs: number): KeeperOutput[] {
    const done: KeeperOutput[][] = [];
    /** What the slots renewed so far share: it waits for more, but no slot's end overtakes its closing. */
    const ends = new Map<string, number>();
    const open = (): void => {
      if (ends.size > 0) done.push([{ type: 'open', ends: new Map(ends) }]);
      ends.clear();
    };
    /** Slots granted so far: they wait for more in the place of the first, but nothing else about a slot overtakes its taking. */
    let takings: Takings | undefined;
    const endTakings = (): void => {
      takings?.end((slots) => this.#raise(slots));
      takings = undefined;
    };
    /** What is made ahead for a slot that is offered: nobody waits for it, but for what is answered others do. */
    const ahead: KeeperOutput[] = [];
    for (const output of outputs) {
      if (output.type === 'offered') {
        ahead.push(...this.#prepare(output, nowMs));
        continue;
      }
      if (output.type === 'fence-until') {
        if ((this.#definitions.get(output.slot)?.addresses.length ?? 0) > 0)
          ends.set(output.slot, output.untilMs);
        continue;
      }
      if (output.type === 'granted') {
        if (ahead.length > 0) endTakings();
        if (takings === undefined) {
          done.push(ahead.splice(0));
          open();
          takings = new Takings();
          done.push(takings.outputs);
        }
        takings.add(this.#take(output, nowMs));
        continue;
      }
      if (output.type !== 'send' && output.type !== 'observed') {
        endTakings();
        open();
      }
      done.push(this.#followOne(output, nowMs));
    }
    endTakings();
    open();
    return [...done.flat(), ...ahead];
  }

  /** Everything but the fence is made before the holder breaks, and of the fence what takes time. */
  #prepare({ slot, untilMs }: NodeLeasesOutput & { type: 'offered' }, nowMs: number): KeeperOutput[] {
    if (untilMs === null) return [];
    const raised = this.#upkeep.prepare(slot, nowMs);
    return raised.length === 0 ? [] : [...raised, { type: 'expect', untilMs }];
  }

  #followOne(
    output: Exclude<NodeLeasesOutput, { type: 'fence-until' | 'offered' | 'granted' }>,
    nowMs: number,
  ): KeeperOutput[] {
    switch (output.type) {
      case 'persist':
      case 'send':
        return [output];
      case 'renumbered':
        return [...this.#renumber(output), ...this.#relisted(output)];
      case 'fence-close': {
        const holding = this.#holdings.get(output.slot);
        if (holding) holding.closing = true;
        return [{ type: 'close', slot: output.slot, epoch: output.epoch }];
      }
      case 'lost':
        return this.#leave(output);
      case 'observed':
        this.#observed.set(output.slot, output);
        return this.#isChanging(output.slot) ? [] : [{ type: 'slot', state: this.#stateOf(output.slot) }];
      case 'council':
        return [this.#council.event(output.council, output.councilId)];
      case 'clock':
        if (output.node === this.#node) this.#rejudge(output);
        return [leaseEvent(output, this.#node)];
      case 'rejected':
        return [leaseEvent(output, this.#node)];
      case 'hand-over-failed':
        if (this.#partings.isOurs(output.slot, output.nonce)) return this.#part(output.slot, nowMs);
        return [leaseEvent(output, this.#node)];
    }
  }

  #take(granted: NodeLeasesOutput & { type: 'granted' }, nowMs: number): Taking {
    const { slot, epoch } = granted;
    const detectedAtMs = Math.min(granted.detectedAtMs, nowMs);
    const order = this.#formerHolders.take(granted);
    if (order !== undefined) this.#rejudged.add(slot);
    const steps: Holding['steps'] = [{ name: 'detected', atMs: detectedAtMs }];
    const fencedBy = this.#formerHolders.fencedBy(granted);
    // A release says that the fence is closed; of a lease that ran out a majority knows when it promises the next.
    if (fencedBy === 'release') steps.push({ name: 'fenced', atMs: detectedAtMs });
    if (fencedBy === 'timeout') steps.push({ name: 'fenced', atMs: nowMs });
    steps.push({ name: 'decided', atMs: nowMs });
    this.#holdings.set(slot, {
      granted,
      epoch,
      steps,
      serving: false,
      closing: false,
      announceAtMs: [],
    });
    this.#partings.forget(slot);
    const taking = this.#states.take(this.#definitions.get(slot), granted);
    const orders = [
      ...(taking === undefined ? [] : [taking]),
      ...(order === undefined ? [] : [order]),
      ...(granted.cause === 'genesis' ? this.#upkeep.probe(slot) : []),
    ];
    return { slot, epoch, isCommitted: taking === undefined, orders };
  }

  /** Something has to be known, or done, before the slot is raised. */
  #isWaiting(slot: string): boolean {
    return (
      this.#upkeep.isProbing(slot) || this.#formerHolders.isWaitedFor(slot) || this.#states.isWaitedFor(slot)
    );
  }

  /** Those for which nothing has to be waited for. */
  #raise(slots: readonly TakenSlot[]): KeeperOutput[] {
    const ready = slots.filter(({ slot }) => !this.#isWaiting(slot));
    return [...ready.flatMap(({ slot }) => this.#upkeep.raise(slot)), ...mark(ready, 'raised')];
  }

  #probed(input: KeeperInput & { type: 'probed' }, nowMs: number): KeeperOutput[] {
    const { slot } = input;
    const holding = this.#holdings.get(slot);
    if (!holding || holding.closing) return [];
    const isBirth = this.#upkeep.isProbing(slot);
    const told = this.#upkeep.probed(input, nowMs);
    if (isBirth) return [...told, ...this.#raise([{ slot, epoch: holding.epoch }])];
    if (told.some(({ type }) => type === 'raise')) this.#announceAnew(slot, holding, nowMs);
    return told;
  }

  /**
   * A link went or came, or the kernel refuses an address or takes it: who holds the slot passes it on if somebody takes it, others
   * are candidates no more, or again.
   */
  #attend(input: Parameters<AddressUpkeep['attend']>[0], nowMs: number): KeeperOutput[] {
    const isFit = (slot: string): boolean => this.#upkeep.unfitness(slot) === '';
    const before = this.#upkeep.slotsOf(input).map((slot) => ({ slot, wasFit: isFit(slot) }));
    const outputs: KeeperOutput[] = this.#upkeep.attend(input, nowMs);
    for (const { slot, wasFit } of before) {
      if (isFit(slot) === wasFit) continue;
      if (isFit(slot)) this.#partings.end(slot);
      else if (this.#holdings.get(slot)?.serving) outputs.push(...this.#part(slot, nowMs));
    }
    return outputs;
  }

  /** Slots that nobody took when they were offered: others may have become ready, or whole. */
  #partAgain(nowMs: number): KeeperOutput[] {
    return this.#unfitHeld().flatMap((slot) =>
      nowMs >= this.#partings.dueAtMs(slot) ? this.#part(slot, nowMs) : [],
    );
  }

  /** Slots that are served here, though not whole. */
  #unfitHeld(): string[] {
    return [...this.#upkeep.unfitSlots].filter((slot) => {
      const holding = this.#holdings.get(slot);
      return holding?.serving === true && !holding.closing;
    });
  }

  /** Offers a slot that cannot be served whole here to the next of the other candidates. */
  #part(slot: string, nowMs: number): KeeperOutput[] {
    const holding = this.#holdings.get(slot);
    if (!holding || holding.closing) return [];
    const candidates = this.#observed.get(slot)?.candidates ?? holding.granted.candidates;
    const others = candidates.filter(({ node }) => node !== this.#node);
    const order = this.#partings.next(slot, others, this.#upkeep.refusal(slot), nowMs);
    if (order) return this.#follow(this.#leases.handle(order, nowMs), nowMs);
    const message = `${this.#upkeep.nameOf(slot)}: ${this.#upkeep.unfitness(slot)}; it stays here, as no other node takes it`;
    return [{ type: 'event', severity: 'error', message }];
  }

  #rejudge(clock: NodeLeasesOutput & { type: 'clock' }): void {
    this.#refusals.judged(clock);
    for (const { id } of this.#definitions.all) this.#rejudged.add(id);
  }

  /** What has become wrong with addresses, or right again, and why this node would not serve a slot, or would again. */
  #tellTroubles(nowMs: number): KeeperOutput[] {
    const changed = new Set([...this.#upkeep.takeChanged(), ...this.#rejudged]);
    this.#rejudged.clear();
    return [...changed].flatMap((slot): KeeperOutput[] => {
      const candidate = this.#candidates.again(slot);
      const refitted = candidate ? this.#follow(this.#leases.handle(candidate, nowMs), nowMs) : [];
      const trouble = this.#holdings.has(slot)
        ? this.#upkeep.troubleOf(slot, nowMs)
        : this.#upkeep.unfitness(slot);
      const refusal = this.#refusals.of(slot)?.why ?? '';
      const isNews =
        trouble !== (this.#troubles.get(slot) ?? '') || refusal !== (this.#refusalsTold.get(slot) ?? '');
      if (!this.#definitions.has(slot) || !isNews) return refitted;
      this.#troubles.set(slot, trouble);
      this.#refusalsTold.set(slot, refusal);
      const isTold =
        !this.#isChanging(slot) || this.#upkeep.isProbing(slot) || this.#formerHolders.isWaitedFor(slot);
      return isTold ? [...refitted, { type: 'slot', state: this.#stateOf(slot) }] : refitted;
    });
  }

  #record(holding: Holding, wallOffsetMs: number): FailoverRecord {
    const fencedBy = this.#formerHolders.fencedBy(holding.granted);
    return { ...failoverRecord(holding, this.#node, wallOffsetMs), fencedBy };
  }

  #nodeFenced(input: KeeperInput & { type: 'node-fenced' }, nowMs: number): KeeperOutput[] {
    const told = this.#formerHolders.told(input, nowMs);
    if (told !== undefined) this.#rejudged.add(input.slot);
    const holding = this.#holdings.get(input.slot);
    if (told === undefined || holding === undefined) return [];
    if (!told.isOff) return [told.event];
    holding.steps.push({ name: 'fenced', atMs: nowMs });
    return [told.event, ...this.#raise([{ slot: input.slot, epoch: holding.epoch }])];
  }

  #marked({ slots, step, wallMs }: KeeperInput & { type: 'marked' }, nowMs: number): KeeperOutput[] {
    const taken = slots.flatMap(({ slot, epoch }) => {
      const holding = this.#holdings.get(slot);
      return holding?.epoch !== epoch || holding.serving ? [] : [{ slot, epoch, holding }];
    });
    if (step === 'raised') return this.#opened(taken, nowMs);
    for (const { holding } of taken) holding.steps.push({ name: step, atMs: nowMs });
    return step === 'serving' ? this.#serve(taken, wallMs, nowMs) : [];
  }

  /** Of slots that are raised: the fence is open for all of them before any is announced. */
  #opened(raised: readonly (TakenSlot & { holding: Holding })[], nowMs: number): KeeperOutput[] {
    const granted = raised.flatMap(({ slot, epoch }) =>
      this.#leases.handle({ type: 'activate', slot, epoch }, nowMs),
    );
    const opened = this.#follow(granted, nowMs);
    // The lease may have ended while we were at it.
    const taken = raised.filter(({ slot, holding }) => this.#holdings.get(slot) === holding);
    if (taken.length === 0) return opened;
    const places = taken.flatMap(({ slot }) => this.#upkeep.settledPlacesOf(slot));
    return [...opened, ...mark(taken, 'switched'), { type: 'announce', places }, ...mark(taken, 'serving')];
  }

  #serve(
    taken: readonly (TakenSlot & { holding: Holding })[],
    wallMs: number,
    nowMs: number,
  ): KeeperOutput[] {
    return taken.flatMap(({ slot, holding }): KeeperOutput[] => {
      holding.serving = true;
      holding.announceAtMs = this.#upkeep.announceAfterMs(slot).map((afterMs) => nowMs + afterMs);
      return [
        { type: 'slot', state: this.#stateOf(slot) },
        { type: 'failover', record: this.#record(holding, wallMs - nowMs) },
        // It was seen on the way, as when it was raised ahead.
        ...(this.#upkeep.unfitness(slot) === '' ? [] : this.#part(slot, nowMs)),
      ];
    });
  }

  #renumber({ slot, epoch, formerEpoch }: NodeLeasesOutput & { type: 'renumbered' }): KeeperOutput[] {
    const holding = this.#holdings.get(slot);
    if (holding?.epoch !== formerEpoch) return [];
    holding.epoch = epoch;
    if (this.#isWaiting(slot)) return [];
    // Marks of the former epoch do not count any more: begin again from where the address is raised.
    if (!holding.serving) return mark([{ slot, epoch }], 'raised');
    if (holding.closing) return [];
    return [{ type: 'slot', state: this.#stateOf(slot) }];
  }

  #isShared(slot: string): boolean {
    return this.#definitions.get(slot)?.sharing !== undefined;
  }

  #relisted(renumbered: NodeLeasesOutput & { type: 'renumbered' }): KeeperOutput[] {
    const { slot, epoch, candidates, listSerial: serial } = renumbered;
    return this.#isShared(slot)
      ? [{ type: 'listed', slot, epoch, listed: candidates.map(plain), serial }]
      : [];
  }

  /** A function that cannot have the state must not serve; another candidate may. */
  #stateTaken(input: KeeperInput & { type: 'state-taken' }, nowMs: number): KeeperOutput[] {
    const { slot, isTaken, reason } = input;
    const holding = this.#holdings.get(slot);
    if (holding === undefined || holding.closing || !this.#states.told(input)) return [];
    const { epoch } = holding;
    const taken = [{ slot, epoch }];
    if (isTaken) return [...mark(taken, 'committed'), ...this.#raise(taken)];
    const message = `slot ${slot} is given up: its state cannot be had here: ${reason}`;
    const release = { type: 'release', slot, reason: 'function-unhealthy' } as const;
    return [
      { type: 'event', severity: 'error', message },
      ...this.#follow(this.#leases.handle(release, nowMs), nowMs),
    ];
  }

  #leave(lost: NodeLeasesOutput & { type: 'lost' }): KeeperOutput[] {
    const { slot, reason } = lost;
    const holding = this.#holdings.get(slot);
    this.#holdings.delete(slot);
    this.#formerHolders.forget(slot);
    this.#upkeep.leave(slot);
    this.#partings.left(lost);
    this.#states.forget(slot);
    const addresses = this.#upkeep.placesOf(slot).map(({ address }) => address);
    const withdraw: KeeperOutput[] = [{ type: 'withdraw', addresses }];
    if (this.#isShared(slot)) withdraw.push({ type: 'leave-state', slot });
    if (!holding) return withdraw;
    const told: KeeperOutput = { type: 'slot', state: this.#stateOf(slot, `lost: ${reason}`) };
    if (this.#definitions.isCurrent(slot)) return [...withdraw, told];
    this.#forget();
    return [...withdraw, ...this.#upkeep.define(this.#definitions.all), this.#definitions.underFence(), told];
  }

  /** Of a slot that got addresses while it serves. */
  #announceAnew(slot: string, holding: Holding, nowMs: number): void {
    if (holding.serving) holding.announceAtMs = this.#upkeep.announceAfterMs(slot).map((ms) => nowMs + ms);
  }

  #announceAgain(nowMs: number): KeeperOutput[] {
    const outputs: KeeperOutput[] = [];
    for (const [slot, holding] of this.#holdings) {
      if ((holding.announceAtMs[0] ?? Number.POSITIVE_INFINITY) > nowMs) continue;
      holding.announceAtMs = holding.announceAtMs.filter((atMs) => atMs > nowMs);
      const refreshMs = this.#upkeep.refreshAfterMs(slot);
      if (holding.announceAtMs.length === 0 && refreshMs !== null)
        holding.announceAtMs.push(nowMs + refreshMs);
      outputs.push({ type: 'announce', places: this.#upkeep.settledPlacesOf(slot) });
    }
    return outputs;
  }

  /**
   * The slot is being taken or left, and its state is told when that is done. What the driver hands back on the
   * way brings forth outputs that overtake those made before; an older state among these must not be the last word.
   */
  #isChanging(slot: string): boolean {
    const holding = this.#holdings.get(slot);
    return holding !== undefined && (!holding.serving || holding.closing);
  }

  #stateOf(slot: string, reason = ''): SlotState {
    const trouble = this.#troubles.get(slot) ?? '';
    return slotState(slot, this.#node, this.#holdings.get(slot), this.#observed.get(slot), {
      reason,
      trouble,
      refusal: this.#refusals.of(slot),
      passedOn: this.#partings.passedOn(slot),
    });
  }
}
